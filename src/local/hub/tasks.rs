//! What happens later: findings whose control is off are archived, findings follow a change of ControlFindingGenerator, what a hub
//! that is off had is deleted.
//!
//! The hub has no clock: who has one calls [`Hub::turn`], and what was due until then happens in its order, as of the time it
//! was due. Source of the times: see [`super::pace`].

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::catalogue::{Catalogue, Control};
use crate::core::ids::{AccountId, ControlId, FindingKey, Region};
use crate::core::status::{ComplianceStatus, RecordState};
use crate::local::clock::{after, before};
use crate::local::document::Form;

use super::Hub;
use super::checks::compliance_of;
use super::pace::Pace;
use super::store::text;

/// Something that is due.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Task {
    /// Findings of a control that was off, if it still is.
    Archive { account: AccountId, region: Region, control: ControlId },
    /// A check that a change triggers.
    Check { key: FindingKey },
    /// A part of the findings of these accounts, control by control; so many are done.
    Convert { accounts: Vec<AccountId>, region: Region, part: usize, done: usize },
    /// What a hub had that was switched off, if it still is.
    Forget { account: AccountId, region: Region },
}

impl Hub {
    /// When the next task is due.
    pub(super) fn next_task(&self) -> Option<Timestamp> {
        self.tasks.first_key_value().map(|(due, _)| *due)
    }

    /// Does the next task, whenever it is due.
    pub(super) fn do_next_task(&mut self) {
        let Some(mut first) = self.tasks.first_entry() else { return };
        let (due, task) = (*first.key(), first.get_mut().pop_front());
        if first.get().is_empty() {
            first.remove();
        }
        match task {
            Some(Task::Archive { account, region, control }) => self.archive_idle(account, &region, &control, due),
            Some(Task::Convert { accounts, region, part, done }) => {
                let more = self.convert(&accounts, &region, (part, done), due);
                if more {
                    let rest = Task::Convert { accounts, region, part, done: done + 1 };
                    self.tasks.entry(due).or_default().push_front(rest);
                }
            }
            Some(Task::Forget { account, region }) => self.forget_hub(account, &region, due),
            Some(Task::Check { key }) => self.run_check_of(&key, due),
            None => {}
        }
    }

    /// Remembers what is to be done at `due`.
    pub(super) fn later(&mut self, due: Timestamp, task: Task) {
        self.tasks.entry(due).or_default().push_back(task);
    }

    /// A control was switched off in a standard: its findings are archived after their time, unless it is on again.
    pub(super) fn archive_later(&mut self, account: AccountId, region: &Region, control: &Control, now: Timestamp) {
        let id = control.id.clone();
        let share = Pace::share(self.pace.archive_spread, &format!("{account} {region} {id}"));
        let due = after(after(now, self.pace.archive_after), share);
        self.later(due, Task::Archive { account, region: region.clone(), control: id });
    }

    fn archive_idle(&mut self, account: AccountId, region: &Region, control: &ControlId, due: Timestamp) {
        let idle = before(due, self.pace.archive_after).as_millisecond();
        let here = |owner, place: &Region| owner == account && place == region;
        let findings = self.store.of_control(control.as_str(), here);
        let rows: Vec<(u32, ComplianceStatus)> = findings
            .filter(|(_, stored, finding)| {
                stored.updated <= idle
                    && text(finding, "RecordState") == RecordState::Active.as_str()
                    && !self.is_checked(account, region, finding, due)
            })
            .map(|(row, _, finding)| (row, compliance_of(&finding)))
            .collect();
        for (row, compliance) in rows {
            self.archive_row(row, due);
            self.keep_for_later(row, compliance);
        }
    }

    /// Whether the check behind a control finding still runs.
    pub(super) fn is_checked(&self, account: AccountId, region: &Region, finding: &Value, now: Timestamp) -> bool {
        let Some(control) = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str) else { return true };
        let Form::Of(standard) = Form::of(text(finding, "Id")) else { return self.checks(account, region, control, now) };
        let known = Catalogue::built_in().get(control);
        let on = |control: &Control| {
            let settings = self.settings(account, region);
            settings.is_some_and(|settings| settings.enabled_standards_of(control, now).contains(&standard))
        };
        known.is_none_or(on)
    }
}
