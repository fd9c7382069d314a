//! The findings: a packed JSON text each, and beside it what queries order and select by.
//!
//! Text and not a tree: a page is served by joining texts, an event by splicing one in. A finding is a row; a row that was
//! removed is used again. Indexes only narrow what a query looks at (see `query`): `columns` for fields with few values, words
//! for those with many (ids, tags), trees for times and other orders.
//!
//! Bounds: nothing here grows but with findings. Older versions for reads that lag are at most [`past`]'s number.

pub mod columns;
pub mod orders;
pub mod pack;
pub mod past;
pub mod rounds;
mod saved;
pub mod set;
pub mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::core::filter::{Field, OwnedItem, extract_raw, timestamp};
use crate::core::ids::{AccountId, Region};
use crate::local::clock::before;

use super::lifetime::{Ends, Lifetimes};
use columns::Columns;
use orders::Orders;
use pack::{Packed, Packer};
use past::{Past, Seen};
use rounds::Rounds;
use set::{Bits, Set};
use words::Words;

/// A time in milliseconds, then the row.
pub type Position = (i64, u32);

/// The top-level fields with a twin in `FindingProviderFields`.
pub const TWINS: [&str; 5] = ["Confidence", "Criticality", "RelatedFindings", "Severity", "Types"];

const HOUR: i64 = 3_600_000;

/// One finding, as it is kept.
#[derive(Debug)]
struct Kept {
    packed: Packed,
    /// Number of its owner and Region.
    place: u32,
    /// Which of [`TWINS`] are the customer's now, a bit each.
    customers: u8,
    /// When the hub got it.
    made: Timestamp,
}

/// One finding.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Owner.
    pub account: AccountId,
    /// Where it was made.
    pub region: &'a Region,
    /// `CreatedAt` in milliseconds.
    pub created: i64,
    /// `UpdatedAt` in milliseconds.
    pub updated: i64,
    /// When the hub got it.
    pub made: Timestamp,
    kept: &'a Kept,
    packer: &'a Packer,
}

impl Row<'_> {
    /// Its JSON.
    pub fn text(&self) -> String {
        self.packer.unpack(&self.kept.packed).unwrap_or_default()
    }

    /// It as a tree.
    pub fn value(&self) -> Option<Value> {
        serde_json::from_str(&self.text()).ok()
    }

    /// Whether this twin of `FindingProviderFields` is the customer's.
    pub fn is_customers(&self, twin: &str) -> bool {
        twin_bit(twin) & self.kept.customers != 0
    }
}

fn twin_bit(name: &str) -> u8 {
    TWINS.iter().position(|twin| *twin == name).map_or(0, |place| 1 << place)
}

/// Owners and Regions of findings, by number.
#[derive(Debug, Default)]
struct Places {
    numbers: BTreeMap<(AccountId, Region), u32>,
    places: Vec<((AccountId, Region), Set)>,
}

impl Places {
    fn number(&mut self, account: AccountId, region: &Region) -> u32 {
        let next = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let place = (account, region.clone());
        *self.numbers.entry(place.clone()).or_insert_with(|| {
            self.places.push((place, Set::default()));
            next
        })
    }

    fn get(&self, number: u32) -> Option<&((AccountId, Region), Set)> {
        self.places.get(number as usize)
    }

    fn set(&mut self, number: u32) -> Option<&mut Set> {
        self.places.get_mut(number as usize).map(|(_, set)| set)
    }
}

/// All findings.
#[derive(Debug, Default)]
pub struct Store {
    packer: Packer,
    rows: Vec<Option<Kept>>,
    /// Rows without a finding.
    free: Vec<u32>,
    live: Set,
    places: Places,
    /// `CreatedAt`, `UpdatedAt` and `ProcessedAt` in milliseconds, by row.
    created: Vec<i64>,
    updated: Vec<i64>,
    processed: Vec<i64>,
    by_created: BTreeSet<Position>,
    by_updated: BTreeSet<Position>,
    columns: Columns,
    words: Words,
    rounds: Rounds,
    orders: Mutex<Orders>,
    past: Past,
    lifetimes: Lifetimes,
    /// The hour in which a row's time is up, by row; and the rows by hour.
    hours: Vec<i32>,
    ends: BTreeMap<i32, Set>,
}

/// The hour of a row whose time is never up.
const NEVER: i32 = i32::MAX;

impl Store {
    /// Number of findings.
    pub fn len(&self) -> usize {
        self.live.len()
    }

    /// Whether there is no finding.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The finding of row `row`.
    pub fn get(&self, row: u32) -> Option<Row<'_>> {
        let kept = self.rows.get(row as usize)?.as_ref()?;
        let ((account, region), _) = self.places.get(kept.place)?;
        let time = |times: &[i64]| times.get(row as usize).copied().unwrap_or_default();
        let (created, updated) = (time(&self.created), time(&self.updated));
        Some(Row { account: *account, region, created, updated, made: kept.made, kept, packer: &self.packer })
    }

    /// The finding as a read sees it that lags behind by `lag`; `None`: not there, or not yet.
    pub fn seen(&self, row: u32, now: Timestamp, lag: Duration) -> Option<String> {
        match self.past.seen(row, before(now, lag)) {
            Seen::Newest => Some(self.get(row)?.text()),
            Seen::Old(old) => self.packer.unpack(old?),
        }
    }

    /// Every row, ascending.
    pub fn rows(&self) -> Vec<u32> {
        self.live.iter().collect()
    }

    /// Those with this Id and ProductArn: one per owner, in the order of their rows.
    pub fn find(&self, id: &str, product_arn: &str) -> Vec<(u32, Row<'_>)> {
        let same = |row: &Row<'_>| {
            let values = extract_raw(&row.text(), &[Field::ID, Field::PRODUCT_ARN]).unwrap_or_default();
            let is = |field: Field, text: &str| {
                let wanted = |(of, item): &(Field, OwnedItem)| *of == field && *item == OwnedItem::Text(text.into());
                values.iter().any(wanted)
            };
            is(Field::ID, id) && is(Field::PRODUCT_ARN, product_arn)
        };
        self.words.with(Field::ID, id).filter_map(|row| Some((row, self.get(row)?))).filter(|(_, row)| same(row)).collect()
    }

    /// Files a finding that is new; gives its row. `lag`: as [`Store::replace`].
    pub fn add(&mut self, account: AccountId, region: &Region, finding: &Value, now: Timestamp, lag: Duration) -> Option<u32> {
        let row = if let Some(row) = self.free.pop() {
            row
        } else {
            let row = u32::try_from(self.rows.len()).ok().filter(|row| *row < u32::MAX)?;
            self.rows.push(None);
            for times in [&mut self.created, &mut self.updated, &mut self.processed] {
                times.push(0);
            }
            self.hours.push(NEVER);
            row
        };
        let place = self.places.number(account, region);
        let packed = self.packer.pack(&kind(finding), &finding.to_string());
        if let Some(kept) = self.rows.get_mut(row as usize) {
            *kept = Some(Kept { packed, place, customers: 0, made: now });
        }
        self.live.insert(row);
        if let Some(set) = self.places.set(place) {
            set.insert(row);
        }
        self.file(row, None, finding);
        if let Some(control) = checked_by(finding) {
            self.rounds.add(row, account, region, control);
        }
        self.past.written(row, None, now, lag);
        Some(row)
    }

    /// Writes a finding anew, which was `old`. The old text is kept as long as a read that lags behind by `lag` may see it.
    pub fn replace(&mut self, row: u32, old: &Value, new: &Value, now: Timestamp, lag: Duration) {
        let packed = self.packer.pack(&kind(new), &new.to_string());
        let Some(Some(kept)) = self.rows.get_mut(row as usize) else { return };
        let before = std::mem::replace(&mut kept.packed, packed);
        self.file(row, Some(old), new);
        self.past.written(row, Some(before), now, lag);
    }

    /// These twins are the customer's from now on.
    pub fn give_to_customer(&mut self, row: u32, twins: &[&'static str]) {
        if let Some(Some(kept)) = self.rows.get_mut(row as usize) {
            kept.customers |= twins.iter().map(|twin| twin_bit(twin)).fold(0, |bits, bit| bits | bit);
        }
    }

    /// Forgets a finding.
    pub fn remove(&mut self, row: u32) {
        let Some(finding) = self.get(row).and_then(|row| row.value()) else { return };
        self.unschedule(row);
        let Some(kept) = self.rows.get_mut(row as usize).and_then(Option::take) else { return };
        if let Some(set) = self.places.set(kept.place) {
            set.remove(row);
        }
        if let (Some(control), Some(((account, region), _))) = (checked_by(&finding), self.places.get(kept.place)) {
            self.rounds.remove(row, *account, region, control);
        }
        self.live.remove(row);
        let time = |times: &[i64]| times.get(row as usize).copied().unwrap_or_default();
        self.by_created.remove(&(time(&self.created), row));
        self.by_updated.remove(&(time(&self.updated), row));
        self.words.put(row, Some(&finding), None);
        self.columns.remove(row);
        self.orders().changed(row, Some(&finding), None);
        self.past.remove(row);
        self.free.push(row);
    }

    /// Files a row under what its finding says, where the finding was `old` (`None`: new).
    fn file(&mut self, row: u32, old: Option<&Value>, new: &Value) {
        self.unschedule(row);
        let place = row as usize;
        for (name, times, tree) in
            [("CreatedAt", &mut self.created, &mut self.by_created), ("UpdatedAt", &mut self.updated, &mut self.by_updated)]
        {
            let Some(time) = times.get_mut(place) else { continue };
            let is = millis(new, name);
            if old.is_some() && *time != is {
                tree.remove(&(*time, row));
            }
            tree.insert((is, row));
            *time = is;
        }
        if let Some(time) = self.processed.get_mut(place) {
            *time = millis(new, "ProcessedAt");
        }
        self.columns.put(row, new);
        self.words.put(row, old, Some(new));
        self.orders().changed(row, old, Some(new));
        self.schedule(row, new);
    }

    /// Rows by values of which there are many.
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// When checks run.
    pub fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    /// Every row whose owner and Region `keep` wants.
    pub fn of_places(&self, keep: impl Fn(AccountId, &Region) -> bool) -> Bits {
        let rows = self.rows.len();
        let mut bits = Bits::none(rows);
        bits.add(&self.live);
        let sets = self.places.places.iter().map(|((account, region), set)| (set, keep(*account, region)));
        columns::narrow(&mut bits, rows, sets);
        bits
    }

    /// The findings of a control in the places that `keep` wants, oldest `CreatedAt` first; ids of controls have no case.
    pub fn of_control(
        &self,
        control: &str,
        keep: impl Fn(AccountId, &Region) -> bool,
    ) -> impl Iterator<Item = (u32, Row<'_>, Value)> {
        let control = control.to_owned();
        let mut bits = self.of_places(keep);
        let named = |item: &OwnedItem| matches!(item, OwnedItem::Text(text) if text.eq_ignore_ascii_case(&control));
        self.columns.narrow(&mut bits, self.rows.len(), Field::COMPLIANCE_SECURITY_CONTROL_ID, named);
        let mut positions: Vec<Position> =
            bits.iter().map(|row| (self.created.get(row as usize).copied().unwrap_or_default(), row)).collect();
        positions.sort_unstable();
        positions.into_iter().filter_map(move |(_, row)| {
            let (stored, finding) = self.get(row).and_then(|stored| Some((stored, stored.value()?)))?;
            // The column may let others through.
            let of = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str)?;
            of.eq_ignore_ascii_case(&control).then_some((row, stored, finding))
        })
    }

    /// Number of rows, free ones included: the size of [`Bits`].
    pub fn size(&self) -> usize {
        self.rows.len()
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Rows of which a read that lags may see an older version than the one that is filed.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// Times of all rows, and the rows in their order.
    pub fn created(&self) -> (&[i64], &BTreeSet<Position>) {
        (&self.created, &self.by_created)
    }

    /// Times of all rows, and the rows in their order.
    pub fn updated(&self) -> (&[i64], &BTreeSet<Position>) {
        (&self.updated, &self.by_updated)
    }

    /// `ProcessedAt` in milliseconds, by row.
    pub fn processed(&self) -> &[i64] {
        &self.processed
    }

    /// Orders that are no time.
    pub fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// See [`super::Hub::texts`].
    pub fn sorted_texts(&self) -> Vec<String> {
        let mut all: Vec<_> = self
            .live
            .iter()
            .filter_map(|row| {
                let found = self.get(row)?;
                let text = found.text();
                let finding: Value = serde_json::from_str(&text).ok()?;
                let key = [self::text(&finding, "ProductArn"), self::text(&finding, "Id")].map(str::to_owned);
                Some(((key, found.account, found.region), text))
            })
            .collect();
        all.sort();
        all.into_iter().map(|(_, text)| text).collect()
    }

    /// Other lifetimes from now on.
    pub fn set_lifetimes(&mut self, lifetimes: Lifetimes) {
        if self.lifetimes == lifetimes {
            return;
        }
        self.lifetimes = lifetimes;
        for row in self.rows() {
            self.unschedule(row);
            if let Some(finding) = self.get(row).and_then(|row| row.value()) {
                self.schedule(row, &finding);
            }
        }
    }

    /// Up to `most` rows whose time is up at `now`, with what becomes of them.
    pub fn ended(&self, now: Timestamp, most: usize) -> Vec<(u32, Ends)> {
        let rows = self.ends.range(..hour(now.as_millisecond())).flat_map(|(_, set)| set.iter()).take(most);
        rows.filter_map(|row| Some((row, self.end(row, &self.get(row)?.value()?)?.1))).collect()
    }

    /// When the next row's time is up: the hour is over then.
    pub fn next_end(&self) -> Option<Timestamp> {
        let (hour, _) = self.ends.first_key_value()?;
        Timestamp::from_millisecond((i64::from(*hour) + 1) * HOUR).ok()
    }

    fn end(&self, row: u32, finding: &Value) -> Option<(i64, Ends)> {
        let time = |times: &[i64]| times.get(row as usize).copied().unwrap_or_default();
        self.lifetimes.end(finding, time(&self.updated), time(&self.processed))
    }

    fn schedule(&mut self, row: u32, finding: &Value) {
        let Some((at, _)) = self.end(row, finding) else { return };
        let hour = hour(at);
        if let Some(kept) = self.hours.get_mut(row as usize) {
            *kept = hour;
            self.ends.entry(hour).or_default().insert(row);
        }
    }

    fn unschedule(&mut self, row: u32) {
        let Some(hour) = self.hours.get_mut(row as usize).map(|hour| std::mem::replace(hour, NEVER)) else { return };
        if let Some(set) = self.ends.get_mut(&hour) {
            set.remove(row);
            if set.is_empty() {
                self.ends.remove(&hour);
            }
        }
    }
}

/// Hours since 1970.
fn hour(millis: i64) -> i32 {
    i32::try_from(millis.div_euclid(HOUR)).unwrap_or(NEVER - 1)
}

/// The end of the ProductArn of control findings.
pub const CONTROLS: &str = ":product/aws/securityhub";

/// The control whose check a finding is of; `None`: no check stands behind it.
fn checked_by(finding: &Value) -> Option<&str> {
    let control = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str);
    control.filter(|_| text(finding, "ProductArn").ends_with(CONTROLS))
}

/// What a finding is packed with.
fn kind(finding: &Value) -> String {
    let product = text(finding, "ProductArn").split_once("product/").map_or("", |(_, product)| product);
    let control = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str).unwrap_or_default();
    let kind = finding.pointer("/Types/0").and_then(Value::as_str).unwrap_or_default();
    let resource = finding.pointer("/Resources/0/Type").and_then(Value::as_str).unwrap_or_default();
    format!("{product} {control} {kind} {resource}")
}

/// A string member at the top; empty if there is none.
pub fn text<'a>(finding: &'a Value, name: &str) -> &'a str {
    finding.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn millis(finding: &Value, name: &str) -> i64 {
    timestamp(text(finding, name)).map_or(0, Timestamp::as_millisecond)
}
