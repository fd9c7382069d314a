//! The program in a cluster: applied with kubectl, told by status, seen in the hub.

use std::process::Command;
use std::time::Duration;

use hubkeeper::core::ids::FindingKey;
use hubkeeper::local::Local;

use super::{apply, controllers, field, kubectl, plane};
use crate::cli::readme::block;
use crate::cli::{BIN, Hub, Running, get, hubkeeper, keeping, until};
use crate::manifests::{HUB, policy};

const EXCEPTION: &str = "apiVersion: v1
kind: Namespace
metadata: {name: team-pay}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {name: team-pay}
spec: {namespaces: {names: [team-pay]}, grants: [{accounts: [\"111122223333\"]}], effects: [Accept], maxDays: 3650, maxFindings: 50}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {name: cdn, namespace: team-pay}
spec:
  effect: Accept
  targets: [{controls: [S3.8], accounts: [\"111122223333\"], resources: [\"arn:aws:s3:::cdn\"]}]
  reason: CompensatingControl
  justification: Served only through CloudFront
  owner: pay-sec@example.com
  startsAt: \"2026-01-01T00:00:00Z\"
  expiresAt: \"2034-12-31T00:00:00Z\"
";

/// An empty hub, and the objects that declare it.
pub async fn hub() -> Hub {
    let hub = Hub::start(Local::builder().findings(0).accounts(2).regions(2).buckets(false)).await;
    tokio::task::spawn_blocking(|| apply(HUB)).await.unwrap();
    hub
}

/// A replica whose writes stand under its own name in findings' histories; where it tells how it is.
pub fn replica(hub: &Hub, name: &str, more: &[&str]) -> (Running, String) {
    let kubeconfig = plane().kubeconfig().to_str().unwrap();
    let args = [&["run", "--kubeconfig", kubeconfig, "--namespace", "default", "--listen", "127.0.0.1:0"][..], more].concat();
    let mut command: Command = hubkeeper(&args);
    command.env("AWS_ENDPOINT_URL", hub.served.endpoint()).env("AWS_ACCESS_KEY_ID", "111122223333");
    keeping(command.env("AWS_SECRET_ACCESS_KEY", name).env("HOSTNAME", name))
}

/// Off the runtime that serves the hub.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// Waits until a finding has this workflow status.
pub async fn becomes(hub: &Hub, key: &FindingKey, status: &'static str) {
    let (local, key) = (hub.local.clone(), key.clone());
    let now = move || local.finding(&key).unwrap()["Workflow"]["Status"].as_str().unwrap().to_owned();
    blocking(move || until(status, || now() == status)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_is_done_told_and_taken_back() {
    let _one = controllers().await;
    let hub = hub().await;
    let (ruled, excepted) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let (mut replica, address) = replica(&hub, "ops", &["--lease-name", "run"]);
    blocking(|| {
        apply(&policy("logs", "S3.9"));
        apply(EXCEPTION);
    })
    .await;
    becomes(&hub, &ruled, "SUPPRESSED").await;
    becomes(&hub, &excepted, "SUPPRESSED").await;
    let page = blocking(|| {
        for object in ["securityhub/main", "controlpolicy/logs"] {
            kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", object], "");
        }
        kubectl(&["wait", "--for=condition=InForce", "--timeout=60s", "-n", "team-pay", "findingexception/cdn"], "");
        assert_eq!(field("controlpolicy", "logs", "{.status.held}"), "1");
        assert_eq!(field("controlpolicy", "logs", "{.status.observedGeneration}"), "1");
        kubectl(&["get", "findingexceptions", "-A"], "")
    })
    .await;
    assert!(page.contains("team-pay") && page.contains("cdn") && page.contains("Active"), "{page}");

    // At rest: nothing is written to the hub, and no object changes.
    let state = || kubectl(&["get", super::KINDS, "-A", "-o", "jsonpath={range .items[*]}{.metadata.resourceVersion} {end}"], "");
    let (local, before) = (hub.local.clone(), blocking(state).await);
    let writes = local.count("BatchUpdateFindings").calls;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((local.count("BatchUpdateFindings").calls, blocking(state).await), (writes, before));

    // A request is handled and echoed; a suspended policy keeps what it holds.
    blocking(|| {
        kubectl(&["annotate", "controlpolicy", "logs", "hubkeeper.dev/requestedAt=now"], "");
        until("the request is echoed", || field("controlpolicy", "logs", "{.status.lastHandledReconcileAt}") == "now");
        kubectl(&["delete", "controlpolicy", "logs"], "");
        kubectl(&["delete", "findingexception", "-n", "team-pay", "cdn"], "");
    })
    .await;
    becomes(&hub, &ruled, "NEW").await;
    becomes(&hub, &excepted, "NEW").await;
    let events =
        blocking(|| kubectl(&["get", "events.events.k8s.io", "-A", "-o", "jsonpath={.items[*].regarding.name}"], "")).await;
    assert!(events.contains("logs") && events.contains("cdn"), "{events}");
    let ready = blocking(move || get(&address, "/readyz")).await;
    assert!(ready.as_ref().is_some_and(|page| page.starts_with("HTTP/1.1 200")), "{ready:?}");
    assert_eq!(blocking(move || replica.stop()).await, Some(0));
    assert_eq!(blocking(|| kubectl(&["get", "lease", "run", "-o", "jsonpath={.spec.holderIdentity}"], "")).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_while_nobody_ran_is_given_back_once_its_absence_is_proved() {
    let _one = controllers().await;
    let hub = hub().await;
    let key = hub.fail("S3.9", "arn:aws:s3:::logs");
    let (mut first, _) = replica(&hub, "ops", &["--lease-name", "absent"]);
    blocking(|| apply(&policy("logs", "S3.9"))).await;
    becomes(&hub, &key, "SUPPRESSED").await;
    blocking(move || first.stop()).await;
    blocking(|| kubectl(&["delete", "controlpolicy", "logs"], "")).await;
    assert_eq!(hub.workflow(&key), "SUPPRESSED");
    let (mut second, _) = replica(&hub, "ops", &["--lease-name", "absent"]);
    becomes(&hub, &key, "NEW").await;
    blocking(move || second.stop()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_work() {
    let _one = controllers().await;
    blocking(|| {
        let commands = block("sh", "hubkeeper crds");
        let (define, run) = commands.trim().split_once('\n').unwrap();
        let kubeconfig = plane().kubeconfig().to_str().unwrap();
        let define = define.replace("hubkeeper", BIN).replace("kubectl", plane().kubectl().to_str().unwrap());
        // What the harness has applied is somebody else's.
        let define = format!("{define} --force-conflicts");
        let output = Command::new("bash").args(["-eu", "-o", "pipefail", "-c", &define]).env("KUBECONFIG", kubeconfig).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        kubectl(&["create", "namespace", "hubkeeper"], "");
        let run = run.replace("~/.kube/config", kubeconfig).replace("8080", "0");
        let args: Vec<&str> = run.split(' ').skip(1).collect();
        let (mut running, address) = keeping(&mut hubkeeper(&args));
        until("it is ready", || get(&address, "/readyz").is_some_and(|page| page.starts_with("HTTP/1.1 200")));
        assert_eq!(running.stop(), Some(0));
    })
    .await;
}
