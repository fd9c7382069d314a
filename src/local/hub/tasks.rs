//! What happens later: findings whose control is off are archived, findings follow a change of ControlFindingGenerator.
//!
//! The hub has no clock: who has one calls [`Hub::settle`], and what was due until then happens in its order, as of the time it
//! was due. Source of the times: see [`super::pace`].

use jiff::Timestamp;
use serde_json::Value;

use crate::core::catalogue::{Catalogue, Control};
use crate::core::ids::{AccountId, ControlId, Region};
use crate::core::status::RecordState;
use crate::local::clock::{after, before};
use crate::local::document::Form;

use super::Hub;
use super::pace::Pace;
use super::store::text;

/// Something that is due.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// Findings of a control that was off, if it still is.
    Archive { account: AccountId, region: Region, control: ControlId },
    /// A part of the findings of these accounts.
    Convert { accounts: Vec<AccountId>, region: Region, part: usize },
}

impl Hub {
    /// Does all that was due until `now`.
    pub fn settle(&mut self, now: Timestamp) {
        while let Some(first) = self.tasks.first_entry().filter(|first| *first.key() <= now) {
            let (due, tasks) = first.remove_entry();
            for task in tasks {
                match task {
                    Task::Archive { account, region, control } => self.archive_idle(account, &region, &control, due),
                    Task::Convert { accounts, region, part } => self.convert(&accounts, &region, part, due),
                }
            }
        }
    }

    /// Remembers what is to be done at `due`.
    pub(super) fn later(&mut self, due: Timestamp, task: Task) {
        self.tasks.entry(due).or_default().push(task);
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
        let named = [control.as_str().to_owned()];
        let numbers: Vec<u32> = self
            .store
            .of_controls(&named)
            .into_iter()
            .flatten()
            .map(|(_, seq)| *seq)
            .filter(|seq| {
                self.store.get(*seq).is_some_and(|entry| {
                    entry.account == account && entry.region == *region && entry.updated <= idle && {
                        let finding: Value = serde_json::from_str(&entry.text).unwrap_or_default();
                        text(&finding, "RecordState") == RecordState::Active.as_str()
                            && !self.is_checked(account, region, &finding, due)
                    }
                })
            })
            .collect();
        for seq in numbers {
            self.retire(seq, due);
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
