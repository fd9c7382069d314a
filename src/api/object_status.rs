//! What the loop says of an object, in the shape of its kind's status.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Map, Value};

use crate::api::account::AccountStatus;
use crate::api::approval::ApprovalStatus;
use crate::api::conditions::{Condition, HubLimitHold, LimitHold};
use crate::api::control_policy::ControlPolicyStatus;
use crate::api::exception_policy::ExceptionPolicyStatus;
use crate::api::finding_exception::FindingExceptionStatus;
use crate::api::security_hub::SecurityHubStatus;
use crate::core::marker::Owner;
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
        since: time(Some(hold.since)),
        until: time(hold.until),
    };
    all.iter().map(hold).collect()
}

fn hub_hold(held: &said::HubLimitHold) -> HubLimitHold {
    let hold = &held.hold;
    let approvable = matches!(held.owner, Owner::Object(_));
    HubLimitHold {
        owner: held.owner.to_string(),
        action: hold.action.to_owned(),
        wanted: count(hold.wanted),
        ceiling: approvable.then(|| count(hold.ceiling)),
        digest: approvable.then(|| hold.digest.clone()),
        since: time(Some(hold.since)),
        until: time(hold.until),
    }
}

fn hub(detail: &said::HubDetail) -> SecurityHubStatus {
    SecurityHubStatus {
        account: detail.account.map(|account| account.to_string()),
        hub_arn: detail.hub_arn.clone(),
        owner: detail.owner.clone(),
        keeper: detail.keeper.clone(),
        linked_regions: detail.linked_regions.iter().map(ToString::to_string).collect(),
        findings: count(detail.findings),
        problems: count(detail.problems),
        unreadable: count(detail.unreadable),
        last_full_sync: time(detail.last_full_sync),
        proven_since: time(detail.proven_since),
        smallest_sync_interval_seconds: detail.smallest_sync_interval_seconds.map(count),
        pending_changes: count(detail.pending_changes),
        left_regions: detail.left_regions.iter().map(ToString::to_string).collect(),
        limit_holds: detail.limit_holds.iter().map(hub_hold).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::{Kind, ObjectRef};

    #[test]
    fn what_the_limits_of_a_hub_hold_back_is_told_with_owner_times_and_a_digest_where_somebody_can_approve() {
        let hold = said::LimitHold {
            action: "suppress",
            wanted: 8,
            ceiling: 10,
            digest: format!("sha256:{}", "0".repeat(64)),
            since: "2026-12-01T08:00:00Z".parse().unwrap(),
            until: Some("2026-12-01T09:00:00Z".parse().unwrap()),
        };
        let held = |owner| said::HubLimitHold { owner, hold: hold.clone() };
        let policy = Owner::Object(ObjectRef::cluster(Kind::ControlPolicy, "logs"));
        let detail = said::HubDetail {
            left_regions: vec!["us-east-1".parse().unwrap()],
            limit_holds: vec![held(policy), held(Owner::Inherited)],
            ..said::HubDetail::default()
        };
        let told = serde_json::to_value(hub(&detail)).unwrap();
        assert_eq!(told["leftRegions"], serde_json::json!(["us-east-1"]));
        let first = &told["limitHolds"][0];
        assert_eq!((&first["owner"], &first["wanted"], &first["ceiling"]), (&"ControlPolicy/logs".into(), &8.into(), &10.into()));
        assert_eq!((&first["since"], &first["until"]), (&"2026-12-01T08:00:00Z".into(), &"2026-12-01T09:00:00Z".into()));
        assert_eq!(first["digest"], hold.digest);
        let second = &told["limitHolds"][1];
        assert_eq!((second["owner"].as_str(), second.get("digest"), second.get("ceiling")), (Some("inherited"), None, None));
    }
}
