//! Security Hub Local: a server that an unmodified AWS SDK or the AWS CLI talks to, and the ground truth of the tests.
//!
//! `hub` is the state and its rules, without I/O or a clock; `http` is what clients see of it, as an `axum::Router` that works
//! on a socket and in process; `clock`, `faults`, `buckets` and `queue` are the world around it; `seed` fills it; `snapshot` keeps it.
//!
//! Invariant: it never pretends. An operation that it does not have answers with an error that says so.

pub mod buckets;
pub mod clock;
pub mod document;
pub mod faults;
pub mod feed;
mod forms;
pub mod http;
pub mod hub;
mod latin;
pub mod options;
pub mod person;
pub mod queue;
pub mod seed;
pub mod snapshot;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::ids::{AccountId, FindingKey, IdError, Region};
use crate::core::status::ComplianceStatus;
use crate::wire::error::AwsError;
use crate::wire::operations::{Operation, named};
use crate::wire::securityhub::{BatchImportFindings, BatchImportFindingsAnswer, Feature, LinkingMode};

use buckets::{Buckets, Sharing};
use clock::LocalClock;
use faults::{Faults, Switchboard, ThrottleCode, Verdict};
use http::identity::Identities;
use hub::caller::{Caller, Principal};
use hub::organization::Organization;
use hub::world::Becomes;
use hub::{Hub, Switches};
use queue::{QueueKey, QueueSettings, Queues};

pub use options::{Builder, LocalOptions};

/// Findings that one turn of the clock, or of anything else that concerns all, changes before its events are delivered.
const SLICE: usize = 500;

/// Security Hub Local. Clones are the same hub.
#[derive(Debug, Clone)]
pub struct Local(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: LocalClock,
    queues: Queues,
    identities: Identities,
    /// The seed of what is made from it anew: secrets of sessions.
    seed: u64,
    queue_name: String,
    organization: Organization,
    forwards: AtomicBool,
    state: Mutex<State>,
    books: Mutex<Books>,
    saver: OnceLock<Saver>,
}

/// Writes a snapshot where it belongs; what it says is for people.
struct Saver(Box<Save>);

type Save = dyn Fn(&Local) -> Result<String, String> + Send + Sync;

impl std::fmt::Debug for Saver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Saver")
    }
}

/// What changes, whole: its serde form is the snapshot (see `snapshot`), so what answers depend on is here, or in the queues.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::local) struct State {
    pub(in crate::local) hub: Hub,
    pub(in crate::local) switchboard: Switchboard,
    buckets: Buckets,
    buckets_on: bool,
    throttle: ThrottleCode,
    #[serde(with = "forms::rng")]
    pub(in crate::local) rng: fastrand::Rng,
}

/// What was called since the process began; no answer depends on it.
#[derive(Debug, Default)]
struct Books {
    calls: Vec<Call>,
    records_calls: bool,
    counts: BTreeMap<&'static str, Count>,
}

/// One call over HTTP, rejected ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `GetFindings`.
    pub operation: &'static str,
    /// Who and where; `None`: its signature does not say.
    pub caller: Option<Caller>,
    /// When, by the hub's clock.
    pub at: Timestamp,
    /// Identifiers of BatchUpdateFindings, findings of BatchImportFindings, findings that GetFindings gave.
    pub findings: usize,
    /// Those that were not processed.
    pub unprocessed: usize,
    /// The code of the error; `None`: it went well. A call whose answer was lost has `NoAnswer`.
    pub error: Option<&'static str>,
    /// Whether it was one too many: for its bucket, or by a fault.
    pub throttled: bool,
}

/// See [`Local::standing`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The management account of the organization.
    pub management: AccountId,
    /// The delegated administrator.
    pub administrator: Option<AccountId>,
    /// The accounts that are members now.
    pub members: Vec<AccountId>,
    /// The home Region of the aggregator.
    pub home: Option<Region>,
    /// How it links.
    pub linking: Option<LinkingMode>,
    /// The Regions that this is about.
    pub regions: Vec<Region>,
}

/// How often an operation was called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// All calls.
    pub calls: u64,
    /// Those that ended with an error.
    pub errors: u64,
    /// Those of them that were throttled.
    pub throttled: u64,
    /// See [`Call::findings`].
    pub findings: u64,
}

impl Local {
    /// A hub as `options` say, filled with findings. Refused: more accounts or Regions than there are names for.
    pub fn new(options: LocalOptions) -> Result<Self, IdError> {
        let clock = LocalClock::new(options.start, options.speed);
        let company = seed::Company::new(options.accounts, options.regions, options.seed, options.first_region.as_ref())?;
        let mut organization = company.organization().clone();
        organization.management = options.management.unwrap_or(organization.management);
        let administrator = organization.administrator.id;
        let mut hub = if options.bare {
            Hub::bare(organization, options.switches, options.seed)
        } else {
            Hub::new(organization, options.switches, options.seed, options.start)
        };
        hub.pace = options.pace;
        hub.set_lifetimes(options.lifetimes);
        hub.set_rounds(options.checks, options.start);
        if !options.bare {
            company.fill(&mut hub, options.findings, options.start);
        }
        let queues = Queues::new(clock.clone(), options.seed);
        let letters = queue::dead_letters(&options.queue);
        queues.create((administrator, letters.clone()), QueueSettings::default());
        let redrive = Some((letters, options.max_receives));
        queues.create((administrator, options.queue.clone()), QueueSettings { redrive, ..QueueSettings::default() });
        let state = State {
            hub,
            switchboard: Switchboard::new(Faults::default(), options.seed),
            buckets: Buckets::new(options.sharing),
            buckets_on: options.buckets,
            throttle: options.throttle,
            rng: fastrand::Rng::with_seed(options.seed ^ 0x0A11),
        };
        let faults = options.faults.clone();
        let local = Self::assemble(options, clock, queues, state);
        local.set_faults(faults);
        Ok(local)
    }

    /// Of these parts, and of `options` what belongs to the process.
    fn assemble(options: LocalOptions, clock: LocalClock, queues: Queues, state: State) -> Self {
        let organization = state.hub.organization().clone();
        Self(Arc::new(Shared {
            queues,
            identities: Identities::new(options.principals, options.external_ids, options.seed),
            seed: options.seed,
            queue_name: options.queue,
            organization,
            forwards: AtomicBool::new(false),
            clock,
            state: Mutex::new(state),
            books: Mutex::new(Books { records_calls: options.record_calls, ..Books::default() }),
            saver: OnceLock::new(),
        }))
    }

    /// A small hub for a test: stepped clock, buckets off, one administrator, no findings, until told otherwise.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(in crate::local) fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hub's clock.
    pub fn clock(&self) -> &LocalClock {
        &self.0.clock
    }

    /// Steps the clock ahead; what was due meanwhile has happened.
    pub fn advance(&self, by: Duration) {
        self.0.clock.advance(by);
        self.turn();
    }

    /// Does what is due by the clock. Every call does, and so does [`Local::keep_time`].
    pub fn turn(&self) {
        self.turn_until(self.0.clock.now());
    }

    fn turn_until(&self, now: Timestamp) {
        while self.act(|hub| hub.turn(now, SLICE)) {}
    }

    /// Does what is due when it is due; never returns.
    pub async fn keep_time(&self) {
        loop {
            let now = self.0.clock.now();
            while self.act(|hub| hub.turn(now, SLICE)) {
                // Whoever shares the thread has a turn too, signals among them.
                tokio::task::yield_now().await;
            }
            let due = self.state().hub.next_turn();
            // Others may make something due meanwhile; with the pace of AWS nothing is due sooner than in an hour.
            let now = self.0.clock.now();
            let [soon, later] = [Duration::from_mins(1), Duration::from_hours(1)].map(|by| clock::after(now, by));
            if later <= now {
                // The end of the calendar: no later time comes. What calls make due, they do.
                return std::future::pending().await;
            }
            self.0.clock.sleep_until(due.map_or(later, |due| due.clamp(soon, later))).await;
        }
    }

    /// Who writes snapshots that are asked for over HTTP. The first one counts.
    pub fn set_saver(&self, saver: impl Fn(&Self) -> Result<String, String> + Send + Sync + 'static) {
        // A second one is as good as the first.
        let _ = self.0.saver.set(Saver(Box::new(saver)));
    }

    /// Whether the process keeps it in a file.
    pub(in crate::local) fn is_kept(&self) -> bool {
        self.0.saver.get().is_some()
    }

    /// Writes a snapshot where the process keeps it; `None`: nowhere.
    pub(in crate::local) fn save_where_kept(&self) -> Option<Result<String, String>> {
        self.0.saver.get().map(|Saver(save)| save(self))
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Administrator, members, Regions, before anybody called: see [`Local::standing`] for what has become of it.
    pub fn organization(&self) -> &Organization {
        &self.0.organization
    }

    /// What has become of the organization, as its first administrator has it in the first home Region.
    pub fn standing(&self) -> Standing {
        let organization = self.organization();
        let (account, region) = (organization.administrator.id, &organization.home);
        let state = self.state();
        let topology = state.hub.topology();
        let aggregator = topology.aggregator_for(account, region).map(|(_, aggregator)| aggregator);
        Standing {
            management: topology.management,
            administrator: topology.delegated(Feature::SecurityHub, region),
            members: topology.enabled_members(account, region).collect(),
            home: aggregator.map(|aggregator| aggregator.home.clone()),
            linking: aggregator.map(|aggregator| aggregator.mode),
            regions: aggregator.map(|aggregator| aggregator.regions.clone()).unwrap_or_default(),
        }
    }

    /// The queues; [`Local::event_queue`] is the one that events go to.
    pub fn queues(&self) -> &Queues {
        &self.0.queues
    }

    pub(in crate::local) fn identities(&self) -> &Identities {
        &self.0.identities
    }

    /// The queue that events go to: the administrator's.
    pub fn event_queue(&self) -> QueueKey {
        (self.0.organization.administrator.id, self.0.queue_name.clone())
    }

    /// Its URL as AWS would spell it: for `SecurityHub.spec.events.queueUrl` of tests in process.
    pub fn event_queue_url(&self) -> String {
        let Organization { administrator, home, .. } = &self.0.organization;
        format!("https://sqs.{home}.amazonaws.com/{}/{}", administrator.id, self.0.queue_name)
    }

    /// Where messages go that were received too often.
    pub fn dead_letter_queue(&self) -> QueueKey {
        (self.0.organization.administrator.id, queue::dead_letters(&self.0.queue_name))
    }

    /// Events that wait to be forwarded. No SQS name has a slash, so nobody else can name it.
    fn outbox(&self) -> QueueKey {
        (self.0.organization.administrator.id, "events/outbox".to_owned())
    }

    fn forwards(&self) -> bool {
        self.0.forwards.load(Ordering::Relaxed)
    }

    fn start_forwarding(&self) {
        self.0.queues.create(self.outbox(), QueueSettings::default());
        self.0.forwards.store(true, Ordering::Relaxed);
    }

    /// The faults as they are.
    pub fn faults(&self) -> Faults {
        self.state().switchboard.faults().clone()
    }

    /// Other faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        state.hub.set_lag(Duration::from_millis(faults.lag_millis));
        state.switchboard.set(faults);
    }

    /// Other choices from now on.
    pub fn set_switches(&self, switches: Switches) {
        self.state().hub.switches = switches;
    }

    /// What AWS leaves unsaid, as it is chosen.
    pub fn switches(&self) -> Switches {
        self.state().hub.switches
    }

    /// Whether the token buckets are on, who shares one, and how a throttle is called.
    pub fn throttling(&self) -> (bool, Sharing, ThrottleCode) {
        let state = self.state();
        (state.buckets_on, state.buckets.sharing(), state.throttle)
    }

    /// The token buckets on or off.
    pub fn set_buckets(&self, on: bool) {
        self.state().buckets_on = on;
    }

    /// Others in the account use the quota of an operation up, for so long. Does nothing for an operation that there is not.
    pub fn use_up(&self, account: AccountId, region: &Region, operation: &str, time: Duration) {
        let until = self.0.clock.elapsed() + time;
        if let Some(operation) = named(operation) {
            self.state().buckets.use_up(account, region, operation, until);
        }
    }

    /// Every call so far, if the hub was told to remember them.
    pub fn calls(&self) -> Vec<Call> {
        self.books().calls.clone()
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        let mut books = self.books();
        books.calls.clear();
        books.counts.clear();
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> Count {
        self.books().counts.get(operation).copied().unwrap_or_default()
    }

    /// Every operation that was called, by name.
    pub fn counts(&self) -> BTreeMap<&'static str, Count> {
        self.books().counts.clone()
    }

    /// Number of findings, archived ones included.
    pub fn len(&self) -> usize {
        self.state().hub.len()
    }

    /// Whether there is no finding.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every finding, sorted by ProductArn, Id, account and Region: for comparing end states.
    pub fn findings_json(&self) -> Vec<Value> {
        let texts = self.state().hub.texts();
        texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
    }

    /// One finding as it is now, whatever the lag.
    pub fn finding(&self, key: &FindingKey) -> Option<Value> {
        self.state().hub.current(key)
    }

    /// Does something with the hub, once what was due before is done, and delivers the events of it.
    pub fn with_hub<T>(&self, act: impl FnOnce(&mut Hub, Timestamp) -> T) -> T {
        let now = self.0.clock.now();
        self.turn_until(now);
        self.act(|hub| act(hub, now))
    }

    fn act<T>(&self, act: impl FnOnce(&mut Hub) -> T) -> T {
        let (result, changes) = {
            let mut state = self.state();
            let result = act(&mut state.hub);
            (result, state.hub.take_changes())
        };
        self.deliver(changes);
        result
    }

    /// The service or a provider imports findings: each in its own account and Region.
    pub fn import(&self, findings: Vec<Value>) -> Result<BatchImportFindingsAnswer, AwsError> {
        let mut total = BatchImportFindingsAnswer::default();
        for finding in findings {
            let organization = &self.0.organization;
            let account = hub::store::text(&finding, "AwsAccountId").parse().unwrap_or(organization.administrator.id);
            let region = hub::store::text(&finding, "Region").parse().unwrap_or_else(|_| organization.home.clone());
            let caller = Caller { account, region, principal: Principal::Root };
            let request = BatchImportFindings { findings: vec![finding] };
            let answer = self.with_hub(|hub, now| hub.import(&caller, &request, now))?;
            total.success_count += answer.success_count;
            total.failed_count += answer.failed_count;
            total.failed_findings.extend(answer.failed_findings);
        }
        Ok(total)
    }

    /// The check of a finding runs again. False: there is no such finding.
    pub fn check(&self, key: &FindingKey, compliance: ComplianceStatus) -> bool {
        self.with_hub(|hub, now| hub.check(key, compliance, now)).is_some()
    }

    /// The provider archives a finding.
    pub fn archive(&self, key: &FindingKey) -> bool {
        self.with_hub(|hub, now| hub.archive(key, now)).is_some()
    }

    /// The resource of a finding is deleted.
    pub fn delete_resource(&self, key: &FindingKey) -> bool {
        self.with_hub(|hub, now| hub.delete_resource(key, now)).is_some()
    }

    /// The problem of a finding gets a new finding, and the old one is archived.
    pub fn recreate(&self, key: &FindingKey, compliance: ComplianceStatus) -> Option<FindingKey> {
        self.with_hub(|hub, now| hub.recreate(key, compliance, now))
    }

    /// Every active control finding gets a new id. Gives how many.
    pub fn recreate_all(&self) -> usize {
        // Some at a time: each makes two events.
        let rows = self.state().hub.rows();
        rows.chunks(SLICE).map(|rows| self.with_hub(|hub, now| hub.recreate_rows(rows, now))).sum()
    }

    /// Somebody did something to the resources behind the control findings that `filters` choose, which their next checks will
    /// see. Gives how many findings that are; see [`Hub::checked_rows`].
    pub fn turn_world(&self, filters: &Value, becomes: Becomes) -> Result<usize, AwsError> {
        self.of_checked(filters, |hub, rows, now| hub.turn_world(rows, becomes, now))
    }

    /// The checks of the control findings that `filters` choose run now. Gives how many.
    pub fn run_checks(&self, filters: &Value) -> Result<usize, AwsError> {
        self.of_checked(filters, Hub::run_checks)
    }

    /// The active control findings that `filters` choose are archived, and new ones of the same problems made: as when the rule
    /// of AWS Config was broken and is repaired. Gives how many were chosen.
    pub fn renew_findings(&self, filters: &Value) -> Result<usize, AwsError> {
        self.of_checked(filters, |hub, rows, now| {
            hub.recreate_rows(rows, now);
        })
    }

    fn of_checked(&self, filters: &Value, act: impl Fn(&mut Hub, &[u32], Timestamp)) -> Result<usize, AwsError> {
        let rows = self.with_hub(|hub, now| hub.checked_rows(filters, now))?;
        // Some at a time: each makes an event.
        for rows in rows.chunks(SLICE) {
            self.with_hub(|hub, now| act(hub, rows, now));
        }
        Ok(rows.len())
    }

    /// A random version 4 UUID, from the seed.
    pub(in crate::local) fn uuid(&self) -> String {
        hub::uuid(&mut self.state().rng)
    }

    /// Whether a call may go on: the quota, then the faults. An error is the answer.
    pub(in crate::local) fn admit(&self, operation: &Operation, caller: &Caller) -> Result<Verdict, AwsError> {
        let elapsed = self.0.clock.elapsed();
        let mut state = self.state();
        if state.buckets_on && !state.buckets.take(caller.account, &caller.region, operation, elapsed) {
            return Err(state.throttle.error());
        }
        Ok(state.switchboard.judge(operation.name, caller))
    }

    /// Remembers a call.
    pub(in crate::local) fn note(&self, call: Call) {
        let mut books = self.books();
        let count = books.counts.entry(call.operation).or_default();
        count.calls += 1;
        count.errors += u64::from(call.error.is_some());
        count.throttled += u64::from(call.throttled);
        count.findings += call.findings as u64;
        if books.records_calls {
            books.calls.push(call);
        }
    }

    /// The account that administers the organization.
    pub fn administrator(&self) -> AccountId {
        self.0.organization.administrator.id
    }

    /// The home Region.
    pub fn home(&self) -> &Region {
        &self.0.organization.home
    }
}
