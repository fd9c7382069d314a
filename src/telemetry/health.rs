//! `/livez`, `/readyz` and `/metrics` on a listener that is given.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use super::metrics::Metrics;

/// Whether the process does its work, and why not. Shared.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<Mutex<Result<(), String>>>);

impl Readiness {
    /// Not ready, for `reason`: "reading the manifests".
    pub fn waiting(reason: impl Into<String>) -> Self {
        Self(Arc::new(Mutex::new(Err(reason.into()))))
    }

    /// From now on ready.
    pub fn ready(&self) {
        self.set(Ok(()));
    }

    /// From now on not ready, for `reason`.
    pub fn not_ready(&self, reason: impl Into<String>) {
        self.set(Err(reason.into()));
    }

    /// Ready, or why not.
    pub fn get(&self) -> Result<(), String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: Result<(), String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// Serves until `shutdown` is done, then finishes what is being answered.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    metrics: Metrics,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(readiness, metrics)).with_graceful_shutdown(shutdown).await
}

/// The three pages.
pub fn router(readiness: Readiness, metrics: Metrics) -> axum::Router {
    axum::Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz).with_state(readiness))
        .route("/metrics", get(show).with_state(metrics))
}

async fn readyz(State(readiness): State<Readiness>) -> Response {
    match readiness.get() {
        Ok(()) => "ok\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}

async fn show(State(metrics): State<Metrics>) -> Response {
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http_body_util::BodyExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(router: &axum::Router, path: &str) -> (u16, String) {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn readiness_says_why_not_and_liveness_does_not_care() {
        let readiness = Readiness::waiting("reading the hub");
        let router = router(readiness.clone(), Metrics::new());
        assert_eq!(ask(&router, "/readyz").await, (503, "reading the hub\n".into()));
        assert_eq!(ask(&router, "/livez").await, (200, "ok\n".into()));
        readiness.ready();
        assert_eq!(ask(&router, "/readyz").await.0, 200);
        readiness.not_ready("the lease is lost");
        assert_eq!(ask(&router, "/readyz").await, (503, "the lease is lost\n".into()));
    }

    #[tokio::test]
    async fn metrics_are_served_as_text_and_other_pages_do_not_exist() {
        let metrics = Metrics::new();
        metrics.aws_request("DescribeHub", "OK", false);
        let router = router(Readiness::waiting(""), metrics);
        let (status, text) = ask(&router, "/metrics").await;
        assert!(status == 200 && text.contains("DescribeHub") && text.ends_with("# EOF\n"), "{text}");
        assert_eq!(ask(&router, "/debug").await.0, 404);
    }

    #[tokio::test]
    async fn it_serves_on_the_listener_it_is_given_and_stops_when_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let shutdown = async move { drop(stopped.await) };
        let client = async move {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            stop.send(()).unwrap();
            answer
        };
        let (served, answer) = tokio::join!(serve(listener, Readiness::waiting(""), Metrics::new(), shutdown), client);
        served.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    }
}
