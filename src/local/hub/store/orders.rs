//! Orders that are no time: made when somebody first sorts so, kept up with every write after.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::core::filter::{Field, Fields, Item, OwnedItem, extract, timestamp};

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
    /// The order of `keys`; `all` gives every row when it is made.
    pub fn get<I: Iterator<Item = (u32, Value)>>(&mut self, keys: &Keys, all: impl FnOnce() -> I) -> &BTreeSet<Position> {
        let known = self.0.iter().position(|(known, _)| known == keys);
        let order = if let Some(place) = known {
            self.0.remove(place)
        } else {
            let positions = all().map(|(row, finding)| (bytes(&finding, keys), row));
            (keys.clone(), positions.collect())
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

/// Bytes that compare as `keys` say: absent before numbers before texts before the rest.
pub fn bytes(finding: &Value, keys: &Keys) -> Box<[u8]> {
    let mut all = Vec::new();
    for (key, descending) in keys {
        let start = all.len();
        match key {
            Key::Time(field) => {
                finding.visit(*field, &mut |item| {
                    if let Item::Text(text) = item
                        && all.len() == start
                    {
                        let millis = timestamp(text).map_or(0, jiff::Timestamp::as_millisecond);
                        all.push(1);
                        // The sign turned: negative numbers come first.
                        all.extend((millis ^ i64::MIN).to_be_bytes());
                    }
                });
            }
            Key::Field(field) => match extract(finding, &[*field]).first().map(|(_, item)| item.as_item()) {
                Some(Item::Text(value)) => text(2, value, &mut all),
                Some(Item::Entry(name, value)) => text(2, &format!("{name}={value}"), &mut all),
                Some(Item::Number(value)) => number(value, &mut all),
                Some(Item::Flag(flag)) => text(3, if flag { "true" } else { "false" }, &mut all),
                None => {}
            },
            Key::Pointer(pointer) => match finding.pointer(pointer) {
                None | Some(Value::Null) => {}
                Some(Value::Number(value)) => number(value.as_f64().unwrap_or_default(), &mut all),
                Some(Value::String(value)) => text(2, value, &mut all),
                Some(other) => text(3, &other.to_string(), &mut all),
            },
        }
        if all.len() == start {
            all.push(0);
        }
        if *descending {
            all.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
        }
    }
    all.into()
}

fn number(number: f64, all: &mut Vec<u8>) {
    if let OwnedItem::Number(bits) = OwnedItem::number(number) {
        all.push(1);
        all.extend(bits.to_be_bytes());
    }
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
