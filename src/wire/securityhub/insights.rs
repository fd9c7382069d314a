//! Insights: findings that filters choose, counted by one of their attributes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// CreateInsight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreateInsight {
    pub name: String,
    /// `AwsSecurityFindingFilters`.
    pub filters: Value,
    pub group_by_attribute: String,
}

/// The answer of CreateInsight and DeleteInsight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InsightArn {
    pub insight_arn: String,
}

/// GetInsights.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GetInsights {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub insight_arns: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_results: Option<i64>,
}

/// The answer of GetInsights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Insights {
    pub insights: Vec<Insight>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One insight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Insight {
    pub insight_arn: String,
    pub name: String,
    pub filters: Value,
    pub group_by_attribute: String,
}

/// UpdateInsight, but for the ARN, which is in the path.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UpdateInsight {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_by_attribute: Option<String>,
}

/// The answer of GetInsightResults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InsightResultsAnswer {
    pub insight_results: InsightResults,
}

/// The groups of an insight, the largest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InsightResults {
    pub insight_arn: String,
    pub group_by_attribute: String,
    pub result_values: Vec<InsightResult>,
}

/// One group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InsightResult {
    pub group_by_attribute_value: String,
    /// Findings.
    pub count: u64,
}
