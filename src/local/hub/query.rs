//! GetFindings: filters, order, pages.
//!
//! A page goes on where the one before ended: the token holds the place in the order, so that reading N findings costs N
//! looks and not N per page. Without SortCriteria the order is that of `CreatedAt` (AWS: undefined).

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::filter::{Field, Filters, Item, extract_raw, timestamp};
use crate::core::ids::Region;
use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{GetFindings, SortCriterion};

use super::Hub;
use super::caller::Caller;
use super::organization::View;
use super::page::page_size;
use super::store::Position;

/// One page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The findings' JSON.
    pub texts: Vec<Arc<str>>,
    /// More is to come, perhaps.
    pub next_token: Option<String>,
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
    By(Vec<(Key, bool)>),
}

/// What one criterion compares.
enum Key {
    Created,
    Updated,
    Field(Field),
    /// A JSON pointer: names that are no filter's.
    Pointer(String),
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
            let key = match (name, Field::from_name(name)) {
                ("CreatedAt", _) => Key::Created,
                ("UpdatedAt", _) => Key::Updated,
                (_, Some(field)) => Key::Field(field),
                (_, None) => Key::Pointer(format!("/{}", name.replace('.', "/"))),
            };
            keys.push((key, descending));
        }
        Ok(match keys.as_slice() {
            [] => Self::Created { descending: false },
            [(Key::Created, descending), ..] => Self::Created { descending: *descending },
            _ => Self::By(keys),
        })
    }
}

/// What is looked at, beside the order.
struct Search<'a> {
    view: View,
    filters: &'a Filters,
    fields: Vec<Field>,
    now: Timestamp,
    /// `CreatedAt` in milliseconds, inclusive.
    window: (i64, i64),
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
        let search = Search {
            view: self.organization.view(caller.account, &caller.region),
            fields: filters.fields().collect(),
            filters: &filters,
            now,
            window: created_window(raw_filters),
        };
        let size = most.map_or(size, |most| most.min(size));
        let (texts, end) = match order {
            Order::Created { descending } => self.by_created(&search, cursor.as_deref(), descending, size)?,
            Order::By(keys) => self.by_keys(&search, cursor.as_deref(), &keys, size)?,
        };
        let next_token = end.map(|cursor| self.tokens.seal(&query, &cursor));
        Ok(Page { texts, next_token })
    }

    fn by_created(
        &self,
        search: &Search<'_>,
        cursor: Option<&str>,
        descending: bool,
        size: usize,
    ) -> Result<(Vec<Arc<str>>, Option<String>), AwsError> {
        let after: Option<Position> = match cursor {
            None | Some("start") => None,
            Some(cursor) => {
                let (created, seq) = cursor.split_once(' ').ok_or_else(AwsError::query_changed)?;
                Some((
                    created.parse().map_err(|_| AwsError::query_changed())?,
                    seq.parse().map_err(|_| AwsError::query_changed())?,
                ))
            }
        };
        let candidates = self.candidates(search);
        let mut texts = Vec::with_capacity(size);
        let mut last = cursor.unwrap_or("start").to_owned();
        for (created, seq) in candidates.walk(search.window, after, descending) {
            if let Some(text) = self.look(search, seq) {
                if texts.len() == size {
                    return Ok((texts, Some(last)));
                }
                texts.push(text.clone());
                last = format!("{created} {seq}");
            }
        }
        Ok((texts, None))
    }

    /// Any other order: sorted for every page. Keys that are at hand need no look at the finding.
    fn by_keys(
        &self,
        search: &Search<'_>,
        cursor: Option<&str>,
        keys: &[(Key, bool)],
        size: usize,
    ) -> Result<(Vec<Arc<str>>, Option<String>), AwsError> {
        let after: Option<(Vec<Value>, u32)> = match cursor {
            None | Some("start") => None,
            Some(cursor) => Some(serde_json::from_str(cursor).map_err(|_| AwsError::query_changed())?),
        };
        let at_hand = keys.iter().all(|(key, _)| matches!(key, Key::Created | Key::Updated));
        let mut rows: Vec<(Vec<Value>, u32)> = self
            .candidates(search)
            .walk(search.window, None, false)
            .filter(|(_, seq)| at_hand || self.look(search, *seq).is_some())
            .map(|(_, seq)| (keys.iter().map(|(key, _)| self.key(search, seq, key)).collect(), seq))
            .collect();
        rows.sort_by(|a, b| compare(a, b, keys));
        let start = after.map_or(0, |after| rows.partition_point(|row| compare(row, &after, keys) != Ordering::Greater));
        let mut texts = Vec::with_capacity(size);
        let mut last = cursor.unwrap_or("start").to_owned();
        for row in rows.iter().skip(start) {
            if let Some(text) = self.look(search, row.1) {
                if texts.len() == size {
                    return Ok((texts, Some(last)));
                }
                texts.push(text.clone());
                last = json!(row).to_string();
            }
        }
        Ok((texts, None))
    }

    /// The finding as it is seen, if it is and matches.
    fn look(&self, search: &Search<'_>, seq: u32) -> Option<&Arc<str>> {
        let entry = self.store.get(seq)?;
        if !search.view.sees(entry.account, &entry.region) || !self.is_enabled(entry.account, &entry.region) {
            return None;
        }
        let text = entry.seen(search.now, self.lag)?;
        if search.filters.is_empty() {
            return Some(text);
        }
        let values = extract_raw(text, &search.fields).ok()?;
        search.filters.matches_with(&values, search.now, self.switches.missing_field).then_some(text)
    }

    fn key(&self, search: &Search<'_>, seq: u32, key: &Key) -> Value {
        let Some(entry) = self.store.get(seq) else { return Value::Null };
        let text = || entry.seen(search.now, self.lag);
        match key {
            Key::Created => entry.created.into(),
            Key::Updated => entry.updated.into(),
            Key::Field(field) => {
                let values = text().and_then(|text| extract_raw(text, &[*field]).ok()).unwrap_or_default();
                values.first().map_or(Value::Null, |(_, item)| match item.as_item() {
                    Item::Text(text) => text.into(),
                    Item::Entry(name, value) => format!("{name}={value}").into(),
                    Item::Number(number) => number.into(),
                    Item::Flag(flag) => flag.into(),
                })
            }
            Key::Pointer(pointer) => {
                let finding: Option<Value> = text().and_then(|text| serde_json::from_str(text).ok());
                finding.and_then(|finding| finding.pointer(pointer).cloned()).unwrap_or_default()
            }
        }
    }

    /// The fewest positions that surely hold every match.
    fn candidates<'a>(&'a self, search: &'a Search<'a>) -> Candidates<'a> {
        let filters = search.filters;
        let named =
            |values: Option<&[String]>, value: &str| values.is_none_or(|values| values.iter().any(|named| named == value));
        let (accounts, regions) = (filters.equals_any(Field::AWS_ACCOUNT_ID), filters.equals_any(Field::REGION));
        let places = self.store.of_places(|account, region: &Region| {
            search.view.sees(account, region) && named(accounts, &account.to_string()) && named(regions, region.as_str())
        });
        let mut best = Candidates::Shared(places);
        if best.len() == self.store.len() {
            best = Candidates::Shared(vec![self.store.all()]);
        }
        let mut offer = |other: Candidates<'a>| {
            if other.len() < best.len() {
                best = other;
            }
        };
        if let Some(ids) = filters.equals_any(Field::ID) {
            offer(Candidates::Own(self.store.with_ids(ids)));
        }
        if let Some(controls) = filters.equals_any(Field::COMPLIANCE_SECURITY_CONTROL_ID) {
            offer(Candidates::Shared(self.store.of_controls(controls)));
        }
        if let Some(resources) = filters.equals_any(Field::RESOURCE_ID) {
            offer(Candidates::Shared(self.store.of_resources(resources)));
        }
        best
    }
}

/// Sets of positions; a finding may be in several.
enum Candidates<'a> {
    Shared(Vec<&'a BTreeSet<Position>>),
    Own(BTreeSet<Position>),
}

impl Candidates<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Shared(sets) => sets.iter().map(|set| set.len()).sum(),
            Self::Own(set) => set.len(),
        }
    }

    /// Every position within the window and after the cursor, in order, once.
    fn walk(&self, window: (i64, i64), after: Option<Position>, descending: bool) -> Merge<'_> {
        let (first, last) = ((window.0, 0), (window.1, u32::MAX));
        let (low, high) = match (after, descending) {
            (None, _) => (Bound::Included(first), Bound::Included(last)),
            (Some(after), false) => (Bound::Excluded(after.max(first)), Bound::Included(last)),
            (Some(after), true) => (Bound::Included(first), Bound::Excluded(after.min(last))),
        };
        let in_order = match (low, high) {
            (Bound::Included(low), Bound::Included(high)) => low <= high,
            (Bound::Excluded(low) | Bound::Included(low), Bound::Excluded(high) | Bound::Included(high)) => low < high,
            _ => true,
        };
        let sets: Vec<&BTreeSet<Position>> = match self {
            _ if !in_order => Vec::new(),
            Self::Shared(sets) => sets.clone(),
            Self::Own(set) => vec![set],
        };
        let sources = sets
            .into_iter()
            .map(|set| -> Box<dyn Iterator<Item = Position> + '_> {
                let range = set.range((low, high)).copied();
                if descending { Box::new(range.rev()) } else { Box::new(range) }
            })
            .map(Iterator::peekable)
            .collect();
        Merge { sources, descending }
    }
}

/// Sorted sources as one.
struct Merge<'a> {
    sources: Vec<Peekable<Box<dyn Iterator<Item = Position> + 'a>>>,
    descending: bool,
}

impl Iterator for Merge<'_> {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        let heads = self.sources.iter_mut().filter_map(|source| source.peek().copied());
        let next = if self.descending { heads.max() } else { heads.min() }?;
        for source in &mut self.sources {
            source.next_if_eq(&next);
        }
        Some(next)
    }
}

fn compare(a: &(Vec<Value>, u32), b: &(Vec<Value>, u32), keys: &[(Key, bool)]) -> Ordering {
    let by_keys = a.0.iter().zip(&b.0).zip(keys).map(|((a, b), (_, descending))| {
        let order = compare_values(a, b);
        if *descending { order.reverse() } else { order }
    });
    by_keys.fold(Ordering::Equal, Ordering::then).then(a.1.cmp(&b.1))
}

/// Absent before numbers before text before the rest.
fn compare_values(a: &Value, b: &Value) -> Ordering {
    let rank = |value: &Value| match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        _ => 3,
    };
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default()),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ if rank(a) == 3 && rank(b) == 3 => a.to_string().cmp(&b.to_string()),
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The `CreatedAt` that single absolute window filters for; all of time otherwise. Only to look at fewer findings.
fn created_window(filters: Option<&Value>) -> (i64, i64) {
    let all = (i64::MIN, i64::MAX);
    let Some([window]) = filters.and_then(|filters| filters.get("CreatedAt")?.as_array()).map(Vec::as_slice) else { return all };
    let bound = |name: &str| Some(timestamp(window.get(name)?.as_str()?)?.as_millisecond());
    match (window.get("DateRange"), bound("Start"), bound("End")) {
        (None, Some(start), Some(end)) => (start, end),
        _ => all,
    }
}
