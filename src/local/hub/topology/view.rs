//! What one caller sees, and which buses an event goes to: it follows from who administers whom, and what is linked.
//!
//! In a Region an administrator sees its members' findings of that Region. In the home Region of its aggregator an account sees
//! its findings of the linked Regions too, and an administrator those of the accounts that are its members in both. What was
//! there before a Region was linked, or an account became a member, is not replicated; a later version of it is. When a link
//! ends, what had flown stays visible in the home Region, and nothing more comes. AWS keeps it there as it was; here a finding
//! is one, and what is seen of it from home follows what becomes of it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::local::clock::after;
use crate::local::hub::Hub;
use crate::local::hub::caller::Caller;
use crate::local::hub::pace::Pace;
use crate::local::hub::store::set::Bits;
use crate::wire::securityhub::MemberStatus;

use super::Topology;
use super::aggregator::{Aggregator, Remains};

/// What becomes of the findings that a Region had before it was linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum OldFindings {
    /// They are not replicated until they are updated, as the guide says ("new and updated findings").
    #[default]
    OnceUpdated,
    /// They are replicated bit by bit ([`Pace::linking`]).
    Replicated,
}

/// What is replicated to the home Region: what was processed since; `None`: everything.
pub type Flows = Option<Timestamp>;

impl Topology {
    /// Whether findings of `account` in `region` are seen by `viewer` from `from`, and since when they flow there. `None`: they
    /// are not.
    pub fn flows(&self, (viewer, from): (AccountId, &Region), account: AccountId, region: &Region) -> Option<Flows> {
        let aggregator = self.aggregator_for(viewer, from).filter(|(_, aggregator)| aggregator.home == *from);
        self.flows_by(aggregator, (viewer, from), account, region)
    }

    fn flows_by(
        &self,
        aggregator: Option<(AccountId, &Aggregator)>,
        (viewer, from): (AccountId, &Region),
        account: AccountId,
        region: &Region,
    ) -> Option<Flows> {
        let here = region == from;
        // Only who is a member of the same administrator in both Regions has its findings replicated.
        let since = |owner: AccountId, member: AccountId| {
            let of = |region| self.member(owner, region, member).filter(|found| found.status == MemberStatus::Enabled);
            Some(of(region)?.since.max(of(from)?.since))
        };
        if here {
            let seen = account == viewer || self.administrator(account, region) == Some(viewer);
            return seen.then_some(None);
        }
        let (owner, aggregator) = aggregator.filter(|(_, aggregator)| aggregator.links(region))?;
        if account != viewer && owner != viewer {
            // A member sees no other's.
            return None;
        }
        let member = if account == owner { None } else { since(owner, account)? };
        Some(aggregator.since(region).max(member))
    }

    /// The buses that an event of this finding goes to: the account's and its administrator's, in the finding's Region and in
    /// the home Region that it flows to.
    pub fn buses(&self, account: AccountId, region: &Region) -> Vec<(AccountId, Region)> {
        let administrator = self.administrator(account, region);
        let home = self.aggregator_for(account, region).map(|(_, aggregator)| aggregator.home.clone());
        let mut buses = Vec::new();
        for viewer in [Some(account), administrator].into_iter().flatten() {
            for from in [Some(region), home.as_ref()].into_iter().flatten() {
                let bus = (viewer, from.clone());
                if self.flows((viewer, from), account, region).is_some() && !buses.contains(&bus) {
                    buses.push(bus);
                }
            }
        }
        buses
    }
}

/// What a caller sees.
#[derive(Clone, Copy)]
pub struct View<'a> {
    hub: &'a Hub,
    viewer: AccountId,
    from: &'a Region,
    aggregator: Option<(AccountId, &'a Aggregator)>,
    now: Timestamp,
    /// Whose aggregator counts here.
    owner: AccountId,
}

impl View<'_> {
    fn flows(&self, account: AccountId, region: &Region) -> Option<Flows> {
        self.hub.topology.flows_by(self.aggregator, (self.viewer, self.from), account, region)
    }

    /// Whether findings of this account and Region are in it, if hubs are on.
    pub fn reaches(&self, account: AccountId, region: &Region) -> bool {
        self.flows(account, region).is_some()
    }

    /// Whether they are: the hub is on there, and in the home Region too.
    pub fn sees(&self, account: AccountId, region: &Region) -> bool {
        self.reaches(account, region) && self.is_on(account, region)
    }

    fn is_on(&self, account: AccountId, region: &Region) -> bool {
        self.hub.is_enabled(account, region) && (region == self.from || self.hub.is_enabled(account, self.from))
    }

    /// Whether this one finding is in it.
    pub fn shows(&self, row: u32, account: AccountId, region: &Region) -> bool {
        let flows = || self.flows(account, region).is_some_and(|flows| flows.is_none_or(|since| self.has_flown(row, since)));
        self.is_on(account, region) && (flows() || self.keeps(row, account))
    }

    /// What is kept here of links that have ended.
    fn remains(&self) -> impl Iterator<Item = &Remains> {
        self.hub.topology.remains(self.owner).iter().filter(|of| of.home == *self.from)
    }

    /// Whether it had flown here before the link ended.
    fn keeps(&self, row: u32, account: AccountId) -> bool {
        let topology = &self.hub.topology;
        let whose = account == self.owner || topology.administrator(account, self.from) == Some(self.owner);
        let seen = whose && (self.viewer == self.owner || self.viewer == account);
        // A row that is used again is another finding.
        let is_old = |ended: Timestamp| self.hub.store.get(row).is_some_and(|found| found.made <= ended);
        seen && self.remains().any(|of| of.rows.binary_search(&row).is_ok() && is_old(of.ended))
    }

    /// Whether a finding has flown to the home Region, where they flow since `since`.
    fn has_flown(&self, row: u32, since: Timestamp) -> bool {
        let processed = self.hub.store.processed().get(row as usize).copied().unwrap_or_default();
        let late = || self.aggregator.is_none_or(|(_, aggregator)| aggregator.is_late(row));
        let since_then = processed > since.as_millisecond() || (processed == since.as_millisecond() && late());
        since_then || self.was_copied(row, since)
    }

    fn was_copied(&self, row: u32, since: Timestamp) -> bool {
        let copied = || after(since, Pace::share(self.hub.pace.linking, &row.to_string())) <= self.now;
        self.hub.switches.old_findings == OldFindings::Replicated && copied()
    }

    /// All of its findings.
    pub fn rows(&self) -> Bits {
        let store = &self.hub.store;
        // Mostly one time, if any: that of the aggregator.
        let times = RefCell::new(BTreeSet::new());
        let mut rows = store.of_places(|account, region| {
            let flows = self.flows(account, region).filter(|_| self.is_on(account, region));
            times.borrow_mut().extend(flows.flatten());
            flows.is_some()
        });
        for since in times.into_inner() {
            let begun = |account, region: &Region| self.flows(account, region) == Some(Some(since));
            let mut hidden = Bits::none(store.size());
            for row in store.of_places(begun).iter().filter(|row| !self.has_flown(*row, since)) {
                hidden.insert(row);
            }
            rows.drop_all(&hidden);
        }
        for row in self.remains().flat_map(|of| &of.rows) {
            let found = store.get(*row);
            if found.is_some_and(|found| self.is_on(found.account, found.region) && self.keeps(*row, found.account)) {
                rows.insert(*row);
            }
        }
        rows
    }
}

impl Hub {
    /// What `caller` sees at `now`.
    pub fn view<'a>(&'a self, caller: &'a Caller, now: Timestamp) -> View<'a> {
        let (viewer, from) = (caller.account, &caller.region);
        let aggregator = self.topology.aggregator_for(viewer, from).filter(|(_, aggregator)| aggregator.home == *from);
        let owner = self.topology.administrator(viewer, from).unwrap_or(viewer);
        View { hub: self, viewer, from, aggregator, now, owner }
    }
}
