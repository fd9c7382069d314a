//! ControlFindingGenerator is changed: findings of the one form are archived, and made anew in the other, without what customers
//! said of them. It takes its time, and both forms are there meanwhile. Source: the guide's asff-changes-consolidation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::catalogue::Catalogue;
use crate::core::ids::{AccountId, Region};
use crate::core::status::RecordState;
use crate::local::clock::after;
use crate::local::document::{self, Form};
use crate::wire::securityhub::Generator;

use super::Hub;
use super::import::is_control;
use super::store::text;
use super::tasks::Task;

/// In so many parts the findings of a Region follow, at even distances.
const PARTS: u32 = 24;

/// What findings of one control are about: an account, and resources.
type About = (AccountId, Vec<String>);

impl Hub {
    /// The findings of an account, and of those whom it rules, follow its choice, bit by bit.
    pub(super) fn convert_later(&mut self, account: AccountId, region: &Region, now: Timestamp) {
        let mut ruled = vec![account];
        ruled.extend(self.topology.enabled_members(account, region));
        for part in 0..PARTS {
            let due = after(now, self.pace.consolidation / PARTS * (part + 1));
            let task = Task::Convert { accounts: ruled.clone(), region: region.clone(), part: part as usize, done: 0 };
            self.later(due, task);
        }
    }

    /// The next control of a part, of which so many are done: its active findings that are not of the form that their place has
    /// now. False: there is none.
    pub(super) fn convert(
        &mut self,
        accounts: &[AccountId],
        region: &Region,
        (part, done): (usize, usize),
        due: Timestamp,
    ) -> bool {
        let Some(control) = Catalogue::built_in().controls().iter().skip(part).step_by(PARTS as usize).nth(done) else {
            return false;
        };
        let mut old: BTreeMap<About, Vec<(u32, Value)>> = BTreeMap::new();
        let theirs = |account, place: &Region| place == region && accounts.contains(&account);
        for (row, stored, finding) in self.store.of_control(control.id.as_str(), theirs) {
            let consolidated = self.generator(stored.account, region) == Generator::SecurityControl;
            let active = text(&finding, "RecordState") == RecordState::Active.as_str();
            if active && is_control(&finding) && (Form::of(text(&finding, "Id")) == Form::Consolidated) != consolidated {
                let mut about: Vec<String> = resources(&finding).map(str::to_owned).collect();
                about.sort_unstable();
                old.entry((stored.account, about)).or_default().push((row, finding));
            }
        }
        for ((account, _), findings) in old {
            let forms: Vec<Form> = match self.generator(account, region) {
                Generator::SecurityControl => vec![Form::Consolidated],
                Generator::StandardControl => self
                    .settings(account, region)
                    .map(|settings| settings.enabled_standards_of(control, due).into_iter().map(Form::Of).collect())
                    .unwrap_or_default(),
            };
            for form in forms {
                let uuid = self.uuid();
                let Some((_, first)) = findings.first() else { continue };
                if let Some(new) = document::in_form(first, form, control, account, region, &uuid, due) {
                    self.take(account, region, &new, due);
                }
            }
            for (row, _) in findings {
                self.supersede(row, due);
            }
        }
        true
    }

    /// Archives a finding that one of the other form replaces.
    fn supersede(&mut self, row: u32, due: Timestamp) {
        let reasons = json!({
            "ArchivalReasons:0/Description": "The finding is in an ARCHIVED state because consolidated control findings has been \
                turned on or off. This causes findings in the previous state to be archived when new findings are being generated.",
            "ArchivalReasons:0/ReasonCode": "CONSOLIDATED_CONTROL_FINDINGS_UPDATE",
        });
        self.archive_row_with(row, due, |finding| {
            if let (Some(fields), Value::Object(reasons)) =
                (finding.get_mut("ProductFields").and_then(Value::as_object_mut), reasons)
            {
                fields.extend(reasons);
            }
        });
    }
}

/// Ids of the resources.
fn resources(finding: &Value) -> impl Iterator<Item = &str> {
    let list = finding.get("Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|resource| resource.get("Id")?.as_str())
}
