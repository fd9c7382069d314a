//! Custom actions: what the console does on AWS, and `/_local/action` here.

use serde_json::{Value, json};

use super::client::Client;
use super::local;
use crate::local::faults::{EventFaults, Faults};
use crate::local::seed::key_of;
use crate::local::*;

const ARN: &str = "arn:aws:securityhub:eu-west-1:111122223333:action/custom/Chat";

fn request(local: &Local, arn: &str, count: usize) -> Value {
    let keys = local.findings_json().iter().take(count).map(key_of).collect::<Vec<_>>();
    let keys: Vec<Value> = keys.iter().map(|key| json!({"Id": key.id, "ProductArn": key.product_arn})).collect();
    json!({"ActionTargetArn": arn, "FindingIdentifiers": keys})
}

async fn with_action(client: &Client) {
    let action = json!({"Name": "To chat", "Description": "Sends it to chat", "Id": "Chat"});
    let arn = ARN.replace("eu-west-1", &client.region);
    assert_eq!(client.post("/actionTargets", action).await, (200, json!({"ActionTargetArn": arn})));
}

#[tokio::test]
async fn each_finding_that_is_sent_to_an_action_is_an_event_in_the_queue() {
    let local = local(30);
    let client = Client::admin(&local, "alice");
    with_action(&client).await;
    assert_eq!(client.post("/_local/action", request(&local, ARN, 2)).await, (200, json!({"events": 2})));
    let bodies = local.queues().bodies(&local.event_queue());
    let events: Vec<Value> = bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect();
    assert_eq!(events.len(), 2);
    for (event, finding) in events.iter().zip(local.findings_json()) {
        let mut event = event.clone();
        assert_eq!(event["id"].take().as_str().unwrap().len(), 36);
        let expected = json!({
            "version": "0", "id": null, "detail-type": "Security Hub Findings - Custom Action", "source": "aws.securityhub",
            "account": "111122223333", "time": event["time"], "region": "eu-west-1", "resources": [ARN],
            "detail": {"actionName": "To chat", "actionDescription": "Sends it to chat", "findings": [finding]},
        });
        assert_eq!(event, expected);
    }
    local.set_faults(Faults { events: EventFaults { loss_percent: 100, ..EventFaults::default() }, ..Faults::default() });
    client.post("/_local/action", request(&local, ARN, 1)).await;
    assert_eq!(local.queues().bodies(&local.event_queue()).len(), 2, "it may be lost as any event");
}

#[tokio::test]
async fn an_action_that_is_not_there_has_too_many_findings_or_is_told_where_nobody_hears_is_refused() {
    let local = local(30);
    let admin = Client::admin(&local, "alice");
    let linked = Client::new(&local, "111122223333", "alice", local.organization().linked[0].as_str());
    with_action(&admin).await;
    with_action(&linked).await;
    let elsewhere = ARN.replace("eu-west-1", &linked.region);
    let in_region = |finding: &&Value| finding["Region"] == linked.region.as_str();
    let key = key_of(local.findings_json().iter().find(in_region).unwrap());
    let seen_there = json!({"ActionTargetArn": elsewhere, "FindingIdentifiers": [{"Id": key.id, "ProductArn": key.product_arn}]});
    for (body, expected) in [
        (request(&local, &ARN.replace("Chat", "None"), 1), 404),
        (request(&local, ARN, 21), 400),
        (request(&local, ARN, 0), 400),
        (json!({"ActionTargetArn": ARN, "FindingIdentifiers": [{"Id": "x", "ProductArn": "y"}]}), 404),
        (seen_there, 409),
        (json!({"ActionTargetArn": ARN}), 400),
    ] {
        let (status, answer) = admin.post("/_local/action", body.clone()).await;
        assert_eq!((status, answer["message"].is_string()), (expected, true), "{body}: {answer}");
    }
    assert!(local.queues().bodies(&local.event_queue()).is_empty());
    // With a queue there it is heard, there and nowhere else.
    assert_eq!(linked.sqs("CreateQueue", json!({"QueueName": "hubkeeper"})).await.0, 200);
    let seen_there = json!({"ActionTargetArn": elsewhere, "FindingIdentifiers": [{"Id": key.id, "ProductArn": key.product_arn}]});
    assert_eq!(admin.post("/_local/action", seen_there).await, (200, json!({"events": 1})));
    let queue = local.queue_at(local.administrator(), &linked.region.parse().unwrap());
    let event: Value = serde_json::from_str(&local.queues().bodies(&queue)[0]).unwrap();
    assert_eq!((&event["region"], &event["account"]), (&json!(linked.region), &json!("111122223333")));
    assert!(local.queues().bodies(&local.event_queue()).is_empty());
}
