//! From what is known to what is wanted: decides the findings that something touched, keeps the figures of every object.
//!
//! Pure: reads the inventory, writes only its own tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::core::compile::{Fault, Holder, Judged, PolicySet, Verdict};
use crate::core::decide::{self, Action, Bench, Change, Decision, Finding, Step, Trace};
use crate::core::facts::Facts;
use crate::core::marker::Owner;
use crate::core::matcher::Scratch;
use crate::core::objects::Mode;
use crate::core::reasons;
use crate::core::responses::{self, Wish};
use crate::core::status::WorkflowStatus;
use crate::inventory::{Inventory, RowId};

/// A change that is wanted, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// What.
    pub change: Change,
    /// A constant of `core::reasons`.
    pub reason: &'static str,
    /// Who decides it, for the note.
    pub holder: Holder,
    /// Whether it costs nothing: not a new decision on this problem.
    pub free: bool,
}

/// What an exception covers.
#[derive(Debug, Default)]
struct Covered {
    /// With what each of its guardrails says of them.
    rows: BTreeMap<RowId, Box<[Judged]>>,
}

/// The outcome of one row, for figures.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Outcome {
    reason: &'static str,
    holder: Holder,
    governing: Option<u32>,
    scopes: Arc<[u32]>,
    /// Audit policies that would decide it, and whether they would change it.
    shadow: Arc<[(u32, bool)]>,
}

/// Counts for the status of a policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PolicyCounts {
    pub in_scope: u64,
    pub decided: u64,
    pub respected: u64,
    pub excepted: u64,
    pub conflicted: u64,
    pub flapping: u64,
    /// Audit only: findings that it would change.
    pub would_change: u64,
}

/// Counts for the status of an exception.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ExceptionCounts {
    pub matched: u64,
    pub overridden: u64,
}

/// Figures of all outcomes, in the order of the set.
#[derive(Debug, Default)]
struct Counts {
    policies: Vec<PolicyCounts>,
    /// Per exception.
    overridden: Vec<u64>,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        self.tally(outcome, |count| *count += 1);
    }

    fn take(&mut self, outcome: &Outcome) {
        self.tally(outcome, |count| *count = count.saturating_sub(1));
    }

    fn tally(&mut self, outcome: &Outcome, step: fn(&mut u64)) {
        let Self { policies, overridden } = self;
        for &policy in outcome.scopes.iter() {
            step(&mut policies[policy as usize].in_scope);
        }
        for &(policy, would) in outcome.shadow.iter() {
            step(&mut policies[policy as usize].decided);
            if would {
                step(&mut policies[policy as usize].would_change);
            }
        }
        let governing = outcome.governing.map(|p| p as usize);
        match outcome.reason {
            reasons::RESPECTED | reasons::INHERITED | reasons::OVERRIDDEN => {
                if let Some(policy) = governing {
                    step(&mut policies[policy].respected);
                }
                if let (reasons::OVERRIDDEN, Holder::Exception(x)) = (outcome.reason, &outcome.holder) {
                    step(&mut overridden[*x]);
                }
            }
            reasons::EXCEPTED => {
                if let Some(policy) = governing {
                    step(&mut policies[policy].excepted);
                }
            }
            reasons::SUPPRESSED_BY_RULE | reasons::IGNORED | reasons::REVERTED => {
                if let Holder::Rule { policy, .. } = outcome.holder {
                    step(&mut policies[policy].decided);
                }
            }
            reasons::FLAPPING => {
                if let Holder::Rule { policy, .. } = outcome.holder {
                    step(&mut policies[policy].flapping);
                }
            }
            reasons::CONFLICTED => {
                if let Holder::Conflict(conflicting) = &outcome.holder {
                    for &policy in conflicting {
                        step(&mut policies[policy].conflicted);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The evaluator of one hub.
#[derive(Debug)]
pub struct Evaluator {
    set: Arc<PolicySet>,
    verdicts: Vec<Verdict>,
    /// The guardrail that grants each exception in force.
    granting: Vec<Option<usize>>,
    covered: Vec<Covered>,
    covered_by: BTreeMap<RowId, Vec<usize>>,
    outcomes: BTreeMap<RowId, Outcome>,
    wanted: BTreeMap<RowId, Wanted>,
    /// How many of the wanted changes each owner has.
    pending: BTreeMap<Owner, u64>,
    /// How often something else was wanted.
    wishes: u64,
    asks: BTreeSet<RowId>,
    dirty: BTreeSet<RowId>,
    /// Exceptions whose findings changed since they were judged.
    unjudged: BTreeSet<usize>,
    /// Rows whose outcome is that something keeps rewriting them.
    flapping: BTreeSet<RowId>,
    /// The figures of all outcomes, kept with them.
    counts: Counts,
    /// Rows that have to be read again before fields that filters and grants name can be told.
    lacking: BTreeSet<RowId>,
    /// Whether these are others than when exceptions were judged.
    lacks_changed: bool,
    all: bool,
    judge_all: bool,
    scratch: Scratch,
    scope_lists: BTreeSet<Arc<[u32]>>,
    shadow_lists: BTreeSet<Arc<[(u32, bool)]>>,
}

impl Evaluator {
    /// Nothing is decided yet; everything has to be.
    pub fn new(set: Arc<PolicySet>) -> Self {
        let covered = set.exceptions.iter().map(|_| Covered::default()).collect();
        // Until the findings were looked at, no exception is in force.
        let verdicts = set.exceptions.iter().map(|_| Verdict::Pending).collect();
        let granting = vec![None; set.exceptions.len()];
        let counts =
            Counts { policies: vec![PolicyCounts::default(); set.policies.len()], overridden: vec![0; set.exceptions.len()] };
        Self {
            set,
            verdicts,
            granting,
            covered,
            covered_by: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            wanted: BTreeMap::new(),
            pending: BTreeMap::new(),
            wishes: 0,
            asks: BTreeSet::new(),
            dirty: BTreeSet::new(),
            unjudged: BTreeSet::new(),
            flapping: BTreeSet::new(),
            counts,
            lacking: BTreeSet::new(),
            lacks_changed: false,
            all: true,
            judge_all: true,
            scratch: Scratch::default(),
            scope_lists: BTreeSet::new(),
            shadow_lists: BTreeSet::new(),
        }
    }

    /// What decides.
    pub fn set(&self) -> &Arc<PolicySet> {
        &self.set
    }

    /// What is known of every exception.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// For every exception in force, the guardrail that grants what it covers.
    pub fn granting(&self) -> &[Option<usize>] {
        &self.granting
    }

    /// The changes that are wanted, by row.
    pub fn wanted(&self) -> &BTreeMap<RowId, Wanted> {
        &self.wanted
    }

    /// How many changes are wanted for each owner.
    pub fn pending(&self) -> &BTreeMap<Owner, u64> {
        &self.pending
    }

    /// A number that is another one whenever something else is wanted.
    pub fn wishes(&self) -> u64 {
        self.wishes
    }

    /// Rows whose history has to be asked.
    pub fn asks(&self) -> &BTreeSet<RowId> {
        &self.asks
    }

    /// Something about this row changed: its whole problem is decided again.
    pub fn touch(&mut self, inventory: &Inventory, row: RowId) {
        match inventory.get(row) {
            Some(view) => self.dirty.extend(inventory.by_problem(view.problem())),
            None => self.forget(row),
        }
    }

    /// The row is gone. Its problem's other rows have to be touched by the caller before.
    pub fn forget(&mut self, row: RowId) {
        self.uncover(row);
        if let Some(outcome) = self.outcomes.remove(&row) {
            self.counts.take(&outcome);
        }
        self.flapping.remove(&row);
        self.want(row, None);
        self.asks.remove(&row);
        self.dirty.remove(&row);
        self.lacks_changed |= self.lacking.remove(&row);
    }

    /// Replaces what is wanted of a row.
    fn want(&mut self, row: RowId, wanted: Option<Wanted>) {
        if self.wanted.get(&row) == wanted.as_ref() {
            return;
        }
        self.wishes += 1;
        if let Some(wanted) = &wanted {
            *self.pending.entry(wanted.change.owner.clone()).or_default() += 1;
        }
        let before = match wanted {
            Some(wanted) => self.wanted.insert(row, wanted),
            None => self.wanted.remove(&row),
        };
        if let Some(before) = before
            && let Some(count) = self.pending.get_mut(&before.change.owner)
        {
            *count -= 1;
            if *count == 0 {
                self.pending.remove(&before.change.owner);
            }
        }
    }

    /// Replaces the outcome of a row.
    fn conclude(&mut self, row: RowId, outcome: Outcome) {
        self.counts.add(&outcome);
        if outcome.reason == reasons::FLAPPING {
            self.flapping.insert(row);
        } else {
            self.flapping.remove(&row);
        }
        if let Some(before) = self.outcomes.insert(row, outcome) {
            self.counts.take(&before);
        }
    }

    /// Everything is decided again.
    pub fn touch_all(&mut self) {
        self.all = true;
    }

    /// Time has passed: exceptions are judged anew, and their findings with them.
    pub fn touch_verdicts(&mut self) {
        self.judge_all = true;
    }

    /// Whether a round would do something.
    pub fn is_dirty(&self) -> bool {
        self.all || self.judge_all || !self.dirty.is_empty()
    }

    fn uncover(&mut self, row: RowId) {
        for exception in self.covered_by.remove(&row).unwrap_or_default() {
            if let Some(covered) = self.covered.get_mut(exception) {
                covered.rows.remove(&row);
                self.unjudged.insert(exception);
            }
        }
    }

    /// Decides every touched row. Exceptions are judged first, over all the findings they cover; a verdict that changes touches
    /// its findings in turn.
    pub fn round(&mut self, inventory: &Inventory, now: Timestamp) {
        if std::mem::take(&mut self.all) {
            self.dirty = inventory.rows().collect();
            let known: BTreeSet<RowId> = self.outcomes.keys().copied().collect();
            let gone: Vec<RowId> = known.difference(&self.dirty).copied().collect();
            for row in gone {
                self.forget(row);
            }
            self.judge_all = true;
        }
        let cover: Vec<RowId> = self.dirty.iter().copied().collect();
        for row in cover {
            self.cover(inventory, row, now);
        }
        self.judge(inventory, now);
        for row in std::mem::take(&mut self.dirty) {
            self.decide(inventory, row, now);
        }
    }

    /// Which exceptions cover a row, by its own facts.
    fn cover(&mut self, inventory: &Inventory, row: RowId, now: Timestamp) {
        self.uncover(row);
        let Some(view) = inventory.get(row) else { return };
        self.lacks_changed |= if inventory.lacks(row) { self.lacking.insert(row) } else { self.lacking.remove(&row) };
        let facts = view.facts();
        let set = Arc::clone(&self.set);
        let matches = set.matches(&facts, now, &mut self.scratch);
        for &exception in &matches.exceptions {
            self.covered[exception].rows.insert(row, set.judged_by(exception, &facts, now).into());
            self.unjudged.insert(exception);
        }
        if !matches.exceptions.is_empty() {
            self.covered_by.insert(row, matches.exceptions);
        }
    }

    fn judge(&mut self, inventory: &Inventory, now: Timestamp) {
        let set = Arc::clone(&self.set);
        let mut judged = std::mem::take(&mut self.unjudged);
        if std::mem::take(&mut self.judge_all) {
            judged.extend(0..set.exceptions.len());
        }
        if std::mem::take(&mut self.lacks_changed) {
            judged.extend((0..set.exceptions.len()).filter(|&exception| set.exceptions[exception].projects));
        }
        for exception in judged {
            let (verdict, granting) = match set.standing(exception, now) {
                Verdict::Active => match self.granted_by(inventory, &set, exception, now) {
                    Ok(guardrail) => (Verdict::Active, guardrail),
                    Err(fault) => (Verdict::Faulty(fault), None),
                },
                other => (other, None),
            };
            self.granting[exception] = granting;
            if self.verdicts[exception] != verdict {
                self.verdicts[exception] = verdict;
                for row in self.covered[exception].rows.keys() {
                    if let Some(view) = inventory.get(*row) {
                        self.dirty.extend(inventory.by_problem(view.problem()));
                    }
                }
                let owner = Owner::Object(set.exceptions[exception].meta.object.clone());
                self.dirty.extend(inventory.by_owner(&owner));
            }
        }
    }

    /// The guardrail that grants an exception, by the findings it covers. An error: why it has no effect, by the first refusal.
    fn granted_by(
        &self,
        inventory: &Inventory,
        set: &PolicySet,
        exception: usize,
        now: Timestamp,
    ) -> Result<Option<usize>, Fault> {
        if set.exceptions[exception].projects && !self.lacking.is_empty() {
            let message = format!("{} findings have to be read again before it can be told what it covers", self.lacking.len());
            return Err(Fault { reason: reasons::BACKFILLING, message });
        }
        if let Some(denied) = set.denial(exception, now) {
            return Err(denied);
        }
        let mut refusal = None;
        for (position, &guardrail) in set.exceptions[exception].guardrails.iter().enumerate() {
            match self.refused_by(inventory, set, (exception, position, guardrail), now) {
                None => return Ok(Some(guardrail)),
                Some(fault) => refusal.get_or_insert(fault),
            };
        }
        refusal.map_or(Ok(None), Err)
    }

    fn refused_by(
        &self,
        inventory: &Inventory,
        set: &PolicySet,
        (exception, position, number): (usize, usize, usize),
        now: Timestamp,
    ) -> Option<Fault> {
        let rows = &self.covered[exception].rows;
        let guardrail = set.guardrails.get(number)?;
        let judged = |judged: &[Judged]| judged.get(position).copied().unwrap_or(Judged { in_grant: false, triggered: u64::MAX });
        if let Some((row, _)) = rows.iter().find(|(_, row)| !judged(row).in_grant) {
            let what = inventory.get(*row).map(|view| describe(&view.facts())).unwrap_or_default();
            let message = format!("it covers {what}, which {} does not grant: narrow spec.targets", guardrail.meta.object);
            return Some(Fault { reason: reasons::OUT_OF_GRANT, message });
        }
        let most = guardrail.spec.max_findings as usize;
        if rows.len() > most {
            let message = format!(
                "it covers {} findings, and {} grants at most {most}: narrow spec.targets",
                rows.len(),
                guardrail.meta.object
            );
            return Some(Fault { reason: reasons::TOO_MANY_FINDINGS, message });
        }
        let triggered = rows.values().fold(0, |bits, row| bits | judged(row).triggered);
        set.missing_approval(exception, number, triggered, now)
    }

    fn decide(&mut self, inventory: &Inventory, row: RowId, now: Timestamp) {
        let Some(view) = inventory.get(row) else {
            self.forget(row);
            return;
        };
        let set = Arc::clone(&self.set);
        if inventory.lacks(row) {
            self.want(row, None);
            self.asks.remove(&row);
            let nothing = Outcome {
                reason: reasons::BACKFILLING,
                holder: Holder::Nobody,
                governing: None,
                scopes: self.scopes(&[]),
                shadow: self.shadow(&[]),
            };
            self.conclude(row, nothing);
            return;
        }
        let (decision, _) = self.chain(inventory, row, now, Trace::default());
        let facts = view.facts();
        let matches = set.matches(&facts, now, &mut self.scratch);
        let scopes: Vec<u32> = matches.scopes.iter().filter_map(|&p| u32::try_from(p).ok()).collect();
        let undecided_by_people =
            !matches!(decision.reason, reasons::RESPECTED | reasons::INHERITED | reasons::EXCEPTED | reasons::OVERRIDDEN);
        let shadow: Vec<(u32, bool)> = matches
            .rules
            .iter()
            .filter(|&&(p, _)| set.policies[p].spec.mode == Mode::Audit && !set.policies[p].spec.suspend)
            .filter_map(|&(p, rule)| {
                let suppresses = responses::wish(set.policies[p].spec.rules[rule].response) == Wish::Suppressed;
                let would = undecided_by_people && suppresses && view.workflow() != WorkflowStatus::Suppressed;
                Some((u32::try_from(p).ok()?, would))
            })
            .collect();
        let outcome = Outcome {
            reason: decision.reason,
            holder: decision.holder.clone(),
            governing: decision.governing.and_then(|p| u32::try_from(p).ok()),
            scopes: self.scopes(&scopes),
            shadow: self.shadow(&shadow),
        };
        self.conclude(row, outcome);
        self.asks.remove(&row);
        let wanted = match decision.action {
            Action::Leave => None,
            Action::Ask(rows) => {
                self.asks.extend(rows.into_iter().map(RowId));
                None
            }
            Action::Change(change) => {
                let free = is_free(inventory, row, &change, decision.reason);
                Some(Wanted { change, reason: decision.reason, holder: decision.holder, free })
            }
        };
        self.want(row, wanted);
    }

    /// The chain of one row, with every check's answer.
    pub fn explain(&mut self, inventory: &Inventory, row: RowId, now: Timestamp) -> (Decision, Vec<Step>) {
        self.chain(inventory, row, now, Trace::listening())
    }

    fn chain(&mut self, inventory: &Inventory, row: RowId, now: Timestamp, mut trace: Trace) -> (Decision, Vec<Step>) {
        let rows = inventory.get(row).map(|view| inventory.by_problem(view.problem())).unwrap_or_default();
        let problem: Vec<Finding<'_>> = rows.iter().filter_map(|row| finding(inventory, *row)).collect();
        let own = problem.iter().find(|finding| finding.row == row.0);
        let Some(own) = own else {
            return (
                Decision { action: Action::Leave, reason: reasons::NO_MATCH, holder: Holder::Nobody, governing: None },
                Vec::new(),
            );
        };
        let set = Arc::clone(&self.set);
        let bench = Bench { set: &set, verdicts: &self.verdicts, now };
        let decision = decide::decide(bench, own, &problem, &mut self.scratch, &mut trace);
        (decision, trace.steps())
    }

    fn scopes(&mut self, scopes: &[u32]) -> Arc<[u32]> {
        if let Some(known) = self.scope_lists.get(scopes) {
            return Arc::clone(known);
        }
        let list: Arc<[u32]> = scopes.into();
        self.scope_lists.insert(Arc::clone(&list));
        list
    }

    fn shadow(&mut self, shadow: &[(u32, bool)]) -> Arc<[(u32, bool)]> {
        if let Some(known) = self.shadow_lists.get(shadow) {
            return Arc::clone(known);
        }
        let list: Arc<[(u32, bool)]> = shadow.into();
        self.shadow_lists.insert(Arc::clone(&list));
        list
    }

    /// The reason of a row's last decision.
    pub fn reason(&self, row: RowId) -> Option<&'static str> {
        self.outcomes.get(&row).map(|outcome| outcome.reason)
    }

    /// What Audit policies would change if they were enforced: the row and the number of the policy.
    pub fn audited(&self) -> impl Iterator<Item = (RowId, usize)> + '_ {
        self.outcomes.iter().flat_map(|(row, outcome)| {
            outcome.shadow.iter().filter(|(_, would)| *would).map(|(policy, _)| (*row, *policy as usize))
        })
    }

    /// Rows that were stopped because something else keeps rewriting them.
    pub fn flapping(&self) -> impl Iterator<Item = RowId> + '_ {
        self.flapping.iter().copied()
    }

    /// The figures of every policy and exception, in the order of the set.
    pub fn counts(&self) -> (Vec<PolicyCounts>, Vec<ExceptionCounts>) {
        let exceptions = self.covered.iter().zip(&self.counts.overridden);
        let exceptions =
            exceptions.map(|(covered, &overridden)| ExceptionCounts { matched: covered.rows.len() as u64, overridden }).collect();
        (self.counts.policies.clone(), exceptions)
    }
}

/// One row as deciding sees it.
pub fn finding(inventory: &Inventory, row: RowId) -> Option<Finding<'_>> {
    let view = inventory.get(row)?;
    Some(Finding {
        row: row.0,
        facts: view.facts(),
        workflow: view.workflow(),
        marker: view.marker(),
        created_at: view.created_at(),
        first_observed: view.first_observed_at(),
        knowledge: inventory.knowledge(row),
    })
}

/// What a change costs against the limits: expiry is exempt, and a known problem under a new finding id costs nothing.
fn is_free(inventory: &Inventory, row: RowId, change: &Change, reason: &str) -> bool {
    use crate::core::decide::ChangeKind;
    match change.kind {
        ChangeKind::Reassert | ChangeKind::Transfer | ChangeKind::Release | ChangeKind::Inherit => true,
        ChangeKind::GiveBack => reason == reasons::EXPIRED,
        ChangeKind::Suppress => inventory.get(row).is_some_and(|view| {
            let siblings = inventory.by_problem(view.problem()).iter().filter(|other| **other != row);
            siblings
                .filter_map(|other| inventory.get(*other))
                .any(|other| other.is_ours() && other.marker().marker().is_some_and(|marker| marker.owner == change.owner))
        }),
        ChangeKind::Adopt | ChangeKind::Reopen => false,
    }
}

fn describe(facts: &Facts<'_>) -> String {
    let what = facts.control.unwrap_or(facts.generator);
    let resource = facts.resources.first().map(|resource| resource.id.as_ref()).unwrap_or_default();
    format!("{what} on {resource} in account {} ({})", facts.account, facts.region)
}
