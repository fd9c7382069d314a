//! GetFindings: filters, order, pages.
//!
//! A page goes on where the one before ended: the token holds the place in the order. Without SortCriteria the order is that
//! of `CreatedAt` (AWS: undefined). Indexes only narrow what is looked at; every finding of a page was asked by
//! [`Filters::matches_with`], whatever index led to it. How a page is found among N findings of which M may match:
//!
//! - fields with few values (`store::columns`) and with many (words) leave M candidates, by sets of rows;
//! - along the order of time from the token's place, as long as candidates come often enough, some `WALK` steps;
//! - else by a look at the times of the M candidates, of which the first are taken: no sorting of all;
//! - any other order by columns and times is that of its values; a stranger one has an index from its first use on;
//! - filters by fields without an index cost a look at each candidate: a page ends early, with a token, after `LOOKS`.

mod by_keys;
mod by_time;
mod first;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::filter::{Field, Filters, Item, OwnedItem, extract_raw};
use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{GetFindings, SortCriterion};

use super::Hub;
use super::caller::Caller;
use super::page::page_size;
use super::store::columns::Allowed;
use super::store::orders::{Key, Keys};
use super::store::set::Bits;
use super::store::words::Holders;
use by_time::{Timed, Windows};

/// Findings that one page reads, at most; AWS documents that pages may be short, and empty.
const LOOKS: usize = 2_000;
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
                None if let Some(field) = Field::at(name) => Key::Field(field),
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

/// A page in the making.
struct Making {
    size: usize,
    looks: usize,
    texts: Vec<Arc<str>>,
    /// The last finding of the page, or, when it ends early, the last that was looked at.
    last: Option<u32>,
    more: bool,
    visited: Visited,
}

impl Making {
    /// Takes the next candidate; false: the page is full, or has cost enough.
    fn offer(&mut self, row: u32, text: impl FnOnce() -> Option<String>) -> bool {
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
                self.last = Some(row);
                true
            }
            None => {
                // The place of a miss counts only where the page ends early: an end that is found goes on from the last hit.
                if self.visited.looks == self.looks {
                    self.last = Some(row);
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
            last: None,
            more: false,
            visited: Visited::default(),
        };
        let (created, by_created) = self.store.created();
        let (updated, by_updated) = self.store.updated();
        match &order {
            Order::Created { descending } => {
                let (other, descending) = ((updated, windows.updated), *descending);
                let timed = Timed { tree: by_created, times: created, window: windows.created, other, descending };
                self.by_time(&search, &timed, cursor.as_deref(), cost, &mut making)?;
            }
            Order::Updated { descending } => {
                let (other, descending) = ((created, windows.created), *descending);
                let timed = Timed { tree: by_updated, times: updated, window: windows.updated, other, descending };
                self.by_time(&search, &timed, cursor.as_deref(), cost, &mut making)?;
            }
            Order::By(keys) => self.by_keys(&search, keys, windows, cursor.as_deref(), cost, &mut making)?,
        }
        let Making { texts, last, more, visited, .. } = making;
        let place = last.and_then(|row| match &order {
            Order::Created { .. } => Some(by_time::place(created, row)),
            Order::Updated { .. } => Some(by_time::place(updated, row)),
            Order::By(keys) => self.place_by_keys(keys, row),
        });
        let next_token = more.then(|| self.tokens.seal(&query, place.as_deref().or(cursor.as_deref()).unwrap_or(START)));
        Ok(Page { texts, next_token, visited })
    }

    /// Of all accounts and Regions: the rows that may match, ascending.
    pub(super) fn rows_that_may_match(&self, filters: &Filters, now: Timestamp) -> Vec<u32> {
        self.candidates(self.store.of_places(|_, _| true), filters, now, Cost::default()).iter().collect()
    }

    /// Of what the caller sees and the filters choose: how many findings have each value of `field`.
    pub(super) fn count_by(&self, caller: &Caller, filters: &Filters, field: Field, now: Timestamp) -> BTreeMap<String, u64> {
        let candidates = self.candidates(self.view(caller, now).rows(), filters, now, Cost::default());
        let columns = self.store.columns();
        let mut counts = BTreeMap::new();
        let mut add = |items: &mut dyn Iterator<Item = &OwnedItem>, count: u64| {
            let texts: BTreeSet<String> = items
                .filter_map(|item| match item.as_item() {
                    Item::Text(text) => Some(text.to_owned()),
                    Item::Number(number) => Some(number.to_string()),
                    Item::Flag(flag) => Some(flag.to_string()),
                    Item::Entry(..) => None,
                })
                // The model has no group without a name.
                .filter(|text| !text.trim().is_empty())
                .collect();
            for text in texts {
                *counts.entry(text).or_default() += count;
            }
        };
        // What lags behind is in no column.
        let decided = self.store.past().is_empty() && columns.decide(filters);
        if decided && let Some(values) = columns.count(field, candidates.iter()) {
            for (items, count) in values {
                add(&mut items.iter().map(|(_, item)| item), count);
            }
            return counts;
        }
        let asked = filters.fields().filter(|_| !decided);
        let fields: Vec<Field> = asked.chain([field]).collect();
        for row in candidates.iter() {
            let text = self.store.seen(row, now, self.lag);
            let Some(values) = text.and_then(|text| extract_raw(&text, &fields).ok()) else { continue };
            if decided || filters.matches_with(&values, now, self.switches.missing_field) {
                add(&mut values.iter().filter(|(of, _)| *of == field).map(|(_, item)| item), 1);
            }
        }
        counts
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
        let size = self.store.size();
        let holders = self.store.words().holders(filters, cost.few, size);
        let lagging = (!self.store.past().is_empty()).then(|| {
            let mut lagging = Bits::none(size);
            for row in self.store.past().rows() {
                lagging.insert(row);
            }
            lagging.keep(&seen);
            lagging
        });
        if let ([Holders::Few(list), rest @ ..], None) = (holders.as_slice(), &lagging) {
            let in_all = |row: &u32| seen.has(*row) && rest.iter().all(|holders| holders.has(*row));
            return Candidates::Few(list.iter().copied().filter(in_all).collect(), allowed);
        }
        for holders in &holders {
            match holders {
                Holders::Many(bits) => seen.keep(bits),
                Holders::Few(rows) => {
                    let mut bits = Bits::none(size);
                    for row in rows {
                        bits.insert(*row);
                    }
                    seen.keep(&bits);
                }
            }
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
