//! Finding history: who changed what. Sources: API reference of GetFindingHistory.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{
    BATCH_IMPORT, BATCH_UPDATE, FieldUpdate, FindingHistory, FindingIdentifier, GetFindingHistory, HistoryRecord, UpdateSource,
};

use super::Hub;
use super::caller::Caller;
use super::page::page_size;

/// One change, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    at: Timestamp,
    by_customer: bool,
    identity: String,
    updates: Vec<FieldUpdate>,
}

impl Hub {
    /// Remembers what `identity` changed.
    pub(super) fn record(&mut self, seq: u32, at: Timestamp, by_customer: bool, identity: String, old: &Value, new: &Value) {
        let mut updates = Vec::new();
        differences("", old, new, &mut updates);
        if !updates.is_empty() {
            self.history.entry(seq).or_default().push(Record { at, by_customer, identity, updates });
        }
    }

    /// GetFindingHistory, newest first. The last record is the creation.
    pub fn finding_history(&self, caller: &Caller, request: &GetFindingHistory) -> Result<FindingHistory, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(request.max_results, PAGE_DEFAULT, PAGE_MAX)?;
        let key = &request.finding_identifier;
        let view = self.organization.view(caller.account, &caller.region);
        let found = self.store.find(&key.id, &key.product_arn).find(|(_, entry)| view.sees(entry.account, &entry.region));
        let Some((seq, entry)) = found else { return Err(AwsError::not_found("Finding Not Found")) };
        let query = format!(
            "GetFindingHistory {} {} {size} {} {} {:?} {:?}",
            caller.account, caller.region, key.product_arn, key.id, request.start_time, request.end_time
        );
        let start: usize = match &request.next_token {
            None => 0,
            Some(token) => self.tokens.open(&query, token)?.parse().map_err(|_| AwsError::query_changed())?,
        };
        let kept = self.history.get(&seq).map(Vec::as_slice).unwrap_or_default();
        // Counted from the oldest, so that a page stays where it is while changes are added.
        let creation =
            Record { at: entry.made, by_customer: false, identity: entry.product_arn.to_string(), updates: Vec::new() };
        let all: Vec<(bool, &Record)> =
            std::iter::once((true, &creation)).chain(kept.iter().map(|record| (false, record))).collect();
        let end = if request.next_token.is_some() { start.min(all.len()) } else { all.len() };
        let in_time = |record: &Record| {
            request.start_time.is_none_or(|from| record.at >= from) && request.end_time.is_none_or(|to| record.at <= to)
        };
        let mut records = Vec::new();
        for (place, (created, record)) in all.iter().enumerate().take(end).rev().filter(|(_, (_, record))| in_time(record)) {
            if records.len() == size {
                return Ok(FindingHistory { records, next_token: Some(self.tokens.seal(&query, &(place + 1).to_string())) });
            }
            records.push(record.answer(key, *created));
        }
        Ok(FindingHistory { records, next_token: None })
    }
}

impl Record {
    fn answer(&self, key: &FindingIdentifier, finding_created: bool) -> HistoryRecord {
        let kind = if self.by_customer { BATCH_UPDATE } else { BATCH_IMPORT }.to_owned();
        HistoryRecord {
            finding_identifier: key.clone(),
            update_time: self.at,
            finding_created,
            update_source: UpdateSource { kind, identity: self.identity.clone() },
            updates: self.updates.clone(),
        }
    }
}

/// Structures are told leaf by leaf, maps and lists as a whole. `ProcessedAt` moves with every change and says nothing.
fn differences(path: &str, old: &Value, new: &Value, found: &mut Vec<FieldUpdate>) {
    if old == new || path == "ProcessedAt" {
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
