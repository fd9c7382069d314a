//! Writes of ours that the hub does not show yet.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::state::Expected;
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

    /// The one that was sent first.
    pub(super) fn oldest(&self) -> Option<(Timestamp, RowId)> {
        self.times.first().copied()
    }
}

/// More unseen writes than this to one finding are not remembered: something else is wrong then.
pub(super) const REMEMBERED: usize = 8;
