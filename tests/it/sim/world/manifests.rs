//! Manifests as text, and as a source would read them.

use hubkeeper::core::objects::Desired;
use hubkeeper::manifest::load;

/// Files as a source would read them, broken ones included.
pub fn parse_files(files: &[(&str, &str)]) -> Desired {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    load(directory.path()).desired
}

/// Manifests as a source would read them.
pub fn parse(manifests: &str) -> Desired {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("all.yaml"), manifests).unwrap();
    load(directory.path()).desired
}

/// A hub that allows everything, reads every quarter of an hour and knows its queue.
pub fn hub() -> String {
    hub_with("")
}

/// The same with more lines in its spec.
pub fn hub_with(more: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {{name: main}}
spec:
  homeRegion: eu-west-1
  syncIntervalSeconds: 900
  apiQuotaPercent: 100
  events: {{queueUrl: \"http://127.0.0.1:4600/111122223333/hubkeeper\"}}
  limits: {{maxFindings: 100000, maxPercent: 100}}
  approvalNamespaces: [sec-approvals]
{more}
"
    )
}

/// A policy with one rule.
pub fn policy(name: &str, rule: &str) -> String {
    policy_with(name, "", rule)
}

/// A policy with one rule and more lines in its spec.
pub fn policy_with(name: &str, more: &str, rule: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {{name: {name}}}
spec:
  mode: Enforce
{more}
  rules:
  - {rule}
"
    )
}

/// A guardrail that lets namespace `team` except everything in account 111122223333.
pub fn grant() -> String {
    "---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {name: team}
spec:
  namespaces: {names: [team]}
  grants: [{accounts: ['111122223333']}]
  effects: [Accept]
  maxDays: 180
  maxFindings: 1000
"
    .to_owned()
}

/// An exception in namespace `team`, in force from the beginning to `expires`.
pub fn exception(name: &str, target: &str, expires: &str) -> String {
    exception_with(name, "", target, expires)
}

/// The same with more lines in its spec.
pub fn exception_with(name: &str, more: &str, target: &str, expires: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {{name: {name}, namespace: team}}
spec:
  effect: Accept
  targets: [{target}]
  reason: CompensatingControl
  justification: seen with the team
  owner: team@example.com
  startsAt: \"2026-12-01T00:00:00Z\"
  expiresAt: \"{expires}\"
{more}
"
    )
}
