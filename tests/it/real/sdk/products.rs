//! Products that send findings, and the subscriptions to them.

use aws_sdk_securityhub::types::IntegrationType;

use super::{HOME, World};

pub const OPERATIONS: &[&str] =
    &["DescribeProducts", "DisableImportFindingsForProduct", "EnableImportFindingsForProduct", "ListEnabledProductsForImport"];

const OWN: &str = "321432143214";

#[tokio::test(flavor = "multi_thread")]
async fn products_are_described_enabled_listed_and_disabled() {
    let world = World::start().await;
    let own = world.client(OWN, HOME);
    refused!(own.list_enabled_products_for_import(), is_invalid_access_exception);
    own.enable_security_hub().enable_default_standards(false).send().await.unwrap();
    let product = |name: &str| format!("arn:aws:securityhub:{HOME}::product/{name}");
    let subscription = format!("arn:aws:securityhub:{HOME}:{OWN}:product-subscription/prowler/prowler");
    let (products, calls) = pages!(world, "DescribeProducts", own.describe_products(), 7);
    assert!(products.len() > 20 && calls > 2);
    let described = own.describe_products().product_arn(product("prowler/prowler")).send().await.unwrap();
    let [prowler] = described.products() else { panic!("{described:?}") };
    assert_eq!((prowler.product_name(), prowler.company_name()), (Some("Prowler"), Some("Prowler")));
    assert_eq!(prowler.integration_types(), [IntegrationType::SendFindingsToSecurityHub]);

    let enable = |name: &str| own.enable_import_findings_for_product().product_arn(product(name));
    let enabled = enable("prowler/prowler").send().await.unwrap();
    assert_eq!(enabled.product_subscription_arn(), Some(subscription.as_str()));
    let (all, calls) = pages!(world, "ListEnabledProductsForImport", own.list_enabled_products_for_import(), 4);
    assert!(all.contains(&subscription) && calls > 1, "{all:?}");
    let disable = |arn: &str| own.disable_import_findings_for_product().product_subscription_arn(arn);
    refused!(enable("prowler/prowler"), is_resource_conflict_exception);
    refused!(own.enable_import_findings_for_product().product_arn("arn:aws:nothing"), is_invalid_input_exception);
    refused!(disable("arn:aws:nothing"), is_invalid_input_exception);
    refused!(own.describe_products().product_arn("arn:aws:nothing"), is_invalid_input_exception);
    over_quota!(world, "DescribeProducts", own.describe_products());
    over_quota!(world, "EnableImportFindingsForProduct", enable("aws/macie"));
    over_quota!(world, "DisableImportFindingsForProduct", disable(&subscription));
    over_quota!(world, "ListEnabledProductsForImport", own.list_enabled_products_for_import());

    disable(&subscription).send().await.unwrap();
    refused!(disable(&subscription), is_resource_not_found_exception);
    let all = own.list_enabled_products_for_import().send().await.unwrap();
    assert!(!all.product_subscriptions().contains(&subscription));
    world.assert_called(OPERATIONS);
}
