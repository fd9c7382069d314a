//! Security Hub over HTTP: restJson1.

use std::future::pending;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::local::faults::{Fault, Verdict};
use crate::local::hub::caller::Caller;
use crate::local::hub::tags::check;
use crate::local::{Call, Local};
use crate::wire::error::{AwsError, UnprocessedCode};
use crate::wire::operations;
use crate::wire::securityhub::{
    BatchImportFindings, BatchUpdateFindings, EnableSecurityHub, FindingIdentifier, GetFindingHistory, GetFindings,
};
use crate::wire::sigv4::{decode, parse_form};

use super::{Incoming, tags};

/// How long a caller is left without an answer, at most: longer than any client waits.
const SILENCE: Duration = Duration::from_mins(10);

/// What a call did: the answer, and for the books how many findings it was about and how many were refused.
pub(super) struct Done {
    body: String,
    findings: usize,
    unprocessed: usize,
}

pub(super) async fn handle(local: &Local, incoming: &Incoming) -> Result<String, AwsError> {
    let Incoming { method, path, .. } = incoming;
    let operation = operations::name(method.as_str(), path)
        .ok_or_else(|| AwsError::unknown_operation(format!("Security Hub has no operation at {method} {path}")))?;
    let at = local.clock().now();
    let caller = local.identities().caller(incoming, at)?;
    let note = |findings, unprocessed, error| {
        local.note(Call { operation, caller: caller.clone(), at, findings, unprocessed, error });
    };
    let verdict = match local.admit(operation, &caller) {
        Ok(verdict) => verdict,
        Err(error) => {
            note(0, 0, Some(error.code));
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
            note(0, 0, Some(error.code));
            return Err(error);
        }
        Some(Fault::TimeoutAfter | Fault::Partial { .. }) | None => {}
    }
    let result = perform(local, incoming, operation, &caller, &verdict);
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

fn perform(
    local: &Local,
    incoming: &Incoming,
    operation: &'static str,
    caller: &Caller,
    verdict: &Verdict,
) -> Result<Done, AwsError> {
    match operation {
        "GetFindings" => {
            let request: GetFindings = read(incoming)?;
            let page = {
                let now = local.clock().now();
                let mut state = local.state();
                let asked = request.max_results.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(100);
                let most = state.switchboard.short_page(asked);
                state.hub.get_findings(caller, &request, now, most)?
            };
            Ok(Done { findings: page.texts.len(), unprocessed: 0, body: page.body() })
        }
        "BatchUpdateFindings" => {
            let request: BatchUpdateFindings = read(incoming)?;
            let count = request.finding_identifiers.len();
            // Drawn beforehand: the hub is busy while it asks.
            let mut drawn: Vec<Option<UnprocessedCode>> = {
                let mut state = local.state();
                let mut draw = || {
                    let drawn = verdict.partial.iter().find(|(_, percent)| state.switchboard.chance(*percent));
                    drawn.map(|(code, _)| *code)
                };
                (0..count).map(|_| draw()).collect()
            };
            drawn.reverse();
            let spoilt = local.faults().findings;
            let named = |key: &FindingIdentifier| spoilt.iter().find(|fault| fault.id == key.id);
            if let Some(poison) = request.finding_identifiers.iter().filter_map(named).find(|fault| fault.code.is_none()) {
                return Err(AwsError::invalid_input(format!("Invalid finding identifier: {}", poison.id)));
            }
            let mut refuse = |key: &FindingIdentifier| {
                let drawn = drawn.pop().flatten();
                named(key).and_then(|fault| fault.code).or(drawn)
            };
            let answer = local.with_hub(|hub, now| hub.update(caller, &request, now, &mut refuse))?;
            Ok(Done { findings: count, unprocessed: answer.unprocessed_findings.len(), body: write(&answer)? })
        }
        "BatchImportFindings" => {
            let request: BatchImportFindings = read(incoming)?;
            let answer = local.with_hub(|hub, now| hub.import(caller, &request, now))?;
            Ok(Done { findings: request.findings.len(), unprocessed: answer.failed_count, body: write(&answer)? })
        }
        "GetFindingHistory" => {
            let request: GetFindingHistory = read(incoming)?;
            local.state().hub.finding_history(caller, &request).and_then(|answer| done(&answer))
        }
        "DescribeHub" => local.state().hub.describe(caller).and_then(|answer| done(&answer)),
        "EnableSecurityHub" => {
            let request: EnableSecurityHub = read(incoming)?;
            request.tags.as_ref().map_or(Ok(()), check)?;
            local.with_hub(|hub, now| {
                hub.enable(caller, now)?;
                hub.tag_new_hub(caller, request.tags);
                Ok::<_, AwsError>(())
            })?;
            Ok(empty())
        }
        "DisableSecurityHub" => {
            local.state().hub.disable(caller)?;
            Ok(empty())
        }
        "ListFindingAggregators" => local.state().hub.aggregators(caller).and_then(|answer| done(&answer)),
        "GetFindingAggregator" => {
            let arn = decode(incoming.path.strip_prefix("/findingAggregator/get/").unwrap_or_default(), false);
            local.state().hub.aggregator(caller, &arn).and_then(|answer| done(&answer))
        }
        "ListMembers" => {
            let argument = |name: &str| parse_form(&incoming.query).find(|(named, _)| named == name).map(|(_, value)| value);
            let (size, token) = (argument("MaxResults"), argument("NextToken"));
            local.state().hub.members(caller, size.as_deref(), token.as_deref()).and_then(|answer| done(&answer))
        }
        "GetAdministratorAccount" => local.state().hub.administrator(caller).and_then(|answer| done(&answer)),
        "TagResource" | "UntagResource" | "ListTagsForResource" => tags::perform(local, incoming, operation, caller),
        other => Err(AwsError::not_implemented(format!("Security Hub Local does not have {other}"))),
    }
}

pub(super) fn empty() -> Done {
    Done { body: "{}".to_owned(), findings: 0, unprocessed: 0 }
}

pub(super) fn done(answer: &impl Serialize) -> Result<Done, AwsError> {
    Ok(Done { body: write(answer)?, ..empty() })
}

fn write(answer: &impl Serialize) -> Result<String, AwsError> {
    serde_json::to_string(answer).map_err(|error| AwsError::internal(error.to_string()))
}

/// The body as the operation takes it; no body is no members.
pub(super) fn read<T: DeserializeOwned>(incoming: &Incoming) -> Result<T, AwsError> {
    let body: &[u8] = if incoming.body.is_empty() { b"{}" } else { &incoming.body };
    serde_json::from_slice(body).map_err(|error| AwsError::serialization(format!("The request cannot be read: {error}")))
}
