//! Two replicas and one writer, whatever becomes of it.

use std::process::Command;
use std::time::Duration;

use super::controllers;
use super::run::{becomes, blocking, hub, replica};
use super::{apply, kubectl};
use crate::cli::{Hub, Running, until};
use crate::manifests::policy;

const LEASE: [&str; 4] = ["--lease-seconds", "10", "--lease-name", "replicas"];

fn leader() -> String {
    kubectl(&["get", "lease", "replicas", "--ignore-not-found", "-o", "jsonpath={.spec.holderIdentity}"], "")
}

async fn leads(name: &'static str) {
    blocking(move || until(name, || leader().starts_with(name))).await;
}

fn signal(replica: &Running, signal: &str) {
    assert!(Command::new("kill").args([signal, &replica.0.id().to_string()]).status().unwrap().success());
}

/// The first two names of those who ever wrote to the hub.
fn writers(hub: &Hub, key: &hubkeeper::core::ids::FindingKey) -> Vec<String> {
    let history = hub.local.as_person("alice").history(key).unwrap();
    let mut names: Vec<String> = history
        .records
        .iter()
        .filter_map(|record| record.update_source.identity.rsplit_once("user/"))
        .map(|(_, name)| name.to_owned())
        .collect();
    names.reverse();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_stopped_killed_or_paused_is_succeeded_and_writes_no_more() {
    let _one = controllers().await;
    let hub = hub().await;
    let (first, second) = (hub.fail("S3.8", "arn:aws:s3:::a"), hub.fail("S3.9", "arn:aws:s3:::b"));
    blocking(|| apply(&policy("p", "S3.8"))).await;

    // Told to stop: it hands over.
    let (mut ops, _) = replica(&hub, "ops", &LEASE);
    leads("ops").await;
    becomes(&hub, &first, "SUPPRESSED").await;
    let (bob, _) = replica(&hub, "bob", &LEASE);
    tokio::time::sleep(Duration::from_secs(2)).await;
    blocking(move || ops.stop()).await;
    leads("bob").await;
    blocking(|| apply(&policy("p", "S3.9"))).await;
    becomes(&hub, &first, "NEW").await;
    becomes(&hub, &second, "SUPPRESSED").await;
    assert_eq!(
        (writers(&hub, &first), writers(&hub, &second)),
        (vec!["ops".to_owned(), "bob".to_owned()], vec!["bob".to_owned()])
    );

    // Killed without a word: its lease runs out.
    let (carol, _) = replica(&hub, "carol", &LEASE);
    signal(&bob, "-KILL");
    leads("carol").await;
    blocking(|| apply(&policy("p", "S3.8"))).await;
    becomes(&hub, &first, "SUPPRESSED").await;
    becomes(&hub, &second, "NEW").await;

    // Paused for longer than its lease: it wakes up, and has nothing to say.
    let (dave, _) = replica(&hub, "dave", &LEASE);
    signal(&carol, "-STOP");
    leads("dave").await;
    blocking(|| apply(&policy("p", "S3.9"))).await;
    becomes(&hub, &first, "NEW").await;
    becomes(&hub, &second, "SUPPRESSED").await;
    signal(&carol, "-CONT");
    let before = (writers(&hub, &first), writers(&hub, &second));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((writers(&hub, &first), writers(&hub, &second)), before);
    assert_eq!(before.0, ["ops", "bob", "carol", "dave"]);
    assert!(blocking(leader).await.starts_with("dave"));
    drop((bob, carol, dave));
}
