//! `null` is no value.
//!
//! The API server takes a null out of a field that is not nullable before anything judges it, so that `controls:` with nothing
//! behind it would restrict nothing. So every optional field of a spec is nullable, which keeps the null, and its object asks for a
//! field that is not null. Rules in CEL cannot: to them a null is absent.

use serde_json::{Map, Value, json};

/// What the refusal says is allowed.
const ALLOWED: &str = "a value: or remove the field";
const IN_MAP: &str = "a value must not be null.";

/// Makes a schema and all below it refuse nulls, whoever sends them.
///
/// Not in a merge patch, where a null means to remove the field, and not those that `kubectl apply` takes out itself: of these the
/// source of the cluster finds what kubectl noted.
pub(super) fn refuse(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    let required = members.get("required").and_then(Value::as_array);
    let required: Vec<String> = required.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut demands = Vec::new();
    for (name, field) in members.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        refuse(field);
        if !required.contains(name)
            && let Some(field) = field.as_object_mut()
        {
            field.insert("nullable".to_owned(), true.into());
            demands.push(not_null(name));
        }
    }
    if !demands.is_empty() {
        members.insert("allOf".to_owned(), demands.into());
    }
    if let Some(items) = members.get_mut("items") {
        refuse(items);
    }
    if members.get("additionalProperties").is_some_and(Value::is_object) {
        map(members);
    }
}

/// The second holds for all but null: a schema is not looked into for the sake of a null, and so its `not` is not either. The first
/// never holds for what is there; it is for its message.
fn not_null(name: &str) -> Value {
    json!({"anyOf": [
        {"properties": {name: {"enum": [ALLOWED]}}},
        {"not": {"required": [name], "properties": {name: {"not": {}}}}},
    ]})
}

/// The names in a map are anybody's, but rules see its nulls: a null has no size.
fn map(members: &mut Map<String, Value>) {
    if let Some(values) = members.get_mut("additionalProperties") {
        refuse(values);
        if let Some(values) = values.as_object_mut() {
            values.insert("nullable".to_owned(), true.into());
        }
    }
    let rules = members.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
    if let Some(rules) = rules.as_array_mut() {
        rules.push(json!({"rule": "self.all(k, size(self[k]) >= 0)", "message": IN_MAP}));
    }
}
