//! What the API server has lost: a definition that was replaced by one without some field takes that field out of every object as it
//! is read. Who wrote the field is still noted in `metadata.managedFields`, and that note outlives it.

use serde_json::{Map, Value};

use crate::api::parse::FieldError;

/// Fields told of one object.
const TOLD: usize = 10;

/// Fields of the spec that somebody wrote and that are not there: what is left may mean more than was meant. Lists of ours are
/// noted as a whole, so that what was lost inside of one is not found here, but by [`super::definitions`].
pub(super) fn pruned(managed: &[Value], object: &Value) -> Vec<FieldError> {
    let mut lost = Vec::new();
    for spec in managed.iter().filter_map(|entry| entry.get("fieldsV1")?.get("f:spec")?.as_object()) {
        compare(spec, object.get("spec"), "spec", &mut lost);
    }
    lost.sort();
    lost.dedup();
    lost.truncate(TOLD);
    let error = |path: String| FieldError {
        path,
        message:
            "Invalid value: was set, and the API server has taken it out, because the CustomResourceDefinition does not have \
                  the field: install the definitions of this version (hubkeeper crds), and apply the object again; to do without \
                  the field, make the object anew"
                .to_owned(),
    };
    lost.into_iter().map(error).collect()
}

fn compare(fields: &Map<String, Value>, there: Option<&Value>, path: &str, lost: &mut Vec<String>) {
    for (key, below) in fields {
        let Some(name) = key.strip_prefix("f:") else {
            // Itself; items of lists, which have no fields of ours below them.
            continue;
        };
        let (path, member) = (format!("{path}.{name}"), there.and_then(|there| there.get(name)));
        match below.as_object().filter(|below| member.is_some() && !below.is_empty()) {
            Some(below) => compare(below, member, &path, lost),
            None if member.is_none() => lost.push(path),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(fields: &Value, spec: &Value) -> Vec<String> {
        let managed =
            [json!({"manager": "kubectl", "fieldsV1": fields}), json!({"manager": "other", "fieldsV1": {"f:status": {}}})];
        pruned(&managed, &json!({"spec": spec})).into_iter().map(|error| error.path).collect()
    }

    #[test]
    fn a_field_that_somebody_wrote_and_nobody_sees_is_told() {
        let fields = json!({"f:spec": {
            ".": {}, "f:mode": {}, "f:rules": {}, "f:scope": {".": {}, "f:severities": {}, "f:tags": {".": {}, "f:team": {}}},
        }});
        let whole = json!({"mode": "Audit", "rules": [], "scope": {"severities": ["HIGH"], "tags": {"team": ["pay"]}}});
        assert_eq!(told(&fields, &whole), [""; 0]);
        let narrowed = json!({"mode": "Audit", "rules": [], "scope": {"tags": {}}});
        assert_eq!(told(&fields, &narrowed), ["spec.scope.severities", "spec.scope.tags.team"]);
        assert_eq!(told(&fields, &json!({"mode": "Audit", "rules": []})), ["spec.scope"]);
    }

    #[test]
    fn what_cannot_be_understood_or_is_not_noted_says_nothing() {
        for fields in [json!(null), json!({}), json!({"f:spec": null}), json!({"f:spec": {"k:{\"name\":\"a\"}": {"f:b": {}}}})] {
            assert_eq!(told(&fields, &json!({"mode": "Audit"})), [""; 0], "{fields}");
        }
        assert_eq!(pruned(&[], &json!({"spec": {}})), []);
    }
}
