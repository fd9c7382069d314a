//! The outcome of every row, in four bytes, and the figures that follow from them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::kept::Kept;
use crate::core::compile::{Holder, Matches, PolicySet};
use crate::core::objects::Mode;
use crate::core::reasons;
use crate::core::responses::{self, Wish};
use crate::inventory::RowId;

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

/// How many findings an exception covers that are not as it wants them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Undone {
    /// A person took them back.
    pub(super) overridden: u64,
    /// Something keeps rewriting them.
    pub(super) flapping: u64,
}

/// What was decided; equal for all findings that differ in nothing that the declared set looks at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Outcome {
    /// A constant of `core::reasons`; `None`: matched, and not decided yet.
    pub(super) reason: Option<&'static str>,
    pub(super) holder: Holder,
    pub(super) governing: Option<usize>,
    /// Whether an Audit policy that suppresses would change it: nobody else has decided, and it is not suppressed.
    pub(super) open: bool,
}

/// An outcome, and the number of what matched.
type Concluded = (u32, Outcome);

/// No outcome has this number.
const NONE: u32 = u32::MAX;

/// The outcomes of all rows.
#[derive(Debug)]
pub(super) struct Outcomes {
    matches: Kept<Matches>,
    kept: Kept<Concluded>,
    /// How many rows have each.
    users: Vec<u64>,
    /// By row.
    rows: Vec<u32>,
    /// Rows that were stopped because something keeps rewriting them.
    flapping: BTreeSet<RowId>,
}

impl Outcomes {
    pub(super) fn new() -> Self {
        Self { matches: Kept::new(), kept: Kept::new(), users: Vec::new(), rows: Vec::new(), flapping: BTreeSet::new() }
    }

    fn number(&self, row: RowId) -> Option<u32> {
        self.rows.get(row.0 as usize).copied().filter(|&number| number != NONE)
    }

    fn concluded(&self, row: RowId) -> Option<&Concluded> {
        Some(self.kept.get(self.number(row)?)?.as_ref())
    }

    /// What matches the row, as it was matched last.
    pub(super) fn matches(&self, row: RowId) -> Option<Arc<Matches>> {
        self.matches.get(self.concluded(row)?.0).cloned()
    }

    pub(super) fn reason(&self, row: RowId) -> Option<&'static str> {
        self.concluded(row)?.1.reason
    }

    /// The row was matched and is to be decided.
    pub(super) fn matched(&mut self, row: RowId, matches: Matches) {
        let undecided = Outcome { reason: None, holder: Holder::Nobody, governing: None, open: false };
        let matched = self.matches.number(matches);
        self.set(row, Some((matched, undecided)));
    }

    /// The row, which was matched, was decided.
    pub(super) fn conclude(&mut self, row: RowId, outcome: Outcome) {
        let Some(&(matched, _)) = self.concluded(row) else { return };
        if outcome.reason == Some(reasons::FLAPPING) {
            self.flapping.insert(row);
        } else {
            self.flapping.remove(&row);
        }
        self.set(row, Some((matched, outcome)));
    }

    pub(super) fn forget(&mut self, row: RowId) {
        self.flapping.remove(&row);
        if self.number(row).is_some() {
            self.set(row, None);
        }
    }

    fn set(&mut self, row: RowId, concluded: Option<Concluded>) {
        let number = concluded.map_or(NONE, |concluded| self.kept.number(concluded));
        if number != NONE && number as usize >= self.users.len() {
            self.users.resize(number as usize + 1, 0);
        }
        if row.0 as usize >= self.rows.len() {
            self.rows.resize(row.0 as usize + 1, NONE);
        }
        let before = std::mem::replace(&mut self.rows[row.0 as usize], number);
        if let Some(users) = self.users.get_mut(number as usize) {
            *users += 1;
        }
        if let Some(users) = self.users.get_mut(before as usize) {
            *users -= 1;
        }
    }

    /// Rows with an outcome, ascending.
    pub(super) fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        (0..).map(RowId).zip(&self.rows).filter(|&(_, &number)| number != NONE).map(|(row, _)| row)
    }

    pub(super) fn flapping(&self) -> impl Iterator<Item = RowId> + '_ {
        self.flapping.iter().copied()
    }

    /// The Audit policies that decide findings of this outcome, and whether they would change them.
    fn shadow<'s>(&'s self, set: &'s PolicySet, (matched, outcome): &'s Concluded) -> impl Iterator<Item = (usize, bool)> + 's {
        let rules = self.matches.get(*matched).into_iter().flat_map(|matches| &matches.rules).copied();
        let audits = rules.filter(|&(p, _)| set.policies[p].spec.mode == Mode::Audit && !set.policies[p].spec.suspend);
        audits.map(|(p, rule)| {
            let suppresses = responses::wish(set.policies[p].spec.rules[rule].response) == Wish::Suppressed;
            (p, suppresses && outcome.open)
        })
    }

    /// What Audit policies would change if they were enforced: the row and the number of the policy.
    pub(super) fn audited<'s>(&'s self, set: &'s PolicySet) -> impl Iterator<Item = (RowId, usize)> + 's {
        self.rows().filter_map(|row| Some((row, self.concluded(row)?))).flat_map(|(row, concluded)| {
            self.shadow(set, concluded).filter(|(_, would)| *would).map(move |(policy, _)| (row, policy))
        })
    }

    /// The figures of every policy and exception, in the order of the set.
    pub(super) fn counts(&self, set: &PolicySet) -> (Vec<PolicyCounts>, Vec<Undone>) {
        let mut policies = vec![PolicyCounts::default(); set.policies.len()];
        let mut undone = vec![Undone::default(); set.exceptions.len()];
        for (concluded, &users) in (0..).map_while(|number| self.kept.get(number)).zip(&self.users) {
            if users > 0 && concluded.1.reason.is_some_and(|reason| reason != reasons::BACKFILLING) {
                self.tally(set, concluded, users, &mut policies, &mut undone);
            }
        }
        (policies, undone)
    }

    fn tally(&self, set: &PolicySet, concluded: &Concluded, users: u64, policies: &mut [PolicyCounts], undone: &mut [Undone]) {
        let (matched, Outcome { reason, holder, governing, .. }) = concluded;
        for &policy in self.matches.get(*matched).into_iter().flat_map(|matches| &matches.scopes) {
            policies[policy].in_scope += users;
        }
        for (policy, would) in self.shadow(set, concluded) {
            policies[policy].decided += users;
            policies[policy].would_change += if would { users } else { 0 };
        }
        match (reason.unwrap_or_default(), holder) {
            (reason @ (reasons::RESPECTED | reasons::INHERITED | reasons::OVERRIDDEN), holder) => {
                if let Some(policy) = *governing {
                    policies[policy].respected += users;
                }
                if let (reasons::OVERRIDDEN, Holder::Exception(x)) = (reason, holder) {
                    undone[*x].overridden += users;
                }
            }
            (reasons::EXCEPTED, _) => {
                if let Some(policy) = *governing {
                    policies[policy].excepted += users;
                }
            }
            (reasons::SUPPRESSED_BY_RULE | reasons::IGNORED | reasons::REVERTED, Holder::Rule { policy, .. }) => {
                policies[*policy].decided += users;
            }
            (reasons::FLAPPING, Holder::Rule { policy, .. }) => policies[*policy].flapping += users,
            (reasons::FLAPPING, Holder::Exception(x)) => undone[*x].flapping += users,
            (reasons::CONFLICTED, Holder::Conflict(conflicting)) => {
                for &policy in conflicting {
                    policies[policy].conflicted += users;
                }
            }
            _ => {}
        }
    }

    /// Bytes of what is kept for every row, without what rows share.
    pub(super) fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<u32>() + self.users.capacity() * size_of::<u64>()
    }
}
