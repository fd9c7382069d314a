//! From what is known to what is wanted: decides the findings that something touched, keeps the figures of every object.
//!
//! Pure: reads the inventory, writes only its own tables. A touched finding is matched once; what matches it is handed on to
//! coverage, chain and figures. `outcomes` keeps four bytes a finding, `exceptions` what is covered, `wishes` what is wanted,
//! `backfill` what has to be read again first.

mod backfill;
mod exceptions;
mod kept;
mod outcomes;
mod wishes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

pub use exceptions::ExceptionCounts;
pub use outcomes::PolicyCounts;
pub use wishes::Wanted;

use self::backfill::Backfill;
use self::exceptions::Exceptions;
use self::outcomes::{Outcome, Outcomes};
use self::wishes::Wishes;
use crate::core::compile::{Holder, Matches, PolicySet, Verdict};
use crate::core::decide::{self, Action, Bench, Change, ChangeKind, Decision, Finding, Step, Trace};
use crate::core::marker::Owner;
use crate::core::matcher::Scratch;
use crate::core::reasons;
use crate::core::status::WorkflowStatus;
use crate::inventory::{Inventory, RowId};

/// The evaluator of one hub.
#[derive(Debug)]
pub struct Evaluator {
    set: Arc<PolicySet>,
    outcomes: Outcomes,
    exceptions: Exceptions,
    wishes: Wishes,
    backfill: Backfill,
    asks: BTreeSet<RowId>,
    dirty: BTreeSet<RowId>,
    all: bool,
    scratch: Scratch,
    /// How often a row was matched.
    visits: u64,
}

impl Evaluator {
    /// Nothing is decided yet; everything has to be.
    pub fn new(set: Arc<PolicySet>) -> Self {
        Self {
            outcomes: Outcomes::new(),
            exceptions: Exceptions::new(&set),
            wishes: Wishes::default(),
            backfill: Backfill::new(&set),
            set,
            asks: BTreeSet::new(),
            dirty: BTreeSet::new(),
            all: true,
            scratch: Scratch::default(),
            visits: 0,
        }
    }

    /// What decides.
    pub fn set(&self) -> &Arc<PolicySet> {
        &self.set
    }

    /// What is known of every exception.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.exceptions.verdicts
    }

    /// For every exception in force, the guardrail that grants what it covers.
    pub fn granting(&self) -> &[Option<usize>] {
        &self.exceptions.granting
    }

    /// The changes that are wanted, by row.
    pub fn wanted(&self) -> &BTreeMap<RowId, Wanted> {
        &self.wishes.wanted
    }

    /// How many changes are wanted for each owner.
    pub fn pending(&self) -> &BTreeMap<Owner, u64> {
        &self.wishes.pending
    }

    /// A number that is another one whenever something else is wanted.
    pub fn wishes(&self) -> u64 {
        self.wishes.changes
    }

    /// Rows whose history has to be asked.
    pub fn asks(&self) -> &BTreeSet<RowId> {
        &self.asks
    }

    /// How often a row was matched since this set is in force.
    pub fn visits(&self) -> u64 {
        self.visits
    }

    /// Something about this row changed: its whole problem is decided again.
    pub fn touch(&mut self, inventory: &Inventory, row: RowId) {
        match inventory.get(row) {
            Some(view) => self.dirty.extend(inventory.by_problem(view.problem())),
            None => self.forget(row),
        }
    }

    /// The row is gone. Its problem's other rows have to be touched by the caller.
    pub fn forget(&mut self, row: RowId) {
        self.uncover(row);
        self.exceptions.touch(self.backfill.forget(row));
        self.outcomes.forget(row);
        self.wishes.want(row, None);
        self.asks.remove(&row);
        self.dirty.remove(&row);
    }

    /// Everything is decided again.
    pub fn touch_all(&mut self) {
        self.all = true;
    }

    /// Time has passed: exceptions are judged anew, and their findings with them.
    pub fn touch_verdicts(&mut self) {
        self.exceptions.touch(0..self.set.exceptions.len());
    }

    /// Whether a round would do something.
    pub fn is_dirty(&self) -> bool {
        self.all || self.exceptions.is_dirty() || !self.dirty.is_empty()
    }

    fn uncover(&mut self, row: RowId) {
        if let Some(matches) = self.outcomes.matches(row) {
            self.exceptions.uncover(row, &matches);
        }
    }

    /// Decides every touched row. Exceptions are judged first, over all the findings they cover; a verdict that changes touches
    /// its findings in turn.
    pub fn round(&mut self, inventory: &Inventory, now: Timestamp) {
        if std::mem::take(&mut self.all) {
            self.dirty = inventory.rows().collect();
            let gone: Vec<RowId> = self.outcomes.rows().filter(|row| inventory.get(*row).is_none()).collect();
            for row in gone {
                self.forget(row);
            }
            self.touch_verdicts();
        }
        let mut dirty = std::mem::take(&mut self.dirty);
        for &row in &dirty {
            self.cover(inventory, row, now);
        }
        let set = Arc::clone(&self.set);
        for exception in self.exceptions.judge(inventory, &set, &self.backfill, now) {
            let owner = Owner::Object(set.exceptions[exception].meta.object.clone());
            let views = self.exceptions.covered(exception).chain(inventory.by_owner(&owner)).filter_map(|row| inventory.get(row));
            dirty.extend(views.flat_map(|view| inventory.by_problem(view.problem())));
        }
        let mut problem: Vec<Finding<'_>> = Vec::new();
        for &row in &dirty {
            let Some(view) = inventory.get(row) else {
                self.forget(row);
                continue;
            };
            let rows = inventory.by_problem(view.problem());
            // Once a problem.
            if rows.iter().find(|row| dirty.contains(row)) == Some(&row) {
                problem.clear();
                problem.extend(rows.iter().filter_map(|row| finding(inventory, *row)));
                self.decide(inventory, &problem, now);
            }
        }
    }

    /// Matches a row, by its own facts.
    fn cover(&mut self, inventory: &Inventory, row: RowId, now: Timestamp) {
        self.uncover(row);
        let Some(view) = inventory.get(row) else { return };
        self.visits += 1;
        let facts = view.facts();
        let matches = self.set.matches(&facts, now, &mut self.scratch);
        self.exceptions.cover(&self.set, row, &facts, &matches, now);
        self.exceptions.touch(self.backfill.look(&self.set, view, &matches, now));
        self.outcomes.matched(row, matches);
    }

    /// Decides all findings of one problem.
    fn decide(&mut self, inventory: &Inventory, problem: &[Finding<'_>], now: Timestamp) {
        // All before any: what one asks is often the history of another.
        for own in problem {
            self.asks.remove(&RowId(own.row));
        }
        for own in problem {
            let row = RowId(own.row);
            if self.backfill.freezes(&self.set, row) {
                self.wishes.want(row, None);
                let nothing =
                    Outcome { reason: Some(reasons::BACKFILLING), holder: Holder::Nobody, governing: None, open: false };
                self.outcomes.conclude(row, nothing);
                continue;
            }
            let Some(matches) = self.outcomes.matches(row) else { continue };
            let decision = self.chain(own, problem, &matches, now, &mut Trace::default());
            let Decision { action, reason, holder, governing } = decision;
            let by_people = matches!(reason, reasons::RESPECTED | reasons::INHERITED | reasons::EXCEPTED | reasons::OVERRIDDEN);
            let open = !by_people && own.workflow != WorkflowStatus::Suppressed;
            self.outcomes.conclude(row, Outcome { reason: Some(reason), holder: holder.clone(), governing, open });
            let wanted = match action {
                Action::Leave => None,
                Action::Ask(rows) => {
                    self.asks.extend(rows.into_iter().map(RowId));
                    None
                }
                Action::Change(change) => {
                    let free = is_free(inventory, row, &change, reason);
                    Some(Wanted { change, reason, holder, free })
                }
            };
            self.wishes.want(row, wanted);
        }
    }

    /// The chain of one row, with every check's answer.
    pub fn explain(&mut self, inventory: &Inventory, row: RowId, now: Timestamp) -> (Decision, Vec<Step>) {
        let rows = inventory.get(row).map(|view| inventory.by_problem(view.problem())).unwrap_or_default();
        let problem: Vec<Finding<'_>> = rows.iter().filter_map(|row| finding(inventory, *row)).collect();
        let Some(own) = problem.iter().find(|finding| finding.row == row.0) else {
            let nothing = Decision { action: Action::Leave, reason: reasons::NO_MATCH, holder: Holder::Nobody, governing: None };
            return (nothing, Vec::new());
        };
        let matches = self.set.matches(&own.facts, now, &mut self.scratch);
        let mut trace = Trace::listening();
        let decision = self.chain(own, &problem, &matches, now, &mut trace);
        (decision, trace.steps())
    }

    fn chain(
        &mut self,
        own: &Finding<'_>,
        problem: &[Finding<'_>],
        matches: &Matches,
        now: Timestamp,
        trace: &mut Trace,
    ) -> Decision {
        let bench = Bench { set: &self.set, verdicts: &self.exceptions.verdicts, now };
        decide::decide(bench, own, problem, matches, &mut self.scratch, trace)
    }

    /// The reason of a row's last decision.
    pub fn reason(&self, row: RowId) -> Option<&'static str> {
        self.outcomes.reason(row)
    }

    /// What Audit policies would change if they were enforced: the row and the number of the policy.
    pub fn audited(&self) -> impl Iterator<Item = (RowId, usize)> + '_ {
        self.outcomes.audited(&self.set)
    }

    /// Rows that were stopped because something else keeps rewriting them.
    pub fn flapping(&self) -> impl Iterator<Item = RowId> + '_ {
        self.outcomes.flapping()
    }

    /// The figures of every policy and exception, in the order of the set.
    pub fn counts(&self) -> (Vec<PolicyCounts>, Vec<ExceptionCounts>) {
        let (policies, undone) = self.outcomes.counts(&self.set);
        (policies, self.exceptions.counts(&undone))
    }

    /// Rows that have to be read again before it can be told who means them, each told once.
    pub fn take_unread(&mut self) -> BTreeSet<RowId> {
        self.backfill.take_unread()
    }

    /// Whether the row has to be read again before it can be told who means it.
    pub fn waits(&self, row: RowId) -> bool {
        self.backfill.waits(row)
    }

    /// How many findings have to be read again, and how many had when this began.
    pub fn backfilling(&self) -> (usize, usize) {
        self.backfill.progress()
    }

    /// How many findings a policy waits for, because its filters name a field of them that has to be read first.
    pub fn policy_waits_for(&self, policy: usize) -> u64 {
        self.backfill.of_policy(policy)
    }

    /// Bytes of what is kept for every row.
    pub fn bytes(&self) -> usize {
        self.outcomes.bytes()
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
        refreshed: view.refreshed(),
        knowledge: inventory.knowledge(row),
    })
}

/// What a change costs against the limits: expiry is exempt, and a known problem under a new finding id costs nothing.
fn is_free(inventory: &Inventory, row: RowId, change: &Change, reason: &str) -> bool {
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
