//! Parsing at the edge: from what a manifest says to what the core works with, once, with all errors at once.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use kube::Resource;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::schema::TOO_LATE;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Meta;

/// The annotation that forces a reconcile: any new value does.
pub const REQUESTED_AT: &str = "hubkeeper.dev/requestedAt";

/// One field that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct FieldError {
    /// Where: `spec.rules[2].match.controls[0]`.
    pub path: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

/// Everything that is wrong with one object; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", sentence(.0))]
pub struct Invalid(pub Vec<FieldError>);

fn sentence(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A place in an object, for messages.
#[derive(Debug, Clone)]
pub struct Path(String);

impl Path {
    /// `spec`.
    pub fn spec() -> Self {
        Self("spec".to_owned())
    }

    /// A member of an object.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        Self(format!("{}.{name}", self.0))
    }

    /// An item of a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Collects errors, so that all of them are told at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes an error.
    pub fn refuse(&mut self, path: &Path, message: impl fmt::Display) {
        self.0.push(FieldError { path: path.to_string(), message: message.to_string() });
    }

    /// The value, or a noted error.
    pub fn take<T, E: fmt::Display>(&mut self, path: &Path, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.refuse(path, error)).ok()
    }

    /// Parses every item of a list.
    pub fn list<T, E: fmt::Display>(&mut self, path: &Path, items: &[String], parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
        items.iter().enumerate().filter_map(|(index, item)| self.take(&path.index(index), parse(item))).collect()
    }

    /// A whole number within what the core can hold.
    pub fn number<T: TryFrom<i64>>(&mut self, path: &Path, number: i64) -> Option<T> {
        self.take(path, T::try_from(number).map_err(|_| format!("{number} is out of range")))
    }

    /// The object, if nothing was refused.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Invalid> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Invalid(self.0)),
        }
    }
}

/// Reads an RFC 3339 time. Stricter than a calendar library: a time zone beyond 23:59 does not exist.
pub fn timestamp(text: &str) -> Result<Timestamp, String> {
    let allowed = || {
        format!(
            "{text:?} is not a time: write it as RFC 3339 with a time zone, as in \"2026-12-01T00:00:00Z\" or \"2026-12-01T09:00:00+09:00\""
        )
    };
    let bytes = text.as_bytes();
    let shape = bytes.len() >= 20 && bytes[10] == b'T' && bytes[13] == b':' && bytes[16] == b':';
    let zone = if text.ends_with('Z') {
        true
    } else {
        bytes.len() >= 25 && matches!(bytes[bytes.len() - 6], b'+' | b'-') && {
            let hours = &text.get(text.len() - 5..text.len() - 3).and_then(|hours| hours.parse::<u8>().ok());
            hours.is_some_and(|hours| hours < 24)
        }
    };
    // A leap second and the year 0 are nothing to the API server.
    if !shape || !zone || text.get(17..19) == Some("60") || text.starts_with("0000") {
        return Err(allowed());
    }
    let time: Timestamp = text.parse().map_err(|_| allowed())?;
    if TOO_LATE.parse().is_ok_and(|late: Timestamp| time >= late) {
        return Err("must be a date that exists, before the year 9999.".to_owned());
    }
    Ok(time)
}

/// Identity and provenance of an object. The digest is of the typed spec with its defaults filled in, so that a directory
/// and an API server give the same.
pub fn meta<K: Resource<DynamicType = ()>>(kind: Kind, object: &K, spec: &impl Serialize, checks: &mut Checks) -> Option<Meta> {
    let meta = object.meta();
    let metadata = Path("metadata".to_owned());
    let Some(name) = meta.name.as_deref().filter(|name| !name.is_empty()) else {
        checks.refuse(&metadata.field("name"), "required: give the object a name");
        return None;
    };
    let object = match (kind.is_namespaced(), meta.namespace.as_deref()) {
        (true, Some(namespace)) if !namespace.is_empty() => ObjectRef::namespaced(kind, namespace, name),
        (true, _) => {
            checks.refuse(&metadata.field("namespace"), format!("required: a {kind} lives in a namespace"));
            return None;
        }
        // The API server ignores it in what kubectl sends; a marker could not carry it.
        (false, _) => ObjectRef::cluster(kind, name),
    };
    let digest =
        digest(spec).map_err(|error| checks.refuse(&Path::spec(), format!("cannot be written as JSON: {error}"))).ok()?;
    Some(Meta {
        object,
        generation: meta.generation.unwrap_or(0),
        labels: meta.labels.clone().unwrap_or_default(),
        requested_at: meta.annotations.as_ref().and_then(|all| all.get(REQUESTED_AT)).map(|at| Arc::from(at.as_str())),
        digest: digest.into(),
        origin: None,
    })
}

/// `sha256:<64 hex digits>` over canonical JSON: no white space, keys sorted by their bytes.
pub fn digest(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = String::new();
    canonical(&serde_json::to_value(value)?, &mut text);
    let mut digest = String::from("sha256:");
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(digest, "{byte:02x}");
    }
    Ok(digest)
}

fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut keys: Vec<&String> = members.keys().collect();
            keys.sort_unstable();
            out.push('{');
            for (index, key) in keys.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(&members[key], out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
