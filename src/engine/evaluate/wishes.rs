//! What is wanted: the changes, by row, and how many each owner has.

use std::collections::BTreeMap;

use crate::core::compile::Holder;
use crate::core::decide::Change;
use crate::core::marker::Owner;
use crate::inventory::RowId;

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

/// The changes that are wanted.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) wanted: BTreeMap<RowId, Wanted>,
    /// How many of them each owner has.
    pub(super) pending: BTreeMap<Owner, u64>,
    /// How often something else was wanted.
    pub(super) changes: u64,
}

impl Wishes {
    /// Replaces what is wanted of a row.
    pub(super) fn want(&mut self, row: RowId, wanted: Option<Wanted>) {
        if self.wanted.get(&row) == wanted.as_ref() {
            return;
        }
        self.changes += 1;
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
}
