//! The organization: its delegated administrator, and how new accounts are configured.

use serde::{Deserialize, Serialize};

/// `Feature`: which of the two services under this name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Feature {
    /// Security Hub CSPM.
    #[default]
    SecurityHub,
    /// The newer Security Hub.
    SecurityHubV2,
}

impl Feature {
    /// The feature of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "SecurityHub" => Some(Self::SecurityHub),
            "SecurityHubV2" => Some(Self::SecurityHubV2),
            _ => None,
        }
    }
}

/// EnableOrganizationAdminAccount, DisableOrganizationAdminAccount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct OrganizationAdminAccount {
    pub admin_account_id: String,
    #[serde(default)]
    pub feature: Option<String>,
}

/// The answer of EnableOrganizationAdminAccount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct EnabledAdminAccount {
    pub admin_account_id: String,
    pub feature: Feature,
}

/// The answer of ListOrganizationAdminAccounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AdminAccounts {
    pub admin_accounts: Vec<AdminAccount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub feature: Feature,
}

/// One entry of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AdminAccount {
    pub account_id: String,
    /// `ENABLED`.
    pub status: String,
}

/// UpdateOrganizationConfiguration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UpdateOrganizationConfiguration {
    pub auto_enable: bool,
    #[serde(default)]
    pub auto_enable_standards: Option<String>,
    #[serde(default)]
    pub organization_configuration: Option<WantedConfiguration>,
}

/// `OrganizationConfiguration` as it is asked for; `Status` and `StatusMessage` are the service's to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct WantedConfiguration {
    #[serde(default)]
    pub configuration_type: Option<String>,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub status_message: Option<String>,
}

/// The answer of DescribeOrganizationConfiguration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct DescribedConfiguration {
    pub auto_enable: bool,
    pub member_account_limit_reached: bool,
    pub auto_enable_standards: AutoEnableStandards,
    pub organization_configuration: OrganizationConfiguration,
}

/// `AutoEnableStandards`: what an account that joins subscribes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AutoEnableStandards {
    /// Nothing.
    None,
    /// The default standards.
    #[default]
    Default,
}

impl AutoEnableStandards {
    /// The value of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "NONE" => Some(Self::None),
            "DEFAULT" => Some(Self::Default),
            _ => None,
        }
    }
}

/// Who configures the accounts of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct OrganizationConfiguration {
    pub configuration_type: ConfigurationType,
    pub status: ConfigurationStatus,
}

/// `ConfigurationType`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConfigurationType {
    /// Each account in each Region for itself.
    #[default]
    Local,
    /// The delegated administrator, from the home Region.
    Central,
}

impl ConfigurationType {
    /// The type of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "LOCAL" => Some(Self::Local),
            "CENTRAL" => Some(Self::Central),
            _ => None,
        }
    }
}

/// `Status` of the configuration type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs)]
pub enum ConfigurationStatus {
    Pending,
    Enabled,
}
