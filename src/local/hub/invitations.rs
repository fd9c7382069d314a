//! The other side of the list: what an account knows of its administrator, and what it answers to invitations.
//!
//! Sources: the service's model; the guide's securityhub-invitation-respond, securityhub-disassociate-from-admin,
//! securityhub-account-restrictions-recommendations.

use jiff::Timestamp;

use crate::core::ids::AccountId;
use crate::wire::error::AwsError;
use crate::wire::limits::MEMBERS_PAGE_MAX;
use crate::wire::securityhub::{
    AccountIds, AdministratorAccount, Invitation, Invitations, InvitationsCount, MemberStatus, UnprocessedAccounts,
};

use super::Hub;
use super::caller::Caller;
use super::given::not_blank;
use super::members::{accounts, each, why};
use super::page::{Asked, page_size};
use super::topology::membership::{Bond, Membership};

impl Hub {
    /// GetAdministratorAccount, GetMasterAccount. Who has none is answered without one.
    pub fn administrator(&self, caller: &Caller) -> Result<AdministratorAccount, AwsError> {
        self.require_enabled(caller)?;
        let administrator = self.topology.administrator(caller.account, &caller.region);
        let administrator =
            administrator.and_then(|of| Some(invitation(of, self.topology.member(of, &caller.region, caller.account)?)));
        Ok(AdministratorAccount { administrator })
    }

    /// ListInvitations: the accepted one too.
    pub fn invitations(&self, caller: &Caller, size: Option<i64>, token: Option<&str>) -> Result<Invitations, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, MEMBERS_PAGE_MAX, MEMBERS_PAGE_MAX)?;
        let invitations = self.invited(caller).map(|(from, membership)| invitation(from, membership));
        let asked = Asked { operation: "ListInvitations", caller, arguments: "", size, token };
        let (invitations, next_token) = self.page(&asked, invitations)?;
        Ok(Invitations { invitations, next_token })
    }

    /// GetInvitationsCount: without the accepted one.
    pub fn invitations_count(&self, caller: &Caller) -> Result<InvitationsCount, AwsError> {
        self.require_enabled(caller)?;
        let open = self.invited(caller).filter(|(_, membership)| membership.status != MemberStatus::Enabled);
        Ok(InvitationsCount { invitations_count: open.count() })
    }

    /// AcceptAdministratorInvitation, AcceptInvitation.
    pub fn accept_invitation(
        &mut self,
        caller: &Caller,
        administrator: &str,
        invitation: &str,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let (member, region) = (caller.account, &caller.region);
        not_blank("InvitationId", invitation)?;
        let ids = accounts("AdministratorId", std::iter::once(administrator))?;
        let found = self.invited(caller).find(|(from, of)| ids.contains(from) && of.invitation.as_deref() == Some(invitation));
        let Some((from, of)) = found.map(|(from, of)| (from, of.clone())) else {
            return Err(AwsError::not_found(format!(
                "Account {member} has no invitation {invitation} of account {administrator}"
            )));
        };
        match self.topology.administrator(member, region) {
            Some(of) if of == from => return Ok(()),
            Some(of) => {
                return Err(AwsError::invalid_input(format!(
                    "Account {member} is a member account of administrator {of}: disassociate it first"
                )));
            }
            None => {}
        }
        if self.topology.administers(member, region) {
            return Err(AwsError::invalid_input(format!(
                "Account {member} is an administrator account: it cannot be a member account"
            )));
        }
        let membership = Membership { status: MemberStatus::Enabled, updated_at: now, since: Some(now), ..of };
        self.bind(from, region, member, membership, now);
        Ok(())
    }

    /// DeclineInvitations: whom it declines has it as Resigned.
    pub fn decline_invitations(
        &mut self,
        caller: &Caller,
        request: &AccountIds,
        now: Timestamp,
    ) -> Result<UnprocessedAccounts, AwsError> {
        self.require_enabled(caller)?;
        each(request, |id| {
            let open = self.topology.member(id, &caller.region, caller.account).filter(|of| of.status == MemberStatus::Invited);
            let of = open.cloned().ok_or(why::NO_INVITATION)?;
            let membership = Membership { status: MemberStatus::Resigned, updated_at: now, ..of };
            self.topology.put_member(id, &caller.region, caller.account, membership);
            Ok(())
        })
    }

    /// DeleteInvitations: those from the named accounts, and those to them. The model says of one sentence that the
    /// administrator deletes those that it sent, and of another that the member does; both may. An accepted one stays.
    pub fn delete_invitations(
        &mut self,
        caller: &Caller,
        request: &AccountIds,
        now: Timestamp,
    ) -> Result<UnprocessedAccounts, AwsError> {
        self.require_enabled(caller)?;
        let (me, region) = (caller.account, &caller.region);
        each(request, |id| {
            let ways = [(id, me), (me, id)].into_iter().find_map(|(from, to)| {
                let of = self.topology.member(from, region, to)?;
                (of.invitation.is_some() && of.status != MemberStatus::Enabled).then(|| (from, to, of.clone()))
            });
            let (from, to, of) = ways.ok_or(why::NO_INVITATION)?;
            let status = if of.status == MemberStatus::Invited { MemberStatus::Created } else { of.status };
            let membership = Membership { status, invitation: None, invited_at: None, updated_at: now, ..of };
            self.topology.put_member(from, region, to, membership);
            Ok(())
        })
    }

    /// DisassociateFromAdministratorAccount, DisassociateFromMasterAccount. An account of the organization cannot.
    pub fn disassociate_from_administrator(&mut self, caller: &Caller, now: Timestamp) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let (member, region) = (caller.account, &caller.region);
        let administrator = self
            .topology
            .administrator(member, region)
            .ok_or_else(|| AwsError::not_found(format!("Account {member} is not associated with an administrator account")))?;
        let bond = self.topology.member(administrator, region, member).map(|of| of.bond);
        if bond == Some(Bond::Organization) {
            return Err(AwsError::invalid_access(format!(
                "Account {member} is a member account through its organization: only administrator {administrator} can \
                 disassociate it"
            )));
        }
        self.unbind(administrator, region, member, MemberStatus::Resigned, now);
        Ok(())
    }

    /// The invitations that the caller has, by who sent them.
    fn invited(&self, caller: &Caller) -> impl Iterator<Item = (AccountId, &Membership)> {
        self.topology.lists_with(caller.account, &caller.region).filter(|(_, of)| of.invitation.is_some())
    }
}

fn invitation(from: AccountId, of: &Membership) -> Invitation {
    Invitation {
        account_id: from.to_string(),
        invitation_id: of.invitation.clone(),
        invited_at: of.invited_at,
        member_status: of.status,
    }
}
