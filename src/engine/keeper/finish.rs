//! What came back from the world, taken in one after the other.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::regions::Regions;
use super::{Done, Keeper, Purpose, REFUSED, REFUSED_LONGEST, Refusal, UNFILLED, UNSEEN, is_denied, is_passing};
use crate::core::decide::Knowledge;
use crate::engine::act::Batch;
use crate::engine::ports::{AwsFailure, Effect, FailureKind, HistoryRecord, HubDescription, HubPorts, Message, Unprocessed};
use crate::engine::report::Reporter;
use crate::engine::sync::{Chain, Ended};
use crate::engine::{call, doubt, ingest};
use crate::inventory::{Place, Removed, RowId, Window};

impl Keeper {
    pub(super) fn finish(&mut self, done: Done) {
        let elapsed = self.world.clock.elapsed();
        match done {
            Done::Connected(result) => self.connected(result, elapsed),
            Done::Looked { place, result } => self.owner_looked_at(place, result, elapsed),
            Done::Page { chain, asked_at, result } => self.page(&chain, asked_at, result, elapsed),
            Done::Written { batch, result } => self.written(&batch, result, elapsed),
            Done::Told { row, result } => self.told(row, result, elapsed),
            Done::Received(result) => self.received(result, elapsed),
            Done::Acknowledged { count, result } => {
                self.acknowledging = self.acknowledging.saturating_sub(1);
                match result {
                    Ok(()) => self.figures.events_handled += count,
                    // They come again, and are known by then.
                    Err(failure) => self.trouble.queue = Some(failure),
                }
            }
        }
    }

    pub(super) fn connected(&mut self, result: Result<(HubPorts, HubDescription), AwsFailure>, elapsed: Duration) {
        self.connecting = false;
        let (Some(spec), now) = (self.spec().cloned(), self.world.clock.now()) else { return };
        let checked = result.and_then(|(ports, description)| match &description.aggregator_home {
            Some(home) if *home != spec.home_region => Err(AwsFailure {
                action: format!("keep the hub from {}", spec.home_region),
                kind: FailureKind::Misconfigured,
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
                let unlinked = Regions::of(&spec, &description).unlinked;
                self.places = std::iter::once(spec.home_region).chain(unlinked).collect();
                self.description = Some(description);
                self.ports = Some(ports);
                self.born_after = Some(now);
                for place in self.place_numbers() {
                    self.sync.begin_pass(place, now);
                }
            }
            Err(failure) => {
                self.read_backoff.failed(elapsed, failure.retry_after, self.world.rng.fraction());
                self.trouble.connect = Some(failure);
            }
        }
    }

    pub(super) fn page(&mut self, chain: &Chain, asked_at: Timestamp, result: Result<Bytes, AwsFailure>, elapsed: Duration) {
        self.reading.leave(chain.place);
        self.planned = None;
        let kept = self.kept_regions();
        let keeps = |region: &str| kept.as_ref().is_none_or(|kept| kept.iter().any(|one| one.as_str() == region));
        let taken = match result {
            Ok(body) => {
                let taken = ingest::page(&mut self.inventory, &body, chain.place, asked_at, self.born_after, &keeps);
                taken.map_err(|message| AwsFailure {
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
        for &row in self.looking.get(&chain.id).into_iter().flatten() {
            let came = |seen: Timestamp| seen.as_millisecond() >= asked_at.as_millisecond();
            if self.inventory.get(row).is_some_and(|view| came(view.seen_at())) {
                self.arrived.insert(row, now);
            }
        }
        match self.sync.advanced(chain.id, &taken.created, taken.token, now) {
            Ended::Nothing | Ended::TokenRepeated => {}
            Ended::Look => self.looked(chain, elapsed),
            Ended::Window(place, window, started_at) => {
                self.coverage.mark(place, window, started_at);
                self.sweep(place, now);
                if window == Window::ALL {
                    self.last_full_sync = Some(now);
                    self.unreadable = std::mem::take(&mut self.unreadable_now);
                    self.plan_audit(place);
                }
            }
        }
    }

    /// Once all of a place has been read anew since the last time, removes what the hub no longer shows.
    fn sweep(&mut self, place: Place, now: Timestamp) {
        let Some(proven) = self.coverage.proven_since(place) else { return };
        if self.swept.get(&place).is_some_and(|swept| proven < *swept) {
            return;
        }
        self.swept.insert(place, now);
        for removed in self.inventory.sweep(place, proven) {
            self.lose(&removed);
        }
    }

    /// A look-up is complete. What it did not show is not asked for again at once: it is gone, which the audit proves, or the
    /// hub lags behind a write of ours.
    fn looked(&mut self, chain: &Chain, elapsed: Duration) {
        for row in self.looking.remove(&chain.id).unwrap_or_default() {
            self.looked.remove(&row);
            let filled = self.inventory.get(row).is_none_or(|view| view.missing().is_empty());
            if !filled && self.evaluator.as_ref().is_some_and(|evaluator| evaluator.waits(row)) {
                self.unfilled.insert(row, elapsed + UNFILLED);
                continue;
            }
            let seen = self.inventory.get(row).map(|view| view.seen_at().as_millisecond());
            if seen.is_none_or(|seen| seen >= chain.started_at.as_millisecond()) {
                continue;
            }
            if chain.filter.is_narrow() {
                self.unseen.insert(row);
            } else {
                let message = "a read did not show them".to_owned();
                let code = "FindingNotFound".to_owned();
                let until = elapsed + UNSEEN;
                self.refused.insert(row, Refusal { code, message, lasting: false, change: None, until, tries: 0 });
            }
        }
    }

    /// A row is gone: what is left of its problem is decided again.
    pub(super) fn lose(&mut self, removed: &Removed) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.forget(removed.row);
            for &sibling in self.inventory.by_problem(removed.problem) {
                evaluator.touch(&self.inventory, sibling);
            }
        }
        self.races.remove(&removed.row);
        self.looks.remove(&removed.row);
        self.looked.remove(&removed.row);
        self.arrived.remove(&removed.row);
        self.unseen.remove(&removed.row);
        self.unfilled.remove(&removed.row);
        self.flappers.remove(&removed.row);
        self.refused.remove(&removed.row);
    }

    pub(super) fn touch(&mut self, taken: &ingest::Taken) {
        if let Some(evaluator) = &mut self.evaluator {
            for &row in &taken.touched {
                evaluator.touch(&self.inventory, row);
                self.flappers.remove(&row);
                if self.refused.get(&row).is_some_and(|refusal| refusal.lasting) {
                    // Another finding than the one that was refused.
                    self.refused.remove(&row);
                }
            }
        }
        self.looks.extend(&taken.doubtful);
        self.races.extend(&taken.raced);
    }

    pub(super) fn written(&mut self, batch: &Batch, result: Result<Vec<Unprocessed>, call::NotWritten>, elapsed: Duration) {
        self.writes.leave(batch.place);
        self.planned = None;
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
                    if self.inventory.withdraw(row) || perhaps {
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

    pub(super) fn touch_row(&mut self, row: RowId) {
        if let Some(evaluator) = &mut self.evaluator {
            evaluator.touch(&self.inventory, row);
        }
    }

    pub(super) fn settle(&mut self, batch: &Batch, unprocessed: &[Unprocessed], elapsed: Duration, now: Timestamp) {
        let mut refused = BTreeSet::new();
        for failed in unprocessed {
            let Some(row) = self.inventory.find(&failed.key) else { continue };
            refused.insert(row);
            if self.inventory.withdraw(row) {
                self.looks.insert(row);
            }
            if failed.code == "FindingNotFound" {
                if let Some(removed) = self.inventory.remove(row) {
                    self.lose(&removed);
                }
                continue;
            }
            let tries = self.refused.get(&row).map_or(0, |before| before.tries.saturating_add(1));
            let until = elapsed + REFUSED.saturating_mul(1 << tries.min(8)).min(REFUSED_LONGEST);
            let change = self.evaluator.as_ref().and_then(|e| e.wanted().get(&row)).map(|wanted| wanted.change.clone());
            let (code, message) = (failed.code.clone(), failed.message.clone());
            let lasting = !is_passing(&code);
            self.refused.insert(row, Refusal { code, message, lasting, change, until, tries });
        }
        for &row in batch.rows.iter().filter(|row| !refused.contains(row)) {
            self.inventory.settle(row);
            self.refused.remove(&row);
            self.touch_row(row);
            self.figures.written_findings += 1;
        }
        for (owner, paid) in &batch.paid {
            // Those that were refused count as well: which of them paid does not matter enough to allow more.
            self.ledger.note(owner, now, *paid);
        }
    }

    pub(super) fn told(&mut self, row: RowId, result: Result<Vec<HistoryRecord>, AwsFailure>, elapsed: Duration) {
        self.asking.remove(&row);
        let raced = match &result {
            Ok(records) => self.judge_race(row, Some(records)),
            Err(failure) if is_denied(failure) => self.judge_race(row, None),
            Err(_) => false,
        };
        let asked = self.evaluator.as_ref().is_some_and(|e| e.asks().contains(&row) || e.flapping().any(|other| other == row));
        match result {
            Ok(_) if raced && !asked => {
                self.ask_backoff.reset();
                self.trouble.history = None;
            }
            Err(failure) if raced && !asked && is_denied(&failure) => {}
            Ok(records) => {
                self.ask_backoff.reset();
                self.trouble.history = None;
                let own = self.own();
                let answer = doubt::newest_answer(&records, own);
                let writer = doubt::newest_writer(&records, own);
                self.flappers.insert(row, writer.unwrap_or_else(|| "something that leaves no history".into()));
                self.inventory.set_knowledge(row, Knowledge::Known(answer));
            }
            Err(failure) if is_denied(&failure) => {
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

    /// Who looks without a role is whoever typed the command.
    fn own(&self) -> doubt::Own<'_> {
        let arn = self.description.as_ref().map(|description| description.caller_arn.as_str()).unwrap_or_default();
        doubt::Own { arn, person: self.purpose == Purpose::Survey && self.spec().is_some_and(|spec| spec.role.is_none()) }
    }

    /// Tells of an answer that our last write replaced unseen, once; whether that was to be told. `None`: the history may not
    /// be read, so that what the sighting showed is all there is. One that was asked for another reason tells as well.
    fn judge_race(&mut self, row: RowId, records: Option<&[HistoryRecord]>) -> bool {
        if self.writing.contains(&row) {
            return false;
        }
        let seen = self.races.remove(&row);
        let own = self.own();
        let (Some((since, known)), Some(view)) = (self.inventory.decided_on(row), self.inventory.get(row)) else { return seen };
        let lost = records.and_then(|records| doubt::lost_race(records, own, since, known));
        if lost.is_some() || (seen && records.is_none()) {
            self.figures.races_lost += 1;
            Reporter::lost_race(&self.world, &self.hub, view, lost.as_ref());
        } else if !seen {
            return false;
        }
        self.inventory.close_race(row);
        seen
    }

    pub(super) fn received(&mut self, result: Result<Vec<Message>, AwsFailure>, elapsed: Duration) {
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
        if !self.is_ours(Place(0), elapsed) {
            // They come again, for whoever owns the hub.
            return;
        }
        self.trouble.queue = None;
        let now = self.world.clock.now();
        let mut handled = Vec::new();
        let kept = self.kept_regions();
        for message in messages {
            let places = &self.places;
            let place_of = |region: &str| {
                if kept.as_ref().is_some_and(|kept| kept.iter().all(|one| one.as_str() != region)) {
                    return None;
                }
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
                    // It comes again until then: one message counts once.
                    self.figures.events_poisoned += u64::from(message.deliveries <= 1);
                    self.reporter.poison(&self.world, &self.hub, &error, message.deliveries);
                }
            }
        }
        let Some(feed) = self.ports.as_ref().and_then(|ports| ports.feed.clone()).filter(|_| !handled.is_empty()) else { return };
        let world = self.world.clone();
        self.acknowledging += 1;
        self.in_flight.push(Box::pin(async move {
            let count = handled.len();
            let result =
                call::gated(&world, &Effect::QueueAck(count), "acknowledge messages", || feed.acknowledge(&handled)).await;
            Done::Acknowledged { count: count as u64, result: result.map_err(|not| not.failure) }
        }));
    }
}
