//! Two that would keep one hub, a directory and a cluster: one of them writes, until the hub changes hands.

use std::fs;
use std::process::Output;

use hubkeeper::core::hub_owner::OWNER_TAG;
use hubkeeper::core::ids::FindingKey;
use hubkeeper::local::Local;

use super::run::{becomes, blocking, hub, replica};
use super::{apply, controllers, field, kubectl, plane};
use crate::cli::readme::block;
use crate::cli::{Hub, Manifests, Running, code, hubkeeper, keeping, text, until};
use crate::manifests::policy;

/// A SecurityHub in a file; another `requested` forces a reconcile.
fn declared(requested: &str) -> String {
    format!(
        "apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {{name: main, annotations: {{hubkeeper.dev/requestedAt: {requested}}}}}
spec: {{homeRegion: eu-west-1, limits: {{maxFindings: 1000, maxPercent: 100}}}}
"
    )
}

fn owner(local: &Local) -> Option<String> {
    local.as_person("auditor").hub_tags().unwrap().remove(OWNER_TAG)
}

/// Reason of the SecurityHub's Ready condition.
fn ready() -> String {
    field("securityhub", "main", r#"{.status.conditions[?(@.type=="Ready")].reason}"#)
}

/// Whether somebody of this name ever changed a finding.
fn wrote(hub: &Hub, key: &FindingKey, name: &str) -> bool {
    let history = hub.local.as_person("auditor").history(key).unwrap();
    history.records.iter().any(|record| record.update_source.identity.ends_with(&format!("user/{name}")))
}

/// The lines of the README that change a hub's owner, as typed by alice.
fn typed(url: &str, line: usize) -> Output {
    let commands = block("sh", "hubkeeper take-over");
    let command = commands.lines().nth(line).unwrap().split('#').next().unwrap().trim().to_owned();
    let args: Vec<&str> = command.split(' ').skip(1).collect();
    let mut command = hubkeeper(&args);
    command.env("KUBECONFIG", plane().kubeconfig()).env("AWS_ENDPOINT_URL", url);
    command.env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "alice").output().unwrap()
}

/// Keeps the hub from a directory, under its own name.
fn directory(hub: &Hub, manifests: &Manifests, state: &tempfile::TempDir) -> Running {
    let state = state.path().to_str().unwrap();
    let args = ["run", "-f", manifests.given(), "--state-dir", state, "--listen", "127.0.0.1:0", "--owner", "one"];
    let mut command = hubkeeper(&args);
    command.env("AWS_ENDPOINT_URL", hub.served.endpoint()).env("AWS_ACCESS_KEY_ID", "111122223333");
    keeping(command.env("AWS_SECRET_ACCESS_KEY", "ops")).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_writes_nothing_to_anothers_hub_until_it_takes_it_over_and_then_the_other_stops() {
    let _one = controllers().await;
    let hub = hub().await;
    let (shared, own) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let manifests = Manifests::new(&[("hub.yaml", &declared("once")), ("policy.yaml", &policy("logs", "S3.9"))]);
    let state = tempfile::tempdir().unwrap();
    let mut first = directory(&hub, &manifests, &state);
    becomes(&hub, &shared, "SUPPRESSED").await;
    assert_eq!(owner(&hub.local).as_deref(), Some("one"));

    // The cluster's own name is the uid of kube-system.
    let (mut second, _) = replica(&hub, "bob", &["--lease-name", "owner"]);
    let (local, url) = (hub.local.clone(), hub.served.endpoint());
    let uid = blocking(|| {
        apply(&policy("logs", "S3.9, S3.8"));
        until("the cluster says that the hub is another's", || ready() == "OwnedElsewhere");
        let uid = kubectl(&["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"], "");
        let said = field("securityhub", "main", "{.status.owner} {.status.keeper}");
        assert_eq!(said, format!("one {uid}"));
        until("so does its policy", || {
            field("controlpolicy", "logs", r#"{.status.conditions[?(@.type=="Ready")].reason}"#) == "OwnedElsewhere"
        });
        uid
    })
    .await;
    assert_eq!((hub.workflow(&own), wrote(&hub, &own, "bob"), wrote(&hub, &shared, "bob")), ("NEW".to_owned(), false, false));

    let there = url.clone();
    let (asked, taken) = blocking(move || (typed(&there, 0), typed(&there, 1))).await;
    assert_eq!((code(&asked), code(&taken)), (2, 0), "{}{}", text(&asked.stderr), text(&taken.stderr));
    assert!(text(&asked.stdout).contains("owned by one since 20"), "{}", text(&asked.stdout));
    assert!(text(&taken.stdout).contains(&format!("owned by {uid} from now on")), "{}", text(&taken.stdout));
    assert_eq!(owner(&hub.local), Some(uid.clone()));

    // Nobody waits for the next look here: a forced reconcile looks at once.
    manifests.write("hub.yaml", declared("twice"));
    let path = state.path().join("status/SecurityHub/_/main.yaml");
    let told = blocking(move || {
        let status = || fs::read_to_string(&path).unwrap_or_default();
        until("the directory says that the hub is another's", || status().contains("OwnedElsewhere"));
        kubectl(&["annotate", "securityhub", "main", "hubkeeper.dev/requestedAt=now"], "");
        status()
    })
    .await;
    assert!(told.contains(&format!("owner: {uid}")), "{told}");
    becomes(&hub, &own, "SUPPRESSED").await;
    let late = hub.fail("S3.9", "arn:aws:s3:::late");
    blocking(|| {
        // Without a queue, it is found by the next reading.
        kubectl(&["annotate", "securityhub", "main", "hubkeeper.dev/requestedAt=again", "--overwrite"], "");
    })
    .await;
    manifests.write("hub.yaml", declared("thrice"));
    becomes(&hub, &late, "SUPPRESSED").await;
    assert!(wrote(&hub, &late, "bob") && !wrote(&hub, &late, "ops"));
    blocking(move || first.stop()).await;

    // For uninstalling: stopped and let go. The next one to start claims it.
    blocking(move || assert_eq!(second.stop(), Some(0))).await;
    let there = url.clone();
    let released = blocking(move || typed(&there, 2)).await;
    assert_eq!((code(&released), owner(&hub.local)), (0, None), "{}", text(&released.stderr));
    let (mut third, _) = replica(&hub, "bob", &["--lease-name", "owner"]);
    let claimed = local.clone();
    blocking(move || until("it is claimed", || owner(&claimed) == Some(uid.clone()))).await;

    // When everything is given back and the SecurityHub is deleted, the tag goes by itself.
    blocking(|| kubectl(&["delete", "controlpolicy", "logs"], "")).await;
    for key in [&shared, &own, &late] {
        becomes(&hub, key, "NEW").await;
    }
    blocking(move || {
        until("nothing is left to do", || ready() == "ReconciliationSucceeded");
        kubectl(&["delete", "securityhub", "main"], "");
        until("it is let go", || owner(&local).is_none());
        assert_eq!(third.stop(), Some(0));
    })
    .await;
}
