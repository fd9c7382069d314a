//! The hub of an account in a Region, its aggregator, its members and its administrator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The answer of DescribeHub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Hub {
    pub hub_arn: String,
    pub subscribed_at: String,
    pub auto_enable_controls: bool,
    /// `SECURITY_CONTROL`: consolidated control findings.
    pub control_finding_generator: String,
}

/// EnableSecurityHub.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct EnableSecurityHub {
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub enable_default_standards: Option<bool>,
    #[serde(default)]
    pub control_finding_generator: Option<String>,
}

/// The answer of ListFindingAggregators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingAggregators {
    pub finding_aggregators: Vec<AggregatorArn>,
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
