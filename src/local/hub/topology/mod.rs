//! Who administers whom, where, and from which Region: what the operations on members, administrators and aggregators make.
//!
//! Kept as AWS keeps it: a member belongs to an administrator in one Region at a time; the delegated administrator is designated
//! in each Region, and is the same in all; an account has one aggregator, in its home Region, and members follow that of their
//! administrator. Sources: the service's model; the guide's securityhub-accounts-orgs, account-management-manual,
//! securityhub-account-restrictions-recommendations, designate-orgs-admin-account, remove-admin-overview, finding-aggregation.

pub mod aggregator;
pub mod membership;
pub mod view;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::local::forms;
use crate::wire::securityhub::{AutoEnableStandards, Feature, LinkingMode, MemberStatus};

use super::organization::{LAID_OUT, Organization};
use aggregator::{Aggregator, Remains};
use membership::{Bond, Membership};

/// What is known of an account beside its id. Of most nothing is: every twelve-digit access key is an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// `AwsAccountName` of its findings.
    pub name: Option<String>,
    /// As AWS Organizations has it.
    pub email: Option<String>,
    /// It is closed, for the time being.
    pub suspended: bool,
    /// It does not belong to the organization.
    pub outside: bool,
}

/// How accounts that join the organization are configured in a Region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewAccounts {
    /// They become members, and their hub is enabled.
    pub auto_enable: bool,
    /// With which standards.
    pub standards: AutoEnableStandards,
}

/// Central configuration is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Central {
    /// The delegated administrator that started it: it is that in every linked Region.
    pub administrator: AccountId,
    /// PENDING until then.
    pub ready: Timestamp,
}

/// All of it. Lookups and single changes; what an operation means is in `members`, `invitations`, `delegation`, `aggregators`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Topology {
    /// The management account of the organization.
    pub management: AccountId,
    /// Accounts of which something is known.
    accounts: BTreeMap<AccountId, Known>,
    /// The delegated administrator, by Region.
    #[serde(with = "forms::map")]
    delegated: BTreeMap<(Feature, Region), AccountId>,
    /// By Region.
    new_accounts: BTreeMap<Region, NewAccounts>,
    central: Option<Central>,
    /// By Region: the list of members of an administrator.
    members: BTreeMap<Region, BTreeMap<AccountId, BTreeMap<AccountId, Membership>>>,
    /// By Region: the administrator of a member, where its status is Enabled.
    administrators: BTreeMap<Region, BTreeMap<AccountId, AccountId>>,
    /// By account.
    aggregators: BTreeMap<AccountId, Aggregator>,
    /// By account: of its aggregators' links that have ended.
    remains: BTreeMap<AccountId, Vec<Remains>>,
}

impl Topology {
    /// Nobody administers anybody. Every account but those that are said to be outside belongs to the organization.
    pub fn new(management: AccountId) -> Self {
        Self {
            management,
            accounts: BTreeMap::new(),
            delegated: BTreeMap::new(),
            new_accounts: BTreeMap::new(),
            central: None,
            members: BTreeMap::new(),
            administrators: BTreeMap::new(),
            aggregators: BTreeMap::new(),
            remains: BTreeMap::new(),
        }
    }

    /// Knows the accounts of `organization` by name.
    pub fn know(&mut self, organization: &Organization) {
        for account in organization.accounts() {
            let email = Some(format!("{}@example.com", account.name));
            let known = Known { name: Some(account.name.clone()), email, ..Known::default() };
            self.accounts.insert(account.id, known);
        }
    }

    /// The accounts of `organization` are members of its administrator in all its Regions, which are linked, from the start.
    pub fn lay_out(&mut self, organization: &Organization, now: Timestamp) {
        let administrator = organization.administrator.id;
        for region in organization.regions() {
            // Who administers nobody is a standalone account.
            if !organization.members.is_empty() {
                self.delegated.insert((Feature::SecurityHub, region.clone()), administrator);
            }
            for member in &organization.members {
                let email = self.known(member.id).email;
                let mut membership = Membership::new(MemberStatus::Enabled, Bond::Organization, email, now);
                membership.since = None;
                self.put_member(administrator, region, member.id, membership);
            }
        }
        let mode = if organization.linked.is_empty() { LinkingMode::NoRegions } else { LinkingMode::SpecifiedRegions };
        let home = organization.home.clone();
        let aggregator = Aggregator::new(LAID_OUT.to_owned(), home, mode, organization.linked.clone(), None);
        self.aggregators.insert(administrator, aggregator);
    }

    /// What is known of an account.
    pub fn known(&self, account: AccountId) -> Known {
        self.accounts.get(&account).cloned().unwrap_or_default()
    }

    /// Its name, if it has one.
    pub fn name(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(&account)?.name.as_deref()
    }

    /// Something is known of it from now on.
    pub fn set_known(&mut self, account: AccountId, known: Known) {
        self.accounts.insert(account, known);
    }

    /// Whether it belongs to the organization.
    pub fn in_organization(&self, account: AccountId) -> bool {
        account == self.management || !self.accounts.get(&account).is_some_and(|known| known.outside)
    }

    /// The delegated administrator in a Region.
    pub fn delegated(&self, feature: Feature, region: &Region) -> Option<AccountId> {
        self.delegated.get(&(feature, region.clone())).copied()
    }

    /// Where somebody is delegated administrator, in any Region.
    pub fn delegations(&self, feature: Feature) -> impl Iterator<Item = (&Region, AccountId)> {
        self.delegated.iter().filter(move |((of, _), _)| *of == feature).map(|((_, region), account)| (region, *account))
    }

    /// Designates, or takes back.
    pub fn set_delegated(&mut self, feature: Feature, region: &Region, account: Option<AccountId>) {
        let key = (feature, region.clone());
        match account {
            Some(account) => self.delegated.insert(key, account),
            None => self.delegated.remove(&key),
        };
    }

    /// How new accounts are configured in a Region.
    pub fn new_accounts(&self, region: &Region) -> NewAccounts {
        self.new_accounts.get(region).copied().unwrap_or_default()
    }

    /// How they are from now on.
    pub fn set_new_accounts(&mut self, region: &Region, new_accounts: NewAccounts) {
        self.new_accounts.insert(region.clone(), new_accounts);
    }

    /// Central configuration, if it is on.
    pub fn central(&self) -> Option<Central> {
        self.central
    }

    /// On, or off.
    pub fn set_central(&mut self, central: Option<Central>) {
        self.central = central;
    }

    /// Whether central configuration holds in a Region: it is on, and that is its home or a linked Region.
    pub fn is_central(&self, region: &Region) -> bool {
        self.central.is_some_and(|central| {
            self.aggregator(central.administrator)
                .is_some_and(|aggregator| aggregator.home == *region || aggregator.links(region))
        })
    }

    /// The aggregator of this account's own.
    pub fn aggregator(&self, account: AccountId) -> Option<&Aggregator> {
        self.aggregators.get(&account)
    }

    /// The one that an account has in a Region: its administrator's, else its own; and whose it is.
    pub fn aggregator_for(&self, account: AccountId, region: &Region) -> Option<(AccountId, &Aggregator)> {
        let owner = self.administrator(account, region).unwrap_or(account);
        Some((owner, self.aggregators.get(&owner)?))
    }

    /// What the home Regions of this account's aggregators keep of links that have ended.
    pub fn remains(&self, account: AccountId) -> &[Remains] {
        self.remains.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Links of its aggregator have ended.
    pub fn keep_remains(&mut self, account: AccountId, remains: Remains) {
        if !remains.rows.is_empty() {
            self.remains.entry(account).or_default().push(remains);
        }
    }

    /// Another aggregator, or none.
    pub fn set_aggregator(&mut self, account: AccountId, aggregator: Option<Aggregator>) {
        match aggregator {
            Some(aggregator) => self.aggregators.insert(account, aggregator),
            None => self.aggregators.remove(&account),
        };
    }
}
