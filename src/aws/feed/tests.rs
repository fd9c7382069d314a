use axum::response::Response;
use serde_json::{Value, json};

use super::*;
use crate::aws::queue_target::SqsTarget;
use crate::aws::testing::{Seen, Server, TokioClock, json, quota, region, transport};
use crate::engine::ports::Clock as _;

const URL: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/hubkeeper";

async fn feed<F, Fut>(server: &Server, answer: F) -> (SqsFeed, Arc<TokioClock>)
where
    F: Fn(Seen, usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send,
{
    let clock = Arc::new(TokioClock::new());
    let transport = transport(clock.clone(), server.router(answer)).await;
    let queue = QueueAddress::parse(URL, &region()).unwrap();
    (SqsFeed::new(&transport, quota(clock.clone(), 60), queue), clock)
}

fn operation(request: &Seen) -> String {
    request.headers["x-amz-target"].to_str().unwrap().trim_start_matches("AmazonSQS.").to_owned()
}

/// Removes every entry but those that `fault` names: the sender's (`true`) or the service's (`false`).
fn removed(request: &Seen, fault: impl Fn(&str) -> Option<bool>) -> Response {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for entry in request.json()["Entries"].as_array().unwrap() {
        let id = &entry["Id"];
        match fault(entry["ReceiptHandle"].as_str().unwrap()) {
            None => successful.push(json!({ "Id": id })),
            Some(sender) => failed.push(json!({"Id": id, "SenderFault": sender, "Code": "InternalError", "Message": "no"})),
        }
    }
    json(200, json!({"Successful": successful, "Failed": failed}))
}

fn receipts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("receipt-{n}")).collect()
}

#[tokio::test(start_paused = true)]
async fn a_poll_waits_20_s_and_counts_deliveries() {
    let server = Server::default();
    let (feed, clock) = feed(&server, |_, _| async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let message = json!({"Body": "{}", "ReceiptHandle": "r1", "Attributes": {"ApproximateReceiveCount": "3"}});
        json(200, json!({"Messages": [message, {"Body": "x", "ReceiptHandle": "r2"}, {"Body": "no receipt"}]}))
    })
    .await;
    let messages = feed.receive().await.unwrap();
    let seen: Vec<_> = messages.iter().map(|m| (m.body.as_str(), m.receipt.as_str(), m.deliveries)).collect();
    assert_eq!(seen, [("{}", "r1", 3), ("x", "r2", 1)]);
    assert_eq!(clock.elapsed(), Duration::from_secs(20), "a long poll is no timeout");
    let request = &server.seen()[0];
    assert_eq!((operation(request).as_str(), request.host.as_str()), ("ReceiveMessage", "sqs.us-east-1.amazonaws.com"));
    let asked = request.json();
    assert_eq!((&asked["MaxNumberOfMessages"], &asked["WaitTimeSeconds"]), (&json!(10), &json!(20)));
    assert_eq!((&asked["QueueUrl"], server.count()), (&json!(URL), 1));
}

#[tokio::test(start_paused = true)]
async fn an_empty_queue_is_no_messages() {
    let server = Server::default();
    let (feed, _) = feed(&server, |_, _| async { json(200, json!({})) }).await;
    assert_eq!(feed.receive().await, Ok(vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_exist_is_said_so_at_once() {
    let server = Server::default();
    let (feed, _) = feed(&server, |_, _| async {
        let code = "com.amazonaws.sqs#QueueDoesNotExist";
        let mut response = json(400, json!({"__type": code, "message": "The specified queue does not exist."}));
        let header = "AWS.SimpleQueueService.NonExistentQueue;Sender".parse().unwrap();
        response.headers_mut().insert("x-amzn-query-error", header);
        response
    })
    .await;
    let failure = feed.receive().await.unwrap_err();
    assert_eq!((failure.kind, failure.action.as_str()), (FailureKind::NoQueue, "call ReceiveMessage in us-east-1"));
    assert_eq!(server.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn handled_messages_are_removed_ten_at_a_time() {
    let server = Server::default();
    let (feed, _) = feed(&server, |request, _| async move { removed(&request, |_| None) }).await;
    feed.acknowledge(&receipts(23)).await.unwrap();
    let sizes: Vec<_> = server.seen().iter().map(|seen| seen.json()["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 10, 3]);
    feed.acknowledge(&[]).await.unwrap();
    assert_eq!(server.count(), 3);
}

#[tokio::test(start_paused = true)]
async fn only_what_the_service_failed_to_remove_is_tried_again() {
    let server = Server::default();
    let (feed, _) = feed(&server, |request, nth| async move {
        removed(&request, |receipt| match receipt {
            "receipt-2" => Some(true),
            "receipt-4" if nth < 2 => Some(false),
            _ => None,
        })
    })
    .await;
    feed.acknowledge(&receipts(6)).await.unwrap();
    let sizes: Vec<_> = server.seen().iter().map(|seen| seen.json()["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [6, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_reported_and_the_others_are_removed() {
    let server = Server::default();
    let (feed, _) =
        feed(&server, |request, _| async move { removed(&request, |receipt| (receipt == "receipt-1").then_some(false)) }).await;
    let failure = feed.acknowledge(&receipts(12)).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::Transient, Some("InternalError")));
    assert!(failure.message.starts_with("1 of 12 messages"), "{failure}");
    assert_eq!(server.count(), 5, "once and three times again, then the other two");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_names_no_message_removed_none() {
    let server = Server::default();
    let (feed, _) = feed(&server, |_, _| async { json(200, json!({"Successful": [], "Failed": []})) }).await;
    assert_eq!(feed.acknowledge(&receipts(2)).await.unwrap_err().kind, FailureKind::Transient);
    assert_eq!(server.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn events_are_sent_in_batches_and_what_was_not_taken_is_sent_again() {
    let server = Server::default();
    let answer = |request: Seen, nth: usize| async move {
        let entries = request.json()["Entries"].as_array().unwrap().clone();
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in &entries {
            if nth == 0 && entry["MessageBody"] == "event-3" {
                failed.push(json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError"}));
            } else {
                successful.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": md5_of(&entry["MessageBody"])}));
            }
        }
        json(200, json!({"Successful": successful, "Failed": failed}))
    };
    let clock = Arc::new(TokioClock::new());
    let transport = transport(clock.clone(), server.router(answer)).await;
    let queue = QueueAddress::parse(URL, &region()).unwrap();
    let target = SqsTarget::new(&transport, quota(clock, 60), queue);
    target.send((0..12).map(|n| format!("event-{n}")).collect()).await.unwrap();
    let sizes: Vec<_> = server.seen().iter().map(|seen| seen.json()["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [10, 1, 2]);
}

/// The SDK of Rust does not compare it; the shape asks for one.
fn md5_of(_body: &Value) -> &'static str {
    "d41d8cd98f00b204e9800998ecf8427e"
}

#[test]
fn a_queue_url_says_the_region_and_the_endpoint() {
    let cases = [
        (URL, "us-east-1", None),
        ("https://sqs.cn-north-1.amazonaws.com.cn/111122223333/q", "cn-north-1", None),
        ("https://eu-west-2.queue.amazonaws.com/111122223333/q", "eu-west-2", Some("https://eu-west-2.queue.amazonaws.com")),
        ("https://sqs.eu-west-3.api.aws/111122223333/q", "eu-west-3", Some("https://sqs.eu-west-3.api.aws")),
        (
            "https://vpce-1-2.sqs.us-west-2.vpce.amazonaws.com/111122223333/q",
            "us-west-2",
            Some("https://vpce-1-2.sqs.us-west-2.vpce.amazonaws.com"),
        ),
        ("http://127.0.0.1:5000/111122223333/q", "eu-west-1", Some("http://127.0.0.1:5000")),
        ("https://queues.example.com/111122223333/q", "eu-west-1", Some("https://queues.example.com")),
    ];
    for (url, expected, endpoint) in cases {
        let queue = QueueAddress::parse(url, &region()).unwrap();
        assert_eq!((queue.region().as_str(), queue.url()), (expected, url));
        assert_eq!(queue.endpoint.as_ref().map(Endpoint::as_str), endpoint, "{url}");
    }
    for bad in ["", "hubkeeper", "https://sqs.eu-west-1.amazonaws.com", "arn:aws:sqs:eu-west-1:111122223333:hubkeeper"] {
        assert!(matches!(QueueAddress::parse(bad, &region()), Err(QueueUrlError::Shape(_))), "{bad}");
    }
    for clear in ["http://sqs.eu-west-1.amazonaws.com/1/q", "http://10.0.0.1/1/q"] {
        assert!(matches!(QueueAddress::parse(clear, &region()), Err(QueueUrlError::Endpoint(_))), "{clear}");
    }
}
