//! The finding as the hub sends it, borrowed from the response bytes: only what Hubkeeper reads, unknown fields left alone.
//!
//! The AWS SDK's typed parser is not used: it overflows the stack unoptimised, costs ten times the time and takes an empty
//! body for "no findings".
//!
//! A `null` counts as a member that is not there, in maps and lists of members too. Of a key that comes twice in a map (tags,
//! user-defined fields) the last counts; a member of ours that comes twice is an error, as is any other shape. Members that are
//! not read may be nested as deeply as they like.

mod place;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// A string borrowed from the response where it has no escapes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// One finding. Shapes and limits: AWS Security Finding Format (ASFF).
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Doc<'a> {
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub product_arn: Text<'a>,
    #[serde(borrow)]
    pub generator_id: Text<'a>,
    #[serde(borrow)]
    pub aws_account_id: Text<'a>,
    #[serde(borrow, default)]
    pub region: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub title: Option<Text<'a>>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Moves with every import and every customer update (seen, not documented): the best version there is.
    #[serde(default)]
    pub processed_at: Option<Timestamp>,
    /// For control findings: when the compliance status last changed.
    #[serde(default)]
    pub first_observed_at: Option<Timestamp>,
    #[serde(default)]
    pub severity: Option<Severity>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub resources: Vec<Resource<'a>>,
    #[serde(borrow, default)]
    pub compliance: Option<Compliance<'a>>,
    #[serde(default)]
    pub workflow: Option<Workflow>,
    pub record_state: RecordState,
    #[serde(borrow, default)]
    pub note: Option<Note<'a>>,
    #[serde(borrow, default, deserialize_with = "entries")]
    pub user_defined_fields: BTreeMap<Text<'a>, Text<'a>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Severity {
    #[serde(default)]
    pub label: Option<SeverityLabel>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Resource<'a> {
    #[serde(borrow, rename = "Type")]
    pub kind: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    /// Tags when the finding was processed; chosen by whoever owns the resource, so they only ever narrow.
    #[serde(borrow, default, deserialize_with = "entries")]
    pub tags: BTreeMap<Text<'a>, Text<'a>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Compliance<'a> {
    #[serde(default)]
    pub status: Option<ComplianceStatus>,
    #[serde(borrow, default)]
    pub security_control_id: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "or_absent")]
    pub associated_standards: Vec<AssociatedStandard<'a>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AssociatedStandard<'a> {
    #[serde(borrow)]
    pub standards_id: Text<'a>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Workflow {
    #[serde(default)]
    pub status: Option<WorkflowStatus>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Note<'a> {
    #[serde(borrow)]
    pub text: Text<'a>,
    #[serde(borrow, default)]
    pub updated_by: Option<Text<'a>>,
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

/// A page of GetFindings: each finding by itself, so that one that does not parse does not hide the others.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Page<'a> {
    /// The findings, still as bytes.
    #[serde(borrow)]
    pub findings: Vec<&'a RawValue>,
    /// The token of the next page.
    #[serde(borrow, default)]
    pub next_token: Option<Text<'a>>,
}

/// Reads a page. An empty or cut body is an error, never "no findings".
pub fn page(body: &[u8]) -> serde_json::Result<Page<'_>> {
    serde_json::from_slice(body)
}

/// `null` as nothing.
fn or_absent<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(source: D) -> Result<T, D::Error> {
    Option::deserialize(source).map(Option::unwrap_or_default)
}

/// `null` as nothing, for the map and for each entry.
fn entries<'de: 'a, 'a, D: Deserializer<'de>>(source: D) -> Result<BTreeMap<Text<'a>, Text<'a>>, D::Error> {
    let entries: Option<BTreeMap<Text<'a>, Option<Text<'a>>>> = Option::deserialize(source)?;
    Ok(entries.into_iter().flatten().filter_map(|(key, value)| Some((key, value?))).collect())
}

impl<'a> Doc<'a> {
    /// Reads one finding.
    ///
    /// # Errors
    /// Not JSON, or a member that is missing or not what it should be; the message starts with its place, as in
    /// `Resources[1].Tags.team: invalid type: ...`.
    pub fn parse(raw: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(raw).map_err(|error| place::named(raw, error))
    }

    /// The workflow status; the service fills it in, `NEW` where it has not yet.
    pub fn workflow_status(&self) -> WorkflowStatus {
        self.workflow.and_then(|workflow| workflow.status).unwrap_or(WorkflowStatus::New)
    }

    /// The compliance status; absent for findings that are not checks.
    pub fn compliance_status(&self) -> Option<ComplianceStatus> {
        self.compliance.as_ref().and_then(|compliance| compliance.status)
    }

    /// The control, where the finding is one of a control (missing in data from before 2023).
    pub fn control_id(&self) -> Option<&str> {
        self.compliance.as_ref().and_then(|compliance| compliance.security_control_id.as_deref())
    }

    /// The version of this state: later is newer.
    pub fn version(&self) -> Timestamp {
        self.processed_at.map_or(self.updated_at, |processed| processed.max(self.updated_at))
    }
}
