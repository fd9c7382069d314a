//! A status as a file that looks like the object without its spec.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::conditions::Condition;
use crate::api::{API_VERSION, object_status};
use crate::engine::ports::ObjectStatus;

/// A status file: the object without its spec.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct File {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    status: Value,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Before {
    status: Conditions,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Conditions {
    conditions: Vec<Condition>,
}

/// The content of a status file. A condition that did not change keeps its time.
pub(super) fn file(status: &ObjectStatus, before: Option<&str>, now: Timestamp) -> Result<String, String> {
    // What cannot be read is no history.
    let before = before.and_then(|text| serde_saphyr::from_str::<Before>(text).ok()).unwrap_or_default();
    let file = File {
        api_version: API_VERSION,
        kind: status.object.kind.as_str(),
        metadata: Metadata {
            name: status.object.name.as_ref().to_owned(),
            namespace: status.object.namespace.as_deref().map(str::to_owned),
        },
        status: object_status::value(status, &before.status.conditions, now).map_err(|error| error.to_string())?,
    };
    serde_saphyr::to_string(&file).map_err(|error| error.to_string())
}
