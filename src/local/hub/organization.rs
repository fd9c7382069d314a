//! The organization: administrator, members, home Region, linked Regions; and who sees what.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::local::clock::stamp;
use crate::wire::error::AwsError;
use crate::wire::limits::{MEMBERS_PAGE_MAX, PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{
    Administrator, AdministratorAccount, AggregatorArn, FindingAggregator, FindingAggregators, Member, Members,
};

use super::Hub;
use super::caller::Caller;
use super::page::{Asked, page_size};

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
    /// The delegated administrator.
    pub administrator: Account,
    /// The members, sorted by id.
    pub members: Vec<Account>,
    /// The aggregator's home Region.
    pub home: Region,
    /// The Regions linked to it, sorted.
    pub linked: Vec<Region>,
}

/// What one caller sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    accounts: Vec<AccountId>,
    regions: Vec<Region>,
}

impl View {
    /// Whether findings of this account and Region are in it.
    pub fn sees(&self, account: AccountId, region: &Region) -> bool {
        self.accounts.binary_search(&account).is_ok() && self.regions.binary_search(region).is_ok()
    }
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

    /// What is seen by `account` from `region`: an administrator sees its members; the home Region sees the linked ones, for
    /// members too.
    pub fn view(&self, account: AccountId, region: &Region) -> View {
        let mut accounts: Vec<AccountId> =
            if account == self.administrator.id { self.accounts().map(|account| account.id).collect() } else { vec![account] };
        let mut regions: Vec<Region> = if self.account(account).is_some() && *region == self.home {
            self.regions().cloned().collect()
        } else {
            vec![region.clone()]
        };
        accounts.sort_unstable();
        regions.sort_unstable();
        View { accounts, regions }
    }

    /// ARN of the one aggregator.
    pub fn aggregator_arn(&self) -> String {
        format!("arn:aws:securityhub:{}:{}:finding-aggregator/local", self.home, self.administrator.id)
    }
}

impl Hub {
    /// ListFindingAggregators: works in any Region; members get their administrator's.
    pub fn aggregators(&self, caller: &Caller, size: Option<i64>, token: Option<&str>) -> Result<FindingAggregators, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        let organization = &self.organization;
        let arn = organization.account(caller.account).map(|_| organization.aggregator_arn());
        let all = arn.into_iter().map(|finding_aggregator_arn| AggregatorArn { finding_aggregator_arn });
        let asked = Asked { operation: "ListFindingAggregators", caller, arguments: "", size, token };
        let (finding_aggregators, next_token) = self.page(&asked, all)?;
        Ok(FindingAggregators { finding_aggregators, next_token })
    }

    /// GetFindingAggregator.
    pub fn aggregator(&self, caller: &Caller, arn: &str) -> Result<FindingAggregator, AwsError> {
        self.require_enabled(caller)?;
        let organization = &self.organization;
        if !arn.starts_with("arn:aws:securityhub:") || !arn.contains(":finding-aggregator/") {
            return Err(AwsError::invalid_input(format!(
                "Invalid parameter 'FindingAggregatorArn': {arn} is not the ARN of a finding aggregator"
            )));
        }
        if organization.account(caller.account).is_none() || arn != organization.aggregator_arn() {
            return Err(AwsError::not_found(format!("Finding aggregator {arn} not found")));
        }
        Ok(FindingAggregator {
            finding_aggregator_arn: arn.to_owned(),
            finding_aggregation_region: organization.home.to_string(),
            region_linking_mode: if organization.linked.is_empty() { "NO_REGIONS" } else { "SPECIFIED_REGIONS" }.to_owned(),
            regions: organization.linked.iter().map(Region::to_string).collect(),
        })
    }

    /// ListMembers. An account that administers nobody has none.
    pub fn members(&self, caller: &Caller, size: Option<i64>, token: Option<&str>) -> Result<Members, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, MEMBERS_PAGE_MAX, MEMBERS_PAGE_MAX)?;
        let administrator = &self.organization.administrator;
        let administers = caller.account == administrator.id;
        let since = self.settings(caller.account, &caller.region).map_or(Timestamp::UNIX_EPOCH, |settings| settings.since);
        let members = self.organization.members.iter().filter(|_| administers).map(|member| Member {
            account_id: member.id.to_string(),
            email: format!("{}@example.com", member.name),
            master_id: administrator.id.to_string(),
            administrator_id: administrator.id.to_string(),
            member_status: "Enabled".to_owned(),
            invited_at: stamp(since),
            updated_at: stamp(since),
        });
        let asked = Asked { operation: "ListMembers", caller, arguments: "", size, token };
        let (members, next_token) = self.page(&asked, members)?;
        Ok(Members { members, next_token })
    }

    /// GetAdministratorAccount.
    pub fn administrator(&self, caller: &Caller) -> Result<AdministratorAccount, AwsError> {
        self.require_enabled(caller)?;
        let is_member = self.organization.members.iter().any(|member| member.id == caller.account);
        let administrator = is_member.then(|| Administrator {
            account_id: self.organization.administrator.id.to_string(),
            member_status: "Enabled".to_owned(),
        });
        Ok(AdministratorAccount { administrator })
    }

    /// Reads within `lag` of a write may not see it.
    pub fn set_lag(&mut self, lag: Duration) {
        self.lag = lag;
    }
}
