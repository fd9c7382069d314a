//! How long findings stay: archived when nothing checks them any more, removed when nobody updates them.
//!
//! Sources: the guide's securityhub-findings (removed 90 days after the last update, archived ones 30; control findings by
//! `UpdatedAt`, others by the later of `ProcessedAt` and `UpdatedAt`) and controls-overall-status (archived after 3 to 5 days
//! without an update, best effort).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::status::RecordState;

use super::Hub;
use super::import::is_control;
use super::store::text;

const DAY: i64 = 86_400_000;

/// Days of the hub's clock; absent: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifetimes {
    /// A control finding is archived when it was not updated for so long. Off unless something runs the checks: here nothing
    /// updates a finding by itself.
    pub archived_after: Option<u16>,
    /// An active finding is removed when it was not updated for so long.
    pub active: Option<u16>,
    /// An archived finding is removed when it was not updated for so long.
    pub archived: Option<u16>,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { archived_after: None, active: Some(90), archived: Some(30) }
    }
}

/// What becomes of a finding whose time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// It is archived, as a check would.
    Archived,
    /// It is gone. AWS makes no event of it.
    Removed,
}

impl Lifetimes {
    /// When a finding's time is up, in milliseconds, and what comes then. `updated` and `processed` in milliseconds.
    pub(super) fn end(&self, finding: &Value, updated: i64, processed: i64) -> Option<(i64, Ends)> {
        let control = is_control(finding);
        let last = if control { updated } else { updated.max(processed) };
        let after = |days: Option<u16>, ends| days.map(|days| (last + i64::from(days) * DAY, ends));
        if text(finding, "RecordState") == RecordState::Archived.as_str() {
            return after(self.archived, Ends::Removed);
        }
        let archived = after(self.archived_after.filter(|_| control), Ends::Archived);
        let removed = after(self.active, Ends::Removed);
        archived.into_iter().chain(removed).min_by_key(|(at, _)| *at)
    }
}

impl Hub {
    /// Does what is due at `now`, in its order: one task, `most` checks, or what comes of `most` findings whose time is up; true:
    /// there is more. A finding goes within the hour after its time is up.
    pub fn turn(&mut self, now: Timestamp, most: usize) -> bool {
        let task = self.next_task().filter(|due| *due <= now);
        let round = self.next_round().filter(|due| *due <= now);
        let at = task.into_iter().chain(round).min().unwrap_or(now);
        let ended = self.store.ended(at, most);
        for (row, ends) in &ended {
            match ends {
                Ends::Archived => {
                    // What cannot be archived would be due for ever.
                    if self.archive_row(*row, at).is_none() {
                        self.remove(*row);
                    }
                }
                Ends::Removed => self.remove(*row),
            }
        }
        if ended.len() == most {
            return true;
        }
        if task == Some(at) {
            self.do_next_task();
        } else if round == Some(at) {
            self.do_next_round(most);
        }
        task.is_some() || round.is_some()
    }

    /// When something is next due.
    pub fn next_turn(&self) -> Option<Timestamp> {
        [self.next_task(), self.next_round(), self.store.next_end()].into_iter().flatten().min()
    }

    /// Other lifetimes from now on.
    pub fn set_lifetimes(&mut self, lifetimes: Lifetimes) {
        self.store.set_lifetimes(lifetimes);
    }

    pub(super) fn remove(&mut self, row: u32) {
        self.forget_pending(row);
        self.store.remove(row);
        self.forget_history(row);
    }
}
