//! Products that send findings: which there are, from which an account takes findings in a Region, and their names.
//!
//! Sources: the service's model; the guide's securityhub-internal-providers (an account takes findings of all of AWS's own services
//! but Macie once its hub is on), securityhub-partner-providers, securityhub-integrations-managing. The list is a part of AWS's: the
//! services of AWS that send findings, and partners whose ARN names no account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::core::ids::AccountId;
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{EnableImportForProduct, Product, ProductSubscription, ProductSubscriptions, Products};

use super::Hub;
use super::caller::Caller;
use super::page::{Asked, page_size};

/// AWS's one service whose findings must be asked for.
const ASKED_FOR: &str = "aws/macie";

/// Company and product as ARNs have them, the product's name, the company's, and what it is.
struct Known(&'static str, &'static str, &'static str, &'static str);

/// Sorted.
const KNOWN: [Known; 22] = [
    Known("3coresec/3coresec", "3CORESec", "3CORESec", "Managed detection."),
    Known("alcide/alcide-kaudit", "kAudit", "Alcide", "Security of Kubernetes clusters."),
    Known("aquasecurity/aquasecurity", "Aqua Cloud Native Security Platform", "Aqua Security", "Security of containers."),
    Known("attackiq/attackiq-platform", "AttackIQ Platform", "AttackIQ", "Emulation of attacks."),
    Known("aws/access-analyzer", "IAM Access Analyzer", "AWS", "Access from outside an account."),
    Known("aws/config", "Config", "AWS", "Evaluations of the account's own Config rules."),
    Known("aws/firewall-manager", "Firewall Manager", "AWS", "Resources outside firewall policies."),
    Known("aws/guardduty", "GuardDuty", "Amazon", "Threats to accounts and workloads."),
    Known("aws/health", "Health", "AWS", "Events that concern an account."),
    Known("aws/inspector", "Inspector", "Amazon", "Vulnerabilities of workloads."),
    Known("aws/macie", "Macie", "Amazon", "Sensitive data, and buckets that hold it."),
    Known("aws/securityhub", "Security Hub", "AWS", "Checks of the controls that are on."),
    Known("aws/ssm-patch-manager", "Systems Manager Patch Manager", "AWS", "Instances that miss patches."),
    Known("bigid/bigid-enterprise", "BigID Enterprise", "BigID", "Personal data."),
    Known("blue-hexagon/blue-hexagon-for-aws", "Blue Hexagon for AWS", "Blue Hexagon", "Threats seen in the network."),
    Known("capitis/c2vs", "C2VS", "Capitis Solutions", "Compliance."),
    Known("cloud-custodian/cloud-custodian", "Cloud Custodian", "Cloud Custodian", "Rules for resources."),
    Known("disruptops-inc/disruptops", "DisruptOPS", "DisruptOps, Inc.", "Guardrails."),
    Known("forcepoint/forcepoint-casb", "Forcepoint CASB", "Forcepoint", "Use of cloud applications."),
    Known("forcepoint/forcepoint-dlp", "Forcepoint DLP", "Forcepoint", "Loss of data."),
    Known("forcepoint/forcepoint-ngfw", "Forcepoint NGFW", "Forcepoint", "Firewalls."),
    Known("prowler/prowler", "Prowler", "Prowler", "Checks of AWS accounts."),
];

impl Known {
    fn named(path: &str) -> Option<&'static Self> {
        KNOWN.iter().find(|known| known.0 == path)
    }

    fn product(&self, caller: &Caller) -> Product {
        let Self(path, name, company, description) = self;
        let send = "SEND_FINDINGS_TO_SECURITY_HUB";
        let receives = matches!(*path, "cloud-custodian/cloud-custodian" | "disruptops-inc/disruptops");
        let types = [Some(send), receives.then_some("RECEIVE_FINDINGS_FROM_SECURITY_HUB")];
        Product {
            product_arn: arn::product(path, &caller.region),
            product_name: (*name).to_owned(),
            company_name: (*company).to_owned(),
            description: (*description).to_owned(),
            integration_types: types.into_iter().flatten().map(str::to_owned).collect(),
        }
    }
}

/// The products from which findings are taken, as ARNs have them: `aws/guardduty`. Beside them is an account's own,
/// `product/<account>/default`, which nobody enables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed(BTreeSet<String>);

impl Default for Subscribed {
    /// AWS's own services, but the one that is asked for.
    fn default() -> Self {
        let own = KNOWN.iter().map(|known| known.0).filter(|path| path.starts_with("aws/") && *path != ASKED_FOR);
        Self(own.map(str::to_owned).collect())
    }
}

impl Subscribed {
    /// All that there is.
    pub fn whole() -> Self {
        Self(KNOWN.iter().map(|known| known.0.to_owned()).collect())
    }
}

/// The company and product of a product's ARN: `aws/guardduty`.
fn path(product_arn: &str) -> Option<&str> {
    product_arn.strip_prefix("arn:")?.split_once(":product/").map(|(_, path)| path).filter(|path| !path.is_empty())
}

/// Whether it is the custom product of an account.
pub(super) fn is_custom(product_arn: &str) -> bool {
    let company = path(product_arn).and_then(|path| path.split_once('/')).map(|(company, _)| company);
    company.is_some_and(|company| company.parse::<AccountId>().is_ok())
}

/// ProductName and CompanyName of a product.
pub(super) fn names(product_arn: &str) -> (String, String) {
    let path = path(product_arn).unwrap_or_default();
    if let Some(Known(_, name, company, _)) = Known::named(path) {
        return ((*name).to_owned(), (*company).to_owned());
    }
    let (company, name) = path.split_once('/').unwrap_or((path, path));
    match company.parse::<AccountId>() {
        Ok(_) if name == "default" => ("Default".to_owned(), "Personal".to_owned()),
        _ => (title(name), title(company)),
    }
}

fn title(text: &str) -> String {
    let words = text.split(['-', '_']).map(|word| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    words.collect::<Vec<_>>().join(" ")
}

impl Hub {
    /// DescribeProducts, or the one that is asked for. None is like the one that is asked for: none.
    pub fn products(
        &self,
        caller: &Caller,
        asked_for: Option<&str>,
        size: Option<i64>,
        token: Option<&str>,
    ) -> Result<Products, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        if let Some(arn) = asked_for {
            read_product(caller, arn)?;
        }
        let all = KNOWN.iter().map(|known| known.product(caller));
        let wanted = all.filter(|product| asked_for.is_none_or(|arn| product.product_arn == arn));
        let arguments = asked_for.unwrap_or_default();
        let asked = Asked { operation: "DescribeProducts", caller, arguments, size, token };
        let (products, next_token) = self.page(&asked, wanted)?;
        Ok(Products { products, next_token })
    }

    /// EnableImportFindingsForProduct.
    pub fn enable_product(&mut self, caller: &Caller, request: &EnableImportForProduct) -> Result<ProductSubscription, AwsError> {
        self.require_enabled(caller)?;
        let arn = &request.product_arn;
        let path = read_product(caller, arn)?.to_owned();
        let own = is_custom(arn) && self.accepts(caller, arn);
        if !own && Known::named(&path).is_none() {
            // Not in the model; the words: prowler-cloud/prowler, issue 1052.
            return Err(AwsError::not_found(serde_json::json!({"productArn": arn}).to_string()));
        }
        let subscribed = &mut self.own_settings(caller)?.products;
        if own || !subscribed.0.insert(path.clone()) {
            return Err(AwsError::conflict(format!("Account {} is already subscribed to product {arn}", caller.account)));
        }
        let product_subscription_arn = arn::product_subscription(&path, caller.account, &caller.region);
        Ok(ProductSubscription { product_subscription_arn })
    }

    /// DisableImportFindingsForProduct: findings that are there stay.
    pub fn disable_product(&mut self, caller: &Caller, subscription_arn: &str) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let (place, resource) = arn::read(subscription_arn).ok_or_else(|| {
            AwsError::invalid_input(format!(
                "Invalid parameter 'ProductSubscriptionArn': {subscription_arn} is not the ARN of a subscription to a product"
            ))
        })?;
        let own = (place.account, &place.region) == (caller.account, &caller.region);
        let path = resource.strip_prefix("product-subscription/").filter(|_| own).ok_or_else(|| {
            // Not in the model; the words: boto/boto3, issue 2340, where the product's ARN was given.
            AwsError::access_denied(format!(
                "Account id {} is not authorized to perform action on resource: {subscription_arn}",
                caller.account
            ))
        })?;
        if self.own_settings(caller)?.products.0.remove(path) {
            return Ok(());
        }
        Err(AwsError::not_found(format!("Product subscription {subscription_arn} not found")))
    }

    /// ListEnabledProductsForImport.
    pub fn enabled_products(
        &self,
        caller: &Caller,
        size: Option<i64>,
        token: Option<&str>,
    ) -> Result<ProductSubscriptions, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        let settings = self.settings(caller.account, &caller.region);
        let all = settings.into_iter().flat_map(|settings| &settings.products.0);
        let arns = all.map(|path| arn::product_subscription(path, caller.account, &caller.region));
        let asked = Asked { operation: "ListEnabledProductsForImport", caller, arguments: "", size, token };
        let (product_subscriptions, next_token) = self.page(&asked, arns)?;
        Ok(ProductSubscriptions { product_subscriptions, next_token })
    }

    /// Whether the caller's hub takes findings of a product; what is no ARN of a product is somebody else's to refuse.
    pub(super) fn accepts(&self, caller: &Caller, product_arn: &str) -> bool {
        let Some(path) = path(product_arn) else { return true };
        let own = path.strip_suffix("/default").is_some_and(|account| account == caller.account.to_string());
        let settings = self.settings(caller.account, &caller.region);
        own || settings.is_some_and(|settings| settings.products.0.contains(path))
    }
}

/// Company and product of an ARN that may be one of a product here.
fn read_product<'a>(caller: &Caller, product_arn: &'a str) -> Result<&'a str, AwsError> {
    let region = product_arn.split(':').nth(3);
    let here = product_arn.starts_with("arn:aws:securityhub:") && region == Some(caller.region.as_str());
    path(product_arn).filter(|_| here).ok_or_else(|| {
        AwsError::invalid_input(format!(
            "Invalid parameter 'ProductArn': {product_arn} is not the ARN of a product in {}",
            caller.region
        ))
    })
}
