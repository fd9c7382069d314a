//! Definitions that are missing, or of another version than the program.

use hubkeeper::api::{all_crds, crd};
use hubkeeper::core::ids::Kind;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::Value;

use super::proxy::Switches;
use super::{Ground, HUB, Replica, becomes, ground, hub, hub_writes, rests, until};
use crate::cluster::define;

/// Suppresses what is rated LOW in one team, twice over: by its scope, and by its rule.
const NARROW: &str = "apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {name: scoped}
spec:
  mode: Enforce
  limits: {maxFindings: 1000, maxPercent: 100}
  scope: {severities: [LOW], controls: [S3.9]}
  rules: [{name: one, response: {suppress: {reason: OutOfScope}}}]
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {name: ruled}
spec:
  mode: Enforce
  limits: {maxFindings: 1000, maxPercent: 100}
  rules: [{name: one, match: {severities: [LOW], controls: [S3.8]}, response: {suppress: {reason: OutOfScope}}}]
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {name: untouched}
spec:
  mode: Enforce
  limits: {maxFindings: 1000, maxPercent: 100}
  rules: [{name: one, match: {severities: [LOW], controls: [S3.1]}, response: {suppress: {reason: OutOfScope}}}]
";

#[tokio::test(flavor = "multi_thread")]
async fn without_definitions_it_says_how_to_get_them_and_goes_on_by_itself_when_they_come() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let definitions: Api<CustomResourceDefinition> = Api::all(ground.client().await);
    for crd in all_crds() {
        let name = crd.metadata.name.unwrap();
        definitions.delete(&name, &DeleteParams::default()).await.unwrap();
        kube::runtime::wait::await_condition(definitions.clone(), &name, |crd: Option<&CustomResourceDefinition>| crd.is_none())
            .await
            .unwrap();
    }
    // What has just been deleted may be served, or not answered at all, for a moment.
    for kind in Kind::ALL {
        let (plural, mut last) = (crd(kind).spec.names.plural, 0);
        until("it is not served any more", || {
            let path = format!("/apis/hubkeeper.dev/v1alpha1/{plural}?limit=1");
            let is_missing =
                ground.tried(&["get", "--raw", &path, "--request-timeout=5s"], "").is_err_and(|why| why.contains("NotFound"));
            last = if is_missing { last + 1 } else { 0 };
            last >= 2
        });
    }
    let proxy = ground.proxy().await;
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    until("it says so", || {
        let said = replica.readiness();
        said.starts_with("HTTP/1.1 503")
            && Kind::ALL.into_iter().all(|kind| said.contains(&format!("failed to watch {}", crd(kind).spec.names.plural)))
            && said.contains("install the definitions: hubkeeper crds | kubectl apply --server-side -f -")
    });
    let log = replica.log();
    assert_eq!(log.matches("failed to watch controlpolicies").count(), 1, "once: {log}");
    define(&ground.client().await).await;
    until("it is ready", || replica.is_ready());
    let logs = hub.fail("S3.9", "arn:aws:s3:::logs");
    ground.apply(&[HUB, &super::policy("logs", "S3.9")].concat());
    becomes(&hub, &logs, "SUPPRESSED");
    rests(&hub, &[&proxy], &replica);
    assert_eq!(replica.stop(), Some(0));
}

/// Installs our definition of policies without a field of what matches, in scope and rules; waits until objects are read by it.
async fn downgrade(ground: &Ground) {
    let mut older = serde_json::to_value(crd(Kind::ControlPolicy)).unwrap();
    remove(&mut older, "severities");
    replace(ground, &older).await;
    until("objects are read without", || ground.field("controlpolicy/scoped", "{.spec.scope.severities}").is_empty());
}

async fn upgrade(ground: &Ground) {
    replace(ground, &serde_json::to_value(crd(Kind::ControlPolicy)).unwrap()).await;
    let is_there = || ground.tried(&["explain", "controlpolicy.spec.scope.severities"], "").is_ok();
    until("the definition is published", is_there);
}

/// Rules speak of the field too: they go with it.
fn remove(schema: &mut Value, field: &str) {
    match schema {
        Value::Object(members) => {
            if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
                properties.remove(field);
            }
            members.remove("allOf");
            members.remove("x-kubernetes-validations");
            members.values_mut().for_each(|member| remove(member, field));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, field)),
        _ => {}
    }
}

async fn replace(ground: &Ground, crd: &Value) {
    let definitions: Api<CustomResourceDefinition> = Api::all(ground.client().await);
    let name = crd["metadata"]["name"].as_str().unwrap();
    definitions.patch(name, &PatchParams::apply("tests").force(), &Patch::Apply(crd)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_hides_what_narrows_a_policy_never_makes_it_match_more() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let keys =
        [("S3.9", "a"), ("S3.8", "b"), ("S3.1", "c")].map(|(control, name)| hub.fail(control, &format!("arn:aws:s3:::{name}")));
    let untouched = |keys: &[_]| keys.iter().all(|key| hub.workflow(key) == "NEW") && hub_writes(&hub) == 0;
    let proxy = ground.proxy().await;
    ground.apply(HUB);
    ground.kubectl(&["apply", "--server-side", "-f", "-"], NARROW);
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    for name in ["scoped", "ruled", "untouched"] {
        ground.says(&format!("controlpolicy/{name}"), "True");
    }
    rests(&hub, &[&proxy], &replica);
    assert!(untouched(&keys), "they are not LOW");

    // While it runs: both are told again without the field, and then listed again.
    downgrade(ground).await;
    for name in ["scoped", "ruled"] {
        ground.kubectl(&["label", "controlpolicy", name, "touched=yes"], "");
        ground.says(&format!("controlpolicy/{name}"), "the last good version stays in force");
        assert!(ground.ready(&format!("controlpolicy/{name}")).starts_with("False Unreadable"));
        until("there is an event", || ground.events(name).contains("Unreadable"));
    }
    assert!(ground.ready("controlpolicy/scoped").contains("spec.scope.severities: Invalid value: was set"));
    proxy.forget();
    proxy.switch(Switches { watches_are_gone: true, ..Switches::default() });
    proxy.reconnect();
    until("it is listed anew", || proxy.count(|seen| seen.resource == "controlpolicies" && seen.verb == "LIST") >= 1);
    proxy.heal();
    let reads = hub.local.count("GetFindings").calls;
    until("the hub is read", || hub.local.count("GetFindings").calls >= reads + 3);
    assert!(untouched(&keys));
    assert_eq!(replica.stop(), Some(0));

    // At the start: what it would have to read by is not there, and it says so.
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    until("it says so", || {
        let said = replica.readiness();
        said.starts_with("HTTP/1.1 503")
            && said.contains("spec.rules[].match.severities")
            && said.contains("hubkeeper crds | kubectl apply --server-side -f -")
    });
    assert!(untouched(&keys));

    // The definition is mended, and everything is listed anew. What somebody wrote meanwhile was stored without the field: of a scope it
    // is known that it lacks one, of a rule it is not.
    ground.kubectl(&["delete", "controlpolicy", "ruled"], "");
    upgrade(ground).await;
    until("it is ready", || replica.is_ready());
    ground.says("controlpolicy/scoped", "spec.scope.severities: Invalid value: was set");
    ground.says("controlpolicy/untouched", "True");
    assert!(untouched(&keys));
    ground.kubectl(&["apply", "--server-side", "-f", "-"], NARROW);
    for name in ["scoped", "ruled"] {
        ground.says(&format!("controlpolicy/{name}"), "True");
    }
    rests(&hub, &[&proxy], &replica);
    assert!(untouched(&keys));
    assert_eq!(replica.stop(), Some(0));
}
