//! What a client sees of faults that are chosen by operation, account and Region.

use serde_json::{Value, json};

use super::client::Client;
use super::local;
use crate::local::faults::{CallFault, Faults};
use crate::local::*;

fn set(local: &Local, faults: &[&str]) {
    let calls: Vec<CallFault> = faults.iter().map(|text| text.parse().unwrap()).collect();
    local.set_faults(Faults { calls, ..Faults::default() });
}

/// A finding that the caller sees: its identifier.
async fn first(client: &Client) -> Value {
    let (_, page) = client.post("/findings", json!({"MaxResults": 1})).await;
    json!({"Id": page["Findings"][0]["Id"], "ProductArn": page["Findings"][0]["ProductArn"]})
}

#[tokio::test]
async fn expired_credentials_are_said_as_each_service_says_it_and_to_nobody_else() {
    let local = local(20);
    let (admin, other) = (Client::admin(&local, "alice"), Client::new(&local, "444455556666", "alice", "eu-west-1"));
    let at = |operation: &str| format!("{operation}@111122223333/eu-west-1=expiredCredentials");
    let faults: Vec<String> = ["*", "GetCallerIdentity", "ReceiveMessage"].map(at).into();
    set(&local, &faults.iter().map(String::as_str).collect::<Vec<_>>());
    let (status, body) = admin.post("/findings", json!({})).await;
    assert_eq!((status, admin.error(&body).as_str()), (403, "ExpiredTokenException"));
    assert_eq!(body["Message"], "The security token included in the request is expired");
    assert_ne!(other.post("/findings", json!({})).await.0, 403);
    let (status, xml) = admin.sts("Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(status == 403 && xml.contains("<Code>ExpiredToken</Code>"), "{xml}");
    let (status, body) = admin.sqs("ReceiveMessage", json!({"QueueUrl": local.event_queue_url()})).await;
    assert_eq!((status, body["__type"].as_str()), (403, Some("com.amazonaws.sqs#ExpiredTokenException")));
}

#[tokio::test]
async fn a_field_that_is_denied_denies_the_update_that_sets_it_and_writes_nothing() {
    let local = local(20);
    let client = Client::admin(&local, "alice");
    set(&local, &["BatchUpdateFindings=deniedField:Workflow.Status=SUPPRESSED"]);
    let finding = first(&client).await;
    let update = |status: &str| json!({"FindingIdentifiers": [finding], "Workflow": {"Status": status}});
    let before = local.findings_json();
    let (status, body) = client.patch("/findings/batchupdate", update("SUPPRESSED")).await;
    assert_eq!((status, client.error(&body).as_str()), (403, "AccessDeniedException"));
    assert!(body["Message"].as_str().unwrap().contains("securityhub:BatchUpdateFindings with an explicit deny"), "{body}");
    assert_eq!(local.findings_json(), before);
    assert_eq!(client.patch("/findings/batchupdate", update("NOTIFIED")).await.0, 200);
    assert_ne!(local.findings_json(), before);
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_comes_late_and_is_the_same() {
    let local = local(20);
    let client = Client::admin(&local, "alice");
    let answer = client.post("/findings", json!({})).await;
    set(&local, &["GetFindings=slowMillis:1500,times=1"]);
    // Tokio's clock, which stands but for what is waited for.
    let began = tokio::time::Instant::now();
    assert_eq!(client.post("/findings", json!({})).await, answer);
    let late = began.elapsed();
    assert!(late >= Duration::from_millis(1_500), "{late:?}");
    assert_eq!(client.post("/findings", json!({})).await, answer);
    assert_eq!(began.elapsed(), late);
}

#[tokio::test]
async fn a_stale_read_and_a_short_page_are_those_of_the_chosen_account_only() {
    let local = local(60);
    let (admin, member) = (Client::admin(&local, "alice"), local.standing().members[0]);
    let member = Client::new(&local, &member.to_string(), "alice", "eu-west-1");
    set(&local, &["GetFindings@111122223333=staleMillis:60000"]);
    let finding = first(&member).await;
    let suppress = json!({"FindingIdentifiers": [finding], "Workflow": {"Status": "SUPPRESSED"}});
    local.advance(Duration::from_mins(10));
    assert_eq!(member.patch("/findings/batchupdate", suppress).await.0, 200);
    let filters = json!({"Id": [{"Value": finding["Id"], "Comparison": "EQUALS"}]});
    let status = async |client: &Client| {
        let (_, page) = client.post("/findings", json!({"Filters": filters})).await;
        page["Findings"][0]["Workflow"]["Status"].clone()
    };
    assert_eq!(status(&member).await, "SUPPRESSED");
    assert_ne!(status(&admin).await, "SUPPRESSED");
    local.advance(Duration::from_mins(1));
    assert_eq!(status(&admin).await, "SUPPRESSED");

    set(&local, &["GetFindings@111122223333=shortPage"]);
    let count = async |client: &Client| {
        let (_, page) = client.post("/findings", json!({"MaxResults": 3})).await;
        (page["Findings"].as_array().unwrap().len(), page.get("NextToken").is_some())
    };
    assert_eq!(count(&member).await.0, 3);
    let (short, more) = count(&admin).await;
    assert!(short < 3 && more);
}
