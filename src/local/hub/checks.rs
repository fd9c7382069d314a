//! The service's own check runs: what tests and the demo make happen to resources.
//!
//! Source: the guide's controls-findings-create-update. A status change updates the finding in place; some events still make a
//! new finding of the same problem, and that is here too.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::filter::timestamp;
use crate::core::ids::FindingKey;
use crate::core::status::{ComplianceStatus, RecordState};
use crate::local::clock::{after, stamp};
use crate::local::document;

use super::Hub;
use super::import::is_control;
use super::store::text;

impl Hub {
    /// The check of this finding ran again and says `compliance`; an archived finding becomes active. Nothing happens while its
    /// control is off: then it does not run. `None`: no such finding.
    pub fn check(&mut self, key: &FindingKey, compliance: ComplianceStatus, now: Timestamp) -> Option<()> {
        let seq = self.seq(key)?;
        if self.runs(seq, now) { self.say(seq, compliance, RecordState::Active, now, |_| ()) } else { Some(()) }
    }

    /// The provider retires the finding, compliance as it was.
    pub fn archive(&mut self, key: &FindingKey, now: Timestamp) -> Option<()> {
        self.retire(self.seq(key)?, now)
    }

    /// The same, by number.
    pub(super) fn retire(&mut self, seq: u32, now: Timestamp) -> Option<()> {
        self.retire_with(seq, now, |_| ())
    }

    /// The same, with something more to say of it.
    pub(super) fn retire_with(&mut self, seq: u32, now: Timestamp, more: impl FnOnce(&mut Value)) -> Option<()> {
        let finding: Value = serde_json::from_str(&self.store.get(seq)?.text).ok()?;
        self.say(seq, compliance_of(&finding), RecordState::Archived, now, more)
    }

    /// The resource is gone: NOT_AVAILABLE, and archived at once; if its control is on.
    pub fn delete_resource(&mut self, key: &FindingKey, now: Timestamp) -> Option<()> {
        let seq = self.seq(key)?;
        if !self.runs(seq, now) {
            return Some(());
        }
        self.say(seq, ComplianceStatus::NotAvailable, RecordState::Archived, now, |_| ())
    }

    fn runs(&self, seq: u32, now: Timestamp) -> bool {
        self.store.get(seq).is_some_and(|entry| {
            let finding: Value = serde_json::from_str(&entry.text).unwrap_or_default();
            !is_control(&finding) || self.is_checked(entry.account, &entry.region, &finding, now)
        })
    }

    /// The finding is archived, and a new one of the same problem made, without note, workflow or user-defined fields: what
    /// consolidation, a broken Config rule and NOT_APPLICABLE do. Gives the new key; `None`, and nothing done, for what is no
    /// control finding.
    pub fn recreate(&mut self, key: &FindingKey, compliance: ComplianceStatus, now: Timestamp) -> Option<FindingKey> {
        let (account, region) = self.seq(key).and_then(|seq| self.store.get(seq)).map(|e| (e.account, e.region.clone()))?;
        let control = self.current(key)?.pointer("/Compliance/SecurityControlId")?.as_str()?.to_owned();
        self.archive(key, now)?;
        let mut finding = self.current(key)?;
        let uuid = self.uuid();
        let id = match key.id.rsplit_once("/finding/") {
            Some((of, _)) => format!("{of}/finding/{uuid}"),
            None => document::id(&region, account, &control, &uuid),
        };
        for name in ["Note", "UserDefinedFields", "VerificationState", "Workflow", "Severity", "Confidence", "Criticality"] {
            finding.as_object_mut()?.remove(name);
        }
        finding["Id"] = id.as_str().into();
        for name in ["CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"] {
            finding[name] = stamp(now).into();
        }
        finding["Compliance"]["Status"] = compliance.as_str().into();
        finding["FindingProviderFields"]["Severity"] = document::severity(&control, compliance);
        finding["RecordState"] = RecordState::Active.as_str().into();
        finding["ProductFields"].as_object_mut()?.remove("PreviousComplianceStatus");
        self.take(account, &region, &finding, now)?;
        Some(FindingKey { id, product_arn: key.product_arn.clone() })
    }

    /// Every active control finding gets a new id, as when consolidation is switched. Gives how many.
    pub fn recreate_all(&mut self, now: Timestamp) -> usize {
        let keys: Vec<(FindingKey, ComplianceStatus)> = self
            .store
            .iter()
            .filter_map(|(_, entry)| {
                let finding: Value = serde_json::from_str(&entry.text).ok()?;
                let active = text(&finding, "RecordState") == RecordState::Active.as_str();
                let key = FindingKey { id: entry.id.to_string(), product_arn: entry.product_arn.to_string() };
                (active && is_control(&finding)).then(|| (key, compliance_of(&finding)))
            })
            .collect();
        keys.iter().filter(|(key, compliance)| self.recreate(key, *compliance, now).is_some()).count()
    }

    /// The finding as it is now.
    pub fn current(&self, key: &FindingKey) -> Option<Value> {
        serde_json::from_str(&self.store.get(self.seq(key)?)?.text).ok()
    }

    fn seq(&self, key: &FindingKey) -> Option<u32> {
        self.store.find(&key.id, &key.product_arn).next().map(|(seq, _)| seq)
    }

    fn say(
        &mut self,
        seq: u32,
        compliance: ComplianceStatus,
        record: RecordState,
        now: Timestamp,
        more: impl FnOnce(&mut Value),
    ) -> Option<()> {
        let entry = self.store.get(seq)?;
        let (account, region) = (entry.account, entry.region.clone());
        let mut finding: Value = serde_json::from_str(&entry.text).ok()?;
        // Two runs in one millisecond are still two runs.
        let last = timestamp(text(&finding, "UpdatedAt")).unwrap_or(now);
        let at = stamp(now.max(after(last, Duration::from_millis(1))));
        finding["UpdatedAt"] = at.as_str().into();
        finding["LastObservedAt"] = at.into();
        finding["RecordState"] = record.as_str().into();
        if let Some(control) = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str).map(str::to_owned) {
            finding["Compliance"]["Status"] = compliance.as_str().into();
            let severity = document::severity(&control, compliance);
            match &mut finding["FindingProviderFields"] {
                Value::Object(fields) => {
                    fields.insert("Severity".to_owned(), severity);
                }
                none => *none = json!({"Severity": severity}),
            }
        }
        more(&mut finding);
        self.take(account, &region, &finding, now).map(|_| ())
    }
}

fn compliance_of(finding: &Value) -> ComplianceStatus {
    let status = finding.pointer("/Compliance/Status").and_then(Value::as_str).and_then(ComplianceStatus::parse);
    status.unwrap_or(ComplianceStatus::NotAvailable)
}
