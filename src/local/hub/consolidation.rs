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
use super::caller::Caller;
use super::import::is_control;
use super::store::{resources, text};
use super::tasks::Task;

/// In so many parts the findings of a Region follow, at even distances.
const PARTS: u32 = 24;

/// What findings of one control are about: an account, and resources.
type About = (AccountId, Vec<String>);

impl Hub {
    /// The findings of the caller, and of those whom it rules, follow its choice, bit by bit.
    pub(super) fn convert_later(&mut self, caller: &Caller, now: Timestamp) {
        let organization = &self.organization;
        let ruled = if caller.account == organization.administrator.id {
            organization.accounts().map(|account| account.id).collect()
        } else {
            vec![caller.account]
        };
        for part in 0..PARTS {
            let due = after(now, self.pace.consolidation / PARTS * (part + 1));
            let task = Task::Convert { accounts: ruled.clone(), region: caller.region.clone(), part: part as usize };
            self.later(due, task);
        }
    }

    /// One part of the controls: their active findings that are not of the form that their place has now.
    pub(super) fn convert(&mut self, accounts: &[AccountId], region: &Region, part: usize, due: Timestamp) {
        for control in Catalogue::built_in().controls().iter().skip(part).step_by(PARTS as usize) {
            let mut old: BTreeMap<About, Vec<(u32, Value)>> = BTreeMap::new();
            let named = [control.id.as_str().to_owned()];
            for (_, seq) in self.store.of_controls(&named).into_iter().flatten() {
                let Some(entry) = self.store.get(*seq) else { continue };
                if entry.region != *region || !accounts.contains(&entry.account) {
                    continue;
                }
                let consolidated = self.generator(entry.account, region) == Generator::SecurityControl;
                let Ok(finding) = serde_json::from_str::<Value>(&entry.text) else { continue };
                let active = text(&finding, "RecordState") == RecordState::Active.as_str();
                if active && is_control(&finding) && (Form::of(&entry.id) == Form::Consolidated) != consolidated {
                    let mut about: Vec<String> = resources(&finding).map(str::to_owned).collect();
                    about.sort_unstable();
                    old.entry((entry.account, about)).or_default().push((*seq, finding));
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
                for (seq, _) in findings {
                    self.supersede(seq, due);
                }
            }
        }
    }

    /// Archives a finding that one of the other form replaces.
    fn supersede(&mut self, seq: u32, due: Timestamp) {
        let reasons = json!({
            "ArchivalReasons:0/Description": "The finding is in an ARCHIVED state because consolidated control findings has been \
                turned on or off. This causes findings in the previous state to be archived when new findings are being generated.",
            "ArchivalReasons:0/ReasonCode": "CONSOLIDATED_CONTROL_FINDINGS_UPDATE",
        });
        self.retire_with(seq, due, |finding| {
            if let (Some(fields), Value::Object(reasons)) =
                (finding.get_mut("ProductFields").and_then(Value::as_object_mut), reasons)
            {
                fields.extend(reasons);
            }
        });
    }
}
