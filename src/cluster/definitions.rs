//! The definitions as the API server has them. It takes out of every object what its definition does not name, so that under an
//! older one a rule that was narrow may look wide, and nothing in the object tells.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde_json::Value;
use tokio::sync::Mutex;

use super::failure;
use crate::api::{GROUP, VERSION, crd};
use crate::core::ids::Kind;
use crate::engine::ports::Clock;

/// For how long an answer is good: the kinds are listed at the same time.
const GOOD: Duration = Duration::from_secs(1);
/// Fields told of one kind.
const TOLD: usize = 3;

/// What the API server publishes of our group, to everybody who may talk to it.
pub(super) struct Definitions {
    client: Client,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<(Duration, Arc<Value>)>>,
}

impl Definitions {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock, known: Mutex::default() }
    }

    /// `Err`: what it is that keeps objects of this kind from being believed.
    pub(super) async fn have_all_of(&self, kind: Kind) -> Result<(), String> {
        let published = self.published().await?;
        let Some(theirs) = schema(&published, kind) else {
            return Err(format!("the definition of {kind} is not published yet"));
        };
        let mut lacks = Vec::new();
        if let Some(ours) = ours(kind) {
            compare(&ours, theirs, "spec", &mut lacks);
        }
        if lacks.is_empty() {
            return Ok(());
        }
        let (count, first) = (lacks.len(), lacks.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", "));
        let more = if count > TOLD { format!(" and {} more", count - TOLD) } else { String::new() };
        Err(format!(
            "the definition of {kind} in the cluster is of another version than this program: it does not have {first}{more}, and \
             objects would be read without; install the definitions: hubkeeper crds | kubectl apply --server-side -f -"
        ))
    }

    async fn published(&self) -> Result<Arc<Value>, String> {
        let mut known = self.known.lock().await;
        if let Some((at, published)) = &*known
            && self.clock.elapsed().saturating_sub(*at) < GOOD
        {
            return Ok(Arc::clone(published));
        }
        let action = "read the published definitions";
        let request = http::Request::get(format!("/openapi/v3/apis/{GROUP}/{VERSION}")).body(Vec::new());
        let request = request.map_err(|error| format!("failed to {action}: {error}"))?;
        let published: Value = self.client.request(request).await.map_err(|error| failure::of(&error, action))?;
        let published = Arc::new(published);
        *known = Some((self.clock.elapsed(), Arc::clone(&published)));
        Ok(published)
    }
}

/// The schema of the spec.
fn ours(kind: Kind) -> Option<Value> {
    let crd = crd(kind);
    let schema = crd.spec.versions.first()?.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    serde_json::to_value(schema).ok()?.pointer("/properties/spec").cloned()
}

/// The published one. `{}`: it lets everything pass.
fn schema(published: &Value, kind: Kind) -> Option<&Value> {
    let schemas = published.get("components")?.get("schemas")?.as_object()?;
    let is = |schema: &&Value| {
        let names = schema.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        names
            .into_iter()
            .flatten()
            .any(|name| name["group"] == GROUP && name["version"] == VERSION && name["kind"] == kind.as_str())
    };
    let schema = schemas.values().find(is)?;
    if keeps_everything(schema) { Some(schema) } else { schema.pointer("/properties/spec") }
}

fn keeps_everything(schema: &Value) -> bool {
    schema["x-kubernetes-preserve-unknown-fields"] == true || schema.get("type").is_none() && schema.get("properties").is_none()
}

/// Fields of ours that theirs does not have, and would take out.
fn compare(ours: &Value, theirs: &Value, path: &str, lacks: &mut Vec<String>) {
    if keeps_everything(theirs) {
        return;
    }
    for (name, field) in ours.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = format!("{path}.{name}");
        let theirs_of_map = theirs.get("additionalProperties").filter(|values| values.is_object());
        match theirs.get("properties").and_then(|properties| properties.get(name)).or(theirs_of_map) {
            Some(theirs) => compare(field, theirs, &path, lacks),
            None => lacks.push(path),
        }
    }
    for (below, shown) in [("items", "[]"), ("additionalProperties", ".*")] {
        let Some(ours) = ours.get(below).filter(|schema| schema.is_object()) else { continue };
        match theirs.get(below) {
            Some(theirs) if theirs.is_object() => compare(ours, theirs, &format!("{path}{shown}"), lacks),
            Some(theirs) if *theirs == true => {}
            _ => lacks.push(format!("{path}{shown}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lacking(kind: Kind, change: impl FnOnce(&mut Value)) -> Vec<String> {
        let ours = ours(kind).unwrap();
        let mut theirs = ours.clone();
        change(&mut theirs);
        let mut lacks = Vec::new();
        compare(&ours, &theirs, "spec", &mut lacks);
        lacks
    }

    #[test]
    fn a_field_that_the_cluster_would_take_out_is_named_wherever_it_is() {
        for kind in Kind::ALL {
            assert_eq!(lacking(kind, |_| {}), [""; 0], "{kind}");
        }
        let remove = |path: &'static str, name: &'static str| {
            move |schema: &mut Value| {
                let removed = schema.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(name);
                assert!(removed.is_some(), "{path}/{name}");
            }
        };
        let of = |path, name| lacking(Kind::ControlPolicy, remove(path, name));
        assert_eq!(of("/properties", "scope"), ["spec.scope"]);
        assert_eq!(of("/properties/rules/items/properties/match/properties", "severities"), ["spec.rules[].match.severities"]);
        assert_eq!(of("/properties/scope/properties/tags", "additionalProperties"), ["spec.scope.tags.*"]);
        assert_eq!(
            lacking(Kind::FindingException, remove("/properties/targets/items/properties", "resources")),
            ["spec.targets[].resources"]
        );
    }

    #[test]
    fn a_definition_that_knows_more_or_lets_everything_pass_takes_nothing_out() {
        let more = |schema: &mut Value| schema["properties"]["another"] = json!({"type": "string"});
        assert_eq!(lacking(Kind::ControlPolicy, more), [""; 0]);
        let open = |schema: &mut Value| *schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        assert_eq!(lacking(Kind::ControlPolicy, open), [""; 0]);
    }
}
