//! The inventory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::coverage::{Place, Window};
use super::state::{Answer, Expected, MarkerState, NoteKind, Observed, Seen, Snapshot};
use crate::core::doc::Doc;
use crate::core::facts::Facts;
use crate::core::filter::Field;
use crate::core::ids::{AccountId, FindingKey, IdError};
use crate::core::marker::Owner;
use crate::core::problem::ProblemId;
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// The number of a row. Freed numbers are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u32);

/// How many findings an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AccountCount {
    pub findings: u64,
    /// With a held marker.
    pub held: u64,
}

/// What we know of every finding.
#[derive(Debug)]
pub struct Inventory {
    lag: Duration,
}

/// One row, borrowed.
#[derive(Clone, Copy)]
pub struct RowView<'a> {
    inventory: &'a Inventory,
    row: RowId,
}

#[expect(clippy::todo, clippy::unused_self, unused_variables, clippy::needless_pass_by_value, reason = "the interface first")]
impl Inventory {
    /// Empty. `lag`: how long the hub may answer with the state before a write of ours (30 min is safe).
    pub fn new(lag: Duration) -> Self {
        Self { lag }
    }
    /// Takes over a sighting. `raw` is the finding's JSON, from which `doc` was parsed. An error: `AwsAccountId` is none.
    pub fn observe(&mut self, doc: &Doc<'_>, raw: &str, seen: Seen) -> Result<Observed, IdError> {
        todo!()
    }
    /// A write is about to be sent. Call it before the call, as its effect may come before its answer.
    pub fn expect(&mut self, row: RowId, expected: Expected) {
        todo!()
    }
    /// The write succeeded: the row takes the expected state at once; stays pending until seen. The row before.
    pub fn settle(&mut self, row: RowId) -> Option<Snapshot> {
        todo!()
    }
    /// The write surely had no effect: as if it had not been expected.
    pub fn withdraw(&mut self, row: RowId) {
        todo!()
    }
    /// The write that is not yet seen in the hub.
    pub fn pending(&self, row: RowId) -> Option<&Expected> {
        todo!()
    }
    /// How many writes are not yet seen in the hub.
    pub fn pending_len(&self) -> usize {
        todo!()
    }
    /// Gives up waiting for writes sent `lag` or longer ago; their rows, ascending: to be read again.
    pub fn pending_expired(&mut self, now: Timestamp) -> Vec<RowId> {
        todo!()
    }
    /// The filter fields that current rules name. Whether rows lack values of one: until they are seen again.
    pub fn set_paths(&mut self, paths: &[Field]) -> bool {
        todo!()
    }
    /// Whether the row was seen before one of the current paths was named.
    pub fn lacks(&self, row: RowId) -> bool {
        todo!()
    }
    /// How many rows lack a value.
    pub fn backfill_remaining(&self) -> usize {
        todo!()
    }
    /// The row of a finding.
    pub fn find(&self, key: &FindingKey) -> Option<RowId> {
        todo!()
    }
    /// The row, if the number is in use.
    pub fn get(&self, row: RowId) -> Option<RowView<'_>> {
        todo!()
    }
    /// Rows with a held marker of this owner, whatever their workflow status; ascending.
    pub fn by_owner(&self, owner: &Owner) -> impl Iterator<Item = RowId> + '_ {
        std::iter::empty()
    }
    /// Every owner of a held marker, sorted, with the number of its rows.
    pub fn owners(&self) -> impl Iterator<Item = (&Owner, usize)> + '_ {
        std::iter::empty()
    }
    /// The rows of a problem, ascending.
    pub fn by_problem(&self, problem: ProblemId) -> &[RowId] {
        todo!()
    }
    /// Findings and held findings per account.
    pub fn accounts(&self) -> &BTreeMap<AccountId, AccountCount> {
        todo!()
    }
    /// Rows whose marker cannot be read; ascending.
    pub fn broken(&self) -> impl Iterator<Item = RowId> + '_ {
        std::iter::empty()
    }
    /// How many rows have a marker that cannot be read.
    pub fn broken_markers(&self) -> usize {
        todo!()
    }
    /// A window of a place has been read completely by a read started at `started_at`. Rows in it that this read and one
    /// before it have both not seen are gone from the hub: removed; what they were.
    pub fn sweep(&mut self, place: Place, window: Window, started_at: Timestamp) -> Vec<RowId> {
        todo!()
    }
    /// Forgets a row, for example because the hub says that there is no such finding.
    pub fn remove(&mut self, row: RowId) -> bool {
        todo!()
    }
    /// At most `windows - 1` ascending CreatedAt cuts that part the rows of a place into about equal windows.
    pub fn quantiles(&self, place: Place, windows: usize) -> Vec<Timestamp> {
        todo!()
    }
    /// How many rows of a place were created in a window.
    pub fn count_between(&self, place: Place, window: Window) -> usize {
        todo!()
    }
    /// A person's answer on this finding.
    pub fn answer(&self, row: RowId) -> Option<&Answer> {
        todo!()
    }
    /// Sets or clears the answer.
    pub fn set_answer(&mut self, row: RowId, answer: Option<Answer>) {
        todo!()
    }
    /// Every row in use, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        std::iter::empty()
    }
    /// How many findings.
    pub fn len(&self) -> usize {
        todo!()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        todo!()
    }
    /// How many problems.
    pub fn problems(&self) -> usize {
        todo!()
    }
}

#[expect(clippy::todo, clippy::unused_self, missing_docs, reason = "the interface first")]
impl<'a> RowView<'a> {
    pub fn id(self) -> RowId {
        self.row
    }
    /// What BatchUpdateFindings calls it by.
    pub fn key(self) -> FindingKey {
        todo!()
    }
    pub fn problem(self) -> ProblemId {
        todo!()
    }
    /// Where it is read and written.
    pub fn place(self) -> Place {
        todo!()
    }
    /// As the hub has it (or as we just set it).
    pub fn workflow(self) -> WorkflowStatus {
        todo!()
    }
    pub fn compliance(self) -> Option<ComplianceStatus> {
        todo!()
    }
    pub fn record_state(self) -> RecordState {
        todo!()
    }
    pub fn severity(self) -> Option<SeverityLabel> {
        todo!()
    }
    pub fn created_at(self) -> Timestamp {
        todo!()
    }
    /// ProcessedAt or UpdatedAt.
    pub fn version(self) -> Timestamp {
        todo!()
    }
    /// For control findings: when the compliance status last changed.
    pub fn first_observed_at(self) -> Option<Timestamp> {
        todo!()
    }
    /// When this state was seen.
    pub fn seen_at(self) -> Timestamp {
        todo!()
    }
    pub fn marker(self) -> &'a MarkerState {
        todo!()
    }
    /// Marker held and workflow status as it says we set it.
    pub fn is_ours(self) -> bool {
        todo!()
    }
    pub fn note(self) -> NoteKind {
        todo!()
    }
    /// `UserDefinedFields` but our two keys: to be sent along with every write.
    pub fn foreign(self) -> Option<&'a Arc<BTreeMap<String, String>>> {
        todo!()
    }
    pub fn snapshot(self) -> Snapshot {
        todo!()
    }
    /// What deciding needs: our own traces are invisible here, and the workflow status is as it would be without us.
    pub fn facts(self) -> Facts<'a> {
        todo!()
    }
}
