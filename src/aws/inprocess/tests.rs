use std::sync::Arc;

use axum::response::Response;
use futures::StreamExt as _;
use serde_json::json;

use super::*;
use crate::aws::failure::{Fail, read};
use crate::aws::testing::{Server, TokioClock, json, region, transport};
use crate::aws::transport::Timeouts;
use crate::engine::ports::{Clock as _, FailureKind};

/// What DescribeHub makes of an answer, and how long it took.
async fn described<F, Fut>(answer: F) -> (Result<Option<String>, Fail>, Duration)
where
    F: Fn() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send,
{
    let clock = Arc::new(TokioClock::new());
    let router = Server::default().router(move |_, _| answer());
    let client = transport(clock.clone(), router).await.security_hub(&region());
    let result = client.describe_hub().send().await;
    (result.map(|hub| hub.hub_arn).map_err(|error| read(&error)), clock.elapsed())
}

fn streamed(status: u16, promised: Option<usize>, chunks: Vec<Result<&'static str, std::io::Error>>) -> Response {
    let mut builder = Response::builder().status(status).header("content-type", "application/json");
    if let Some(promised) = promised {
        builder = builder.header("content-length", promised);
    }
    builder.body(Body::from_stream(futures::stream::iter(chunks))).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_sees_what_it_would_see_on_a_connection() {
    let server = Server::default();
    let router = server.router(|_, _| async { json(200, json!({"HubArn": "arn:hub"})) });
    let client = transport(Arc::new(TokioClock::new()), router).await.security_hub(&region());
    client.describe_hub().hub_arn("arn:hub").send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].method.as_str(), seen[0].host.as_str()), ("GET", "securityhub.eu-west-1.amazonaws.com"));
    assert!(seen[0].path.starts_with("/accounts"), "{}", seen[0].path);
    let signed = seen[0].headers["authorization"].to_str().unwrap();
    assert!(signed.contains("Credential=111122223333/20261121/eu-west-1/securityhub/"), "{signed}");
    assert_eq!(seen[0].headers["x-amz-date"], "20261121T080000Z");
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_take_its_time() {
    let (result, took) = described(|| async {
        tokio::time::sleep(Duration::from_secs(19)).await;
        json(200, json!({"HubArn": "arn:hub"}))
    })
    .await;
    assert_eq!((result, took), (Ok(Some("arn:hub".to_owned())), Duration::from_secs(19)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_when_the_time_for_an_attempt_is_over() {
    let (result, took) = described(|| async {
        tokio::time::sleep(Duration::from_hours(1)).await;
        json(200, json!({}))
    })
    .await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Transient);
    assert_eq!(took, Timeouts::default().attempt);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_given_up_too() {
    let (result, took) = described(|| async {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("{\"HubArn\"")]);
        Response::new(Body::from_stream(first.chain(futures::stream::pending())))
    })
    .await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Transient);
    assert_eq!(took, Timeouts::default().attempt);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_cut_is_no_answer() {
    let whole = r#"{"HubArn":"arn:hub"}"#;
    let (result, _) = described(move || async move { streamed(200, Some(whole.len()), vec![Ok(whole)]) }).await;
    assert_eq!(result, Ok(Some("arn:hub".to_owned())));
    // Shorter than promised, although what came is JSON.
    let (result, _) = described(move || async move { streamed(200, Some(whole.len() + 1), vec![Ok(whole)]) }).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Transient);
    let reset = || std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    let (result, _) = described(move || async move { streamed(200, None, vec![Ok(whole), Err(reset())]) }).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Transient);
    let (result, _) = described(move || async move { streamed(200, None, vec![Ok(&whole[..10])]) }).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test(start_paused = true)]
async fn a_success_without_a_body_is_no_answer() {
    let (result, _) = described(|| async { streamed(200, Some(0), vec![]) }).await;
    let fail = result.unwrap_err();
    assert_eq!((fail.kind, fail.message.contains("no body")), (FailureKind::Transient, true), "{fail:?}");
    let (result, _) = described(|| async { json(200, "") }).await;
    assert_eq!(result.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test(start_paused = true)]
async fn a_failure_without_a_code_is_told_by_its_status() {
    for (status, kind) in [(503, FailureKind::Transient), (429, FailureKind::Throttled), (403, FailureKind::AccessDenied)] {
        let (result, _) = described(move || async move { json(status, "<html>no</html>") }).await;
        let fail = result.unwrap_err();
        assert_eq!((fail.kind, fail.code), (kind, None), "{status}");
    }
}
