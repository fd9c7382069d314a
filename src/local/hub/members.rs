//! The list of members of an administrator: who is on it, and who of them is a member. In each Region its own.
//!
//! Sources: the service's model; the guide's account-management-manual, orgs-accounts-enable, accounts-orgs-disassociate,
//! securityhub-delete-member-accounts. Why an account is not processed is free text in the model: the words are GuardDuty's,
//! which AWS gives here too (aws-samples/aws-secure-environment-accelerator, issue 814).

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::core::ids::{AccountId, Region};
use crate::wire::error::AwsError;
use crate::wire::limits::{CREATE_MEMBERS_MAX, INVITED_MAX, MEMBERS_MAX, MEMBERS_PAGE_MAX};
use crate::wire::securityhub::{
    AccountIds, AutoEnableStandards, CreateMembers, Feature, Member, MemberStatus, Members, MembersByName, UnprocessedAccount,
    UnprocessedAccounts,
};

use super::Hub;
use super::caller::Caller;
use super::given::{batch, not_blank};
use super::page::{Asked, page_size};
use super::topology::membership::{Bond, Membership};

/// Why nothing was done with an account.
pub(super) mod why {
    pub const ALREADY: &str =
        "The request is rejected because the given account ID is already a member or associated member of the current account.";
    pub const ITSELF: &str = "The request is rejected because an account cannot become a member of itself.";
    pub const OF_ANOTHER: &str =
        "The request is rejected because the given account ID is already an associated member of another administrator account.";
    pub const NO_MEMBER: &str =
        "The request is rejected because the given account ID is not an associated member of account the current account.";
    pub const SUSPENDED: &str = "The request is rejected because the given account is suspended.";
    pub const MANAGEMENT: &str = "The request is rejected because Security Hub cannot be enabled automatically in the management \
        account of the organization: enable it there first.";
    pub const ADMINISTERS: &str = "The request is rejected because the given account ID is an administrator account.";
    pub const ORGANIZATION: &str =
        "The request is rejected because the given account ID belongs to your organization: it is not invited, and not deleted.";
    pub const ENABLED: &str = "The request is rejected because the given account ID is an enabled member: disassociate it first.";
    pub const NO_INVITATION: &str = "The request is rejected because there is no invitation of or to the given account ID.";
}

impl Hub {
    /// CreateMembers. An account of the caller's organization is a member at once, if the caller is the delegated administrator,
    /// and its hub is enabled; any other is on the list, to be invited.
    pub fn create_members(
        &mut self,
        caller: &Caller,
        request: &CreateMembers,
        now: Timestamp,
    ) -> Result<UnprocessedAccounts, AwsError> {
        self.require_enabled(caller)?;
        let details = &request.account_details;
        batch("AccountDetails", details.len(), CREATE_MEMBERS_MAX)?;
        let ids = accounts("AccountDetails.AccountId", details.iter().map(|of| of.account_id.as_str()))?;
        for email in details.iter().filter_map(|of| of.email.as_deref()) {
            not_blank("AccountDetails.Email", email)?;
        }
        self.require_no_member(caller)?;
        let (administrator, region) = (caller.account, &caller.region);
        let new = |id: &&AccountId| self.topology.member(administrator, region, **id).is_none();
        let new = ids.iter().filter(new).collect::<BTreeSet<_>>().into_iter();
        let (own, invited): (Vec<AccountId>, Vec<AccountId>) = new.partition(|id| self.manages(caller, **id));
        self.require_room(caller, own.len(), invited.len())?;
        let mut answer = UnprocessedAccounts::default();
        for (id, of) in ids.into_iter().zip(details) {
            let added = if self.manages(caller, id) {
                self.add_from_organization(administrator, region, id, of.email.clone(), now)
            } else {
                self.add_by_hand(administrator, region, id, of.email.clone(), now)
            };
            answer.unprocessed_accounts.extend(added.err().map(|why| unprocessed(id, why)));
        }
        Ok(answer)
    }

    /// ListMembers; `only_associated`: those that are members now, which is what it lists unless told otherwise. An account that
    /// administers nobody has none.
    pub fn members(
        &self,
        caller: &Caller,
        only_associated: Option<bool>,
        size: Option<i64>,
        token: Option<&str>,
    ) -> Result<Members, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, MEMBERS_PAGE_MAX, MEMBERS_PAGE_MAX)?;
        let only = only_associated.unwrap_or(true);
        let members = self.topology.members(caller.account, &caller.region);
        let members = members.filter(|(_, membership)| !only || membership.status == MemberStatus::Enabled);
        let members = members.map(|(id, membership)| member(caller.account, id, membership));
        let arguments = if only { "associated" } else { "all" };
        let asked = Asked { operation: "ListMembers", caller, arguments, size, token };
        let (members, next_token) = self.page(&asked, members)?;
        Ok(Members { members, next_token })
    }

    /// GetMembers.
    pub fn members_by_name(&self, caller: &Caller, request: &AccountIds) -> Result<MembersByName, AwsError> {
        self.require_enabled(caller)?;
        let mut answer = MembersByName::default();
        for id in named(request)? {
            match self.topology.member(caller.account, &caller.region, id) {
                Some(membership) => answer.members.push(member(caller.account, id, membership)),
                None => answer.unprocessed_accounts.push(unprocessed(id, why::NO_MEMBER)),
            }
        }
        Ok(answer)
    }

    /// DisassociateMembers: who was a member stays on the list as Removed. All of them, or none.
    pub fn disassociate_members(&mut self, caller: &Caller, request: &AccountIds, now: Timestamp) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let ids = named(request)?;
        let unknown = |id: &&AccountId| self.topology.member(caller.account, &caller.region, **id).is_none();
        if let Some(id) = ids.iter().find(unknown) {
            return Err(AwsError::not_found(format!("Account {id} is not a member of account {}", caller.account)));
        }
        for id in ids {
            self.unbind(caller.account, &caller.region, id, MemberStatus::Removed, now);
        }
        Ok(())
    }

    /// DeleteMembers: for those that were to be members by invitation, and are not, or no longer.
    pub fn delete_members(&mut self, caller: &Caller, request: &AccountIds) -> Result<UnprocessedAccounts, AwsError> {
        self.require_enabled(caller)?;
        each(request, |id| match self.topology.member(caller.account, &caller.region, id) {
            None => Err(why::NO_MEMBER),
            Some(member) if member.bond == Bond::Organization => Err(why::ORGANIZATION),
            Some(member) if member.status == MemberStatus::Enabled => Err(why::ENABLED),
            Some(_) => {
                self.topology.remove_member(caller.account, &caller.region, id);
                Ok(())
            }
        })
    }

    /// InviteMembers: those on the list that are no members. A second invitation replaces the first.
    pub fn invite_members(
        &mut self,
        caller: &Caller,
        request: &AccountIds,
        now: Timestamp,
    ) -> Result<UnprocessedAccounts, AwsError> {
        self.require_enabled(caller)?;
        self.require_no_member(caller)?;
        let (administrator, region) = (caller.account, &caller.region);
        each(request, |id| match self.topology.member(administrator, region, id).cloned() {
            None => Err(why::NO_MEMBER),
            Some(of) if of.bond == Bond::Organization || self.manages(caller, id) => Err(why::ORGANIZATION),
            Some(of) if of.status == MemberStatus::Enabled => Err(why::ALREADY),
            Some(_) if self.topology.administrator(id, region).is_some() => Err(why::OF_ANOTHER),
            Some(of) => {
                let invitation = self.uuid().replace('-', "");
                let (status, invited_at, updated_at) = (MemberStatus::Invited, Some(now), now);
                let invited = Membership { status, invited_at, updated_at, invitation: Some(invitation), ..of };
                self.topology.put_member(administrator, region, id, invited);
                Ok(())
            }
        })
    }

    /// Whether an account is the caller's to add without an invitation: it is the delegated administrator here, and both belong
    /// to the organization.
    fn manages(&self, caller: &Caller, account: AccountId) -> bool {
        self.topology.delegated(Feature::SecurityHub, &caller.region) == Some(caller.account)
            && self.topology.in_organization(account)
    }

    /// An account cannot be a member and an administrator at once.
    fn require_no_member(&self, caller: &Caller) -> Result<(), AwsError> {
        match self.topology.administrator(caller.account, &caller.region) {
            None => Ok(()),
            Some(administrator) => Err(AwsError::invalid_access(format!(
                "Account {} is a member account of administrator {administrator}: it cannot have members",
                caller.account
            ))),
        }
    }

    /// Refused: more on a list than the service allows in a Region.
    fn require_room(&self, caller: &Caller, own: usize, invited: usize) -> Result<(), AwsError> {
        let (mut owns, mut invites) = (own, invited);
        for (_, membership) in self.topology.members(caller.account, &caller.region) {
            match membership.bond {
                Bond::Organization => owns += 1,
                Bond::Invitation => invites += 1,
            }
        }
        let over = if own > 0 && owns > MEMBERS_MAX {
            format!("Account {} may have at most {MEMBERS_MAX} member accounts in a Region", caller.account)
        } else if invited > 0 && invites > INVITED_MAX {
            format!("Account {} may invite at most {INVITED_MAX} member accounts in a Region", caller.account)
        } else {
            return Ok(());
        };
        Err(AwsError::limit_exceeded(over))
    }

    fn add_by_hand(
        &mut self,
        administrator: AccountId,
        region: &Region,
        member: AccountId,
        email: Option<String>,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        if member == administrator {
            return Err(why::ITSELF);
        }
        if self.topology.member(administrator, region, member).is_some() {
            return Err(why::ALREADY);
        }
        let membership = Membership::new(MemberStatus::Created, Bond::Invitation, email, now);
        self.topology.put_member(administrator, region, member, membership);
        Ok(())
    }

    /// An account of the organization becomes a member of its delegated administrator; its hub is enabled, if it is not.
    pub(super) fn add_from_organization(
        &mut self,
        administrator: AccountId,
        region: &Region,
        member: AccountId,
        email: Option<String>,
        now: Timestamp,
    ) -> Result<(), &'static str> {
        let known = self.topology.known(member);
        if member == administrator {
            return Err(why::ITSELF);
        }
        match self.topology.administrator(member, region) {
            Some(of) if of == administrator => return Err(why::ALREADY),
            Some(_) => return Err(why::OF_ANOTHER),
            None => {}
        }
        if self.topology.administers(member, region) {
            return Err(why::ADMINISTERS);
        }
        let mut membership = Membership::new(MemberStatus::Enabled, Bond::Organization, email.or(known.email), now);
        if known.suspended {
            membership.status = MemberStatus::AccountSuspended;
            self.topology.put_member(administrator, region, member, membership);
            return Err(why::SUSPENDED);
        }
        if !self.is_enabled(member, region) {
            if member == self.topology.management {
                return Err(why::MANAGEMENT);
            }
            let standards = self.topology.new_accounts(region).standards == AutoEnableStandards::Default;
            self.begin(member, region, None, standards, now);
        }
        self.bind(administrator, region, member, membership, now);
        Ok(())
    }

    /// An account becomes a member: its findings are as its administrator has them, and it has no aggregator of its own.
    pub(super) fn bind(
        &mut self,
        administrator: AccountId,
        region: &Region,
        member: AccountId,
        membership: Membership,
        now: Timestamp,
    ) {
        let before = self.generator(member, region);
        self.topology.put_member(administrator, region, member, membership);
        self.topology.set_aggregator(member, None);
        if self.generator(member, region) != before {
            self.convert_later(member, region, now);
        }
    }

    /// An account that was a member is none any more. Its findings stay as they were.
    pub(super) fn unbind(
        &mut self,
        administrator: AccountId,
        region: &Region,
        member: AccountId,
        status: MemberStatus,
        now: Timestamp,
    ) {
        let Some(membership) = self.topology.member(administrator, region, member).cloned() else { return };
        if membership.status != MemberStatus::Enabled {
            return;
        }
        let generator = self.generator(member, region);
        if let Some(settings) = self.enabled.get_mut(&(member, region.clone())) {
            settings.generator = generator;
        }
        // Who resigned may accept its invitation again.
        let invitation = membership.invitation.clone().filter(|_| status == MemberStatus::Resigned);
        self.topology.put_member(administrator, region, member, Membership { status, invitation, updated_at: now, ..membership });
    }
}

fn member(administrator: AccountId, id: AccountId, membership: &Membership) -> Member {
    Member {
        account_id: id.to_string(),
        email: membership.email.clone(),
        master_id: administrator.to_string(),
        administrator_id: administrator.to_string(),
        member_status: membership.status,
        invited_at: membership.invited_at,
        updated_at: membership.updated_at,
    }
}

/// What to say of an account with which nothing was done.
pub(super) fn unprocessed(id: AccountId, why: &str) -> UnprocessedAccount {
    UnprocessedAccount { account_id: id.to_string(), processing_result: why.to_owned() }
}

/// Does something with each account that a request names, and lists those with which it was not done, and why.
pub(super) fn each(
    request: &AccountIds,
    mut act: impl FnMut(AccountId) -> Result<(), &'static str>,
) -> Result<UnprocessedAccounts, AwsError> {
    let ids = named(request)?.into_iter();
    let unprocessed_accounts = ids.filter_map(|id| act(id).err().map(|why| unprocessed(id, why))).collect();
    Ok(UnprocessedAccounts { unprocessed_accounts })
}

/// The accounts that a request names: at least one, and each twelve digits.
pub(super) fn named(request: &AccountIds) -> Result<Vec<AccountId>, AwsError> {
    if request.account_ids.is_empty() {
        return Err(AwsError::invalid_input("Invalid parameter 'AccountIds': must not be empty"));
    }
    accounts("AccountIds", request.account_ids.iter().map(String::as_str))
}

/// Ids of accounts; `parameter`: where they stand.
pub(super) fn accounts<'a>(parameter: &str, ids: impl Iterator<Item = &'a str>) -> Result<Vec<AccountId>, AwsError> {
    let parse = |id: &str| {
        id.parse().map_err(|_| {
            AwsError::invalid_input(format!("Invalid parameter '{parameter}': {id:?} is no account: twelve digits are"))
        })
    };
    ids.map(parse).collect()
}
