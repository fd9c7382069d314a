//! The decision: a chain of small checks over one finding, each with a reason. The first that answers ends the chain.
//!
//! Order: what is ours and no longer has its reason is taken back first; what cannot be acted on is left; a person's answer
//! comes before an exception, an exception before a rule. `explain` prints the same chain.

use jiff::{Timestamp, ToSpan};

use super::answers::{self, Newest};
use super::compile::{Holder, Matches, OwnerState, PolicySet, Verdict};
use super::facts::Facts;
use super::marker::{Digest8, Hold, Marker, MarkerState, Owner};
use super::matcher::Scratch;
use super::objects::{DeletionPolicy, ManualSuppression, Response};
use super::reasons;
use super::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// How often within a day something else may undo what we set before we stop.
pub const FLAP_LIMIT: u8 = 3;

/// The newest workflow status that anybody but us set on a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What they set.
    pub status: WorkflowStatus,
    /// When, as far as it is known.
    pub at: Timestamp,
    /// Who, where the history was asked.
    pub by: Option<std::sync::Arc<str>>,
}

/// What is known of the answers that people gave on one finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Knowledge {
    /// Only what the finding itself shows.
    #[default]
    Unasked,
    /// Seen happening, or read from the history; `None`: nobody ever set it.
    Known(Option<Answer>),
    /// The history cannot be read.
    Denied,
}

/// One finding, as deciding sees it.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Finding<'a> {
    pub row: u32,
    pub facts: Facts<'a>,
    /// As it is now; `facts.workflow` is as it would be without us.
    pub workflow: WorkflowStatus,
    pub marker: &'a MarkerState,
    pub created_at: Timestamp,
    /// When the compliance status last changed.
    pub first_observed: Option<Timestamp>,
    pub knowledge: &'a Knowledge,
}

impl Finding<'_> {
    /// Held by us, and as we set it.
    pub fn ours(&self) -> Option<&Marker> {
        self.marker.marker().map(std::convert::AsRef::as_ref).filter(|marker: &&Marker| marker.is_ours(self.workflow))
    }

    /// Held by us, and not as we set it.
    pub fn mismatch(&self) -> Option<&Marker> {
        self.marker.held().map(std::convert::AsRef::as_ref).filter(|marker: &&Marker| marker.set != self.workflow)
    }

    /// Whether the check passes.
    pub fn passed(&self) -> bool {
        self.facts.compliance == Some(ComplianceStatus::Passed)
    }

    /// Whether there is something to act on: current, and not passing.
    pub fn actionable(&self) -> bool {
        self.facts.record_state == RecordState::Active && !self.passed()
    }
}

/// What a change is, in plans, limits and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Set SUPPRESSED for an owner.
    Suppress,
    /// Take over a suppression that a person made.
    Adopt,
    /// Set SUPPRESSED because a person suppressed the same problem.
    Inherit,
    /// Set SUPPRESSED again after the service or somebody else undid it.
    Reassert,
    /// Another owner takes it over.
    Transfer,
    /// Back to what it was.
    GiveBack,
    /// Left suppressed, no longer ours.
    Release,
    /// Reopen what a person suppressed.
    Reopen,
}

impl ChangeKind {
    /// As plans print it and digests contain it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suppress => "suppress",
            Self::Adopt => "adopt",
            Self::Inherit => "inherit",
            Self::Reassert => "reassert",
            Self::Transfer => "transfer",
            Self::GiveBack => "give back",
            Self::Release => "release",
            Self::Reopen => "reopen",
        }
    }
}

/// A wanted change of one finding. The time in the marker is filled in when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is.
    pub kind: ChangeKind,
    /// Whose limits it counts against, and who is named in the marker.
    pub owner: Owner,
    /// The workflow status to set.
    pub workflow: WorkflowStatus,
    /// Held or released.
    pub hold: Hold,
    /// The workflow status before us.
    pub prior: WorkflowStatus,
    /// What to do when the owner is deleted.
    pub deletion: DeletionPolicy,
    /// What decided.
    pub digest: Digest8,
    /// How often it was set again.
    pub again: u8,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Leave,
    /// This.
    Change(Change),
    /// The histories of these rows have to be asked first.
    Ask(Vec<u32>),
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: &'static str,
    /// Who decides it, where somebody does.
    pub holder: Holder,
    /// Policies that govern or conflict: for their figures.
    pub governing: Option<usize>,
}

/// One answered check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name of the check.
    pub check: &'static str,
    /// Its answer.
    pub answer: String,
}

/// Collects the chain for `explain`; silent otherwise.
#[derive(Debug, Default)]
pub struct Trace(Option<Vec<Step>>);

impl Trace {
    /// One that listens.
    pub fn listening() -> Self {
        Self(Some(Vec::new()))
    }

    /// Adds a step; the text is made only if somebody listens.
    pub fn say(&mut self, check: &'static str, answer: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step { check, answer: answer() });
        }
    }

    /// What was said.
    pub fn steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}

/// What a decision is made with.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// What is declared.
    pub set: &'a PolicySet,
    /// What is known of each exception, in the order of `set.exceptions`.
    pub verdicts: &'a [Verdict],
    /// The moment.
    pub now: Timestamp,
}

/// Decides one finding. `problem`: all findings of its problem, itself included, in a stable order.
pub fn decide(
    bench: Bench<'_>,
    finding: &Finding<'_>,
    problem: &[Finding<'_>],
    scratch: &mut Scratch,
    trace: &mut Trace,
) -> Decision {
    let mut chain = Chain { bench, finding, problem, scratch, trace };
    if let MarkerState::Broken(error) = finding.marker {
        chain.trace.say("marker", || error.to_string());
        return leave(reasons::MARKER_UNREADABLE);
    }
    if finding.facts.record_state == RecordState::Archived {
        chain.trace.say("actionable", || "archived: left as it is, whatever holds it".to_owned());
        return leave(reasons::ARCHIVED);
    }
    match finding.ours() {
        Some(marker) => chain.ours(marker),
        None => chain.open(),
    }
}

fn leave(reason: &'static str) -> Decision {
    Decision { action: Action::Leave, reason, holder: Holder::Nobody, governing: None }
}

struct Chain<'c, 'f> {
    bench: Bench<'c>,
    finding: &'c Finding<'f>,
    problem: &'c [Finding<'f>],
    scratch: &'c mut Scratch,
    trace: &'c mut Trace,
}

impl Chain<'_, '_> {
    fn matches(&mut self, facts: &Facts<'_>) -> Matches {
        self.bench.set.matches(facts, self.bench.now, self.scratch)
    }

    fn holder(&self, matches: &Matches, current: Option<&Owner>) -> Holder {
        self.bench.set.holder(matches, self.bench.verdicts, current)
    }

    fn regime(&self, matches: &Matches) -> (Option<usize>, ManualSuppression) {
        let governing = self.bench.set.governing(matches);
        (governing, governing.map_or(ManualSuppression::Respect, |p| self.bench.set.policies[p].spec.manual_suppression))
    }

    /// What would decide if the finding were failing: a passing one stays with whoever held it.
    fn as_failing(&mut self, current: &Owner) -> (Matches, Holder) {
        let actual = self.finding.facts;
        let matches = self.matches(&actual);
        let holder = self.holder(&matches, Some(current));
        if self.is_held_by(&holder, current) || actual.compliance == Some(ComplianceStatus::Failed) || actual.compliance.is_none()
        {
            return (matches, holder);
        }
        let mut best = (matches, holder);
        for compliance in [ComplianceStatus::Failed, ComplianceStatus::Warning, ComplianceStatus::NotAvailable] {
            // The label of a check that does not fail is INFORMATIONAL, so an unknown control may have had any rating.
            for severity in std::iter::once(actual.severity).chain(SeverityLabel::ALL.iter().copied().map(Some)) {
                let facts = Facts { compliance: Some(compliance), severity, ..actual };
                let matches = self.matches(&facts);
                let holder = self.holder(&matches, Some(current));
                if self.is_held_by(&holder, current) {
                    return (matches, holder);
                }
                if best.1 == Holder::Nobody && compliance == ComplianceStatus::Failed {
                    best = (matches, holder);
                }
            }
        }
        best
    }

    fn is_held_by(&self, holder: &Holder, owner: &Owner) -> bool {
        self.bench.set.decider(holder).is_some_and(|(decider, _)| decider == *owner) && self.suppresses(holder)
    }

    fn suppresses(&self, holder: &Holder) -> bool {
        match *holder {
            Holder::Exception(_) => true,
            Holder::Rule { policy, rule } => {
                matches!(self.bench.set.policies[policy].spec.rules[rule].response, Response::Suppress { .. })
            }
            Holder::Nobody | Holder::Conflict(_) => false,
        }
    }

    // ---- 0. What is ours.

    fn ours(&mut self, marker: &Marker) -> Decision {
        self.trace.say("held", || format!("ours: suppressed for {} since {}", marker.owner, marker.at));
        let (matches, holder) = self.as_failing(&marker.owner);
        let (governing, regime) = self.regime(&matches);
        let mut decision = match &marker.owner {
            Owner::Inherited => self.ours_inherited(marker, &holder, regime),
            Owner::Object(object) => {
                let state = self.bench.set.owner_state(object);
                self.ours_for(marker, state, &holder, regime)
            }
        };
        decision.governing = governing;
        if decision.holder == Holder::Nobody {
            decision.holder = holder;
        }
        decision
    }

    fn ours_for(&mut self, marker: &Marker, state: OwnerState, holder: &Holder, regime: ManualSuppression) -> Decision {
        let set = self.bench.set;
        if self.is_held_by(holder, &marker.owner) {
            if regime == ManualSuppression::Respect && self.taken_back_elsewhere(holder) {
                self.trace.say("take back", || "a person took it back on another finding of this problem".to_owned());
                return self.give_back(marker, reasons::OVERRIDDEN);
            }
            self.trace.say("take back", || format!("{} still decides it", marker.owner));
            return leave(held_reason(holder));
        }
        let why = match state {
            OwnerState::Unknown => {
                self.trace.say("take back", || format!("{} is unreadable or not proved to be gone: left", marker.owner));
                return leave(reasons::OWNER_UNREADABLE);
            }
            OwnerState::Exception(x) if self.bench.verdicts.get(x) == Some(&Verdict::Expired) => reasons::EXPIRED,
            OwnerState::Exception(x) if set.exceptions[x].spec.suspend => return self.suspended(marker),
            OwnerState::Policy(p) if set.policies[p].spec.suspend => return self.suspended(marker),
            // Grants and approvals are other objects: while any is unreadable, losing one is not proved.
            OwnerState::Exception(x) if !set.complete && matches!(self.bench.verdicts.get(x), Some(Verdict::Faulty(_))) => {
                self.trace.say("take back", || "its grant or approval cannot be read completely: left".to_owned());
                return leave(reasons::OWNER_UNREADABLE);
            }
            _ if !set.may_narrow(state) => {
                self.trace.say("take back", || "what it selects depends on an object that is unreadable: left".to_owned());
                return leave(reasons::OWNER_UNREADABLE);
            }
            OwnerState::Exception(x) => match self.bench.verdicts.get(x) {
                Some(Verdict::Faulty(fault)) => fault.reason,
                Some(Verdict::Pending) => reasons::PENDING,
                _ => reasons::NARROWED,
            },
            OwnerState::Policy(_) => match holder {
                Holder::Conflict(_) => {
                    self.trace.say("take back", || "policies of equal priority disagree: left".to_owned());
                    return Decision { holder: holder.clone(), ..leave(reasons::CONFLICTED) };
                }
                Holder::Rule { policy, rule } if set.policies[*policy].spec.rules[*rule].response == Response::Ignore => {
                    reasons::IGNORED
                }
                _ => reasons::NARROWED,
            },
            OwnerState::Gone => reasons::OWNER_DELETED,
        };
        self.trace.say("take back", || format!("{} no longer decides it: {why}", marker.owner));
        if let Some(transfer) = self.transfer(marker, holder) {
            return transfer;
        }
        if regime == ManualSuppression::Respect {
            match answers::newest(self.problem, self.finding.row) {
                Newest::Suppressed => {
                    let change =
                        self.held(ChangeKind::Transfer, Owner::Inherited, Digest8(0), marker.prior, DeletionPolicy::Revert, 0);
                    return Decision { action: Action::Change(change), ..leave(reasons::INHERITED) };
                }
                Newest::Ask(rows) => return Decision { action: Action::Ask(rows), ..leave(reasons::IN_DOUBT) },
                Newest::Nothing | Newest::Contrary | Newest::Unclear => {}
            }
        }
        if state == OwnerState::Gone && marker.deletion == DeletionPolicy::Retain {
            let change = Change { kind: ChangeKind::Release, workflow: WorkflowStatus::Suppressed, ..self.released(marker) };
            return Decision { action: Action::Change(change), ..leave(reasons::RETAINED) };
        }
        self.give_back(marker, why)
    }

    fn suspended(&mut self, marker: &Marker) -> Decision {
        self.trace.say("take back", || format!("{} is suspended: left", marker.owner));
        leave(reasons::SUSPENDED)
    }

    fn ours_inherited(&mut self, marker: &Marker, holder: &Holder, regime: ManualSuppression) -> Decision {
        if regime == ManualSuppression::Revert {
            self.trace.say("take back", || "only Git may suppress here: the inherited answer does not count".to_owned());
            return self.transfer(marker, holder).unwrap_or_else(|| self.give_back(marker, reasons::REVERTED));
        }
        if let Holder::Exception(x) = holder
            && self.bench.set.exceptions[*x].spec.adopt
        {
            self.trace.say("take back", || "an exception that adopts takes it over".to_owned());
            return self.transfer(marker, holder).unwrap_or_else(|| leave(reasons::INHERITED));
        }
        match answers::for_inherited(self.problem, self.finding.row, marker.at) {
            Newest::Contrary => {
                self.trace.say("take back", || "the newest answer of a person is no longer to suppress".to_owned());
                self.transfer(marker, holder).unwrap_or_else(|| self.give_back(marker, reasons::ANSWER_CHANGED))
            }
            Newest::Ask(rows) => Decision { action: Action::Ask(rows), ..leave(reasons::IN_DOUBT) },
            Newest::Suppressed | Newest::Nothing | Newest::Unclear => {
                self.trace.say("take back", || "the person's answer that it inherits stands".to_owned());
                leave(reasons::INHERITED)
            }
        }
    }

    fn transfer(&self, marker: &Marker, holder: &Holder) -> Option<Decision> {
        if !self.suppresses(holder) || self.taken_back_elsewhere(holder) {
            return None;
        }
        let change = self.held_for(ChangeKind::Transfer, holder, marker.prior, 0)?;
        Some(Decision { action: Action::Change(change), holder: holder.clone(), ..leave(held_reason(holder)) })
    }

    fn give_back(&self, marker: &Marker, why: &'static str) -> Decision {
        let workflow = match marker.prior {
            _ if self.finding.passed() => WorkflowStatus::Resolved,
            WorkflowStatus::Notified => WorkflowStatus::Notified,
            WorkflowStatus::New | WorkflowStatus::Resolved | WorkflowStatus::Suppressed => WorkflowStatus::New,
        };
        let change = Change { kind: ChangeKind::GiveBack, workflow, ..self.released(marker) };
        Decision { action: Action::Change(change), ..leave(why) }
    }

    fn released(&self, marker: &Marker) -> Change {
        let Marker { owner, prior, deletion, digest, .. } = marker.clone();
        Change {
            kind: ChangeKind::GiveBack,
            owner,
            workflow: marker.set,
            hold: Hold::Released,
            prior,
            deletion,
            digest,
            again: 0,
        }
    }

    // ---- 1 to 5. What is not ours.

    fn open(&mut self) -> Decision {
        let finding = self.finding;
        if finding.passed() {
            self.trace.say("actionable", || "the check passes: nothing to do".to_owned());
            return leave(reasons::PASSED);
        }
        self.trace.say("actionable", || "current and not passing".to_owned());
        let facts = finding.facts;
        let matches = self.matches(&facts);
        let holder = self.holder(&matches, None);
        let (governing, regime) = self.regime(&matches);
        let mut decision = self.answered(&holder, governing, regime).unwrap_or_else(|| self.declared(&holder));
        decision.governing = governing;
        if decision.holder == Holder::Nobody {
            decision.holder = holder;
        }
        decision
    }

    /// 2. A person's answer.
    fn answered(&mut self, holder: &Holder, governing: Option<usize>, regime: ManualSuppression) -> Option<Decision> {
        if self.finding.workflow == WorkflowStatus::Suppressed {
            return Some(self.suppressed_by_hand(holder, regime));
        }
        if let Some(marker) = self.finding.mismatch()
            && let Some(decision) = self.undone(marker, holder, regime)
        {
            return Some(decision);
        }
        if regime == ManualSuppression::Revert {
            self.trace.say("person", || "only Git may suppress here".to_owned());
            return None;
        }
        if self.suppresses(holder) && self.taken_back_elsewhere(holder) {
            self.trace.say("person", || "taken back by a person on another finding of this problem".to_owned());
            return Some(leave(reasons::OVERRIDDEN));
        }
        match answers::newest(self.problem, self.finding.row) {
            Newest::Suppressed if governing.is_some() => {
                if let Holder::Exception(x) = holder
                    && self.bench.set.exceptions[*x].spec.adopt
                {
                    return None;
                }
                self.trace.say("person", || "suppressed by a person on an earlier finding of this problem: inherited".to_owned());
                let prior = self.finding.workflow;
                let change = self.held(ChangeKind::Inherit, Owner::Inherited, Digest8(0), prior, DeletionPolicy::Revert, 0);
                Some(Decision { action: Action::Change(change), ..leave(reasons::INHERITED) })
            }
            Newest::Ask(rows) if governing.is_some() => {
                self.trace.say("person", || "people's answers differ: the history has to tell which is newest".to_owned());
                Some(Decision { action: Action::Ask(rows), ..leave(reasons::IN_DOUBT) })
            }
            Newest::Unclear if governing.is_some() => {
                self.trace.say("person", || "people's answers differ and their order is not known: left".to_owned());
                Some(leave(reasons::IN_DOUBT))
            }
            _ => {
                self.trace.say("person", || "no person's suppression stands".to_owned());
                None
            }
        }
    }

    fn suppressed_by_hand(&mut self, holder: &Holder, regime: ManualSuppression) -> Decision {
        let adopts = matches!(holder, Holder::Exception(x) if self.bench.set.exceptions[*x].spec.adopt);
        let take = |chain: &Self, kind: ChangeKind| {
            let change = chain.held_for(kind, holder, WorkflowStatus::New, chain.again())?;
            Some(Decision { action: Action::Change(change), holder: holder.clone(), ..leave(held_reason(holder)) })
        };
        match (regime, holder) {
            _ if adopts => {
                self.trace.say("person", || "suppressed by hand; an exception adopts it".to_owned());
                take(self, ChangeKind::Adopt).unwrap_or_else(|| leave(reasons::RESPECTED))
            }
            (ManualSuppression::Revert, _) if self.suppresses(holder) => {
                self.trace.say("person", || "suppressed by hand; only Git may suppress here, and Git does".to_owned());
                take(self, ChangeKind::Adopt).unwrap_or_else(|| leave(reasons::RESPECTED))
            }
            (ManualSuppression::Revert, Holder::Rule { policy, rule }) => {
                if self.flapping() {
                    return leave(reasons::FLAPPING);
                }
                self.trace.say("person", || "suppressed by hand; only Git may suppress here: reopened".to_owned());
                let policy = &self.bench.set.policies[*policy];
                let change = Change {
                    kind: ChangeKind::Reopen,
                    owner: Owner::Object(policy.meta.object.clone()),
                    workflow: WorkflowStatus::New,
                    hold: Hold::Released,
                    prior: WorkflowStatus::New,
                    deletion: policy.spec.deletion_policy,
                    digest: policy.digests[*rule],
                    again: self.again_after_write(),
                };
                Decision { action: Action::Change(change), holder: holder.clone(), ..leave(reasons::REVERTED) }
            }
            _ => {
                self.trace.say("person", || "suppressed by a person: respected".to_owned());
                leave(reasons::RESPECTED)
            }
        }
    }

    /// Held by us, and something undid it: a person took it back, or the service reset it.
    fn undone(&mut self, marker: &Marker, holder: &Holder, regime: ManualSuppression) -> Option<Decision> {
        let same = self.bench.set.decider(holder).is_some_and(|(owner, digest)| owner == marker.owner && digest == marker.digest);
        let person = match answers::undone_by(self.finding, marker) {
            answers::UndoneBy::Person => true,
            answers::UndoneBy::Service => false,
            answers::UndoneBy::Ask => {
                self.trace.say("person", || "undone after the check changed: the history has to tell by whom".to_owned());
                return Some(Decision { action: Action::Ask(vec![self.finding.row]), ..leave(reasons::IN_DOUBT) });
            }
            answers::UndoneBy::Unknown => {
                self.trace.say("person", || "undone by somebody, and the history cannot be read: left".to_owned());
                return Some(leave(reasons::IN_DOUBT));
            }
        };
        if marker.owner == Owner::Inherited {
            self.trace.say("person", || {
                if person { "a person took back the inherited suppression" } else { "the service reset an inherited suppression" }
                    .to_owned()
            });
            return None;
        }
        if !same {
            self.trace.say("person", || "it was undone, and what decides it has changed since: decided anew".to_owned());
            return None;
        }
        if person && regime == ManualSuppression::Respect {
            self.trace
                .say("person", || format!("a person took it back from {}: not applied again until that changes", marker.owner));
            return Some(Decision { holder: holder.clone(), ..leave(reasons::OVERRIDDEN) });
        }
        if self.flapping() {
            self.trace.say("person", || format!("undone {} times within a day: stopped", marker.again));
            return Some(Decision { holder: holder.clone(), ..leave(reasons::FLAPPING) });
        }
        self.trace.say("person", || "undone, and set again".to_owned());
        let change = self.held_for(ChangeKind::Reassert, holder, marker.prior, self.again_after_write())?;
        Some(Decision { action: Action::Change(change), holder: holder.clone(), ..leave(held_reason(holder)) })
    }

    /// 3. to 5. Exception, rule, nothing.
    fn declared(&mut self, holder: &Holder) -> Decision {
        let reason = match holder {
            Holder::Exception(x) => {
                self.trace.say("exception", || format!("{} covers it", self.bench.set.exceptions[*x].meta.object));
                reasons::EXCEPTED
            }
            Holder::Rule { policy, rule } => {
                let policy = &self.bench.set.policies[*policy];
                let rule = &policy.spec.rules[*rule];
                self.trace.say("exception", || "none in force covers it".to_owned());
                self.trace
                    .say("rule", || format!("{} rule {:?} says {}", policy.meta.object, rule.name, response(rule.response)));
                if rule.response == Response::Ignore {
                    return Decision { holder: holder.clone(), ..leave(reasons::IGNORED) };
                }
                reasons::SUPPRESSED_BY_RULE
            }
            Holder::Conflict(policies) => {
                self.trace.say("rule", || {
                    let names = policies.iter().map(|&p| self.bench.set.policies[p].meta.object.to_string());
                    format!("{} have the same priority and disagree: none acts", names.collect::<Vec<_>>().join(", "))
                });
                return Decision { holder: holder.clone(), ..leave(reasons::CONFLICTED) };
            }
            Holder::Nobody => {
                self.trace.say("rule", || "no exception in force and no enforcing rule matches: left".to_owned());
                return leave(reasons::NO_MATCH);
            }
        };
        match self.held_for(ChangeKind::Suppress, holder, self.finding.workflow, 0) {
            Some(change) => Decision { action: Action::Change(change), holder: holder.clone(), ..leave(reason) },
            None => leave(reason),
        }
    }

    /// Whether a person undid, on any finding of this problem, what this holder decides, as it decides it now.
    fn taken_back_elsewhere(&self, holder: &Holder) -> bool {
        let Some((owner, digest)) = self.bench.set.decider(holder) else { return false };
        self.problem.iter().filter(|other| other.row != self.finding.row).any(|other| {
            other.actionable()
                && other.mismatch().is_some_and(|marker| {
                    marker.owner == owner
                        && marker.digest == digest
                        && answers::undone_by(other, marker) == answers::UndoneBy::Person
                })
        })
    }

    /// The counter of the marker, if it is from the last day.
    fn again(&self) -> u8 {
        let recent =
            |marker: &&std::sync::Arc<Marker>| marker.at.checked_add(24.hours()).is_ok_and(|until| until > self.bench.now);
        self.problem.iter().filter_map(|other| other.marker.marker()).filter(recent).map(|marker| marker.again).max().unwrap_or(0)
    }

    fn again_after_write(&self) -> u8 {
        self.again().saturating_add(1)
    }

    fn flapping(&self) -> bool {
        self.again() >= FLAP_LIMIT
    }

    fn held_for(&self, kind: ChangeKind, holder: &Holder, prior: WorkflowStatus, again: u8) -> Option<Change> {
        let (owner, digest) = self.bench.set.decider(holder)?;
        let deletion = match holder {
            Holder::Rule { policy, .. } => self.bench.set.policies[*policy].spec.deletion_policy,
            _ => DeletionPolicy::Revert,
        };
        Some(self.held(kind, owner, digest, prior, deletion, again))
    }

    #[expect(clippy::unused_self, reason = "reads as a step of the chain")]
    fn held(
        &self,
        kind: ChangeKind,
        owner: Owner,
        digest: Digest8,
        prior: WorkflowStatus,
        deletion: DeletionPolicy,
        again: u8,
    ) -> Change {
        let prior = if prior == WorkflowStatus::Suppressed { WorkflowStatus::New } else { prior };
        Change { kind, owner, workflow: WorkflowStatus::Suppressed, hold: Hold::Held, prior, deletion, digest, again }
    }
}

fn held_reason(holder: &Holder) -> &'static str {
    if matches!(holder, Holder::Exception(_)) { reasons::EXCEPTED } else { reasons::SUPPRESSED_BY_RULE }
}

/// A response in words.
pub fn response(response: Response) -> String {
    match response {
        Response::Suppress { reason } => format!("suppress ({reason:?})"),
        Response::Ignore => "ignore".to_owned(),
    }
}
