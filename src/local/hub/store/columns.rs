//! Columns: for each field that is filtered by often, which values there are and which rows have which.
//!
//! A column holds each combination of values once, asks [`Filters`] about it once a query, and joins the rows of those that may
//! match: what a filter means is said by `core::filter` alone, negatives and missing fields included.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::set::{Bits, Set};
use crate::core::filter::{Field, Filters, MissingField, OwnedItem, Projected, extract};

/// Fields with a column: those that scripts and consoles filter and group by, and that have far fewer values than findings.
pub const FIELDS: [Field; 24] = [
    Field::PRODUCT_ARN,
    Field::AWS_ACCOUNT_ID,
    Field::REGION,
    Field::GENERATOR_ID,
    Field::TYPE,
    Field::SEVERITY_LABEL,
    Field::SEVERITY_NORMALIZED,
    Field::CONFIDENCE,
    Field::CRITICALITY,
    Field::TITLE,
    Field::PRODUCT_NAME,
    Field::COMPANY_NAME,
    Field::RESOURCE_TYPE,
    Field::RESOURCE_REGION,
    Field::COMPLIANCE_STATUS,
    Field::COMPLIANCE_SECURITY_CONTROL_ID,
    Field::COMPLIANCE_ASSOCIATED_STANDARDS_ID,
    Field::VERIFICATION_STATE,
    Field::WORKFLOW_STATUS,
    Field::RECORD_STATE,
    Field::NOTE_UPDATED_BY,
    Field::AWS_ACCOUNT_NAME,
    Field::FINDING_PROVIDER_FIELDS_SEVERITY_LABEL,
    Field::FINDING_PROVIDER_FIELDS_TYPES,
];

/// Values that a column tells apart; the rows of any further one are candidates of every query.
const VALUES: usize = 100_000;
/// The number of those further ones.
const OTHER: u32 = 0;
/// The number where there is no row.
const NONE: u32 = u32::MAX;

/// The values of one field in one finding, as [`extract`] gives them.
pub(super) type Items = Arc<[(Field, OwnedItem)]>;

/// Values above which a column remembers what filters let through: the pages of a read all ask the same.
const MANY: usize = 1_000;
/// Filters that are remembered, over all columns: the one that was not asked for longest goes.
const REMEMBERED: usize = 8;

/// All columns.
#[derive(Debug)]
pub struct Columns {
    all: Vec<Column>,
    /// The last asked last.
    remembered: Mutex<Vec<Remembered>>,
    /// The order of the values of columns that have many, as long as they have no more.
    rankings: Mutex<BTreeMap<Field, Arc<Ranking>>>,
}

/// What a filter of one field lets through of its column, by number of the value. Values are never taken out of a column.
#[derive(Debug)]
struct Remembered {
    only: Filters,
    missing: MissingField,
    values: Vec<bool>,
}

#[derive(Debug)]
struct Column {
    field: Field,
    numbers: BTreeMap<Items, u32>,
    values: Vec<Items>,
    rows: Vec<Set>,
    /// By row.
    codes: Vec<u32>,
}

/// Which rows one column lets through.
pub struct Allowed<'a> {
    column: &'a Column,
    /// By number of the value.
    values: Vec<bool>,
    /// Rows that may match.
    pub count: usize,
}

/// The order of a column's values.
#[derive(Debug)]
struct Ranking {
    /// By number of the value; even, so that there is room between two.
    ranks: Vec<i64>,
    /// Rank and number, ascending.
    sorted: Vec<(i64, u32)>,
}

impl Ranking {
    fn of(column: &Column) -> Self {
        let mut ranks = vec![0; column.values.len()];
        let (mut rank, mut last, mut sorted) = (-2, None, Vec::with_capacity(column.numbers.len()));
        for (items, number) in &column.numbers {
            let first = Some(items.first());
            if first != last {
                (rank, last) = (rank + 2, first);
            }
            if let Some(of) = ranks.get_mut(*number as usize) {
                *of = rank;
            }
            sorted.push((rank, *number));
        }
        Self { ranks, sorted }
    }
}

/// The values of a column in their order. Of several values of a finding the first counts.
pub struct Ranked<'a> {
    column: &'a Column,
    ranking: Arc<Ranking>,
}

/// The rows of one rank.
pub type Bucket<'a> = (i64, Vec<&'a Set>);

impl<'a> Ranked<'a> {
    /// The rank of a row's value.
    pub fn rank(&self, row: u32) -> i64 {
        let code = self.column.codes.get(row as usize).copied().unwrap_or(NONE);
        self.ranking.ranks.get(code as usize).copied().unwrap_or_default()
    }

    /// The rank of the value for which `compare` says how another compares to it; between two if no finding ever had it.
    pub fn find(&self, compare: impl Fn(Option<&OwnedItem>) -> std::cmp::Ordering) -> i64 {
        let of = |number: u32| self.column.values.get(number as usize).and_then(|items| items.first()).map(|(_, item)| item);
        let sorted = &self.ranking.sorted;
        let place = sorted.partition_point(|(_, number)| compare(of(*number)).is_lt());
        match sorted.get(place) {
            Some((rank, number)) if compare(of(*number)).is_eq() => *rank,
            Some((rank, _)) => rank - 1,
            None => sorted.last().map_or(0, |(rank, _)| rank + 1),
        }
    }

    /// The rows of each rank, in order, from rank `from` on.
    pub fn buckets(&self, from: Option<i64>, descending: bool) -> Box<dyn Iterator<Item = Bucket<'a>> + '_> {
        let sorted = self.ranking.sorted.as_slice();
        let bucket = |numbers: &[(i64, u32)]| {
            let sets = numbers.iter().filter_map(|(_, number)| self.column.rows.get(*number as usize)).collect();
            Some((numbers.first()?.0, sets))
        };
        if descending {
            let end = from.map_or(sorted.len(), |from| sorted.partition_point(|(rank, _)| *rank <= from));
            Box::new(sorted.get(..end).unwrap_or_default().chunk_by(|one, next| one.0 == next.0).rev().filter_map(bucket))
        } else {
            let start = from.map_or(0, |from| sorted.partition_point(|(rank, _)| *rank < from));
            Box::new(sorted.get(start..).unwrap_or_default().chunk_by(|one, next| one.0 == next.0).filter_map(bucket))
        }
    }
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            all: FIELDS.iter().map(|field| Column::new(*field)).collect(),
            remembered: Mutex::default(),
            rankings: Mutex::default(),
        }
    }
}

impl Column {
    fn new(field: Field) -> Self {
        let none: Items = Arc::from([]);
        Self { field, numbers: BTreeMap::new(), values: vec![none], rows: vec![Set::default()], codes: Vec::new() }
    }

    /// The number of a value.
    fn number(&mut self, items: Vec<(Field, OwnedItem)>) -> u32 {
        if let Some(number) = self.numbers.get(&items[..]) {
            return *number;
        }
        if self.values.len() > VALUES {
            return OTHER;
        }
        self.learn(items.into())
    }

    fn learn(&mut self, items: Items) -> u32 {
        let number = u32::try_from(self.values.len()).unwrap_or(OTHER);
        self.numbers.insert(items.clone(), number);
        self.values.push(items);
        self.rows.push(Set::default());
        number
    }

    fn put(&mut self, row: u32, number: u32) {
        let place = row as usize;
        if self.codes.len() <= place {
            self.codes.resize(place + 1, NONE);
        }
        let Some(code) = self.codes.get_mut(place) else { return };
        let old = std::mem::replace(code, number);
        if old == number {
            return;
        }
        if let Some(rows) = self.rows.get_mut(old as usize) {
            rows.remove(row);
        }
        if let Some(rows) = self.rows.get_mut(number as usize) {
            rows.insert(row);
        }
    }
}

impl Columns {
    /// Files a row under the values of its finding, new or changed.
    pub fn put(&mut self, row: u32, finding: &Value) {
        for column in &mut self.all {
            let number = column.number(extract(finding, &[column.field]));
            column.put(row, number);
        }
    }

    /// Forgets a row.
    pub fn remove(&mut self, row: u32) {
        for column in &mut self.all {
            column.put(row, NONE);
        }
    }

    /// What each column that `filters` name lets through, the strictest first.
    pub fn allowed(&self, filters: &Filters, now: Timestamp, missing: MissingField) -> Vec<Allowed<'_>> {
        let named = |column: &&Column| filters.fields().any(|field| field == column.field);
        let mut all: Vec<Allowed<'_>> = self
            .all
            .iter()
            .filter(named)
            .map(|column| {
                let values = self.let_through(column, filters.only(column.field), now, missing);
                let count = column.rows.iter().zip(&values).filter(|(_, may)| **may).map(|(rows, _)| rows.len()).sum();
                Allowed { column, values, count }
            })
            .collect();
        all.sort_by_key(|allowed| allowed.count);
        all
    }

    fn let_through(&self, column: &Column, only: Filters, now: Timestamp, missing: MissingField) -> Vec<bool> {
        let may = |only: &Filters, number: usize, items: &Items| {
            number == OTHER as usize || only.matches_with(&Projected(items), now, missing)
        };
        // What depends on the time is asked anew.
        if column.values.len() <= MANY || only.is_relative() {
            return column.values.iter().enumerate().map(|(number, items)| may(&only, number, items)).collect();
        }
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let known = remembered.iter().position(|known| known.only == only && known.missing == missing);
        let mut known = match known {
            Some(place) => remembered.remove(place),
            None => Remembered { only, missing, values: Vec::new() },
        };
        for (number, items) in column.values.iter().enumerate().skip(known.values.len()) {
            known.values.push(may(&known.only, number, items));
        }
        if remembered.len() >= REMEMBERED {
            remembered.remove(0);
        }
        let values = known.values.clone();
        remembered.push(known);
        values
    }

    /// The values of a field in their order; `None`: it has no column, or more values than a column tells apart.
    pub fn ranked(&self, field: Field) -> Option<Ranked<'_>> {
        let column = self.exact(field)?;
        if column.values.len() <= MANY {
            return Some(Ranked { column, ranking: Arc::new(Ranking::of(column)) });
        }
        let mut rankings = self.rankings.lock().unwrap_or_else(PoisonError::into_inner);
        let known = rankings.get(&field).filter(|known| known.ranks.len() == column.values.len());
        let ranking = if let Some(known) = known { known.clone() } else { Arc::new(Ranking::of(column)) };
        rankings.insert(field, ranking.clone());
        Some(Ranked { column, ranking })
    }

    /// Whether every field that `filters` name has a column that tells all its values apart: what all of [`Columns::allowed`]
    /// let through matches then, and needs no look.
    pub fn decide(&self, filters: &Filters) -> bool {
        filters.fields().all(|field| self.exact(field).is_some())
    }

    /// How many of `rows` have each value of `field`; `None` as with [`Columns::ranked`].
    pub fn count(
        &self,
        field: Field,
        rows: impl Iterator<Item = u32>,
    ) -> Option<impl Iterator<Item = (&[(Field, OwnedItem)], u64)>> {
        let column = self.exact(field)?;
        let mut counts = vec![0; column.values.len()];
        for row in rows {
            let code = column.codes.get(row as usize).copied().unwrap_or(NONE);
            if let Some(count) = counts.get_mut(code as usize) {
                *count += 1;
            }
        }
        Some(column.values.iter().map(|items| &items[..]).zip(counts).filter(|(_, count)| *count > 0))
    }

    fn exact(&self, field: Field) -> Option<&Column> {
        self.all.iter().find(|column| column.field == field && column.values.len() <= VALUES)
    }

    /// Takes out of `bits` the rows that have no such value of `field`; `rows`: how many there are in all.
    pub fn narrow(&self, bits: &mut Bits, rows: usize, field: Field, is: impl Fn(&OwnedItem) -> bool) {
        let Some(column) = self.all.iter().find(|column| column.field == field) else { return };
        let may = |(number, items): (u32, &Items)| number == OTHER || items.iter().any(|(_, item)| is(item));
        narrow(bits, rows, column.rows.iter().zip((0..).zip(&column.values).map(may)));
    }

    /// The first value of a row, if it is a text that the column tells apart.
    pub(super) fn text(&self, row: u32, field: Field) -> Option<&str> {
        let column = self.all.iter().find(|column| column.field == field)?;
        let items = column.values.get(*column.codes.get(row as usize)? as usize)?;
        match items.first()? {
            (_, OwnedItem::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The number of a row's value in each column.
    pub(super) fn codes(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.all.iter().map(move |column| column.codes.get(row as usize).copied().unwrap_or(NONE))
    }

    /// The values of each column.
    pub(super) fn values(&self) -> Vec<(Field, &[Items])> {
        self.all.iter().map(|column| (column.field, &column.values[1..])).collect()
    }

    /// Columns with these values, which no row has yet; `None`: they are not of these columns.
    pub(super) fn with_values(values: Vec<(Field, Vec<Items>)>) -> Option<Self> {
        let mut columns = Self::default();
        let same = columns.all.iter().map(|column| column.field).eq(values.iter().map(|(field, _)| *field));
        for (column, (_, items)) in columns.all.iter_mut().zip(values) {
            for items in items {
                column.learn(items);
            }
        }
        same.then_some(columns)
    }

    /// Files a row under values that are known by number; `None`: there is no such value.
    pub(super) fn put_codes(&mut self, row: u32, mut codes: impl FnMut() -> Option<u32>) -> Option<()> {
        for column in &mut self.all {
            let code = codes()?;
            column.rows.get(code as usize)?;
            column.put(row, code);
        }
        Some(())
    }
}

impl Allowed<'_> {
    /// Whether a row may match.
    pub fn has(&self, row: u32) -> bool {
        let code = self.column.codes.get(row as usize).copied().unwrap_or(NONE);
        self.values.get(code as usize).copied().unwrap_or_default()
    }

    /// Takes out of `bits` the rows that cannot match; `rows`: how many there are in all.
    pub fn narrow(&self, bits: &mut Bits, rows: usize) {
        narrow(bits, rows, self.column.rows.iter().zip(self.values.iter().copied()));
    }
}

/// Takes out of `bits` the sets that are not wanted: whichever side is smaller is joined.
pub(super) fn narrow<'a>(bits: &mut Bits, rows: usize, sets: impl Iterator<Item = (&'a Set, bool)>) {
    let (wanted, unwanted): (Vec<_>, Vec<_>) = sets.partition(|(_, wanted)| *wanted);
    let count = |sets: &[(&Set, bool)]| sets.iter().map(|(set, _)| set.len()).sum::<usize>();
    if count(&unwanted) == 0 {
        return;
    }
    let less = if count(&wanted) <= count(&unwanted) { &wanted } else { &unwanted };
    let mut joined = Bits::none(rows);
    for (set, _) in less {
        joined.add(set);
    }
    if count(&wanted) <= count(&unwanted) { bits.keep(&joined) } else { bits.drop_all(&joined) }
}
