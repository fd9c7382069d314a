//! One member on the list of an administrator in a Region, and the changes of those lists.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::wire::securityhub::{Feature, MemberStatus};

use super::Topology;

/// What makes it a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bond {
    /// Both belong to the organization, whose delegated administrator added it.
    Organization,
    /// An invitation.
    Invitation,
}

/// A member on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Whether it is a member now.
    pub status: MemberStatus,
    /// How it is, or would be, one.
    pub bond: Bond,
    /// As the administrator gave it.
    pub email: Option<String>,
    /// When it was invited; of an account of the organization: when it was added.
    pub invited_at: Option<Timestamp>,
    /// The invitation, as long as the member has it.
    pub invitation: Option<String>,
    /// When any of this changed.
    pub updated_at: Timestamp,
    /// Since when its findings flow to the home Region of its administrator; `None`: from the start, so that nothing is older.
    pub since: Option<Timestamp>,
}

impl Membership {
    /// One that begins now.
    pub fn new(status: MemberStatus, bond: Bond, email: Option<String>, now: Timestamp) -> Self {
        let invited_at = (bond == Bond::Organization).then_some(now);
        Self { status, bond, email, invited_at, invitation: None, updated_at: now, since: Some(now) }
    }
}

impl Topology {
    /// The administrator of an account in a Region.
    pub fn administrator(&self, member: AccountId, region: &Region) -> Option<AccountId> {
        self.administrators.get(region)?.get(&member).copied()
    }

    /// The list of an administrator in a Region, by account.
    pub fn members(&self, administrator: AccountId, region: &Region) -> impl Iterator<Item = (AccountId, &Membership)> {
        let list = self.members.get(region).and_then(|lists| lists.get(&administrator));
        list.into_iter().flatten().map(|(member, membership)| (*member, membership))
    }

    /// Those of them that are members now.
    pub fn enabled_members(&self, administrator: AccountId, region: &Region) -> impl Iterator<Item = AccountId> {
        let enabled = |(_, membership): &(AccountId, &Membership)| membership.status == MemberStatus::Enabled;
        self.members(administrator, region).filter(enabled).map(|(member, _)| member)
    }

    /// One of the list.
    pub fn member(&self, administrator: AccountId, region: &Region, member: AccountId) -> Option<&Membership> {
        self.members.get(region)?.get(&administrator)?.get(&member)
    }

    /// Whether an account administers others in a Region: by designation, or because it has members.
    pub fn administers(&self, account: AccountId, region: &Region) -> bool {
        self.delegated(Feature::SecurityHub, region) == Some(account) || self.enabled_members(account, region).next().is_some()
    }

    /// Everybody on whose list an account is in a Region, by administrator.
    pub fn lists_with(&self, member: AccountId, region: &Region) -> impl Iterator<Item = (AccountId, &Membership)> {
        let lists = self.members.get(region).into_iter().flatten();
        lists.filter_map(move |(administrator, list)| Some((*administrator, list.get(&member)?)))
    }

    /// Puts an account on a list, or changes what is there. The one place where somebody becomes or ceases to be a member.
    pub fn put_member(&mut self, administrator: AccountId, region: &Region, member: AccountId, membership: Membership) {
        let enabled = membership.status == MemberStatus::Enabled;
        self.members.entry(region.clone()).or_default().entry(administrator).or_default().insert(member, membership);
        if enabled {
            self.administrators.entry(region.clone()).or_default().insert(member, administrator);
        } else {
            self.release(administrator, region, member);
        }
    }

    /// Takes an account off a list.
    pub fn remove_member(&mut self, administrator: AccountId, region: &Region, member: AccountId) {
        if let Some(list) = self.members.get_mut(region).and_then(|lists| lists.get_mut(&administrator)) {
            list.remove(&member);
        }
        self.release(administrator, region, member);
    }

    /// The list of an account that has no members is gone, and so are the invitations to it.
    pub fn forget_lists(&mut self, account: AccountId, region: &Region) {
        for (administrator, list) in self.members.get_mut(region).into_iter().flatten() {
            if *administrator == account {
                list.clear();
            } else if list.get(&account).is_some_and(|of| of.bond == Bond::Invitation) {
                list.remove(&account);
            }
        }
    }

    fn release(&mut self, administrator: AccountId, region: &Region, member: AccountId) {
        if let Some(here) = self.administrators.get_mut(region)
            && here.get(&member) == Some(&administrator)
        {
            here.remove(&member);
        }
    }

    /// The Regions in which somebody has a list.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.members.keys()
    }
}
