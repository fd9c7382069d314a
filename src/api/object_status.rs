//! What the loop says of an object, in the shape of its kind's status.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value};

use crate::api::account::AccountStatus;
use crate::api::approval::ApprovalStatus;
use crate::api::conditions::{Condition, LimitHold};
use crate::api::control_policy::ControlPolicyStatus;
use crate::api::exception_policy::ExceptionPolicyStatus;
use crate::api::finding_exception::FindingExceptionStatus;
use crate::api::security_hub::SecurityHubStatus;
use crate::core::object_status::{self as said, Detail, ObjectStatus};

/// `status` of the object's kind, as JSON. A condition that did not change keeps the time that it has in `before`.
pub fn value(status: &ObjectStatus, before: &[Condition], now: Timestamp) -> serde_json::Result<Value> {
    let conditions: Vec<Condition> =
        status.conditions.iter().map(|condition| self::condition(status, condition, before, now)).collect();
    let mut value = match &status.detail {
        Detail::Hub(detail) => serde_json::to_value(hub(detail)),
        Detail::Account(detail) => serde_json::to_value(AccountStatus {
            findings: count(detail.findings),
            held: count(detail.held),
            ..AccountStatus::default()
        }),
        Detail::Policy(detail) => serde_json::to_value(policy(detail)),
        Detail::Exception(detail) => serde_json::to_value(exception(detail)),
        Detail::ExceptionPolicy(detail) => serde_json::to_value(ExceptionPolicyStatus {
            exceptions: count(detail.exceptions),
            active: count(detail.active),
            ..ExceptionPolicyStatus::default()
        }),
        Detail::Approval(detail) => serde_json::to_value(ApprovalStatus { counts: detail.counts, ..ApprovalStatus::default() }),
    }?;
    // What every status has.
    if let Some(members) = value.as_object_mut() {
        common(members, status, &conditions)?;
    }
    Ok(value)
}

fn common(members: &mut Map<String, Value>, status: &ObjectStatus, conditions: &[Condition]) -> serde_json::Result<()> {
    members.insert("observedGeneration".to_owned(), status.observed_generation.into());
    members.insert("conditions".to_owned(), serde_json::to_value(conditions)?);
    if let Some(request) = &status.handled_request {
        members.insert("lastHandledReconcileAt".to_owned(), request.as_ref().into());
    }
    Ok(())
}

fn condition(status: &ObjectStatus, condition: &said::Condition, before: &[Condition], now: Timestamp) -> Condition {
    let holds = condition.status.into();
    let earlier = before.iter().find(|earlier| earlier.kind == condition.kind && earlier.status == holds);
    Condition {
        kind: condition.kind.to_owned(),
        status: holds,
        observed_generation: Some(status.observed_generation),
        last_transition_time: earlier.map_or(Time(now), |earlier| earlier.last_transition_time.clone()),
        reason: condition.reason.to_owned(),
        message: condition.message.clone(),
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn time(time: Option<Timestamp>) -> Option<Time> {
    time.map(Time)
}

fn holds(all: &[said::LimitHold]) -> Vec<LimitHold> {
    let hold = |hold: &said::LimitHold| LimitHold {
        action: hold.action.to_owned(),
        wanted: count(hold.wanted),
        ceiling: count(hold.ceiling),
        digest: hold.digest.clone(),
    };
    all.iter().map(hold).collect()
}

fn hub(detail: &said::HubDetail) -> SecurityHubStatus {
    SecurityHubStatus {
        account: detail.account.map(|account| account.to_string()),
        hub_arn: detail.hub_arn.clone(),
        linked_regions: detail.linked_regions.iter().map(ToString::to_string).collect(),
        findings: count(detail.findings),
        problems: count(detail.problems),
        unreadable: count(detail.unreadable),
        last_full_sync: time(detail.last_full_sync),
        proven_since: time(detail.proven_since),
        smallest_sync_interval_seconds: detail.smallest_sync_interval_seconds.map(count),
        pending_changes: count(detail.pending_changes),
        ..SecurityHubStatus::default()
    }
}

fn policy(detail: &said::PolicyDetail) -> ControlPolicyStatus {
    ControlPolicyStatus {
        in_scope: count(detail.in_scope),
        decided: count(detail.decided),
        held: count(detail.held),
        respected: count(detail.respected),
        excepted: count(detail.excepted),
        pending_changes: count(detail.pending_changes),
        limit_holds: holds(&detail.limit_holds),
        ..ControlPolicyStatus::default()
    }
}

fn exception(detail: &said::ExceptionDetail) -> FindingExceptionStatus {
    FindingExceptionStatus {
        state: detail.state.to_owned(),
        digest: detail.digest.clone(),
        granted_by: detail.granted_by.clone(),
        matched: count(detail.matched),
        held: count(detail.held),
        overridden: count(detail.overridden),
        expires_at: time(detail.expires_at),
        limit_holds: holds(&detail.limit_holds),
        ..FindingExceptionStatus::default()
    }
}
