//! The checks, one after the other.

use std::borrow::Cow;

use jiff::ToSpan;

use super::{Action, Bench, Change, ChangeKind, Decision, FLAP_LIMIT, Finding, Trace, as_failing, leave};
use crate::core::answers::{self, Newest};
use crate::core::compile::{Before, Holder, Matches, OwnerState, Verdict};
use crate::core::effects;
use crate::core::facts::Facts;
use crate::core::marker::{Digest8, Hold, Marker, Owner};
use crate::core::matcher::Scratch;
use crate::core::objects::{DeletionPolicy, ManualSuppression};
use crate::core::reasons;
use crate::core::responses::{self, Wish};
use crate::core::status::{ComplianceStatus, WorkflowStatus};

pub(super) struct Chain<'c, 'f> {
    pub(super) bench: Bench<'c>,
    pub(super) finding: &'c Finding<'f>,
    pub(super) problem: &'c [Finding<'f>],
    pub(super) matches: &'c Matches,
    pub(super) scratch: &'c mut Scratch,
    pub(super) trace: &'c mut Trace,
}

impl<'c> Chain<'c, '_> {
    fn matching(&mut self, facts: &Facts<'_>) -> Matches {
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
    fn as_failing(&mut self, current: &Owner) -> (Cow<'c, Matches>, Holder) {
        let actual = self.finding.facts;
        let matches = Cow::Borrowed(self.matches);
        let holder = self.holder(&matches, Some(current));
        if self.is_held_by(&holder, current) || actual.compliance == Some(ComplianceStatus::Failed) || actual.compliance.is_none()
        {
            return (matches, holder);
        }
        let mut best = (matches, holder);
        for facts in as_failing(&actual) {
            let mut matches = self.matching(&facts);
            // Verdicts rest on what findings are, not on what they might be: what might be is asked here.
            matches.exceptions.retain(|&exception| self.bench.set.admits(exception, &facts, self.bench.now));
            let holder = self.holder(&matches, Some(current));
            if self.is_held_by(&holder, current) {
                return (Cow::Owned(matches), holder);
            }
            if best.1 == Holder::Nobody && facts.compliance == Some(ComplianceStatus::Failed) {
                best = (Cow::Owned(matches), holder);
            }
        }
        best
    }

    fn is_held_by(&self, holder: &Holder, owner: &Owner) -> bool {
        self.bench.set.decider(holder).is_some_and(|(decider, _)| decider == *owner) && self.suppresses(holder)
    }

    fn suppresses(&self, holder: &Holder) -> bool {
        match *holder {
            Holder::Exception(x) => effects::wish(self.bench.set.exceptions[x].spec.effect) == Wish::Suppressed,
            Holder::Rule { policy, rule } => {
                responses::wish(self.bench.set.policies[policy].spec.rules[rule].response) == Wish::Suppressed
            }
            Holder::Nobody | Holder::Conflict(_) => false,
        }
    }

    // ---- 0. What is ours.

    pub(super) fn ours(&mut self, marker: &Marker) -> Decision {
        self.trace.say("held", || format!("ours: suppressed for {} since {}", marker.owner, marker.at));
        // What is inherited was decided by the check as it is: judged as if it were failing, another policy might have the word.
        let (matches, holder) = if marker.owner == Owner::Inherited && self.finding.actionable() {
            (Cow::Borrowed(self.matches), self.holder(self.matches, Some(&marker.owner)))
        } else {
            self.as_failing(&marker.owner)
        };
        let (governing, regime) = self.regime(&matches);
        let mut decision = match &marker.owner {
            Owner::Inherited => self.ours_inherited(marker, &holder, regime),
            Owner::Object(object) => {
                let state = self.bench.set.owner_state(object);
                self.ours_for(marker, state, &holder, &matches, regime)
            }
        };
        decision.governing = governing;
        if decision.holder == Holder::Nobody {
            decision.holder = holder;
        }
        decision
    }

    fn ours_for(
        &mut self,
        marker: &Marker,
        state: OwnerState,
        holder: &Holder,
        matches: &Matches,
        regime: ManualSuppression,
    ) -> Decision {
        let set = self.bench.set;
        if self.is_held_by(holder, &marker.owner) {
            if regime == ManualSuppression::Respect && self.taken_back_elsewhere(holder) {
                self.trace.say("take back", || "a person took it back on another finding of this problem".to_owned());
                return self.give_back(marker, reasons::OVERRIDDEN);
            }
            self.trace.say("take back", || format!("{} still decides it", marker.owner));
            return self.kept(marker, holder);
        }
        let why = match state {
            OwnerState::Unknown => {
                self.trace.say("take back", || format!("{} is unreadable or not proved to be gone: left", marker.owner));
                return leave(reasons::OWNER_UNREADABLE);
            }
            OwnerState::Exception(x) if self.bench.verdicts.get(x) == Some(&Verdict::Expired) => reasons::EXPIRED,
            OwnerState::Exception(x) if set.exceptions[x].spec.suspend => return self.suspended(marker),
            OwnerState::Policy(p) if set.policies[p].spec.suspend => return self.suspended(marker),
            // What it means cannot be told: that is not a smaller selection.
            OwnerState::Policy(p) if set.policies[p].fault.is_some() => {
                self.trace.say("take back", || format!("{} is malformed: left", marker.owner));
                return leave(reasons::OWNER_UNREADABLE);
            }
            // Grants and approvals are other objects: while any is unreadable, losing one is not proved.
            OwnerState::Exception(x) if self.bench.verdicts.get(x).is_some_and(|verdict| set.is_uncertain(x, verdict)) => {
                self.trace.say("take back", || "it, its grant or its approvals cannot be read completely: left".to_owned());
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
            OwnerState::Elsewhere => reasons::NARROWED,
            OwnerState::Policy(p) => match holder {
                // One that still matches may be among those that disagree; one that does not has nothing to disagree about.
                Holder::Conflict(_) if matches.rules.iter().any(|&(policy, _)| policy == p) => {
                    self.trace.say("take back", || "policies of equal priority disagree: left".to_owned());
                    return Decision { holder: holder.clone(), ..leave(reasons::CONFLICTED) };
                }
                Holder::Rule { .. } if !self.suppresses(holder) => reasons::IGNORED,
                _ => reasons::NARROWED,
            },
            OwnerState::Gone => reasons::OWNER_DELETED,
        };
        self.trace.say("take back", || format!("{} no longer decides it: {why}", marker.owner));
        if let Some(transfer) = self.transfer(marker, holder) {
            return transfer;
        }
        // As below: a person's answer is inherited where a policy governs.
        if regime == ManualSuppression::Respect && set.governing(matches).is_some() {
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
            let change = Change { kind: ChangeKind::Release, workflow: WorkflowStatus::Suppressed, ..Self::released(marker) };
            return Decision { action: Action::Change(change), ..leave(reasons::RETAINED) };
        }
        self.give_back(marker, why)
    }

    /// Nothing changes, but for what the marker says of a deletion: that has to be true while nobody is running.
    fn kept(&mut self, marker: &Marker, holder: &Holder) -> Decision {
        let stale = match holder {
            Holder::Rule { policy, .. } => self.bench.set.policies[*policy].spec.deletion_policy != marker.deletion,
            _ => false,
        };
        let change = stale.then(|| self.held_for(ChangeKind::Transfer, holder, marker.prior, marker.again)).flatten();
        match change {
            Some(change) => {
                self.trace.say("take back", || "its deletionPolicy has changed: the marker is to say so".to_owned());
                Decision { action: Action::Change(change), holder: holder.clone(), ..leave(held_reason(holder)) }
            }
            None => leave(held_reason(holder)),
        }
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
        let change = Change { kind: ChangeKind::GiveBack, workflow, ..Self::released(marker) };
        Decision { action: Action::Change(change), ..leave(why) }
    }

    fn released(marker: &Marker) -> Change {
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

    pub(super) fn open(&mut self) -> Decision {
        let finding = self.finding;
        if finding.passed() {
            self.trace.say("actionable", || "the check passes: nothing to do".to_owned());
            return leave(reasons::PASSED);
        }
        self.trace.say("actionable", || "current and not passing".to_owned());
        let holder = self.holder(self.matches, None);
        let (governing, regime) = self.regime(self.matches);
        let mut decision = self.answered(&holder, governing, regime).unwrap_or_else(|| self.declared(&holder));
        if let Action::Change(change) = &decision.action
            && change.owner != Owner::Inherited
            && let Some(before) = self.bench.set.before(&holder, self.matches, finding.facts.account)
        {
            decision = self.waits_for(&before);
        }
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
            let change = chain.held_for(kind, holder, WorkflowStatus::New, chain.again(chain.finding))?;
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
                    self.trace.say("person", || format!("suppressed by hand {FLAP_LIMIT} times within a day: stopped"));
                    return Decision { holder: holder.clone(), ..leave(reasons::FLAPPING) };
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
        // What was inherited is asked of all findings of the problem, further on.
        if marker.owner == Owner::Inherited {
            self.trace.say("person", || "an inherited suppression was undone".to_owned());
            return None;
        }
        let same = self.bench.set.decider(holder).is_some_and(|(owner, digest)| owner == marker.owner && digest == marker.digest);
        if !same {
            self.trace.say("person", || "it was undone, and what decides it has changed since: decided anew".to_owned());
            return None;
        }
        // What the service resets with a check is nobody's war: only rewriting by somebody counts towards the stop.
        let (person, fought) = match answers::undone_by(self.finding, marker) {
            answers::UndoneBy::Person => (true, true),
            answers::UndoneBy::Service => (false, false),
            answers::UndoneBy::Rule => (false, true),
            // Only Git may suppress here: by whom it was undone does not matter.
            answers::UndoneBy::Ask | answers::UndoneBy::Unknown if regime == ManualSuppression::Revert => {
                (true, !answers::checked_since(self.finding, marker))
            }
            answers::UndoneBy::Ask => {
                self.trace.say("person", || "undone after its provider spoke: the history has to tell by whom".to_owned());
                return Some(Decision { action: Action::Ask(vec![self.finding.row]), ..leave(reasons::IN_DOUBT) });
            }
            answers::UndoneBy::Unknown => {
                self.trace.say("person", || "undone by somebody, and the history cannot be read: left".to_owned());
                return Some(leave(reasons::IN_DOUBT));
            }
        };
        if person && regime == ManualSuppression::Respect {
            self.trace
                .say("person", || format!("a person took it back from {}: not applied again until that changes", marker.owner));
            return Some(Decision { holder: holder.clone(), ..leave(reasons::OVERRIDDEN) });
        }
        if fought && self.flapping() {
            self.trace.say("person", || format!("undone {FLAP_LIMIT} times within a day: stopped"));
            return Some(Decision { holder: holder.clone(), ..leave(reasons::FLAPPING) });
        }
        self.trace.say("person", || "undone, and set again".to_owned());
        let again = if fought { self.again_after_write() } else { self.again(self.finding) };
        let change = self.held_for(ChangeKind::Reassert, holder, marker.prior, again)?;
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
                self.trace.say("rule", || {
                    format!("{} rule {:?} says {}", policy.meta.object, rule.name, responses::words(rule.response))
                });
                if responses::wish(rule.response) == Wish::Untouched {
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

    /// A rule would act, and what comes before it cannot speak.
    fn waits_for(&mut self, before: &Before) -> Decision {
        let (reason, why) = match before {
            Before::Account => {
                (reasons::OWNER_UNREADABLE, "an account is unreadable, and by its labels another rule may come first".to_owned())
            }
            Before::Unreadable(name) => {
                (reasons::OWNER_UNREADABLE, format!("{name} has a higher priority and is unreadable or malformed: left"))
            }
            Before::Suspended(policy) => {
                let name = &self.bench.set.policies[*policy].meta.object;
                (reasons::SUSPENDED, format!("{name} comes first and is suspended: left"))
            }
        };
        self.trace.say("rule", || why);
        leave(reason)
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

    /// The counter of a finding's marker, if it is from the last day.
    fn again(&self, finding: &Finding<'_>) -> u8 {
        let recent =
            |marker: &&std::sync::Arc<Marker>| marker.at.checked_add(24.hours()).is_ok_and(|until| until > self.bench.now);
        finding.marker.marker().filter(recent).map_or(0, |marker| marker.again)
    }

    /// Counted on each finding by itself: five findings of one problem that are rewritten once each are no war.
    fn again_after_write(&self) -> u8 {
        self.again(self.finding).saturating_add(1)
    }

    /// Whether this, or another finding of this problem, has now been rewritten too often. Archived ones count, so that a
    /// new finding id does not start anew.
    fn flapping(&self) -> bool {
        let rewritten = |other: &Finding<'_>| other.marker.marker().is_some_and(|marker| marker.set != other.workflow);
        let stopped = |other: &Finding<'_>| rewritten(other) && self.again(other).saturating_add(1) >= FLAP_LIMIT;
        self.again_after_write() >= FLAP_LIMIT || self.problem.iter().any(stopped)
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
