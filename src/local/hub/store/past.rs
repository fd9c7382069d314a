//! What reads that lag behind still see: the versions before the newest, as long as the lag of their write lasts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pack::Packed;
use crate::core::ids::Region;
use crate::local::clock::before;

/// Versions kept, at most: with more, reads see the newest sooner than the lag says.
const MOST: usize = 100_000;

/// A version before the newest.
#[derive(Debug, Serialize, Deserialize)]
struct Version {
    /// When it was written over.
    written: Timestamp,
    /// In which Region, if that is not the finding's own.
    from: Option<Region>,
    /// What had been there; `None`: nothing.
    old: Option<Packed>,
}

/// How far a read lags behind.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// When it reads.
    pub now: Timestamp,
    /// Where.
    pub region: &'a Region,
    /// Behind every write.
    pub all: Duration,
    /// Behind a write of another Region, beyond that.
    pub replication: Duration,
}

impl Reading<'_> {
    /// Whether it sees what was written at that time in that Region.
    fn sees(&self, written: Timestamp, from: &Region) -> bool {
        let lag = if from == self.region { self.all } else { self.all.saturating_add(self.replication) };
        written <= before(self.now, lag)
    }
}

/// Versions before the newest.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Past {
    versions: BTreeMap<u32, VecDeque<Version>>,
    /// The same writes, oldest first.
    order: VecDeque<(Timestamp, u32)>,
}

/// What a read sees.
pub enum Seen<'a> {
    /// The newest version.
    Newest,
    /// This one; `None`: not there yet.
    Old(Option<&'a Packed>),
}

impl Past {
    /// A row was written at `now`, where `old` had been; it is kept for reads that lag behind by `lag`. `from`: in which Region,
    /// if that is not the finding's own.
    pub fn written(&mut self, row: u32, old: Option<Packed>, now: Timestamp, lag: Duration, from: Option<&Region>) {
        let horizon = before(now, lag);
        while self.order.front().is_some_and(|(written, _)| *written <= horizon) {
            self.forget_oldest();
        }
        if lag.is_zero() {
            return;
        }
        self.versions.entry(row).or_default().push_back(Version { written: now, from: from.cloned(), old });
        self.order.push_back((now, row));
        if self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((written, row)) = self.order.pop_front() else { return };
        let Some(versions) = self.versions.get_mut(&row) else { return };
        if versions.front().is_some_and(|version| version.written == written) {
            versions.pop_front();
        }
        if versions.is_empty() {
            self.versions.remove(&row);
        }
    }

    /// Forgets a row.
    pub fn remove(&mut self, row: u32) {
        self.versions.remove(&row);
    }

    /// What a read sees of a row whose finding is of the Region `own`: the last write that it sees, with all that came before.
    pub fn seen(&self, row: u32, own: &Region, reading: &Reading<'_>) -> Seen<'_> {
        let unseen = |version: &&Version| !reading.sees(version.written, version.from.as_ref().unwrap_or(own));
        let first = self.versions.get(&row).and_then(|versions| versions.iter().rev().take_while(unseen).last());
        first.map_or(Seen::Newest, |version| Seen::Old(version.old.as_ref()))
    }

    /// The rows of which older versions are kept, ascending.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.versions.keys().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_kept_for_the_lag_and_never_more_than_so_many() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let own: Region = "eu-west-1".parse().unwrap();
        let seen = |past: &Past, row, horizon| {
            let reading = Reading { now: horizon, region: &own, all: Duration::ZERO, replication: Duration::from_hours(1) };
            match past.seen(row, &own, &reading) {
                Seen::Newest => "newest",
                Seen::Old(None) => "nothing",
                Seen::Old(Some(_)) => "old",
            }
        };
        let mut past = Past::default();
        let version = Packed([7].into());
        past.written(1, None, at(10), Duration::from_secs(5), None);
        past.written(1, Some(version), at(12), Duration::from_secs(5), None);
        assert_eq!([9, 11, 12].map(|horizon| seen(&past, 1, at(horizon))), ["nothing", "old", "newest"]);
        past.written(2, None, at(16), Duration::from_secs(5), None);
        assert_eq!(seen(&past, 1, at(9)), "old", "the first write is older than the lag");
        past.written(3, None, at(40), Duration::ZERO, None);
        assert!(past.is_empty());
        for row in 0..110_000 {
            past.written(row % 7, None, at(50), Duration::from_hours(1), None);
        }
        assert_eq!(past.versions.values().map(VecDeque::len).sum::<usize>(), MOST);
    }
}
