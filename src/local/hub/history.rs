//! Finding history: who changed what. Sources: API reference of GetFindingHistory.
//!
//! Bound: 256 MiB for all findings together, then the oldest changes of all are forgotten; the creation never is.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{
    BATCH_IMPORT, BATCH_UPDATE, FieldUpdate, FindingHistory, GetFindingHistory, HistoryRecord, UpdateSource,
};

use super::Hub;
use super::caller::Caller;
use super::page::page_size;

/// Bytes of all histories together, by our accounting: beyond it the oldest changes of all are forgotten.
const BYTES: usize = 256 << 20;
/// What a change takes beside its text.
const OVERHEAD: usize = 64;

/// The changes of all findings.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Histories {
    by_row: BTreeMap<u32, Trail>,
    /// The rows of the changes that are kept, oldest first.
    order: VecDeque<u32>,
    /// ARNs, by number, and their numbers.
    identities: Vec<String>,
    numbers: BTreeMap<String, usize>,
    /// Changes that are kept.
    length: usize,
    bytes: usize,
}

/// The changes of one finding, oldest first.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Trail {
    /// How many were forgotten: a place in a history is counted from its first.
    forgotten: usize,
    records: VecDeque<Record>,
}

/// One change, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    at: Timestamp,
    by_customer: bool,
    identity: usize,
    /// A list of [`FieldUpdate`] as JSON: short, and rarely read.
    updates: Box<str>,
}

impl Histories {
    fn add(&mut self, row: u32, record: (Timestamp, bool, String), updates: &[FieldUpdate], most: usize) {
        let (at, by_customer, identity) = record;
        let identity = *self.numbers.entry(identity).or_insert_with_key(|identity| {
            self.identities.push(identity.clone());
            self.bytes += 2 * (identity.len() + OVERHEAD);
            self.identities.len() - 1
        });
        let updates: Box<str> = serde_json::to_string(updates).unwrap_or_default().into();
        self.bytes += updates.len() + OVERHEAD;
        self.by_row.entry(row).or_default().records.push_back(Record { at, by_customer, identity, updates });
        self.order.push_back(row);
        self.length += 1;
        if self.order.len() > 2 * self.length + 1024 {
            self.put_in_order();
        }
        while self.bytes > most && self.order.len() > 1 {
            let Some(oldest) = self.order.pop_front() else { return };
            let Some(trail) = self.by_row.get_mut(&oldest) else { continue };
            if let Some(record) = trail.records.pop_front() {
                trail.forgotten += 1;
                self.length -= 1;
                self.bytes -= record.updates.len() + OVERHEAD;
            }
        }
    }

    /// Forgets a row. Its places in the order stay, until they are too many.
    fn remove(&mut self, row: u32) {
        let Some(trail) = self.by_row.remove(&row) else { return };
        self.length -= trail.records.len();
        self.bytes -= trail.records.iter().map(|record| record.updates.len() + OVERHEAD).sum::<usize>();
    }

    fn put_in_order(&mut self) {
        let times = |(row, trail): (&u32, &Trail)| trail.records.iter().map(|record| (record.at, *row)).collect::<Vec<_>>();
        let mut order: Vec<(Timestamp, u32)> = self.by_row.iter().flat_map(times).collect();
        order.sort_unstable();
        self.order = order.into_iter().map(|(_, row)| row).collect();
    }
}

impl Hub {
    /// Remembers what `identity` changed.
    pub(super) fn record(&mut self, row: u32, at: Timestamp, by_customer: bool, identity: String, old: &Value, new: &Value) {
        let mut updates = Vec::new();
        differences("", old, new, &mut updates);
        if !updates.is_empty() {
            self.history.add(row, (at, by_customer, identity), &updates, BYTES);
        }
    }

    /// Forgets the changes of a finding that is gone.
    pub(super) fn forget_history(&mut self, row: u32) {
        self.history.remove(row);
    }

    /// GetFindingHistory, newest first. The last record is the creation.
    pub fn finding_history(
        &self,
        caller: &Caller,
        request: &GetFindingHistory,
        now: Timestamp,
    ) -> Result<FindingHistory, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(request.max_results, PAGE_DEFAULT, PAGE_MAX)?;
        let key = &request.finding_identifier;
        let view = self.view(caller, now);
        let mut found = self.store.find(&key.id, &key.product_arn).into_iter();
        let found = found.find(|(row, found)| view.shows(*row, found.account, found.region));
        // The model has no error of its own for it, and no ResourceNotFoundException for this operation.
        let Some((row, finding)) = found else { return Err(AwsError::invalid_input("Finding Not Found")) };
        let query = format!(
            "GetFindingHistory {} {} {size} {} {} {:?} {:?}",
            caller.account, caller.region, key.product_arn, key.id, request.start_time, request.end_time
        );
        let start: usize = match &request.next_token {
            None => usize::MAX,
            Some(token) => self.tokens.open(&query, token)?.parse().map_err(|_| AwsError::query_changed())?,
        };
        let in_time =
            |at: Timestamp| request.start_time.is_none_or(|from| at >= from) && request.end_time.is_none_or(|to| at <= to);
        // Counted from the oldest, so that a page stays where it is while changes are added: 0 is the creation.
        let trail = self.history.by_row.get(&row);
        let forgotten = trail.map_or(0, |trail| trail.forgotten);
        let changes = trail.into_iter().flat_map(|trail| trail.records.iter().enumerate().rev());
        let changes = changes.map(|(place, record)| (forgotten + 1 + place, Some(record))).chain([(0, None)]);
        let mut records = Vec::new();
        for (place, record) in changes.filter(|(place, _)| *place < start) {
            if !in_time(record.map_or(finding.made, |record| record.at)) {
                continue;
            }
            if records.len() == size {
                return Ok(FindingHistory { records, next_token: Some(self.tokens.seal(&query, &(place + 1).to_string())) });
            }
            let source = |by_customer: bool, identity: &str| UpdateSource {
                kind: if by_customer { BATCH_UPDATE } else { BATCH_IMPORT }.to_owned(),
                identity: identity.to_owned(),
            };
            let (update_time, update_source, updates) = match record {
                None => (finding.made, source(false, &key.product_arn), Vec::new()),
                Some(record) => {
                    let identity = self.history.identities.get(record.identity).map_or("", String::as_str);
                    let updates = serde_json::from_str(&record.updates).unwrap_or_default();
                    (record.at, source(record.by_customer, identity), updates)
                }
            };
            let finding_created = record.is_none();
            records.push(HistoryRecord { finding_identifier: key.clone(), update_time, finding_created, update_source, updates });
        }
        Ok(FindingHistory { records, next_token: None })
    }
}

/// The history is of changes "to any fields, except top-level timestamp fields, such as CreatedAt and UpdatedAt" [M].
const TIMES: [&str; 5] = ["CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt", "ProcessedAt"];

/// What every check writes anew, also when it says the same as before: `Compliance.Status` tells the change.
const PREVIOUS: &str = "PreviousComplianceStatus";

/// Structures are told leaf by leaf, maps and lists as a whole.
fn differences(path: &str, old: &Value, new: &Value, found: &mut Vec<FieldUpdate>) {
    if old == new || TIMES.contains(&path) || path == "ProductFields" && same_but_for(PREVIOUS, old, new) {
        return;
    }
    let structure = |value: &Value| value.is_object() || value.is_null();
    let is_map = matches!(path, "UserDefinedFields" | "ProductFields");
    if structure(old) && structure(new) && !is_map {
        let none = Map::new();
        let (old, new) = (old.as_object().unwrap_or(&none), new.as_object().unwrap_or(&none));
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let member = |of: &Map<String, Value>| of.get(name).cloned().unwrap_or_default();
            differences(&path, &member(old), &member(new), found);
        }
        return;
    }
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    found.push(FieldUpdate { updated_field: path.to_owned(), old_value: text(old), new_value: text(new) });
}

fn same_but_for(name: &str, old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else { return false };
    let rest = |of: &Map<String, Value>| of.len() - usize::from(of.contains_key(name));
    rest(old) == rest(new) && old.iter().all(|(key, value)| key == name || new.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_changes_of_all_are_forgotten_when_they_take_too_much() {
        let mut histories = Histories::default();
        let update =
            FieldUpdate { updated_field: "Workflow.Status".to_owned(), old_value: None, new_value: Some("x".repeat(100)) };
        for number in 0..100_u32 {
            let at = Timestamp::from_second(i64::from(number)).unwrap();
            histories.add(number % 2, (at, true, "arn".to_owned()), std::slice::from_ref(&update), 3_000);
        }
        assert!(histories.bytes <= 3_000 && histories.length >= 10);
        assert_eq!(histories.identities, ["arn"]);
        for (row, trail) in &histories.by_row {
            assert_eq!(trail.forgotten + trail.records.len(), 50);
            let newest = trail.records.back().map(|record| record.at.as_second());
            assert_eq!(newest, Some(98 + i64::from(*row)));
        }
        histories.remove(0);
        histories.remove(1);
        assert_eq!((histories.length, histories.bytes), (0, 2 * ("arn".len() + OVERHEAD)));
        for number in 0..5_000_u32 {
            histories.add(7, (Timestamp::from_second(i64::from(number)).unwrap(), true, "arn".to_owned()), &[], 3_000);
            histories.remove(7);
        }
        assert!(histories.order.len() < 2_000);
    }
}
