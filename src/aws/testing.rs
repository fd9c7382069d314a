//! Doubles shared by the tests of this room.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use tokio::time::Instant;

use super::inprocess::InProcess;
use super::quota::{Quota, Share};
use super::transport::{Settings, Transport};
use crate::core::ids::Region;
use crate::engine::ports::{Clock, Rng};

/// Tokio's clock, paused or not, from a fixed wall time.
#[derive(Debug)]
pub(super) struct TokioClock {
    wall: Timestamp,
    start: Instant,
}

impl TokioClock {
    pub(super) fn new() -> Self {
        Self { wall: "2026-11-21T08:00:00Z".parse().unwrap(), start: Instant::now() }
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.wall + jiff::SignedDuration::try_from(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A seeded generator.
pub(super) struct Seeded(Mutex<fastrand::Rng>);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Rng for Seeded {
    fn fraction(&self) -> f64 {
        self.0.lock().unwrap().f64()
    }
}

pub(super) fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

pub(super) fn quota(clock: Arc<dyn Clock>, percent: u8) -> Arc<Quota> {
    Arc::new(Quota::new(clock, Arc::new(Seeded::new(7)), Share::percent(percent)))
}

pub(super) fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("111122223333", "example", None, None, "tests"))
}

/// A transport whose every request is answered by `router`.
pub(super) async fn transport(clock: Arc<dyn Clock>, router: axum::Router) -> Arc<Transport> {
    let mut settings = Settings::new(region(), clock);
    settings.http = Some(SharedHttpClient::new(InProcess::new(router)));
    settings.credentials = Some(credentials());
    Arc::new(Transport::load(settings).await.unwrap())
}

/// One request as a server sees it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) host: String,
    pub(super) path: String,
    pub(super) headers: http::HeaderMap,
    pub(super) body: String,
}

impl Seen {
    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server whose answers a closure makes, and that remembers what it was asked.
#[derive(Clone, Default)]
pub(super) struct Server {
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// A router that answers with `answer`, given the request and how many came before it.
    pub(super) fn router<F, Fut>(&self, answer: F) -> axum::Router
    where
        F: Fn(Seen, usize) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send,
    {
        let seen = Arc::clone(&self.seen);
        axum::Router::new().fallback(async move |request: Request| {
            let (head, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let host = head.headers.get("host").map(|host| host.to_str().unwrap().to_owned()).unwrap_or_default();
            let request = Seen {
                method: head.method.to_string(),
                host,
                path: head.uri.to_string(),
                headers: head.headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            };
            let before = {
                let mut seen = seen.lock().unwrap();
                seen.push(request.clone());
                seen.len() - 1
            };
            answer(request, before).await
        })
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

pub(super) fn json(status: u16, body: impl std::fmt::Display) -> Response {
    let builder = Response::builder().status(status).header("content-type", "application/json");
    builder.body(Body::from(body.to_string())).unwrap()
}

/// An error as Security Hub says it.
pub(super) fn refusal(status: u16, code: &str, message: &str) -> Response {
    let mut response = json(status, serde_json::json!({ "Code": code, "Message": message }));
    response.headers_mut().insert("x-amzn-errortype", code.parse().unwrap());
    response
}
