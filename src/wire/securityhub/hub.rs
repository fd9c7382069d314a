//! The hub of an account in a Region, its aggregator, its members and its administrator.

use serde::{Deserialize, Serialize};

use super::tags::Tags;

/// The answer of DescribeHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Hub {
    pub hub_arn: String,
    pub subscribed_at: String,
    pub auto_enable_controls: bool,
    pub control_finding_generator: Generator,
}

/// EnableSecurityHub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct EnableSecurityHub {
    #[serde(default)]
    pub tags: Option<Tags>,
    #[serde(default)]
    pub enable_default_standards: Option<bool>,
    #[serde(default)]
    pub control_finding_generator: Option<String>,
}

/// UpdateSecurityHubConfiguration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UpdateConfiguration {
    #[serde(default)]
    pub auto_enable_controls: Option<bool>,
    #[serde(default)]
    pub control_finding_generator: Option<String>,
}

/// `ControlFindingGenerator`: one finding of a check, or one for each standard.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Generator {
    /// One: consolidated control findings. The default of hubs enabled since 23 February 2023.
    #[default]
    SecurityControl,
    /// One for each standard.
    StandardControl,
}

impl Generator {
    /// The generator of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SECURITY_CONTROL" => Some(Self::SecurityControl),
            "STANDARD_CONTROL" => Some(Self::StandardControl),
            _ => None,
        }
    }
}

/// The answer of ListFindingAggregators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingAggregators {
    pub finding_aggregators: Vec<AggregatorArn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One entry of ListFindingAggregators; the Region in the ARN is the home Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AggregatorArn {
    pub finding_aggregator_arn: String,
}

/// The answer of GetFindingAggregator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingAggregator {
    pub finding_aggregator_arn: String,
    pub finding_aggregation_region: String,
    pub region_linking_mode: String,
    pub regions: Vec<String>,
}

/// The answer of ListMembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Members {
    pub members: Vec<Member>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One member account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Member {
    pub account_id: String,
    pub email: String,
    pub master_id: String,
    pub administrator_id: String,
    pub member_status: String,
    pub invited_at: String,
    pub updated_at: String,
}

/// The answer of GetAdministratorAccount; empty for an administrator or a standalone account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AdministratorAccount {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator: Option<Administrator>,
}

/// The administrator of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Administrator {
    pub account_id: String,
    pub member_status: String,
}
