//! Along a time: a walk, or a look at the times of the candidates.

use std::collections::BTreeSet;
use std::ops::Bound;

use jiff::Timestamp;

use super::first::First;
use super::{Candidates, Cost, Hub, Making, Search};
use crate::core::filter::{Field, Filters};
use crate::local::hub::store::Position;
use crate::wire::error::AwsError;

/// Windows of `CreatedAt` and `UpdatedAt` that hold every match, in milliseconds, inclusive.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    pub(super) created: (i64, i64),
    pub(super) updated: (i64, i64),
}

/// An order that is a time: its tree, and for each row the time.
pub(super) struct Timed<'a> {
    pub(super) tree: &'a BTreeSet<Position>,
    pub(super) times: &'a [i64],
    /// Of this time.
    pub(super) window: (i64, i64),
    /// The other time, and its window.
    pub(super) other: (&'a [i64], (i64, i64)),
    pub(super) descending: bool,
}

impl Hub {
    /// Walks along the order as long as that is cheap; then gathers the candidates and takes the first of them.
    pub(super) fn by_time(
        &self,
        search: &Search<'_>,
        timed: &Timed<'_>,
        cursor: Option<&str>,
        cost: Cost,
        making: &mut Making,
    ) -> Result<(), AwsError> {
        let mut after = cursor.map(read).transpose()?;
        let walks = !matches!(search.candidates, Candidates::Few(..));
        if walks {
            let mut steps = 0;
            for position in timed.walk(after) {
                if steps == cost.walk {
                    break;
                }
                steps += 1;
                making.visited.rows += 1;
                after = Some(position);
                let row = position.1;
                if search.candidates.has(row) && timed.fits(row) && !making.offer(row, || self.look(search, row)) {
                    return Ok(());
                }
            }
            if steps < cost.walk {
                return Ok(());
            }
        }
        loop {
            let compare = |a: &Position, b: &Position| if timed.descending { b.cmp(a) } else { a.cmp(b) };
            let mut first = First::new(making.size.max(cost.gather) + 1, compare);
            for row in search.candidates.iter() {
                making.visited.rows += 1;
                let Some(time) = timed.times.get(row as usize) else { continue };
                let position = (*time, row);
                if timed.is_after(position, after) && timed.fits(row) {
                    first.offer(position);
                }
            }
            let (positions, all) = first.sorted();
            for position in positions {
                after = Some(position);
                if !making.offer(position.1, || self.look(search, position.1)) {
                    return Ok(());
                }
            }
            if all {
                return Ok(());
            }
        }
    }
}

/// The place of a finding, from which the next page goes on.
pub(super) fn place(times: &[i64], row: u32) -> String {
    format!("{} {row}", times.get(row as usize).copied().unwrap_or_default())
}

fn read(place: &str) -> Result<Position, AwsError> {
    let (time, row) = place.split_once(' ').ok_or_else(AwsError::query_changed)?;
    time.parse().ok().zip(row.parse().ok()).ok_or_else(AwsError::query_changed)
}

impl Windows {
    pub(super) const ALL: Self = Self { created: (i64::MIN, i64::MAX), updated: (i64::MIN, i64::MAX) };

    pub(super) fn of(filters: &Filters, now: Timestamp) -> Self {
        let hull = |field| {
            let (start, end) = filters.hull(field, now)?;
            Some((start.as_millisecond(), end.as_millisecond()))
        };
        Self {
            created: hull(Field::CREATED_AT).unwrap_or(Self::ALL.created),
            updated: hull(Field::UPDATED_AT).unwrap_or(Self::ALL.updated),
        }
    }
}

/// Whether the time of a row is in a window.
pub(super) fn within(times: &[i64], row: u32, (start, end): (i64, i64)) -> bool {
    times.get(row as usize).is_some_and(|time| (start..=end).contains(time))
}

impl<'a> Timed<'a> {
    fn fits(&self, row: u32) -> bool {
        within(self.times, row, self.window) && within(self.other.0, row, self.other.1)
    }

    fn is_after(&self, position: Position, after: Option<Position>) -> bool {
        after.is_none_or(|after| if self.descending { position < after } else { position > after })
    }

    /// The places within the window and after the last one.
    fn walk(&self, after: Option<Position>) -> Box<dyn Iterator<Item = Position> + 'a> {
        let (first, last) = ((self.window.0, 0), (self.window.1, u32::MAX));
        let (low, high) = match (after, self.descending) {
            (None, _) => (Bound::Included(first), Bound::Included(last)),
            (Some(after), false) => (Bound::Excluded(after.max(first)), Bound::Included(last)),
            (Some(after), true) => (Bound::Included(first), Bound::Excluded(after.min(last))),
        };
        let in_order = match (low, high) {
            (Bound::Included(low), Bound::Included(high)) => low <= high,
            (Bound::Excluded(low) | Bound::Included(low), Bound::Excluded(high) | Bound::Included(high)) => low < high,
            _ => true,
        };
        if !in_order {
            return Box::new(std::iter::empty());
        }
        let range = self.tree.range((low, high)).copied();
        if self.descending { Box::new(range.rev()) } else { Box::new(range) }
    }
}
