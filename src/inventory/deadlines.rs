//! When something is due: a small ordered set, one time a key.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// Keys with a time each. Order: by time, then by key.
#[derive(Debug, Clone)]
pub struct Deadlines<K> {
    due: BTreeSet<(Timestamp, K)>,
    times: BTreeMap<K, Timestamp>,
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), times: BTreeMap::new() }
    }
}

impl<K: Ord + Clone> Deadlines<K> {
    /// No deadline.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the one time of `key`, whatever it was before.
    pub fn set(&mut self, key: K, at: Timestamp) {
        self.clear(&key);
        self.due.insert((at, key.clone()));
        self.times.insert(key, at);
    }

    /// As [`Self::set`], but an earlier time that is set already stays.
    pub fn sooner(&mut self, key: K, at: Timestamp) {
        if self.times.get(&key).is_none_or(|&known| at < known) {
            self.set(key, at);
        }
    }

    /// Forgets `key`; its time, if it had one.
    pub fn clear(&mut self, key: &K) -> Option<Timestamp> {
        let (key, at) = self.times.remove_entry(key)?;
        self.due.remove(&(at, key));
        Some(at)
    }

    /// The time of `key`.
    pub fn at(&self, key: &K) -> Option<Timestamp> {
        self.times.get(key).copied()
    }

    /// The earliest time.
    pub fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes out every key whose time is `now` or earlier, in order.
    pub fn pop_due(&mut self, now: Timestamp) -> Vec<K> {
        let mut keys = Vec::new();
        while let Some((at, _)) = self.due.first() {
            if *at > now {
                break;
            }
            if let Some((_, key)) = self.due.pop_first() {
                self.times.remove(&key);
                keys.push(key);
            }
        }
        keys
    }

    /// How many keys have a time.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether no key has a time.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn keys_come_due_at_their_second_in_order_and_once() {
        let mut deadlines = Deadlines::new();
        deadlines.set("late", at(30));
        deadlines.set("b", at(10));
        deadlines.set("a", at(10));
        assert_eq!(deadlines.next(), Some(at(10)));
        assert_eq!(deadlines.pop_due(at(9)), Vec::<&str>::new());
        assert_eq!(deadlines.pop_due(at(10)), ["a", "b"]);
        assert_eq!(deadlines.pop_due(at(10)), Vec::<&str>::new());
        assert_eq!((deadlines.len(), deadlines.next()), (1, Some(at(30))));
    }

    #[test]
    fn a_key_has_one_time_the_last_that_was_set() {
        let mut deadlines = Deadlines::new();
        deadlines.set("a", at(10));
        deadlines.set("a", at(20));
        assert_eq!((deadlines.at(&"a"), deadlines.pop_due(at(15))), (Some(at(20)), vec![]));
        deadlines.sooner("a", at(25));
        assert_eq!(deadlines.at(&"a"), Some(at(20)));
        deadlines.sooner("a", at(5));
        assert_eq!(deadlines.clear(&"a"), Some(at(5)));
        assert!(deadlines.is_empty() && deadlines.next().is_none());
    }
}
