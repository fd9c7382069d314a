//! Security Hub over HTTP: restJson1. What every call passes is here; what an operation does is in the file of its family.
//!
//! To add an operation: its shapes in `wire::securityhub`, what it means in `local::hub`, and a row in its family here. Quota,
//! faults and the books are the same for all. One that no family has is refused by name.

mod actions;
mod aggregators;
pub(super) mod ask;
mod controls;
mod findings;
mod hub;
mod insights;
mod members;
mod organization;
mod products;
mod rules;
mod standards;
mod tags;

use std::future::pending;
use std::time::Duration;

use crate::local::faults::Fault;
use crate::local::hub::caller::Caller;
use crate::local::{Call, Local};
use crate::wire::error::AwsError;
use crate::wire::operations;

use super::Incoming;
use ask::{Ask, Family, Handler};

/// Every operation that is served.
const FAMILIES: [Family; 12] = [
    findings::OPERATIONS,
    hub::OPERATIONS,
    members::OPERATIONS,
    organization::OPERATIONS,
    aggregators::OPERATIONS,
    standards::OPERATIONS,
    controls::OPERATIONS,
    tags::OPERATIONS,
    rules::OPERATIONS,
    products::OPERATIONS,
    actions::OPERATIONS,
    insights::OPERATIONS,
];

/// How long a caller is left without an answer, at most: longer than any client waits.
const SILENCE: Duration = Duration::from_mins(10);

/// What serves an operation; `None`: Security Hub Local does not have it.
pub(super) fn handler(operation: &str) -> Option<Handler> {
    let mut served = FAMILIES.iter().copied().flatten();
    served.find(|(name, _)| *name == operation).map(|(_, handler)| *handler)
}

pub(super) async fn handle(local: &Local, incoming: &Incoming) -> Result<String, AwsError> {
    let Incoming { method, path, .. } = incoming;
    let (found, label) = operations::find(method.as_str(), path)
        .ok_or_else(|| AwsError::unknown_operation(format!("Security Hub has no operation at {method} {path}")))?;
    let operation = found.name;
    let at = local.clock().now();
    let caller = local.identities().caller(incoming, at).map_err(|error| rejected(local, incoming, error))?;
    let note_as = |throttled, findings, unprocessed, error| {
        local.note(Call { operation, caller: Some(caller.clone()), at, findings, unprocessed, error, throttled });
    };
    let note = |findings, unprocessed, error| note_as(false, findings, unprocessed, error);
    let verdict = match local.admit(found, &caller) {
        Ok(verdict) => verdict,
        Err(error) => {
            note_as(true, 0, 0, Some(error.code));
            return Err(error);
        }
    };
    match verdict.fault {
        Some(Fault::TimeoutBefore) => {
            note(0, 0, Some("NoAnswer"));
            return silence().await;
        }
        Some(Fault::EmptyBody) => {
            note(0, 0, Some("EmptyBody"));
            return Ok(String::new());
        }
        Some(Fault::Throttle(_) | Fault::ServerError(_) | Fault::AccessDenied) => {
            let error = error_of(verdict.fault, &format!("securityhub:{operation}"), &caller);
            note_as(matches!(verdict.fault, Some(Fault::Throttle(_))), 0, 0, Some(error.code));
            return Err(error);
        }
        Some(Fault::TimeoutAfter | Fault::Partial { .. }) | None => {}
    }
    let ask = Ask { caller: &caller, verdict: &verdict, incoming, label };
    let result = match handler(operation) {
        Some(handler) => handler(local, &ask),
        None => Err(AwsError::not_implemented(format!("Security Hub Local does not have {operation}"))),
    };
    if verdict.fault == Some(Fault::TimeoutAfter) {
        let (findings, unprocessed) = result.as_ref().map_or((0, 0), |done| (done.findings, done.unprocessed));
        note(findings, unprocessed, Some("NoAnswer"));
        return silence().await;
    }
    match result {
        Ok(done) => {
            note(done.findings, done.unprocessed, None);
            Ok(done.body)
        }
        Err(error) => {
            note(0, 0, Some(error.code));
            Err(error)
        }
    }
}

/// Counts a call, if it is one of Security Hub, that is refused before anybody asks what it says.
pub(super) fn rejected(local: &Local, incoming: &Incoming, error: AwsError) -> AwsError {
    if let Some((found, _)) = operations::find(incoming.method.as_str(), &incoming.path) {
        let at = local.clock().now();
        let caller = local.identities().caller(incoming, at).ok();
        let (operation, error) = (found.name, Some(error.code));
        local.note(Call { operation, caller, at, findings: 0, unprocessed: 0, error, throttled: false });
    }
    error
}

/// No answer, until the client gives up.
pub(super) async fn silence() -> Result<String, AwsError> {
    let never = pending::<()>();
    let _ = tokio::time::timeout(SILENCE, never).await;
    Err(AwsError::unavailable("Service Unavailable"))
}

pub(super) fn error_of(fault: Option<Fault>, operation: &str, caller: &Caller) -> AwsError {
    match fault {
        Some(Fault::Throttle(code)) => code.error(),
        Some(Fault::AccessDenied) => AwsError::access_denied(format!(
            "User: {} is not authorized to perform: {operation} with an explicit deny",
            caller.arn()
        )),
        Some(Fault::ServerError(503)) => AwsError::unavailable("Service Unavailable"),
        Some(Fault::ServerError(status)) if (500..600).contains(&status) => {
            AwsError { status, ..AwsError::internal("Internal server error") }
        }
        _ => AwsError::internal("Internal server error"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_that_is_served_is_one_of_the_service_and_served_once() {
        let mut names: Vec<&str> = FAMILIES.iter().copied().flatten().map(|(name, _)| *name).collect();
        for name in &names {
            assert!(operations::named(name).is_some(), "{name}");
        }
        names.sort_unstable();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }
}
