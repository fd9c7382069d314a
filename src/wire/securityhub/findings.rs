//! Findings: read, update, import, history. Findings themselves stay JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a finding is called by in BatchUpdateFindings and GetFindingHistory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingIdentifier {
    pub id: String,
    pub product_arn: String,
}

/// GetFindings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GetFindings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_criteria: Option<Vec<SortCriterion>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
}

/// One criterion of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SortCriterion {
    /// The path of a field; any text is accepted.
    #[serde(default)]
    pub field: Option<String>,
    /// `asc` or `desc`.
    #[serde(default)]
    pub sort_order: Option<String>,
}

/// BatchUpdateFindings: one set of values for all identifiers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchUpdateFindings {
    pub finding_identifiers: Vec<FindingIdentifier>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<NoteUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SeverityUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_defined_fields: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_findings: Option<Vec<FindingReference>>,
}

/// A new note; the service sets its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct NoteUpdate {
    pub text: String,
    pub updated_by: String,
}

/// A new severity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SeverityUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalized: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<f64>,
}

/// A new workflow status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct WorkflowUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A related finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingReference {
    pub id: String,
    pub product_arn: String,
}

/// The answer of BatchUpdateFindings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchUpdateFindingsAnswer {
    pub processed_findings: Vec<FindingIdentifier>,
    pub unprocessed_findings: Vec<UnprocessedFinding>,
}

/// A finding that was not processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UnprocessedFinding {
    pub finding_identifier: FindingIdentifier,
    pub error_code: String,
    pub error_message: String,
}

/// BatchImportFindings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchImportFindings {
    pub findings: Vec<Value>,
}

/// The answer of BatchImportFindings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchImportFindingsAnswer {
    pub success_count: usize,
    pub failed_count: usize,
    pub failed_findings: Vec<FailedFinding>,
}

/// A finding that was not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FailedFinding {
    pub id: String,
    pub error_code: String,
    pub error_message: String,
}

/// GetFindingHistory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GetFindingHistory {
    pub finding_identifier: FindingIdentifier,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<jiff::Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<jiff::Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
}

/// The answer of GetFindingHistory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingHistory {
    pub records: Vec<HistoryRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One change of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct HistoryRecord {
    pub finding_identifier: FindingIdentifier,
    pub update_time: jiff::Timestamp,
    pub finding_created: bool,
    pub update_source: UpdateSource,
    #[serde(default)]
    pub updates: Vec<FieldUpdate>,
}

/// Who changed a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UpdateSource {
    /// `BATCH_UPDATE_FINDINGS` or `BATCH_IMPORT_FINDINGS`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// ARN of the principal, or of the product.
    pub identity: String,
}

/// One field of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FieldUpdate {
    /// Dotted path: `Workflow.Status`.
    pub updated_field: String,
    /// Text, or JSON for what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_value: Option<String>,
    /// Text, or JSON for what is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_value: Option<String>,
}

/// `UpdateSource.Type` of a customer's update.
pub const BATCH_UPDATE: &str = "BATCH_UPDATE_FINDINGS";
/// `UpdateSource.Type` of a provider's import or a check.
pub const BATCH_IMPORT: &str = "BATCH_IMPORT_FINDINGS";
