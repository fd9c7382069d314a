//! Limits: at most so many findings, and such a share, change in a rolling hour without an approval.
//!
//! Counted per owner and per hub. The ledger is rebuilt after a restart from the times in the markers, so a crash loop does
//! not multiply what is allowed.

use std::collections::{BTreeMap, VecDeque};

use jiff::{Timestamp, ToSpan};

use super::objects::Limits;

/// What was changed lately, for whom.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    entries: BTreeMap<String, VecDeque<(Timestamp, u64)>>,
}

/// The account of all owners together.
const HUB: &str = "";

impl Ledger {
    /// Notes that `count` findings were changed for `owner` at `at`. Times may come in any order.
    pub fn note(&mut self, owner: &str, at: Timestamp, count: u64) {
        for account in [owner, HUB] {
            let entries = self.entries.entry(account.to_owned()).or_default();
            match entries.back_mut() {
                Some((last, sum)) if *last == at => *sum += count,
                Some((last, _)) if *last < at => entries.push_back((at, count)),
                None => entries.push_back((at, count)),
                Some(_) => {
                    let place = entries.partition_point(|(earlier, _)| *earlier <= at);
                    entries.insert(place, (at, count));
                }
            }
        }
    }

    /// Findings changed for `owner` in the hour before `now`.
    pub fn of(&self, owner: &str, now: Timestamp) -> u64 {
        let since = now.checked_sub(1.hour()).unwrap_or(Timestamp::MIN);
        let entries = self.entries.get(owner).into_iter().flatten();
        entries.filter(|(at, _)| *at > since).map(|(_, count)| count).sum()
    }

    /// Findings changed in the hub in the hour before `now`.
    pub fn of_hub(&self, now: Timestamp) -> u64 {
        self.of(HUB, now)
    }

    /// From when on at most `cap` findings changed for `owner` within the hour, if nothing more is changed; `None`: now.
    pub fn calms(&self, owner: &str, cap: u64, now: Timestamp) -> Option<Timestamp> {
        let since = now.checked_sub(1.hour()).unwrap_or(Timestamp::MIN);
        let mut left = self.of(owner, now);
        let recent = self.entries.get(owner).into_iter().flatten().filter(|(at, _)| *at > since);
        let mut calm = None;
        for (at, count) in recent {
            if left <= cap {
                break;
            }
            left -= count;
            calm = at.checked_add(1.hour()).ok();
        }
        calm
    }

    /// When the hub was calm enough, as [`Self::calms`] says of an owner.
    pub fn hub_calms(&self, cap: u64, now: Timestamp) -> Option<Timestamp> {
        self.calms(HUB, cap, now)
    }

    /// Drops what is older than an hour; says when the oldest entry that is left will be.
    pub fn trim(&mut self, now: Timestamp) -> Option<Timestamp> {
        let since = now.checked_sub(1.hour()).unwrap_or(Timestamp::MIN);
        self.entries.retain(|_, entries| {
            while entries.front().is_some_and(|(at, _)| *at <= since) {
                entries.pop_front();
            }
            !entries.is_empty()
        });
        let oldest = self.entries.get(HUB).and_then(|entries| entries.front()).map(|(at, _)| *at);
        oldest.and_then(|at| at.checked_add(1.hour()).ok())
    }
}

/// How many findings may change in an hour: the smaller of the number and the share of `in_scope`.
pub fn allowance(limits: Limits, in_scope: u64) -> u64 {
    // All of the findings is no limit, also where some change twice within the hour.
    if limits.max_percent >= 100 {
        return u64::from(limits.max_findings);
    }
    // Rounded up: one of three findings is one finding, also at 20 percent.
    let share = in_scope.saturating_mul(u64::from(limits.max_percent)).div_ceil(100);
    u64::from(limits.max_findings).min(share)
}

/// How many more findings may change after `used` in the hour. An approval lifts the limit to its ceiling: for the hour, and
/// not once for every batch.
pub fn room(used: u64, allowance: u64, approved: Option<u64>) -> u64 {
    allowance.max(approved.unwrap_or(0)).saturating_sub(used)
}

/// The ceiling that an approval is asked for: the wanted count, rounded up so that a few more findings do not void it.
pub fn ceiling(wanted: u64) -> u64 {
    let steps = [1, 2, 5];
    let mut decade = 1u64;
    while wanted > decade.saturating_mul(10) {
        decade = decade.saturating_mul(10);
    }
    let candidates = steps.iter().chain(&[10]).map(|step| decade.saturating_mul(*step));
    candidates.into_iter().find(|ceiling| *ceiling >= wanted).unwrap_or(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_hour_is_rolling_and_the_hub_counts_everybody() {
        let mut ledger = Ledger::default();
        ledger.note("a", at("2026-11-21T08:30:00Z"), 5);
        ledger.note("a", at("2026-11-21T08:00:00Z"), 3);
        ledger.note("b", at("2026-11-21T08:40:00Z"), 2);
        assert_eq!(ledger.of("a", at("2026-11-21T08:59:59Z")), 8);
        assert_eq!(ledger.of("a", at("2026-11-21T09:00:00Z")), 5);
        assert_eq!(ledger.of_hub(at("2026-11-21T09:00:00Z")), 7);
        assert_eq!(ledger.trim(at("2026-11-21T09:00:00Z")), Some(at("2026-11-21T09:30:00Z")));
        assert_eq!(ledger.trim(at("2026-11-21T09:40:00Z")), None);
    }

    #[test]
    fn the_smaller_of_number_and_share_counts() {
        let limits = Limits { max_findings: 500, max_percent: 5 };
        assert_eq!(allowance(limits, 100_000), 500);
        assert_eq!(allowance(limits, 1_000), 50);
        assert_eq!(allowance(limits, 3), 1);
        assert_eq!(allowance(limits, 0), 0);
        assert_eq!(allowance(Limits { max_percent: 100, ..limits }, 3), 500);
    }

    #[test]
    fn an_approval_lifts_the_limit_up_to_its_ceiling_and_no_further() {
        assert_eq!(room(0, 50, None), 50);
        assert_eq!(room(1, 50, None), 49);
        assert_eq!(room(80, 50, None), 0);
        assert_eq!(room(1, 50, Some(100)), 99);
        assert_eq!(room(100, 50, Some(100)), 0, "not once for every batch");
        assert_eq!(room(1, 50, Some(20)), 49, "an approval narrows nothing");
    }

    #[test]
    fn a_ceiling_is_a_round_number_not_below_what_is_wanted() {
        let ceilings: Vec<u64> = [1, 2, 3, 10, 11, 60, 500, 501, 1234].into_iter().map(ceiling).collect();
        assert_eq!(ceilings, [1, 2, 5, 10, 20, 100, 500, 1000, 2000]);
    }

    #[test]
    fn an_hour_calms_when_its_oldest_changes_are_over() {
        let (mut ledger, now) = (Ledger::default(), at("2026-11-21T09:00:00Z"));
        for (time, count) in [("2026-11-21T08:10:00Z", 3), ("2026-11-21T08:20:00Z", 2), ("2026-11-21T08:30:00Z", 1)] {
            ledger.note("a", at(time), count);
        }
        assert_eq!(ledger.calms("a", 6, now), None, "there is room now");
        assert_eq!(ledger.calms("a", 5, now), Some(at("2026-11-21T09:10:00Z")));
        assert_eq!(ledger.calms("a", 2, now), Some(at("2026-11-21T09:20:00Z")));
        assert_eq!(ledger.hub_calms(0, now), Some(at("2026-11-21T09:30:00Z")));
    }
}
