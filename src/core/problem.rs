//! Problem identity: what everything hangs on, because finding ids change.
//!
//! For control findings: account, Region (unless every resource is of a global type), control, sorted resources. For other
//! products: ProductArn and Id.

use std::fmt;

use sha2::{Digest, Sha256};

use super::doc::Doc;

/// A problem, as the first 16 bytes of a SHA-256 over its parts: stable across runs, machines and versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProblemId(pub u128);

impl fmt::Display for ProblemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl ProblemId {
    /// The problem that a finding is about.
    pub fn of(doc: &Doc<'_>) -> Self {
        // Another product may name a control as well: its findings are its own all the same.
        match doc.control_id().filter(|_| doc.product_arn.ends_with("product/aws/securityhub")) {
            Some(control) => {
                let control = control.to_ascii_lowercase();
                let mut resources: Vec<(&str, &str)> = doc.resources.iter().map(|r| (&*r.id, &*r.kind)).collect();
                resources.sort_unstable();
                resources.dedup();
                let global = !resources.is_empty() && resources.iter().all(|(_, kind)| is_global(kind, &control));
                let region = if global { "" } else { doc.region.as_deref().unwrap_or_default() };
                let parts = ["control", &doc.aws_account_id, region, &control];
                Self::digest(parts.into_iter().chain(resources.into_iter().map(|(id, _)| id)))
            }
            None => Self::digest(["finding", &doc.product_arn, &doc.id].into_iter()),
        }
    }

    fn digest<'a>(parts: impl Iterator<Item = &'a str>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Self(u128::from_be_bytes(first))
    }
}

/// Whether resources of this ASFF type exist once for all Regions: the service then makes one finding per enabled Region. An
/// account as a resource is global for what is set once for all of it (IAM, contacts); whether GuardDuty, Config or EBS
/// encryption is on is asked in each Region anew.
pub fn is_global(resource_type: &str, control: &str) -> bool {
    const PREFIXES: [&str; 6] =
        ["AwsIam", "AwsCloudFront", "AwsRoute53HostedZone", "AwsRoute53Domain", "AwsGlobalAccelerator", "AwsOrganizations"];
    const CLASSIC_WAF: [&str; 4] = ["AwsWafWebAcl", "AwsWafRule", "AwsWafRuleGroup", "AwsWafRateBasedRule"];
    const OF_THE_ACCOUNT: [&str; 2] = ["iam", "account"];
    let of_the_account = |control: &str| {
        let service = control.split_once('.').map_or(control, |(service, _)| service);
        OF_THE_ACCOUNT.iter().any(|own| own.eq_ignore_ascii_case(service))
    };
    (resource_type == "AwsAccount" && of_the_account(control))
        || PREFIXES.iter().any(|prefix| resource_type.starts_with(prefix))
        || CLASSIC_WAF.contains(&resource_type)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The problem of a control finding with these changes.
    fn problem(change: &Value) -> ProblemId {
        let mut finding = json!({
            "Id": "arn:aws:securityhub:eu-west-1:111122223333:security-control/S3.8/finding/1",
            "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
            "GeneratorId": "security-control/S3.8",
            "AwsAccountId": "111122223333",
            "Region": "eu-west-1",
            "CreatedAt": "2026-11-21T08:00:00Z",
            "UpdatedAt": "2026-11-21T08:00:00Z",
            "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::a"}, {"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::b"}],
            "Compliance": {"Status": "FAILED", "SecurityControlId": "S3.8"},
            "Workflow": {"Status": "NEW"},
            "RecordState": "ACTIVE",
        });
        for (key, value) in change.as_object().unwrap() {
            finding[key] = value.clone();
        }
        ProblemId::of(&Doc::parse(&finding.to_string()).unwrap())
    }

    fn same(change: &Value) -> bool {
        problem(change) == problem(&json!({}))
    }

    #[test]
    fn the_case_of_the_control_and_the_order_of_resources_do_not_matter() {
        assert!(same(&json!({"Compliance": {"Status": "FAILED", "SecurityControlId": "s3.8"}})));
        let (a, b) =
            (json!({"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::a"}), json!({"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::b"}));
        assert!(same(&json!({"Resources": [b, a]})));
        assert!(same(&json!({"Resources": [b, a, b]})));
        assert!(!same(&json!({"Resources": [a]})));
    }

    #[test]
    fn consolidated_and_per_standard_findings_are_of_one_problem() {
        assert!(same(&json!({
            "Id": "arn:aws:securityhub:eu-west-1:111122223333:subscription/aws-foundational-security-best-practices/v/1.0.0/S3.8/finding/9",
            "GeneratorId": "aws-foundational-security-best-practices/v/1.0.0/S3.8",
        })));
        assert!(same(&json!({
            "Compliance": {"Status": "PASSED", "SecurityControlId": "S3.8"},
            "Workflow": {"Status": "RESOLVED"},
            "RecordState": "ARCHIVED",
        })));
    }

    #[test]
    fn account_region_and_control_tell_problems_apart() {
        assert!(!same(&json!({"AwsAccountId": "444455556666"})));
        assert!(!same(&json!({"Region": "us-east-1"})));
        assert!(!same(&json!({"Compliance": {"Status": "FAILED", "SecurityControlId": "S3.80"}})));
    }

    #[test]
    fn findings_on_global_resources_are_of_one_problem_in_every_region() {
        let on = |kind: &str, control: &str, region: &str| {
            problem(&json!({
                "Resources": [{"Type": kind, "Id": "x"}],
                "Compliance": {"Status": "FAILED", "SecurityControlId": control},
                "Region": region,
            }))
        };
        let global = |kind: &str, control: &str| on(kind, control, "eu-west-1") == on(kind, control, "us-east-1");
        for (kind, control) in [
            ("AwsIamUser", "IAM.2"),
            ("AwsCloudFrontDistribution", "CloudFront.1"),
            ("AwsRoute53HostedZone", "Route53.2"),
            ("AwsWafWebAcl", "WAF.8"),
            ("AwsAccount", "iam.4"),
            ("AwsAccount", "Account.1"),
        ] {
            assert!(global(kind, control), "{kind} {control}");
        }
        for (kind, control) in [
            ("AwsS3Bucket", "S3.8"),
            ("AwsAccount", "GuardDuty.1"),
            ("AwsAccount", "EC2.7"),
            ("AwsAccount", "Config.1"),
            ("AwsWafRegionalWebAcl", "WAF.4"),
        ] {
            assert!(!global(kind, control), "{kind} {control}");
        }
    }

    #[test]
    fn a_problem_with_one_regional_resource_is_regional() {
        let resources = json!([{"Type": "AwsIamRole", "Id": "r"}, {"Type": "AwsEc2Instance", "Id": "i"}]);
        assert_ne!(problem(&json!({"Resources": resources})), problem(&json!({"Resources": resources, "Region": "us-east-1"})));
    }

    #[test]
    fn findings_of_other_products_are_problems_of_their_own() {
        let other = |id: &str, product: &str, compliance: Value| {
            problem(&json!({"Id": id, "ProductArn": product, "Compliance": compliance}))
        };
        let inspector = "arn:aws:securityhub:eu-west-1::product/aws/inspector";
        let control = json!({"SecurityControlId": "S3.8"});
        assert_eq!(other("a", inspector, json!({})), other("a", inspector, json!({})));
        assert_ne!(other("a", inspector, json!({})), other("b", inspector, json!({})));
        assert_ne!(other("a", inspector, json!({})), other("a", "arn:aws:securityhub:eu-west-1::product/aws/macie", json!({})));
        // One that borrows a control's id inherits nothing from it.
        assert_ne!(other("a", inspector, control.clone()), problem(&json!({})));
        assert_ne!(other("a", inspector, control.clone()), other("b", inspector, control));
    }
}
