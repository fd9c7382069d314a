//! Cases made from the definitions themselves: for every bound of every field a value just outside it, and the last one inside.

use hubkeeper::core::ids::Kind;
use serde_json::{Map, Value, json};

use super::goods::good;
use super::{Case, Says};

/// The schema of a kind, as the definition has it.
pub fn schema(kind: Kind) -> Value {
    let crd = hubkeeper::api::crd(kind);
    serde_json::to_value(crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap()).unwrap()
}

/// A place in a schema, and the places of a good manifest that it is about.
pub struct Place<'a> {
    /// `spec.rules[].match.tags{}`.
    pub path: String,
    /// The schema there.
    pub schema: &'a Value,
    /// As a JSON pointer into the good manifest.
    pub pointer: String,
    /// As people read it: `spec.rules[0].match.tags.env`.
    pub field: String,
    /// Whether the field may be left out.
    pub optional: bool,
}

/// Visits every schema of a spec with the first place of the good manifest that it is about.
pub fn places(kind: Kind, visit: &mut dyn FnMut(&Place<'_>)) {
    let (schema, good) = (schema(kind), good(kind));
    let spec = &schema["properties"]["spec"];
    let place =
        Place { path: "spec".to_owned(), schema: spec, pointer: "/spec".to_owned(), field: "spec".to_owned(), optional: false };
    below(kind, &good, &place, visit);
}

fn below(kind: Kind, good: &Value, place: &Place<'_>, visit: &mut dyn FnMut(&Place<'_>)) {
    assert!(good.pointer(&place.pointer).is_some(), "the good {kind} has no {}", place.path);
    visit(place);
    let required = place.schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for (name, schema) in place.schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut inner = Place {
            path: format!("{}.{name}", place.path),
            schema,
            pointer: format!("{}/{name}", place.pointer),
            field: format!("{}.{name}", place.field),
            optional: !required.contains(&json!(name)),
        };
        // One of several: another item of the list may have it.
        if good.pointer(&inner.pointer).is_none() {
            inner.pointer = inner.pointer.replacen("/0/", "/1/", 1);
            inner.field = inner.field.replacen("[0]", "[1]", 1);
        }
        below(kind, good, &inner, visit);
    }
    if let Some(schema) = place.schema.get("items") {
        let (path, pointer, field) = (format!("{}[]", place.path), format!("{}/0", place.pointer), format!("{}[0]", place.field));
        below(kind, good, &Place { path, schema, pointer, field, optional: false }, visit);
    }
    if let Some(schema) = place.schema.get("additionalProperties") {
        let (path, pointer, field) =
            (format!("{}{{}}", place.path), format!("{}/env", place.pointer), format!("{}.env", place.field));
        below(kind, good, &Place { path, schema, pointer, field, optional: false }, visit);
    }
}

/// The good manifest with another value in one place.
pub fn with(kind: Kind, pointer: &str, value: Value) -> Value {
    let mut object = good(kind);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    match object.pointer_mut(parent).unwrap() {
        Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
        parent => parent[name] = value,
    }
    object
}

fn without(kind: Kind, pointer: &str) -> Value {
    let mut object = good(kind);
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    object.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    object
}

/// The keywords that are bounds, each of which has its cases below.
const BOUNDS: &[&str] = &[
    "type",
    "enum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minimum",
    "maximum",
    "required",
    "oneOf",
    "allOf",
    "nullable",
];
/// Those that bound nothing, and those that have cases in the table.
const OTHERS: &[&str] = &[
    "additionalProperties",
    "default",
    "description",
    "format",
    "items",
    "properties",
    "title",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-validations",
];

/// All cases that follow from the bounds of a kind.
pub fn cases(kind: Kind) -> Vec<Case> {
    let mut cases = Vec::new();
    places(kind, &mut |place| {
        let keywords = place.schema.as_object().unwrap();
        for keyword in keywords.keys().map(String::as_str) {
            assert!(BOUNDS.contains(&keyword) || OTHERS.contains(&keyword), "{}: nothing tests {keyword}", place.path);
            let before = cases.len();
            of_keyword(kind, place, keyword, keywords, &mut cases);
            let bounds = BOUNDS.contains(&keyword) && !(keyword == "minLength" && keywords[keyword] == 0);
            assert_eq!(bounds, cases.len() > before, "{}: {keyword} has no case", place.path);
        }
        nulls(kind, place, &mut cases);
    });
    cases
}

#[expect(clippy::too_many_lines, reason = "one arm for each keyword")]
fn of_keyword(kind: Kind, place: &Place<'_>, keyword: &str, keywords: &Map<String, Value>, cases: &mut Vec<Case>) {
    let (bound, here) = (&keywords[keyword], good(kind).pointer(&place.pointer).unwrap().clone());
    let number = || format!("{:.0}", bound.as_f64().unwrap()).parse::<i64>().unwrap();
    let size = || usize::try_from(number()).unwrap();
    // AWS's own vocabulary: what is of the right length is no category yet.
    let open = !place.path.ends_with("categories[]");
    let mut case = |bad: Value, neighbour: Option<Value>, server: &str, offline: &str| {
        cases.push(Case {
            what: format!("{kind} {}: {keyword}", place.path),
            bad: with(kind, &place.pointer, bad),
            says: vec![Says::new(&place.field, server, offline)],
            good: neighbour.map(|value| with(kind, &place.pointer, value)),
        });
    };
    match keyword {
        "type" => {
            let bad = if bound == "string" { json!(12) } else { json!("12") };
            let says = format!("must be of type {}", bound.as_str().unwrap());
            case(bad, None, &says, &says);
        }
        "enum" => {
            for good in bound.as_array().unwrap() {
                let spelled = good.as_str().unwrap();
                let other = if spelled == spelled.to_lowercase() { spelled.to_uppercase() } else { spelled.to_lowercase() };
                // Some go with another field, and others without it.
                let alone = place.path != "spec.subject.kind" && !place.path.ends_with(".operator");
                let good = alone.then(|| good.clone());
                case(json!(other), good, "Unsupported value", "Unsupported value");
            }
        }
        "minLength" if size() > 0 => {
            let good = text(place, size(), &here);
            let bad: String = good.chars().take(size() - 1).collect();
            let offline = if fits(keywords, &bad) { "should be at least" } else { "should be " };
            case(json!(bad), open.then(|| json!(good)), "should be at least", offline);
        }
        "maxLength" => {
            let good = text(place, size(), &here);
            let bad = format!("{good}0");
            let offline = if fits(keywords, &bad) { "Too long" } else { "should be " };
            case(json!(bad), open.then(|| json!(good)), "Too long", offline);
        }
        "pattern" => {
            let bad = "!".repeat(here.as_str().unwrap().chars().count());
            case(json!(bad), Some(here.clone()), "should match", "should be ");
        }
        "minItems" => {
            let (bad, good) = (list(&here, size() - 1), list(&here, size()));
            case(bad, Some(good), "should have at least", "should have at least");
        }
        "maxItems" => {
            let (bad, good) = (list(&here, size() + 1), list(&here, size()));
            // Regions must differ, too, and there are not so many that differ by a rule.
            let good = (!place.path.ends_with("linkedRegions")).then_some(good);
            case(bad, good, "must have at most", "must have at most");
        }
        "minProperties" => case(json!({}), Some(here.clone()), "should have at least", "should have at least"),
        "maxProperties" => {
            // The names in a filter are AWS's own, and the server counts them without knowing them.
            let good = (!place.path.ends_with("filters")).then(|| map(&here, size()));
            case(map(&here, size() + 1), good, "must have at most", "must have at most");
        }
        "minimum" => case(
            json!(number() - 1),
            Some(json!(number())),
            "should be greater than or equal to",
            "should be greater than or equal to",
        ),
        "maximum" => {
            case(
                json!(number() + 1),
                Some(json!(number())),
                "should be less than or equal to",
                "should be less than or equal to",
            );
        }
        "required" => {
            for name in bound.as_array().unwrap().iter().filter_map(Value::as_str) {
                cases.push(Case {
                    what: format!("{kind} {}: {name} is required", place.path),
                    bad: without(kind, &format!("{}/{name}", place.pointer)),
                    says: vec![Says::new(&format!("{}.{name}", place.field), "Required value", "Required value")],
                    good: None,
                });
            }
        }
        "oneOf" => {
            let both = json!({"suppress": {"reason": "OutOfScope"}, "ignore": {}});
            for bad in [json!({}), both] {
                case(
                    bad,
                    Some(json!({"ignore": {}})),
                    "must validate one and only one schema (oneOf)",
                    "must have exactly one of",
                );
            }
        }
        // See `nulls`.
        "allOf" => {
            let fields = keywords["properties"].as_object().unwrap().len();
            let required = keywords.get("required").and_then(Value::as_array).map_or(0, Vec::len);
            assert_eq!(bound.as_array().unwrap().len(), fields - required, "{}", place.path);
            unknown(kind, place, cases);
        }
        "nullable" => {
            if place.optional {
                null(kind, place, "value: null", cases);
            } else {
                // In a map.
                let (around, _) = place.field.rsplit_once('.').unwrap();
                cases.push(Case {
                    what: format!("{kind} {}: a null in a map", place.path),
                    bad: with(kind, &place.pointer, Value::Null),
                    says: vec![Says { server_field: around.to_owned(), ..Says::new(&place.field, "no such overload", "null") }],
                    good: None,
                });
            }
        }
        _ => {}
    }
}

/// What does not fit a pattern is told in the words of the pattern, whatever its length.
fn fits(keywords: &Map<String, Value>, text: &str) -> bool {
    let pattern = keywords.get("pattern").and_then(Value::as_str);
    pattern.is_none_or(|pattern| regex::Regex::new(pattern).unwrap().is_match(text))
}

fn null(kind: Kind, place: &Place<'_>, server: &str, cases: &mut Vec<Case>) {
    // By a rule, and not by the schema.
    let needed = [".values", ".response.ignore", ".response.suppress", ".subject.namespace"];
    let needed = needed.iter().any(|path| place.path.ends_with(path));
    cases.push(Case {
        what: format!("{kind} {}: null", place.path),
        bad: with(kind, &place.pointer, Value::Null),
        says: vec![Says::new(&place.field, server, "null")],
        good: (place.optional && !needed).then(|| without(kind, &place.pointer)),
    });
}

/// Where null is no member of the type, and objects in which every field is required.
fn nulls(kind: Kind, place: &Place<'_>, cases: &mut Vec<Case>) {
    if place.schema.get("nullable").is_none() {
        let item = place.path.ends_with("[]");
        null(kind, place, if item { "must be of type" } else { "Required value" }, cases);
    }
    if place.schema.get("properties").is_some() && place.schema.get("allOf").is_none() {
        unknown(kind, place, cases);
    }
}

fn unknown(kind: Kind, place: &Place<'_>, cases: &mut Vec<Case>) {
    let field = format!("{}.surprise", place.field);
    cases.push(Case {
        what: format!("{kind} {}: an unknown field", place.path),
        bad: with(kind, &format!("{}/surprise", place.pointer), json!(1)),
        says: vec![Says::new(&field, "unknown field", "unknown field")],
        good: None,
    });
}

/// A good text of a length, like one that is there.
fn text(place: &Place<'_>, length: usize, here: &Value) -> String {
    let here = here.as_str().unwrap();
    let Some(pattern) = place.schema.get("pattern").and_then(Value::as_str) else { return "x".repeat(length) };
    // What all texts of the pattern begin with, and what they may go on with.
    let begins = if pattern.contains("T[0-9]{2}") {
        return if length == 20 { here.to_owned() } else { format!("{}.123456789+09:00", &here[..19]) };
    } else if pattern.starts_with(r"^[A-Za-z0-9]+\.") {
        "S."
    } else if pattern.contains("[^/]+/") {
        "a/"
    } else if pattern.contains("(-[a-z0-9]+)+$") {
        "a-"
    } else if pattern.contains("role/") {
        "arn:aws:iam::111122223333:role/"
    } else if pattern.starts_with("^https?://") {
        "http://a/"
    } else if pattern.starts_with("^sha256:") {
        "sha256:"
    } else {
        ""
    };
    // Shorter than any text of the pattern: then the bound only repeats it.
    let more = length.saturating_sub(begins.len());
    format!("{begins}{}", "1".repeat(more.max(usize::from(begins.ends_with(['.', '/', '-'])))))
}

/// A list of a length, of items like those that are there; named ones get names of their own.
fn list(here: &Value, length: usize) -> Value {
    let item = &here[0];
    (0..length)
        .map(|number| {
            let mut item = item.clone();
            if item.get("name").is_some() {
                item["name"] = format!("name-{number}").into();
            }
            item
        })
        .collect()
}

fn map(here: &Value, length: usize) -> Value {
    let value = here.as_object().unwrap().values().next().unwrap();
    (0..length).map(|number| (format!("name-{number}"), value.clone())).collect::<Map<_, _>>().into()
}
