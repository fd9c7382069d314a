//! What reads that lag behind still see: the versions before the newest, as long as the lag of their write lasts.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::pack::Packed;
use crate::local::clock::before;

/// Versions kept, at most: with more, reads see the newest sooner than the lag says.
const MOST: usize = 100_000;

/// Versions before the newest.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Past {
    /// When it was written over, and what had been there; `None`: nothing.
    versions: BTreeMap<u32, VecDeque<(Timestamp, Option<Packed>)>>,
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
    /// A row was written at `now`, where `old` had been; it is kept for reads that lag behind by `lag`.
    pub fn written(&mut self, row: u32, old: Option<Packed>, now: Timestamp, lag: Duration) {
        let horizon = before(now, lag);
        while self.order.front().is_some_and(|(written, _)| *written <= horizon) {
            self.forget_oldest();
        }
        if lag.is_zero() {
            return;
        }
        self.versions.entry(row).or_default().push_back((now, old));
        self.order.push_back((now, row));
        if self.order.len() > MOST {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((written, row)) = self.order.pop_front() else { return };
        let Some(versions) = self.versions.get_mut(&row) else { return };
        if versions.front().is_some_and(|(at, _)| *at == written) {
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

    /// What a read at `horizon` sees of a row.
    pub fn seen(&self, row: u32, horizon: Timestamp) -> Seen<'_> {
        let first = self.versions.get(&row).and_then(|versions| versions.iter().find(|(written, _)| *written > horizon));
        first.map_or(Seen::Newest, |(_, old)| Seen::Old(old.as_ref()))
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
        let mut past = Past::default();
        let version = Packed([7].into());
        past.written(1, None, at(10), Duration::from_secs(5));
        past.written(1, Some(version.clone()), at(12), Duration::from_secs(5));
        assert!(matches!(past.seen(1, at(9)), Seen::Old(None)));
        assert!(matches!(past.seen(1, at(11)), Seen::Old(Some(old)) if *old == version));
        assert!(matches!(past.seen(1, at(12)), Seen::Newest));
        past.written(2, None, at(16), Duration::from_secs(5));
        assert!(matches!(past.seen(1, at(9)), Seen::Old(Some(_))), "the first write is older than the lag");
        past.written(3, None, at(40), Duration::ZERO);
        assert!(past.is_empty());
        for row in 0..110_000 {
            past.written(row % 7, None, at(50), Duration::from_hours(1));
        }
        assert_eq!(past.versions.values().map(VecDeque::len).sum::<usize>(), MOST);
    }
}
