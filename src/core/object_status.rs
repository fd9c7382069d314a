//! What is said of a declared object: conditions as kstatus and people read them, and what is particular to its kind.

use std::sync::Arc;

use jiff::Timestamp;

use super::ids::{AccountId, Kind, ObjectRef, Region};
use super::marker::Owner;

/// A condition, as kstatus and people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// `Ready`, `Reconciling`, `Stalled`, and positive domain ones.
    pub kind: &'static str,
    /// True, False, or `None`: Unknown.
    pub status: Option<bool>,
    /// A constant of [`super::reasons`].
    pub reason: &'static str,
    /// For people.
    pub message: String,
}

/// What is written back to one object.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectStatus {
    /// Which object.
    pub object: ObjectRef,
    /// The generation that this says something about.
    pub observed_generation: i64,
    /// The `requestedAt` that was handled last.
    pub handled_request: Option<Arc<str>>,
    /// Sorted by kind of condition.
    pub conditions: Vec<Condition>,
    /// What is particular to the kind.
    pub detail: Detail,
}

/// The status fields of each kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// Of a SecurityHub.
    Hub(HubDetail),
    /// Of an Account.
    Account(AccountDetail),
    /// Of a ControlPolicy.
    Policy(PolicyDetail),
    /// Of a FindingException.
    Exception(ExceptionDetail),
    /// Of an ExceptionPolicy.
    ExceptionPolicy(ExceptionPolicyDetail),
    /// Of an Approval.
    Approval(ApprovalDetail),
}

impl Detail {
    /// Nothing in particular, of a kind.
    pub fn empty(kind: Kind) -> Self {
        match kind {
            Kind::SecurityHub => Self::Hub(HubDetail::default()),
            Kind::Account => Self::Account(AccountDetail::default()),
            Kind::ControlPolicy => Self::Policy(PolicyDetail::default()),
            Kind::FindingException => Self::Exception(ExceptionDetail { state: "Invalid", ..ExceptionDetail::default() }),
            Kind::ExceptionPolicy => Self::ExceptionPolicy(ExceptionPolicyDetail::default()),
            Kind::Approval => Self::Approval(ApprovalDetail::default()),
        }
    }
}

/// Of a SecurityHub.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct HubDetail {
    pub account: Option<AccountId>,
    pub hub_arn: Option<String>,
    /// Who owns the hub in the home Region, as its tag says.
    pub owner: Option<String>,
    /// By what name we own hubs.
    pub keeper: Option<String>,
    pub linked_regions: Vec<Region>,
    pub findings: u64,
    pub problems: u64,
    /// Findings that did not parse in the last full read.
    pub unreadable: u64,
    pub last_full_sync: Option<Timestamp>,
    /// Every finding has been seen since this time.
    pub proven_since: Option<Timestamp>,
    /// The shortest interval that the quota allows for the findings there are.
    pub smallest_sync_interval_seconds: Option<u64>,
    /// Changes wanted and not yet made.
    pub pending_changes: u64,
    /// Regions that the aggregator links and the spec does not list: their findings are left alone.
    pub left_regions: Vec<Region>,
    /// What the limits of the hub hold back, for whomever.
    pub limit_holds: Vec<HubLimitHold>,
}

/// Changes that wait because of the limits of the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubLimitHold {
    /// As markers name it. Nobody can approve for `inherited`.
    pub owner: Owner,
    /// The figures and the digest.
    pub hold: LimitHold,
}

/// Of an Account.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct AccountDetail {
    pub findings: u64,
    pub held: u64,
}

/// Changes that wait for an approval because they are over a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LimitHold {
    /// `suppress`, `give back`, ...
    pub action: &'static str,
    pub wanted: u64,
    /// What an approval of this digest would allow.
    pub ceiling: u64,
    pub digest: String,
    /// Since when they wait.
    pub since: Timestamp,
    /// When the rolling hour lets them go by itself; `None`: they are more than it ever does.
    pub until: Option<Timestamp>,
}

/// Of a ControlPolicy.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct PolicyDetail {
    /// Actionable findings in scope.
    pub in_scope: u64,
    /// Decided by one of its rules.
    pub decided: u64,
    /// Held suppressed for it.
    pub held: u64,
    /// Left because a person answered.
    pub respected: u64,
    /// Covered by an exception.
    pub excepted: u64,
    /// Changes wanted and not yet made (Audit: that it would make).
    pub pending_changes: u64,
    pub limit_holds: Vec<LimitHold>,
}

/// Of a FindingException.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct ExceptionDetail {
    /// `Pending`, `Active`, `Expired`, `Invalid`, `Suspended`.
    pub state: &'static str,
    pub digest: String,
    /// The ExceptionPolicy that grants it.
    pub granted_by: Option<String>,
    pub matched: u64,
    pub held: u64,
    pub overridden: u64,
    pub expires_at: Option<Timestamp>,
    pub limit_holds: Vec<LimitHold>,
}

/// Of an ExceptionPolicy.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct ExceptionPolicyDetail {
    pub exceptions: u64,
    pub active: u64,
}

/// Of an Approval.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct ApprovalDetail {
    /// Whether it counts for the state its subject has now.
    pub counts: bool,
}
