//! An organization as it is laid out before anybody calls: what the generator makes, and what a test begins with. What becomes
//! of it by operations is the topology's ([`super::topology`]).

use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};

/// An account of the organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// `AwsAccountName` of its findings.
    pub name: String,
}

/// Accounts and Regions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// The account that designates the delegated administrator. It has no hub unless it enables one.
    pub management: AccountId,
    /// The delegated administrator.
    pub administrator: Account,
    /// The members, sorted by id.
    pub members: Vec<Account>,
    /// The aggregator's home Region.
    pub home: Region,
    /// The Regions linked to it, sorted.
    pub linked: Vec<Region>,
}

impl Organization {
    /// Account `id`, if it is one of ours.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts().find(|account| account.id == id)
    }

    /// The administrator and the members.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        std::iter::once(&self.administrator).chain(&self.members)
    }

    /// Home and linked Regions.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.home).chain(&self.linked)
    }

    /// Every account in every Region.
    pub fn places(&self) -> impl Iterator<Item = (AccountId, Region)> {
        self.accounts().flat_map(|account| self.regions().map(|region| (account.id, region.clone())))
    }

    /// ARN of the one aggregator.
    pub fn aggregator_arn(&self) -> String {
        crate::wire::arn::finding_aggregator(LAID_OUT, self.administrator.id, &self.home)
    }
}

/// The id of the aggregator that was there before anybody called.
pub const LAID_OUT: &str = "local";
