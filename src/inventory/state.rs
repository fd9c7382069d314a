//! The values that go in and out of the inventory.

use std::sync::Arc;

use jiff::Timestamp;

use super::coverage::Place;
use super::store::RowId;
use crate::core::ids::FindingKey;
use crate::core::marker::{Hold, Marker, MarkerError};
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

/// What a finding says of its holder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MarkerState {
    /// No marker.
    #[default]
    None,
    /// A marker of this program, held or released.
    Ours(Arc<Marker>),
    /// Something under our keys that we cannot read: the finding is frozen.
    Broken(Arc<MarkerError>),
}

impl MarkerState {
    /// The marker, if there is a readable one.
    pub fn marker(&self) -> Option<&Arc<Marker>> {
        match self {
            Self::Ours(marker) => Some(marker),
            Self::None | Self::Broken(_) => None,
        }
    }

    /// The marker, if it is held, whatever the workflow status is.
    pub fn held(&self) -> Option<&Arc<Marker>> {
        self.marker().filter(|marker| marker.hold == Hold::Held)
    }
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
    pub answer: Option<Answer>,
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

/// When somebody answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AnswerTime {
    /// Not known: it was there when we first saw the finding.
    Unknown,
    /// We saw it change: no later than this.
    Observed(Timestamp),
    /// From the finding's history: exact.
    History(Timestamp),
}

/// A person's (or another program's) answer on one finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The workflow status that was set.
    pub status: WorkflowStatus,
    /// When.
    pub at: AnswerTime,
    /// Who, in the words of the history.
    pub by: Option<Arc<str>>,
}
