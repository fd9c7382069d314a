//! Members, their administrator, and invitations.

use aws_sdk_securityhub::Client;
use aws_sdk_securityhub::types::{AccountDetails, Member};

use super::{ADMIN, HOME, MEMBER, World};

pub const KNOWN: &[&str] = &["GetAdministratorAccount", "GetMasterAccount", "ListMembers"];
pub const INVITED: &[&str] = &[
    "AcceptAdministratorInvitation",
    "AcceptInvitation",
    "CreateMembers",
    "DeclineInvitations",
    "DeleteInvitations",
    "DeleteMembers",
    "DisassociateFromAdministratorAccount",
    "DisassociateFromMasterAccount",
    "DisassociateMembers",
    "GetInvitationsCount",
    "GetMembers",
    "InviteMembers",
    "ListInvitations",
];

const REGION: &str = "ca-central-1";
const FIRST: &str = "321000000001";
const SECOND: &str = "321000000002";
const GUEST: &str = "321000000003";
const OTHER: &str = "321000000004";
const UNKNOWN: &str = "321000000009";

fn details(account: &str) -> AccountDetails {
    AccountDetails::builder().account_id(account).email(format!("a{account}@example.com")).build()
}

fn statuses(members: &[Member]) -> Vec<(&str, &str)> {
    members.iter().map(|member| (member.account_id().unwrap(), member.member_status().unwrap())).collect()
}

async fn status(of: &Client, account: &str) -> String {
    let read = of.get_members().account_ids(account).send().await.unwrap();
    read.members()[0].member_status().unwrap().to_owned()
}

/// The id of the invitation by `sender`.
async fn invitation(guest: &Client, sender: &str) -> String {
    let all = guest.list_invitations().send().await.unwrap();
    let found = all.invitations().iter().find(|invitation| invitation.account_id() == Some(sender)).unwrap();
    found.invitation_id().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[expect(deprecated, reason = "the older names are served too")]
async fn the_members_of_an_organization_know_their_administrator_and_it_knows_them() {
    let world = World::start().await;
    let (admin, member) = (world.admin(), world.client(MEMBER, HOME));
    let (members, calls) = pages!(world, "ListMembers", admin.list_members().only_associated(true), 1);
    assert_eq!(members.iter().map(|member| member.member_status()).collect::<Vec<_>>(), [Some("Enabled"); 2]);
    assert!(calls > 1 && members.iter().all(|member| member.administrator_id() == Some(ADMIN) && member.updated_at().is_some()));
    let above = member.get_administrator_account().send().await.unwrap();
    assert_eq!(above.administrator().and_then(|admin| admin.account_id()), Some(ADMIN));
    assert!(admin.get_administrator_account().send().await.unwrap().administrator().is_none());
    let above = member.get_master_account().send().await.unwrap();
    assert_eq!(above.master().and_then(|admin| admin.member_status()), Some("Enabled"));
    refused!(member.disassociate_from_administrator_account(), is_invalid_access_exception);
    refused!(member.create_members().account_details(details(UNKNOWN)), is_invalid_access_exception);
    refused!(member.invite_members().account_ids(UNKNOWN), is_invalid_access_exception);
    refused!(admin.list_members().max_results(51), is_invalid_input_exception);
    let stranger = world.client("999999999999", HOME);
    refused!(stranger.list_members(), is_invalid_access_exception);
    refused!(stranger.get_administrator_account(), is_invalid_access_exception);
    refused!(stranger.get_master_account(), is_invalid_access_exception);
    over_quota!(world, "ListMembers", admin.list_members());
    over_quota!(world, "GetAdministratorAccount", member.get_administrator_account());
    over_quota!(world, "GetMasterAccount", member.get_master_account());
    world.assert_called(KNOWN);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(deprecated, reason = "the older names are served too")]
async fn accounts_are_invited_accept_leave_and_are_sent_away() {
    let world = World::start().await;
    let [first, second, guest] = [FIRST, SECOND, GUEST].map(|account| world.client(account, REGION));
    for hub in [&first, &second, &guest] {
        hub.enable_security_hub().enable_default_standards(false).send().await.unwrap();
    }
    let create = || first.create_members().account_details(details(GUEST)).account_details(details(OTHER));
    assert!(create().send().await.unwrap().unprocessed_accounts().is_empty());
    let read = first.get_members().account_ids(GUEST).account_ids(UNKNOWN).send().await.unwrap();
    assert_eq!(statuses(read.members()), [(GUEST, "Created")]);
    assert_eq!(read.unprocessed_accounts()[0].account_id(), Some(UNKNOWN));
    assert!(read.unprocessed_accounts()[0].processing_result().is_some());
    assert_eq!(read.members()[0].email(), Some("a321000000003@example.com"));
    let invite = || first.invite_members().account_ids(GUEST);
    assert!(invite().send().await.unwrap().unprocessed_accounts().is_empty());
    second.create_members().account_details(details(GUEST)).send().await.unwrap();
    second.invite_members().account_ids(GUEST).send().await.unwrap();
    assert_eq!(guest.get_invitations_count().send().await.unwrap().invitations_count(), Some(2));
    let (invitations, calls) = pages!(world, "ListInvitations", guest.list_invitations(), 1);
    assert!(calls > 1 && invitations.iter().all(|one| one.member_status() == Some("Invited") && one.invited_at().is_some()));

    // By both names; it leaves by both.
    let accept = |id: String| guest.accept_administrator_invitation().administrator_id(FIRST).invitation_id(id);
    let accept_master = |id: String| guest.accept_invitation().master_id(SECOND).invitation_id(id);
    refused!(accept("0".to_owned()), is_resource_not_found_exception);
    refused!(accept_master("0".to_owned()), is_resource_not_found_exception);
    accept(invitation(&guest, FIRST).await).send().await.unwrap();
    assert_eq!(status(&first, GUEST).await, "Enabled");
    refused!(accept_master(invitation(&guest, SECOND).await), is_invalid_input_exception);
    guest.disassociate_from_administrator_account().send().await.unwrap();
    refused!(guest.disassociate_from_administrator_account(), is_resource_not_found_exception);
    assert_eq!(status(&first, GUEST).await, "Resigned");
    accept_master(invitation(&guest, SECOND).await).send().await.unwrap();
    assert_eq!(status(&second, GUEST).await, "Enabled");
    over_quota!(world, "DisassociateFromMasterAccount", guest.disassociate_from_master_account());
    guest.disassociate_from_master_account().send().await.unwrap();
    refused!(guest.disassociate_from_master_account(), is_resource_not_found_exception);

    accept(invitation(&guest, FIRST).await).send().await.unwrap();
    over_quota!(world, "DisassociateFromAdministratorAccount", guest.disassociate_from_administrator_account());
    refused!(first.disassociate_members().account_ids(UNKNOWN), is_resource_not_found_exception);
    over_quota!(world, "DisassociateMembers", first.disassociate_members().account_ids(GUEST));
    first.disassociate_members().account_ids(GUEST).send().await.unwrap();
    assert_eq!(status(&first, GUEST).await, "Removed");
    invite().send().await.unwrap();
    let declined = guest.decline_invitations().account_ids(FIRST).account_ids(UNKNOWN).send().await.unwrap();
    assert_eq!(declined.unprocessed_accounts()[0].account_id(), Some(UNKNOWN));
    let deleted = guest.delete_invitations().account_ids(FIRST).send().await.unwrap();
    assert!(deleted.unprocessed_accounts().is_empty());

    refused!(first.create_members().account_details(details("12")), is_invalid_input_exception);
    refused!(first.get_members(), is_invalid_input_exception);
    refused!(first.invite_members(), is_invalid_input_exception);
    refused!(first.delete_members(), is_invalid_input_exception);
    refused!(guest.decline_invitations(), is_invalid_input_exception);
    refused!(guest.delete_invitations(), is_invalid_input_exception);
    refused!(guest.list_invitations().max_results(0), is_invalid_input_exception);
    refused!(world.client("999999999999", REGION).get_invitations_count(), is_invalid_access_exception);
    over_quota!(world, "AcceptAdministratorInvitation", accept("0".to_owned()));
    over_quota!(world, "AcceptInvitation", accept_master("0".to_owned()));
    over_quota!(world, "CreateMembers", create());
    over_quota!(world, "GetMembers", first.get_members().account_ids(GUEST));
    over_quota!(world, "InviteMembers", invite());
    over_quota!(world, "ListInvitations", guest.list_invitations());
    over_quota!(world, "GetInvitationsCount", guest.get_invitations_count());
    over_quota!(world, "DeleteMembers", first.delete_members().account_ids(GUEST));
    over_quota!(world, "DeleteInvitations", guest.delete_invitations().account_ids(FIRST));
    in_trouble!(world, "DeclineInvitations", guest.decline_invitations().account_ids(FIRST));

    let deleted = first.delete_members().account_ids(GUEST).account_ids(UNKNOWN).send().await.unwrap();
    assert_eq!(deleted.unprocessed_accounts()[0].account_id(), Some(UNKNOWN));
    let left = first.list_members().only_associated(false).send().await.unwrap();
    assert_eq!(statuses(left.members()), [(OTHER, "Created")]);
    world.assert_called(INVITED);
}
