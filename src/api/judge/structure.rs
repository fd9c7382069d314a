//! The structural part of the API server's verdict: types, required and unknown fields, enums, bounds, patterns, in its
//! words, plus what is allowed. Knows the keywords that our CRDs use; a test says so.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;
use serde_json::{Map, Value};

use crate::api::parse::FieldError;
use crate::api::schema::in_words;

/// The keywords of a schema that are obeyed here, or that say nothing about validity.
#[cfg(test)]
pub const KEYWORDS: &[&str] = &[
    "additionalProperties",
    // Of nulls: they are refused here wherever they are.
    "allOf",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "nullable",
    "oneOf",
    "pattern",
    "properties",
    "required",
    "title",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Everything that is wrong.
    pub errors: Vec<FieldError>,
    /// Paths of values that were taken out because no type could hold them; unknown fields are not among them.
    pub taken: Vec<String>,
}

/// Checks `value`, and takes out of it what is unknown or of no use, so that what is left can be judged further.
pub fn check(schema: &Value, value: &mut Value, path: &str, found: &mut Findings) {
    if !keep(schema, value, path, found, false) {
        *value = Value::Null;
    }
}

/// Errors told of one object: whoever has more has other troubles, and somebody may have them on purpose.
pub const MAX_ERRORS: usize = 50;

fn refuse(found: &mut Findings, path: &str, message: String) {
    if found.errors.len() >= MAX_ERRORS {
        return;
    }
    found.errors.push(FieldError { path: path.to_owned(), message });
}

/// `false`: the value is of no use. `optional`: the field may as well be left out.
fn keep(schema: &Value, value: &mut Value, path: &str, found: &mut Findings, optional: bool) -> bool {
    let wanted = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let is = match value {
        Value::Null => {
            refuse(found, path, "Invalid value: null: give it a value, or remove the field".to_owned());
            return false;
        }
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !wanted.is_empty() && is != wanted {
        let hint = match (wanted, is) {
            ("string", "integer" | "number" | "boolean") => ": put it in quotes",
            ("integer" | "boolean", "string") => ": write it without quotes",
            ("array", _) => ": write it as a list, [..]",
            _ => "",
        };
        refuse(found, path, format!("Invalid value: {}: must be of type {wanted}, not {is}{hint}", shown(value)));
        return false;
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        let allowed = allowed.iter().map(Value::to_string).collect::<Vec<_>>().join(", ");
        refuse(found, path, format!("Unsupported value: {}: supported values: {allowed}", shown(value)));
        return false;
    }
    match value {
        Value::String(text) => string(schema, text, path, found),
        Value::Number(number) => bounds(schema, number, path, found),
        Value::Array(items) => {
            list(schema, items, path, found, optional);
            true
        }
        Value::Object(members) => {
            object(schema, members, path, found);
            true
        }
        _ => true,
    }
}

fn size(schema: &Value, keyword: &str) -> Option<usize> {
    schema.get(keyword).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok())
}

fn string(schema: &Value, text: &str, path: &str, found: &mut Findings) -> bool {
    let length = text.chars().count();
    if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
        && !matches(pattern, text)
    {
        let allowed = in_words(pattern).map_or_else(|| format!("should match '{pattern}'"), |words| format!("should be {words}"));
        refuse(found, path, format!("Invalid value: {}: {allowed}", shown(&Value::from(text))));
    } else if let Some(most) = size(schema, "maxLength").filter(|most| length > *most) {
        refuse(found, path, format!("Too long: {length} characters: may not be more than {most}"));
    } else if let Some(least) = size(schema, "minLength").filter(|least| length < *least) {
        let what = if length == 0 { "Invalid value: \"\"".to_owned() } else { format!("Too short: {length} characters") };
        refuse(found, path, format!("{what}: should be at least {least} character{} long", if least == 1 { "" } else { "s" }));
    }
    true
}

/// Whether the text matches; a pattern that cannot be compiled matches nothing (and a test compiles all of them).
fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<BTreeMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn bounds(schema: &Value, number: &serde_json::Number, path: &str, found: &mut Findings) -> bool {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let value = number.as_f64().unwrap_or(f64::MAX);
    if let Some(least) = bound("minimum").filter(|least| value < *least) {
        refuse(found, path, format!("Invalid value: {number}: should be greater than or equal to {least}"));
    }
    if let Some(most) = bound("maximum").filter(|most| value > *most) {
        refuse(found, path, format!("Invalid value: {number}: should be less than or equal to {most}"));
    }
    // Beyond 64 bits no type holds it.
    number.is_i64() || number.is_f64()
}

fn list(schema: &Value, items: &mut Vec<Value>, path: &str, found: &mut Findings, optional: bool) {
    let length = items.len();
    if let Some(least) = size(schema, "minItems").filter(|least| length < *least) {
        let hint = if optional { ", or leave the field out" } else { "" };
        refuse(found, path, format!("Invalid value: {length} items: should have at least {least}{hint}"));
    }
    if let Some(most) = size(schema, "maxItems").filter(|most| length > *most) {
        refuse(found, path, format!("Too many: {length}: must have at most {most} items"));
        // What is too much is not looked at: it may be a hundred thousand.
        items.truncate(most);
    }
    if let Some(schema) = schema.get("items") {
        let mut index = 0;
        items.retain_mut(|item| {
            let at = format!("{path}[{index}]");
            index += 1;
            let kept = keep(schema, item, &at, found, false);
            if !kept {
                found.taken.push(at);
            }
            kept
        });
    }
}

fn object(schema: &Value, members: &mut Map<String, Value>, path: &str, found: &mut Findings) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties").filter(|others| others.is_object());
    let free = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let length = members.len();
    if let Some(least) = size(schema, "minProperties").filter(|least| length < *least) {
        refuse(found, path, format!("Invalid value: {length} members: should have at least {least}"));
    }
    if let Some(most) = size(schema, "maxProperties").filter(|most| length > *most) {
        refuse(found, path, format!("Too many: {length}: must have at most {most} members"));
    }
    let mut gone = Vec::new();
    for (key, member) in members.iter_mut() {
        let at = format!("{path}.{key}");
        if let Some(schema) = properties.and_then(|properties| properties.get(key)).or(others) {
            if !keep(schema, member, &at, found, !required.contains(&key.as_str())) {
                found.taken.push(at);
                gone.push(key.clone());
            }
        } else if !free {
            gone.push(key.clone());
            if found.errors.len() >= MAX_ERRORS {
                continue;
            }
            let known: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
            let near = near(key, &known).map(|near| format!(" did you mean {near}?")).unwrap_or_default();
            let known = if known.is_empty() { "no field is".to_owned() } else { known.join(", ") };
            refuse(found, &at, format!("unknown field:{near} allowed: {known}"));
        }
    }
    for key in required {
        if !members.contains_key(key) {
            let description = properties.and_then(|all| all.get(key)).and_then(|field| field.get("description"));
            let example = description.and_then(Value::as_str).and_then(|text| text.rsplit_once("Example: "));
            let example =
                example.map(|(_, example)| format!(": for example {}", example.trim_end_matches('.'))).unwrap_or_default();
            refuse(found, &format!("{path}.{key}"), format!("Required value{example}"));
        }
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let names = |choice: &Value| choice.get("required")?.as_array()?.first()?.as_str().map(str::to_owned);
        let names: Vec<String> = choices.iter().filter_map(names).collect();
        let given: Vec<&str> = names.iter().map(String::as_str).filter(|name| members.contains_key(*name)).collect();
        if given.len() != 1 {
            let given = if given.is_empty() { "none".to_owned() } else { given.join(" and ") };
            refuse(found, path, format!("Invalid value: must have exactly one of {}, and has {given}", names.join(", ")));
        }
    }
    for key in gone {
        members.remove(&key);
    }
}

/// A value as it may be shown: short.
fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
        Value::String(text) if text.chars().count() > 60 => {
            format!("{:?}", text.chars().take(60).chain(std::iter::once('…')).collect::<String>())
        }
        other => other.to_string(),
    }
}

/// The known name that looks most like `key`, if one does.
fn near<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let key = key.to_lowercase();
    let distance = |name: &str| distance(&key, &name.to_lowercase());
    known
        .iter()
        .map(|name| (distance(name), *name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .map(|(_, name)| name)
}

/// Edits between two short texts.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().take(64).enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        for (j, b) in other.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX);
            let left = row.get(j).copied().unwrap_or(usize::MAX);
            let cost = (above + 1).min(left + 1).min(diagonal + usize::from(a != *b));
            diagonal = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = cost;
            }
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
