//! Writes of ours that the hub does not show yet.

use std::collections::BTreeMap;

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

/// By row. A B-tree: few rows, and its order is the answer's.
pub(super) type PendingWrites = BTreeMap<RowId, Pending>;

/// More unseen writes than this to one finding are not remembered: something else is wrong then.
pub(super) const REMEMBERED: usize = 8;
