//! Findings as filters see them: a whole document, or the projection of the few fields that rules name.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Field, FieldKind, Fields, Item};

/// An owned [`Item`]: can be hashed, ordered and interned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OwnedItem {
    /// A string, a date or an IP address.
    Text(Box<str>),
    /// One entry of a map.
    Entry(Box<str>, Box<str>),
    /// A number, as bits that have the order of the number: see [`OwnedItem::number`].
    Number(u64),
    /// A boolean.
    Flag(bool),
}

const SIGN: u64 = 1 << 63;

impl OwnedItem {
    /// A number. Both zeros are one.
    pub fn number(number: f64) -> Self {
        let bits = (number + 0.0).to_bits();
        Self::Number(if bits & SIGN == 0 { bits | SIGN } else { !bits })
    }

    /// Borrowed.
    pub fn as_item(&self) -> Item<'_> {
        match self {
            Self::Text(text) => Item::Text(text),
            Self::Entry(key, value) => Item::Entry(key, value),
            Self::Number(bits) => Item::Number(f64::from_bits(if bits & SIGN == 0 { !bits } else { bits & !SIGN })),
            Self::Flag(flag) => Item::Flag(*flag),
        }
    }
}

impl From<Item<'_>> for OwnedItem {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.into()),
            Item::Entry(key, value) => Self::Entry(key.into(), value.into()),
            Item::Number(number) => Self::number(number),
            Item::Flag(flag) => Self::Flag(flag),
        }
    }
}

/// The values of `fields` in a finding, sorted and each once: two findings that no filter over these fields can tell apart give
/// the same list. `Keyword` copies every text of the finding.
pub fn extract(finding: &dyn Fields, fields: &[Field]) -> Vec<(Field, OwnedItem)> {
    let mut items = Vec::new();
    for &field in fields {
        finding.visit(field, &mut |item| items.push((field, OwnedItem::from(item))));
    }
    items.sort_unstable();
    items.dedup();
    items
}

/// [`extract`] from the JSON of a finding; reads only the members at the top that `fields` need.
///
/// # Errors
/// Not an object, not JSON, or nested deeper than 127 levels within such a member.
pub fn extract_raw(raw: &str, fields: &[Field]) -> serde_json::Result<Vec<(Field, OwnedItem)>> {
    // A field without a first step is the whole finding.
    let wanted: Option<BTreeSet<&str>> = fields.iter().map(|field| field.steps().next()).collect();
    let mut source = serde_json::Deserializer::from_str(raw);
    let finding = Members(wanted).deserialize(&mut source)?;
    source.end()?;
    Ok(extract(&finding, fields))
}

/// Reads an object with these members only; `None`: all.
struct Members<'a>(Option<BTreeSet<&'a str>>);

impl<'de> DeserializeSeed<'de> for Members<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, source: D) -> Result<Value, D::Error> {
        source.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a finding")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = source.next_key::<Cow<'de, str>>()? {
            if self.0.as_ref().is_none_or(|wanted| wanted.contains(name.as_ref())) {
                members.insert(name.into_owned(), source.next_value()?);
            } else {
                source.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(members))
    }
}

/// A projection as a finding: knows the fields that were extracted, and of the others nothing.
#[derive(Debug, Clone, Copy)]
pub struct Projected<'a>(
    /// As [`extract`] gives it: sorted by field.
    pub &'a [(Field, OwnedItem)],
);

impl Fields for Projected<'_> {
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>)) {
        let start = self.0.partition_point(|(known, _)| *known < field);
        for (_, item) in self.0[start..].iter().take_while(|(known, _)| *known == field) {
            visit(item.as_item());
        }
    }
}

impl Fields for Vec<(Field, OwnedItem)> {
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>)) {
        Projected(self).visit(field, visit);
    }
}

/// A finding as it is on the wire. `null`, and values of another type than the field has, count as absent.
impl Fields for Value {
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>)) {
        if field.kind() == FieldKind::Keyword {
            texts(self, visit);
        } else {
            walk(self, field.steps(), &mut |value| leaf(value, field.kind(), visit));
        }
    }
}

/// Calls `found` with what is at the end of the path; lists on the way, and at its end, are flattened, one level each.
fn walk<'v>(value: &'v Value, mut steps: impl Iterator<Item = &'static str> + Clone, found: &mut dyn FnMut(&'v Value)) {
    let Some(step) = steps.next() else {
        match value {
            Value::Array(elements) => elements.iter().for_each(found),
            value => found(value),
        }
        return;
    };
    let mut enter = |value: &'v Value| {
        if let Some(member) = value.get(step) {
            walk(member, steps.clone(), found);
        }
    };
    match value {
        Value::Array(elements) => elements.iter().for_each(enter),
        value => enter(value),
    }
}

fn leaf(value: &Value, kind: FieldKind, visit: &mut dyn FnMut(Item<'_>)) {
    match (kind, value) {
        (FieldKind::String | FieldKind::Date | FieldKind::Ip, Value::String(text)) => visit(Item::Text(text)),
        (FieldKind::Number, Value::Number(number)) => {
            if let Some(number) = number.as_f64() {
                visit(Item::Number(number));
            }
        }
        (FieldKind::Boolean, Value::Bool(flag)) => visit(Item::Flag(*flag)),
        (FieldKind::Map, Value::Object(entries)) => {
            for (key, value) in entries {
                if let Value::String(value) = value {
                    visit(Item::Entry(key, value));
                }
            }
        }
        _ => {}
    }
}

/// Every text in a document; with a stack of its own, because a document built in memory may be nested as deeply as it likes.
fn texts(value: &Value, visit: &mut dyn FnMut(Item<'_>)) {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => visit(Item::Text(text)),
            Value::Array(elements) => open.extend(elements.iter().rev()),
            Value::Object(members) => open.extend(members.values().rev()),
            _ => {}
        }
    }
}
