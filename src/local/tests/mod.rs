//! The whole of Security Hub Local through its router, as an SDK would call it.

mod actions;
mod careless;
mod client;
mod faults;
mod kept;
mod model;
mod queue;
mod snapshot;
mod status;
mod tags;
mod wire;
mod world;

use serde_json::json;

use crate::core::status::WorkflowStatus;

use super::*;
use client::Client;

/// A small company.
fn local(findings: usize) -> Local {
    Local::builder().findings(findings).accounts(3).regions(2).seed(7).build().unwrap()
}

#[test]
fn a_seed_makes_the_same_company_every_time_and_another_seed_another() {
    let (a, b) = (local(400), local(400));
    assert_eq!(a.len(), 400);
    assert_eq!(a.findings_json(), b.findings_json());
    let other = Local::builder().findings(400).accounts(3).regions(2).seed(8).build().unwrap();
    assert_ne!(a.findings_json(), other.findings_json());
}

#[test]
fn a_company_has_findings_as_the_service_would_take_them() {
    let local = Local::builder().findings(2000).accounts(12).regions(3).seed(7).build().unwrap();
    let mut checks_of_groups = 0;
    for finding in local.findings_json() {
        let checked = crate::wire::finding::check(&finding).unwrap();
        assert_eq!((checked.problems, checked.strays), (Vec::new(), false), "{finding}");
        if finding["Compliance"]["SecurityControlId"] == "EC2.13" {
            checks_of_groups += 1;
            assert_eq!(finding["Resources"][0]["Type"], "AwsEc2SecurityGroup");
        }
    }
    assert!(checks_of_groups > 0);
}

#[test]
fn a_company_has_all_that_makes_life_hard() {
    let local = Local::builder().findings(2000).accounts(12).regions(3).seed(7).build().unwrap();
    let findings = local.findings_json();
    let count = |test: &dyn Fn(&Value) -> bool| findings.iter().filter(|finding| test(finding)).count();
    let is = |pointer: &'static str, value: &'static str| {
        move |finding: &Value| finding.pointer(pointer).and_then(Value::as_str) == Some(value)
    };
    for status in ["FAILED", "PASSED", "WARNING", "NOT_AVAILABLE"] {
        assert!(count(&is("/Compliance/Status", status)) > 10, "{status}");
    }
    for status in ["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"] {
        assert!(count(&is("/Workflow/Status", status)) > 5, "{status}");
    }
    assert!(count(&is("/RecordState", "ARCHIVED")) > 50);
    assert!(count(&|finding| finding["ProductArn"].as_str().unwrap().ends_with("product/prowler/prowler")) > 20);
    assert!(count(&|finding| finding.pointer("/Resources/0/Tags").is_some()) > 500);
    assert!(count(&|finding| finding["Note"].is_object()) > 20);
    let mut problems: BTreeMap<crate::core::problem::ProblemId, u32> = BTreeMap::new();
    for finding in &findings {
        let text = finding.to_string();
        let doc = crate::core::doc::Doc::parse(&text).unwrap();
        *problems.entry(crate::core::problem::ProblemId::of(&doc)).or_default() += 1;
    }
    assert!(problems.values().filter(|findings| **findings > 1).count() > 50);
}

#[test]
fn a_company_of_any_size_can_be_made() {
    let local = Local::builder().accounts(40).regions(11).build().unwrap();
    assert_eq!(local.organization().members.len(), 39);
    assert_eq!(local.organization().linked.len(), 10);
    assert!(local.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_page_of_a_big_hub_is_read_once_under_the_quota() {
    let local = Local::builder().findings(1500).accounts(3).regions(2).buckets(true).speed(clock::Speed::Real).build().unwrap();
    let client = Client::admin(&local, "hubkeeper");
    let (mut token, mut ids, mut throttled) = (Value::Null, Vec::new(), 0);
    let start = tokio::time::Instant::now();
    loop {
        let (status, body) = client.post("/findings", json!({"MaxResults": 100, "NextToken": token})).await;
        if status == 429 {
            assert_eq!(client.error(&body), "TooManyRequestsException");
            throttled += 1;
            tokio::time::sleep(Duration::from_millis(400)).await;
            continue;
        }
        ids.extend(body["Findings"].as_array().unwrap().iter().map(|finding| finding["Id"].as_str().unwrap().to_owned()));
        token = body["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1500);
    assert!(throttled > 0 && start.elapsed() >= Duration::from_secs(3));
    let count = local.count("GetFindings");
    assert_eq!((count.calls, count.errors), (15 + throttled, throttled));
}

#[tokio::test]
async fn a_person_and_a_client_are_told_apart_in_the_history() {
    let local = local(50);
    let key = seed::key_of(&local.findings_json()[0]);
    local.as_person("alice").set_workflow(&key, WorkflowStatus::Suppressed).unwrap();
    local.advance(Duration::from_mins(1));
    for secret in ["hubkeeper", "a secret that nobody told the hub"] {
        let client = Client::admin(&local, secret);
        let status = if secret == "hubkeeper" { "NOTIFIED" } else { "NEW" };
        let update = json!({
            "FindingIdentifiers": [{"Id": key.id, "ProductArn": key.product_arn}], "Workflow": {"Status": status},
        });
        assert_eq!(client.patch("/findings/batchupdate", update).await.0, 200);
    }
    let history = local.as_person("bob").history(&key).unwrap();
    let identities: Vec<&str> = history.records.iter().map(|record| record.update_source.identity.as_str()).take(3).collect();
    assert_eq!(
        identities,
        ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/hubkeeper", "arn:aws:iam::111122223333:user/alice"]
    );
    let calls = local.calls();
    assert_eq!(calls.iter().map(|call| (call.operation, call.findings)).collect::<Vec<_>>(), [("BatchUpdateFindings", 1); 2]);
}
