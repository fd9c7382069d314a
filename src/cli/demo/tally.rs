//! What was read back from the hub at one moment, in numbers.

use std::collections::BTreeMap;

use crate::assembly::tour::{Seen, held};
use crate::core::status::WorkflowStatus;

/// The numbers.
pub(super) struct Tally {
    pub(super) findings: usize,
    pub(super) failing: usize,
    pub(super) suppressed: usize,
    pub(super) by_hand: usize,
    pub(super) held: BTreeMap<String, usize>,
}

impl Tally {
    pub(super) fn of(seen: &[Seen]) -> Self {
        let suppressed = |finding: &&Seen| finding.workflow == WorkflowStatus::Suppressed;
        Self {
            findings: seen.len(),
            failing: seen.iter().filter(|finding| finding.failed && !finding.archived).filter(|f| !suppressed(f)).count(),
            suppressed: seen.iter().filter(suppressed).count(),
            by_hand: seen.iter().filter(suppressed).filter(|finding| finding.held_by.is_none()).count(),
            held: held(seen).into_iter().map(|(owner, number)| (owner.to_owned(), number)).collect(),
        }
    }

    pub(super) fn held_by(&self, owner: &str) -> usize {
        self.held.get(owner).copied().unwrap_or(0)
    }
}
