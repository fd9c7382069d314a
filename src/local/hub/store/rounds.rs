//! Rounds: which findings are checked when. A check runs at fixed times of its own, the same for all resources of an account in
//! a Region: each quarter of an hour some of them are due.
//!
//! Source: the guide's securityhub-standards-schedule. Periodic checks run every 12 or 24 hours; which of the two a control has is
//! not published by control, so here half have each. Checks that a change triggers are swept every 18 hours.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::set::Set;
use crate::core::catalogue::{Catalogue, Schedule};
use crate::core::ids::{AccountId, Region};

/// Milliseconds of a slot.
const SLOT: i64 = 900_000;
/// Slots of an hour.
const HOUR: u8 = 4;
/// The longest round: 24 hours.
const LONGEST: i64 = 24 * HOUR as i64;

/// Length of a round and place in it, in slots.
type Beat = (u8, u8);

/// Rows by when they are checked.
#[derive(Debug, Default)]
pub struct Rounds(BTreeMap<Beat, Set>);

/// The slot that a time is in.
pub fn slot(time: Timestamp) -> i64 {
    time.as_millisecond().div_euclid(SLOT)
}

/// When a slot begins.
pub fn begins(slot: i64) -> Timestamp {
    Timestamp::from_millisecond(slot.saturating_mul(SLOT)).unwrap_or(Timestamp::MAX)
}

fn beat(account: AccountId, region: &Region, control: &str) -> Beat {
    // Ids of controls have no case.
    let control = control.to_ascii_uppercase();
    let hours = match Catalogue::built_in().get(&control).map(|control| control.schedule) {
        Some(Schedule::ChangeTriggered) => 18,
        Some(Schedule::Periodic | Schedule::Both) if hash(&control).is_multiple_of(2) => 12,
        Some(Schedule::Periodic | Schedule::Both) | None => 24,
    };
    let length = hours * HOUR;
    let place = hash(&format!("{account} {region} {control}")) % u32::from(length);
    (length, u8::try_from(place).unwrap_or_default())
}

/// FNV-1a, mixed: the same everywhere.
fn hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 15)).wrapping_mul(0x2c1b_3c6d) >> 8
}

impl Rounds {
    /// Files a row under the check of a control.
    pub fn add(&mut self, row: u32, account: AccountId, region: &Region, control: &str) {
        self.0.entry(beat(account, region, control)).or_default().insert(row);
    }

    /// Forgets a row.
    pub fn remove(&mut self, row: u32, account: AccountId, region: &Region, control: &str) {
        let beat = beat(account, region, control);
        if let Some(rows) = self.0.get_mut(&beat) {
            rows.remove(row);
            if rows.is_empty() {
                self.0.remove(&beat);
            }
        }
    }

    /// The first slot after `done` in which something is due.
    pub fn next(&self, done: i64) -> Option<i64> {
        let next = |(length, place): &Beat| {
            let (length, place) = (i64::from(*length), i64::from(*place));
            done + 1 + (place - (done + 1)).rem_euclid(length)
        };
        self.0.keys().map(next).min()
    }

    /// Up to `most` rows that are due in a slot, from row `from` on, ascending.
    pub fn due(&self, slot: i64, from: u32, most: usize) -> Vec<u32> {
        let is_due = |(length, place): &Beat| slot.rem_euclid(i64::from(*length)) == i64::from(*place);
        let rows = self.0.iter().filter(|(beat, _)| is_due(beat)).flat_map(|(_, rows)| rows.iter().filter(|row| *row >= from));
        let mut rows: Vec<u32> = rows.collect();
        rows.sort_unstable();
        rows.truncate(most);
        rows
    }
}

/// The slot from which on all checks run once until `now`.
pub fn a_round_before(now: Timestamp) -> i64 {
    slot(now) - LONGEST
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn each_row_is_due_once_in_12_18_or_24_hours_and_resources_of_a_control_together() {
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let mut rounds = Rounds::default();
        // Change-triggered, and periodic.
        let controls = ["S3.8", "s3.8", "IAM.6"];
        for (row, control) in (0..).zip(controls) {
            rounds.add(row, account, &region, control);
        }
        let now: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let (mut done, mut times) = (slot(now), BTreeMap::<u32, Vec<i64>>::new());
        while let Some(next) = rounds.next(done).filter(|next| *next <= slot(now) + 3 * LONGEST) {
            assert!(next > done && begins(next) > now);
            for row in rounds.due(next, 0, 10) {
                times.entry(row).or_default().push(next);
            }
            done = next;
        }
        let steps = |row: u32| -> Vec<i64> { times[&row].windows(2).map(|pair| pair[1] - pair[0]).collect() };
        assert_eq!((times[&0].clone(), times.len()), (times[&1].clone(), 3));
        assert!(steps(0).iter().all(|step| *step == 18 * 4), "{times:?}");
        assert!(steps(2).iter().all(|step| [12 * 4, 24 * 4].contains(step)), "{times:?}");
        assert!(!steps(0).is_empty() && !steps(2).is_empty());
        for (row, control) in (0..).zip(controls) {
            rounds.remove(row, account, &region, control);
        }
        assert_eq!(rounds.next(done), None);
    }
}
