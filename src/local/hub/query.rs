//! GetFindings: filters, order, pages.
//!
//! A page goes on where the one before ended: the token holds the place in the order. Without SortCriteria the order is that
//! of `CreatedAt` (AWS: undefined). Indexes only narrow what is looked at; every finding of a page was asked by
//! [`Filters::matches_with`], whatever index led to it. How a page is found among N findings of which M may match:
//!
//! - fields with few values (`store::columns`) and with many (words) leave M candidates, by sets of rows;
//! - along the order of time from the token's place, as long as candidates come often enough, some `WALK` steps;
//! - else by a look at the times of the M candidates, of which the first are taken: no sorting of all;
//! - any other order has an index from its first use on;
//! - filters by fields without an index cost a look at each candidate: a page ends early, with a token, after `LOOKS`.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::filter::{Field, Filters, Item, extract_raw};
use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{GetFindings, SortCriterion};
use crate::wire::sigv4::{hex, unhex};

use super::Hub;
use super::caller::Caller;
use super::page::page_size;
use super::store::Position;
use super::store::columns::Allowed;
use super::store::orders::{self, Key, Keys};
use super::store::set::Bits;

/// Findings that one page reads, at most; AWS documents that pages may be short, and empty.
const LOOKS: usize = 2_500;
/// Steps along an order before the candidates are gathered.
const WALK: usize = 20_000;
/// Up to so many candidates are a list.
const FEW: usize = 500;
/// So many are taken of gathered candidates at a time, if a page needs no more: some of them may not match.
const GATHER: usize = 2_000;
/// The place before the first.
const START: &str = "start";

/// One page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The findings' JSON.
    pub texts: Vec<Arc<str>>,
    /// More is to come, perhaps.
    pub next_token: Option<String>,
    /// What it cost.
    pub visited: Visited,
}

impl Page {
    /// The answer of GetFindings.
    pub fn body(&self) -> String {
        let mut body = String::with_capacity(self.texts.iter().map(|text| text.len() + 1).sum::<usize>() + 512);
        body.push_str("{\"Findings\":[");
        for (number, text) in self.texts.iter().enumerate() {
            if number > 0 {
                body.push(',');
            }
            body.push_str(text);
        }
        body.push(']');
        if let Some(token) = &self.next_token {
            // Tokens are hex and a dot: nothing to escape.
            body.push_str(",\"NextToken\":\"");
            body.push_str(token);
            body.push('"');
        }
        body.push('}');
        body
    }
}

/// The order of a read.
enum Order {
    Created { descending: bool },
    Updated { descending: bool },
    By(Keys),
}

impl Order {
    fn of(criteria: &[SortCriterion]) -> Result<Self, AwsError> {
        let mut keys = Vec::new();
        for criterion in criteria {
            let descending = match criterion.sort_order.as_deref() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(other) => {
                    return Err(AwsError::invalid_input(format!(
                        "Invalid parameter 'SortCriteria.SortOrder': {other} is neither asc nor desc"
                    )));
                }
            };
            let name = criterion.field.as_deref().unwrap_or("CreatedAt");
            let key = match Field::from_name(name) {
                Some(field @ (Field::CREATED_AT | Field::UPDATED_AT)) => Key::Time(field),
                Some(field) => Key::Field(field),
                None => Key::Pointer(format!("/{}", name.replace('.', "/"))),
            };
            keys.push((key, descending));
        }
        Ok(match keys.as_slice() {
            [] => Self::Created { descending: false },
            [(Key::Time(Field::CREATED_AT), descending)] => Self::Created { descending: *descending },
            [(Key::Time(Field::UPDATED_AT), descending)] => Self::Updated { descending: *descending },
            _ => Self::By(keys),
        })
    }
}

/// What a read may cost. Tests set it; everybody else has [`Cost::default`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Cost {
    /// Findings read, at most: a page that would take more ends early, with a token.
    pub(super) looks: usize,
    /// Places of an order walked along before the candidates are gathered instead.
    pub(super) walk: usize,
    /// Candidates that are a list.
    pub(super) few: usize,
    /// Candidates taken at a time.
    pub(super) gather: usize,
    /// Whether indexes are used; else every finding is a candidate.
    pub(super) indexes: bool,
}

impl Default for Cost {
    fn default() -> Self {
        Self { looks: LOOKS, walk: WALK, few: FEW, gather: GATHER, indexes: true }
    }
}

/// What a read did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Visited {
    /// Findings read.
    pub looks: usize,
    /// Places of orders and candidates passed by.
    pub rows: usize,
}

/// What is looked at, beside the order.
struct Search<'a> {
    filters: &'a Filters,
    fields: Vec<Field>,
    now: Timestamp,
    candidates: Candidates<'a>,
}

/// Rows that may match.
enum Candidates<'a> {
    /// These, ascending, as far as the columns let them through.
    Few(Vec<u32>, Vec<Allowed<'a>>),
    Many(Bits),
}

/// Windows of `CreatedAt` and `UpdatedAt` that hold every match, in milliseconds, inclusive.
#[derive(Clone, Copy)]
struct Windows {
    created: (i64, i64),
    updated: (i64, i64),
}

/// An order that is a time: its tree, and for each row the time.
struct Timed<'a> {
    tree: &'a BTreeSet<Position>,
    times: &'a [i64],
    /// Of this time.
    window: (i64, i64),
    /// The other time, and its window.
    other: (&'a [i64], (i64, i64)),
    descending: bool,
}

/// A page in the making.
struct Making {
    size: usize,
    looks: usize,
    texts: Vec<Arc<str>>,
    /// The place of the last finding of the page, or, when it ends early, of the last that was looked at.
    last: Option<String>,
    more: bool,
    visited: Visited,
}

impl Making {
    /// Takes the next candidate; false: the page is full, or has cost enough.
    fn offer(&mut self, text: impl FnOnce() -> Option<String>, place: impl FnOnce() -> String) -> bool {
        if self.visited.looks == self.looks {
            self.more = true;
            return false;
        }
        self.visited.looks += 1;
        match text() {
            Some(_) if self.texts.len() == self.size => {
                self.more = true;
                false
            }
            Some(text) => {
                self.texts.push(text.into());
                self.last = Some(place());
                true
            }
            None => {
                // The place of a miss counts only where the page ends early: an end that is found goes on from the last hit.
                if self.visited.looks == self.looks {
                    self.last = Some(place());
                }
                true
            }
        }
    }
}

impl Hub {
    /// GetFindings. `most`: fewer than asked for, as a service may answer; 0 makes an empty page.
    pub fn get_findings(
        &self,
        caller: &Caller,
        request: &GetFindings,
        now: Timestamp,
        most: Option<usize>,
    ) -> Result<Page, AwsError> {
        self.find_page(caller, request, now, most, Cost::default())
    }

    pub(super) fn find_page(
        &self,
        caller: &Caller,
        request: &GetFindings,
        now: Timestamp,
        most: Option<usize>,
        cost: Cost,
    ) -> Result<Page, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(request.max_results, PAGE_DEFAULT, PAGE_MAX)?;
        let raw_filters = request.filters.as_ref().filter(|filters| !filters.is_null());
        let filters = match raw_filters {
            Some(filters) => Filters::parse(filters).map_err(|error| AwsError::invalid_input(error.to_string()))?,
            None => Filters::default(),
        };
        let criteria = request.sort_criteria.as_deref().unwrap_or_default();
        let order = Order::of(criteria)?;
        let query = format!(
            "GetFindings {} {} {size} {} {}",
            caller.account,
            caller.region,
            raw_filters.unwrap_or(&Value::Null),
            json!(criteria)
        );
        let cursor = request.next_token.as_deref().map(|token| self.tokens.open(&query, token)).transpose()?;
        let cursor = cursor.filter(|cursor| cursor != START);
        let seen = self.view(caller, now).rows();
        let search = Search {
            candidates: self.candidates(seen, &filters, now, cost),
            fields: filters.fields().collect(),
            filters: &filters,
            now,
        };
        let windows = if cost.indexes && self.store.past().is_empty() { Windows::of(&filters, now) } else { Windows::ALL };
        let mut making = Making {
            size: most.map_or(size, |most| most.min(size)),
            looks: cost.looks,
            texts: Vec::new(),
            last: cursor.clone(),
            more: false,
            visited: Visited::default(),
        };
        let (created, by_created) = self.store.created();
        let (updated, by_updated) = self.store.updated();
        match order {
            Order::Created { descending } => {
                let other = (updated, windows.updated);
                let timed = Timed { tree: by_created, times: created, window: windows.created, other, descending };
                self.by_time(&search, &timed, cursor.as_deref(), cost, &mut making)?;
            }
            Order::Updated { descending } => {
                let other = (created, windows.created);
                let timed = Timed { tree: by_updated, times: updated, window: windows.updated, other, descending };
                self.by_time(&search, &timed, cursor.as_deref(), cost, &mut making)?;
            }
            Order::By(keys) => self.by_keys(&search, &keys, windows, cursor.as_deref(), &mut making)?,
        }
        let Making { texts, last, more, visited, .. } = making;
        let next_token = more.then(|| self.tokens.seal(&query, last.as_deref().unwrap_or(START)));
        Ok(Page { texts, next_token, visited })
    }

    /// Of what the caller sees and the filters choose: how many findings have each value of `field`.
    pub(super) fn count_by(&self, caller: &Caller, filters: &Filters, field: Field, now: Timestamp) -> BTreeMap<String, u64> {
        let seen = self.view(caller, now).rows();
        let fields: Vec<Field> = filters.fields().chain([field]).collect();
        let mut counts = BTreeMap::new();
        for row in self.candidates(seen, filters, now, Cost::default()).iter() {
            let text = self.store.seen(row, now, self.lag);
            let Some(values) = text.and_then(|text| extract_raw(&text, &fields).ok()) else { continue };
            if !filters.matches_with(&values, now, self.switches.missing_field) {
                continue;
            }
            let of_field = values.iter().filter(|(of, _)| *of == field);
            let texts: BTreeSet<String> = of_field
                .filter_map(|(_, item)| match item.as_item() {
                    Item::Text(text) => Some(text.to_owned()),
                    Item::Number(number) => Some(number.to_string()),
                    Item::Flag(flag) => Some(flag.to_string()),
                    Item::Entry(..) => None,
                })
                // The model has no group without a name.
                .filter(|text| !text.trim().is_empty())
                .collect();
            for text in texts {
                *counts.entry(text).or_default() += 1;
            }
        }
        counts
    }

    /// Walks along the order as long as that is cheap; then gathers the candidates and takes the first of them.
    fn by_time(
        &self,
        search: &Search<'_>,
        timed: &Timed<'_>,
        cursor: Option<&str>,
        cost: Cost,
        making: &mut Making,
    ) -> Result<(), AwsError> {
        let mut after: Option<Position> = match cursor {
            None => None,
            Some(cursor) => {
                let (time, row) = cursor.split_once(' ').ok_or_else(AwsError::query_changed)?;
                let parsed = time.parse().ok().zip(row.parse().ok());
                Some(parsed.ok_or_else(AwsError::query_changed)?)
            }
        };
        let place = |(time, row): Position| format!("{time} {row}");
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
                if search.candidates.has(row) && timed.fits(row) && !making.offer(|| self.look(search, row), || place(position)) {
                    return Ok(());
                }
            }
            if steps < cost.walk {
                return Ok(());
            }
        }
        loop {
            let mut first = First::new(making.size.max(cost.gather) + 1, timed.descending);
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
                if !making.offer(|| self.look(search, position.1), || place(position)) {
                    return Ok(());
                }
            }
            if all {
                return Ok(());
            }
        }
    }

    /// Any other order: an index that was made when it was first asked for.
    fn by_keys(
        &self,
        search: &Search<'_>,
        keys: &Keys,
        windows: Windows,
        cursor: Option<&str>,
        making: &mut Making,
    ) -> Result<(), AwsError> {
        let after: Option<orders::Position> = match cursor {
            None => None,
            Some(cursor) => {
                let (key, row) = cursor.split_once(' ').ok_or_else(AwsError::query_changed)?;
                let parsed = unhex(key).zip(row.parse().ok());
                let (key, row) = parsed.ok_or_else(AwsError::query_changed)?;
                Some((key.into(), row))
            }
        };
        let place = |(key, row): &orders::Position| format!("{} {row}", hex(key));
        let (created, updated) = (self.store.created().0, self.store.updated().0);
        let fits = |row: u32| within(created, row, windows.created) && within(updated, row, windows.updated);
        if let Candidates::Few(..) = search.candidates {
            let mut positions: Vec<orders::Position> = search
                .candidates
                .iter()
                .filter_map(|row| Some((orders::bytes(&self.store.get(row)?.value()?, keys), row)))
                .filter(|position| fits(position.1) && after.as_ref().is_none_or(|after| position > after))
                .collect();
            making.visited.rows += positions.len();
            positions.sort_unstable();
            for position in &positions {
                if !making.offer(|| self.look(search, position.1), || place(position)) {
                    return Ok(());
                }
            }
            return Ok(());
        }
        let mut made = self.store.orders();
        let all = || self.store.rows().into_iter().filter_map(|row| Some((row, self.store.get(row)?.value()?)));
        let order = made.get(keys, all);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        for position in order.range((from, Bound::Unbounded)) {
            making.visited.rows += 1;
            let row = position.1;
            if search.candidates.has(row) && fits(row) && !making.offer(|| self.look(search, row), || place(position)) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The finding as it is seen, if it is and matches.
    fn look(&self, search: &Search<'_>, row: u32) -> Option<String> {
        let text = self.store.seen(row, search.now, self.lag)?;
        if search.filters.is_empty() {
            return Some(text);
        }
        let values = extract_raw(&text, &search.fields).ok()?;
        search.filters.matches_with(&values, search.now, self.switches.missing_field).then_some(text)
    }

    /// Of the rows that are seen, those that may match. Rows of which a read that lags sees an older version than the one that
    /// is filed always may.
    fn candidates(&self, mut seen: Bits, filters: &Filters, now: Timestamp, cost: Cost) -> Candidates<'_> {
        if !cost.indexes {
            return Candidates::Many(seen);
        }
        let missing = self.switches.missing_field;
        let allowed = self.store.columns().allowed(filters, now, missing);
        let lists = self.store.with_words(filters);
        let size = self.store.size();
        let lagging = (!self.store.past().is_empty()).then(|| {
            let mut lagging = Bits::none(size);
            for row in self.store.past().rows() {
                lagging.insert(row);
            }
            lagging.keep(&seen);
            lagging
        });
        if let (Some(list), None) = (lists.first().filter(|list| list.len() <= cost.few), &lagging) {
            let rest = lists.get(1..).unwrap_or_default();
            let in_all = |row: &u32| seen.has(*row) && rest.iter().all(|list| list.binary_search(row).is_ok());
            return Candidates::Few(list.iter().copied().filter(in_all).collect(), allowed);
        }
        for list in &lists {
            let mut bits = Bits::none(size);
            for row in list {
                bits.insert(*row);
            }
            seen.keep(&bits);
        }
        for allowed in &allowed {
            allowed.narrow(&mut seen, size);
        }
        if let Some(lagging) = &lagging {
            seen.add_bits(lagging);
        } else if seen.count() <= cost.few {
            return Candidates::Few(seen.iter().collect(), Vec::new());
        }
        Candidates::Many(seen)
    }
}

impl Candidates<'_> {
    fn has(&self, row: u32) -> bool {
        match self {
            Self::Few(rows, allowed) => rows.binary_search(&row).is_ok() && allowed.iter().all(|allowed| allowed.has(row)),
            Self::Many(bits) => bits.has(row),
        }
    }

    /// Ascending.
    fn iter(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Few(rows, allowed) => {
                Box::new(rows.iter().copied().filter(|row| allowed.iter().all(|allowed| allowed.has(*row))))
            }
            Self::Many(bits) => Box::new(bits.iter()),
        }
    }
}

impl Windows {
    const ALL: Self = Self { created: (i64::MIN, i64::MAX), updated: (i64::MIN, i64::MAX) };

    fn of(filters: &Filters, now: Timestamp) -> Self {
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

fn within(times: &[i64], row: u32, (start, end): (i64, i64)) -> bool {
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

/// The first so many of what is offered.
struct First {
    most: usize,
    descending: bool,
    /// Twice as many at most, before all but the first are dropped.
    kept: Vec<Position>,
    dropped: bool,
}

impl First {
    fn new(most: usize, descending: bool) -> Self {
        Self { most, descending, kept: Vec::with_capacity(2 * most), dropped: false }
    }

    fn compare(descending: bool, a: &Position, b: &Position) -> Ordering {
        if descending { b.cmp(a) } else { a.cmp(b) }
    }

    fn offer(&mut self, position: Position) {
        // Once some were dropped, what comes after the worst of the first is none of them.
        if self.dropped
            && self.kept.get(self.most - 1).is_some_and(|worst| Self::compare(self.descending, &position, worst).is_gt())
        {
            return;
        }
        self.kept.push(position);
        if self.kept.len() == 2 * self.most {
            self.drop_rest();
        }
    }

    fn drop_rest(&mut self) {
        if self.kept.len() > self.most {
            let descending = self.descending;
            self.kept.select_nth_unstable_by(self.most - 1, |a, b| Self::compare(descending, a, b));
            self.kept.truncate(self.most);
            self.dropped = true;
        }
    }

    /// In order, and whether these are all.
    fn sorted(mut self) -> (Vec<Position>, bool) {
        self.drop_rest();
        let descending = self.descending;
        self.kept.sort_unstable_by(|a, b| Self::compare(descending, a, b));
        (self.kept, !self.dropped)
    }
}
