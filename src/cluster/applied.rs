//! What kubectl has lost: `kubectl apply` (not `--server-side`) takes nulls out before it sends anything, so that `controls:` with
//! nothing behind it leaves no trace but in kubectl's own annotation.

use serde_json::Value;

use crate::api::parse::FieldError;

/// Where kubectl notes what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields of the spec that were applied as null and are not there: nobody can mean that they restrict nothing.
pub(super) fn nulls(object: &Value) -> Vec<FieldError> {
    let applied = object.get("metadata").and_then(|meta| meta.get("annotations")).and_then(|all| all.get(LAST_APPLIED));
    let applied: Option<Value> = applied.and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let mut lost = Vec::new();
    if let Some(applied) = applied.as_ref().and_then(|applied| applied.get("spec")) {
        compare(applied, object.get("spec"), "spec", &mut lost);
    }
    lost
}

fn compare(applied: &Value, there: Option<&Value>, path: &str, lost: &mut Vec<FieldError>) {
    match applied {
        Value::Null if there.is_none() => lost.push(FieldError {
            path: path.to_owned(),
            message:
                "Invalid value: null, which kubectl apply takes as no field: give it a value, or remove the field and apply again"
                    .to_owned(),
        }),
        // Below what is gone altogether nothing can be wider than was meant.
        Value::Object(_) | Value::Array(_) if there.is_none() => {}
        Value::Object(members) => {
            for (name, member) in members {
                compare(member, there.and_then(|there| there.get(name)), &format!("{path}.{name}"), lost);
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                compare(item, there.and_then(|there| there.get(number)), &format!("{path}[{number}]"), lost);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(applied: &str, spec: &Value) -> Vec<String> {
        let object = json!({"metadata": {"annotations": {LAST_APPLIED: applied}}, "spec": spec});
        nulls(&object).into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn a_null_that_was_applied_is_told_if_the_field_is_not_there() {
        let applied = json!({"spec": {
            "scope": {"controls": null}, "mode": null, "rules": [{"name": "a", "match": null}], "limits": {"maxPercent": null},
        }});
        let applied = applied.to_string();
        let there = json!({"scope": {}, "mode": "Audit", "rules": [{"name": "a"}]});
        assert_eq!(told(&applied, &there), ["spec.rules[0].match", "spec.scope.controls"]);
        // Edited since: what is there is what counts.
        let there = json!({"scope": {"controls": ["EC2.1"]}, "mode": "Audit", "rules": [{"name": "a", "match": {}}]});
        assert_eq!(told(&applied, &there), [""; 0]);
    }

    #[test]
    fn an_annotation_that_says_nothing_is_nothing() {
        for applied in ["", "{", "null", "[]", "{}", "{\"spec\": 1}"] {
            assert_eq!(told(applied, &json!({})), [""; 0], "{applied}");
        }
    }
}
