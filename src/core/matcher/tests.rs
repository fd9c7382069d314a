//! The matcher against `Match` read word by word, and the index against the loop.

mod laws;
mod meaning;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::*;
use crate::core::filter::Item;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::{AccountSpec, MatchSpec, Meta, Object};
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// A finding that owns what [`Facts`] borrow.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub account: u64,
    pub region: &'static str,
    pub control: Option<String>,
    pub generator: &'static str,
    pub product: &'static str,
    pub standards: Vec<Arc<str>>,
    pub severity: Option<SeverityLabel>,
    pub compliance: Option<ComplianceStatus>,
    pub record_state: RecordState,
    pub resources: Vec<crate::core::facts::ResourceFacts>,
    pub tags: More,
}

#[derive(Debug, Clone, Default)]
pub(super) struct More(pub Vec<(String, String)>);

impl Fields for More {
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>)) {
        assert!(!super::view::is_base(field), "{field:?} is answered by the facts themselves");
        if field == Field::RESOURCE_TAGS {
            self.0.iter().for_each(|(key, value)| visit(Item::Entry(key, value)));
        }
    }
}

impl Default for Finding {
    fn default() -> Self {
        Self {
            account: 111_122_223_333,
            region: "eu-west-1",
            control: Some("S3.8".to_owned()),
            generator: "security-control/S3.8",
            product: SECURITY_HUB,
            standards: vec!["standards/aws-foundational-security-best-practices/v/1.0.0".into()],
            severity: Some(SeverityLabel::High),
            compliance: Some(ComplianceStatus::Failed),
            record_state: RecordState::Active,
            resources: vec![resource("AwsS3Bucket", "arn:aws:s3:::cdn")],
            tags: More::default(),
        }
    }
}

impl Finding {
    pub fn facts(&self) -> Facts<'_> {
        Facts {
            account: AccountId::from_number(self.account).unwrap(),
            region: self.region,
            control: self.control.as_deref(),
            generator: self.generator,
            product: self.product,
            standards: &self.standards,
            severity: self.severity,
            compliance: self.compliance,
            record_state: self.record_state,
            workflow: WorkflowStatus::New,
            resources: &self.resources,
            more: &self.tags,
        }
    }
}

pub(super) fn resource(kind: &str, id: &str) -> crate::core::facts::ResourceFacts {
    crate::core::facts::ResourceFacts { kind: kind.into(), id: id.into() }
}

pub(super) fn account(id: u64, labels: &[(&str, &str)]) -> Object<AccountSpec> {
    let id = AccountId::from_number(id).unwrap();
    let meta = Meta {
        object: ObjectRef::cluster(Kind::Account, &format!("a{id}")),
        generation: 1,
        labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
        requested_at: None,
        digest: "sha256:0".into(),
        origin: None,
    };
    Object { meta, spec: AccountSpec { id, owner: None } }
}

/// Reads the match of a manifest.
pub(super) fn spec(json: serde_json::Value) -> MatchSpec {
    serde_json::from_value(json).unwrap()
}

pub(super) fn now() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}
