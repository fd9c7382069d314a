//! The values that go in and out of the inventory.

use std::sync::Arc;

use jiff::Timestamp;

use super::coverage::Place;
use super::store::RowId;
use crate::core::decide::Knowledge;
use crate::core::ids::FindingKey;
use crate::core::marker::{Marker, MarkerState};
use crate::core::problem::ProblemId;
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};

/// How we came to see a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// GetFindings: the truth, but for eventual consistency.
    Read,
    /// An event: unordered, repeated, late.
    Event,
}

/// One sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// When: for a read, when it was started, so that what happened meanwhile does not count as seen; for an event, when the
    /// service sent it and not when we received it.
    pub at: Timestamp,
    /// How.
    pub source: Source,
    /// Where we read (and write) it.
    pub place: Place,
}

/// Whose note a finding carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// None.
    None,
    /// Ours: we may replace it.
    Ours,
    /// Somebody else's: never touched.
    Foreign,
}

/// What decides about a finding, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Snapshot {
    pub workflow: WorkflowStatus,
    pub compliance: Option<ComplianceStatus>,
    pub record_state: RecordState,
    pub marker: MarkerState,
}

/// What a sighting changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A finding that we did not know.
    New,
    /// Something that deciding looks at differs from before (also the projection: severity, standards, resources, values).
    Changed {
        /// The row before.
        before: Snapshot,
        /// Whether a write of ours was pending and this is neither its effect nor the state before it, although the check says
        /// what it said: somebody else wrote.
        overwritten: bool,
    },
    /// Our pending write is in the hub.
    Confirmed {
        /// The row before: compliance and record state may have changed with the same sighting.
        before: Snapshot,
    },
    /// Nothing that matters.
    Same,
    /// Older than what we know, or the hub lagging behind a write of ours: not taken over.
    Stale,
    /// An event of the version that we know with other content: unordered, so not taken over. Read the finding again.
    Doubtful,
}

/// The outcome of a sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The row.
    pub row: RowId,
    /// What it changed.
    pub change: Change,
    /// It is what somebody else made of the state that our last write was decided on, before ours: theirs may be lost.
    pub raced: bool,
}

/// A row that is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Removed {
    /// The number it had; the next new finding gets it.
    pub row: RowId,
    pub key: FindingKey,
    pub problem: ProblemId,
    pub before: Snapshot,
    pub knowledge: Knowledge,
}

/// What a write of ours will make of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The workflow status we set.
    pub workflow: WorkflowStatus,
    /// The marker we write; `None`: our keys are removed.
    pub marker: Option<Arc<Marker>>,
    /// The note becomes ours.
    pub note: bool,
    /// When the write is sent.
    pub sent_at: Timestamp,
}
