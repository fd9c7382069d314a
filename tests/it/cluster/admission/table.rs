//! Cases of the rules, by hand: for each what breaks it, and its good neighbour.

use hubkeeper::core::ids::Kind;
use serde_json::{Value, json};

use super::goods::good;
use super::walk::{places, with};
use super::{Case, Says};

/// A rule of a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    pub kind: &'static str,
    pub path: String,
    pub message: String,
}

/// Every rule that there is.
pub fn rules() -> Vec<Rule> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        places(kind, &mut |place| {
            for rule in place.schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                let message = rule["message"].as_str().unwrap().to_owned();
                all.push(Rule { kind: kind.as_str(), path: place.path.clone(), message });
            }
        });
    }
    all.sort();
    all
}

/// What the rules about one object say, and the rule that each case is of.
#[expect(clippy::too_many_lines, reason = "a table")]
pub fn cases() -> Vec<(Rule, Case)> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        places(kind, &mut |place| {
            let path = place.path.as_str();
            let field = place.field.as_str();
            let rule = |message: &str| Rule { kind: kind.as_str(), path: path.to_owned(), message: message.to_owned() };
            if place.schema.get("additionalProperties").is_some() {
                let good = if path.ends_with("tags") { json!({"a": ["b"], "b": [""]}) } else { json!({"a": "b", "b": ""}) };
                let mut bad = good.clone();
                bad["a"] = Value::Null;
                let message = "a value must not be null.";
                let case = Case {
                    what: format!("{kind} {path}: {message}"),
                    bad: with(kind, &place.pointer, bad),
                    // Without a server its own place is told.
                    says: vec![Says { server_field: field.to_owned(), ..Says::new(&format!("{field}.a"), message, "null") }],
                    good: Some(with(kind, &place.pointer, good)),
                };
                all.push((rule(message), case));
            }
            let mut case = |message: &str, field: &str, offline: &str, bad: Value, good: Value| {
                let case = Case {
                    what: format!("{kind} {path}: {message}"),
                    bad: with(kind, &place.pointer, bad),
                    says: vec![Says::new(field, message, offline)],
                    good: Some(with(kind, &place.pointer, good)),
                };
                all.push((rule(message), case));
            };
            let here = good(kind).pointer(&place.pointer).unwrap().clone();
            let but = |name: &str, value: Value| {
                let mut here = here.clone();
                here[name] = value;
                here
            };
            let less = |names: &[&str]| {
                let mut here = here.clone();
                for name in names {
                    here.as_object_mut().unwrap().remove(*name);
                }
                here
            };
            if path.ends_with("matchExpressions[]") {
                let says = "values must be given for In and NotIn, and not for Exists and DoesNotExist.";
                for (bad, good) in [
                    (json!({"key": "a", "operator": "In"}), json!({"key": "a", "operator": "Exists"})),
                    (
                        json!({"key": "a", "operator": "NotIn", "values": []}),
                        json!({"key": "a", "operator": "NotIn", "values": ["b"]}),
                    ),
                    (
                        json!({"key": "a", "operator": "Exists", "values": ["b"]}),
                        json!({"key": "a", "operator": "DoesNotExist", "values": []}),
                    ),
                    (
                        json!({"key": "a", "operator": "DoesNotExist", "values": ["b"]}),
                        json!({"key": "a", "operator": "DoesNotExist"}),
                    ),
                ] {
                    case(says, field, says, bad, good);
                }
            }
            let late = "must be a date that exists, before the year 9999.";
            if path.ends_with("At") {
                for bad in ["9999-01-01T00:00:00Z", "9999-12-31T00:00:00Z"] {
                    case(
                        late,
                        field,
                        late,
                        json!(bad),
                        if path == "spec.startsAt" { json!("2027-01-30T23:59:59.9Z") } else { json!("9998-12-31T23:59:59Z") },
                    );
                }
                let no_dates = [
                    "2027-02-30T00:00:00Z",
                    "2027-01-31T24:00:00Z",
                    "2027-01-31T23:59:60Z",
                    "2027-01-31T23:60:00Z",
                    "0000-01-01T00:00:00Z",
                ];
                for bad in no_dates {
                    case(
                        late,
                        field,
                        "is not a time",
                        json!(bad),
                        if path == "spec.startsAt" { json!("2027-01-31T00:59:59+01:00") } else { json!("2028-02-29T00:00:00Z") },
                    );
                }
            }
            let (controls, accounts) = (
                "a target must name controls or generators: an exception is of something.",
                "a target must name accounts, accountSelector or resources: an exception is of something somewhere.",
            );
            let subject = "subject.namespace must be given for a FindingException, and not for a cluster-scoped kind.";
            let dates = "expiresAt must be later than startsAt.";
            let once = "linkedRegions must name each Region once.";
            let home = "linkedRegions must not name the home Region: it is always kept.";
            let names = "controlGroups must have distinct names.";
            match (kind, path) {
                (Kind::FindingException, "spec.targets[]") => {
                    case(controls, field, controls, less(&["controls", "generators"]), less(&["controls"]));
                    case(controls, field, controls, less(&["controls", "generators"]), less(&["generators"]));
                    let anywhere = ["accounts", "accountSelector", "resources"];
                    for kept in anywhere {
                        let others: Vec<&str> = anywhere.into_iter().filter(|name| *name != kept).collect();
                        case(accounts, field, accounts, less(&anywhere), less(&others));
                    }
                    case(controls, field, controls, json!({}), json!({"controls": ["S3.*"], "resources": ["*"]}));
                    case(accounts, field, accounts, json!({}), json!({"generators": ["*"], "accountSelector": {}}));
                }
                (Kind::FindingException, "spec") => {
                    let at = format!("{field}.expiresAt");
                    case(
                        dates,
                        &at,
                        dates,
                        but("expiresAt", here["startsAt"].clone()),
                        but("expiresAt", json!("2026-12-01T00:00:01Z")),
                    );
                    case(
                        dates,
                        &at,
                        dates,
                        but("expiresAt", json!("2026-12-01T00:30:00+01:00")),
                        but("expiresAt", json!("2026-12-01T00:00:00-01:00")),
                    );
                }
                (Kind::Approval, "spec.subject") => {
                    case(subject, field, subject, less(&["namespace"]), json!({"kind": "ControlPolicy", "name": "a"}));
                    case(subject, field, subject, but("kind", json!("SecurityHub")), json!({"kind": "SecurityHub", "name": "a"}));
                }
                (Kind::SecurityHub, "spec") => {
                    let at = format!("{field}.linkedRegions");
                    case(
                        home,
                        &at,
                        home,
                        but("linkedRegions", json!(["us-east-1", "eu-west-1"])),
                        but("linkedRegions", json!([])),
                    );
                    case(
                        once,
                        &at,
                        once,
                        but("linkedRegions", json!(["us-east-1", "us-east-1"])),
                        but("linkedRegions", json!(["us-east-1", "us-east-2"])),
                    );
                    let at = format!("{field}.controlGroups");
                    let group = |name: &str| json!({"name": name, "controls": ["S3.8"]});
                    case(
                        names,
                        &at,
                        names,
                        but("controlGroups", json!([group("a"), group("b"), group("a")])),
                        but("controlGroups", json!([group("a"), group("b"), group("ab")])),
                    );
                }
                (Kind::ControlPolicy, "spec.rules") => {
                    let rule = |name: &str| json!({"name": name, "response": {"ignore": {}}});
                    let says = "rules must have distinct names.";
                    case(says, field, says, json!([rule("a"), rule("b"), rule("a")]), json!([rule("a"), rule("b")]));
                }
                _ => {}
            }
        });
    }
    all
}

/// Rules about a change: what may not become what, and a change that is welcome.
pub fn changes() -> Vec<(Rule, &'static str, Value, Option<Value>)> {
    let rule = |kind: &'static str, path: &str, message: &str| Rule { kind, path: path.to_owned(), message: message.to_owned() };
    vec![
        (
            rule("Account", "spec.id", "id cannot be changed: make another Account and delete this one."),
            "spec.id",
            json!({"id": "111122223334"}),
            Some(json!({"owner": "b"})),
        ),
        (
            rule("Approval", "spec", "an Approval cannot be changed: delete it and make another one."),
            "spec",
            json!({"reason": "x"}),
            None,
        ),
        (
            rule("SecurityHub", "spec.homeRegion", "homeRegion cannot be changed: make another SecurityHub and delete this one."),
            "spec.homeRegion",
            json!({"homeRegion": "eu-west-2"}),
            Some(json!({"suspend": true})),
        ),
        (
            rule(
                "FindingException",
                "spec.startsAt",
                "startsAt cannot be changed, because durations are counted from it: make another exception.",
            ),
            "spec.startsAt",
            json!({"startsAt": "2026-12-02T00:00:00Z"}),
            Some(json!({"expiresAt": "2027-02-01T00:00:00Z"})),
        ),
    ]
}

/// What only a program that knows AWS can refuse: the API server takes it, `validate` refuses it, and the controller says so in a
/// condition. Pointer, value, the field that is told and a part of the sentence.
pub const SLIPS: &[(&str, &str, &str, &str)] = &[
    ("categories", r#"["Resilence"]"#, "categories[0]", "did you mean"),
    ("filters", r#"{"Titel": [{"Value": "x", "Comparison": "EQUALS"}]}"#, "filters.Titel", ""),
    ("filters", r#"{"Title": [{"Value": "x", "Comparison": "CONTAINS"}]}"#, "filters.Title[0].Comparison", "CONTAINS"),
    ("filters", r#"{"Title": null}"#, "filters.Title", ""),
    ("filters", r#"{"Title": []}"#, "filters.Title", ""),
];
