//! What clients see: Security Hub, STS, EC2's Regions and SQS on one address, as an `axum::Router`.
//!
//! The same router serves a socket and an SDK in the same process. Security Hub is told by path, SQS by its target header, STS
//! and EC2 by their form, and one from the other by the service that the request is signed for; account and Region come from
//! the signature.

mod admin;
mod ec2;
mod form;
pub mod identity;
mod line;
mod origin;
mod securityhub;
mod socket;
mod sqs;
mod status;
mod sts;

use std::error::Error as _;
use std::net::IpAddr;
use std::sync::OnceLock;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::LengthLimitError;

use crate::wire::error::{AwsError, Protocol};
use crate::wire::limits::{IMPORT_BYTES, REQUEST_BYTES};

use super::Local;
use super::hub::caller::Caller;
use line::Line;
pub use socket::{Patience, serve};

/// A request that was read whole.
pub(super) struct Incoming {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    /// Of the address that the client used: `127.0.0.1:4600`.
    host: String,
    /// `http` or `https`.
    scheme: &'static str,
    body: Bytes,
    /// Who signed it, once somebody has looked.
    caller: OnceLock<Caller>,
}

impl Incoming {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Local {
    /// The service, to be called in process.
    pub fn router(&self) -> Router {
        self.router_at(None, Patience::default())
    }

    /// The service on a socket that listens at this address.
    pub(in crate::local) fn router_at(&self, listens: Option<IpAddr>, patience: Patience) -> Router {
        Router::new().fallback(handle).with_state(Served { local: self.clone(), listens, patience })
    }
}

/// The hub, where it listens, and how long it waits.
#[derive(Clone)]
struct Served {
    local: Local,
    listens: Option<IpAddr>,
    patience: Patience,
}

async fn handle(State(Served { local, listens, patience }): State<Served>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let most = if path == "/findings/import" { IMPORT_BYTES } else { REQUEST_BYTES };
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let sqs_operation = target.as_deref().and_then(|target| target.strip_prefix("AmazonSQS."));
    let elsewhere = target.as_deref().filter(|_| sqs_operation.is_none() && path == "/" && parts.method == Method::POST);
    let protocol = match sqs_operation {
        Some(_) => Protocol::AwsJson,
        None if elsewhere.is_some() => Protocol::AwsJson,
        None if path == "/" && (parts.method == Method::POST || is_form(&parts)) => form::protocol(&parts.headers),
        None => Protocol::RestJson,
    };
    let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let host = host.or_else(|| parts.uri.authority().map(ToString::to_string)).unwrap_or_else(|| "127.0.0.1".to_owned());
    let scheme = if parts.uri.scheme_str() == Some("https") { "https" } else { "http" };
    let read = tokio::time::timeout(patience.body, read(body, most)).await;
    let late = || AwsError::request_timeout("The request was not received whole within the timeout period.");
    let (body, unread) = match read.unwrap_or_else(|_| Err(late())) {
        Ok(body) => (body, None),
        Err(error) => (Bytes::new(), Some(error)),
    };
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let incoming =
        Incoming { method: parts.method, path, query, headers: parts.headers, host, scheme, body, caller: OnceLock::new() };
    let protocol = if protocol == Protocol::Query { form::protocol_of(&incoming) } else { protocol };
    if [Method::GET, Method::HEAD].contains(&incoming.method) && incoming.path == "/" && protocol == Protocol::RestJson {
        return status::handle(&local, &incoming.method);
    }
    if let Some(what) = incoming.path.strip_prefix("/_local/") {
        return match (origin::refusal(&incoming, listens), unread) {
            (Some(why), _) => admin::refuse(&local, StatusCode::FORBIDDEN, &why),
            (None, Some(error)) => {
                let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
                admin::refuse(&local, status, &error.message)
            }
            (None, None) => admin::handle(&local, &incoming, what).await,
        };
    }
    let line = Line::begin(&incoming, sqs_operation, protocol);
    local.turn();
    let answer = match (unread, sqs_operation, protocol) {
        (Some(error), ..) => Err(securityhub::rejected(&local, &incoming, error)),
        (None, Some(operation), _) => sqs::handle(&local, &incoming, operation).await,
        (None, None, Protocol::Query) => sts::handle(&local, &incoming).await,
        (None, None, Protocol::Ec2) => ec2::handle(&local, &incoming).await,
        (None, None, Protocol::AwsJson) => Err(AwsError::unknown_target(elsewhere.unwrap_or_default())),
        (None, None, Protocol::RestJson) => securityhub::handle(&local, &incoming).await,
    };
    line.end(match &answer {
        // No answer of a service is without a body, but by a fault.
        Ok(body) if body.is_empty() => line::EMPTY,
        Ok(_) => line::DONE,
        Err(error) => error.code,
    });
    match answer {
        Ok(body) => respond(&local, StatusCode::OK, AwsError::content_type(protocol), body),
        Err(error) => refuse(&local, &error, protocol),
    }
}

/// The body, if it is whole and not larger than `most` bytes.
async fn read(body: Body, most: usize) -> Result<Bytes, AwsError> {
    axum::body::to_bytes(body, most).await.map_err(|error| {
        if error.source().and_then(|source| source.downcast_ref::<LengthLimitError>()).is_some() {
            AwsError::too_large(format!("The request is larger than {most} bytes"))
        } else {
            AwsError::serialization("The request was cut off before its end")
        }
    })
}

/// The query protocol takes its form in the query string too.
fn is_form(parts: &http::request::Parts) -> bool {
    parts.method == Method::GET && parts.uri.query().is_some_and(|query| query.contains("Action="))
}

fn refuse(local: &Local, error: &AwsError, protocol: Protocol) -> Response {
    let error = error.clone().spoken(protocol);
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = local.uuid();
    let body = error.body(protocol, &request_id);
    let mut response = respond_as(status, AwsError::content_type(protocol), body, &request_id);
    match protocol {
        Protocol::RestJson => {
            response.headers_mut().insert("x-amzn-errortype", HeaderValue::from_static(error.code));
        }
        Protocol::AwsJson => {
            // SDKs take the code of the query protocol from here.
            if let Some(code) = sqs::query_code(error.code) {
                response.headers_mut().insert("x-amzn-query-error", HeaderValue::from_static(code));
            }
        }
        Protocol::Query | Protocol::Ec2 => {}
    }
    response
}

fn respond(local: &Local, status: StatusCode, content_type: &'static str, body: String) -> Response {
    respond_as(status, content_type, body, &local.uuid())
}

fn respond_as(status: StatusCode, content_type: &'static str, body: String, request_id: &str) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}
