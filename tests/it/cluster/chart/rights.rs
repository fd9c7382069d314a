//! The controller as exactly the chart's ServiceAccount: its whole job, and what the API server's audit log says of it.

use std::collections::BTreeSet;
use std::fs;

use hubkeeper::local::Local;
use serde_json::Value;

use super::{Release, blocking};
use crate::cli::{Hub, Running, hubkeeper, keeping, reach, text, until};
use crate::cluster::{apply, controllers, field, kubectl, plane};
use crate::manifests::policy;

const NAME: &str = "hubkeeper-rights";

/// What is granted and was not used, and why it is granted all the same.
const UNUSED: [(&str, &str); 0] = [];

const DECLARED: &str = r#"apiVersion: v1
kind: Namespace
metadata: {name: rights-team}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: Account
metadata: {name: rights, labels: {owner: rights}}
spec: {id: "111122223333"}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {name: main}
spec: {homeRegion: eu-west-1, limits: {maxFindings: 1000, maxPercent: 100}}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {name: rights}
spec:
  namespaces: {names: [rights-team]}
  grants: [{accountSelector: {matchLabels: {owner: rights}}}]
  effects: [Accept]
  maxDays: 3650
  maxFindings: 50
  approvals: [{match: {controls: [S3.8]}, namespaces: [hubkeeper-rights], count: 1}]
---
apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {name: cdn, namespace: rights-team}
spec:
  effect: Accept
  targets: [{controls: [S3.8], accounts: ["111122223333"], resources: ["arn:aws:s3:::cdn"]}]
  reason: CompensatingControl
  justification: Served only through CloudFront
  owner: pay-sec@example.com
  startsAt: "2026-01-01T00:00:00Z"
  expiresAt: "2034-12-31T00:00:00Z"
"#;

fn approval(digest: &str) -> String {
    format!(
        "apiVersion: hubkeeper.dev/v1alpha1
kind: Approval
metadata: {{name: cdn, namespace: {NAME}}}
spec:
  subject: {{kind: FindingException, namespace: rights-team, name: cdn}}
  digest: \"{digest}\"
  decision: Approve
  approver: admin
  reason: seen with the team
"
    )
}

/// One of the Deployment's pods, without the pod: its arguments, its identity in the cluster, its name. It says nothing to the API
/// server but by the token.
fn replica(kubeconfig: &str, url: &str, name: &str) -> Running {
    let path = "{.spec.template.spec.containers[0].args}";
    let args: Vec<String> =
        serde_json::from_str(&kubectl(&["get", "deployment", NAME, "-n", NAME, "-o", &format!("jsonpath={path}")], "")).unwrap();
    let args: Vec<String> =
        args.iter().map(|arg| arg.replace("0.0.0.0:8080", "127.0.0.1:0").replace("$(POD_NAMESPACE)", NAME)).collect();
    assert_eq!(args[0], "run");
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--kubeconfig", kubeconfig]).collect();
    keeping(reach(&mut hubkeeper(&args), url).env("HOSTNAME", name)).0
}

fn holder() -> String {
    kubectl(&["get", "lease", NAME, "-n", NAME, "--ignore-not-found", "-o", "jsonpath={.spec.holderIdentity}"], "")
}

/// `watch leases`: one verb on one resource, as RBAC grants it and the audit log tells it.
fn right(verb: &str, resource: &str) -> String {
    format!("{verb} {resource}")
}

/// What the chart's two roles of the controller grant.
fn granted() -> BTreeSet<String> {
    let roles = [vec!["clusterrole", NAME], vec!["role", "hubkeeper-rights-lease", "-n", NAME]];
    let mut rights = BTreeSet::new();
    for role in roles {
        let role: Value = serde_json::from_str(&kubectl(&[&["get", "-o", "json"], &role[..]].concat(), "")).unwrap();
        for rule in role["rules"].as_array().unwrap() {
            for resource in rule["resources"].as_array().unwrap() {
                for verb in rule["verbs"].as_array().unwrap() {
                    rights.insert(right(verb.as_str().unwrap(), resource.as_str().unwrap()));
                }
            }
        }
    }
    rights
}

/// What the ServiceAccount asked for: what it got, and what it was refused.
fn asked() -> (BTreeSet<String>, Vec<String>) {
    let user = format!("system:serviceaccount:{NAME}:{NAME}");
    let (mut used, mut refused) = (BTreeSet::new(), Vec::new());
    let log = text(&fs::read(plane().audit_log().unwrap()).unwrap());
    // The last line may be half written.
    for line in log.lines().filter(|line| line.contains(&user) && line.ends_with('}')) {
        let entry: Value = serde_json::from_str(line).unwrap();
        if entry["user"]["username"] != *user {
            continue;
        }
        let object = &entry["objectRef"];
        let Some(resource) = object["resource"].as_str() else {
            // What the API server publishes of its definitions is for every authenticated user: no right of ours.
            let reason = entry["annotations"]["authorization.k8s.io/reason"].as_str().unwrap_or_default();
            let published = entry["requestURI"].as_str().is_some_and(|url| url.starts_with("/openapi/v3"));
            assert!(published && reason.contains("\"system:discovery\""), "{line}");
            continue;
        };
        let resource = match object["subresource"].as_str() {
            Some(subresource) => format!("{resource}/{subresource}"),
            None => resource.to_owned(),
        };
        match entry["responseStatus"]["code"].as_u64() {
            Some(401 | 403) => refused.push(line.to_owned()),
            // A name that is not there any more was asked for all the same, and so was a lease that somebody else took first.
            _ => drop(used.insert(right(entry["verb"].as_str().unwrap(), &resource))),
        }
    }
    (used, refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn as_the_charts_service_account_it_does_its_whole_job_and_has_no_right_that_it_does_not_use() {
    let _one = controllers().await;
    let hub = Hub::start(Local::builder().findings(0).accounts(2).regions(2).buckets(false)).await;
    let (ruled, excepted) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let (local, url) = (hub.local.clone(), hub.served.endpoint());
    blocking(move || {
        let _release = Release::install(NAME);
        let file = tempfile::NamedTempFile::new().unwrap();
        let token = kubectl(&["create", "token", NAME, "-n", NAME], "");
        fs::write(file.path(), plane().kubeconfig_of(token.trim()).unwrap()).unwrap();
        let kubeconfig = file.path().to_str().unwrap();
        let becomes = |key: &hubkeeper::core::ids::FindingKey, status: &str| {
            until(status, || local.finding(key).unwrap()["Workflow"]["Status"] == *status);
        };

        // It leads, with another standing by; a policy holds what it rules, and an exception what was approved.
        apply(DECLARED);
        apply(&policy("rights", "S3.9"));
        let mut first = replica(kubeconfig, &url, "first");
        becomes(&ruled, "SUPPRESSED");
        assert!(holder().starts_with("first_"), "{}", holder());
        let mut second = replica(kubeconfig, &url, "second");
        let digest = || kubectl(&["get", "findingexception", "cdn", "-n", "rights-team", "-o", "jsonpath={.status.digest}"], "");
        until("the exception says what is to be approved", || digest().starts_with("sha256:"));
        assert_eq!(local.finding(&excepted).unwrap()["Workflow"]["Status"], "NEW");
        apply(&approval(&digest()));
        becomes(&excepted, "SUPPRESSED");
        until("it is told", || field("controlpolicy", "rights", "{.status.held}") == "1");

        // It hands over; the other does the same, and follows a change.
        assert_eq!(first.stop(), Some(0));
        until("the other leads", || holder().starts_with("second_"));
        apply(&policy("rights", "S3.1"));
        becomes(&ruled, "NEW");
        apply(&policy("rights", "S3.9"));
        becomes(&ruled, "SUPPRESSED");

        // What is taken away is given back; in the end nothing is declared.
        kubectl(&["delete", "approval", "cdn", "-n", NAME], "");
        becomes(&excepted, "NEW");
        kubectl(&["delete", "findingexception", "cdn", "-n", "rights-team"], "");
        kubectl(&["delete", "controlpolicy", "rights"], "");
        becomes(&ruled, "NEW");
        kubectl(&["delete", "exceptionpolicy/rights", "account/rights", "securityhub/main"], "");
        kubectl(&["delete", "namespace", "rights-team", "--wait=false"], "");

        let unused = || -> Vec<String> { granted().difference(&asked().0).cloned().collect() };
        let expected: Vec<String> = UNUSED.iter().map(|(right, _)| (*right).to_owned()).collect();
        for _ in 0..100 {
            if unused() == expected {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        assert_eq!(second.stop(), Some(0));
        assert_eq!(unused(), expected, "granted and not used, against what may be");
        let (used, refused) = asked();
        assert_eq!(refused, Vec::<String>::new(), "refused");
        assert_eq!(used.difference(&granted()).collect::<Vec<_>>(), Vec::<&String>::new(), "not from the chart");
    })
    .await;
}
