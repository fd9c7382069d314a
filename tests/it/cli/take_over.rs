//! `take-over`: whose a hub is, and how that is changed; and what `run` makes of a hub that is another's.

use std::fs;

use hubkeeper::core::hub_owner::OWNER_TAG;
use hubkeeper::local::Local;
use hubkeeper::local::faults::{CallFault, Fault, Faults};

use super::{Hub, Manifests, hubkeeper, keeping, page, reach, until};
use crate::manifests::{HUB, policy};

fn owner(hub: &Hub) -> Option<String> {
    hub.local.as_person("auditor").hub_tags().unwrap().remove(OWNER_TAG)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_changes_hands_only_when_it_is_confirmed() {
    let hub = Hub::start(Local::builder()).await;
    let manifests = Manifests::new(&[("hub.yaml", HUB), ("policy.yaml", &policy("logs", "S3.9"))]);
    let steps: [(&[&str], Option<&str>); 11] = [
        (&["take-over", "-f", "."], None),
        (&["take-over", "-f", ".", "--yes"], Some("files")),
        (&["take-over", "main", "-f", ".", "--yes"], Some("files")),
        (&["plan", "."], Some("files")),
        (&["take-over", "-f", ".", "--owner", "prod"], Some("files")),
        (&["take-over", "-f", ".", "--owner", "prod", "--yes"], Some("prod")),
        (&["take-over", "-f", "."], Some("prod")),
        (&["take-over", "-f", ".", "--release", "--yes"], Some("prod")),
        (&["take-over", "-f", ".", "--owner", "prod", "--release"], Some("prod")),
        (&["take-over", "-f", ".", "--owner", "prod", "--release", "--yes"], None),
        (&["take-over", "-f", ".", "--owner", "prod", "--release"], None),
    ];
    let mut parts = Vec::new();
    for (args, after) in steps {
        parts.push(hub.said(manifests.path(), args).await);
        assert_eq!(owner(&hub).as_deref(), after, "{args:?}");
    }
    insta::assert_snapshot!(page(&parts));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_over_is_said() {
    let hub = Hub::start(Local::builder()).await;
    let manifests = Manifests::new(&[("hub.yaml", HUB), ("other.yaml", &HUB.replace("main", "other"))]);
    let mut parts = Vec::new();
    for args in [
        &["take-over", "-f", "."][..],
        &["take-over", "third", "-f", "."],
        &["take-over", "-f", ".", "--owner", "a b"],
        &["take-over", "-f", ".", "--context", "prod"],
        &["take-over", "--kubeconfig", "nowhere"],
    ] {
        parts.push(hub.said(manifests.path(), args).await);
    }
    for operation in ["ListTagsForResource", "TagResource"] {
        hub.local.set_faults(Faults { calls: vec![CallFault::of(operation, Fault::AccessDenied)], ..Faults::default() });
        parts.push(hub.said(manifests.path(), &["take-over", "main", "-f", ".", "--yes"]).await);
    }
    assert_eq!(owner(&hub), None);
    // A plan needs to know whose it is for nothing.
    hub.local.set_faults(Faults { calls: vec![CallFault::of("ListTagsForResource", Fault::AccessDenied)], ..Faults::default() });
    parts.push(hub.said(manifests.path(), &["plan", ".", "--hub", "main"]).await);
    insta::assert_snapshot!(page(&parts));
}

#[tokio::test(flavor = "multi_thread")]
async fn run_writes_nothing_to_a_hub_that_is_anothers_and_goes_on_when_it_is_given_to_it() {
    let hub = Hub::start(Local::builder()).await;
    let key = hub.fail("S3.9", "arn:aws:s3:::logs");
    hub.local.as_person("alice").tag_hub(&[(OWNER_TAG, "cluster-b")]).unwrap();
    let (url, local) = (hub.served.endpoint(), hub.local.clone());
    tokio::task::spawn_blocking(move || {
        let manifests = Manifests::new(&[("hub.yaml", HUB), ("policy.yaml", &policy("logs", "S3.9"))]);
        let state = tempfile::tempdir().unwrap();
        let args =
            ["run", "-f", ".", "--state-dir", state.path().to_str().unwrap(), "--listen", "127.0.0.1:0", "--owner", "prod"];
        let mut command = hubkeeper(&args);
        let (mut running, _) = keeping(reach(&mut command, &url).current_dir(manifests.path()));
        let status = || fs::read_to_string(state.path().join("status/SecurityHub/_/main.yaml")).unwrap_or_default();
        until("it says whose it is", || status().contains("OwnedElsewhere"));
        let said = status();
        assert!(said.contains("owner: cluster-b") && said.contains("keeper: prod"), "{said}");
        assert_eq!((local.count("BatchUpdateFindings").calls, local.count("TagResource").calls), (0, 0));
        local.as_person("alice").tag_hub(&[(OWNER_TAG, "prod")]).unwrap();
        manifests.write("hub.yaml", HUB.replace("{name: main}", "{name: main, annotations: {hubkeeper.dev/requestedAt: now}}"));
        until("it is kept", || local.finding(&key).unwrap()["Workflow"]["Status"] == "SUPPRESSED");
        assert_eq!(running.stop(), Some(0));
    })
    .await
    .unwrap();
}
