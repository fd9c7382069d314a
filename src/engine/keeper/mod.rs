//! The loop of one hub: reads, takes in, decides, acts, reports; and again, until nothing is left to do. Then it waits for an
//! event, a deadline, a window of the audit or another desired state.
//!
//! One task: calls are in flight side by side, what they bring is taken in one after the other. Nothing here is the truth: stop
//! it anywhere, start it elsewhere, and it converges to the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

mod declare;
mod finish;
mod lanes;
mod ownership;
mod regions;
mod start;

use self::lanes::Lanes;
pub(in crate::engine) use self::ownership::NotOurs;
use self::ownership::Owners;
pub use self::regions::Regions;
use super::act::{Batch, Held};
use super::backoff::Backoff;
use super::call::NotWritten;
use super::evaluate::Evaluator;
use super::hub_owner::Look;
use super::ports::{AwsFailure, FailureKind, Figures, HistoryRecord, HubDescription, HubPorts, Message, Unprocessed, World};
use super::report::Reporter;
use super::sync::{Chain, Sync};

use crate::core::compile::Declared;
use crate::core::decide::Change;
use crate::core::ids::Region;
use crate::core::limits::Ledger;
use crate::core::objects::{Desired, HubSpec, Objects};
use crate::inventory::{Coverage, Inventory, Place, RowId};

/// How long the hub may answer with the state before a write of ours.
const LAG: Duration = Duration::from_mins(30);
/// Page requests in flight in each place: two chains of a full read, and the look-ups.
const READS: usize = 4;
/// And everywhere: pages are a quarter of a megabyte as a rule, and 24 MB at most.
const PAGES: usize = 32;
/// Writes in flight in each place: enough to hide half a second of latency at the full quota, and few, so that what waits is
/// decided again as late as possible.
const WRITES: usize = 6;
/// History look-ups in flight.
const ASKS: usize = 4;
/// Look-ups before a write, in flight in each place.
const LOOKS: usize = 2;
/// A change waits this long for others that share its call.
const IDLE: Duration = Duration::from_millis(35);
/// But no longer than this.
const PATIENCE: Duration = Duration::from_secs(1);
/// Rules with relative dates are asked again this often.
const RELATIVE_DATES: Duration = Duration::from_mins(10);
/// How long nothing is planned anew when nothing could be sent and nothing else is wanted.
const STANDSTILL: Duration = Duration::from_secs(10);
/// A finding that a look-up did not show is looked up again after this.
const UNSEEN: Duration = Duration::from_secs(10);
/// A finding that lacks a field still after it was read for it is read again after this: the hub lagged, or it is gone.
const UNFILLED: Duration = Duration::from_mins(1);
/// A finding that was not taken for a passing reason is tried again after this, then after twice that, and so on.
const REFUSED: Duration = Duration::from_mins(1);
/// But no later than this.
const REFUSED_LONGEST: Duration = Duration::from_mins(30);

/// What a loop is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Keep the hub: until told to stop.
    Keep,
    /// Look once and decide, write nothing: `plan`, `explain`.
    Survey,
}

/// The loop of one hub.
pub struct Keeper {
    pub(in crate::engine) world: World,
    pub(in crate::engine) hub: Arc<str>,
    purpose: Purpose,
    pub(in crate::engine) ports: Option<HubPorts>,
    pub(in crate::engine) description: Option<HubDescription>,
    pub(in crate::engine) places: Vec<Region>,
    owners: Owners,
    pub(in crate::engine) inventory: Inventory,
    pub(in crate::engine) coverage: Coverage,
    pub(in crate::engine) sync: Sync,
    pub(in crate::engine) evaluator: Option<Evaluator>,
    pub(in crate::engine) declared: Option<Declared>,
    pub(in crate::engine) desired: Option<Arc<Desired>>,
    last_good: Option<Objects>,
    ledger: Ledger,
    ledger_rebuilt: bool,
    pub(in crate::engine) held: Vec<Held>,
    in_flight: FuturesUnordered<BoxFuture<'static, Done>>,
    connecting: bool,
    reading: Lanes,
    writing: BTreeSet<RowId>,
    writes: Lanes,
    acknowledging: usize,
    reserved: BTreeMap<String, u64>,
    asking: BTreeSet<RowId>,
    /// Rows whose last write may have replaced what a person said: their history tells.
    races: BTreeSet<RowId>,
    receiving: bool,
    stopping: bool,
    pub(in crate::engine) refused: BTreeMap<RowId, Refusal>,
    /// Rows to be read again before they are written.
    looks: BTreeSet<RowId>,
    /// Rows that are being read again, by chain.
    looking: BTreeMap<u64, Vec<RowId>>,
    /// Since when each of them is awaited.
    looked: BTreeMap<RowId, Timestamp>,
    /// When they came. A read that waits for the quota may take longer than a sighting counts: what was asked for to be written
    /// is fresh from its answer on, so that it is written some time.
    arrived: BTreeMap<RowId, Timestamp>,
    /// Rows that a narrow look-up did not show: to be looked up by id.
    unseen: BTreeSet<RowId>,
    /// Rows that lack a field still after they were read for it, and when they are read again.
    unfilled: BTreeMap<RowId, Duration>,
    /// When rows that the hub no longer shows were last removed, by place.
    swept: BTreeMap<Place, Timestamp>,
    read_backoff: Backoff,
    write_backoff: Backoff,
    ask_backoff: Backoff,
    feed_backoff: Backoff,
    pub(in crate::engine) trouble: Trouble,
    wanted_since: Option<Duration>,
    wanted_touched: Duration,
    /// When the last step was made.
    stepped: (Timestamp, Duration),
    /// When calls that are not full have waited long enough.
    partial_due: Option<Duration>,
    /// When a plan had nothing to send, and what was wanted then.
    planned: Option<(u64, Duration)>,
    relative_due: Option<Duration>,
    deadline: Option<Timestamp>,
    born_after: Option<Timestamp>,
    forced: Option<Arc<str>>,
    pub(in crate::engine) unreadable: u64,
    unreadable_now: u64,
    pub(in crate::engine) last_full_sync: Option<Timestamp>,
    pub(in crate::engine) figures: Figures,
    pub(in crate::engine) reporter: Reporter,
    pub(in crate::engine) flappers: BTreeMap<RowId, Arc<str>>,
}

/// What keeps a hub from being kept, by what failed last.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct Trouble {
    pub connect: Option<AwsFailure>,
    pub read: Option<AwsFailure>,
    pub write: Option<AwsFailure>,
    pub history: Option<AwsFailure>,
    pub queue: Option<AwsFailure>,
}

impl Trouble {
    /// The one that people hear of first.
    pub fn first(&self) -> Option<&AwsFailure> {
        [&self.connect, &self.read, &self.write, &self.history].into_iter().find_map(Option::as_ref)
    }
}

/// A finding that the hub did not take.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Refusal {
    pub code: String,
    pub message: String,
    /// Sending the same again is useless: `until` does not count, but the finding or what is wanted of it has to change.
    pub lasting: bool,
    /// What was wanted.
    change: Option<Change>,
    until: Duration,
    /// How often in a row.
    tries: u32,
}

impl Refusal {
    /// Whether the change that is wanted now must not be sent.
    fn blocks(&self, wanted: Option<&Change>, elapsed: Duration) -> bool {
        if self.lasting { self.change.as_ref() == wanted } else { self.until > elapsed }
    }
}

/// Whether a finding that was not processed for this reason may be taken another time. The other codes are permanent for the same
/// input: `InvalidInput`, `FindingSizeExceeded`, `DuplicatedFindingIdentifier`, and those of a call refused as a whole.
fn is_passing(code: &str) -> bool {
    matches!(code, "ConcurrentUpdateError" | "InternalFailure" | "InternalException")
}

/// Whether a history is not to be had: asking again is useless.
fn is_denied(failure: &AwsFailure) -> bool {
    matches!(failure.kind, FailureKind::AccessDenied | FailureKind::Invalid)
}

/// What came back.
enum Done {
    Connected(Result<(HubPorts, HubDescription), AwsFailure>),
    Looked { place: Place, result: Result<Look, AwsFailure> },
    Page { chain: Box<Chain>, asked_at: Timestamp, result: Result<Bytes, AwsFailure> },
    Written { batch: Batch, result: Result<Vec<Unprocessed>, NotWritten> },
    Told { row: RowId, result: Result<Vec<HistoryRecord>, AwsFailure> },
    Received(Result<Vec<Message>, AwsFailure>),
    Acknowledged { count: u64, result: Result<(), AwsFailure> },
}

impl Keeper {
    /// A loop for the hub of this name. Nothing happens before it runs.
    pub fn new(world: World, hub: &str, purpose: Purpose) -> Self {
        Self {
            world,
            hub: hub.into(),
            purpose,
            ports: None,
            description: None,
            places: Vec::new(),
            owners: Owners::new(),
            inventory: Inventory::new(LAG),
            coverage: Coverage::new(),
            sync: Sync::default(),
            evaluator: None,
            declared: None,
            desired: None,
            last_good: None,
            ledger: Ledger::default(),
            ledger_rebuilt: false,
            held: Vec::new(),
            in_flight: FuturesUnordered::new(),
            connecting: false,
            reading: Lanes::default(),
            writing: BTreeSet::new(),
            writes: Lanes::default(),
            acknowledging: 0,
            reserved: BTreeMap::new(),
            asking: BTreeSet::new(),
            races: BTreeSet::new(),
            receiving: false,
            stopping: false,
            refused: BTreeMap::new(),
            looks: BTreeSet::new(),
            looking: BTreeMap::new(),
            looked: BTreeMap::new(),
            arrived: BTreeMap::new(),
            unseen: BTreeSet::new(),
            unfilled: BTreeMap::new(),
            swept: BTreeMap::new(),
            read_backoff: Backoff::default(),
            write_backoff: Backoff::default(),
            ask_backoff: Backoff::default(),
            feed_backoff: Backoff::default(),
            trouble: Trouble::default(),
            wanted_since: None,
            wanted_touched: Duration::ZERO,
            stepped: (Timestamp::MIN, Duration::ZERO),
            partial_due: None,
            planned: None,
            relative_due: None,
            deadline: None,
            born_after: None,
            forced: None,
            unreadable: 0,
            unreadable_now: 0,
            last_full_sync: None,
            figures: Figures::default(),
            reporter: Reporter::default(),
            flappers: BTreeMap::new(),
        }
    }

    /// Runs until `shutdown`, then finishes what it started. A survey ends by itself once everything is known and decided.
    pub async fn run(mut self, mut desired: watch::Receiver<Arc<Desired>>, shutdown: CancellationToken) -> Self {
        let first = Arc::clone(&desired.borrow_and_update());
        self.declare(first);
        let mut source_gone = false;
        loop {
            self.step();
            self.report().await;
            if self.finished() {
                break;
            }
            let clock = Arc::clone(&self.world.clock);
            let wait = self.next_wake().unwrap_or(Duration::from_hours(1));
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if !self.stopping => self.stopping = true,
                Some(done) = self.in_flight.next(), if !self.in_flight.is_empty() => self.finish(done),
                changed = desired.changed(), if !source_gone && !self.stopping => match changed {
                    Ok(()) => {
                        let next = Arc::clone(&desired.borrow_and_update());
                        self.declare(next);
                    }
                    Err(_) => source_gone = true,
                },
                () = clock.sleep(wait) => {}
            }
        }
        self
    }

    fn finished(&self) -> bool {
        let surveyed = self.purpose == Purpose::Survey && (self.surveyed() || self.hopeless() || self.evaluator.is_none());
        // A page that is being read or a message that is awaited does not hold up the end. What has an effect does: without its
        // answer, nobody knows whether it had it.
        (self.stopping || surveyed) && self.writes.is_empty() && self.acknowledging == 0
    }

    /// Whether this may be the last thing to say.
    pub(in crate::engine) fn is_ending(&self) -> bool {
        self.stopping || self.purpose == Purpose::Survey
    }

    fn surveyed(&self) -> bool {
        let told = |e: &Evaluator| e.asks().is_empty() && e.flapping().all(|row| self.flappers.contains_key(&row));
        self.ready()
            && self.has_looked()
            && self.asking.is_empty()
            && self.evaluator.as_ref().is_some_and(|e| !e.is_dirty() && told(e))
    }

    /// A survey does not wait for somebody to mend something. A history that is denied is an answer: what it would tell stays in
    /// doubt, as it does for who keeps the hub.
    fn hopeless(&self) -> bool {
        self.failure().is_some_and(|failure| failure.kind != FailureKind::Throttled)
    }

    /// Whether all of the hub has been read at least once, so that a decision rests on everything.
    pub(in crate::engine) fn ready(&self) -> bool {
        let place = |n: usize| Place(u8::try_from(n).unwrap_or(u8::MAX));
        !self.places.is_empty() && (0..self.places.len()).all(|n| self.coverage.proven_since(place(n)).is_some())
    }

    /// Every finding has been seen since this time.
    pub(in crate::engine) fn proven_since(&self) -> Option<Timestamp> {
        let proven: Option<Vec<Timestamp>> = self.place_numbers().map(|place| self.coverage.proven_since(place)).collect();
        proven?.into_iter().min()
    }

    /// The shortest sync interval that the quota allows.
    pub(in crate::engine) fn smallest_sync_interval(&self) -> Option<Duration> {
        if !self.ready() {
            return None;
        }
        self.place_numbers().map(|place| self.smallest_interval(self.inventory.count(place))).max()
    }

    pub(in crate::engine) fn spec(&self) -> Option<&HubSpec> {
        self.evaluator.as_ref().map(|evaluator| &evaluator.set().hub_spec)
    }

    fn next_wake(&self) -> Option<Duration> {
        let (now, elapsed) = (self.world.clock.now(), self.world.clock.elapsed());
        let (stepped_at, stepped) = self.stepped;
        // What was due at the last step was done, or waits for something else than time: a timer for it would only spin.
        let until =
            |at: Timestamp| (at > stepped_at).then(|| Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO));
        let later = |at: Duration| (at > stepped).then(|| at.saturating_sub(elapsed));
        let mut wakes: Vec<Option<Duration>> = vec![
            self.sync.audit_due().and_then(later),
            self.deadline.and_then(until),
            self.relative_due.and_then(later),
            self.reporter.due().and_then(later),
            self.inventory.next_pending_expiry().and_then(until),
        ];
        let backoffs = [&self.read_backoff, &self.write_backoff, &self.ask_backoff, &self.feed_backoff];
        wakes.extend(backoffs.iter().map(|backoff| backoff.opens().and_then(later)));
        wakes.extend(self.owner_wakes().map(later));
        wakes.extend(self.refused.values().filter(|refusal| !refusal.lasting).map(|refusal| later(refusal.until)));
        wakes.extend(self.unfilled.values().map(|&due| later(due)));
        // Once this is past, what is still wanted waits for something else: an answer, a back-off, an approval.
        wakes.push(self.partial_due.and_then(later));
        if !self.held.is_empty() {
            wakes.push(Some(Duration::from_secs(30)));
        }
        wakes.into_iter().flatten().min().map(|wait| wait.max(Duration::from_millis(1)))
    }

    /// Nothing is wanted, nothing is under way, everything is known.
    pub(in crate::engine) fn converged(&self) -> bool {
        let decided = self.evaluator.as_ref().is_some_and(|e| !e.is_dirty() && e.wanted().is_empty() && e.asks().is_empty());
        decided
            && self.ready()
            && self.evaluator.as_ref().is_some_and(|evaluator| evaluator.backfilling().0 == 0)
            && self.writes.is_empty()
            && self.looks.is_empty()
            && self.unseen.is_empty()
            && self.looking.is_empty()
            && self.held.is_empty()
            && self.owns_all()
    }

    /// The evaluator, once something is declared for this hub.
    pub fn evaluator(&mut self) -> Option<(&mut Evaluator, &Inventory)> {
        Some((self.evaluator.as_mut()?, &self.inventory))
    }

    /// What is over a limit.
    pub fn over_limits(&self) -> &[Held] {
        &self.held
    }

    /// What failed and keeps it from knowing.
    pub fn failure(&self) -> Option<&AwsFailure> {
        self.trouble.first().filter(|_| self.denied_history().is_none())
    }

    /// The history may not be read, and nothing else failed.
    pub fn denied_history(&self) -> Option<&AwsFailure> {
        let Trouble { connect: None, read: None, write: None, history, .. } = &self.trouble else { return None };
        history.as_ref().filter(|failure| is_denied(failure))
    }

    /// Who last rewrote a finding, by its history, where that was asked.
    pub fn rewriters(&self) -> &BTreeMap<RowId, Arc<str>> {
        &self.flappers
    }

    /// Who we are, once connected.
    pub fn described(&self) -> Option<&HubDescription> {
        self.description.as_ref()
    }

    /// Now, by the loop's clock.
    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }
}
