//! Columns: for each field that is filtered by often, which values there are and which rows have which.
//!
//! A column holds each combination of values once, asks [`Filters`] about it once a query, and joins the rows of those that may
//! match: what a filter means is said by `core::filter` alone, negatives and missing fields included.

use std::collections::BTreeMap;
use std::sync::Arc;

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

/// All columns.
#[derive(Debug)]
pub struct Columns(Vec<Column>);

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

impl Default for Columns {
    fn default() -> Self {
        Self(FIELDS.iter().map(|field| Column::new(*field)).collect())
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
        for column in &mut self.0 {
            let number = column.number(extract(finding, &[column.field]));
            column.put(row, number);
        }
    }

    /// Forgets a row.
    pub fn remove(&mut self, row: u32) {
        for column in &mut self.0 {
            column.put(row, NONE);
        }
    }

    /// What each column that `filters` name lets through, the strictest first.
    pub fn allowed(&self, filters: &Filters, now: Timestamp, missing: MissingField) -> Vec<Allowed<'_>> {
        let named = |column: &&Column| filters.fields().any(|field| field == column.field);
        let mut all: Vec<Allowed<'_>> = self
            .0
            .iter()
            .filter(named)
            .map(|column| {
                let only = filters.only(column.field);
                let may = |(number, items): (u32, &Items)| number == OTHER || only.matches_with(&Projected(items), now, missing);
                let values: Vec<bool> = (0..).zip(&column.values).map(may).collect();
                let count = column.rows.iter().zip(&values).filter(|(_, may)| **may).map(|(rows, _)| rows.len()).sum();
                Allowed { column, values, count }
            })
            .collect();
        all.sort_by_key(|allowed| allowed.count);
        all
    }

    /// Takes out of `bits` the rows that have no such value of `field`; `rows`: how many there are in all.
    pub fn narrow(&self, bits: &mut Bits, rows: usize, field: Field, is: impl Fn(&OwnedItem) -> bool) {
        let Some(column) = self.0.iter().find(|column| column.field == field) else { return };
        let may = |(number, items): (u32, &Items)| number == OTHER || items.iter().any(|(_, item)| is(item));
        narrow(bits, rows, column.rows.iter().zip((0..).zip(&column.values).map(may)));
    }

    /// The number of a row's value in each column.
    pub(super) fn codes(&self, row: u32) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().map(move |column| column.codes.get(row as usize).copied().unwrap_or(NONE))
    }

    /// The values of each column.
    pub(super) fn values(&self) -> Vec<(Field, &[Items])> {
        self.0.iter().map(|column| (column.field, &column.values[1..])).collect()
    }

    /// Columns with these values, which no row has yet; `None`: they are not of these columns.
    pub(super) fn with_values(values: Vec<(Field, Vec<Items>)>) -> Option<Self> {
        let mut columns = Self::default();
        let same = columns.0.iter().map(|column| column.field).eq(values.iter().map(|(field, _)| *field));
        for (column, (_, items)) in columns.0.iter_mut().zip(values) {
            for items in items {
                column.learn(items);
            }
        }
        same.then_some(columns)
    }

    /// Files a row under values that are known by number; `None`: there is no such value.
    pub(super) fn put_codes(&mut self, row: u32, mut codes: impl FnMut() -> Option<u32>) -> Option<()> {
        for column in &mut self.0 {
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
