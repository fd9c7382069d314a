//! Any other order. Criteria that are columns and times are compared without reading a finding: bucket by bucket of the first of
//! them. For others an index is made when they are first asked for.

use std::cmp::Ordering;
use std::ops::Bound;

use super::by_time::{Windows, within};
use super::first::First;
use super::{Candidates, Cost, Hub, Making, Search};
use crate::core::filter::Field;
use crate::local::hub::store::Store;
use crate::local::hub::store::columns::Ranked;
use crate::local::hub::store::orders::{self, Key, Keys};
use crate::local::hub::store::set::{Bits, Set};
use crate::wire::error::AwsError;
use crate::wire::sigv4::{hex, unhex};

/// Rows up to which those of a bucket are looked up one by one.
const FEW: usize = 4_096;

/// Where a page ends: what the criteria compare, and the row.
struct Place {
    parts: Vec<Vec<u8>>,
    row: u32,
}

impl Place {
    fn read(text: &str) -> Result<Self, AwsError> {
        let (parts, row) = text.split_once(' ').ok_or_else(AwsError::query_changed)?;
        let parts: Option<Vec<Vec<u8>>> = parts.split('.').map(unhex).collect();
        parts.zip(row.parse().ok()).map(|(parts, row)| Self { parts, row }).ok_or_else(AwsError::query_changed)
    }

    fn write(&self) -> String {
        let parts: Vec<String> = self.parts.iter().map(|part| hex(part)).collect();
        format!("{} {}", parts.join("."), self.row)
    }
}

/// Criteria of which all is held beside the findings, each with whether it descends.
struct Held<'a>(Vec<(Ranks<'a>, bool)>);

enum Ranks<'a> {
    Time(&'a [i64]),
    Column(Ranked<'a>),
}

/// What a row is compared by: less is first.
type Values = Vec<i64>;

fn value(row: u32, (ranks, descending): &(Ranks<'_>, bool)) -> i64 {
    let value = match ranks {
        Ranks::Time(times) => times.get(row as usize).copied().unwrap_or_default(),
        Ranks::Column(ranked) => ranked.rank(row),
    };
    if *descending { value.saturating_neg() } else { value }
}

impl<'a> Held<'a> {
    /// `None`: some criterion is no column and no time.
    fn of(store: &'a Store, keys: &Keys) -> Option<Self> {
        let ranks = |(key, descending): &(Key, bool)| {
            let ranks = match key {
                Key::Time(Field::CREATED_AT) => Ranks::Time(store.created().0),
                Key::Time(Field::UPDATED_AT) => Ranks::Time(store.updated().0),
                Key::Field(field) => Ranks::Column(store.columns().ranked(*field)?),
                Key::Time(_) | Key::Pointer(_) => return None,
            };
            Some((ranks, *descending))
        };
        keys.iter().map(ranks).collect::<Option<_>>().map(Self)
    }

    fn values(&self, row: u32) -> Values {
        self.0.iter().map(|key| value(row, key)).collect()
    }

    fn compare(&self, a: u32, b: u32) -> Ordering {
        let by_values = self.0.iter().map(|key| value(a, key).cmp(&value(b, key)));
        by_values.fold(Ordering::Equal, Ordering::then).then(a.cmp(&b))
    }

    fn is_after(&self, row: u32, (values, of): &(Values, u32)) -> bool {
        let by_values = self.0.iter().zip(values).map(|(key, than)| value(row, key).cmp(than));
        by_values.fold(Ordering::Equal, Ordering::then).then(row.cmp(of)).is_gt()
    }

    /// A place among the values that there are now: that of a finding which has changed since may lie between two of them.
    fn find(&self, place: &Place) -> Result<(Values, u32), AwsError> {
        let value = |((ranks, descending), part): (&(Ranks<'_>, bool), &Vec<u8>)| {
            let part: Vec<u8> = part.iter().map(|byte| if *descending { !*byte } else { *byte }).collect();
            let value = match ranks {
                Ranks::Time(_) => orders::read_time(&part)?,
                Ranks::Column(ranked) => ranked.find(|item| orders::item_bytes(item).as_slice().cmp(&part)),
            };
            Some(if *descending { value.saturating_neg() } else { value })
        };
        if self.0.len() != place.parts.len() {
            return Err(AwsError::query_changed());
        }
        let values: Option<Values> = self.0.iter().zip(&place.parts).map(value).collect();
        values.map(|values| (values, place.row)).ok_or_else(AwsError::query_changed)
    }

    /// The rows of each value of the first criterion, in order, from that of `after` on; one bucket of all if that is a time.
    fn buckets(&self, after: Option<&(Values, u32)>) -> Box<dyn Iterator<Item = Bucket<'_>> + '_> {
        match self.0.first() {
            Some((Ranks::Column(ranked), descending)) => {
                let first = after.and_then(|(values, _)| values.first());
                let from = first.map(|value| if *descending { value.saturating_neg() } else { *value });
                Box::new(ranked.buckets(from, *descending).map(|(_, sets)| Bucket { sets: Some(sets) }))
            }
            _ => Box::new(std::iter::once(Bucket { sets: None })),
        }
    }
}

/// Sets whose rows are equal by the first criterion; `None`: all rows.
struct Bucket<'a> {
    sets: Option<Vec<&'a Set>>,
}

impl Bucket<'_> {
    /// Those of the candidates that are in it, in any order.
    fn rows(&self, candidates: &Bits, size: usize) -> Vec<u32> {
        let Some(sets) = &self.sets else { return candidates.iter().collect() };
        if sets.iter().map(|set| set.len()).sum::<usize>() <= FEW {
            let rows = sets.iter().flat_map(|set| set.iter());
            return rows.filter(|row| candidates.has(*row)).collect();
        }
        let mut bits = Bits::none(size);
        for set in sets {
            bits.add(set);
        }
        bits.keep(candidates);
        bits.iter().collect()
    }
}

impl Hub {
    pub(super) fn by_keys(
        &self,
        search: &Search<'_>,
        keys: &Keys,
        windows: Windows,
        cursor: Option<&str>,
        cost: Cost,
        making: &mut Making,
    ) -> Result<(), AwsError> {
        let after = cursor.map(Place::read).transpose()?;
        let (created, updated) = (self.store.created().0, self.store.updated().0);
        let fits = |row: u32| within(created, row, windows.created) && within(updated, row, windows.updated);
        let position = |place: Place| -> orders::Position { (place.parts.concat().into(), place.row) };
        let bits = match &search.candidates {
            Candidates::Few(..) => {
                let after = after.map(position);
                let mut positions: Vec<orders::Position> = search
                    .candidates
                    .iter()
                    .filter_map(|row| Some((orders::bytes(&self.store.get(row)?.value()?, keys), row)))
                    .filter(|position| fits(position.1) && after.as_ref().is_none_or(|after| position > after))
                    .collect();
                making.visited.rows += positions.len();
                positions.sort_unstable();
                for (_, row) in positions {
                    if !making.offer(row, || self.look(search, row)) {
                        break;
                    }
                }
                return Ok(());
            }
            Candidates::Many(bits) => bits,
        };
        if cost.indexes
            && let Some(held) = Held::of(&self.store, keys)
        {
            let after = after.map(|place| held.find(&place)).transpose()?;
            self.by_held(search, &held, bits, &fits, after, cost, making);
            return Ok(());
        }
        let mut orders = self.store.orders();
        let order = orders.get(keys, &self.store);
        let from = after.map_or(Bound::Unbounded, |place| Bound::Excluded(position(place)));
        for (_, row) in order.range((from, Bound::Unbounded)) {
            making.visited.rows += 1;
            if bits.has(*row) && fits(*row) && !making.offer(*row, || self.look(search, *row)) {
                break;
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "one search, whose parts are made by its two callers' common part")]
    fn by_held(
        &self,
        search: &Search<'_>,
        held: &Held<'_>,
        candidates: &Bits,
        fits: &dyn Fn(u32) -> bool,
        mut after: Option<(Values, u32)>,
        cost: Cost,
        making: &mut Making,
    ) {
        for bucket in held.buckets(after.as_ref()) {
            let rows = bucket.rows(candidates, self.store.size());
            loop {
                let mut first = First::new(making.size.max(cost.gather) + 1, |a: &u32, b: &u32| held.compare(*a, *b));
                making.visited.rows += rows.len();
                for row in &rows {
                    if fits(*row) && after.as_ref().is_none_or(|after| held.is_after(*row, after)) {
                        first.offer(*row);
                    }
                }
                let (rows, all) = first.sorted();
                for row in &rows {
                    if !making.offer(*row, || self.look(search, *row)) {
                        return;
                    }
                }
                if all {
                    break;
                }
                after = rows.last().map(|row| (held.values(*row), *row)).or(after);
            }
        }
    }

    /// The place of a finding, from which the next page goes on; `None`: it is gone.
    pub(super) fn place_by_keys(&self, keys: &Keys, row: u32) -> Option<String> {
        let finding = self.store.get(row)?.value()?;
        Some(Place { parts: orders::parts(&finding, keys), row }.write())
    }
}
