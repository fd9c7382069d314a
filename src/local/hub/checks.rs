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
use super::import::{CUSTOMERS, is_control};
use super::store::{TWINS, text};

impl Hub {
    /// The check of this finding ran again and says `compliance`; an archived finding becomes active. Nothing happens while its
    /// control is off: then it does not run. `None`: no such finding.
    pub fn check(&mut self, key: &FindingKey, compliance: ComplianceStatus, now: Timestamp) -> Option<()> {
        let row = self.row(key)?;
        if self.runs(row, now) { self.say(row, compliance, RecordState::Active, now, |_| ()) } else { Some(()) }
    }

    /// The provider retires the finding, compliance as it was.
    pub fn archive(&mut self, key: &FindingKey, now: Timestamp) -> Option<()> {
        self.archive_row(self.row(key)?, now)
    }

    /// The same, by row.
    pub(super) fn archive_row(&mut self, row: u32, now: Timestamp) -> Option<()> {
        self.archive_row_with(row, now, |_| ())
    }

    /// The same, with something more to say of it.
    pub(super) fn archive_row_with(&mut self, row: u32, now: Timestamp, more: impl FnOnce(&mut Value)) -> Option<()> {
        let compliance = compliance_of(&self.store.get(row)?.value()?);
        self.say(row, compliance, RecordState::Archived, now, more)
    }

    /// A check that runs says `compliance`, by row. What cannot be said (it is no finding) is left as it is.
    pub(super) fn check_row(&mut self, row: u32, compliance: ComplianceStatus, now: Timestamp) {
        let _ = self.say(row, compliance, RecordState::Active, now, |_| ());
    }

    /// A check that runs finds no resource, by row.
    pub(super) fn delete_row(&mut self, row: u32, now: Timestamp) {
        let _ = self.say(row, ComplianceStatus::NotAvailable, RecordState::Archived, now, |_| ());
    }

    /// The resource is gone: NOT_AVAILABLE, and archived at once; if its control is on.
    pub fn delete_resource(&mut self, key: &FindingKey, now: Timestamp) -> Option<()> {
        let row = self.row(key)?;
        if !self.runs(row, now) {
            return Some(());
        }
        self.say(row, ComplianceStatus::NotAvailable, RecordState::Archived, now, |_| ())
    }

    pub(super) fn runs(&self, row: u32, now: Timestamp) -> bool {
        self.store.get(row).is_some_and(|stored| {
            let finding = stored.value().unwrap_or_default();
            !is_control(&finding) || self.is_checked(stored.account, stored.region, &finding, now)
        })
    }

    /// The finding is archived, and a new one of the same problem made, without note, workflow or user-defined fields: what
    /// consolidation, a broken Config rule and NOT_APPLICABLE do. Gives the new key; `None`, and nothing done, for what is no
    /// control finding.
    pub fn recreate(&mut self, key: &FindingKey, compliance: ComplianceStatus, now: Timestamp) -> Option<FindingKey> {
        let (account, region) = self.row(key).and_then(|row| self.store.get(row)).map(|row| (row.account, row.region.clone()))?;
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

    /// Those of `rows` that are active control findings get a new id, as when consolidation is switched. Gives how many.
    pub fn recreate_rows(&mut self, rows: &[u32], now: Timestamp) -> usize {
        let mut recreate = |row: u32| {
            let finding = self.store.get(row)?.value()?;
            let active = text(&finding, "RecordState") == RecordState::Active.as_str();
            let key = FindingKey { id: text(&finding, "Id").to_owned(), product_arn: text(&finding, "ProductArn").to_owned() };
            (active && is_control(&finding)).then(|| self.recreate(&key, compliance_of(&finding), now)).flatten()
        };
        rows.iter().filter_map(|row| recreate(*row)).count()
    }

    /// All of them, with every event held until the last: for small hubs.
    pub fn recreate_all(&mut self, now: Timestamp) -> usize {
        let rows = self.rows();
        self.recreate_rows(&rows, now)
    }

    /// Every row that has a finding, ascending.
    pub fn rows(&self) -> Vec<u32> {
        self.store.rows()
    }

    /// The finding as it is now.
    pub fn current(&self, key: &FindingKey) -> Option<Value> {
        self.store.get(self.row(key)?)?.value()
    }

    fn row(&self, key: &FindingKey) -> Option<u32> {
        self.store.find(&key.id, &key.product_arn).first().map(|(row, _)| *row)
    }

    fn say(
        &mut self,
        row: u32,
        compliance: ComplianceStatus,
        record: RecordState,
        now: Timestamp,
        more: impl FnOnce(&mut Value),
    ) -> Option<()> {
        let stored = self.store.get(row)?;
        let (account, region) = (stored.account, stored.region.clone());
        let mut finding = stored.value()?;
        let customers: Vec<&str> = TWINS.into_iter().filter(|twin| stored.is_customers(twin)).collect();
        // What customers say of it is no part of what a check says.
        if let Some(members) = finding.as_object_mut() {
            members.retain(|name, _| !CUSTOMERS.contains(&name.as_str()) && !customers.contains(&name.as_str()));
        }
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

pub(super) fn compliance_of(finding: &Value) -> ComplianceStatus {
    let status = finding.pointer("/Compliance/Status").and_then(Value::as_str).and_then(ComplianceStatus::parse);
    status.unwrap_or(ComplianceStatus::NotAvailable)
}
