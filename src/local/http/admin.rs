//! `/_local/`: what a person or a script does to the hub that no AWS client can.
//!
//! `GET` and `PUT faults`; `POST advance` steps the clock; `POST snapshot` writes it; `GET organization`, `operations`, `calls`,
//! `clock`.

use std::time::Duration;

use axum::response::Response;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::ids::Region;
use crate::local::clock::stamp;
use crate::local::faults::Faults;
use crate::local::{Count, Local};
use crate::wire::operations;

use super::{Incoming, respond};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

pub(super) fn handle(local: &Local, incoming: &Incoming, what: &str) -> Response {
    let (status, answer) = match (&incoming.method, what) {
        (&Method::GET, "faults") => (StatusCode::OK, json!(local.faults())),
        (&Method::PUT, "faults") => match serde_json::from_slice::<Faults>(&incoming.body) {
            Ok(faults) => {
                local.set_faults(faults.clone());
                (StatusCode::OK, json!(faults))
            }
            Err(error) => refused(&error),
        },
        (&Method::POST, "advance") => match serde_json::from_slice::<Advance>(&incoming.body) {
            Ok(Advance { seconds }) => {
                local.advance(Duration::from_secs(seconds));
                (StatusCode::OK, clock(local))
            }
            Err(error) => refused(&error),
        },
        (&Method::POST, "snapshot") => match local.save_where_kept() {
            Some(Ok(said)) => (StatusCode::OK, json!({"message": said})),
            Some(Err(error)) => (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": error})),
            None => (StatusCode::CONFLICT, json!({"message": "start it with --snapshot FILE: there is no file to write to"})),
        },
        (&Method::GET, "clock") => (StatusCode::OK, clock(local)),
        (&Method::GET, "organization") => (StatusCode::OK, organization(local)),
        (&Method::GET, "operations") => (StatusCode::OK, operations()),
        (&Method::GET, "calls") => {
            let counts: serde_json::Map<String, Value> = local
                .counts()
                .into_iter()
                .map(|(operation, count)| {
                    let Count { calls, errors, throttled, findings } = count;
                    let count = json!({"calls": calls, "errors": errors, "throttled": throttled, "findings": findings});
                    (operation.to_owned(), count)
                })
                .collect();
            (StatusCode::OK, Value::Object(counts))
        }
        _ => (
            StatusCode::NOT_FOUND,
            json!({"message": "there are GET and PUT faults, POST advance, POST snapshot, GET clock, GET organization, \
                GET operations, GET calls"}),
        ),
    };
    respond(local, status, "application/json", format!("{answer}\n"))
}

fn refused(error: &serde_json::Error) -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({"message": error.to_string()}))
}

fn clock(local: &Local) -> Value {
    json!({"now": stamp(local.clock().now()), "speed": local.clock().speed().to_string()})
}

/// Every operation of Security Hub, its quota, and whether it is served.
fn operations() -> Value {
    let all = operations::ALL.iter().map(|operation| {
        json!({
            "name": operation.name,
            "method": operation.method,
            "path": operation.path,
            "perSecond": operation.rate.per_second,
            "burst": operation.rate.burst,
            "served": super::securityhub::handler(operation.name).is_some(),
        })
    });
    all.collect()
}

fn organization(local: &Local) -> Value {
    let organization = local.organization();
    json!({
        "administrator": organization.administrator.id,
        "members": organization.members.iter().map(|member| member.id).collect::<Vec<_>>(),
        "homeRegion": organization.home,
        "linkedRegions": organization.linked.iter().map(Region::as_str).collect::<Vec<_>>(),
        "eventQueueUrl": local.event_queue_url(),
        "findings": local.len(),
    })
}
