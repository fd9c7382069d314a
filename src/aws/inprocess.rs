//! The SDK's HTTP client without a network: an `axum::Router` in the same process, so that paused time drives the shipped code.
//!
//! It behaves like a connection: a `Host` header, the request body read to its end, connect and read timeouts (the SDK leaves
//! them to the connector), and a response body shorter than its `Content-Length` is an error.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::exclusive::Exclusive;

/// An HTTP client whose every endpoint is one router.
#[derive(Clone)]
pub struct InProcess {
    router: axum::Router,
    sleep: Option<SharedAsyncSleep>,
    read_timeout: Option<Duration>,
}

impl InProcess {
    /// Sends every request to `router`, whatever its host.
    pub fn new(router: axum::Router) -> Self {
        Self { router, sleep: None, read_timeout: None }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("read_timeout", &self.read_timeout).finish_non_exhaustive()
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self {
            router: self.router.clone(),
            sleep: components.sleep_impl(),
            read_timeout: settings.read_timeout(),
        })
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let router = self.router.clone();
        let timeout = self.sleep.clone().zip(self.read_timeout);
        HttpConnectorFuture::new(async move {
            let answer = exchange(router, request);
            let Some((sleep, after)) = timeout else { return answer.await };
            tokio::select! {
                biased;
                answer = answer => answer,
                () = sleep.sleep(after) => {
                    Err(ConnectorError::timeout(format!("no response within {} s", after.as_secs_f64()).into()))
                }
            }
        })
    }
}

async fn exchange(router: axum::Router, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let user = |error: Box<dyn Error + Send + Sync>| ConnectorError::user(error);
    let (mut head, body) = request.try_into_http1x().map_err(|error| user(error.into()))?.into_parts();
    if let Some(authority) = head.uri.authority()
        && !head.headers.contains_key(HOST)
    {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|error| user(error.into()))?;
        head.headers.insert(HOST, host);
    }
    // What a server sees on a connection: the path only.
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse::<Uri>().map_err(|error| user(error.into()))?;
    let body = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let response = match router.oneshot(Request::from_parts(head, Body::from(body))).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    HttpResponse::try_from(response_of(response)).map_err(|error| ConnectorError::other(error.into(), None))
}

fn response_of(response: Response<Body>) -> Response<SdkBody> {
    let (head, body) = response.into_parts();
    let promised = head.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    Response::from_parts(head, SdkBody::from_body_1_x(Incoming { body: Exclusive::new(body), missing: promised }))
}

/// A response body on its way: axum's is not `Sync`, the SDK's is.
struct Incoming {
    body: Exclusive<Body>,
    /// Bytes that `Content-Length` promised and that have not come.
    missing: Option<u64>,
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(self.body.get_mut()).poll_frame(context);
        Poll::Ready(match std::task::ready!(polled) {
            Some(Ok(frame)) => {
                if let (Some(missing), Some(data)) = (self.missing.as_mut(), frame.data_ref()) {
                    *missing = missing.saturating_sub(data.len() as u64);
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => Some(Err(error.into())),
            None if self.missing.take().is_some_and(|missing| missing > 0) => {
                let cut = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection closed within the body");
                Some(Err(cut.into()))
            }
            None => None,
        })
    }
}

#[cfg(test)]
mod tests;
