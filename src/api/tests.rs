//! The CRDs as a whole.

#![expect(clippy::disallowed_methods, reason = "a test reads the repository")]

use kube::core::cel::{Validator, compile_schema, estimate_rule_cost};
use serde_json::{Value, json};

use super::*;
use crate::core::ids::Kind;
use crate::core::objects::Object;

#[test]
fn every_definition_can_be_made() {
    assert_eq!(all_crds().len(), 6);
}

#[test]
fn the_files_of_crds_are_what_the_code_says() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let files = crds_yaml().unwrap();
    if std::env::var_os("HUBKEEPER_GENERATE").is_some() {
        std::fs::create_dir_all(&directory).unwrap();
        for (name, content) in &files {
            std::fs::write(directory.join(name), content).unwrap();
        }
    }
    let mut there: Vec<String> =
        std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    let mut wanted: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    wanted.sort();
    assert_eq!(there, wanted, "crds/ holds other files than hubkeeper crds makes");
    for (name, content) in files {
        let found = std::fs::read_to_string(directory.join(&name)).unwrap();
        assert!(found == content, "crds/{name} has drifted: run make generate");
    }
}

fn schema(kind: Kind) -> Value {
    let crd = crd(kind);
    serde_json::to_value(crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap()).unwrap()
}

/// Visits every schema below `schema` with its path.
fn walk(path: &str, schema: &Value, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(&format!("{path}.{name}"), member, visit);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(member) = schema.get(keyword) {
            walk(&format!("{path}[]"), member, visit);
        }
    }
}

#[test]
fn every_field_is_described_and_those_of_a_spec_have_an_example_or_a_default() {
    for kind in Kind::ALL {
        let schema = schema(kind);
        walk(kind.as_str(), &schema["properties"]["spec"], &mut |path, field| {
            if path.ends_with("[]") || path == kind.as_str() {
                return;
            }
            let description = field["description"].as_str().unwrap_or_else(|| panic!("{path} is not described"));
            assert!(description.len() > 15 && !description.contains('\n'), "{path}: {description}");
            let scalar = !matches!(field["type"].as_str(), Some("object"));
            if scalar {
                assert!(description.contains("Example: ") || description.contains("Default: "), "{path}: {description}");
            }
        });
        walk(kind.as_str(), &schema["properties"]["status"], &mut |path, field| {
            assert!(path.ends_with("[]") || path == kind.as_str() || field["description"].is_string(), "{path} is not described");
        });
    }
}

#[test]
fn every_list_text_map_and_number_of_a_spec_is_bounded() {
    for kind in Kind::ALL {
        walk(kind.as_str(), &schema(kind)["properties"]["spec"], &mut |path, field| {
            let has = |keyword: &str| field.get(keyword).is_some();
            let bounded = match field["type"].as_str().unwrap() {
                "string" => has("maxLength") || has("enum"),
                "array" => has("maxItems"),
                "integer" => has("minimum") && has("maximum"),
                "object" => has("properties") || has("maxProperties") || path.ends_with(".ignore"),
                "boolean" => true,
                other => panic!("{path} is of type {other}"),
            };
            assert!(bounded, "{path}: {field}");
        });
    }
}

#[test]
fn the_definitions_hold_nothing_that_the_api_server_forbids() {
    for crd in all_crds() {
        let text = serde_json::to_string(&crd).unwrap();
        for forbidden in ["\"additionalProperties\":false", "\"$ref\"", "uniqueItems", "uint"] {
            assert!(!text.contains(forbidden), "{} has {forbidden}", crd.spec.names.kind);
        }
        assert_eq!(crd.spec.names.categories.as_deref(), Some(&["hubkeeper".to_owned()][..]));
        assert_eq!(crd.spec.names.short_names.as_ref().unwrap().len(), 1);
        let version = &crd.spec.versions[0];
        assert!(version.subresources.as_ref().unwrap().status.is_some());
        for column in version.additional_printer_columns.as_ref().unwrap() {
            // kubectl prints a date in the future as <invalid>.
            assert!(column.type_ != "date" || !column.json_path.starts_with(".spec."), "{}", column.name);
        }
    }
}

#[test]
fn the_cost_of_every_rule_is_within_what_the_api_server_allows() {
    for kind in Kind::ALL {
        let mut rules = 0;
        walk(kind.as_str(), &schema(kind), &mut |path, field| {
            for rule in field.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                let text = rule["rule"].as_str().unwrap();
                let message = rule["message"].as_str().unwrap();
                assert!(message.ends_with('.') && message.contains(' '), "{path}: {message}");
                let costly = estimate_rule_cost(text, &compile_schema(field));
                assert!(costly.is_empty(), "{path}: {text}: {costly:?}");
                rules += 1;
            }
        });
        assert!(rules > 0 || kind == Kind::ExceptionPolicy, "{kind} has no rule");
    }
}

fn judged(kind: Kind, old: &Value, new: &Value) -> Vec<String> {
    let errors = Validator::new().validate(&schema(kind), &json!({"spec": new}), Some(&json!({"spec": old})));
    errors.err().map(|errors| errors.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn what_must_not_change_cannot_be_changed() {
    let exception = |starts: &str, expires: &str| {
        json!({"targets": [{"controls": ["S3.8"], "accounts": ["111122223333"]}], "reason": "FalsePositive", "justification": "j",
            "owner": "o", "startsAt": starts, "expiresAt": expires})
    };
    let old = exception("2026-12-01T00:00:00Z", "2027-01-31T00:00:00Z");
    assert_eq!(judged(Kind::FindingException, &old, &exception("2026-12-01T00:00:00Z", "2027-02-28T00:00:00Z")), [""; 0]);
    assert_eq!(
        judged(Kind::FindingException, &old, &exception("2026-12-02T00:00:00Z", "2027-01-31T00:00:00Z")),
        ["spec.startsAt: startsAt cannot be changed, because durations are counted from it: make another exception."]
    );
    let (here, there) = (json!({"homeRegion": "eu-west-1"}), json!({"homeRegion": "eu-west-2"}));
    assert_eq!(judged(Kind::SecurityHub, &here, &here), [""; 0]);
    assert_eq!(judged(Kind::SecurityHub, &here, &there).len(), 1);
    let approval = |decision: &str| {
        json!({"subject": {"kind": "FindingException", "namespace": "t", "name": "e"}, "decision": decision, "digest": "d",
            "approver": "a", "reason": "r"})
    };
    assert_eq!(
        judged(Kind::Approval, &approval("Deny"), &approval("Approve")),
        ["spec: an Approval cannot be changed: delete it and make another one."]
    );
}

fn parsed<K, S>(spec: &Value) -> Result<Object<S>, Vec<String>>
where
    K: serde::de::DeserializeOwned,
    for<'a> Object<S>: TryFrom<&'a K, Error = parse::Invalid>,
{
    let object = json!({"apiVersion": API_VERSION, "kind": "-", "metadata": {"name": "n", "namespace": "t"}, "spec": spec});
    let kind: K = serde_json::from_value(object).unwrap();
    Object::try_from(&kind).map_err(|invalid| invalid.0.iter().map(ToString::to_string).collect())
}

#[test]
fn what_slips_past_a_schema_is_refused_when_it_is_parsed_with_the_path_of_each_field() {
    // A cluster may hold objects that were made before a rule was.
    let spec = json!({"rules": [
        {"name": "a", "match": {"controls": ["EC2.1", "ec2", "*.1"], "accounts": ["1"], "regions": ["Mars"]}, "response": {"ignore": {}}},
        {"name": "a", "match": {"categories": ["Resilence"], "filters": {"Nope": []}}, "response": {"suppress": {"reason": "OutOfScope"}}},
    ]});
    let errors = parsed::<ControlPolicy, crate::core::objects::PolicySpec>(&spec).unwrap_err();
    let paths: Vec<&str> = errors.iter().map(|error| error.split_once(": ").unwrap().0).collect();
    assert_eq!(
        paths,
        [
            "spec.rules[0].match.controls[1]",
            "spec.rules[0].match.controls[2]",
            "spec.rules[0].match.accounts[0]",
            "spec.rules[0].match.regions[0]",
            "spec.rules",
            "spec.rules[1].match.filters.Nope",
            "spec.rules[1].match.categories[0]",
        ]
    );
    let spec = json!({"targets": [{}], "reason": "FalsePositive", "justification": "j", "owner": "o", "startsAt": "soon",
        "expiresAt": "2027-01-31T00:00:00Z"});
    let errors = parsed::<FindingException, crate::core::objects::ExceptionSpec>(&spec).unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        parsed::<FindingException, crate::core::objects::ExceptionSpec>(&json!({"targets": [], "reason": "FalsePositive",
        "justification": "j", "owner": "o", "startsAt": "2026-12-01T00:00:00Z", "expiresAt": "2027-01-31T00:00:00Z"}))
        .is_err()
    );
    assert!(parsed::<ControlPolicy, crate::core::objects::PolicySpec>(&json!({"rules": []})).is_err());
}

#[test]
fn an_unknown_field_is_refused_where_the_api_server_did_not() {
    let object =
        |spec: Value| json!({"apiVersion": API_VERSION, "kind": "ControlPolicy", "metadata": {"name": "n"}, "spec": spec});
    let rule = json!({"name": "a", "match": {"control": ["S3.8"]}, "response": {"ignore": {}}});
    assert!(serde_json::from_value::<ControlPolicy>(object(json!({"rules": [rule]}))).is_err());
    assert!(
        serde_json::from_value::<ControlPolicy>(object(json!({"rules": [{"name": "a", "match": {"controls": null},
        "response": {"ignore": {}}}]})))
        .is_err(),
        "null must not become match-all"
    );
}

#[test]
fn times_are_read_strictly() {
    for good in ["2026-12-01T00:00:00Z", "2026-12-01T09:00:00+09:00", "2026-12-01T00:00:00.123456789Z", "9998-12-31T23:59:59Z"] {
        assert!(parse::timestamp(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "2026-12-01",
        "2026-12-01T00:00:00",
        "2026-12-01 00:00:00Z",
        "2026-12-01T00:00:00+25:00",
        "2026-13-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "2026-12-01T00:00:00+09",
        "tomorrow",
        "2026-12-01T00:00:00Z[UTC]",
        "２026-12-01T00:00:00Z",
        "2026-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
    ] {
        assert!(parse::timestamp(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_digest_is_of_canonical_json() {
    let (one, other) =
        (json!({"b": [1, {"y": null, "x": "é\""}], "a": true}), json!({"a": true, "b": [1, {"x": "é\"", "y": null}]}));
    let digest = parse::digest(&one).unwrap();
    assert_eq!(digest, parse::digest(&other).unwrap());
    // printf '{"a":true,"b":[1,{"x":"é\\"","y":null}]}' | sha256sum
    assert_eq!(digest, "sha256:93932455da4f9b5120901632587db639fbb6af5da4c906e5a29434a673897635");
}
