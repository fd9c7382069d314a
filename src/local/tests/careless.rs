//! What a careless client, a hostile page or a wrong unit gets: a clear no, and the hub goes on.

use std::pin::Pin;
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::client::Client;
use super::local;
use crate::local::Local;
use crate::local::clock::stamp;
use crate::local::http::Patience;

/// Signed as far as it matters: the account and the Region are told.
const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=111122223333/20261121/eu-west-1/securityhub/aws4_request, SignedHeaders=host, Signature=00";

async fn said(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn milliseconds_for_seconds_and_steps_past_the_calendar_are_refused_and_the_clock_stands() {
    let local = local(5);
    let client = Client::admin(&local, "alice");
    let before = local.clock().now();
    let (status, answer) = client.post("/_local/advance", json!({"seconds": 1_732_225_000_000_u64})).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer["message"].as_str().unwrap().contains("are they milliseconds?"), "{answer}");
    assert_eq!(client.post("/_local/advance", json!({"seconds": u64::MAX})).await.0, 400);
    assert_eq!(local.clock().now(), before);
    assert_eq!(client.post("/_local/advance", json!({"seconds": 3600})).await.0, 200);

    let late = Local::builder().start("9998-12-31T23:00:00Z".parse().unwrap()).build().unwrap();
    let client = Client::admin(&late, "alice");
    let (status, answer) = client.post("/_local/advance", json!({"seconds": 3600})).await;
    assert!(status == 400 && answer["message"].as_str().unwrap().contains("the year 9999"), "{answer}");
    assert_eq!(stamp(late.clock().now()), "9998-12-31T23:00:00.000Z");
}

#[expect(clippy::disallowed_methods, reason = "a thread that may hang belongs to nobody")]
#[test]
fn at_the_end_of_the_calendar_time_stands_and_others_have_their_turn() {
    let (done, waits) = mpsc::channel();
    // A loop that nothing interrupts could not be waited for in this thread.
    std::thread::spawn(move || {
        let local = Local::builder().findings(20).start(Timestamp::MAX).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = local.keep_time() => {}
                () = tokio::task::yield_now() => done.send(()).unwrap(),
            }
        });
    });
    waits.recv_timeout(Duration::from_mins(2)).expect("it yields");
}

/// A body of which the end never comes.
struct CutOff(bool);

impl http_body::Body for CutOff {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::io::Result<http_body::Frame<Bytes>>>> {
        let began = std::mem::replace(&mut self.0, true);
        Poll::Ready(Some(if began {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        } else {
            Ok(http_body::Frame::data(Bytes::from_static(b"{")))
        }))
    }
}

#[tokio::test]
async fn a_call_that_is_refused_before_it_is_read_is_counted_and_too_large_is_told_from_cut_off() {
    let local = local(5);
    let send = |body: Body| {
        let request = Request::builder().method("POST").uri("/findings").header("authorization", SIGNED);
        local.router().oneshot(request.body(body).unwrap())
    };
    let (status, answer) = said(send(Body::new(CutOff(false))).await.unwrap()).await;
    assert_eq!((status, answer["Code"].as_str()), (400, Some("SerializationException")), "{answer}");
    assert_eq!(answer["Message"], "The request was cut off before its end");
    let huge = vec![b' '; crate::wire::limits::REQUEST_BYTES + 1];
    let (status, answer) = said(send(Body::from(huge)).await.unwrap()).await;
    assert_eq!((status, answer["Code"].as_str()), (413, Some("RequestEntityTooLargeException")), "{answer}");
    assert_eq!(answer["Message"], "The request is larger than 2097152 bytes");
    Client::new(&local, "nobody", "alice", "eu-west-1").post("/findings", json!({})).await;

    let calls: Vec<_> = local.calls().into_iter().map(|call| (call.caller.map(|caller| caller.account), call.error)).collect();
    let account = Some(local.administrator());
    assert_eq!(
        calls,
        [
            (account, Some("SerializationException")),
            (account, Some("RequestEntityTooLargeException")),
            (None, Some("UnrecognizedClientException")),
        ]
    );
    assert_eq!((local.count("GetFindings").calls, local.count("GetFindings").errors), (3, 3));
}

#[tokio::test]
async fn a_web_page_cannot_turn_the_switches_and_programs_can() {
    let local = local(5);
    let router = local.router_at(Some("127.0.0.1".parse().unwrap()), Patience::default());
    let step = async |host: &str, origin: Option<&str>| {
        let mut request = Request::builder().method("POST").uri("/_local/advance").header("host", host);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        said(router.clone().oneshot(request.body(Body::from("{\"seconds\": 1}")).unwrap()).await.unwrap()).await
    };
    let before = local.clock().now();
    for (host, origin) in [
        ("127.0.0.1:4600", Some("https://evil.example")),
        ("127.0.0.1:4600", Some("null")),
        ("127.0.0.1:4600", Some("http://localhost:4600")),
        ("127.0.0.1:4600", Some("http://127.0.0.1:3000")),
        // A name that means 127.0.0.1 for as long as its owner likes.
        ("evil.example:4600", Some("http://evil.example:4600")),
        ("evil.example:4600", None),
    ] {
        let (status, answer) = step(host, origin).await;
        assert_eq!(status, 403, "{host} {origin:?}: {answer}");
        assert!(answer["message"].as_str().is_some_and(|message| message.contains("call it")), "{answer}");
    }
    assert_eq!(local.clock().now(), before);
    for (host, origin) in [
        ("127.0.0.1:4600", None),
        ("localhost:4600", None),
        ("[::1]:4600", None),
        ("127.0.0.1:4600", Some("http://127.0.0.1:4600")),
    ] {
        assert_eq!(step(host, origin).await.0, 200, "{host} {origin:?}");
    }
    // Where other machines are served, they have names for this one; a page is a page there too.
    let open = local.router_at(Some("0.0.0.0".parse().unwrap()), Patience::default());
    let ask = async |origin: &str| {
        let request = Request::builder().uri("/_local/clock").header("host", "hub.example:4600").header("origin", origin);
        open.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
    };
    assert_eq!((ask("http://hub.example:4600").await, ask("https://evil.example").await), (200, 403));
    // AWS's operations are not concerned.
    let call = Request::builder().method("POST").uri("/findings").header("authorization", SIGNED);
    let call = call.header("host", "hub.example").header("origin", "https://console.example");
    assert_eq!(router.clone().oneshot(call.body(Body::from("{}")).unwrap()).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_call_to_another_service_is_told_in_its_own_words() {
    let local = local(5);
    let client = Client::admin(&local, "alice");
    let target = [("x-amz-target", "DynamoDB_20120810.ListTables")];
    let (status, body) = client.send(Method::POST, "/", "dynamodb", &target, "{}".to_owned()).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["__type"]), (400, &json!("com.amazon.coral.service#UnknownOperationException")), "{body}");
    assert_eq!(body["message"], "Security Hub Local does not have DynamoDB_20120810.ListTables");
    // A header that means nothing to Security Hub does not change what it answers.
    let (status, _) = client.send(Method::POST, "/findings", "securityhub", &target, "{}".to_owned()).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn the_head_of_the_page_is_the_page_without_itself() {
    let local = local(5);
    let ask = async |method: &str| {
        let request = Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
        let response = local.router().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().len())
    };
    let ((status, page, length), (head_status, head, none)) = (ask("GET").await, ask("HEAD").await);
    assert_eq!((status.as_u16(), head_status.as_u16(), none), (200, 200, 0));
    for name in ["content-type", "content-length", "content-security-policy"] {
        assert_eq!(page[name], head[name]);
    }
    assert_eq!(head["content-length"], length.to_string());
}

#[tokio::test]
async fn what_sqs_refuses_of_a_batch_a_delay_and_a_queue_is_refused() {
    let local = local(5);
    let client = Client::admin(&local, "alice");
    let url = local.event_queue_url();
    let entry = |id: &str, delay: i64| json!({"Id": id, "MessageBody": "x", "DelaySeconds": delay});
    let code = |answer: &Value| answer["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap_or_default().to_owned();
    for (operation, more, expected) in [
        ("SendMessage", json!({"MessageBody": "x", "DelaySeconds": 901}), "InvalidParameterValue"),
        ("SendMessage", json!({"MessageBody": "x", "DelaySeconds": -1}), "InvalidParameterValue"),
        ("SendMessageBatch", json!({"Entries": [entry("a", 0), entry("a", 0)]}), "BatchEntryIdsNotDistinct"),
        ("SendMessageBatch", json!({"Entries": []}), "EmptyBatchRequest"),
        ("SendMessageBatch", json!({"Entries": [entry("a/b", 0)]}), "InvalidBatchEntryId"),
        (
            "SendMessageBatch",
            json!({"Entries": (0..11).map(|n| entry(&n.to_string(), 0)).collect::<Vec<_>>()}),
            "TooManyEntriesInBatchRequest",
        ),
        (
            "DeleteMessageBatch",
            json!({"Entries": [{"Id": "a", "ReceiptHandle": "x"}, {"Id": "a", "ReceiptHandle": "y"}]}),
            "BatchEntryIdsNotDistinct",
        ),
        (
            "CreateQueue",
            json!({"QueueName": "q", "Attributes": {"RedrivePolicy": "{\"maxReceiveCount\":0,\"deadLetterTargetArn\":\"a:b\"}"}}),
            "InvalidParameterValue",
        ),
    ] {
        let mut body = more;
        body["QueueUrl"] = json!(url);
        let (status, answer) = client.sqs(operation, body.clone()).await;
        assert_eq!((status, code(&answer).as_str()), (400, expected), "{operation} {body}: {answer}");
    }
    assert_eq!(local.queues().bodies(&local.event_queue()), Vec::<String>::new(), "nothing of it was sent");

    let entries = json!([entry("late", 900), entry("later", 901)]);
    let (status, answer) = client.sqs("SendMessageBatch", json!({"QueueUrl": url, "Entries": entries})).await;
    assert_eq!((status, &answer["Successful"][0]["Id"]), (200, &json!("late")));
    assert_eq!((&answer["Failed"][0]["Id"], &answer["Failed"][0]["Code"]), (&json!("later"), &json!("InvalidParameterValue")));
}
