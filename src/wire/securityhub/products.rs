//! Products that send findings, and the subscriptions to them.

use serde::{Deserialize, Serialize};

/// The answer of DescribeProducts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Products {
    pub products: Vec<Product>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One product. What AWS shows beside it (categories, links to its marketplace, a policy) is not known here, and left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Product {
    pub product_arn: String,
    pub product_name: String,
    pub company_name: String,
    pub description: String,
    /// `SEND_FINDINGS_TO_SECURITY_HUB`, `RECEIVE_FINDINGS_FROM_SECURITY_HUB`, `UPDATE_FINDINGS_IN_SECURITY_HUB`.
    pub integration_types: Vec<String>,
}

/// EnableImportFindingsForProduct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct EnableImportForProduct {
    pub product_arn: String,
}

/// The answer of EnableImportFindingsForProduct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ProductSubscription {
    pub product_subscription_arn: String,
}

/// The answer of ListEnabledProductsForImport.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ProductSubscriptions {
    pub product_subscriptions: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
