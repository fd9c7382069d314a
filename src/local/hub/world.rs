//! The resources behind the findings: what somebody did to them that no check has seen yet, and the checks that will.
//!
//! A finding stays as it is until the next run of its check, 12 to 24 hours later (see [`super::store::rounds`]): so a resource
//! that was mended is FAILED for a while. A run of a check refreshes the finding also where nothing has changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::catalogue::{Catalogue, Schedule};
use crate::core::filter::{Filters, extract_raw};
use crate::core::ids::FindingKey;
use crate::core::status::{ComplianceStatus, RecordState};
use crate::local::clock::after;
use crate::local::forms;
use crate::wire::error::AwsError;

use super::Hub;
use super::import::is_control;
use super::store::{rounds, text};
use super::tasks::Task;

/// What the next check of a resource finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Becomes {
    /// It is as the control wants it.
    Passed,
    /// It cannot be told whether it is.
    Warning,
    /// It is not as the control wants it.
    Failed,
    /// The check cannot be made.
    NotAvailable,
    /// There is no such resource any more.
    Deleted,
}

/// What no check has seen yet, and which checks have run.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct World {
    /// By finding.
    #[serde(with = "forms::map")]
    pending: BTreeMap<FindingKey, Becomes>,
    /// Where the rounds are: the last slot that is done, and of the next the first row that is not; `None`: no check runs by
    /// itself.
    rounds: Option<(i64, u32)>,
}

impl Hub {
    /// Whether checks run by themselves from now on.
    pub fn set_rounds(&mut self, on: bool, now: Timestamp) {
        self.world.rounds = on.then(|| self.world.rounds.unwrap_or((rounds::slot(now), 0)));
    }

    /// After a time in which nobody kept the clock: what was due meanwhile is checked once and not many times.
    pub fn resume_rounds(&mut self, now: Timestamp) {
        if let Some((done, _)) = self.world.rounds {
            let once = rounds::a_round_before(now);
            if done < once {
                self.world.rounds = Some((once, 0));
            }
        }
    }

    /// When the next checks run.
    pub(super) fn next_round(&self) -> Option<Timestamp> {
        let next = self.world.rounds.and_then(|(done, _)| self.store.rounds().next(done)).map(rounds::begins);
        // At the end of the calendar there is no next round.
        next.filter(|begins| *begins < Timestamp::MAX)
    }

    /// Runs up to `most` of the checks that are due next.
    pub(super) fn do_next_round(&mut self, most: usize) {
        let Some((done, from)) = self.world.rounds else { return };
        let Some(slot) = self.store.rounds().next(done) else { return };
        let rows = self.store.rounds().due(slot, from, most);
        for row in &rows {
            self.run_check(*row, rounds::begins(slot));
        }
        let rest = rows.last().filter(|_| rows.len() == most).and_then(|row| row.checked_add(1));
        self.world.rounds = Some(rest.map_or((slot, 0), |row| (done, row)));
    }

    /// Somebody did something to the resources behind these findings: their next checks will see it.
    pub fn turn_world(&mut self, rows: &[u32], becomes: Becomes, now: Timestamp) {
        for row in rows {
            let Some(finding) = self.store.get(*row).and_then(|stored| stored.value()) else { continue };
            let key = key(&finding);
            self.world.pending.insert(key.clone(), becomes);
            if let Some(wait) = self.pace.change_triggered.filter(|_| is_change_triggered(&finding)) {
                self.later(after(now, wait), Task::Check { key });
            }
        }
    }

    /// The checks of these findings run now, if their controls are on.
    pub fn run_checks(&mut self, rows: &[u32], now: Timestamp) {
        for row in rows {
            self.run_check(*row, now);
        }
    }

    /// The check of one finding runs, if its control is on.
    pub(super) fn run_check_of(&mut self, key: &FindingKey, now: Timestamp) {
        let rows: Vec<u32> = self.store.find(&key.id, &key.product_arn).into_iter().map(|(row, _)| row).collect();
        for row in rows {
            self.run_check(row, now);
        }
    }

    /// Its control was off, and its finding is archived for that: the check finds the resource as before when it runs again.
    pub(super) fn keep_for_later(&mut self, row: u32, compliance: ComplianceStatus) {
        if self.world.rounds.is_none() {
            return;
        }
        if let Some(finding) = self.store.get(row).and_then(|stored| stored.value()) {
            self.world.pending.entry(key(&finding)).or_insert(Becomes::from(compliance));
        }
    }

    /// A finding is gone, and with it what its check would have seen.
    pub(super) fn forget_pending(&mut self, row: u32) {
        if self.world.pending.is_empty() {
            return;
        }
        if let Some(finding) = self.store.get(row).and_then(|stored| stored.value()) {
            self.world.pending.remove(&key(&finding));
        }
    }

    fn run_check(&mut self, row: u32, now: Timestamp) {
        let Some(finding) = self.store.get(row).and_then(|stored| stored.value()) else { return };
        if !is_control(&finding) || !self.runs(row, now) {
            return;
        }
        let archived = is_archived(&finding);
        match self.world.pending.remove(&key(&finding)) {
            None | Some(Becomes::Deleted) if archived => {}
            None => self.check_row(row, super::checks::compliance_of(&finding), now),
            Some(Becomes::Deleted) => self.delete_row(row, now),
            Some(Becomes::Passed) => self.check_row(row, ComplianceStatus::Passed, now),
            Some(Becomes::Warning) => self.check_row(row, ComplianceStatus::Warning, now),
            Some(Becomes::Failed) => self.check_row(row, ComplianceStatus::Failed, now),
            Some(Becomes::NotAvailable) => self.check_row(row, ComplianceStatus::NotAvailable, now),
        }
    }

    /// Control findings that `filters` choose, of all accounts and Regions together. Of each problem the active ones, or, if
    /// there is none, that which was archived last. Errors: filters that are none.
    pub fn checked_rows(&self, filters: &Value, now: Timestamp) -> Result<Vec<u32>, AwsError> {
        let filters = Filters::parse(filters).map_err(|error| AwsError::invalid_input(error.to_string()))?;
        let fields: Vec<_> = filters.fields().collect();
        let (mut rows, mut archived) = (Vec::new(), BTreeMap::new());
        let mut active = BTreeSet::new();
        for row in self.rows_that_may_match(&filters, now) {
            let Some(stored) = self.store.get(row) else { continue };
            let raw = stored.text();
            let matches =
                extract_raw(&raw, &fields).is_ok_and(|values| filters.matches_with(&values, now, self.switches.missing_field));
            let Some(finding) = matches.then(|| stored.value()).flatten().filter(is_control) else { continue };
            let problem = (stored.account, stored.region.clone(), problem(&finding));
            if is_archived(&finding) {
                let last = archived.entry(problem).or_insert((stored.updated, row));
                *last = (*last).max((stored.updated, row));
            } else {
                active.insert(problem);
                rows.push(row);
            }
        }
        rows.extend(archived.into_iter().filter(|(problem, _)| !active.contains(problem)).map(|(_, (_, row))| row));
        rows.sort_unstable();
        Ok(rows)
    }
}

impl From<ComplianceStatus> for Becomes {
    fn from(status: ComplianceStatus) -> Self {
        match status {
            ComplianceStatus::Passed => Self::Passed,
            ComplianceStatus::Warning => Self::Warning,
            ComplianceStatus::Failed => Self::Failed,
            ComplianceStatus::NotAvailable => Self::NotAvailable,
        }
    }
}

fn key(finding: &Value) -> FindingKey {
    FindingKey { id: text(finding, "Id").to_owned(), product_arn: text(finding, "ProductArn").to_owned() }
}

fn is_archived(finding: &Value) -> bool {
    text(finding, "RecordState") == RecordState::Archived.as_str()
}

fn is_change_triggered(finding: &Value) -> bool {
    let control = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str);
    let known = control.and_then(|control| Catalogue::built_in().get(control));
    known.is_some_and(|control| control.schedule != Schedule::Periodic)
}

/// What a finding is about: generator (control, and standard if there is one for each) and resource.
fn problem(finding: &Value) -> (String, String) {
    let resource = finding.pointer("/Resources/0/Id").and_then(Value::as_str).unwrap_or_default();
    (text(finding, "GeneratorId").to_ascii_lowercase(), resource.to_owned())
}
