//! Objects that no rule of ours has judged: stored before there were rules, or by a newer definition. On a control plane of its own,
//! whose definitions let everything pass.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use hubkeeper::assembly::time::HouseClock;
use hubkeeper::cluster::source::{ClusterSource, watch_all};
use hubkeeper::cluster::store::Store;
use hubkeeper::controlplane::{ControlPlane, Options};
use hubkeeper::core::ids::{Kind, ObjectRef};
use hubkeeper::engine::ports::{Clock, DesiredSource as _};
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::{conditions::is_crd_established, wait::await_condition};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::goods::good;
use super::{api, created, kind_of, table, walk};
use crate::cluster::{admin, binaries, controllers, define, plane};

/// Our definitions without a schema.
async fn define_without_rules(client: &Client) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in hubkeeper::api::all_crds() {
        let name = crd.metadata.name.clone().unwrap();
        let mut crd = serde_json::to_value(&crd).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"] =
            json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        definitions.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&crd)).await.unwrap();
        await_condition(definitions.clone(), &name, is_crd_established()).await.unwrap();
    }
}

/// What the controller makes of all that is there.
async fn read(client: &Client) -> (BTreeMap<ObjectRef, String>, BTreeSet<ObjectRef>) {
    let store = Arc::new(Store::default());
    let clock: Arc<dyn Clock> = Arc::new(HouseClock::system());
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    watch_all(client, &store, &clock, &tasks, &stop);
    let desired = ClusterSource::new(&store, clock).next().await.unwrap();
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    assert!(desired.complete);
    let broken = desired.broken.iter().map(|broken| (broken.object.clone().unwrap(), broken.message.to_string())).collect();
    let all = &desired.objects;
    let taken = (all.hubs.iter().map(|object| &object.meta))
        .chain(all.accounts.iter().map(|object| &object.meta))
        .chain(all.policies.iter().map(|object| &object.meta))
        .chain(all.exceptions.iter().map(|object| &object.meta))
        .chain(all.exception_policies.iter().map(|object| &object.meta))
        .chain(all.approvals.iter().map(|object| &object.meta));
    (broken, taken.map(|meta| meta.object.clone()).collect())
}

fn named(object: &Value, name: &str) -> (ObjectRef, Value) {
    let (kind, mut object) = (kind_of(object), object.clone());
    object["metadata"]["name"] = name.into();
    let reference =
        if kind.is_namespaced() { ObjectRef::namespaced(kind, "default", name) } else { ObjectRef::cluster(kind, name) };
    (reference, object)
}

async fn store(client: &Client, object: &Value) {
    let (kind, object) = (kind_of(object), serde_json::from_value(object.clone()).unwrap());
    api(client, kind).create(&PostParams::default(), &object).await.unwrap();
}

#[tokio::test]
async fn what_no_rule_has_judged_is_told_as_broken_and_never_matches_wider() {
    let folder = tempfile::tempdir().unwrap();
    let plane = ControlPlane::start(&binaries(), folder.path(), &Options::default()).await.unwrap();
    let mut config = plane.config().await.unwrap();
    config.default_retry = false;
    let client = Client::try_from(config).unwrap();
    define_without_rules(&client).await;

    // Everything of the tables, as it is.
    let (mut wanted, mut goods, mut objects) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
    for kind in Kind::ALL {
        let (reference, object) = named(&good(kind), "good");
        goods.insert(reference);
        objects.push(object);
    }
    let cases = Kind::ALL.into_iter().flat_map(walk::cases).chain(table::cases().into_iter().map(|(_, case)| case));
    for (number, case) in cases.enumerate() {
        let (reference, object) = named(&case.bad, &format!("bad-{number}"));
        wanted.insert(reference, case);
        objects.push(object);
    }
    futures::stream::iter(&objects).map(|object| store(&client, object)).buffer_unordered(8).collect::<Vec<_>>().await;

    let (broken, taken) = read(&client).await;
    assert_eq!(taken, goods, "only what is good has an effect");
    for (reference, case) in &wanted {
        let message = broken.get(reference).unwrap_or_else(|| panic!("{} is not broken", case.what));
        for says in &case.says {
            assert!(message.contains(&says.field) && message.contains(&says.offline), "{}: {message}", case.what);
        }
    }
    assert_eq!(broken.len(), wanted.len());

    // The definitions come, and what is stored stays. What they do not name is gone for every reader: nothing else may change.
    define(&client).await;
    for kind in Kind::ALL {
        // Established they were before: the new ones are served once they refuse.
        let bad = walk::with(kind, "/spec/surprise", json!(1));
        let mut tries = 0..600;
        while created(&client, &bad).await.is_none() {
            assert!(tries.next().is_some(), "the definition of {kind} does not come");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    let (broken, taken) = read(&client).await;
    assert!(goods.iter().all(|good| taken.contains(good)));
    for (reference, case) in &wanted {
        if !case.what.ends_with("an unknown field") {
            assert!(broken.contains_key(reference) && !taken.contains(reference), "{} has an effect", case.what);
        }
    }
}

#[tokio::test]
async fn a_null_is_refused_however_kubectl_sends_it_and_told_where_kubectl_takes_it_out() {
    let _one = controllers().await;
    let (client, folder) = (admin().await, tempfile::tempdir().unwrap());
    let file = folder.path().join("policy.json");
    let (reference, mut policy) = named(&good(Kind::ControlPolicy), "nulls");
    let kubectl = |policy: &Value, arguments: &[&str]| {
        std::fs::write(&file, policy.to_string()).unwrap();
        let output = Command::new(plane().kubectl())
            .args(arguments)
            .args(["--validate=strict", "-f"])
            .arg(&file)
            .env("KUBECONFIG", plane().kubeconfig())
            .env("HOME", "/nonexistent")
            .output()
            .unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8(output.stderr).unwrap()) }
    };
    let refused = "spec.scope.controls: Unsupported value: null: supported values: \"a value: or remove the field\"";
    policy["spec"]["scope"] = json!({"controls": null, "severities": ["HIGH"]});
    for arguments in [&["create"][..], &["apply", "--server-side"]] {
        let why = kubectl(&policy, arguments).unwrap_err();
        assert!(why.contains(refused), "{arguments:?}: {why}");
    }
    // Once where there is nothing, and once onto what is there.
    for _ in 0..2 {
        kubectl(&policy, &["apply"]).unwrap();
        let (broken, taken) = read(&client).await;
        assert!(broken[&reference].contains("spec.scope.controls: Invalid value: null"), "{broken:?}");
        assert!(!taken.contains(&reference));

        let mut mended = policy.clone();
        mended["spec"]["scope"]["controls"] = json!(["EC2.1"]);
        kubectl(&mended, &["apply"]).unwrap();
        let (broken, taken) = read(&client).await;
        assert!(taken.contains(&reference) && !broken.contains_key(&reference));
    }
    let why = kubectl(&policy, &["replace"]).unwrap_err();
    assert!(why.contains(refused), "{why}");
    api(&client, Kind::ControlPolicy).delete("nulls", &kube::api::DeleteParams::default()).await.unwrap();
}
