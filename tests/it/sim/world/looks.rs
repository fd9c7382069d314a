//! What tests look at: findings, statuses, events, calls.

use std::collections::BTreeMap;

use hubkeeper::core::ids::{FindingKey, Kind};
use hubkeeper::core::status::{ComplianceStatus, WorkflowStatus};
use hubkeeper::engine::ports::{Detail, Event, ExceptionDetail, Figures, HubDetail, ObjectStatus, PolicyDetail};

use super::Sim;

impl Sim {
    /// Calls of an operation that others in the account left room for.
    pub fn calls(&self, operation: &str) -> u64 {
        let count = self.local.count(operation);
        count.calls - count.throttled
    }

    /// Calls of BatchUpdateFindings by the loop.
    pub fn writes(&self) -> u64 {
        self.calls("BatchUpdateFindings")
    }

    pub fn finding(&self, key: &FindingKey) -> serde_json::Value {
        self.local.finding(key).unwrap_or_else(|| panic!("no finding {key:?}"))
    }

    pub fn workflow(&self, key: &FindingKey) -> WorkflowStatus {
        WorkflowStatus::parse(self.finding(key)["Workflow"]["Status"].as_str().unwrap()).unwrap()
    }

    pub fn compliance(&self, key: &FindingKey) -> ComplianceStatus {
        ComplianceStatus::parse(self.finding(key)["Compliance"]["Status"].as_str().unwrap()).unwrap()
    }

    /// The owner in the marker, if the finding is held.
    pub fn held_for(&self, key: &FindingKey) -> Option<String> {
        let finding = self.finding(key);
        let fields = &finding["UserDefinedFields"];
        let held = fields["hubkeeper.dev/state"].as_str()?.starts_with("v1 held");
        held.then(|| fields["hubkeeper.dev/owner"].as_str().unwrap().to_owned())
    }

    /// The loop's own figures, as metrics have them.
    pub fn figures(&self) -> Figures {
        *self.heard.figures.lock().unwrap()
    }

    pub fn status(&self, object: &str) -> ObjectStatus {
        let statuses = self.heard.statuses.lock().unwrap();
        statuses.get(&object.parse().unwrap()).unwrap_or_else(|| panic!("no status of {object}: {statuses:#?}")).clone()
    }

    /// The last status of every object, by its name.
    pub fn statuses(&self) -> BTreeMap<String, ObjectStatus> {
        self.heard.statuses.lock().unwrap().iter().map(|(object, status)| (object.to_string(), status.clone())).collect()
    }

    /// Whether the loop says that nothing is left to do.
    pub fn converged(&self) -> bool {
        self.heard.figures.lock().unwrap().converged
    }

    /// Reason of the Ready condition.
    pub fn ready(&self, object: &str) -> (Option<bool>, &'static str) {
        let status = self.status(object);
        let ready = status.conditions.iter().find(|condition| condition.kind == "Ready").unwrap();
        (ready.status, ready.reason)
    }

    /// Status and reason of a condition, if there is one of this kind.
    pub fn condition(&self, object: &str, kind: &str) -> Option<(Option<bool>, &'static str)> {
        let status = self.status(object);
        status.conditions.iter().find(|condition| condition.kind == kind).map(|found| (found.status, found.reason))
    }

    pub fn message(&self, object: &str) -> String {
        let status = self.status(object);
        status.conditions.iter().find(|condition| condition.kind == "Ready").unwrap().message.clone()
    }

    pub fn policy(&self, name: &str) -> PolicyDetail {
        match self.status(&format!("ControlPolicy/{name}")).detail {
            Detail::Policy(detail) => detail,
            other => panic!("{other:?}"),
        }
    }

    pub fn exception(&self, namespace: &str, name: &str) -> ExceptionDetail {
        match self.status(&format!("FindingException/{namespace}/{name}")).detail {
            Detail::Exception(detail) => detail,
            other => panic!("{other:?}"),
        }
    }

    pub fn events(&self) -> Vec<Event> {
        self.heard.events.lock().unwrap().clone()
    }

    /// Statuses written so far, but the hub's own: it tells since when every finding has been seen, so every audit writes it.
    pub fn status_writes(&self) -> u64 {
        let writes = self.heard.writes.lock().unwrap();
        writes.iter().filter(|(object, _)| object.kind != Kind::SecurityHub).map(|(_, count)| count).sum()
    }

    pub fn has_status(&self, object: &str) -> bool {
        self.heard.statuses.lock().unwrap().contains_key(&object.parse().unwrap())
    }

    pub fn hub_detail(&self) -> HubDetail {
        match self.status("SecurityHub/main").detail {
            Detail::Hub(detail) => detail,
            other => panic!("{other:?}"),
        }
    }

    /// Every workflow status that was ever set on a finding by an update, oldest first.
    pub fn workflows(&self, key: &FindingKey) -> Vec<String> {
        let history = self.local.as_person("auditor").history(key).unwrap();
        let updates = history.records.iter().rev().flat_map(|record| &record.updates);
        updates.filter(|update| update.updated_field == "Workflow.Status").filter_map(|u| u.new_value.clone()).collect()
    }

    /// The active finding of a control on a resource, whatever its id is by now.
    pub fn active(&self, control: &str, resource: &str) -> FindingKey {
        let findings = self.local.findings_json();
        let mut found = findings.iter().filter(|f| {
            f["RecordState"] == "ACTIVE" && f["Compliance"]["SecurityControlId"] == control && f["Resources"][0]["Id"] == resource
        });
        let finding = found.next().unwrap_or_else(|| panic!("no active finding of {control} on {resource}"));
        assert!(found.next().is_none(), "several active findings of {control} on {resource}");
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        FindingKey { id: text("Id"), product_arn: text("ProductArn") }
    }
}
