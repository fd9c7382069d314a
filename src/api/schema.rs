//! What the derive cannot say: schemas of shared shapes, patterns in words, and the CRDs as YAML.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{CustomResourceExt, Resource as _};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::{Account, Approval, ControlPolicy, ExceptionPolicy, FindingException, SecurityHub, nulls};
use crate::core::ids::Kind;

/// RFC 3339 with a time zone that exists.
const TIME: &str =
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// From here on calendar libraries differ. For ever is not a date: an exception without an end is a policy.
pub const TOO_LATE: &str = "9999-01-01T00:00:00Z";

/// Names of objects: RFC 1123 subdomains.
pub const OBJECT_NAME: &str = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

/// Values of labels.
pub const LABEL_VALUE: &str = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

/// Every pattern of the schemas, and what it allows, in words.
const PATTERNS: &[(&str, &str)] = &[
    (TIME, "an RFC 3339 time with a time zone, as in \"2026-12-01T00:00:00Z\""),
    (r"^[A-Za-z0-9]+\.([0-9]+|\*)$", "a security control id such as EC2.13, or EC2.* for all controls of a service"),
    (r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "lower case letters, digits and dashes, beginning and ending with a letter or digit"),
    (OBJECT_NAME, "lower case letters, digits, dashes and dots, beginning and ending with a letter or digit"),
    (LABEL_VALUE, "at most 63 letters, digits, dashes, underscores and dots, beginning and ending with a letter or digit"),
    ("^[^/]+/[^/]+$", "what follows product/ in a ProductArn, such as aws/inspector"),
    ("^[0-9]{12}$", "twelve digits, quoted in YAML so that leading zeros stay"),
    ("^[a-z0-9]+(-[a-z0-9]+)+$", "an AWS Region code such as eu-west-1"),
    (
        r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$",
        "the ARN of an IAM role such as arn:aws:iam::111122223333:role/hubkeeper",
    ),
    (r"^[A-Za-z0-9+=,.@:/_-]+$", "letters, digits and +=,.@:/_-"),
    (
        r"^https?://[!-.0-~]+/[!-~]+$",
        "the URL of an SQS queue such as https://sqs.eu-west-1.amazonaws.com/111122223333/hubkeeper",
    ),
    ("^sha256:[0-9a-f]{64}$", "sha256: and 64 hexadecimal digits, as hubkeeper digest prints it"),
];

/// What a pattern of the schemas allows, in words.
pub fn in_words(pattern: &str) -> Option<&'static str> {
    PATTERNS.iter().find(|(known, _)| *known == pattern).map(|(_, words)| *words)
}

/// A time, as text: a CRD printer column of type date shows times in the future as garbage.
pub(super) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "minLength": 20, "maxLength": 35, "pattern": TIME,
        "x-kubernetes-validations": [{
            "rule": format!("timestamp(self) < timestamp('{TOO_LATE}')"),
            "message": "must be a date that exists, before the year 9999.",
        }],
    })
}

/// The name of a kind in paths: `controlpolicies`.
pub fn plural(kind: Kind) -> String {
    match kind {
        Kind::SecurityHub => SecurityHub::plural(&()),
        Kind::Account => Account::plural(&()),
        Kind::ControlPolicy => ControlPolicy::plural(&()),
        Kind::FindingException => FindingException::plural(&()),
        Kind::ExceptionPolicy => ExceptionPolicy::plural(&()),
        Kind::Approval => Approval::plural(&()),
    }
    .into_owned()
}

/// The CustomResourceDefinition of a kind.
pub fn crd(kind: Kind) -> CustomResourceDefinition {
    let mut crd = match kind {
        Kind::SecurityHub => SecurityHub::crd(),
        Kind::Account => Account::crd(),
        Kind::ControlPolicy => ControlPolicy::crd(),
        Kind::FindingException => FindingException::crd(),
        Kind::ExceptionPolicy => ExceptionPolicy::crd(),
        Kind::Approval => Approval::crd(),
    };
    for version in &mut crd.spec.versions {
        let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) else { continue };
        // Through JSON, because the typed schema has a field for every keyword there is.
        if let Ok(mut value) = serde_json::to_value(&*schema) {
            tidy(&mut value);
            if let Some(spec) = value.pointer_mut("/properties/spec") {
                nulls::refuse(spec);
            }
            if let Some(status) = value.pointer_mut("/properties/status") {
                without_defaults(status);
            }
            if let Ok(tidied) = serde_json::from_value(value) {
                *schema = tidied;
            }
        }
    }
    crd
}

/// What is optional to Rust is nullable to schemars, and not to us; a description is one paragraph.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("nullable") == Some(&Value::Bool(true)) {
                members.remove("nullable");
            }
            // The API server forbids it, and prunes or refuses what a schema does not name anyway.
            if members.get("additionalProperties") == Some(&Value::Bool(false)) {
                members.remove("additionalProperties");
            }
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// A status is written whole by us: the API server has nothing to fill in.
fn without_defaults(schema: &mut Value) {
    if let Some(members) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for member in members.values_mut().filter_map(Value::as_object_mut) {
            member.remove("default");
        }
    }
}

/// Every CustomResourceDefinition.
pub fn all_crds() -> Vec<CustomResourceDefinition> {
    Kind::ALL.into_iter().map(crd).collect()
}

/// Why the CRDs cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the definition of {kind} as YAML: {message}")]
pub struct CrdError {
    /// Which kind.
    pub kind: Kind,
    /// The serializer's words.
    pub message: String,
}

/// The files of `crds/`: name and content.
pub fn crds_yaml() -> Result<Vec<(String, String)>, CrdError> {
    let header = "# Made by `hubkeeper crds`: change src/api/ instead.\n";
    Kind::ALL
        .into_iter()
        .map(|kind| {
            let crd = crd(kind);
            let failed = |message: String| CrdError { kind, message };
            // Through a JSON value, so that members come in one order.
            let value = serde_json::to_value(&crd).map_err(|error| failed(error.to_string()))?;
            let yaml = serde_saphyr::to_string(&value).map_err(|error| failed(error.to_string()))?;
            Ok((format!("{}.yaml", crd.spec.names.plural), format!("{header}{yaml}")))
        })
        .collect()
}
