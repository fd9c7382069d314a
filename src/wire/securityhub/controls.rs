//! Security controls, across standards: definitions, parameters, and whether they are on in which standard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::catalogue::{Parameter, ParameterKind};

use super::ControlStatus;

/// The answer of ListSecurityControlDefinitions.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ControlDefinitions {
    pub security_control_definitions: Vec<ControlDefinition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// The answer of GetSecurityControlDefinition.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct OneDefinition {
    pub security_control_definition: ControlDefinition,
}

/// What a control is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ControlDefinition {
    pub security_control_id: String,
    pub title: String,
    pub description: String,
    pub remediation_url: String,
    pub severity_rating: String,
    /// `AVAILABLE` or `UNAVAILABLE`.
    pub current_region_availability: String,
    /// `Parameters`, where there are some.
    pub customizable_properties: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter_definitions: Option<BTreeMap<String, ParameterDefinition>>,
    pub provider: String,
}

/// What a parameter of a control may be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ParameterDefinition {
    pub description: String,
    pub configuration_options: ConfigurationOptions,
}

/// The options of one type of value; a default that there is not is absent.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub enum ConfigurationOptions {
    #[serde(rename_all = "PascalCase")]
    Integer {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<i64>,
        min: i64,
        max: i64,
    },
    #[serde(rename_all = "PascalCase")]
    IntegerList {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<Vec<i64>>,
        min: i64,
        max: i64,
        max_items: usize,
    },
    #[serde(rename_all = "PascalCase")]
    Double {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<f64>,
        min: f64,
        max: f64,
    },
    #[serde(rename_all = "PascalCase")]
    StringList { re2_expression: String, max_items: usize, expression_description: String },
    #[serde(rename_all = "PascalCase")]
    String {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<String>,
        re2_expression: String,
        expression_description: String,
    },
    #[serde(rename_all = "PascalCase")]
    Boolean {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<bool>,
    },
    #[serde(rename_all = "PascalCase")]
    Enum {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<String>,
        allowed_values: Vec<String>,
    },
    #[serde(rename_all = "PascalCase")]
    EnumList {
        #[serde(skip_serializing_if = "Option::is_none")]
        default_value: Option<Vec<String>>,
        max_items: usize,
        allowed_values: Vec<String>,
    },
}

/// The value of a parameter: an object with one member, its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ParameterValue {
    Integer(i64),
    IntegerList(Vec<i64>),
    Double(f64),
    String(String),
    StringList(Vec<String>),
    Boolean(bool),
    Enum(String),
    EnumList(Vec<String>),
}

impl From<&Parameter> for ParameterDefinition {
    fn from(parameter: &Parameter) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<String>>();
        let configuration_options = match parameter.kind {
            ParameterKind::Integer { default, min, max } => ConfigurationOptions::Integer { default_value: default, min, max },
            ParameterKind::IntegerList { default, min, max, max_items } => {
                let default_value = default.map(<[i64]>::to_vec);
                ConfigurationOptions::IntegerList { default_value, min, max, max_items }
            }
            ParameterKind::StringList { pattern, max_items, about } => ConfigurationOptions::StringList {
                re2_expression: pattern.to_owned(),
                max_items,
                expression_description: about.to_owned(),
            },
            ParameterKind::Double { default, min, max } => ConfigurationOptions::Double { default_value: default, min, max },
            ParameterKind::String { default, pattern, about } => ConfigurationOptions::String {
                default_value: default.map(str::to_owned),
                re2_expression: pattern.to_owned(),
                expression_description: about.to_owned(),
            },
            ParameterKind::Boolean { default } => ConfigurationOptions::Boolean { default_value: default },
            ParameterKind::Enum { default, allowed } => {
                ConfigurationOptions::Enum { default_value: default.map(str::to_owned), allowed_values: owned(allowed) }
            }
            ParameterKind::EnumList { default, allowed, max_items } => {
                ConfigurationOptions::EnumList { default_value: default.map(owned), max_items, allowed_values: owned(allowed) }
            }
        };
        Self { description: parameter.about.to_owned(), configuration_options }
    }
}

impl ParameterValue {
    /// What a parameter is as long as nobody sets it; `None`: it is not looked at.
    pub fn default_of(parameter: &Parameter) -> Option<Self> {
        match parameter.kind {
            ParameterKind::Integer { default, .. } => default.map(Self::Integer),
            ParameterKind::IntegerList { default, .. } => default.map(|values| Self::IntegerList(values.to_vec())),
            ParameterKind::Double { default, .. } => default.map(Self::Double),
            ParameterKind::String { default, .. } => default.map(|value| Self::String(value.to_owned())),
            ParameterKind::StringList { .. } => None,
            ParameterKind::Boolean { default } => default.map(Self::Boolean),
            ParameterKind::Enum { default, .. } => default.map(|value| Self::Enum(value.to_owned())),
            ParameterKind::EnumList { default, .. } => {
                default.map(|values| Self::EnumList(values.iter().map(|value| (*value).to_owned()).collect()))
            }
        }
    }
}

/// How a parameter is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ParameterConfiguration {
    /// `DEFAULT` or `CUSTOM`.
    pub value_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ParameterValue>,
}

/// BatchGetSecurityControls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BatchGetSecurityControls {
    /// Ids and ARNs.
    pub security_control_ids: Vec<String>,
}

/// The answer of BatchGetSecurityControls.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SecurityControls {
    pub security_controls: Vec<SecurityControl>,
    pub unprocessed_ids: Vec<UnprocessedControl>,
}

/// A control as it is in an account and Region.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SecurityControl {
    pub security_control_id: String,
    pub security_control_arn: String,
    pub title: String,
    pub description: String,
    pub remediation_url: String,
    pub severity_rating: String,
    pub security_control_status: ControlStatus,
    /// `READY` or `UPDATING`.
    pub update_status: String,
    pub parameters: BTreeMap<String, ParameterConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_reason: Option<String>,
    pub provider: String,
}

/// A control that cannot be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UnprocessedControl {
    pub security_control_id: String,
    pub error_code: AssociationCode,
    pub error_reason: String,
}

/// UpdateSecurityControl.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UpdateSecurityControl {
    pub security_control_id: String,
    pub parameters: BTreeMap<String, ParameterConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_update_reason: Option<String>,
}

/// Why a control or an association was not processed. The model has NOT_FOUND too, which is deprecated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum AssociationCode {
    InvalidInput,
    AccessDenied,
    ResourceNotFound,
    LimitExceeded,
}

/// The answer of ListStandardsControlAssociations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Associations {
    pub standards_control_association_summaries: Vec<Association>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Whether a control is on in a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Association {
    pub standards_arn: String,
    pub security_control_id: String,
    pub security_control_arn: String,
    pub association_status: ControlStatus,
    pub related_requirements: Vec<String>,
    pub updated_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_reason: Option<String>,
    pub standards_control_title: String,
    pub standards_control_description: String,
    /// Only in the answer of BatchGetStandardsControlAssociations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standards_control_arns: Option<Vec<String>>,
}

/// A control in a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AssociationId {
    /// Id or ARN.
    pub security_control_id: String,
    pub standards_arn: String,
}

/// BatchGetStandardsControlAssociations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchGetAssociations {
    pub standards_control_association_ids: Vec<AssociationId>,
}

/// The answer of BatchGetStandardsControlAssociations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AssociationDetails {
    pub standards_control_association_details: Vec<Association>,
    pub unprocessed_associations: Vec<UnprocessedAssociation>,
}

/// An association that cannot be told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UnprocessedAssociation {
    pub standards_control_association_id: AssociationId,
    pub error_code: AssociationCode,
    pub error_reason: String,
}

/// BatchUpdateStandardsControlAssociations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct BatchUpdateAssociations {
    pub standards_control_association_updates: Vec<AssociationUpdate>,
}

/// A control to switch on or off in a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AssociationUpdate {
    pub standards_arn: String,
    /// Id or ARN.
    pub security_control_id: String,
    /// `ENABLED` or `DISABLED`.
    pub association_status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_reason: Option<String>,
}

/// The answer of BatchUpdateStandardsControlAssociations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AssociationUpdates {
    pub unprocessed_association_updates: Vec<UnprocessedAssociationUpdate>,
}

/// An association that was not updated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UnprocessedAssociationUpdate {
    pub standards_control_association_update: AssociationUpdate,
    pub error_code: AssociationCode,
    pub error_reason: String,
}
