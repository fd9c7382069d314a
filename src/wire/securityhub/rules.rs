//! Automation rules V1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::findings::{BatchUpdateFindings, FindingReference, NoteUpdate, SeverityUpdate, WorkflowUpdate};
use super::tags::Tags;

/// CreateAutomationRule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreateAutomationRule {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_status: Option<String>,
    pub rule_order: i64,
    pub rule_name: String,
    pub description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_terminal: Option<bool>,
    /// `AutomationRulesFindingFilters`.
    pub criteria: Value,
    pub actions: Vec<RuleAction>,
}

/// What a rule does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RuleAction {
    /// `FINDING_FIELDS_UPDATE`.
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The values that it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_fields_update: Option<FindingFieldsUpdate>,
}

/// The values that a rule writes into a finding: those of BatchUpdateFindings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingFieldsUpdate {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<NoteUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<SeverityUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criticality: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_defined_fields: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<WorkflowUpdate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related_findings: Option<Vec<FindingReference>>,
}

impl From<FindingFieldsUpdate> for BatchUpdateFindings {
    /// The same values, for no finding yet.
    fn from(update: FindingFieldsUpdate) -> Self {
        let FindingFieldsUpdate {
            note,
            severity,
            verification_state,
            confidence,
            criticality,
            types,
            user_defined_fields,
            workflow,
            related_findings,
        } = update;
        Self {
            finding_identifiers: Vec::new(),
            note,
            severity,
            verification_state,
            confidence,
            criticality,
            types,
            user_defined_fields,
            workflow,
            related_findings,
        }
    }
}

/// The answer of CreateAutomationRule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreatedAutomationRule {
    pub rule_arn: String,
}

/// BatchGetAutomationRules and BatchDeleteAutomationRules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AutomationRulesArns {
    pub automation_rules_arns: Vec<String>,
}

/// The answer of BatchGetAutomationRules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AutomationRules {
    pub rules: Vec<AutomationRule>,
    pub unprocessed_automation_rules: Vec<UnprocessedAutomationRule>,
}

/// A rule, whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AutomationRule {
    #[serde(flatten)]
    pub metadata: AutomationRuleMetadata,
    pub criteria: Value,
    pub actions: Vec<RuleAction>,
}

/// A rule, as ListAutomationRules shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AutomationRuleMetadata {
    pub rule_arn: String,
    /// `ENABLED` or `DISABLED`.
    pub rule_status: String,
    pub rule_order: i64,
    pub rule_name: String,
    pub description: String,
    pub is_terminal: bool,
    pub created_at: String,
    pub updated_at: String,
    /// ARN of the principal.
    pub created_by: String,
}

/// The answer of ListAutomationRules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AutomationRulesList {
    pub automation_rules_metadata: Vec<AutomationRuleMetadata>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// BatchUpdateAutomationRules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchUpdateAutomationRules {
    pub update_automation_rules_request_items: Vec<AutomationRuleUpdate>,
}

/// What is to change of a rule: what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AutomationRuleUpdate {
    pub rule_arn: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_order: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_terminal: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Vec<RuleAction>>,
}

/// The answer of BatchUpdateAutomationRules and BatchDeleteAutomationRules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ProcessedAutomationRules {
    pub processed_automation_rules: Vec<String>,
    pub unprocessed_automation_rules: Vec<UnprocessedAutomationRule>,
}

/// A rule that was not processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct UnprocessedAutomationRule {
    /// As it was asked for.
    pub rule_arn: String,
    /// A number, unlike the codes of other batches; its values are not documented, here they are those of HTTP.
    pub error_code: u16,
    /// For people.
    pub error_message: String,
}
