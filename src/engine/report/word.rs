//! What an object is, in one word and one sentence: the three conditions that kstatus reads.

use crate::core::compile::PolicySet;
use crate::core::ids::Region;
use crate::core::reasons;
use crate::engine::keeper::Regions;
use crate::engine::ports::{AwsFailure, Condition, FailureKind};

/// What an object is, in one word and one sentence.
pub(super) struct Word {
    pub(super) ready: Option<bool>,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) reconciling: bool,
    pub(super) stalled: bool,
}

impl Word {
    pub(super) fn ready(message: impl Into<String>) -> Self {
        Self { ready: Some(true), reason: reasons::SUCCEEDED, message: message.into(), reconciling: false, stalled: false }
    }

    /// As declared, and nothing is to be done; the reason says why that is not much. kstatus takes anything but ready for
    /// unfinished work, and nobody is to wait for what has ended or has not begun.
    pub(super) fn settled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, ..Self::ready(message) }
    }

    pub(super) fn waits(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: None, reason, message: message.into(), reconciling: true, stalled: false }
    }

    /// Only a person can mend it.
    pub(super) fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: Some(false), reason, message: message.into(), reconciling: false, stalled: true }
    }

    /// Not ready, and retried without anybody.
    pub(super) fn retried(reason: &'static str, message: impl Into<String>) -> Self {
        Self { ready: Some(false), reason, message: message.into(), reconciling: true, stalled: false }
    }

    pub(super) fn conditions(self) -> Vec<Condition> {
        let Self { ready, reason, message, reconciling, stalled } = self;
        let condition = |kind, status| Condition { kind, status, reason, message: message.clone() };
        vec![condition("Ready", ready), condition("Reconciling", Some(reconciling)), condition("Stalled", Some(stalled))]
    }

    /// Whether every listed Region is linked; nothing is said where none are listed.
    pub(super) fn linked(set: &PolicySet, regions: &Regions) -> Option<Condition> {
        let listed = set.hub_spec.linked_regions.as_ref().filter(|listed| !listed.is_empty())?;
        let names = |regions: &[Region]| regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ");
        let condition = |status, reason, message| Condition { kind: "RegionsLinked", status: Some(status), reason, message };
        Some(if regions.unlinked.is_empty() {
            condition(true, reasons::SUCCEEDED, format!("linked to {}: {}", set.hub_spec.home_region, names(listed)))
        } else {
            let message = format!(
                "spec.linkedRegions lists {}, which the finding aggregator does not link: kept there, with calls of their own; link them, or leave them out",
                names(&regions.unlinked)
            );
            condition(false, reasons::REGION_NOT_LINKED, message)
        })
    }
}

/// The tags that say whose the hub is cannot be read or set. The failure names the operation.
pub(super) fn unknown_owner(failure: &AwsFailure) -> Word {
    let said = failure.to_string();
    let advice = match failure.kind {
        FailureKind::AccessDenied => {
            "Allow securityhub:ListTagsForResource and securityhub:TagResource on the hub's ARN (README, Permissions)."
        }
        _ => failure.advice(),
    };
    let message = format!("whose the hub is cannot be known, so nothing is written: {}. {advice}", said.trim_end_matches('.'));
    if trouble(failure).stalled {
        Word::stalled(reasons::OWNER_UNKNOWN, message)
    } else {
        Word::retried(reasons::OWNER_UNKNOWN, message)
    }
}

/// Reason and stall of an AWS failure.
pub(super) fn trouble(failure: &AwsFailure) -> Word {
    let said = failure.to_string();
    let message = format!("{}. {}", said.trim_end_matches('.'), failure.advice());
    let (reason, stalled) = match failure.kind {
        FailureKind::NotEnabled => (reasons::HUB_NOT_ENABLED, true),
        FailureKind::AccessDenied => (reasons::ACCESS_DENIED, true),
        FailureKind::Credentials => (reasons::CREDENTIALS_FAILED, true),
        FailureKind::Unreachable => (reasons::UNREACHABLE, false),
        FailureKind::Misconfigured => (reasons::MISCONFIGURED, true),
        FailureKind::Invalid => (reasons::AWS_FAILED, true),
        FailureKind::NoQueue => (reasons::QUEUE_FAILED, true),
        FailureKind::Throttled | FailureKind::Transient | FailureKind::Stopped => (reasons::AWS_FAILED, false),
    };
    if stalled { Word::stalled(reason, message) } else { Word::retried(reason, message) }
}
