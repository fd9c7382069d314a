//! The hub: every account's Security Hub in every Region, the organization over them, and what may be done to findings.
//!
//! Synchronous and without a clock: `now` is an argument, so the same calls always give the same hub.

mod account;
pub mod actions;
mod aggregators;
mod associations;
pub mod caller;
pub mod checks;
mod consolidation;
mod controls;
mod delegation;
mod given;
pub mod history;
pub mod import;
pub mod insights;
mod invitations;
pub mod lifetime;
mod members;
pub mod organization;
pub mod pace;
pub mod page;
pub mod products;
pub mod query;
pub mod rules;
pub mod settings;
pub mod standards;
pub mod store;
pub mod tags;
mod tasks;
pub mod topology;
pub mod update;
pub mod workflow;
pub mod world;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::filter::{Field, Item, MissingField, extract_raw};
use crate::core::ids::{AccountId, Region};
use crate::local::forms;
use crate::wire::error::AwsError;
use crate::wire::securityhub::Tags;
use crate::wire::sigv4::sha256;
use crate::wire::token::Tokens;

use caller::Caller;
use history::Histories;
use organization::Organization;
use pace::Pace;
use settings::{Place, Settings};
use store::Store;
use store::past::Reading;
use tasks::Task;
use topology::Topology;
use topology::view::OldFindings;
use world::World;

/// What AWS leaves unsaid, one choice each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// What BatchUpdateFindings makes of `UserDefinedFields`.
    pub user_fields: UserFields,
    /// What becomes of SUPPRESSED when the check passes.
    pub suppressed_on_passed: SuppressedOnPassed,
    /// Whether a negative filter matches where there is no such field.
    pub missing_field: MissingField,
    /// What one bad value does to a BatchUpdateFindings.
    pub bad_value: BadValue,
    /// Whether NOTIFIED becomes NEW when the resource is deleted (reported from the field: schubergphilis,
    /// terraform-aws-mcaf-securityhub-findings-manager, PR 89).
    pub deletion_resets_notified: bool,
    /// Which findings go back to NEW when they are active again, or no longer PASSED.
    pub resets: Resets,
    /// What the criteria of automation rules are compared with.
    pub rules_see: RulesSee,
    /// What becomes of the findings that a Region had before it was linked.
    pub old_findings: OldFindings,
    /// Which account an event names on the bus of another than the finding's own.
    pub event_account: EventAccount,
}

/// Which account the `account` of an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EventAccount {
    /// That of the bus, as with every event of EventBridge.
    #[default]
    Bus,
    /// That of the finding: on the administrator's bus, the member's.
    Finding,
}

/// How far reads of findings lag behind writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lags {
    /// Every read.
    pub all: Duration,
    /// One in another Region than that of the write, beyond that.
    pub replication: Duration,
    /// The most that a single read lags behind beyond these.
    pub stale: Duration,
}

/// Which findings go back to NEW from NOTIFIED and RESOLVED when they are active again, or no longer PASSED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Resets {
    /// All, as the model and the guide word it.
    #[default]
    All,
    /// Those of controls: the guide words it where it speaks of controls.
    OfControls,
}

/// What the criteria of automation rules are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RulesSee {
    /// The finding as its provider sent it, with what the service fills in: names, tags, and NEW (a control finding that passed:
    /// RESOLVED) where the provider says nothing of the workflow. So says the guide: no rule sees what a customer or another
    /// rule wrote.
    #[default]
    Original,
    /// The finding as it would be filed: with the workflow as it goes on from what it was, what customers wrote, and what the rules
    /// before wrote.
    Current,
}

/// What an update makes of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum UserFields {
    /// The map is replaced whole.
    #[default]
    Replace,
    /// Keys that are not named stay.
    Merge,
}

/// What becomes of SUPPRESSED when the check passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum SuppressedOnPassed {
    /// SUPPRESSED, as the API reference says.
    #[default]
    Stays,
    /// RESOLVED, as the guide says.
    Resolved,
}

/// What one bad value does. In either case nothing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BadValue {
    /// The request fails with `InvalidInputException`.
    #[default]
    WholeRequest,
    /// Every finding is unprocessed with `InvalidInput`.
    PerFinding,
}

/// A finding was made or changed: an event is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Unique id of the event, from the hub's seed.
    pub event_id: String,
    /// Account of the finding.
    pub account: AccountId,
    /// Region of the finding.
    pub region: Region,
    /// ProductArn, a slash, Id.
    pub resource: String,
    /// The finding after the change.
    pub text: Arc<str>,
}

/// The hub. Its serde form is its part of a snapshot.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hub {
    /// As it was laid out at first.
    organization: Organization,
    pub(super) topology: Topology,
    /// Where it is on, and how it is set.
    #[serde(with = "forms::map")]
    enabled: BTreeMap<Place, Settings>,
    /// Since when hubs are off, and what they were set to: there again if they are on in time.
    #[serde(default, with = "forms::map")]
    off: BTreeMap<Place, (Timestamp, Settings)>,
    /// What is due when.
    #[serde(with = "forms::map")]
    tasks: BTreeMap<Timestamp, VecDeque<Task>>,
    pub(super) store: Store,
    world: World,
    history: Histories,
    /// By ARN.
    tags: BTreeMap<String, Tags>,
    tokens: Tokens,
    #[serde(with = "forms::rng")]
    rng: fastrand::Rng,
    /// See [`Switches`].
    pub switches: Switches,
    /// How long versions before the newest are kept: no read lags behind by more.
    pub lag: Duration,
    lags: Lags,
    /// How long things take.
    pub pace: Pace,
    changes: Vec<Change>,
}

impl Hub {
    /// A hub with this organization, on in all its accounts and Regions, with every standard.
    pub fn new(organization: Organization, switches: Switches, seed: u64, now: Timestamp) -> Self {
        let mut hub = Self::bare(organization, switches, seed);
        hub.enabled = hub.organization.places().map(|place| (place, Settings::whole(now))).collect();
        hub.topology.lay_out(&hub.organization, now);
        hub
    }

    /// One that is off everywhere, where nobody administers anybody; the accounts of this organization have their names.
    pub fn bare(organization: Organization, switches: Switches, seed: u64) -> Self {
        let mut topology = Topology::new(organization.management);
        topology.know(&organization);
        Self {
            organization,
            topology,
            enabled: BTreeMap::new(),
            off: BTreeMap::new(),
            tasks: BTreeMap::new(),
            store: Store::default(),
            world: World::default(),
            history: Histories::default(),
            tags: BTreeMap::new(),
            tokens: Tokens::new(sha256(format!("page tokens of hub {seed}").as_bytes())),
            rng: fastrand::Rng::with_seed(seed),
            switches,
            lag: Duration::ZERO,
            lags: Lags::default(),
            pace: Pace::default(),
            changes: Vec::new(),
        }
    }

    /// Who administered whom where, before anybody called.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Who administers whom where now.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Reads within `lag` of a write may not see it.
    pub fn set_lag(&mut self, lag: Duration) {
        self.set_lags(Lags { all: lag, ..Lags::default() });
    }

    /// How far reads may lag behind writes.
    pub fn set_lags(&mut self, lags: Lags) {
        self.lag = lags.all.saturating_add(lags.replication).saturating_add(lags.stale);
        self.lags = lags;
    }

    /// A read of this caller that lags behind as all do, and by `stale` more.
    fn reading<'a>(&self, caller: &'a Caller, now: Timestamp, stale: Duration) -> Reading<'a> {
        let Lags { all, replication, .. } = self.lags;
        Reading { now, region: &caller.region, all: all.saturating_add(stale), replication }
    }

    /// Number of findings, archived ones included.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether there is no finding.
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    /// The changes since the last call, oldest first.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Every finding's JSON as it is now, sorted by ProductArn, Id, account and Region: for comparing end states.
    pub fn texts(&self) -> Vec<String> {
        self.store.sorted_texts()
    }

    /// Refused where Security Hub is off.
    pub fn require_enabled(&self, caller: &Caller) -> Result<(), AwsError> {
        if self.is_enabled(caller.account, &caller.region) { Ok(()) } else { Err(AwsError::not_subscribed(caller.account)) }
    }

    /// A random version 4 UUID, from the seed.
    pub(super) fn uuid(&mut self) -> String {
        uuid(&mut self.rng)
    }

    /// Remembers that an event is due for the finding of a row.
    fn changed(&mut self, row: u32) {
        let event_id = self.uuid();
        if let Some(stored) = self.store.get(row) {
            let (account, region, text) = (stored.account, stored.region.clone(), stored.text());
            let values = extract_raw(&text, &[Field::PRODUCT_ARN, Field::ID]).unwrap_or_default();
            let texts = values.iter().filter_map(|(_, item)| match item.as_item() {
                Item::Text(text) => Some(text),
                _ => None,
            });
            let resource = texts.collect::<Vec<_>>().join("/");
            self.changes.push(Change { event_id, account, region, resource, text: text.into() });
        }
    }
}

/// A random version 4 UUID.
pub fn uuid(rng: &mut fastrand::Rng) -> String {
    let bits = (rng.u128(..) & !(0xf << 76) & !(0b11 << 62)) | (0x4 << 76) | (0b10 << 62);
    let text = format!("{bits:032x}");
    let part = |from, to| text.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}
