//! One step: starts what can be started, decides what was touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{ASKS, Done, IDLE, Keeper, LOOKS, PAGES, PATIENCE, Purpose, READS, RELATIVE_DATES, STANDSTILL, WRITES};
use crate::core::marker::Owner;
use crate::core::reasons;
use crate::engine::act::{self, Batch, Circumstances, Held, LookUp};
use crate::engine::call;
use crate::engine::ports::PageRequest;
use crate::engine::report::Reporter;
use crate::engine::sync::Sync;
use crate::inventory::{Expected, Place, RowId, Window};

/// Two clocks may differ by this much without meaning anything: one of them is adjusted all the time.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(5);

impl Keeper {
    pub(super) fn step(&mut self) {
        let (now, elapsed) = (self.world.clock.now(), self.world.clock.elapsed());
        let set_back = self.set_back(now, elapsed);
        self.stepped = (now, elapsed);
        if self.evaluator.is_none() {
            return;
        }
        if let Some(by) = set_back {
            // By such a clock, what was seen before would be fresh for as long.
            Reporter::set_back(&self.world, &self.hub, by);
            self.disconnect();
        }
        if self.ports.is_none() {
            self.connect(elapsed);
            return;
        }
        if !self.stopping {
            self.look_at_owners(elapsed);
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

    /// By how much the wall clock was set back since the last step, against the one that never goes backwards.
    fn set_back(&self, now: Timestamp, elapsed: Duration) -> Option<SignedDuration> {
        let (stepped_at, stepped) = self.stepped;
        let passed = SignedDuration::try_from(elapsed.saturating_sub(stepped)).unwrap_or(SignedDuration::MAX);
        // Nobody stepped yet: nothing was seen either.
        let expected = stepped_at.checked_add(passed).ok().filter(|_| stepped_at > Timestamp::MIN)?;
        let behind = expected.duration_since(now);
        (behind > CLOCK_SLACK).then_some(behind)
    }

    pub(super) fn connect(&mut self, elapsed: Duration) {
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

    pub(super) fn start_audits(&mut self, now: Timestamp, elapsed: Duration) {
        for place in self.sync.start_audits(elapsed, now) {
            self.plan_audit(place);
        }
        for row in self.inventory.pending_expired(now) {
            self.looks.insert(row);
        }
    }

    pub(super) fn plan_audits(&mut self) {
        for place in self.place_numbers() {
            if self.coverage.proven_since(place).is_some() {
                self.plan_audit(place);
            }
        }
    }

    pub(super) fn plan_audit(&mut self, place: Place) {
        let Some(interval) = self.spec().map(|spec| Duration::from_secs(u64::from(spec.sync_interval_seconds))) else { return };
        let here = self.inventory.count(place);
        let cuts = self.inventory.quantiles(place, Sync::audit_windows(here));
        // An interval that the quota cannot meet is refused in the status; what is possible is done meanwhile.
        let interval = interval.max(self.smallest_interval(here));
        self.sync.plan_audit(place, Window::split(&cuts), interval, self.world.clock.elapsed());
    }

    pub(super) fn smallest_interval(&self, findings: usize) -> Duration {
        let share = self.spec().map_or(100, |spec| spec.api_quota_percent);
        Sync::smallest_interval(findings, 3.0 * f64::from(share) / 100.0)
    }

    pub(super) fn receive(&mut self, elapsed: Duration) {
        let feed = self.ports.as_ref().and_then(|ports| ports.feed.clone());
        // Another's queue may be the same one: what we took would be missing there.
        let open = self.feed_backoff.open(elapsed) && self.is_ours(Place(0), elapsed);
        if let (Some(feed), false, Purpose::Keep, true) = (feed, self.receiving, self.purpose, open) {
            self.receiving = true;
            self.in_flight.push(Box::pin(async move { Done::Received(feed.receive().await) }));
        }
    }

    pub(super) fn decide(&mut self, now: Timestamp, elapsed: Duration) {
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
            }
        }
        self.deadline = evaluator.set().next_deadline(now);
        if self.relative_due.is_none() && evaluator.set().is_relative() {
            self.relative_due = Some(elapsed + RELATIVE_DATES);
        }
    }

    /// What was changed in the last hour stands in the markers, so a restart does not multiply what is allowed.
    pub(super) fn rebuild_ledger(&mut self, now: Timestamp) {
        self.ledger_rebuilt = true;
        let hour_ago = now.checked_sub(jiff::SignedDuration::from_hours(1)).unwrap_or(Timestamp::MIN);
        for view in self.inventory.rows().filter_map(|row| self.inventory.get(row)) {
            if let Some(marker) = view.marker().marker().filter(|marker| marker.at > hour_ago && marker.at <= now) {
                self.ledger.note(&marker.owner.to_string(), marker.at, 1);
            }
        }
    }

    pub(super) fn write(&mut self, now: Timestamp, elapsed: Duration) {
        let Some(evaluator) = &self.evaluator else { return };
        self.partial_due = None;
        // What is wanted no more was not refused.
        self.refused.retain(|row, _| evaluator.wanted().contains_key(row));
        let since = self.planned.map_or(Duration::ZERO, |(_, at)| at);
        if self.refused.values().any(|refusal| !refusal.lasting && refusal.until > since && refusal.until <= elapsed) {
            self.planned = None;
        }
        if self.purpose == Purpose::Keep && evaluator.wanted().is_empty() {
            self.wanted_since = None;
            self.arrived.clear();
            self.held.clear();
            if self.writes.is_empty() && self.looks.is_empty() && self.looking.is_empty() {
                // What failed was found to have had its effect, or is wanted no more.
                self.trouble.write = None;
                self.write_backoff.reset();
            }
            return;
        }
        let ours: BTreeSet<Place> = self.place_numbers().filter(|place| self.is_ours(*place, elapsed)).collect();
        let room: BTreeMap<Place, usize> =
            ours.iter().map(|&place| (place, WRITES.saturating_sub(self.writes.of(place)))).collect();
        if !self.ready() || room.values().all(|&calls| calls == 0) {
            return;
        }
        // What is over a limit stays so until something changes, or time passes.
        let nothing = self.planned.is_some_and(|(wishes, at)| wishes == evaluator.wishes() && elapsed < at + STANDSTILL);
        if nothing && self.looks.is_empty() && self.looking.is_empty() {
            return;
        }
        self.ledger.trim(now);
        let freshness = Duration::from_secs(u64::from(evaluator.set().hub_spec.freshness_seconds));
        let since = now.checked_sub(freshness).unwrap_or(Timestamp::MIN);
        self.arrived.retain(|_, at| *at >= since);
        let refused = |row: RowId| {
            let wanted = evaluator.wanted().get(&row).map(|wanted| &wanted.change);
            self.refused.get(&row).is_some_and(|refusal| refusal.blocks(wanted, elapsed))
        };
        let elsewhere = |row: RowId| self.inventory.get(row).is_none_or(|view| !ours.contains(&view.place()));
        let blocked = |row: RowId| self.writing.contains(&row) || refused(row);
        let looking = |row: RowId| self.looks.contains(&row) || self.unseen.contains(&row) || self.is_looking(row);
        let open = self.purpose == Purpose::Keep && self.write_backoff.open(elapsed);
        let calls = if open { room } else { BTreeMap::new() };
        let idle = elapsed >= self.wanted_touched + IDLE || self.wanted_since.is_some_and(|since| elapsed >= since + PATIENCE);
        let at = Circumstances {
            now,
            ledger: &self.ledger,
            reserved: &self.reserved,
            elsewhere: &elsewhere,
            blocked: &blocked,
            looking: &looking,
            arrived: &|row| self.arrived.get(&row).copied(),
            freshness,
            calls,
            idle,
        };
        let plan = act::plan(evaluator, &self.inventory, &at);
        let still = plan.batches.is_empty() && plan.stale.is_empty() && !plan.waits && plan.waits_since.is_none();
        self.planned = (still && open).then_some((evaluator.wishes(), elapsed));
        self.hold(plan.held);
        if !open {
            return;
        }
        self.looks.extend(plan.stale);
        if plan.waits {
            let since = *self.wanted_since.get_or_insert(elapsed);
            self.partial_due = Some((self.wanted_touched + IDLE).min(since + PATIENCE));
        } else {
            self.wanted_since = None;
        }
        if let Some(seen) = plan.waits_since {
            let age = Duration::try_from(now.duration_since(seen)).unwrap_or(Duration::ZERO);
            let due = elapsed + (freshness / 2).saturating_sub(age);
            self.partial_due = Some(self.partial_due.map_or(due, |sooner| sooner.min(due)));
        }
        for batch in plan.batches {
            self.send(batch, now);
        }
    }

    /// What is over a limit now; what was so before keeps its time.
    fn hold(&mut self, mut held: Vec<Held>) {
        for now in &mut held {
            let same = |known: &&Held| (&known.owner, known.hold.action) == (&now.owner, now.hold.action);
            if let Some(known) = self.held.iter().find(same) {
                now.hold.since = known.hold.since;
            }
        }
        self.held = held;
    }

    /// Reads what lacks a field that a rule names anew, by the fewest pages.
    fn backfill(&mut self, now: Timestamp, elapsed: Duration) {
        let Some(evaluator) = &mut self.evaluator else { return };
        let mut rows = evaluator.take_unread();
        let due: Vec<RowId> = self.unfilled.iter().filter(|(_, due)| **due <= elapsed).map(|(row, _)| *row).collect();
        for row in due {
            self.unfilled.remove(&row);
            if evaluator.waits(row) {
                rows.insert(row);
            }
        }
        if rows.is_empty() {
            return;
        }
        let rows: Vec<RowId> = rows.into_iter().collect();
        for LookUp { place, filter, rows } in act::look_ups(&self.inventory, &rows) {
            let chain = self.sync.backfill(place, filter, now);
            self.await_rows(chain, rows, now);
        }
    }

    fn await_rows(&mut self, chain: u64, rows: Vec<RowId>, now: Timestamp) {
        self.looked.extend(rows.iter().map(|row| (*row, now)));
        self.looking.insert(chain, rows);
    }

    /// Whether a row is being read again and has not come yet.
    fn is_looking(&self, row: RowId) -> bool {
        let (Some(asked), Some(view)) = (self.looked.get(&row), self.inventory.get(row)) else { return false };
        view.seen_at().as_millisecond() < asked.as_millisecond()
    }

    pub(super) fn send(&mut self, batch: Batch, now: Timestamp) {
        let (Some(ports), Some(region)) = (self.ports.clone(), self.region(batch.place)) else { return };
        let mut keys = Vec::with_capacity(batch.rows.len());
        let mut absent = BTreeSet::new();
        for &row in &batch.rows {
            let Some(view) = self.inventory.get(row) else { continue };
            keys.push(view.key());
            let wanted = self.evaluator.as_ref().and_then(|evaluator| evaluator.wanted().get(&row));
            let Some(wanted) = wanted else { continue };
            if let (reasons::OWNER_DELETED | reasons::RETAINED, Owner::Object(owner)) = (wanted.reason, &wanted.change.owner) {
                absent.insert(owner.clone());
            }
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
        self.writes.enter(batch.place);
        let world = self.world.clone();
        self.in_flight.push(Box::pin(async move {
            let result = call::update(&world, &ports, &region, &keys, &batch.patch, &absent).await;
            Done::Written { batch, result }
        }));
    }

    pub(super) fn ask(&mut self, elapsed: Duration) {
        let Some(evaluator) = &self.evaluator else { return };
        if !self.ready() || !self.ask_backoff.open(elapsed) {
            return;
        }
        let flapping: Vec<RowId> = evaluator.flapping().filter(|row| !self.flappers.contains_key(row)).collect();
        // Who won is known once our write is answered.
        let races = self.races.iter().copied().filter(|row| !self.writing.contains(row));
        let rows = evaluator.asks().iter().copied().chain(flapping).chain(races);
        let rows: BTreeSet<RowId> = rows.filter(|row| !self.asking.contains(row)).collect();
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

    pub(super) fn read(&mut self, now: Timestamp, elapsed: Duration) {
        if !self.read_backoff.open(elapsed) {
            return;
        }
        let mut look_ups = act::by_ids(&self.inventory, &std::mem::take(&mut self.unseen));
        let room: BTreeSet<Place> = self.place_numbers().filter(|&place| self.sync.looking(place) < LOOKS).collect();
        if !self.looks.is_empty() && !room.is_empty() {
            let now = |row: &RowId| self.inventory.get(*row).is_none_or(|view| room.contains(&view.place()));
            let (rows, later): (Vec<RowId>, Vec<RowId>) = std::mem::take(&mut self.looks).into_iter().partition(now);
            self.looks.extend(later);
            look_ups.extend(act::look_ups(&self.inventory, &rows));
        }
        for LookUp { place, filter, rows } in look_ups {
            let chain = self.sync.look(place, filter, now);
            self.await_rows(chain, rows, now);
        }
        self.backfill(now, elapsed);
        while self.reading.total() < PAGES {
            let Some(chain) = self.sync.start_next(|place| self.reading.of(place) < READS) else { break };
            let (Some(ports), Some(region)) = (self.ports.clone(), self.region(chain.place)) else { break };
            let filter = self.within_regions(chain.place, chain.filter.clone());
            let request = PageRequest { region, filter, order: chain.order, token: chain.token.clone(), size: 100 };
            self.reading.enter(chain.place);
            self.in_flight.push(Box::pin(async move {
                let result = ports.read.page(&request).await;
                Done::Page { chain: Box::new(chain), asked_at: now, result }
            }));
        }
    }
}
