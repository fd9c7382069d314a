//! Access denied by field: what a policy with the condition key `securityhub:ASFFSyntaxPath/Workflow.Status` does.
//!
//! Source: the guide's finding-update-batchupdatefindings. The key names a leaf of what BatchUpdateFindings takes; with a value
//! (`StringEquals`), only that value is denied.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The leaves of what BatchUpdateFindings sets.
const FIELDS: [&str; 13] = [
    "Confidence",
    "Criticality",
    "Note.Text",
    "Note.UpdatedBy",
    "RelatedFindings.Id",
    "RelatedFindings.ProductArn",
    "Severity.Label",
    "Severity.Normalized",
    "Severity.Product",
    "Types",
    "UserDefinedFields",
    "VerificationState",
    "Workflow.Status",
];

/// A field, as `securityhub:ASFFSyntaxPath/` names it, that may not be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct DeniedField {
    field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    field: String,
    #[serde(default)]
    value: Option<String>,
}

impl TryFrom<Written> for DeniedField {
    type Error = String;

    fn try_from(Written { field, value }: Written) -> Result<Self, String> {
        Self::new(&field, value.as_deref())
    }
}

impl DeniedField {
    /// `field` may not be set, to `value` if one is named. Refused: what BatchUpdateFindings does not set.
    pub fn new(field: &str, value: Option<&str>) -> Result<Self, String> {
        if !FIELDS.contains(&field) {
            return Err(format!("{field:?} is no field that BatchUpdateFindings sets: write one of {}", FIELDS.join(", ")));
        }
        Ok(Self { field: field.to_owned(), value: value.map(str::to_owned) })
    }

    /// Whether a request with this body sets it.
    pub(super) fn is_set_by(&self, body: &[u8]) -> bool {
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return false };
        let mut found = vec![&body];
        for name in self.field.split('.') {
            found = found.into_iter().flat_map(elements).filter_map(|value| value.get(name)).collect();
        }
        let denied = |value: &Value| match (&self.value, value) {
            (_, Value::Null) => false,
            (None, _) => true,
            (Some(wanted), Value::String(text)) => text == wanted,
            // Of a map, its values.
            (Some(wanted), Value::Object(map)) => map.values().any(|value| value == wanted),
            (Some(wanted), other) => serde_json::to_string(other).is_ok_and(|text| text == *wanted),
        };
        found.into_iter().flat_map(elements).any(denied)
    }
}

/// The elements of a list; anything else is one.
fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_it_is_set_and_with_its_value_only() {
        let body = br#"{"Workflow": {"Status": "SUPPRESSED"}, "Confidence": 40, "Types": ["a", "b"], "Note": null,
            "RelatedFindings": [{"Id": "x", "ProductArn": "p"}], "UserDefinedFields": {"k": "v"}}"#;
        let denies = |field: &str, value: Option<&str>| DeniedField::new(field, value).unwrap().is_set_by(body);
        for (field, right, wrong) in [
            ("Workflow.Status", "SUPPRESSED", "NEW"),
            ("Confidence", "40", "4"),
            ("Types", "b", "c"),
            ("RelatedFindings.Id", "x", "p"),
            ("UserDefinedFields", "v", "k"),
        ] {
            assert_eq!([None, Some(right), Some(wrong)].map(|value| denies(field, value)), [true, true, false], "{field}");
        }
        assert_eq!(["Note.Text", "Severity.Label", "Criticality"].map(|field| denies(field, None)), [false; 3]);
        assert!(DeniedField::new("Workflow", None).is_err());
    }
}
