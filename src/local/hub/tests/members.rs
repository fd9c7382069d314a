//! Members, invitations, and what follows from them for findings.

use super::*;
use crate::core::ids::AccountId;
use crate::local::hub::members::why;
use crate::local::hub::topology::Known;
use crate::wire::securityhub::{
    AccountDetails, AccountIds, CreateMembers, Generator, Invitation, Member, MemberStatus, OrganizationAdminAccount,
    UnprocessedAccount, UpdateConfiguration,
};
use MemberStatus::{AccountSuspended, Created, Enabled, Invited, Removed, Resigned};

const MANAGEMENT: &str = "000000000000";

/// A world in which nobody administers anybody, and these hubs are on.
pub(super) fn world(on: &[(&str, &str)]) -> Hub {
    let mut hub = Hub::bare(hub().organization().clone(), Switches::default(), 7);
    for (account, region) in on {
        hub.enable(&caller(account, region), &EnableSecurityHub::default(), at(0)).unwrap();
    }
    hub
}

pub(super) fn ids(accounts: &[&str]) -> AccountIds {
    AccountIds { account_ids: accounts.iter().map(|id| (*id).to_owned()).collect() }
}

pub(super) fn create(hub: &mut Hub, of: &str, region: &str, accounts: &[&str]) -> Vec<(String, String)> {
    let details = |id: &&str| AccountDetails { account_id: (*id).to_owned(), email: None };
    let request = CreateMembers { account_details: accounts.iter().map(details).collect() };
    said(hub.create_members(&caller(of, region), &request, at(1)).unwrap().unprocessed_accounts)
}

fn said(unprocessed: Vec<UnprocessedAccount>) -> Vec<(String, String)> {
    unprocessed.into_iter().map(|of| (of.account_id, of.processing_result)).collect()
}

fn list(hub: &Hub, of: &str, region: &str) -> Vec<(String, MemberStatus)> {
    let all: Vec<Member> = hub.members(&caller(of, region), Some(false), None, None).unwrap().members;
    all.into_iter().map(|member| (member.account_id, member.member_status)).collect()
}

fn enabled(hub: &Hub, of: &str, region: &str) -> Vec<String> {
    hub.members(&caller(of, region), None, None, None).unwrap().members.into_iter().map(|member| member.account_id).collect()
}

fn invitation(hub: &Hub, member: &str) -> Invitation {
    hub.invitations(&caller(member, HOME), None, None).unwrap().invitations.remove(0)
}

fn accept(hub: &mut Hub, member: &str) -> Result<(), AwsError> {
    let Invitation { account_id, invitation_id, .. } = invitation(hub, member);
    hub.accept_invitation(&caller(member, HOME), &account_id, &invitation_id.unwrap(), at(3))
}

fn invited() -> Hub {
    let mut hub = world(&[(ADMIN, HOME), (MEMBER, HOME), (STRANGER, HOME)]);
    assert_eq!(create(&mut hub, ADMIN, HOME, &[MEMBER]), []);
    let answer = hub.invite_members(&caller(ADMIN, HOME), &ids(&[MEMBER]), at(2)).unwrap();
    assert_eq!(answer.unprocessed_accounts, []);
    hub
}

pub(super) fn designate(hub: &mut Hub, account: &str, region: &str) {
    let request = OrganizationAdminAccount { admin_account_id: account.to_owned(), feature: None };
    hub.enable_administrator(&caller(MANAGEMENT, region), &request, at(0)).unwrap();
}

#[test]
fn an_invited_account_is_a_member_once_it_accepts_in_the_region_of_the_invitation_only() {
    let mut hub = world(&[(ADMIN, HOME), (MEMBER, HOME), (ADMIN, LINKED), (MEMBER, LINKED)]);
    assert_eq!(create(&mut hub, ADMIN, HOME, &[MEMBER]), []);
    assert_eq!((list(&hub, ADMIN, HOME), enabled(&hub, ADMIN, HOME)), (vec![(MEMBER.to_owned(), Created)], vec![]));
    assert_eq!(hub.invitations(&caller(MEMBER, HOME), None, None).unwrap().invitations, []);
    hub.invite_members(&caller(ADMIN, HOME), &ids(&[MEMBER]), at(2)).unwrap();
    assert_eq!(list(&hub, ADMIN, HOME), [(MEMBER.to_owned(), Invited)]);
    let of = invitation(&hub, MEMBER);
    assert_eq!((of.account_id.as_str(), of.member_status, of.invited_at), (ADMIN, Invited, Some(at(2))));
    assert_eq!(hub.invitations_count(&caller(MEMBER, HOME)).unwrap().invitations_count, 1);
    let key = add(&mut hub, &failed(MEMBER, HOME, "m", 0));
    assert_eq!(super::ids(&get(&hub, ADMIN, HOME, &GetFindings::default())), [""; 0]);
    accept(&mut hub, MEMBER).unwrap();
    assert_eq!(enabled(&hub, ADMIN, HOME), [MEMBER]);
    assert_eq!(super::ids(&get(&hub, ADMIN, HOME, &GetFindings::default())), ["m"]);
    assert_eq!(codes(&update(&mut hub, ADMIN, &[&key], workflow(WorkflowStatus::Notified))), [""; 0]);
    assert_eq!(hub.invitations_count(&caller(MEMBER, HOME)).unwrap().invitations_count, 0);
    let administrator = hub.administrator(&caller(MEMBER, HOME)).unwrap().administrator.unwrap();
    assert_eq!((administrator.account_id.as_str(), administrator.member_status), (ADMIN, Enabled));
    // Nothing of this is so in the other Region.
    assert_eq!((list(&hub, ADMIN, LINKED), hub.administrator(&caller(MEMBER, LINKED)).unwrap().administrator), (vec![], None));
}

#[test]
fn who_declines_has_resigned_and_may_still_accept_until_the_invitation_is_deleted() {
    let mut hub = invited();
    let member = caller(MEMBER, HOME);
    hub.decline_invitations(&member, &ids(&[ADMIN]), at(3)).unwrap();
    assert_eq!(list(&hub, ADMIN, HOME), [(MEMBER.to_owned(), Resigned)]);
    let again = hub.decline_invitations(&member, &ids(&[ADMIN, STRANGER]), at(3)).unwrap();
    assert_eq!(again.unprocessed_accounts.len(), 2, "it is declined already");
    accept(&mut hub, MEMBER).unwrap();
    assert_eq!(enabled(&hub, ADMIN, HOME), [MEMBER]);
    let kept = hub.delete_invitations(&member, &ids(&[ADMIN]), at(4)).unwrap();
    assert_eq!(said(kept.unprocessed_accounts), [(ADMIN.to_owned(), why::NO_INVITATION.to_owned())], "the accepted one stays");
    hub.disassociate_from_administrator(&member, at(5)).unwrap();
    assert_eq!(list(&hub, ADMIN, HOME), [(MEMBER.to_owned(), Resigned)]);
    hub.delete_invitations(&member, &ids(&[ADMIN]), at(6)).unwrap();
    assert_eq!(hub.invitations(&member, None, None).unwrap().invitations, []);
    assert_eq!(list(&hub, ADMIN, HOME), [(MEMBER.to_owned(), Resigned)]);
    assert_eq!(hub.disassociate_from_administrator(&member, at(7)).unwrap_err().code, "ResourceNotFoundException");
}

#[test]
fn an_administrator_takes_an_invitation_back_and_the_account_is_as_if_never_invited() {
    let mut hub = invited();
    let answer = hub.delete_invitations(&caller(ADMIN, HOME), &ids(&[MEMBER, STRANGER]), at(3)).unwrap();
    assert_eq!(said(answer.unprocessed_accounts), [(STRANGER.to_owned(), why::NO_INVITATION.to_owned())]);
    assert_eq!(list(&hub, ADMIN, HOME), [(MEMBER.to_owned(), Created)]);
    assert_eq!(hub.invitations_count(&caller(MEMBER, HOME)).unwrap().invitations_count, 0);
}

#[test]
fn who_is_disassociated_stays_on_the_list_as_removed_until_it_is_deleted() {
    let mut hub = invited();
    let admin = caller(ADMIN, HOME);
    accept(&mut hub, MEMBER).unwrap();
    let key = add(&mut hub, &failed(MEMBER, HOME, "m", 0));
    let refused = hub.delete_members(&admin, &ids(&[MEMBER])).unwrap();
    assert_eq!(said(refused.unprocessed_accounts), [(MEMBER.to_owned(), why::ENABLED.to_owned())]);
    let unknown = hub.disassociate_members(&admin, &ids(&[MEMBER, STRANGER]), at(4)).unwrap_err();
    assert_eq!((unknown.code, enabled(&hub, ADMIN, HOME).len()), ("ResourceNotFoundException", 1), "all of them, or none");
    hub.disassociate_members(&admin, &ids(&[MEMBER]), at(4)).unwrap();
    assert_eq!((list(&hub, ADMIN, HOME), enabled(&hub, ADMIN, HOME)), (vec![(MEMBER.to_owned(), Removed)], vec![]));
    assert_eq!(hub.administrator(&caller(MEMBER, HOME)).unwrap().administrator, None);
    assert_eq!(super::ids(&get(&hub, ADMIN, HOME, &GetFindings::default())), [""; 0]);
    assert_eq!(codes(&update(&mut hub, ADMIN, &[&key], workflow(WorkflowStatus::New))), ["FindingNotFound"]);
    // Adding it again is not the way back; inviting it is.
    assert_eq!(create(&mut hub, ADMIN, HOME, &[MEMBER]), [(MEMBER.to_owned(), why::ALREADY.to_owned())]);
    hub.invite_members(&admin, &ids(&[MEMBER]), at(5)).unwrap();
    accept(&mut hub, MEMBER).unwrap();
    hub.disassociate_members(&admin, &ids(&[MEMBER]), at(6)).unwrap();
    assert_eq!(hub.delete_members(&admin, &ids(&[MEMBER])).unwrap().unprocessed_accounts, []);
    assert_eq!(list(&hub, ADMIN, HOME), []);
    let gone = hub.delete_members(&admin, &ids(&[MEMBER])).unwrap();
    assert_eq!(said(gone.unprocessed_accounts), [(MEMBER.to_owned(), why::NO_MEMBER.to_owned())]);
}

#[test]
fn an_account_has_one_administrator_and_is_none_itself() {
    let mut hub = invited();
    let stranger = caller(STRANGER, HOME);
    create(&mut hub, STRANGER, HOME, &[MEMBER, ADMIN, STRANGER]);
    hub.invite_members(&stranger, &ids(&[MEMBER, ADMIN]), at(2)).unwrap();
    accept(&mut hub, MEMBER).unwrap();
    // The member has accepted one; the administrator has members.
    let other = hub.invitations(&caller(MEMBER, HOME), None, None).unwrap().invitations;
    let other = other.into_iter().find(|of| of.account_id == STRANGER).unwrap();
    let second = hub.accept_invitation(&caller(MEMBER, HOME), STRANGER, &other.invitation_id.unwrap(), at(3));
    assert_eq!(second.unwrap_err().code, "InvalidInputException");
    assert_eq!(accept(&mut hub, ADMIN).unwrap_err().code, "InvalidInputException");
    let again = hub.invite_members(&stranger, &ids(&[MEMBER]), at(4)).unwrap();
    assert_eq!(said(again.unprocessed_accounts), [(MEMBER.to_owned(), why::OF_ANOTHER.to_owned())]);
    let member = caller(MEMBER, HOME);
    let request = CreateMembers { account_details: vec![AccountDetails { account_id: STRANGER.to_owned(), email: None }] };
    assert_eq!(hub.create_members(&member, &request, at(4)).unwrap_err().code, "InvalidAccessException");
    assert_eq!(hub.invite_members(&member, &ids(&[STRANGER]), at(4)).unwrap_err().code, "InvalidAccessException");
    let wrong = hub.accept_invitation(&member, ADMIN, "0123", at(4)).unwrap_err();
    assert_eq!(wrong.code, "ResourceNotFoundException");
}

#[test]
fn what_cannot_be_added_is_said_by_account_and_the_rest_is_done() {
    let mut hub = world(&[(ADMIN, HOME)]);
    let unprocessed = create(&mut hub, ADMIN, HOME, &[ADMIN, MEMBER, MEMBER]);
    assert_eq!(unprocessed, [(ADMIN.to_owned(), why::ITSELF.to_owned()), (MEMBER.to_owned(), why::ALREADY.to_owned())]);
    let found = hub.members_by_name(&caller(ADMIN, HOME), &ids(&[STRANGER, MEMBER])).unwrap();
    assert_eq!(found.members.iter().map(|member| member.account_id.as_str()).collect::<Vec<_>>(), [MEMBER]);
    assert_eq!(said(found.unprocessed_accounts), [(STRANGER.to_owned(), why::NO_MEMBER.to_owned())]);
    let not_invited = hub.invite_members(&caller(ADMIN, HOME), &ids(&[STRANGER]), at(2)).unwrap();
    assert_eq!(said(not_invited.unprocessed_accounts), [(STRANGER.to_owned(), why::NO_MEMBER.to_owned())]);
    for bad in [&["12345"][..], &[], &["44445555666a"]] {
        let admin = caller(ADMIN, HOME);
        assert_eq!(hub.members_by_name(&admin, &ids(bad)).unwrap_err().code, "InvalidInputException");
        assert_eq!(hub.delete_members(&admin, &ids(bad)).unwrap_err().code, "InvalidInputException");
    }
}

#[test]
fn more_members_than_the_service_allows_are_refused_whole() {
    let mut hub = world(&[(ADMIN, HOME)]);
    let admin = caller(ADMIN, HOME);
    let batch = |from: usize, count: usize| CreateMembers {
        account_details: (from..from + count)
            .map(|n| AccountDetails { account_id: format!("2{n:011}"), email: Some(format!("a{n}@example.com")) })
            .collect(),
    };
    for number in 0..20 {
        assert_eq!(hub.create_members(&admin, &batch(number * 50, 50), at(1)).unwrap().unprocessed_accounts, []);
    }
    let over = hub.create_members(&admin, &batch(999, 2), at(1)).unwrap_err();
    assert_eq!((over.code, list_len(&hub)), ("LimitExceededException", 1_000));
    assert_eq!(hub.create_members(&admin, &batch(0, 51), at(1)).unwrap_err().code, "InvalidInputException");
    // Those of the organization have a limit of their own.
    designate(&mut hub, ADMIN, HOME);
    assert_eq!(hub.create_members(&admin, &batch(5_000, 1), at(1)).unwrap().unprocessed_accounts, []);
}

fn list_len(hub: &Hub) -> usize {
    hub.topology().members(ADMIN.parse().unwrap(), &HOME.parse().unwrap()).count()
}

#[test]
fn an_account_of_the_organization_is_a_member_at_once_with_its_hub_on() {
    let mut hub = world(&[]);
    designate(&mut hub, ADMIN, HOME);
    assert!(hub.is_enabled(ADMIN.parse().unwrap(), &HOME.parse().unwrap()), "so is the administrator's");
    assert_eq!(create(&mut hub, ADMIN, HOME, &[MEMBER]), []);
    assert_eq!(enabled(&hub, ADMIN, HOME), [MEMBER]);
    let standards =
        hub.enabled_standards(&caller(MEMBER, HOME), &crate::wire::securityhub::GetEnabledStandards::default(), at(1));
    assert_eq!(standards.unwrap().standards_subscriptions.len(), 2);
    let member = caller(MEMBER, HOME);
    assert_eq!(hub.disassociate_from_administrator(&member, at(2)).unwrap_err().code, "InvalidAccessException");
    let admin = caller(ADMIN, HOME);
    hub.disassociate_members(&admin, &ids(&[MEMBER]), at(3)).unwrap();
    let kept = hub.delete_members(&admin, &ids(&[MEMBER])).unwrap();
    assert_eq!(said(kept.unprocessed_accounts), [(MEMBER.to_owned(), why::ORGANIZATION.to_owned())]);
    let uninvited = hub.invite_members(&admin, &ids(&[MEMBER]), at(3)).unwrap();
    assert_eq!(said(uninvited.unprocessed_accounts), [(MEMBER.to_owned(), why::ORGANIZATION.to_owned())]);
    // It comes back as it came.
    assert_eq!(create(&mut hub, ADMIN, HOME, &[MEMBER]), []);
    assert_eq!(enabled(&hub, ADMIN, HOME), [MEMBER]);
}

#[test]
fn the_management_account_a_suspended_one_and_one_outside_are_no_members_at_once() {
    let mut hub = world(&[]);
    designate(&mut hub, ADMIN, HOME);
    let account = |id: &str| id.parse::<AccountId>().unwrap();
    hub.know_account(account(MEMBER), Known { suspended: true, ..Known::default() }, at(0));
    hub.know_account(account(STRANGER), Known { outside: true, ..Known::default() }, at(0));
    let unprocessed = create(&mut hub, ADMIN, HOME, &[MANAGEMENT, MEMBER, STRANGER]);
    assert_eq!(
        unprocessed,
        [(MANAGEMENT.to_owned(), why::MANAGEMENT.to_owned()), (MEMBER.to_owned(), why::SUSPENDED.to_owned())]
    );
    assert_eq!(list(&hub, ADMIN, HOME), [(MEMBER.to_owned(), AccountSuspended), (STRANGER.to_owned(), Created)]);
    hub.enable(&caller(MANAGEMENT, HOME), &EnableSecurityHub::default(), at(1)).unwrap();
    hub.know_account(account(MEMBER), Known::default(), at(1));
    assert_eq!(create(&mut hub, ADMIN, HOME, &[MANAGEMENT, MEMBER]), []);
    assert_eq!(enabled(&hub, ADMIN, HOME), [MANAGEMENT, MEMBER]);
}

#[test]
fn findings_of_a_member_are_as_its_administrator_chose_and_stay_so_when_it_leaves() {
    let mut hub = invited();
    let admin = caller(ADMIN, HOME);
    let other =
        UpdateConfiguration { auto_enable_controls: None, control_finding_generator: Some("STANDARD_CONTROL".to_owned()) };
    hub.configure(&admin, &other, at(2)).unwrap();
    let of = |hub: &Hub| hub.describe(&caller(MEMBER, HOME), None).unwrap().control_finding_generator;
    add(&mut hub, &failed(MEMBER, HOME, "m", 0));
    assert_eq!(of(&hub), Generator::SecurityControl);
    accept(&mut hub, MEMBER).unwrap();
    assert_eq!(of(&hub), Generator::StandardControl);
    while hub.turn(at(60 * 60 * 25), 500) {}
    let forms = get(&hub, MEMBER, HOME, &GetFindings::default());
    assert!(forms.iter().any(|finding| finding["Id"].as_str().unwrap().contains(":subscription/")), "its findings follow");
    hub.disassociate_members(&admin, &ids(&[MEMBER]), at(4)).unwrap();
    assert_eq!(of(&hub), Generator::StandardControl);
}

#[test]
fn disabling_a_hub_ends_what_it_was_invited_to() {
    let mut hub = invited();
    create(&mut hub, MEMBER, HOME, &[STRANGER]);
    hub.disable(&caller(MEMBER, HOME), at(60)).unwrap();
    assert_eq!(list(&hub, ADMIN, HOME), []);
    hub.enable(&caller(MEMBER, HOME), &EnableSecurityHub::default(), at(9)).unwrap();
    assert_eq!(list(&hub, MEMBER, HOME), []);
}
