//! Findings that lack a field which a rule names anew, as far as that rule may mean them: left as they are until they are read
//! again. All others are decided meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::kept::Kept;
use crate::core::compile::{Doubt, Doubts, Matches, PolicySet};
use crate::core::decide::as_failing;
use crate::core::filter::Field;
use crate::inventory::{RowId, RowView};

#[derive(Debug)]
pub(super) struct Backfill {
    /// Whose meaning of them cannot be told.
    rows: BTreeMap<RowId, u32>,
    kept: Kept<Doubt>,
    /// How many of the rows are in doubt for each policy and exception.
    policies: Vec<u64>,
    exceptions: Vec<u64>,
    /// Rows that nobody was told to read yet.
    unread: BTreeSet<RowId>,
    /// What can be told, by what is missing.
    doubts: BTreeMap<Vec<Field>, Doubts>,
    /// How many rows there were since there was none.
    begun: usize,
}

impl Backfill {
    pub(super) fn new(set: &PolicySet) -> Self {
        Self {
            rows: BTreeMap::new(),
            kept: Kept::new(),
            policies: vec![0; set.policies.len()],
            exceptions: vec![0; set.exceptions.len()],
            unread: BTreeSet::new(),
            doubts: BTreeMap::new(),
            begun: 0,
        }
    }

    /// Looks at a row anew. `matches`: what means it for sure. Exceptions of which more or less can be told now.
    pub(super) fn look(&mut self, set: &PolicySet, view: RowView<'_>, matches: &Matches, now: Timestamp) -> Vec<usize> {
        let missing = view.missing();
        let mut doubt = Doubt::default();
        if !missing.is_empty() {
            let doubts = self.doubts.entry(missing).or_insert_with_key(|missing| set.doubts(missing));
            let facts = view.facts();
            set.doubt(doubts, &facts, matches, now, &mut doubt);
            if view.is_ours() {
                // What is held and passes is asked about as if it were failing.
                as_failing(&facts).for_each(|facts| set.doubt(doubts, &facts, matches, now, &mut doubt));
            }
        }
        self.note(view.id(), doubt)
    }

    /// The row is gone.
    pub(super) fn forget(&mut self, row: RowId) -> Vec<usize> {
        self.note(row, Doubt::default())
    }

    fn note(&mut self, row: RowId, doubt: Doubt) -> Vec<usize> {
        let before = self.rows.get(&row).and_then(|&number| self.kept.get(number)).cloned().unwrap_or_default();
        if doubt == *before {
            return Vec::new();
        }
        let changed: BTreeSet<usize> = before.exceptions.iter().chain(&doubt.exceptions).copied().collect();
        for (counts, old, new) in [
            (&mut self.policies, &before.policies, &doubt.policies),
            (&mut self.exceptions, &before.exceptions, &doubt.exceptions),
        ] {
            for &number in old {
                counts[number] -= 1;
            }
            for &number in new {
                counts[number] += 1;
            }
        }
        if doubt.is_empty() {
            self.rows.remove(&row);
            self.unread.remove(&row);
        } else {
            let number = self.kept.number(doubt);
            if self.rows.insert(row, number).is_none() {
                self.unread.insert(row);
            }
        }
        self.begun = if self.rows.is_empty() { 0 } else { self.begun.max(self.rows.len()) };
        changed.into_iter().collect()
    }

    /// Whether the row has to be left as it is for now.
    pub(super) fn freezes(&self, set: &PolicySet, row: RowId) -> bool {
        self.doubt(row).is_some_and(|doubt| set.is_open(doubt))
    }

    fn doubt(&self, row: RowId) -> Option<&Arc<Doubt>> {
        self.kept.get(*self.rows.get(&row)?)
    }

    /// Whether the row waits to be read again.
    pub(super) fn waits(&self, row: RowId) -> bool {
        self.rows.contains_key(&row)
    }

    pub(super) fn take_unread(&mut self) -> BTreeSet<RowId> {
        std::mem::take(&mut self.unread)
    }

    /// How many findings an exception waits for.
    pub(super) fn of_exception(&self, exception: usize) -> u64 {
        self.exceptions.get(exception).copied().unwrap_or(0)
    }

    /// How many findings a policy waits for.
    pub(super) fn of_policy(&self, policy: usize) -> u64 {
        self.policies.get(policy).copied().unwrap_or(0)
    }

    /// How many findings wait, and how many did when most of them did.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.rows.len(), self.begun)
    }
}
