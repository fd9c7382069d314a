//! What the API server would say of one object, then what Hubkeeper would: all of it at once.

pub(crate) mod structure;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kube::core::cel::{CompiledSchema, ErrorKind, ValidationErrors, apply_defaults, compile_schema, validate_compiled};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::structure::{Findings, MAX_ERRORS, check};
use crate::api::parse::{FieldError, Invalid};
use crate::api::schema::{LABEL_VALUE, OBJECT_NAME};
use crate::api::{Account, Approval, ControlPolicy, ExceptionPolicy, FindingException, SecurityHub, crd};
use crate::core::filter::{FilterError, Filters};
use crate::core::ids::Kind;
use crate::core::objects::{
    AccountSpec, ApprovalSpec, ExceptionPolicySpec, ExceptionSpec, HubSpec, Meta, Mode, Object, Objects, PolicySpec,
};

/// One object that is in order.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "policies are what most objects are, or soon moved into their list")]
pub enum Declared {
    /// A SecurityHub.
    Hub(Object<HubSpec>),
    /// An Account.
    Account(Object<AccountSpec>),
    /// A ControlPolicy.
    Policy(Object<PolicySpec>),
    /// A FindingException.
    Exception(Object<ExceptionSpec>),
    /// An ExceptionPolicy.
    ExceptionPolicy(Object<ExceptionPolicySpec>),
    /// An Approval.
    Approval(Object<ApprovalSpec>),
}

impl Declared {
    /// Its identity.
    pub fn meta(&self) -> &Meta {
        match self {
            Self::Hub(object) => &object.meta,
            Self::Account(object) => &object.meta,
            Self::Policy(object) => &object.meta,
            Self::Exception(object) => &object.meta,
            Self::ExceptionPolicy(object) => &object.meta,
            Self::Approval(object) => &object.meta,
        }
    }

    /// Its identity, to be completed.
    pub fn meta_mut(&mut self) -> &mut Meta {
        match self {
            Self::Hub(object) => &mut object.meta,
            Self::Account(object) => &mut object.meta,
            Self::Policy(object) => &mut object.meta,
            Self::Exception(object) => &mut object.meta,
            Self::ExceptionPolicy(object) => &mut object.meta,
            Self::Approval(object) => &mut object.meta,
        }
    }

    /// The priority of a policy that enforces.
    pub fn enforced_priority(&self) -> Option<i32> {
        match self {
            Self::Policy(object) if object.spec.mode == Mode::Enforce => Some(object.spec.priority),
            _ => None,
        }
    }

    /// Puts it where it belongs.
    pub fn add_to(self, objects: &mut Objects) {
        match self {
            Self::Hub(object) => objects.hubs.push(object),
            Self::Account(object) => objects.accounts.push(object),
            Self::Policy(object) => objects.policies.push(object),
            Self::Exception(object) => objects.exceptions.push(object),
            Self::ExceptionPolicy(object) => objects.exception_policies.push(object),
            Self::Approval(object) => objects.approvals.push(object),
        }
    }
}

struct Schema {
    open_api: Value,
    compiled: CompiledSchema,
    /// Whether a rule compares an object with its last version.
    compares: bool,
}

fn schema(kind: Kind) -> Option<&'static Schema> {
    static SCHEMAS: LazyLock<BTreeMap<Kind, Schema>> = LazyLock::new(|| {
        let schema = |kind: Kind| {
            let open_api = open_api(kind)?;
            let compiled = compile_schema(&open_api);
            let compares = open_api.to_string().contains("oldSelf");
            Some((kind, Schema { open_api, compiled, compares }))
        };
        Kind::ALL.into_iter().filter_map(schema).collect()
    });
    SCHEMAS.get(&kind)
}

/// The schema of a kind as the API server has it, with what every object has.
fn open_api(kind: Kind) -> Option<Value> {
    let crd = crd(kind);
    let schema = crd.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    let mut schema = serde_json::to_value(schema).ok()?;
    let properties = schema.get_mut("properties")?.as_object_mut()?;
    properties.insert("apiVersion".to_owned(), json!({"type": "string"}));
    properties.insert("kind".to_owned(), json!({"type": "string"}));
    properties.insert("metadata".to_owned(), metadata(kind));
    match schema.get_mut("required").and_then(Value::as_array_mut) {
        Some(required) => required.push(json!("metadata")),
        None => {
            schema.as_object_mut()?.insert("required".to_owned(), json!(["metadata"]));
        }
    }
    Some(schema)
}

/// `metadata` as people may write it; what the API server keeps there itself is let pass, so that `kubectl get -o yaml` does.
fn metadata(kind: Kind) -> Value {
    let anything = json!({"x-kubernetes-preserve-unknown-fields": true});
    let mut metadata = json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 253, "pattern": OBJECT_NAME, "description": "Example: main."},
            "namespace": {"type": "string", "minLength": 1, "maxLength": 63, "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
                "description": "Example: team-pay."},
            "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 63, "pattern": LABEL_VALUE}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 262_144}},
            "finalizers": {"type": "array", "items": {"type": "string"}},
            "uid": {"type": "string"}, "resourceVersion": {"type": "string"}, "generation": {"type": "integer"},
            "creationTimestamp": {"type": "string"}, "selfLink": {"type": "string"},
            "managedFields": {"type": "array", "items": anything}, "ownerReferences": {"type": "array", "items": anything},
        },
        "required": ["name"],
    });
    if kind.is_namespaced()
        && let Some(required) = metadata.get_mut("required").and_then(Value::as_array_mut)
    {
        required.push(json!("namespace"));
    }
    metadata
}

/// Judges an object. Nothing is left out for the sake of an earlier error, unless it may be a consequence of that.
pub fn judge(kind: Kind, value: &Value) -> Result<Declared, Vec<FieldError>> {
    let Some(schema) = schema(kind) else {
        return Err(vec![FieldError { path: String::new(), message: format!("the schema of {kind} cannot be made") }]);
    };
    let mut value = value.clone();
    if let Some(members) = value.as_object_mut() {
        // A status is never an input; an empty member is as good as none to the API server.
        members.remove("status");
    }
    let mut found = Findings::default();
    check(&schema.open_api, &mut value, "", &mut found);
    let Findings { errors, taken } = found;
    let mut errors: Vec<FieldError> = errors
        .into_iter()
        .map(|error| FieldError { path: error.path.trim_start_matches('.').to_owned(), message: error.message })
        .collect();
    let taken: Vec<&str> = taken.iter().map(|path| path.trim_start_matches('.')).collect();
    let structural: Vec<String> = errors.iter().map(|error| error.path.clone()).collect();
    let told = Told { structural: &structural, taken: &taken };
    // Rules that could not be evaluated, mostly because of a value that is told below in better words.
    let mut unevaluated = Vec::new();
    if !structural.iter().any(|path| path == "spec" || path.is_empty()) {
        let whole = apply_defaults(&schema.open_api, &value);
        let judged = validate_compiled(&schema.compiled, &whole, None).err().map(ValidationErrors::into_vec);
        for error in judged.unwrap_or_default() {
            let path = error.field_path.trim_start_matches('.').to_owned();
            let ours = FieldError { path, message: format!("Invalid value: {}", error.message) };
            match error.kind {
                ErrorKind::ValidationFailure => told.add(&mut errors, ours),
                _ => unevaluated.push(ours),
            }
        }
    }
    let typed = match kind {
        Kind::SecurityHub => typed::<SecurityHub, _>(&value).map(|object| object.map(Declared::Hub)),
        Kind::Account => typed::<Account, _>(&value).map(|object| object.map(Declared::Account)),
        Kind::ControlPolicy => typed::<ControlPolicy, _>(&value).map(|object| object.map(Declared::Policy)),
        Kind::FindingException => typed::<FindingException, _>(&value).map(|object| object.map(Declared::Exception)),
        Kind::ExceptionPolicy => typed::<ExceptionPolicy, _>(&value).map(|object| object.map(Declared::ExceptionPolicy)),
        Kind::Approval => typed::<Approval, _>(&value).map(|object| object.map(Declared::Approval)),
    };
    match typed {
        Ok(Ok(declared)) if errors.is_empty() && unevaluated.is_empty() => return Ok(declared),
        Ok(Err(Invalid(refused))) => {
            for error in refused {
                told.add(&mut errors, FieldError { message: format!("Invalid value: {}", error.message), ..error });
            }
        }
        // Too wrong to be read as a whole: AWS's filters are judged by themselves, so that their errors are told with the rest.
        Err(_) if !errors.is_empty() => {
            let mut refused = Vec::new();
            refused_filters(&value, "", &mut refused);
            for error in refused {
                told.add(&mut errors, error);
            }
        }
        // The schema has said it already, in better words and with its place.
        Err(message) => errors.push(FieldError { path: "spec".to_owned(), message }),
        Ok(Ok(_)) => {}
    }
    if errors.is_empty() {
        errors = unevaluated;
    }
    Err(errors)
}

/// Whether objects of this kind have something that cannot be changed.
pub fn compares(kind: Kind) -> bool {
    schema(kind).is_some_and(|schema| schema.compares)
}

/// What the API server would refuse of changing one object that is in order into another.
pub fn judge_change(kind: Kind, old: &Value, new: &Value) -> Vec<FieldError> {
    let Some(schema) = schema(kind).filter(|_| old != new) else { return Vec::new() };
    let [old, new] = [old, new].map(|value| {
        let mut value = value.clone();
        if let Some(members) = value.as_object_mut() {
            members.remove("status");
        }
        apply_defaults(&schema.open_api, &value)
    });
    let errors = validate_compiled(&schema.compiled, &new, Some(&old)).err().map(ValidationErrors::into_vec).unwrap_or_default();
    let told = |error: kube::core::cel::ValidationError| FieldError {
        path: error.field_path.trim_start_matches('.').to_owned(),
        message: format!("Invalid value: {}", error.message),
    };
    errors.into_iter().map(told).collect()
}

/// What AWS would refuse of every `filters` in a value.
fn refused_filters(value: &Value, path: &str, refused: &mut Vec<FieldError>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if key != "filters" {
                    refused_filters(member, &path, refused);
                } else if let Err(errors) = Filters::parse(member) {
                    let error = |error: &FilterError| FieldError {
                        path: format!("{path}.{}", error.path).trim_end_matches('.').to_owned(),
                        message: format!("Invalid value: {}", error.refusal),
                    };
                    refused.extend(errors.0.iter().map(error));
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                refused_filters(item, &format!("{path}[{number}]"), refused);
            }
        }
        _ => {}
    }
}

/// What the schema has said already.
struct Told<'a> {
    structural: &'a [String],
    taken: &'a [&'a str],
}

impl Told<'_> {
    /// Adds an error, unless it is told already or may only be due to a value that was taken out.
    fn add(&self, errors: &mut Vec<FieldError>, error: FieldError) {
        let within = |path: &str| {
            path.strip_prefix(error.path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        if errors.len() < MAX_ERRORS
            && !errors.contains(&error)
            && !self.structural.contains(&error.path)
            && !self.taken.iter().any(|path| within(path))
        {
            errors.push(error);
        }
    }
}

/// Reads as the typed kind and parses that; the outer error: it does not even have the shape.
fn typed<K, S>(value: &Value) -> Result<Result<Object<S>, Invalid>, String>
where
    K: DeserializeOwned,
    for<'a> Object<S>: TryFrom<&'a K, Error = Invalid>,
{
    let kind = K::deserialize(value).map_err(|error| error.to_string())?;
    Ok(Object::try_from(&kind))
}
