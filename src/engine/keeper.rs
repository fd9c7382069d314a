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

use super::act::{self, Batch, Circumstances, Held};
use super::backoff::Backoff;
use super::evaluate::Evaluator;
use super::ports::{
    AwsFailure, Blocked, Effect, FailureKind, Figures, HistoryRecord, HubDescription, HubPorts, Message, PageRequest,
    Unprocessed, World,
};
use super::report::Reporter;
use super::sync::{Chain, Ended, Sync};
use super::{call, doubt, ingest};
use crate::core::compile::{Declared, PolicySet, carry_over};
use crate::core::decide::Knowledge;
use crate::core::ids::Region;
use crate::core::limits::Ledger;
use crate::core::objects::{Desired, HubSpec, Objects};
use crate::inventory::{Coverage, Expected, Inventory, Place, Removed, RowId, Window};

/// How long the hub may answer with the state before a write of ours.
const LAG: Duration = Duration::from_secs(30 * 60);
/// Page requests in flight: enough to hide a second of latency at the full quota.
const READS: usize = 4;
/// Writes in flight: few, so that what waits is decided again as late as possible.
const WRITES: usize = 3;
/// History look-ups in flight.
const ASKS: usize = 4;
/// Look-ups before a write, in flight.
const LOOKS: usize = 2;
/// A change waits this long for others that share its call.
const IDLE: Duration = Duration::from_millis(35);
/// But no longer than this.
const PATIENCE: Duration = Duration::from_secs(1);
/// Rules with relative dates are asked again this often.
const RELATIVE_DATES: Duration = Duration::from_secs(600);
/// A finding that was not taken is tried again after this.
const REFUSED: Duration = Duration::from_secs(15 * 60);

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
    pub(super) world: World,
    pub(super) hub: Arc<str>,
    purpose: Purpose,
    pub(super) ports: Option<HubPorts>,
    pub(super) description: Option<HubDescription>,
    pub(super) places: Vec<Region>,
    pub(super) inventory: Inventory,
    pub(super) coverage: Coverage,
    pub(super) sync: Sync,
    pub(super) evaluator: Option<Evaluator>,
    pub(super) declared: Option<Declared>,
    pub(super) desired: Option<Arc<Desired>>,
    last_good: Option<Objects>,
    ledger: Ledger,
    ledger_rebuilt: bool,
    pub(super) held: Vec<Held>,
    in_flight: FuturesUnordered<BoxFuture<'static, Done>>,
    connecting: bool,
    reading: usize,
    writing: BTreeSet<RowId>,
    writes: usize,
    reserved: BTreeMap<String, u64>,
    asking: BTreeSet<RowId>,
    receiving: bool,
    stopping: bool,
    pub(super) refused: BTreeMap<RowId, Refusal>,
    /// Rows to be read again before they are written.
    looks: BTreeSet<RowId>,
    /// Rows that are being read again, by chain.
    looking: BTreeMap<u64, Vec<RowId>>,
    read_backoff: Backoff,
    write_backoff: Backoff,
    ask_backoff: Backoff,
    feed_backoff: Backoff,
    pub(super) trouble: Trouble,
    wanted_since: Option<Duration>,
    wanted_touched: Duration,
    relative_due: Option<Duration>,
    deadline: Option<Timestamp>,
    born_after: Option<Timestamp>,
    forced: Option<Arc<str>>,
    pub(super) unreadable: u64,
    unreadable_now: u64,
    pub(super) last_full_sync: Option<Timestamp>,
    pub(super) figures: Figures,
    pub(super) reporter: Reporter,
    pub(super) flappers: BTreeMap<RowId, Arc<str>>,
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
    until: Duration,
}

/// What came back.
enum Done {
    Connected(Result<(HubPorts, HubDescription), AwsFailure>),
    Page { chain: Chain, asked_at: Timestamp, result: Result<Bytes, AwsFailure> },
    Written { batch: Batch, result: Result<Vec<Unprocessed>, call::NotWritten> },
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
            reading: 0,
            writing: BTreeSet::new(),
            writes: 0,
            reserved: BTreeMap::new(),
            asking: BTreeSet::new(),
            receiving: false,
            stopping: false,
            refused: BTreeMap::new(),
            looks: BTreeSet::new(),
            looking: BTreeMap::new(),
            read_backoff: Backoff::default(),
            write_backoff: Backoff::default(),
            ask_backoff: Backoff::default(),
            feed_backoff: Backoff::default(),
            trouble: Trouble::default(),
            wanted_since: None,
            wanted_touched: Duration::ZERO,
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
            let wait = self.next_wake().unwrap_or(Duration::from_secs(3600));
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
        (self.stopping || surveyed) && self.writing.is_empty() && self.in_flight_matters() == 0
    }

    /// A page that is being read or a message that is awaited does not hold up the end.
    fn in_flight_matters(&self) -> usize {
        self.writes
    }

    fn surveyed(&self) -> bool {
        self.ready() && self.asking.is_empty() && self.evaluator.as_ref().is_some_and(|e| !e.is_dirty() && e.asks().is_empty())
    }

    /// A survey does not wait for somebody to mend something.
    fn hopeless(&self) -> bool {
        self.trouble.first().is_some_and(|failure| failure.kind != FailureKind::Throttled)
    }

    /// Whether all of the hub has been read at least once, so that a decision rests on everything.
    pub(super) fn ready(&self) -> bool {
        let place = |n: usize| Place(u8::try_from(n).unwrap_or(u8::MAX));
        !self.places.is_empty() && (0..self.places.len()).all(|n| self.coverage.proven_since(place(n)).is_some())
    }

    pub(super) fn spec(&self) -> Option<&HubSpec> {
        self.evaluator.as_ref().map(|evaluator| &evaluator.set().hub_spec)
    }

    // ---- Desired state.

    fn declare(&mut self, desired: Arc<Desired>) {
        let declared = carry_over(self.last_good.as_ref(), &desired);
        self.last_good = Some(declared.objects.clone());
        self.desired = Some(desired);
        if self.declared.as_ref() == Some(&declared) {
            return;
        }
        let set = PolicySet::compile(&declared, &self.hub).map(Arc::new);
        self.declared = Some(declared);
        let Some(set) = set else {
            self.evaluator = None;
            self.disconnect();
            return;
        };
        let before = self.spec().cloned();
        let reconnect = before.as_ref().is_none_or(|before| {
            let HubSpec { home_region, linked_regions, role, queue_url, api_quota_percent, .. } = before;
            (home_region, linked_regions, role, queue_url, api_quota_percent)
                != (
                    &set.hub_spec.home_region,
                    &set.hub_spec.linked_regions,
                    &set.hub_spec.role,
                    &set.hub_spec.queue_url,
                    &set.hub_spec.api_quota_percent,
                )
        });
        if reconnect {
            self.disconnect();
        }
        let forced = set.hub_meta.requested_at.clone();
        if self.evaluator.is_some() && forced != self.forced {
            let now = self.world.clock.now();
            for place in self.place_numbers() {
                self.sync.begin_pass(place, now);
            }
        }
        self.forced = forced;
        if before.is_some_and(|before| before.sync_interval_seconds != set.hub_spec.sync_interval_seconds) {
            self.plan_audits();
        }
        // A rule that names a new field waits for one read; everything else is decided from memory.
        if self.inventory.set_paths(&set.fields) && self.ready() {
            let now = self.world.clock.now();
            for place in self.place_numbers() {
                self.sync.begin_pass(place, now);
            }
        }
        self.relative_due = None;
        self.refused.clear();
        self.evaluator = Some(Evaluator::new(set));
        self.deadline = None;
    }

    fn disconnect(&mut self) {
        self.ports = None;
        self.description = None;
        self.places.clear();
        self.inventory = Inventory::new(LAG);
        self.coverage = Coverage::new();
        self.sync.clear();
        self.looks.clear();
        self.looking.clear();
        self.asking.clear();
        self.ledger = Ledger::default();
        self.ledger_rebuilt = false;
        self.last_full_sync = None;
        self.trouble = Trouble::default();
        self.read_backoff.reset();
        if let Some(evaluator) = &self.evaluator {
            self.evaluator = Some(Evaluator::new(Arc::clone(evaluator.set())));
        }
    }

    fn place_numbers(&self) -> impl Iterator<Item = Place> + use<> {
        (0..self.places.len()).filter_map(|n| u8::try_from(n).ok()).map(Place)
    }

    pub(super) fn region(&self, place: Place) -> Option<Region> {
        self.places.get(usize::from(place.0)).cloned()
    }

    // ---- One step: start what can be started.

    fn step(&mut self) {
        let (now, elapsed) = (self.world.clock.now(), self.world.clock.elapsed());
        if self.evaluator.is_none() {
            return;
        }
        if self.ports.is_none() {
            self.connect(elapsed);
            return;
        }
        if !self.stopping {
            self.start_audits(now, elapsed);
            self.receive(elapsed);
        }
        self.decide(now, elapsed);
        if !self.stopping {
            self.write(now, elapsed);
            self.ask(elapsed);
            self.read(now, elapsed);
        }
    }

    fn connect(&mut self, elapsed: Duration) {
        let Some(spec) = self.spec().cloned() else { return };
        if self.connecting || self.stopping || !self.read_backoff.open(elapsed) {
            return;
        }
        self.connecting = true;
        let connector = Arc::clone(&self.world.connector);
        self.in_flight.push(Box::pin(async move {
            let connected = async {
                let ports = connector.connect(&spec).await?;
                let description = ports.read.describe().await?;
                Ok((ports, description))
            };
            Done::Connected(connected.await)
        }));
    }

    fn start_audits(&mut self, now: Timestamp, elapsed: Duration) {
        for place in self.sync.start_audits(elapsed, now) {
            self.plan_audit(place);
        }
        for row in self.inventory.pending_expired(now) {
            self.looks.insert(row);
        }
    }

    fn plan_audits(&mut self) {
        for place in self.place_numbers() {
            if self.coverage.proven_since(place).is_some() {
                self.plan_audit(place);
            }
        }
    }

    fn plan_audit(&mut self, place: Place) {
        let Some(interval) = self.spec().map(|spec| Duration::from_secs(u64::from(spec.sync_interval_seconds))) else { return };
        let here = self.inventory.count_between(place, Window::ALL);
        let cuts = self.inventory.quantiles(place, Sync::audit_windows(here));
        // An interval that the quota cannot meet is refused in the status; what is possible is done meanwhile.
        let interval = interval.max(self.smallest_interval(here));
        self.sync.plan_audit(place, Window::split(&cuts), interval, self.world.clock.elapsed());
    }

    fn smallest_interval(&self, findings: usize) -> Duration {
        let share = self.spec().map_or(100, |spec| spec.api_quota_percent);
        Sync::smallest_interval(findings, 3.0 * f64::from(share) / 100.0)
    }

    /// Every finding has been seen since this time.
    pub(super) fn proven_since(&self) -> Option<Timestamp> {
        let proven: Option<Vec<Timestamp>> = self.place_numbers().map(|place| self.coverage.proven_since(place)).collect();
        proven?.into_iter().min()
    }

    /// The shortest sync interval that the quota allows.
    pub(super) fn smallest_sync_interval(&self) -> Option<Duration> {
        if !self.ready() {
            return None;
        }
        self.place_numbers().map(|place| self.smallest_interval(self.inventory.count_between(place, Window::ALL))).max()
    }

    fn receive(&mut self, elapsed: Duration) {
        let feed = self.ports.as_ref().and_then(|ports| ports.feed.clone());
        if let (Some(feed), false, Purpose::Keep, true) = (feed, self.receiving, self.purpose, self.feed_backoff.open(elapsed)) {
            self.receiving = true;
            self.in_flight.push(Box::pin(async move { Done::Received(feed.receive().await) }));
        }
    }

    fn decide(&mut self, now: Timestamp, elapsed: Duration) {
        if !self.ready() {
            return;
        }
        if !self.ledger_rebuilt {
            self.rebuild_ledger(now);
        }
        let Some(evaluator) = &mut self.evaluator else { return };
        if self.deadline.is_some_and(|at| at <= now) {
            // Time alone changed something: exceptions are judged anew, their findings with them.
            evaluator.touch_verdicts();
        }
        if self.relative_due.is_some_and(|due| due <= elapsed) {
            evaluator.touch_all();
            self.relative_due = None;
        }
        if evaluator.is_dirty() {
            let before = evaluator.wanted().len();
            evaluator.round(&self.inventory, now);
            if evaluator.wanted().len() > before {
                self.wanted_touched = elapsed;
                self.wanted_since.get_or_insert(elapsed);
            }
        }
        self.deadline = evaluator.set().next_deadline(now);
        if self.relative_due.is_none() && evaluator.set().is_relative() {
            self.relative_due = Some(elapsed + RELATIVE_DATES);
        }
    }

    /// What was changed in the last hour stands in the markers, so a restart does not multiply what is allowed.
    fn rebuild_ledger(&mut self, now: Timestamp) {
        self.ledger_rebuilt = true;
        let hour_ago = now.checked_sub(jiff::SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
        for view in self.inventory.rows().filter_map(|row| self.inventory.get(row)) {
            if let Some(marker) = view.marker().marker().filter(|marker| marker.at > hour_ago && marker.at <= now) {
                self.ledger.note(&marker.owner.to_string(), marker.at, 1);
            }
        }
    }

    fn write(&mut self, now: Timestamp, elapsed: Duration) {
        let Some(evaluator) = &self.evaluator else { return };
        if self.purpose == Purpose::Keep && evaluator.wanted().is_empty() {
            self.wanted_since = None;
            self.held.clear();
            return;
        }
        if !self.ready() {
            return;
        }
        self.ledger.trim(now);
        self.refused.retain(|_, refusal| refusal.until > elapsed);
        let looking: BTreeSet<RowId> = self.looking.values().flatten().copied().collect();
        let blocked = |row: RowId| {
            self.writing.contains(&row) || self.refused.contains_key(&row) || self.looks.contains(&row) || looking.contains(&row)
        };
        let freshness = Duration::from_secs(u64::from(evaluator.set().hub_spec.freshness_seconds));
        let at = Circumstances { now, ledger: &self.ledger, reserved: &self.reserved, blocked: &blocked, freshness };
        let plan = act::plan(evaluator, &self.inventory, &at);
        self.held = plan.held;
        if self.purpose == Purpose::Survey || !self.write_backoff.open(elapsed) {
            return;
        }
        self.looks.extend(plan.stale);
        let idle = elapsed >= self.wanted_touched + IDLE || self.wanted_since.is_some_and(|since| elapsed >= since + PATIENCE);
        for batch in plan.batches {
            if self.writes >= WRITES || (batch.rows.len() < act::BATCH && !idle) {
                break;
            }
            self.send(batch, now);
        }
    }

    fn send(&mut self, batch: Batch, now: Timestamp) {
        let (Some(ports), Some(region)) = (self.ports.clone(), self.region(batch.place)) else { return };
        let mut keys = Vec::with_capacity(batch.rows.len());
        for &row in &batch.rows {
            let Some(view) = self.inventory.get(row) else { continue };
            keys.push(view.key());
            let wanted = self.evaluator.as_ref().and_then(|evaluator| evaluator.wanted().get(&row));
            let Some(wanted) = wanted else { continue };
            let marker = crate::core::note::marker(&wanted.change, now);
            let note = batch.patch.note.is_some();
            let expected = Expected { workflow: wanted.change.workflow, marker: Some(Arc::new(marker)), note, sent_at: now };
            self.inventory.expect(row, expected);
            self.writing.insert(row);
        }
        for (owner, paid) in &batch.paid {
            *self.reserved.entry(owner.clone()).or_default() += paid;
            *self.reserved.entry(String::new()).or_default() += paid;
        }
        self.writes += 1;
        let world = self.world.clone();
        self.in_flight.push(Box::pin(async move {
            let result = call::update(&world, &ports, &region, &keys, &batch.patch).await;
            Done::Written { batch, result }
        }));
    }

    fn ask(&mut self, elapsed: Duration) {
        let Some(evaluator) = &self.evaluator else { return };
        if !self.ready() || !self.ask_backoff.open(elapsed) {
            return;
        }
        let flapping: Vec<RowId> = evaluator.flapping().filter(|row| !self.flappers.contains_key(row)).collect();
        let rows: Vec<RowId> =
            evaluator.asks().iter().copied().chain(flapping).filter(|row| !self.asking.contains(row)).collect();
        for row in rows {
            if self.asking.len() >= ASKS {
                break;
            }
            let (Some(ports), Some(view)) = (self.ports.clone(), self.inventory.get(row)) else { continue };
            let (Some(region), key) = (self.region(view.place()), view.key()) else { continue };
            self.asking.insert(row);
            self.in_flight.push(Box::pin(async move { Done::Told { row, result: ports.history.history(&region, &key).await } }));
        }
    }

    fn read(&mut self, now: Timestamp, elapsed: Duration) {
        if !self.read_backoff.open(elapsed) {
            return;
        }
        if !self.looks.is_empty() && self.sync.looking() < LOOKS {
            let rows: Vec<RowId> = std::mem::take(&mut self.looks).into_iter().collect();
            for (place, filter, rows) in act::look_ups(&self.inventory, &rows) {
                let chain = self.sync.look(place, filter, now);
                self.looking.insert(chain, rows);
            }
        }
        while self.reading < READS {
            let Some(chain) = self.sync.start_next() else { break };
            let (Some(ports), Some(region)) = (self.ports.clone(), self.region(chain.place)) else { break };
            let request =
                PageRequest { region, filter: chain.filter.clone(), order: chain.order, token: chain.token.clone(), size: 100 };
            self.reading += 1;
            self.in_flight.push(Box::pin(async move {
                let result = ports.read.page(&request).await;
                Done::Page { chain, asked_at: now, result }
            }));
        }
    }

    // ---- What came back.

    fn finish(&mut self, done: Done) {
        let elapsed = self.world.clock.elapsed();
        match done {
            Done::Connected(result) => self.connected(result, elapsed),
            Done::Page { chain, asked_at, result } => self.page(&chain, asked_at, result, elapsed),
            Done::Written { batch, result } => self.written(&batch, result, elapsed),
            Done::Told { row, result } => self.told(row, result, elapsed),
            Done::Received(result) => self.received(result, elapsed),
            Done::Acknowledged { count, result } => match result {
                Ok(()) => self.figures.events_handled += count,
                // They come again, and are known by then.
                Err(failure) => self.trouble.queue = Some(failure),
            },
        }
    }

    fn connected(&mut self, result: Result<(HubPorts, HubDescription), AwsFailure>, elapsed: Duration) {
        self.connecting = false;
        let (Some(spec), now) = (self.spec().cloned(), self.world.clock.now()) else { return };
        let checked = result.and_then(|(ports, description)| match &description.aggregator_home {
            Some(home) if *home != spec.home_region => Err(AwsFailure {
                action: format!("keep the hub from {}", spec.home_region),
                kind: FailureKind::Invalid,
                code: None,
                message: format!("the finding aggregator's home Region is {home}: set spec.homeRegion to {home}"),
                retry_after: None,
            }),
            _ => Ok((ports, description)),
        });
        match checked {
            Ok((ports, description)) => {
                self.read_backoff.reset();
                self.trouble.connect = None;
                let linked = description.linked_regions.clone().unwrap_or_default();
                let extra = spec
                    .linked_regions
                    .iter()
                    .flatten()
                    .filter(|region| !linked.contains(region) && **region != spec.home_region);
                self.places = std::iter::once(spec.home_region.clone()).chain(extra.cloned()).collect();
                self.description = Some(description);
                self.ports = Some(ports);
                self.born_after = Some(now);
                for place in self.place_numbers() {
                    self.coverage.begin_pass(place, now);
                    self.sync.begin_pass(place, now);
                }
            }
            Err(failure) => {
                self.read_backoff.failed(elapsed, failure.retry_after, self.world.rng.fraction());
                self.trouble.connect = Some(failure);
            }
        }
    }

    fn page(&mut self, chain: &Chain, asked_at: Timestamp, result: Result<Bytes, AwsFailure>, elapsed: Duration) {
        self.reading = self.reading.saturating_sub(1);
        let taken = match result {
            Ok(body) => {
                ingest::page(&mut self.inventory, &body, chain.place, asked_at, self.born_after).map_err(|message| AwsFailure {
                    action: "read a page of GetFindings".to_owned(),
                    kind: FailureKind::Transient,
                    code: None,
                    message,
                    retry_after: None,
                })
            }
            Err(failure) => Err(failure),
        };
        let taken = match taken {
            Ok(taken) => taken,
            Err(failure) => {
                // A token that has grown too old is refused: begin again without it.
                let restart = failure.kind == FailureKind::Invalid && chain.token.is_some();
                self.sync.failed(chain.id, restart);
                self.read_backoff.failed(elapsed, failure.retry_after, self.world.rng.fraction());
                self.trouble.read = Some(failure);
                return;
            }
        };
        self.read_backoff.reset();
        self.trouble.read = None;
        self.figures.pages_read += 1;
        self.unreadable_now += taken.unreadable as u64;
        if let Some(error) = &taken.first_error {
            self.reporter.unreadable(&self.world, &self.hub, error);
        }
        self.touch(&taken);
        let now = self.world.clock.now();
        match self.sync.advanced(chain.id, &taken.created, taken.token, now) {
            Ended::Nothing | Ended::TokenRepeated => {}
            Ended::Look => {
                self.looking.remove(&chain.id);
            }
            Ended::Window(place, window, started_at) => {
                self.coverage.mark(place, window, started_at);
                for removed in self.inventory.sweep(place, window, started_at) {
                    self.lose(&removed);
                }
                if window == Window::ALL {
                    self.last_full_sync = Some(now);
                    self.unreadable = std::mem::take(&mut self.unreadable_now);
                    self.plan_audit(place);
                }
            }
        }
    }

    /// A row is gone: what is left of its problem is decided again.
    fn lose(&mut self, removed: &Removed) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.forget(removed.row);
            for &sibling in self.inventory.by_problem(removed.problem) {
                evaluator.touch(&self.inventory, sibling);
            }
        }
        self.looks.remove(&removed.row);
        self.flappers.remove(&removed.row);
        self.refused.remove(&removed.row);
    }

    fn touch(&mut self, taken: &ingest::Taken) {
        if let Some(evaluator) = &mut self.evaluator {
            for &row in &taken.touched {
                evaluator.touch(&self.inventory, row);
                self.flappers.remove(&row);
            }
        }
        self.looks.extend(&taken.doubtful);
    }

    fn written(&mut self, batch: &Batch, result: Result<Vec<Unprocessed>, call::NotWritten>, elapsed: Duration) {
        self.writes = self.writes.saturating_sub(1);
        let now = self.world.clock.now();
        for (owner, paid) in &batch.paid {
            for account in [owner.as_str(), ""] {
                if let Some(reserved) = self.reserved.get_mut(account) {
                    *reserved = reserved.saturating_sub(*paid);
                }
            }
        }
        for row in &batch.rows {
            self.writing.remove(row);
        }
        match result {
            Ok(unprocessed) => {
                self.write_backoff.reset();
                self.trouble.write = None;
                self.figures.writes += 1;
                self.settle(batch, &unprocessed, elapsed, now);
            }
            Err(call::NotWritten { failure, perhaps }) => {
                for &row in &batch.rows {
                    // What may have had its effect is looked at before it is decided again.
                    self.inventory.withdraw(row);
                    if perhaps {
                        self.looks.insert(row);
                    }
                    self.touch_row(row);
                }
                if perhaps {
                    for (owner, paid) in &batch.paid {
                        self.ledger.note(owner, now, *paid);
                    }
                }
                self.write_backoff.failed(elapsed, failure.retry_after, self.world.rng.fraction());
                self.trouble.write = Some(failure);
            }
        }
    }

    fn touch_row(&mut self, row: RowId) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.touch(&self.inventory, row);
        }
    }

    fn settle(&mut self, batch: &Batch, unprocessed: &[Unprocessed], elapsed: Duration, now: Timestamp) {
        let mut refused = BTreeSet::new();
        for failed in unprocessed {
            let Some(row) = self.inventory.find(&failed.key) else { continue };
            refused.insert(row);
            self.inventory.withdraw(row);
            if failed.code == "FindingNotFound" {
                if let Some(removed) = self.inventory.remove(row) {
                    self.lose(&removed);
                }
                continue;
            }
            let until = elapsed + REFUSED;
            self.refused.insert(row, Refusal { code: failed.code.clone(), message: failed.message.clone(), until });
        }
        for &row in batch.rows.iter().filter(|row| !refused.contains(row)) {
            self.inventory.settle(row);
            self.touch_row(row);
            self.figures.written_findings += 1;
        }
        for (owner, paid) in &batch.paid {
            self.ledger.note(owner, now, paid.saturating_sub(refused.len() as u64));
        }
    }

    fn told(&mut self, row: RowId, result: Result<Vec<HistoryRecord>, AwsFailure>, elapsed: Duration) {
        self.asking.remove(&row);
        match result {
            Ok(records) => {
                self.ask_backoff.reset();
                self.trouble.history = None;
                let own = self.description.as_ref().map(|description| description.caller_arn.as_str()).unwrap_or_default();
                let answer = doubt::newest_answer(&records, own);
                let writer = doubt::newest_writer(&records, own);
                self.flappers.insert(row, writer.unwrap_or_else(|| "something that leaves no history".into()));
                self.inventory.set_knowledge(row, Knowledge::Known(answer));
            }
            Err(failure) if matches!(failure.kind, FailureKind::AccessDenied | FailureKind::Invalid) => {
                self.inventory.set_knowledge(row, Knowledge::Denied);
                self.flappers.insert(row, "somebody (GetFindingHistory is not allowed)".into());
                self.trouble.history = Some(failure);
            }
            Err(failure) => {
                self.ask_backoff.failed(elapsed, failure.retry_after, self.world.rng.fraction());
                self.trouble.history = Some(failure);
            }
        }
        self.touch_row(row);
    }

    fn received(&mut self, result: Result<Vec<Message>, AwsFailure>, elapsed: Duration) {
        self.receiving = false;
        let messages = match result {
            Ok(messages) => messages,
            Err(failure) => {
                self.feed_backoff.failed(elapsed, failure.retry_after, self.world.rng.fraction());
                self.trouble.queue = Some(failure);
                return;
            }
        };
        self.feed_backoff.reset();
        self.trouble.queue = None;
        let now = self.world.clock.now();
        let mut handled = Vec::new();
        for message in messages {
            let places = &self.places;
            let place_of = |region: &str| {
                let own = places.iter().position(|place| place.as_str() == region).unwrap_or(0);
                u8::try_from(own).ok().map(Place)
            };
            match ingest::event(&mut self.inventory, &message.body, now, place_of, self.born_after) {
                Ok(taken) => {
                    self.touch(&taken);
                    handled.push(message.receipt);
                }
                Err(error) => {
                    // Not acknowledged: the queue's redrive policy moves it to the dead-letter queue.
                    self.figures.events_poisoned += 1;
                    self.reporter.poison(&self.world, &self.hub, &error, message.deliveries);
                }
            }
        }
        let Some(feed) = self.ports.as_ref().and_then(|ports| ports.feed.clone()).filter(|_| !handled.is_empty()) else { return };
        let world = self.world.clone();
        self.in_flight.push(Box::pin(async move {
            let count = handled.len();
            let result =
                call::gated(&world, &Effect::QueueAck(count), "acknowledge messages", || feed.acknowledge(&handled)).await;
            Done::Acknowledged { count: count as u64, result: result.map_err(|not| not.failure) }
        }));
    }

    // ---- Waiting.

    fn next_wake(&self) -> Option<Duration> {
        let (now, elapsed) = (self.world.clock.now(), self.world.clock.elapsed());
        let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO);
        let later = |at: Duration| at.saturating_sub(elapsed);
        let mut wakes: Vec<Duration> = Vec::new();
        wakes.extend(self.sync.audit_due().map(later));
        wakes.extend(self.deadline.map(until));
        wakes.extend(self.relative_due.map(later));
        wakes.extend(
            [&self.read_backoff, &self.write_backoff, &self.ask_backoff, &self.feed_backoff]
                .iter()
                .filter_map(|b| b.opens())
                .map(later),
        );
        wakes.extend(self.refused.values().map(|refusal| later(refusal.until)));
        wakes.extend(self.reporter.due().map(later));
        wakes.extend(self.inventory.next_pending_expiry().map(until));
        let waiting = self.evaluator.as_ref().is_some_and(|evaluator| !evaluator.wanted().is_empty());
        if waiting && self.writes < WRITES {
            wakes.push(later(self.wanted_touched + IDLE).max(Duration::from_millis(1)).min(PATIENCE));
        }
        if !self.held.is_empty() {
            wakes.push(Duration::from_secs(30));
        }
        // A timer that is due by now is handled by the next step; never spin on one that is not.
        wakes.into_iter().min().map(|wait| wait.max(Duration::from_millis(1)))
    }

    /// Nothing is wanted, nothing is under way, everything is known.
    pub(super) fn converged(&self) -> bool {
        let decided = self.evaluator.as_ref().is_some_and(|e| !e.is_dirty() && e.wanted().is_empty() && e.asks().is_empty());
        decided && self.ready() && self.writes == 0 && self.looks.is_empty() && self.looking.is_empty() && self.held.is_empty()
    }

    // ---- For `plan` and `explain`.

    /// The evaluator, once something is declared for this hub.
    pub fn evaluator(&mut self) -> Option<(&mut Evaluator, &Inventory)> {
        Some((self.evaluator.as_mut()?, &self.inventory))
    }

    /// What is over a limit.
    pub fn over_limits(&self) -> &[Held] {
        &self.held
    }

    /// What failed.
    pub fn failure(&self) -> Option<&AwsFailure> {
        self.trouble.first()
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

/// Turns a blocked gate into a failed call.
pub(super) fn blocked(action: &str, blocked: &Blocked) -> AwsFailure {
    let kind = match blocked {
        Blocked::Fail => FailureKind::Transient,
        Blocked::Stop => FailureKind::Stopped,
    };
    AwsFailure { action: action.to_owned(), kind, code: None, message: blocked.to_string(), retry_after: None }
}
