//! Standards, the subscriptions to them, and their controls one by one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The answer of DescribeStandards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Standards {
    pub standards: Vec<Standard>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One standard that there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Standard {
    pub standards_arn: String,
    pub name: String,
    pub description: String,
    pub enabled_by_default: bool,
    /// `AWS`: whose resources it is about.
    pub provider: String,
    pub standards_managed_by: ManagedBy,
}

/// Who keeps a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ManagedBy {
    pub company: String,
    pub product: String,
}

/// BatchEnableStandards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchEnableStandards {
    pub standards_subscription_requests: Vec<SubscriptionRequest>,
}

/// One standard to enable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SubscriptionRequest {
    pub standards_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standards_input: Option<BTreeMap<String, String>>,
}

/// BatchDisableStandards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchDisableStandards {
    pub standards_subscription_arns: Vec<String>,
}

/// GetEnabledStandards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GetEnabledStandards {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standards_subscription_arns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub providers: Option<Vec<String>>,
}

/// The answer of BatchEnableStandards, BatchDisableStandards and GetEnabledStandards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Subscriptions {
    pub standards_subscriptions: Vec<Subscription>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A subscription to a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Subscription {
    pub standards_subscription_arn: String,
    pub standards_arn: String,
    pub standards_input: BTreeMap<String, String>,
    pub standards_status: SubscriptionStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standards_status_reason: Option<StatusReason>,
    /// `READY_FOR_UPDATES` or `NOT_READY_FOR_UPDATES`.
    pub standards_controls_updatable: String,
    pub provider: String,
}

/// Why a subscription is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct StatusReason {
    pub status_reason_code: StatusReasonCode,
}

/// `StatusReasonCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum StatusReasonCode {
    NoAvailableConfigurationRecorder,
    NoAvailableMulticloudConnector,
    MaximumNumberOfConfigRulesExceeded,
    InternalError,
}

/// `StandardsStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SubscriptionStatus {
    /// Being enabled.
    Pending,
    /// Enabled.
    Ready,
    /// Being disabled.
    Deleting,
    /// It could not be enabled completely.
    Incomplete,
    /// It could not be disabled.
    Failed,
}

/// The answer of DescribeStandardsControls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct StandardsControls {
    pub controls: Vec<StandardsControl>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// A control as it is in one standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct StandardsControl {
    pub standards_control_arn: String,
    pub control_status: ControlStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
    pub control_status_updated_at: String,
    /// Its id in the standard.
    pub control_id: String,
    pub title: String,
    pub description: String,
    pub remediation_url: String,
    pub severity_rating: String,
    pub related_requirements: Vec<String>,
}

/// UpdateStandardsControl, but for the ARN, which is in the path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UpdateStandardsControl {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<String>,
}

/// Whether a control is on: `ControlStatus` and `AssociationStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum ControlStatus {
    Enabled,
    Disabled,
}

impl ControlStatus {
    /// The status of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "ENABLED" => Some(Self::Enabled),
            "DISABLED" => Some(Self::Disabled),
            _ => None,
        }
    }
}
