//! What people are told: the status of every object, events where a condition changed, figures. The one place that writes them.
//!
//! Conditions are written when they change; counters at most once a minute.

mod view;
mod word;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use self::view::View;
use super::call;
use super::evaluate::Evaluator;
use super::keeper::Keeper;
use super::ports::{
    AccountDetail, AwsFailure, Detail, Effect, Event, FailureKind, Figures, LimitHold, ObjectStatus, SinkError, World,
};
use crate::core::decide::Answer;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::marker::Owner;
use crate::core::objects::Desired;
use crate::core::reasons;
use crate::core::status::WorkflowStatus;
use crate::inventory::RowView;

/// How often counters alone are written.
const COUNTERS: Duration = Duration::from_mins(1);
/// How often statuses are made at most: not after every page and event.
const REST: Duration = Duration::from_millis(200);

/// What was told last.
#[derive(Debug, Default)]
pub struct Reporter {
    written: BTreeMap<ObjectRef, (ObjectStatus, Duration)>,
    due: Option<Duration>,
    /// When statuses were made last.
    made: Option<Duration>,
    told: BTreeMap<&'static str, String>,
    /// Statuses of objects that were deleted while nobody ran have been removed.
    swept: bool,
}

impl Reporter {
    /// When counters that changed are due.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// What could not be written is tried again with the next change or the next minute.
    fn again(&mut self, elapsed: Duration) {
        let retry = elapsed + COUNTERS;
        self.due = Some(self.due.map_or(retry, |sooner| sooner.min(retry)));
    }

    /// A finding does not parse: said once per reason.
    pub fn unreadable(&mut self, world: &World, hub: &str, error: &str) {
        self.once(world, hub, "FindingUnreadable", format!("a finding does not parse and is left alone: {error}"));
    }

    /// What was seen before is dated in the future.
    pub fn set_back(world: &World, hub: &str, by: SignedDuration) {
        let object = ObjectRef::cluster(Kind::SecurityHub, hub);
        let message = format!("the clock of this machine was set back by {} s: the hub is read anew", by.as_secs());
        world.events.emit(Event { object, reason: reasons::CLOCK_SET_BACK, warning: true, message });
    }

    /// A message that is none of ours.
    pub fn poison(&mut self, world: &World, hub: &str, error: &str, deliveries: u32) {
        if deliveries <= 1 {
            self.once(world, hub, "EventUnreadable", format!("a message is left for the dead-letter queue: {error}"));
        }
    }

    /// A write of ours replaced an answer that it was not decided on. `None`: whose and which cannot be asked.
    pub fn lost_race(world: &World, hub: &str, row: RowView<'_>, lost: Option<&Answer>) {
        let owner = row.marker().marker().map(|marker| &marker.owner);
        let object = match owner {
            Some(Owner::Object(object)) => object.clone(),
            Some(Owner::Inherited) | None => ObjectRef::cluster(Kind::SecurityHub, hub),
        };
        let ours = row.marker().marker().map_or(row.workflow(), |marker| marker.set);
        let said = match lost {
            Some(Answer { status, at, by }) => {
                format!("{} set {status} at {at}", by.as_deref().unwrap_or("somebody"))
            }
            None => "somebody (GetFindingHistory is not allowed) changed the workflow status".to_owned(),
        };
        let next = if ours == WorkflowStatus::Suppressed && lost.is_some_and(|lost| lost.status == ours) {
            "it stays suppressed as long as this object holds it: to keep it so after that, suppress it again then"
        } else {
            "ours stands and is not repeated: set it again if it is to be so, and that stands"
        };
        let message = format!("{said} on {} between our read of it and our write of {ours}; {next}", row.key().id);
        world.events.emit(Event { object, reason: reasons::LOST_RACE, warning: true, message });
    }

    fn once(&mut self, world: &World, hub: &str, reason: &'static str, message: String) {
        if self.told.get(reason) != Some(&message) {
            let object = ObjectRef::cluster(Kind::SecurityHub, hub);
            world.events.emit(Event { object, reason, warning: true, message: message.clone() });
            self.told.insert(reason, message);
        }
    }
}

impl Keeper {
    /// Writes what changed.
    pub(super) async fn report(&mut self) {
        self.measure();
        let elapsed = self.world.clock.elapsed();
        let rested = self.reporter.made.map_or(Duration::ZERO, |made| made + REST);
        if elapsed < rested && !self.is_ending() {
            self.reporter.due = Some(self.reporter.due.map_or(rested, |due| due.min(rested)));
            return;
        }
        self.reporter.made = Some(elapsed);
        let statuses = self.statuses();
        let present: BTreeSet<&ObjectRef> = statuses.iter().map(|status| &status.object).collect();
        let gone: Vec<ObjectRef> = self.reporter.written.keys().filter(|object| !present.contains(object)).cloned().collect();
        self.reporter.due = None;
        for object in gone {
            // Deleted objects lose their status; one that is only unreadable is still declared and not among these.
            if self.forget(&object).await {
                self.reporter.written.remove(&object);
            }
        }
        self.forget_leftovers().await;
        for status in statuses {
            let before = self.reporter.written.get(&status.object);
            if before.is_some_and(|(known, _)| *known == status) {
                continue;
            }
            let urgent = before.is_none_or(|(known, _)| {
                (&known.conditions, known.observed_generation, &known.handled_request, holds(&known.detail))
                    != (&status.conditions, status.observed_generation, &status.handled_request, holds(&status.detail))
            });
            let due = before.map_or(Duration::ZERO, |(_, at)| *at + COUNTERS);
            if !urgent && due > elapsed {
                self.reporter.due = Some(self.reporter.due.map_or(due, |sooner| sooner.min(due)));
                continue;
            }
            self.tell(before.map(|(known, _)| known.clone()).as_ref(), &status);
            let (world, sink) = (self.world.clone(), Arc::clone(&self.world.status));
            let effect = Effect::Status(status.object.clone());
            let write = || async { sink.write(&status).await.map_err(unwritten) };
            let written = call::gated(&world, &effect, "write a status", write);
            if written.await.is_ok() {
                self.reporter.written.insert(status.object.clone(), (status, elapsed));
            } else {
                self.reporter.again(elapsed);
            }
        }
    }

    /// Removes the status of an object that is gone; whether it is removed.
    async fn forget(&mut self, object: &ObjectRef) -> bool {
        let (world, sink) = (self.world.clone(), Arc::clone(&self.world.status));
        let forget = || async { sink.forget(object).await.map_err(unwritten) };
        let forgotten = call::gated(&world, &Effect::Status(object.clone()), "remove a status", forget).await.is_ok();
        if !forgotten {
            self.reporter.again(self.world.clock.elapsed());
        }
        forgotten
    }

    /// Removes statuses of objects that were deleted while nobody ran: once, when all that is declared is known.
    async fn forget_leftovers(&mut self) {
        let Some(desired) = self.desired.clone().filter(|desired| desired.complete && !self.reporter.swept) else { return };
        let Some(mut declared) = declared_objects(&desired) else { return };
        declared.extend(self.reporter.written.keys().cloned());
        let Ok(listed) = self.world.status.listed().await else {
            self.reporter.again(self.world.clock.elapsed());
            return;
        };
        let mut swept = true;
        for object in listed.into_iter().filter(|object| !declared.contains(object)) {
            swept &= self.forget(&object).await;
        }
        self.reporter.swept = swept;
    }

    /// An event for every condition that changed its answer or its reason.
    fn tell(&self, before: Option<&ObjectStatus>, now: &ObjectStatus) {
        for condition in &now.conditions {
            if condition.kind != "Ready" || matches!(condition.reason, reasons::SYNCING | reasons::PROGRESSING) {
                continue;
            }
            let known = before.and_then(|before| before.conditions.iter().find(|other| other.kind == condition.kind));
            if known.is_some_and(|known| (known.status, known.reason) == (condition.status, condition.reason)) {
                continue;
            }
            let warning =
                condition.status == Some(false) && condition.reason != reasons::EXPIRED && condition.reason != reasons::PENDING;
            self.world.events.emit(Event {
                object: now.object.clone(),
                reason: condition.reason,
                warning,
                message: condition.message.clone(),
            });
        }
    }

    fn measure(&mut self) {
        let pending = self.evaluator.as_ref().map_or(0, |evaluator| evaluator.wanted().len() as u64);
        let syncing = !self.ready();
        let held = self.inventory.accounts().values().map(|account| account.held).sum();
        let converged = self.converged();
        self.figures = Figures {
            findings: self.inventory.len() as u64,
            unreadable: self.unreadable,
            held,
            pending_changes: pending,
            rows_visited: self.inventory.visits() + self.evaluator.as_ref().map_or(0, Evaluator::visits),
            unindexed: self.evaluator.as_ref().map_or(0, |evaluator| evaluator.set().unindexed() as u64),
            syncing,
            converged,
            owned: self.owns_all(),
            ..self.figures
        };
        self.world.meter.record(self.figures);
    }

    fn statuses(&self) -> Vec<ObjectStatus> {
        let (Some(evaluator), Some(declared), Some(desired)) = (&self.evaluator, &self.declared, &self.desired) else {
            return Vec::new();
        };
        let set = evaluator.set();
        let (policies, exceptions) = evaluator.counts();
        let view = View { keeper: self, set, broken: &desired.broken, pending: evaluator.pending() };
        let mut statuses = vec![view.hub()];
        for (number, counts) in policies.into_iter().enumerate() {
            statuses.push(view.policy(number, counts));
        }
        for (number, counts) in exceptions.into_iter().enumerate() {
            statuses.push(view.exception(number, evaluator, counts));
        }
        for guardrail in 0..set.guardrails.len() {
            statuses.push(view.guardrail(guardrail, evaluator.granting()));
        }
        for account in &declared.objects.accounts {
            let counts = self.inventory.accounts().get(&account.spec.id).copied().unwrap_or_default();
            let detail = AccountDetail { findings: counts.findings, held: counts.held };
            statuses.push(View::status(&account.meta, view.fine(&account.meta), Detail::Account(detail)));
        }
        for approval in &declared.objects.approvals {
            statuses.push(view.approval(approval));
        }
        statuses.extend(view.unreadable());
        // What cannot be read was looked at all the same: who waits for that generation is answered.
        for broken in &desired.broken {
            let of = statuses.iter_mut().find(|status| broken.object.as_ref() == Some(&status.object));
            if let Some(status) = of.filter(|_| broken.generation > 0) {
                status.observed_generation = broken.generation;
            }
        }
        statuses
    }
}

fn unwritten(error: SinkError) -> AwsFailure {
    let SinkError { action, message } = error;
    AwsFailure { action, kind: FailureKind::Transient, code: None, message, retry_after: None }
}

/// Every object that is declared, readable or not. `None`: something unreadable does not say what it is.
fn declared_objects(desired: &Desired) -> Option<BTreeSet<ObjectRef>> {
    let broken = desired.broken.iter().map(|broken| broken.object.clone());
    desired.objects.metas().map(|meta| Some(meta.object.clone())).chain(broken).collect()
}

fn holds(detail: &Detail) -> Vec<&LimitHold> {
    match detail {
        Detail::Hub(detail) => detail.limit_holds.iter().map(|held| &held.hold).collect(),
        Detail::Policy(detail) => detail.limit_holds.iter().collect(),
        Detail::Exception(detail) => detail.limit_holds.iter().collect(),
        _ => Vec::new(),
    }
}
