//! What the local hub has: findings as a tour tells them, and a second client that reads them with GetFindings.

use std::collections::BTreeMap;

use super::{TourError, connector};
use crate::core::doc::{Doc, Page};
use crate::core::ids::{FindingKey, Region};
use crate::core::marker::{Hold, Marker};
use crate::core::objects::{HubSpec, Limits};
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};
use crate::engine::ports::{Connector as _, HubPorts, PageRequest, ReadFilter};
use crate::local::Local;

/// A finding, as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Seen {
    pub key: FindingKey,
    pub account: String,
    pub region: String,
    pub control: Option<String>,
    pub resource: String,
    pub standards: Vec<String>,
    pub workflow: WorkflowStatus,
    pub failed: bool,
    pub archived: bool,
    /// Who holds it, if its marker says so and its status is the marker's.
    pub held_by: Option<String>,
    /// Whether there is a marker at all.
    pub marked: bool,
    pub note: Option<String>,
}

fn unreadable(error: &serde_json::Error) -> TourError {
    TourError::Local(format!("an answer does not parse: {error}"))
}

impl Seen {
    /// From ASFF.
    pub(super) fn parse(text: &str) -> Result<Self, TourError> {
        let doc: Doc<'_> = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        Ok(Self::of(&doc))
    }

    fn of(doc: &Doc<'_>) -> Self {
        let field = |name: &str| doc.user_defined_fields.iter().find(|(key, _)| key.0 == name).map(|(_, value)| value.0.as_ref());
        let (owner, state) = (field(crate::core::marker::OWNER_KEY), field(crate::core::marker::STATE_KEY));
        let marker = Marker::read(owner, state).ok().flatten();
        let workflow = doc.workflow.as_ref().and_then(|workflow| workflow.status).unwrap_or(WorkflowStatus::New);
        let compliance = doc.compliance.as_ref();
        let standards = compliance.map(|c| c.associated_standards.iter().map(|s| s.standards_id.to_string()).collect());
        Self {
            key: FindingKey { id: doc.id.to_string(), product_arn: doc.product_arn.to_string() },
            account: doc.aws_account_id.to_string(),
            region: doc.region.as_ref().map(|region| region.to_string()).unwrap_or_default(),
            control: doc.control_id().map(str::to_owned),
            resource: doc.resources.first().map(|resource| resource.id.to_string()).unwrap_or_default(),
            standards: standards.unwrap_or_default(),
            workflow,
            failed: compliance.and_then(|compliance| compliance.status) == Some(ComplianceStatus::Failed),
            archived: doc.record_state == RecordState::Archived,
            held_by: marker
                .as_ref()
                .filter(|marker| marker.hold == Hold::Held && marker.is_ours(workflow))
                .map(|marker| marker.owner.to_string()),
            marked: marker.is_some(),
            note: doc.note.as_ref().map(|note| note.text.to_string()),
        }
    }
}

/// Reads the hub as `ops`, who is not who keeps it.
pub(super) struct Observer {
    home: Region,
    ports: HubPorts,
}

impl Observer {
    pub(super) async fn of(local: &Local) -> Result<Self, TourError> {
        let spec = HubSpec {
            home_region: local.home().clone(),
            linked_regions: None,
            role: None,
            queue_url: None,
            sync_interval_seconds: 86_400,
            freshness_seconds: 300,
            api_quota_percent: 40,
            limits: Limits { max_findings: 1, max_percent: 1 },
            approval_namespaces: Vec::new(),
            control_groups: Vec::new(),
            suspend: false,
        };
        let ports = connector(local, "ops").connect(&spec).await?;
        Ok(Self { home: local.home().clone(), ports })
    }

    /// Every finding, read with GetFindings.
    pub(super) async fn read(&self) -> Result<Vec<Seen>, TourError> {
        self.pages(ReadFilter::default()).await
    }

    /// One finding, read with GetFindings.
    pub(super) async fn read_one(&self, key: &FindingKey) -> Result<Option<Seen>, TourError> {
        Ok(self.pages(ReadFilter { ids: vec![key.id.clone()], ..ReadFilter::default() }).await?.pop())
    }

    async fn pages(&self, filter: ReadFilter) -> Result<Vec<Seen>, TourError> {
        let mut request = PageRequest { region: self.home.clone(), filter, order: None, token: None, size: 100 };
        let mut seen = Vec::new();
        loop {
            let bytes = self.ports.read.page(&request).await?;
            let page: Page<'_> = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
            for raw in &page.findings {
                seen.push(Seen::parse(raw.get())?);
            }
            request.token = page.next_token.map(|token| token.to_string());
            if request.token.is_none() {
                return Ok(seen);
            }
        }
    }
}

/// How many findings each owner holds.
pub fn held(seen: &[Seen]) -> BTreeMap<&str, usize> {
    let mut held = BTreeMap::new();
    for owner in seen.iter().filter_map(|finding| finding.held_by.as_deref()) {
        *held.entry(owner).or_default() += 1;
    }
    held
}
