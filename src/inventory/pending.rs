//! Writes of ours that the hub does not show yet.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::state::{Expected, Snapshot};
use super::store::RowId;
use crate::core::marker::MarkerState;
use crate::core::status::WorkflowStatus;

/// What a write changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) workflow: WorkflowStatus,
    pub(super) marker: MarkerState,
}

impl Expected {
    pub(super) fn written(&self) -> Written {
        Written { workflow: self.workflow, marker: self.marker.clone().map_or(MarkerState::None, MarkerState::Ours) }
    }
}

/// One write that is not yet seen.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) expected: Expected,
    /// The row already has the expected state.
    pub(super) settled: bool,
    /// What the hub may still answer with: the states before this write and before unseen ones before it, oldest first.
    pub(super) before: Vec<Written>,
    /// Somebody else wrote after the state that this write was decided on, and before it.
    pub(super) raced: bool,
}

/// What a write was decided on. Kept after its echo, because the event of what it replaced may come later still.
#[derive(Debug, Clone)]
pub(super) struct Basis {
    pub(super) version: i64,
    pub(super) before: Snapshot,
    pub(super) sent_at: Timestamp,
}

impl Pending {
    /// Whether the hub shows this write.
    pub(super) fn is_confirmed_by(&self, seen: &Written) -> bool {
        self.expected.written() == *seen
    }

    /// Whether the hub shows a state before this write.
    pub(super) fn is_before(&self, seen: &Written) -> bool {
        self.before.contains(seen)
    }
}

/// By row, and by the time they were sent. B-trees: their order is the answer's.
#[derive(Debug, Default)]
pub(super) struct PendingWrites {
    rows: BTreeMap<RowId, Pending>,
    times: BTreeSet<(Timestamp, RowId)>,
    bases: BTreeMap<RowId, Basis>,
    base_times: BTreeSet<(Timestamp, RowId)>,
}

impl PendingWrites {
    pub(super) fn get(&self, row: RowId) -> Option<&Pending> {
        self.rows.get(&row)
    }

    /// The write succeeded: whether that is news.
    pub(super) fn settle(&mut self, row: RowId) -> Option<&Expected> {
        let pending = self.rows.get_mut(&row).filter(|pending| !pending.settled)?;
        pending.settled = true;
        Some(&pending.expected)
    }

    pub(super) fn insert(&mut self, row: RowId, pending: Pending) {
        self.remove(row);
        self.times.insert((pending.expected.sent_at, row));
        self.rows.insert(row, pending);
    }

    pub(super) fn remove(&mut self, row: RowId) -> Option<Pending> {
        let pending = self.rows.remove(&row)?;
        self.times.remove(&(pending.expected.sent_at, row));
        Some(pending)
    }

    #[cfg(test)]
    pub(super) fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        self.rows.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// A write is sent: what it was decided on.
    pub(super) fn note_basis(&mut self, row: RowId, basis: Basis) {
        self.forget_basis(row);
        self.base_times.insert((basis.sent_at, row));
        self.bases.insert(row, basis);
    }

    pub(super) fn basis(&self, row: RowId) -> Option<&Basis> {
        self.bases.get(&row)
    }

    pub(super) fn forget_basis(&mut self, row: RowId) {
        if let Some(basis) = self.bases.remove(&row) {
            self.base_times.remove(&(basis.sent_at, row));
        }
    }

    /// Forgets what writes were decided on that were sent too long ago.
    pub(super) fn forget_bases(&mut self, gone: impl Fn(Timestamp) -> bool) {
        while let Some(&(_, row)) = self.base_times.first().filter(|(sent_at, _)| gone(*sent_at)) {
            self.forget_basis(row);
        }
    }

    pub(super) fn bases_len(&self) -> usize {
        self.bases.len()
    }

    pub(super) fn raced(&mut self, row: RowId) {
        if let Some(pending) = self.rows.get_mut(&row) {
            pending.raced = true;
        }
    }

    /// The one that was sent first.
    pub(super) fn oldest(&self) -> Option<(Timestamp, RowId)> {
        self.times.first().copied()
    }
}

/// More unseen writes than this to one finding are not remembered: something else is wrong then.
pub(super) const REMEMBERED: usize = 8;
