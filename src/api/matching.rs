//! `Match`: which findings. One type, shared by the scope of a policy, its rules, the targets of an exception and grants.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parse::{Checks, Path};
use crate::core::catalogue::Catalogue;
use crate::core::filter::Filters;
use crate::core::ids::{AccountId, Region};
use crate::core::objects;
use crate::core::objects::{ControlPattern, MatchSpec};
use crate::core::status;

/// Which findings. All given fields must hold; values in one field are alternatives. A field that is not given does not
/// restrict. Unless a field names them, only findings of Security Hub's own controls that are ACTIVE and FAILED are meant
/// (a grant has no such defaults).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    /// Security control ids, case ignored; `EC2.*` is every control of a service. Example: [S3.8, EC2.*].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 64), pattern(r"^[A-Za-z0-9]+\.([0-9]+|\*)$")))]
    pub controls: Vec<String>,
    /// Controls that are not meant although the other fields hold, spelled as in `controls`. Example: [IAM.*].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 64), pattern(r"^[A-Za-z0-9]+\.([0-9]+|\*)$")))]
    pub except_controls: Vec<String>,
    /// GeneratorId of findings of other products, exact. Example: [aws/guardduty].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 512)))]
    pub generators: Vec<String>,
    /// Named groups of controls: built in, or declared by a SecurityHub in `spec.controlGroups`. Example: [public-exposure].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")))]
    pub groups: Vec<String>,
    /// Categories of controls at any level, as Security Hub's documentation names them. Example: [Protect > Data protection,
    /// Resilience].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 200)))]
    pub categories: Vec<String>,
    /// Standards, with or without version, or a whole StandardsId. Example: [aws-foundational-security-best-practices].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 1, max = 256)))]
    pub standards: Vec<String>,
    /// Products, by what follows `product/` in the ProductArn. Default: Security Hub's own controls. Example: [aws/inspector].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 50), inner(length(min = 3, max = 256), pattern("^[^/]+/[^/]+$")))]
    pub products: Vec<String>,
    /// Severities: the rating of the control where there is one (a finding that is not FAILED says INFORMATIONAL). Example:
    /// [CRITICAL, HIGH].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 5))]
    pub severities: Vec<Severity>,
    /// Compliance statuses. Default: FAILED. Example: [FAILED, WARNING].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 4))]
    pub compliance: Vec<Compliance>,
    /// AWS account ids, twelve digits each, quoted so that leading zeros stay. Example: ["111122223333"].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 12, max = 12), pattern("^[0-9]{12}$")))]
    pub accounts: Vec<String>,
    /// Accounts by the labels of their Account objects. Example: {matchLabels: {env: prod}}.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_selector: Option<LabelSelector>,
    /// AWS Region codes. Example: [eu-west-1].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 64), inner(length(min = 3, max = 32), pattern("^[a-z0-9]+(-[a-z0-9]+)+$")))]
    pub regions: Vec<String>,
    /// Resource types of the finding format. Example: [AwsS3Bucket].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 256)))]
    pub resource_types: Vec<String>,
    /// Resource ids (mostly ARNs); `*` stands for any text, slashes and colons too. Example: ["arn:aws:s3:::cdn-*"].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 1024)))]
    pub resources: Vec<String>,
    /// Resource tags: key to the values that are meant. Whoever owns a resource chooses its tags, so they only narrow.
    /// Example: {env: [prod, staging]}.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tags_schema")]
    pub tags: BTreeMap<String, Vec<String>>,
    /// A finding filter of AWS (AwsSecurityFindingFilters), pasted as it is, with AWS's own meaning. Example:
    /// {ResourceTags: [{Key: env, Value: prod, Comparison: EQUALS}]}.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "filters_schema")]
    pub filters: Option<Value>,
}

fn tags_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "minProperties": 1,
        "maxProperties": 20,
        "additionalProperties": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {"type": "string", "maxLength": 256}
        }
    })
}

fn filters_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "minProperties": 1, "maxProperties": 10, "x-kubernetes-preserve-unknown-fields": true})
}

macro_rules! choices {
    ($(#[$meta:meta])* $name:ident from $core:path { $($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        pub enum $name { $($(#[$doc])* #[serde(rename = $text)] $variant),+ }

        impl From<$name> for $core {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }
    };
}
pub(super) use choices;

choices! {
    /// A severity, as AWS spells it.
    Severity from status::SeverityLabel {
        /// 90 to 100.
        Critical = "CRITICAL",
        /// 70 to 89.
        High = "HIGH",
        /// 40 to 69.
        Medium = "MEDIUM",
        /// 1 to 39.
        Low = "LOW",
        /// 0.
        Informational = "INFORMATIONAL",
    }
}

choices! {
    /// A compliance status, as AWS spells it.
    Compliance from status::ComplianceStatus {
        /// The check failed.
        Failed = "FAILED",
        /// The check could not tell.
        Warning = "WARNING",
        /// The check passed.
        Passed = "PASSED",
        /// The check could not run.
        NotAvailable = "NOT_AVAILABLE",
    }
}

/// Kubernetes' label selector over the labels of Account objects; both members must hold. Empty: every account that has an
/// Account object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelector {
    /// Labels that an account must have, with these values. Example: {env: prod}.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "labels_schema")]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions on labels, all of which must hold. Example: [{key: env, operator: In, values: [prod, staging]}].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub match_expressions: Vec<LabelExpression>,
}

fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "maxProperties": 20, "additionalProperties": {"type": "string", "maxLength": 63}})
}

/// A condition on one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, kube::KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new(
    "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0"
).message("values must be given for In and NotIn, and not for Exists and DoesNotExist."))]
pub struct LabelExpression {
    /// The label. Example: env.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How the label is compared. Example: In.
    pub operator: LabelOperator,
    /// The values of In and NotIn. Example: [prod, staging].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 63)))]
    pub values: Vec<String>,
}

choices! {
    /// How a label is compared.
    LabelOperator from objects::LabelOperator {
        /// The label has one of the values.
        In = "In",
        /// The label is missing or has none of the values.
        NotIn = "NotIn",
        /// The label is there.
        Exists = "Exists",
        /// The label is missing.
        DoesNotExist = "DoesNotExist",
    }
}

impl From<&LabelSelector> for objects::LabelSelector {
    fn from(selector: &LabelSelector) -> Self {
        let expression = |expression: &LabelExpression| objects::LabelExpression {
            key: expression.key.clone(),
            operator: expression.operator.into(),
            values: expression.values.clone(),
        };
        Self {
            match_labels: selector.match_labels.clone(),
            match_expressions: selector.match_expressions.iter().map(expression).collect(),
        }
    }
}

impl Match {
    /// Parses every field, noting what is refused.
    pub fn parse(&self, path: &Path, checks: &mut Checks) -> MatchSpec {
        let pattern = |text: &str| ControlPattern::try_from(text.to_owned());
        if let Some(selector) = &self.account_selector {
            let at = path.field("accountSelector").field("matchExpressions");
            for (index, expression) in selector.match_expressions.iter().enumerate() {
                let needs_values = matches!(expression.operator, LabelOperator::In | LabelOperator::NotIn);
                if needs_values == expression.values.is_empty() {
                    checks
                        .refuse(&at.index(index), "values must be given for In and NotIn, and not for Exists and DoesNotExist.");
                }
            }
        }
        if let Some(filters) = &self.filters {
            check_filters(&path.field("filters"), filters, checks);
        }
        for (index, category) in self.categories.iter().enumerate() {
            check_category(&path.field("categories").index(index), category, checks);
        }
        MatchSpec {
            controls: checks.list(&path.field("controls"), &self.controls, pattern),
            except_controls: checks.list(&path.field("exceptControls"), &self.except_controls, pattern),
            generators: self.generators.clone(),
            groups: self.groups.clone(),
            categories: self.categories.clone(),
            standards: self.standards.clone(),
            products: self.products.clone(),
            severities: self.severities.iter().map(|&severity| severity.into()).collect(),
            compliance: self.compliance.iter().map(|&compliance| compliance.into()).collect(),
            accounts: checks.list(&path.field("accounts"), &self.accounts, str::parse::<AccountId>),
            account_selector: self.account_selector.as_ref().map(Into::into),
            regions: checks.list(&path.field("regions"), &self.regions, str::parse::<Region>),
            resource_types: self.resource_types.clone(),
            resources: self.resources.clone(),
            tags: self.tags.clone(),
            filters: self.filters.clone(),
        }
    }
}

fn check_filters(path: &Path, filters: &Value, checks: &mut Checks) {
    let Err(errors) = Filters::parse(filters) else { return };
    for error in errors.0 {
        let at = if error.path.is_empty() { path.clone() } else { path.field(&error.path) };
        checks.refuse(&at, error.refusal);
    }
}

fn check_category(path: &Path, category: &str, checks: &mut Checks) {
    if let Err(unknown) = Catalogue::built_in().known_category(category) {
        checks.refuse(path, unknown);
    }
}
