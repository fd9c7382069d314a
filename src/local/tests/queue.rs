use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::json;
use tokio::time::Instant;

use super::client::Client;
use super::local;
use crate::local::faults::{CallFault, Fault, Faults};
use crate::local::feed::EventTarget;
use crate::local::*;

fn receive(url: &str, wait: u64) -> Value {
    json!({"QueueUrl": url, "MaxNumberOfMessages": 10, "WaitTimeSeconds": wait})
}

#[tokio::test(start_paused = true)]
async fn an_event_is_received_hidden_received_again_and_dead_after_its_receipts() {
    let local = Local::builder().findings(1).max_receives(2).build().unwrap();
    let url = local.event_queue_url();
    let client = Client::admin(&local, "hubkeeper");
    let key = seed::key_of(&local.findings_json()[0]);
    local.as_person("alice").set_note(&key, "seen").unwrap();
    for receives in ["1", "2"] {
        let (_, answer) = client.sqs("ReceiveMessage", receive(&url, 0)).await;
        assert_eq!(answer["Messages"][0]["Attributes"]["ApproximateReceiveCount"], receives);
        let event: Value = serde_json::from_str(answer["Messages"][0]["Body"].as_str().unwrap()).unwrap();
        assert_eq!(event["detail-type"], "Security Hub Findings - Imported");
        assert_eq!(event["detail"]["findings"][0]["Id"], key.id);
        assert_eq!(client.sqs("ReceiveMessage", receive(&url, 0)).await.1, json!({}));
        tokio::time::sleep(Duration::from_secs(31)).await;
    }
    assert_eq!(client.sqs("ReceiveMessage", receive(&url, 0)).await.1, json!({}));
    let letters = format!("{url}-dead-letters");
    let (_, answer) = client.sqs("ReceiveMessage", receive(&letters, 0)).await;
    assert_eq!(answer["Messages"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_poll_ends_with_its_time_or_with_a_message() {
    let local = local(5);
    let url = local.event_queue_url();
    let client = Client::admin(&local, "hubkeeper");
    let start = Instant::now();
    assert_eq!(client.sqs("ReceiveMessage", receive(&url, 20)).await.1, json!({}));
    assert_eq!(start.elapsed(), Duration::from_secs(20));
    let key = seed::key_of(&local.findings_json()[0]);
    let late = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        local.as_person("alice").set_note(&key, "seen").unwrap();
    };
    let start = Instant::now();
    let poll = receive(&url, 20);
    let ((_, answer), ()) = tokio::join!(client.sqs("ReceiveMessage", poll), late);
    assert_eq!((answer["Messages"].as_array().unwrap().len(), start.elapsed().as_secs()), (1, 3));
}

#[tokio::test]
async fn messages_are_sent_deleted_shown_again_and_purged() {
    let local = local(0);
    let client = Client::admin(&local, "hubkeeper");
    let (_, made) = client.sqs("CreateQueue", json!({"QueueName": "q", "Attributes": {"VisibilityTimeout": "60"}})).await;
    assert_eq!(made["QueueUrl"], "http://hub.local:4600/111122223333/q");
    assert_eq!(client.sqs("GetQueueUrl", json!({"QueueName": "q"})).await.1, made);
    let url = made["QueueUrl"].as_str().unwrap();
    for body in ["a", "b", "c"] {
        assert_eq!(client.sqs("SendMessage", json!({"QueueUrl": url, "MessageBody": body})).await.0, 200);
    }
    let (_, answer) = client.sqs("ReceiveMessage", receive(url, 0)).await;
    let receipts: Vec<&str> =
        answer["Messages"].as_array().unwrap().iter().map(|message| message["ReceiptHandle"].as_str().unwrap()).collect();
    let entries = json!([{"Id": "1", "ReceiptHandle": receipts[0]}, {"Id": "2", "ReceiptHandle": "x"}]);
    let (_, deleted) = client.sqs("DeleteMessageBatch", json!({"QueueUrl": url, "Entries": entries})).await;
    assert_eq!((&deleted["Successful"][0]["Id"], &deleted["Failed"][0]["Id"]), (&json!("1"), &json!("2")));
    let show = json!({"QueueUrl": url, "ReceiptHandle": receipts[1], "VisibilityTimeout": 0});
    assert_eq!(client.sqs("ChangeMessageVisibility", show).await.0, 200);
    let (_, answer) = client.sqs("ReceiveMessage", receive(url, 0)).await;
    assert_eq!(answer["Messages"][0]["Body"], "b");
    let (_, attributes) = client.sqs("GetQueueAttributes", json!({"QueueUrl": url, "AttributeNames": ["All"]})).await;
    assert_eq!(attributes["Attributes"]["ApproximateNumberOfMessagesNotVisible"], "2");
    // The receipt of an earlier receive is no good any more.
    assert_eq!(client.sqs("DeleteMessage", json!({"QueueUrl": url, "ReceiptHandle": receipts[1]})).await.0, 200);
    assert_eq!(local.queues().bodies(&(local.administrator(), local.home().clone(), "q".to_owned())), ["b", "c"]);
    client.sqs("PurgeQueue", json!({"QueueUrl": url})).await;
    assert!(local.queues().bodies(&(local.administrator(), local.home().clone(), "q".to_owned())).is_empty());
    let (status, body) = client.sqs("ReceiveMessage", receive("http://x/111122223333/none", 0)).await;
    assert_eq!((status, &body["__type"]), (400, &json!("com.amazonaws.sqs#QueueDoesNotExist")));
    assert_eq!(client.sqs("ReceiveMessage", receive("http://x/444455556666/q", 0)).await.0, 403);
    assert_eq!(client.sqs("ListQueues", json!({})).await.0, 501);
}

#[tokio::test(start_paused = true)]
async fn sqs_and_sts_fail_only_when_they_are_named() {
    let local = local(1);
    let url = local.event_queue_url();
    let client = Client::admin(&local, "hubkeeper");
    let mut any = CallFault::of("", Fault::ServerError(503));
    any.operation = None;
    let receive_fails = CallFault::of("ReceiveMessage", Fault::ServerError(500)).times(1);
    let delete_is_silent = CallFault::of("DeleteMessage", Fault::TimeoutAfter);
    let assume_denied = CallFault::of("AssumeRole", Fault::AccessDenied);
    local.set_faults(Faults { calls: vec![any, receive_fails, delete_is_silent, assume_denied], ..Faults::default() });
    local.as_person("alice").set_note(&seed::key_of(&local.findings_json()[0]), "seen").unwrap();
    assert_eq!(client.get("/accounts").await.0, 503);
    assert_eq!(client.sqs("ReceiveMessage", receive(&url, 0)).await.0, 500);
    let (_, answer) = client.sqs("ReceiveMessage", receive(&url, 0)).await;
    let delete = json!({"QueueUrl": url, "ReceiptHandle": answer["Messages"][0]["ReceiptHandle"]});
    assert!(tokio::time::timeout(Duration::from_mins(1), client.sqs("DeleteMessage", delete)).await.is_err());
    assert!(local.queues().bodies(&local.event_queue()).is_empty());
    let assume = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fr&RoleSessionName=s1";
    assert_eq!(client.sts(assume).await.0, 403);
    assert_eq!(client.sts("Action=GetCallerIdentity").await.0, 200);
}

#[derive(Default)]
struct Target {
    failures: Mutex<u32>,
    bodies: Mutex<Vec<String>>,
}

#[async_trait]
impl EventTarget for Target {
    async fn send(&self, bodies: Vec<String>) -> Result<(), String> {
        let mut failures = self.failures.lock().unwrap();
        if *failures > 0 {
            *failures -= 1;
            return Err("not now".to_owned());
        }
        self.bodies.lock().unwrap().extend(bodies);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_forwarded_in_order_and_again_after_a_failure() {
    let local = local(25);
    let target = Target { failures: Mutex::new(2), ..Target::default() };
    let act = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for finding in local.findings_json() {
            local.as_person("alice").set_note(&seed::key_of(&finding), "seen").unwrap();
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
    };
    tokio::select! {
        () = local.forward_events(&target) => {}
        () = act => {}
    }
    assert_eq!(*target.bodies.lock().unwrap(), local.queues().bodies(&local.event_queue()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_messages_once_the_service_ends() {
    let local = local(0);
    let url = local.event_queue_url();
    let client = Client::admin(&local, "hubkeeper");
    let start = Instant::now();
    let ((_, answer), ()) = tokio::join!(client.sqs("ReceiveMessage", receive(&url, 20)), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        local.queues().end_waits();
    });
    assert_eq!((answer, start.elapsed()), (json!({}), Duration::from_secs(1)));
}

#[tokio::test]
async fn every_bus_that_sees_a_finding_brings_its_event_to_the_queue_that_was_made_there() {
    let local = Local::builder().findings(60).accounts(2).regions(2).build().unwrap();
    let home = local.home().to_string();
    let linked = local.organization().linked[0].to_string();
    let (admin, member) = ("111122223333".to_owned(), local.standing().members[0].to_string());
    let buses = [(&member, &linked), (&member, &home), (&admin, &linked), (&admin, &home)];
    for (account, region) in &buses[..3] {
        let client = Client::new(&local, account, "alice", region);
        assert_eq!(client.sqs("CreateQueue", json!({"QueueName": "hubkeeper"})).await.0, 200);
    }
    let made = local.findings_json();
    let of = |account: &str, region: &str| {
        let found = made.iter().find(|finding| finding["AwsAccountId"] == account && finding["Region"] == region);
        seed::key_of(found.unwrap())
    };
    // Account and Region of each event in each queue; its `account` and `region` are those of the bus.
    let heard = |account: &str, region: &str| -> Vec<String> {
        let bodies = local.queues().bodies(&local.queue_at(account.parse().unwrap(), &region.parse().unwrap()));
        let of = |body: &String| {
            let event: Value = serde_json::from_str(body).unwrap();
            assert_eq!(event["region"], region);
            format!("{} {}", event["account"].as_str().unwrap(), event["detail"]["findings"][0]["AwsAccountId"].as_str().unwrap())
        };
        bodies.iter().map(of).collect()
    };
    let all = || buses.map(|(account, region)| heard(account, region));
    let person = local.as_person("alice");
    person.set_note(&of(&member, &linked), "seen").unwrap();
    let named = |bus: &str, finding: &str| vec![format!("{bus} {finding}")];
    let everywhere = [named(&member, &member), named(&member, &member), named(&admin, &member), named(&admin, &member)];
    assert_eq!(all(), everywhere);
    person.set_note(&of(&admin, &home), "seen").unwrap();
    assert_eq!(all()[..3], everywhere[..3], "what is the administrator's own is heard by nobody else");
    assert_eq!(heard(&admin, &home), [format!("{admin} {member}"), format!("{admin} {admin}")]);
    // The other reading of what AWS leaves unsaid.
    local.set_switches(hub::Switches { event_account: hub::EventAccount::Finding, ..local.switches() });
    person.set_note(&of(&member, &linked), "seen again").unwrap();
    assert_eq!(heard(&admin, &linked), [format!("{admin} {member}"), format!("{member} {member}")]);
    let ids: std::collections::BTreeSet<String> = buses
        .iter()
        .flat_map(|(account, region)| local.queues().bodies(&local.queue_at(account.parse().unwrap(), &region.parse().unwrap())))
        .map(|body| serde_json::from_str::<Value>(&body).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 9, "each event has an id of its own");
}

#[tokio::test]
async fn a_standalone_account_hears_its_own_bus() {
    let local = local(5);
    let client = Client::new(&local, "999999999999", "alice", "sa-east-1");
    assert_eq!(client.post("/accounts", json!({})).await.0, 200);
    let (_, made) = client.sqs("CreateQueue", json!({"QueueName": "hubkeeper"})).await;
    let finding = json!({
        "SchemaVersion": "2018-10-08", "Id": "own/1", "GeneratorId": "own", "AwsAccountId": "999999999999",
        "ProductArn": "arn:aws:securityhub:sa-east-1:999999999999:product/999999999999/default", "Title": "t", "Description": "d",
        "CreatedAt": "2026-11-21T07:00:00Z", "UpdatedAt": "2026-11-21T07:00:00Z", "Types": ["Unusual Behaviors"],
        "Severity": {"Label": "LOW"}, "Resources": [{"Type": "Other", "Id": "x"}],
    });
    let (_, answer) = client.post("/findings/import", json!({"Findings": [finding]})).await;
    assert_eq!(answer["SuccessCount"], 1, "{answer}");
    let (_, received) = client.sqs("ReceiveMessage", receive(made["QueueUrl"].as_str().unwrap(), 0)).await;
    let event: Value = serde_json::from_str(received["Messages"][0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!((&event["account"], &event["detail"]["findings"][0]["Id"]), (&json!("999999999999"), &json!("own/1")));
    assert!(local.queues().bodies(&local.event_queue()).is_empty());
}
