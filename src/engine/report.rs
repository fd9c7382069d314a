//! What people are told: the status of every object, events where a condition changed, figures. The one place that writes them.
//!
//! Conditions are written when they change; counters at most once a minute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::call;
use super::evaluate::{Evaluator, ExceptionCounts, PolicyCounts};
use super::keeper::Keeper;
use super::ports::{
    AccountDetail, ApprovalDetail, AwsFailure, Condition, Detail, Effect, Event, ExceptionDetail, ExceptionPolicyDetail,
    FailureKind, Figures, HubDetail, LimitHold, ObjectStatus, PolicyDetail, World,
};
use crate::core::compile::{PolicySet, Verdict};
use crate::core::digest;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::marker::Owner;
use crate::core::objects::{Broken, Meta, Mode};
use crate::core::reasons;

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
}

impl Reporter {
    /// When counters that changed are due.
    pub fn due(&self) -> Option<Duration> {
        self.due
    }

    /// A finding does not parse: said once per reason.
    pub fn unreadable(&mut self, world: &World, hub: &str, error: &str) {
        self.once(world, hub, "FindingUnreadable", format!("a finding does not parse and is left alone: {error}"));
    }

    /// A message that is none of ours.
    pub fn poison(&mut self, world: &World, hub: &str, error: &str, deliveries: u32) {
        if deliveries <= 1 {
            self.once(world, hub, "EventUnreadable", format!("a message is left for the dead-letter queue: {error}"));
        }
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
        for object in gone {
            // Deleted objects lose their status; one that is only unreadable is still declared and not among these.
            if self.world.status.forget(&object).await.is_ok() {
                self.reporter.written.remove(&object);
            }
        }
        self.reporter.due = None;
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
            let written = call::gated(&world, &effect, "write a status", || async {
                let failed = |error: super::ports::SinkError| AwsFailure {
                    action: error.action.clone(),
                    kind: FailureKind::Transient,
                    code: None,
                    message: error.message.clone(),
                    retry_after: None,
                };
                sink.write(&status).await.map_err(failed)
            });
            if written.await.is_ok() {
                self.reporter.written.insert(status.object.clone(), (status, elapsed));
            } else {
                // Tried again with the next change or the next minute.
                let retry = elapsed + COUNTERS;
                self.reporter.due = Some(self.reporter.due.map_or(retry, |sooner| sooner.min(retry)));
            }
        }
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
            statuses.push(view.exception(number, evaluator.verdicts(), counts));
        }
        for guardrail in 0..set.guardrails.len() {
            statuses.push(view.guardrail(guardrail, evaluator.verdicts()));
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
        statuses
    }
}

fn holds(detail: &Detail) -> Option<&[LimitHold]> {
    match detail {
        Detail::Policy(detail) => Some(&detail.limit_holds),
        Detail::Exception(detail) => Some(&detail.limit_holds),
        _ => None,
    }
}

/// What an object is, in one word and one sentence.
struct Word {
    ready: Option<bool>,
    reason: &'static str,
    message: String,
    reconciling: bool,
    stalled: bool,
}

impl Word {
    fn ready(message: impl Into<String>) -> Self {
        Self { ready: Some(true), reason: reasons::SUCCEEDED, message: message.into(), reconciling: false, stalled: false }
    }

    fn waits(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: None, reason, message: message.into(), reconciling: true, stalled: false }
    }

    /// Only a person can mend it.
    fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: Some(false), reason, message: message.into(), reconciling: false, stalled: true }
    }

    /// Not ready, and retried without anybody.
    fn retried(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: Some(false), reason, message: message.into(), reconciling: true, stalled: false }
    }

    fn conditions(self) -> Vec<Condition> {
        let Self { ready, reason, message, reconciling, stalled } = self;
        let condition = |kind, status| Condition { kind, status, reason, message: message.clone() };
        vec![condition("Ready", ready), condition("Reconciling", Some(reconciling)), condition("Stalled", Some(stalled))]
    }
}

/// Reason and stall of an AWS failure.
fn trouble(failure: &AwsFailure) -> Word {
    let said = failure.to_string();
    let message = format!("{}. {}", said.trim_end_matches('.'), failure.advice());
    let (reason, stalled) = match failure.kind {
        FailureKind::NotEnabled => (reasons::HUB_NOT_ENABLED, true),
        FailureKind::AccessDenied => (reasons::ACCESS_DENIED, true),
        FailureKind::Credentials => (reasons::CREDENTIALS_FAILED, true),
        FailureKind::Unreachable => (reasons::UNREACHABLE, false),
        FailureKind::Invalid => (reasons::AWS_FAILED, true),
        FailureKind::NoQueue => (reasons::QUEUE_FAILED, true),
        FailureKind::Throttled | FailureKind::Transient | FailureKind::Stopped => (reasons::AWS_FAILED, false),
    };
    if stalled { Word::stalled(reason, message) } else { Word::retried(reason, message) }
}

struct View<'a> {
    keeper: &'a Keeper,
    set: &'a PolicySet,
    broken: &'a [Broken],
    pending: &'a BTreeMap<Owner, u64>,
}

impl View<'_> {
    fn status(meta: &Meta, word: Word, detail: Detail) -> ObjectStatus {
        ObjectStatus {
            object: meta.object.clone(),
            observed_generation: meta.generation,
            handled_request: meta.requested_at.clone(),
            conditions: word.conditions(),
            detail,
        }
    }

    fn broken(&self, object: &ObjectRef) -> Option<&Broken> {
        self.broken.iter().find(|broken| broken.object.as_ref() == Some(object))
    }

    /// Declared, readable, and nothing more to say.
    fn fine(&self, meta: &Meta) -> Word {
        match self.broken(&meta.object) {
            Some(broken) => Word::stalled(
                reasons::UNREADABLE,
                format!("{}: {}; the last good version stays in force", broken.origin, broken.message),
            ),
            None => Word::ready("in use"),
        }
    }

    /// What keeps every owner from being ready.
    fn common(&self, meta: &Meta) -> Option<Word> {
        if self.broken(&meta.object).is_some() {
            return Some(self.fine(meta));
        }
        if let Some(failure) = self.keeper.trouble.first() {
            return Some(trouble(failure));
        }
        if !self.keeper.ready() {
            return Some(Word::waits(reasons::SYNCING, format!("the first read of hub {} is under way", self.set.hub)));
        }
        None
    }

    /// What is declared waits for findings that lack a field which it names anew.
    fn backfilling(&self) -> Option<Word> {
        let (waiting, of) = self.keeper.evaluator.as_ref()?.backfilling();
        let message = || format!("a filter names a field that has to be read first: {} of {of} findings are read", of - waiting);
        (waiting > 0).then(|| Word::waits(reasons::BACKFILLING, message()))
    }

    /// A policy waits only for findings that it may mean.
    fn waits(&self, policy: usize) -> Option<Word> {
        let waits = self.keeper.evaluator.as_ref().is_some_and(|evaluator| evaluator.policy_waits_for(policy) > 0);
        self.backfilling().filter(|_| waits)
    }

    fn hub(&self) -> ObjectStatus {
        let keeper = self.keeper;
        let smallest = keeper.smallest_sync_interval();
        let interval = Duration::from_secs(u64::from(self.set.hub_spec.sync_interval_seconds));
        let word = if let Some(word) = self.common(&self.set.hub_meta).or_else(|| self.backfilling()) {
            word
        } else if let Some(smallest) = smallest.filter(|smallest| *smallest > interval) {
            let message = format!(
                "spec.syncIntervalSeconds is {}, and the quota allows no less than {} for the findings there are: raise it, or apiQuotaPercent",
                interval.as_secs(),
                smallest.as_secs()
            );
            Word::stalled(reasons::INTERVAL_TOO_SHORT, message)
        } else if let Some(failure) = &keeper.trouble.queue {
            trouble(failure)
        } else if self.set.hub_spec.suspend {
            Word {
                ready: None,
                reason: reasons::SUSPENDED,
                message: "suspended: nothing is written but expiry".to_owned(),
                reconciling: false,
                stalled: false,
            }
        } else if let Some((count, first)) = self.refused() {
            Word::retried(reasons::AWS_FAILED, format!("{count} findings were not taken: {first}; they are tried again"))
        } else if keeper.inventory.broken_markers() > 0 {
            let count = keeper.inventory.broken_markers();
            Word::stalled(
                reasons::MARKER_UNREADABLE,
                format!("{count} findings carry a marker that cannot be read and are left alone: see `hubkeeper explain`"),
            )
        } else if keeper.converged() {
            Word::ready("actual matches desired")
        } else if !keeper.held.is_empty() {
            Word::stalled(reasons::LIMIT_EXCEEDED, "changes are over a limit: see the status of their owners")
        } else {
            Word::waits(reasons::PROGRESSING, "changes are under way")
        };
        let detail = HubDetail {
            account: keeper.description.as_ref().map(|description| description.account),
            hub_arn: keeper.description.as_ref().map(|description| description.hub_arn.clone()),
            linked_regions: keeper
                .description
                .as_ref()
                .and_then(|description| description.linked_regions.clone())
                .unwrap_or_default(),
            findings: keeper.inventory.len() as u64,
            problems: keeper.inventory.problems() as u64,
            unreadable: keeper.unreadable,
            last_full_sync: keeper.last_full_sync,
            proven_since: keeper.proven_since(),
            smallest_sync_interval_seconds: smallest.map(|smallest| smallest.as_secs()),
            pending_changes: self.pending.values().sum(),
        };
        Self::status(&self.set.hub_meta, word, Detail::Hub(detail))
    }

    fn refused(&self) -> Option<(usize, String)> {
        let first = self.keeper.refused.values().next()?;
        Some((self.keeper.refused.len(), format!("{} ({})", first.message, first.code)))
    }

    fn holds_of(&self, owner: &Owner) -> Vec<LimitHold> {
        self.keeper.held.iter().filter(|held| held.owner == *owner).map(|held| held.hold.clone()).collect()
    }

    fn over_limit(holds: &[LimitHold]) -> Option<Word> {
        let hold = holds.first()?;
        let message = format!(
            "{} of {} findings is over a limit; an approval of {} with maxFindings {} allows it (`hubkeeper approve`)",
            hold.action, hold.wanted, hold.digest, hold.ceiling
        );
        Some(Word::stalled(reasons::LIMIT_EXCEEDED, message))
    }

    fn held(&self, owner: &Owner) -> u64 {
        self.keeper.inventory.held_by(owner)
    }

    fn policy(&self, number: usize, counts: PolicyCounts) -> ObjectStatus {
        let policy = &self.set.policies[number];
        let owner = Owner::Object(policy.meta.object.clone());
        let limit_holds = self.holds_of(&owner);
        let pending = self.pending.get(&owner).copied().unwrap_or(0);
        let audit = policy.spec.mode == Mode::Audit;
        let word = if let Some(fault) = &policy.fault {
            Word::stalled(fault.reason, fault.message.clone())
        } else if let Some(word) = self.common(&policy.meta).or_else(|| self.waits(number)) {
            word
        } else if policy.spec.suspend {
            Word {
                ready: None,
                reason: reasons::SUSPENDED,
                message: "suspended: nothing is written for it".to_owned(),
                reconciling: false,
                stalled: false,
            }
        } else if counts.conflicted > 0 {
            Word::stalled(
                reasons::CONFLICTED,
                "a policy of the same priority says something else of the same findings: neither acts there",
            )
        } else if counts.flapping > 0 {
            Word::stalled(reasons::FLAPPING, format!("{} keeps rewriting what it sets: stopped there", self.writer()))
        } else if let Some(word) = Self::over_limit(&limit_holds) {
            word
        } else if pending > 0 {
            Word::waits(reasons::PROGRESSING, "changes are under way")
        } else if audit {
            Word::ready("audited: decides and reports, writes nothing")
        } else {
            Word::ready("actual matches desired")
        };
        let detail = PolicyDetail {
            in_scope: counts.in_scope,
            decided: counts.decided,
            held: self.held(&owner),
            respected: counts.respected,
            excepted: counts.excepted,
            pending_changes: if audit { counts.would_change } else { pending },
            limit_holds,
        };
        Self::status(&policy.meta, word, Detail::Policy(detail))
    }

    /// Who keeps rewriting.
    fn writer(&self) -> String {
        let writers: BTreeSet<&str> = self.keeper.flappers.values().map(AsRef::as_ref).collect();
        let names: Vec<&str> = writers.into_iter().take(3).collect();
        if names.is_empty() { "something".to_owned() } else { names.join(", ") }
    }

    fn exception(&self, number: usize, verdicts: &[Verdict], counts: ExceptionCounts) -> ObjectStatus {
        let exception = &self.set.exceptions[number];
        let owner = Owner::Object(exception.meta.object.clone());
        let limit_holds = self.holds_of(&owner);
        let pending = self.pending.get(&owner).copied().unwrap_or(0);
        let verdict = if self.keeper.ready() { verdicts[number].clone() } else { self.set.standing(number, self.keeper.now()) };
        let (state, word) = match &verdict {
            Verdict::Expired => (
                "Expired",
                Word {
                    ready: Some(false),
                    reason: reasons::EXPIRED,
                    message: format!("expired at {}", exception.spec.expires_at),
                    reconciling: pending > 0,
                    stalled: false,
                },
            ),
            Verdict::Faulty(fault) => ("Invalid", Word::stalled(fault.reason, fault.message.clone())),
            Verdict::Suspended => (
                "Suspended",
                Word {
                    ready: None,
                    reason: reasons::SUSPENDED,
                    message: "suspended: nothing is written for it but its expiry".to_owned(),
                    reconciling: false,
                    stalled: false,
                },
            ),
            Verdict::Pending => (
                "Pending",
                Word {
                    ready: Some(false),
                    reason: reasons::PENDING,
                    message: format!("begins at {}", exception.spec.starts_at),
                    reconciling: false,
                    stalled: false,
                },
            ),
            Verdict::Active => ("Active", Word::ready("in force")),
        };
        let active = verdict == Verdict::Active;
        let word = match self.common(&exception.meta) {
            Some(common) if active || self.broken(&exception.meta.object).is_some() => common,
            _ if active => match Self::over_limit(&limit_holds) {
                Some(over) => over,
                None if pending > 0 => Word::waits(reasons::PROGRESSING, "changes are under way"),
                None => word,
            },
            _ => word,
        };
        let detail = ExceptionDetail {
            state,
            digest: exception.meta.digest.to_string(),
            granted_by: exception.guardrail.and_then(|g| self.set.guardrails.get(g)).map(|g| g.meta.object.name.to_string()),
            matched: counts.matched,
            held: self.held(&owner),
            overridden: counts.overridden,
            expires_at: Some(exception.spec.expires_at),
            limit_holds,
        };
        Self::status(&exception.meta, word, Detail::Exception(detail))
    }

    fn guardrail(&self, number: usize, verdicts: &[Verdict]) -> ObjectStatus {
        let guardrail = &self.set.guardrails[number];
        let admitted = self.set.exceptions.iter().zip(verdicts).filter(|(exception, _)| exception.guardrail == Some(number));
        let detail = ExceptionPolicyDetail {
            exceptions: admitted.clone().count() as u64,
            active: admitted.filter(|(_, verdict)| **verdict == Verdict::Active).count() as u64,
        };
        let word = match &guardrail.fault {
            Some(fault) => Word::stalled(fault.reason, fault.message.clone()),
            None => self.fine(&guardrail.meta),
        };
        Self::status(&guardrail.meta, word, Detail::ExceptionPolicy(detail))
    }

    fn approval(&self, approval: &crate::core::objects::Object<crate::core::objects::ApprovalSpec>) -> ObjectStatus {
        let (now, set, spec) = (self.keeper.now(), self.set, &approval.spec);
        let from = approval.meta.object.namespace.as_deref().unwrap_or_default();
        let own = spec.digest.as_str();
        let exception = set.exceptions.iter().find(|exception| exception.meta.object == spec.subject);
        let as_exception = exception.is_some_and(|exception| {
            let guardrail = exception.guardrail.and_then(|g| set.guardrails.get(g));
            let counted = |g: &crate::core::compile::Guardrail| {
                g.spec.approvals.iter().any(|rule| rule.namespaces.iter().any(|n| n == from))
            };
            *exception.meta.digest == *own && guardrail.is_some_and(counted)
        });
        let (spec_digest, _) = super::act::spec_digest(set, &Owner::Object(spec.subject.clone()));
        let as_limit = spec.max_findings.is_some_and(|ceiling| {
            let owner = spec.subject.to_string();
            let kinds = ["suppress", "adopt", "give back", "reopen"];
            let digests = kinds.map(|kind| digest::over_limit(&set.hub, &owner, &spec_digest, kind, u64::from(ceiling)));
            digests.iter().any(|digest| digest == own) && set.hub_spec.approval_namespaces.iter().any(|n| n == from)
        });
        let in_time = spec.expires_at.is_none_or(|until| now < until);
        let counts = in_time && (as_exception || as_limit);
        let word = if counts {
            Word { reason: reasons::COUNTS, ..Word::ready("counts for the present state of its subject") }
        } else if in_time {
            Word {
                ready: Some(false),
                reason: reasons::STALE,
                message: "does not count: its digest is of another state of its subject, or it is not in a namespace that counts"
                    .to_owned(),
                reconciling: false,
                stalled: false,
            }
        } else {
            Word {
                ready: Some(false),
                reason: reasons::EXPIRED,
                message: "expired".to_owned(),
                reconciling: false,
                stalled: false,
            }
        };
        Self::status(&approval.meta, word, Detail::Approval(ApprovalDetail { counts }))
    }

    /// Objects that are there, cannot be read, and have no good version.
    fn unreadable(&self) -> Vec<ObjectStatus> {
        let unknown = self.broken.iter().filter_map(|broken| Some((broken.object.clone()?, broken)));
        unknown
            .filter(|(object, _)| self.set.unreadable.contains(object) || object.kind == Kind::Approval)
            .map(|(object, broken)| {
                let detail = match object.kind {
                    Kind::SecurityHub => Detail::Hub(HubDetail::default()),
                    Kind::Account => Detail::Account(AccountDetail::default()),
                    Kind::ControlPolicy => Detail::Policy(PolicyDetail::default()),
                    Kind::FindingException => {
                        Detail::Exception(ExceptionDetail { state: "Invalid", ..ExceptionDetail::default() })
                    }
                    Kind::ExceptionPolicy => Detail::ExceptionPolicy(ExceptionPolicyDetail::default()),
                    Kind::Approval => Detail::Approval(ApprovalDetail::default()),
                };
                let word = Word::stalled(
                    reasons::UNREADABLE,
                    format!("{}: {}; what it holds is left as it is", broken.origin, broken.message),
                );
                ObjectStatus { object, observed_generation: 0, handled_request: None, conditions: word.conditions(), detail }
            })
            .collect()
    }
}
