//! Products: from which findings are taken, and what they are called.

use super::*;
use crate::wire::securityhub::EnableImportForProduct;

fn product(path: &str) -> String {
    format!("arn:aws:securityhub:{HOME}::product/{path}")
}

/// A finding of a product in the stranger's account.
fn finding(product_arn: &str, more: Value) -> Value {
    let mut finding = json!({
        "SchemaVersion": "2018-10-08", "Id": "scan/1", "ProductArn": product_arn, "GeneratorId": "g", "AwsAccountId": STRANGER,
        "Types": ["A"], "CreatedAt": "2026-11-21T08:00:00Z", "UpdatedAt": "2026-11-21T08:00:00Z", "Severity": {"Label": "LOW"},
        "Title": "t", "Description": "d", "Resources": [{"Type": "Other", "Id": "r"}], "Compliance": {"Status": "FAILED"},
    });
    let Value::Object(more) = more else { panic!("{more}") };
    finding.as_object_mut().unwrap().extend(more);
    finding
}

fn stranger_hub() -> (Hub, Caller) {
    let (mut hub, stranger) = (hub(), caller(STRANGER, HOME));
    hub.enable(&stranger, &EnableSecurityHub::default(), at(0)).unwrap();
    (hub, stranger)
}

fn taken(hub: &mut Hub, product_arn: &str) -> Result<usize, AwsError> {
    let request = BatchImportFindings { findings: vec![finding(product_arn, json!({}))] };
    hub.import(&caller(STRANGER, HOME), &request, at(60)).map(|answer| answer.success_count)
}

#[test]
fn a_new_hub_takes_findings_of_aws_and_of_its_own_and_of_partners_once_they_are_enabled() {
    let (mut hub, stranger) = stranger_hub();
    let own = format!("arn:aws:securityhub:{HOME}:{STRANGER}:product/{STRANGER}/default");
    for arn in [own.as_str(), &product("aws/guardduty"), &product("aws/securityhub")] {
        assert_eq!(taken(&mut hub, arn), Ok(1), "{arn}");
    }
    let partner = product("prowler/prowler");
    for arn in [&partner, &product("aws/macie"), &product("acme/scanner"), &own.replace(STRANGER, MEMBER)] {
        let refused = taken(&mut hub, arn).unwrap_err();
        assert_eq!((refused.code, refused.status), ("AccessDeniedException", 403), "{arn}");
        assert!(refused.message.ends_with(&format!("to perform: securityhub:BatchImportFindings on resource: {arn}")));
    }
    let request = EnableImportForProduct { product_arn: partner.clone() };
    let subscription = hub.enable_product(&stranger, &request).unwrap().product_subscription_arn;
    assert_eq!(subscription, format!("arn:aws:securityhub:{HOME}:{STRANGER}:product-subscription/prowler/prowler"));
    assert_eq!(taken(&mut hub, &partner), Ok(1));
    assert_eq!(hub.enable_product(&stranger, &request).unwrap_err().code, "ResourceConflictException");
    let own = EnableImportForProduct { product_arn: own };
    assert_eq!(hub.enable_product(&stranger, &own).unwrap_err().code, "ResourceConflictException");
    assert!(hub.enabled_products(&stranger, None, None).unwrap().product_subscriptions.contains(&subscription));
    hub.disable_product(&stranger, &subscription).unwrap();
    assert!(taken(&mut hub, &partner).is_err());
    assert_eq!(get(&hub, STRANGER, HOME, &GetFindings::default()).len(), 4, "what was taken stays");
}

#[test]
fn one_finding_of_a_product_that_is_not_enabled_refuses_the_request() {
    let (mut hub, stranger) = stranger_hub();
    let findings = ["aws/guardduty", "prowler/prowler"].map(|path| finding(&product(path), json!({})));
    let refused = hub.import(&stranger, &BatchImportFindings { findings: findings.into() }, at(60)).unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException");
    assert_eq!(hub.len(), 0);
}

#[test]
fn only_custom_products_say_what_they_are_called() {
    let (mut hub, stranger) = stranger_hub();
    let names = json!({"ProductName": "Mine", "CompanyName": "Me"});
    for (arn, more, expected) in [
        (format!("arn:aws:securityhub:{HOME}:{STRANGER}:product/{STRANGER}/default"), json!({}), ["Default", "Personal"]),
        (format!("arn:aws:securityhub:{HOME}:{STRANGER}:product/{STRANGER}/default"), names.clone(), ["Mine", "Me"]),
        (product("aws/guardduty"), names.clone(), ["GuardDuty", "Amazon"]),
        (product("aws/config"), json!({}), ["Config", "AWS"]),
    ] {
        let mut finding = finding(&arn, more);
        finding["Id"] = format!("{arn}{expected:?}").into();
        let request = BatchImportFindings { findings: vec![finding.clone()] };
        assert_eq!(hub.import(&stranger, &request, at(60)).unwrap().success_count, 1);
        let key = FindingKey { id: finding["Id"].as_str().unwrap().to_owned(), product_arn: arn };
        let got = hub.current(&key).unwrap();
        assert_eq!([&got["ProductName"], &got["CompanyName"]], expected);
        let fields = ["aws/securityhub/ProductName", "aws/securityhub/CompanyName"].map(|name| &got["ProductFields"][name]);
        assert_eq!(fields, expected);
    }
}

#[test]
fn what_is_no_product_or_no_subscription_is_told_as_on_aws() {
    let (mut hub, stranger) = stranger_hub();
    let mut enable =
        |arn: &str| hub.enable_product(&stranger, &EnableImportForProduct { product_arn: arn.to_owned() }).unwrap_err();
    for arn in ["arn:aws:nothing", &product("prowler/prowler").replace(HOME, LINKED)] {
        assert_eq!(enable(arn).code, "InvalidInputException", "{arn}");
    }
    let unknown = enable(&product("acme/scanner"));
    assert_eq!(unknown.code, "ResourceNotFoundException");
    assert_eq!(unknown.message, format!("{{\"productArn\":\"{}\"}}", product("acme/scanner")));
    let subscription = format!("arn:aws:securityhub:{HOME}:{STRANGER}:product-subscription/aws/guardduty");
    let mut disable = |arn: &str| hub.disable_product(&stranger, arn).map_err(|error| error.code);
    assert_eq!(disable("arn:aws:nothing"), Err("InvalidInputException"));
    assert_eq!(disable(&subscription.replace(STRANGER, MEMBER)), Err("AccessDeniedException"));
    assert_eq!(disable(&subscription.replace("product-subscription", "product")), Err("AccessDeniedException"));
    assert_eq!(disable(&subscription), Ok(()));
    assert_eq!(disable(&subscription), Err("ResourceNotFoundException"));
}

#[test]
fn products_are_listed_once_each_and_one_is_found_by_its_arn() {
    let (hub, stranger) = stranger_hub();
    let all = hub.products(&stranger, None, None, None).unwrap().products;
    let arns: Vec<&str> = all.iter().map(|product| product.product_arn.as_str()).collect();
    assert!(arns.len() > 20 && arns.is_sorted_by(|a, b| a < b));
    let one = hub.products(&stranger, Some(&product("aws/inspector")), None, None).unwrap().products;
    assert_eq!(one.iter().map(|product| product.product_name.as_str()).collect::<Vec<_>>(), ["Inspector"]);
    assert_eq!(hub.products(&stranger, Some(&product("acme/scanner")), None, None).unwrap().products, []);
}
