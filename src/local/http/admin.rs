//! `/_local/`: what a person or a script does to the hub that no AWS client can.
//!
//! `GET` and `PUT faults`; `POST advance` steps the clock; `POST accounts` says what AWS Organizations knows of an account: that it
//! joins the organization, leaves it, or is suspended; `POST world` what somebody did to resources, `POST checks` that checks run
//! now; `POST snapshot` writes it; `POST action` sends findings to a custom action; `GET organization`, `operations`, `calls`, `clock`.

use std::time::Duration;

use axum::response::Response;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::core::ids::AccountId;
use crate::local::clock::stamp;
use crate::local::faults::Faults;
use crate::local::hub::world::Becomes;
use crate::local::{Count, Local};
use crate::wire::error::AwsError;
use crate::wire::operations;
use crate::wire::securityhub::FindingIdentifier;

use super::{Incoming, respond};

/// All there is, for people.
pub(super) const ALL: &str = "GET and PUT faults, POST advance, POST accounts, POST world, POST checks, POST snapshot, \
    POST action, GET clock, GET organization, GET operations, GET calls";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u64,
}

/// What the console sends when a person chooses a custom action.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Action {
    action_target_arn: String,
    finding_identifiers: Vec<FindingIdentifier>,
}

/// What the next checks will find behind the findings that GetFindings' filters choose.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct World {
    filters: Value,
    becomes: Becomes,
}

/// The checks of the findings that GetFindings' filters choose; `new_ids`: they make new findings.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Checks {
    filters: Value,
    #[serde(default)]
    new_ids: bool,
}

/// What is known of an account from now on; what is not said stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Account {
    id: AccountId,
    name: Option<String>,
    email: Option<String>,
    suspended: Option<bool>,
    in_organization: Option<bool>,
}

pub(super) async fn handle(local: &Local, incoming: &Incoming, what: &str) -> Response {
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
            Ok(Advance { seconds }) => advance(local, Duration::from_secs(seconds)).await,
            Err(error) => refused(&error),
        },
        (&Method::POST, "snapshot") => snapshot(local).await,
        (&Method::POST, "action") => match serde_json::from_slice::<Action>(&incoming.body) {
            Ok(action) => {
                let events = local.invoke_action(&action.action_target_arn, &action.finding_identifiers);
                answered(events, |events| json!({"events": events}))
            }
            Err(error) => refused(&error),
        },
        (&Method::POST, "world") => match serde_json::from_slice::<World>(&incoming.body) {
            Ok(World { filters, becomes }) => {
                answered(local.turn_world(&filters, becomes), |findings| json!({"findings": findings}))
            }
            Err(error) => refused(&error),
        },
        (&Method::POST, "checks") => match serde_json::from_slice::<Checks>(&incoming.body) {
            Ok(Checks { filters, new_ids }) => {
                let findings = if new_ids { local.renew_findings(&filters) } else { local.run_checks(&filters) };
                answered(findings, |findings| json!({"findings": findings}))
            }
            Err(error) => refused(&error),
        },
        (&Method::GET, "clock") => (StatusCode::OK, clock(local)),
        (&Method::GET, "organization") => (StatusCode::OK, organization(local)),
        (&Method::POST, "accounts") => match serde_json::from_slice::<Account>(&incoming.body) {
            Ok(account) => (StatusCode::OK, know(local, account)),
            Err(error) => refused(&error),
        },
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
        _ => (StatusCode::NOT_FOUND, json!({"message": format!("there are {ALL}")})),
    };
    respond(local, status, "application/json", format!("{answer}\n"))
}

/// Refuses a request before anything is made of it.
pub(super) fn refuse(local: &Local, status: StatusCode, why: &str) -> Response {
    respond(local, status, "application/json", format!("{}\n", json!({"message": why})))
}

fn answered<T>(result: Result<T, AwsError>, answer: impl FnOnce(T) -> Value) -> (StatusCode, Value) {
    match result {
        Ok(result) => (StatusCode::OK, answer(result)),
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            (status, json!({"message": error.message}))
        }
    }
}

fn refused(error: &serde_json::Error) -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({"message": error.to_string()}))
}

/// Off the runtime, which serves others meanwhile: a year of checks is some work.
async fn advance(local: &Local, by: Duration) -> (StatusCode, Value) {
    if let Err(error) = local.clock().check_step(by) {
        return (StatusCode::BAD_REQUEST, json!({"message": error.to_string()}));
    }
    let stepping = local.clone();
    match tokio::task::spawn_blocking(move || stepping.advance(by)).await {
        Ok(()) => (StatusCode::OK, clock(local)),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": error.to_string()})),
    }
}

/// Off the runtime: it takes seconds for a big hub, and waits for one that is under way.
async fn snapshot(local: &Local) -> (StatusCode, Value) {
    let saving = local.clone();
    match tokio::task::spawn_blocking(move || saving.save_where_kept()).await {
        Ok(Some(Ok(said))) => (StatusCode::OK, json!({"message": said})),
        Ok(Some(Err(error))) => (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": error})),
        Ok(None) => (StatusCode::CONFLICT, json!({"message": "start it with --snapshot FILE: there is no file to write to"})),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, json!({"message": error.to_string()})),
    }
}

fn clock(local: &Local) -> Value {
    json!({"now": stamp(local.clock().now()), "speed": local.clock().speed().to_string()})
}

fn know(local: &Local, account: Account) -> Value {
    let known = local.with_hub(|hub, now| {
        let mut known = hub.topology().known(account.id);
        known.name = account.name.or(known.name);
        known.email = account.email.or(known.email);
        known.suspended = account.suspended.unwrap_or(known.suspended);
        known.outside = account.in_organization.map_or(known.outside, |inside| !inside);
        hub.know_account(account.id, known.clone(), now);
        known
    });
    let (name, email, suspended) = (known.name, known.email, known.suspended);
    json!({"id": account.id, "name": name, "email": email, "suspended": suspended, "inOrganization": !known.outside})
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

/// As the administrator has it whose event queue is here.
fn organization(local: &Local) -> Value {
    let standing = local.standing();
    json!({
        "managementAccount": standing.management,
        "administrator": standing.administrator,
        "members": standing.members,
        "homeRegion": standing.home,
        "regionLinkingMode": standing.linking,
        "linkedRegions": standing.regions,
        "eventQueueUrl": local.event_queue_url(),
        "findings": local.len(),
    })
}
