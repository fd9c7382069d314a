//! One row, readable.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::base::{Check, Origin, Values};
use super::coverage::Place;
use super::row::Row;
use super::state::{NoteKind, Snapshot};
use super::store::{Inventory, RowId};
use crate::core::facts::{Facts, ResourceFacts};
use crate::core::filter::Field;
use crate::core::ids::{AccountId, FindingKey};
use crate::core::marker::MarkerState;
use crate::core::problem::ProblemId;
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// A finding that projects no value.
static NO_VALUES: Values = Vec::new();

/// One row, borrowed.
#[derive(Clone, Copy)]
pub struct RowView<'a> {
    inventory: &'a Inventory,
    id: RowId,
    row: &'a Row,
    origin: &'a Origin,
    check: &'a Check,
}

impl std::fmt::Debug for RowView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowView").field("id", &self.id).field("key", &self.key()).finish_non_exhaustive()
    }
}

impl<'a> RowView<'a> {
    pub(super) fn new(inventory: &'a Inventory, id: RowId, row: &'a Row) -> Option<Self> {
        let origin = inventory.bases.origins.get(row.origin)?;
        let check = inventory.bases.checks.get(row.check)?;
        Some(Self { inventory, id, row, origin, check })
    }

    /// The number of the row.
    pub fn id(self) -> RowId {
        self.id
    }

    /// What BatchUpdateFindings calls the finding by.
    pub fn key(self) -> FindingKey {
        let mut id = String::with_capacity(self.origin.head.len() + self.check.middle.len() + 36);
        id.push_str(&self.origin.head);
        id.push_str(&self.check.middle);
        self.inventory.tails.write(self.row.small().form, self.row.tail, &mut id);
        FindingKey { id, product_arn: self.origin.product_arn.as_ref().to_owned() }
    }

    /// The problem that it is about.
    pub fn problem(self) -> ProblemId {
        self.inventory.problems.id(self.row.problem)
    }

    /// Where it is read and written.
    pub fn place(self) -> Place {
        self.row.place
    }

    /// The account that it is about.
    pub fn account(self) -> AccountId {
        self.origin.account
    }

    /// The control that it is a finding of.
    pub fn control(self) -> Option<&'a str> {
        self.check.control.as_deref()
    }

    /// The workflow status as the hub has it, or as we just set it.
    pub fn workflow(self) -> WorkflowStatus {
        self.row.small().workflow
    }

    /// What the check says.
    pub fn compliance(self) -> Option<ComplianceStatus> {
        self.row.small().compliance
    }

    /// Whether the provider still stands by it.
    pub fn record_state(self) -> RecordState {
        self.row.small().record_state
    }

    /// The severity of the finding, which is not the control's.
    pub fn severity(self) -> Option<SeverityLabel> {
        self.row.small().severity
    }

    /// CreatedAt.
    pub fn created_at(self) -> Timestamp {
        self.row.created.time()
    }

    /// ProcessedAt or UpdatedAt, the later.
    pub fn version(self) -> Timestamp {
        self.row.version.time()
    }

    /// For control findings: when the compliance status last changed.
    pub fn first_observed_at(self) -> Option<Timestamp> {
        self.row.observed.time_opt()
    }

    /// Whether the provider has said something of it since the marker was written.
    pub fn refreshed(self) -> bool {
        self.row.small().refreshed
    }

    /// When this state was last seen in the hub.
    pub fn seen_at(self) -> Timestamp {
        self.row.seen.time()
    }

    /// What it says of its holder.
    pub fn marker(self) -> &'a MarkerState {
        self.inventory.marker_of(self.row)
    }

    /// Whether the marker is held and the workflow status is the one it says we set.
    pub fn is_ours(self) -> bool {
        let workflow = self.workflow();
        self.marker().marker().is_some_and(|marker| marker.is_ours(workflow))
    }

    /// Whose note it carries.
    pub fn note(self) -> NoteKind {
        self.row.small().note
    }

    /// `UserDefinedFields` but our two keys: to be sent along with every write.
    pub fn foreign(self) -> Option<&'a Arc<BTreeMap<String, String>>> {
        self.inventory.foreign.get(&self.id)
    }

    /// What decides about it, now.
    pub fn snapshot(self) -> Snapshot {
        self.inventory.snapshot_of(self.row)
    }

    /// The fields that current rules name and that were not read when it was seen last, ascending: filters that ask for them
    /// cannot be answered.
    pub fn missing(self) -> Vec<Field> {
        self.inventory.paths.missing(self.row.paths)
    }

    /// What deciding needs: our own traces are invisible here, and the workflow status is as it would be without us.
    pub fn facts(self) -> Facts<'a> {
        let small = self.row.small();
        let subject = self.inventory.bases.subjects.get(self.row.subject);
        let ours = self.marker().marker().filter(|marker| marker.is_ours(small.workflow));
        let resources: &'a [ResourceFacts] = subject.map_or(&[], |subject| &subject.resources);
        Facts {
            account: self.origin.account,
            region: &self.origin.region,
            control: self.check.control.as_deref(),
            generator: &self.check.generator,
            product: self.origin.product(),
            standards: &self.check.standards,
            severity: small.severity,
            compliance: small.compliance,
            record_state: small.record_state,
            workflow: ours.map_or(small.workflow, |marker| marker.prior),
            resources,
            more: subject.and_then(|subject| subject.values.as_deref()).unwrap_or(&NO_VALUES),
        }
    }
}
