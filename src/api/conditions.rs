//! What every status has: conditions as kstatus, `kubectl wait`, Flux and Argo CD read them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Everything is as declared.
pub const READY: &str = "Ready";
/// Work is going on.
pub const RECONCILING: &str = "Reconciling";
/// Somebody must change something before work can go on.
pub const STALLED: &str = "Stalled";

/// True, False or Unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs)]
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}

impl From<Option<bool>> for ConditionStatus {
    fn from(status: Option<bool>) -> Self {
        match status {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Unknown,
        }
    }
}

/// One aspect of an object's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Ready, Reconciling, Stalled, or one that is particular to the kind: RegionsLinked, InForce. Example: Ready.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// Whether it holds. Example: True.
    pub status: ConditionStatus,
    /// The metadata.generation that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When `status` last changed, RFC 3339.
    pub last_transition_time: Time,
    /// Why, in one word for machines. Example: ReconciliationSucceeded.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// Why, in a sentence for people.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// Changes that wait for an Approval because they are over a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitHold {
    /// What would be done. Example: suppress.
    #[schemars(length(max = 63))]
    pub action: String,
    /// Findings that would be changed.
    pub wanted: i64,
    /// Findings that an Approval of the digest would allow to be changed.
    pub ceiling: i64,
    /// What to name in `Approval.spec.digest`.
    #[schemars(length(max = 71))]
    pub digest: String,
    /// Since when they wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When the rolling hour lets them go without an Approval. Absent: they are more than it ever does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}

/// Changes that wait because they are over the limits of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HubLimitHold {
    /// Whom they are for: `inherited`, or the object. Example: ControlPolicy/baseline.
    #[schemars(length(max = 400))]
    pub owner: String,
    /// What would be done. Example: suppress.
    #[schemars(length(max = 63))]
    pub action: String,
    /// Findings that would be changed.
    pub wanted: i64,
    /// Findings that an Approval of the digest would allow to be changed. Absent: nobody can approve it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<i64>,
    /// What to name in `Approval.spec.digest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 71))]
    pub digest: Option<String>,
    /// Since when they wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// When the rolling hour lets them (of inherited answers: the next) go without an Approval. Absent: they are more than it ever
    /// does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
}
