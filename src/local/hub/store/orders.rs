//! Orders that are no time: made when somebody first sorts so, kept up with every write after.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Store;
use crate::core::filter::{Field, OwnedItem, extract, extract_raw, timestamp};

/// Orders kept at a time: the one that was not asked for longest goes. Each takes some 100 bytes a finding.
const KEPT: usize = 2;

/// What one criterion compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A time at the top.
    Time(Field),
    /// Any other field; of several values the least.
    Field(Field),
    /// A JSON pointer: names that are no filter's.
    Pointer(String),
}

/// Criteria, each with whether it descends.
pub type Keys = Vec<(Key, bool)>;

/// A place in an order: bytes that compare as the criteria say, then the row.
pub type Position = (Box<[u8]>, u32);

/// Orders by their criteria, the last used last.
#[derive(Debug, Default)]
pub struct Orders(Vec<(Keys, BTreeSet<Position>)>);

impl Orders {
    /// The order of `keys`, for which every finding of `store` is read when it is made.
    pub fn get(&mut self, keys: &Keys, store: &Store) -> &BTreeSet<Position> {
        let known = self.0.iter().position(|(known, _)| known == keys);
        let order = if let Some(place) = known {
            self.0.remove(place)
        } else {
            let position = |row| Some((bytes_of_text(&store.get(row)?.text(), keys)?, row));
            (keys.clone(), store.rows().into_iter().filter_map(position).collect())
        };
        if self.0.len() >= KEPT {
            self.0.remove(0);
        }
        &self.0.push_mut(order).1
    }

    /// A row changed: what it was (`None`: new), and what it is (`None`: gone).
    pub fn changed(&mut self, row: u32, old: Option<&Value>, new: Option<&Value>) {
        for (keys, order) in &mut self.0 {
            let (old, new) = (old.map(|old| bytes(old, keys)), new.map(|new| bytes(new, keys)));
            if old == new {
                continue;
            }
            if let Some(old) = old {
                order.remove(&(old, row));
            }
            if let Some(new) = new {
                order.insert((new, row));
            }
        }
    }
}

/// [`bytes()`] of a finding's JSON, of which no more is read than the keys need; `None`: it is none.
fn bytes_of_text(text: &str, keys: &Keys) -> Option<Box<[u8]>> {
    let fields: Option<Vec<Field>> = keys
        .iter()
        .map(|(key, _)| match key {
            Key::Time(field) | Key::Field(field) => Some(*field),
            Key::Pointer(_) => None,
        })
        .collect();
    let Some(fields) = fields else { return Some(bytes(&serde_json::from_str(text).ok()?, keys)) };
    let items = extract_raw(text, &fields).ok()?;
    let part = |(key, descending): &(Key, bool)| {
        let (Key::Time(field) | Key::Field(field)) = key else { return Vec::new() };
        let item = items.iter().find(|(of, _)| of == field).map(|(_, item)| item);
        turned(if let Key::Time(_) = key { time_bytes(item) } else { item_bytes(item) }, *descending)
    };
    Some(keys.iter().flat_map(part).collect())
}

/// Bytes that compare as `keys` say: absent before numbers before texts before the rest.
pub fn bytes(finding: &Value, keys: &Keys) -> Box<[u8]> {
    parts(finding, keys).concat().into()
}

/// [`bytes()`], key by key.
pub fn parts(finding: &Value, keys: &Keys) -> Vec<Vec<u8>> {
    let part = |(key, descending): &(Key, bool)| {
        let first = |field| extract(finding, &[field]).into_iter().next().map(|(_, item)| item);
        let part = match key {
            Key::Time(field) => time_bytes(first(*field).as_ref()),
            Key::Field(field) => item_bytes(first(*field).as_ref()),
            Key::Pointer(pointer) => value_bytes(finding.pointer(pointer)),
        };
        turned(part, *descending)
    };
    keys.iter().map(part).collect()
}

fn turned(mut part: Vec<u8>, descending: bool) -> Vec<u8> {
    if descending {
        for byte in &mut part {
            *byte = !*byte;
        }
    }
    part
}

/// The bytes of a field's first value.
pub fn item_bytes(item: Option<&OwnedItem>) -> Vec<u8> {
    let mut part = Vec::new();
    match item {
        None => part.push(0),
        Some(OwnedItem::Text(value)) => text(2, value, &mut part),
        Some(OwnedItem::Entry(name, value)) => text(2, &format!("{name}={value}"), &mut part),
        Some(OwnedItem::Number(bits)) => {
            part.push(1);
            part.extend(bits.to_be_bytes());
        }
        Some(OwnedItem::Flag(flag)) => text(3, if *flag { "true" } else { "false" }, &mut part),
    }
    part
}

fn time_bytes(item: Option<&OwnedItem>) -> Vec<u8> {
    let mut part = Vec::new();
    if let Some(OwnedItem::Text(text)) = item {
        let millis = timestamp(text).map_or(0, jiff::Timestamp::as_millisecond);
        part.push(1);
        // The sign turned: negative numbers come first.
        part.extend((millis ^ i64::MIN).to_be_bytes());
    } else {
        part.push(0);
    }
    part
}

/// The milliseconds of a time's bytes, 0 where there is no time, as the store has it; `None`: they are of no time.
pub fn read_time(part: &[u8]) -> Option<i64> {
    match part {
        [0] => Some(0),
        [1, millis @ ..] => Some(i64::from_be_bytes(millis.try_into().ok()?) ^ i64::MIN),
        _ => None,
    }
}

fn value_bytes(value: Option<&Value>) -> Vec<u8> {
    let mut part = Vec::new();
    match value {
        None | Some(Value::Null) => part.push(0),
        Some(Value::Number(value)) => part = item_bytes(Some(&OwnedItem::number(value.as_f64().unwrap_or_default()))),
        Some(Value::String(value)) => text(2, value, &mut part),
        Some(other) => text(3, &other.to_string(), &mut part),
    }
    part
}

/// Ends with two zeros, and has none such within: no text is the beginning of another.
fn text(rank: u8, text: &str, all: &mut Vec<u8>) {
    all.push(rank);
    for byte in text.bytes() {
        all.push(byte);
        if byte == 0 {
            all.push(0xff);
        }
    }
    all.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_compare_as_the_values_do_and_the_other_way_round_when_they_descend() {
        let findings = [
            json!({}),
            json!({"X": -3.5}),
            json!({"X": 0}),
            json!({"X": 12}),
            json!({"X": ""}),
            json!({"X": "a"}),
            json!({"X": "a\u{0}"}),
            json!({"X": "a\u{0}b"}),
            json!({"X": "ab"}),
            json!({"X": ["list"]}),
        ];
        let key = |descending| vec![(Key::Pointer("/X".to_owned()), descending), (Key::Field(Field::ID), false)];
        let up: Vec<_> = findings.iter().map(|finding| bytes(finding, &key(false))).collect();
        let down: Vec<_> = findings.iter().map(|finding| bytes(finding, &key(true))).collect();
        assert!(up.is_sorted_by(|a, b| a < b), "{up:?}");
        assert!(down.is_sorted_by(|a, b| a > b), "{down:?}");
    }

    #[test]
    fn the_second_criterion_decides_where_the_first_is_equal() {
        let keys = vec![(Key::Field(Field::SEVERITY_LABEL), true), (Key::Time(Field::UPDATED_AT), false)];
        let finding = |label: &str, at: &str| json!({"Severity": {"Label": label}, "UpdatedAt": at});
        let sorted = [
            finding("MEDIUM", "2026-01-01T00:00:00Z"),
            finding("LOW", "2025-01-01T00:00:00+01:00"),
            finding("LOW", "2025-01-01T00:00:00Z"),
            finding("HIGH", "2024-01-01T00:00:00Z"),
        ];
        assert!(sorted.each_ref().map(|finding| bytes(finding, &keys)).is_sorted_by(|a, b| a < b));
    }
}
