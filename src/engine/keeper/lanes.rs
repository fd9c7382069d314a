//! What is under way in each place. The quota is per account and Region: a Region that is slow or throttled must not take the
//! room of the others.

use std::collections::BTreeMap;

use crate::inventory::Place;

/// Calls of one kind that are under way, by place.
#[derive(Debug, Default)]
pub(super) struct Lanes(BTreeMap<Place, usize>);

impl Lanes {
    /// One more.
    pub(super) fn enter(&mut self, place: Place) {
        *self.0.entry(place).or_default() += 1;
    }

    /// One of them came back.
    pub(super) fn leave(&mut self, place: Place) {
        if let Some(count) = self.0.get_mut(&place) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&place);
            }
        }
    }

    /// How many there are in this place.
    pub(super) fn of(&self, place: Place) -> usize {
        self.0.get(&place).copied().unwrap_or(0)
    }

    /// How many there are everywhere.
    pub(super) fn total(&self) -> usize {
        self.0.values().sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets all: nobody waits for them any more.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
