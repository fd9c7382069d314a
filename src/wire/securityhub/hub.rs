//! The hub of an account in a Region.

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
