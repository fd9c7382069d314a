//! The first so many of what is offered, without sorting all.

use std::cmp::Ordering;

/// The first `most`, as `compare` has it.
pub(super) struct First<T, C> {
    most: usize,
    compare: C,
    /// Twice as many at most, before all but the first are dropped.
    kept: Vec<T>,
    dropped: bool,
}

impl<T, C: Fn(&T, &T) -> Ordering> First<T, C> {
    /// Of at least one.
    pub(super) fn new(most: usize, compare: C) -> Self {
        let most = most.max(1);
        Self { most, compare, kept: Vec::with_capacity(2 * most), dropped: false }
    }

    /// Takes one more into account.
    pub(super) fn offer(&mut self, one: T) {
        // Once some were dropped, what comes after the worst of the first is none of them.
        if self.dropped && self.kept.get(self.most - 1).is_some_and(|worst| (self.compare)(&one, worst).is_gt()) {
            return;
        }
        self.kept.push(one);
        if self.kept.len() == 2 * self.most {
            self.drop_rest();
        }
    }

    fn drop_rest(&mut self) {
        if self.kept.len() > self.most {
            self.kept.select_nth_unstable_by(self.most - 1, &self.compare);
            self.kept.truncate(self.most);
            self.dropped = true;
        }
    }

    /// In order, and whether these are all.
    pub(super) fn sorted(mut self) -> (Vec<T>, bool) {
        self.drop_rest();
        self.kept.sort_unstable_by(&self.compare);
        (self.kept, !self.dropped)
    }
}
