//! The insights that AWS brings. Nobody changes them. Source: the guide's securityhub-managed-insights, late 2025; where it names no
//! attribute to group by, or one that filters do not have, the line says what stands for it.

use serde_json::{Map, Value, json};

use crate::wire::securityhub::Insight;

/// What their ARNs begin with.
const ARN: &str = "arn:aws:securityhub:::insight/securityhub/default/";

/// The number in the ARN, the name, what is grouped by, and what is asked for.
struct Managed(u16, &'static str, &'static str, &'static [Asks]);

enum Asks {
    /// Active, and NEW or NOTIFIED.
    Open,
    /// One of its types begins with one of these.
    Types(&'static [&'static str]),
    /// One of its types is this.
    Type(&'static str),
    /// The type of a resource.
    Resource(&'static str),
    /// ProductName.
    Product(&'static str),
    /// What GeneratorId begins with.
    Generator(&'static str),
    /// The check failed.
    Failed,
    /// Within so many days.
    Created(u8),
    /// Within so many days.
    Updated(u8),
}

use Asks::{Created, Failed, Generator, Open, Product, Resource, Type, Types, Updated};

const BEST_PRACTICES: &str = "Software and Configuration Checks/Industry and Regulatory Standards/AWS Security Best Practices";
const REACHABLE: &[&str] = &["Software and Configuration Checks/AWS Security Best Practices/Network Reachability"];
const CIS: &str = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0/rule";
const CHECKS: &[&str] = &[
    "Software and Configuration Checks/Industry and Regulatory Standards/",
    "Software and Configuration Checks/AWS Security Best Practices",
];
const MALWARE: &[&str] = &[
    "Effects/Data Exfiltration/Trojan",
    "TTPs/Initial Access/Trojan",
    "TTPs/Command and Control/Backdoor",
    "TTPs/Command and Control/Trojan",
    "Software and Configuration Checks/Backdoor",
    "Unusual Behaviors/VM/Backdoor",
];
const CRYPTOCURRENCY: &[&str] = &["Effects/Resource Consumption/Cryptocurrency", "TTPs/Command and Control/CryptoCurrency"];
const UNAUTHORIZED: &[&str] = &[
    "TTPs/Command and Control/UnauthorizedAccess",
    "TTPs/Initial Access/UnauthorizedAccess",
    "Effects/Data Exfiltration/UnauthorizedAccess",
    "Unusual Behaviors/User/UnauthorizedAccess",
    "Effects/Resource Consumption/UnauthorizedAccess",
];
const BUCKET: Asks = Resource("AwsS3Bucket");
const INSTANCE: Asks = Resource("AwsEc2Instance");
const KEY: Asks = Resource("AwsIamAccessKey");

#[rustfmt::skip] // a table
const ALL: [Managed; 35] = [
    Managed(1, "AWS resources with the most findings", "ResourceId", &[Open]),
    Managed(3, "AMIs that are generating the most findings", "ResourceAwsEc2InstanceImageId", &[INSTANCE, Open]),
    Managed(6, "AWS resources instances that don't meet security standards / best practices", "ResourceId", &[Type(BEST_PRACTICES), Open]),
    Managed(7, "AWS resources associated with potential data exfiltration", "ResourceId", &[Types(&["Effects/Data Exfiltration/"]), Open]),
    Managed(8, "AWS resources associated with unauthorized resource consumption", "ResourceId", &[Types(&["Effects/Resource Consumption"]), Open]),
    Managed(9, "AWS principals with suspicious access key activity", "ResourceAwsIamAccessKeyPrincipalName", &[KEY, Open]),
    Managed(10, "S3 buckets with public write or read permissions", "ResourceId", &[Types(&["Effects/Data Exposure"]), BUCKET, Open]),
    Managed(11, "S3 buckets that don't meet security standards / best practice", "ResourceId", &[BUCKET, Type(BEST_PRACTICES), Open]),
    Managed(12, "S3 buckets with sensitive data", "ResourceId", &[BUCKET, Types(&["Sensitive Data Identifications/"]), Open]),
    Managed(13, "Credentials that may have leaked", "ResourceId", &[Types(&["Sensitive Data Identifications/Passwords/"]), Open]),
    Managed(14, "EC2 instances involved in known Tactics, Techniques, and Procedures (TTPs)", "ResourceId", &[Types(&["TTPs"]), INSTANCE, Open]),
    Managed(16, "EC2 instances that have missing security patches for important vulnerabilities", "ResourceId", &[Types(&["Software and Configuration Checks/Vulnerabilities/CVE"]), INSTANCE, Open]),
    Managed(17, "EC2 instances with general unusual behavior", "ResourceId", &[Types(&["Unusual Behaviors"]), INSTANCE, Open]),
    Managed(18, "EC2 instances that have ports accessible from the Internet", "ResourceId", &[Types(REACHABLE), INSTANCE, Open]),
    Managed(19, "EC2 instances that don't meet security standards / best practices", "ResourceId", &[Types(CHECKS), INSTANCE, Open]),
    Managed(21, "EC2 instances that are open to the Internet", "ResourceId", &[Types(REACHABLE), INSTANCE, Open]),
    Managed(22, "EC2 instances associated with adversary reconnaissance", "ResourceId", &[Types(&["TTPs/Discovery/Recon"]), INSTANCE, Open]),
    Managed(23, "AWS resources that are associated with malware", "ResourceId", &[Types(MALWARE), Open]),
    Managed(24, "AWS resources associated with cryptocurrency issues", "ResourceId", &[Types(CRYPTOCURRENCY), Open]),
    Managed(25, "AWS resources with unauthorized access attempts", "ResourceId", &[Types(UNAUTHORIZED), Open]),
    // Nothing is named; it is about indicators.
    Managed(26, "Threat Intel indicators with the most hits in the last week", "ThreatIntelIndicatorValue", &[Created(7)]),
    Managed(27, "Top accounts by counts of findings", "AwsAccountId", &[Open]),
    Managed(28, "Top products by counts of findings", "ProductName", &[Open]),
    Managed(29, "Severity by counts of findings", "SeverityLabel", &[Open]),
    Managed(30, "Top S3 buckets by counts of findings", "ResourceId", &[BUCKET, Open]),
    Managed(31, "Top EC2 instances by counts of findings", "ResourceId", &[INSTANCE, Open]),
    Managed(32, "Top AMIs by counts of findings", "ResourceAwsEc2InstanceImageId", &[INSTANCE, Open]),
    // "IAM access key ID" is no attribute; the guide of 2023 has the user's name.
    Managed(33, "Top IAM users by counts of findings", "ResourceAwsIamAccessKeyUserName", &[KEY, Open]),
    Managed(34, "Top resources by counts of failed CIS checks", "ResourceId", &[Generator(CIS), Updated(1), Failed, Open]),
    Managed(35, "Top integrations by counts of findings", "ProductArn", &[Open]),
    Managed(36, "Resources with the most failed security checks", "ResourceId", &[Updated(1), Failed, Open]),
    Managed(37, "IAM users with suspicious activity", "ResourceAwsIamUserUserName", &[Resource("AwsIamUser"), Open]),
    Managed(38, "Resources with the most AWS Health findings", "ResourceId", &[Product("Health")]),
    Managed(39, "Resources with the most AWS Config findings", "ResourceId", &[Product("Config")]),
    Managed(40, "Applications with the most findings", "ResourceApplicationArn", &[Open]),
];

impl Asks {
    fn add(&self, filters: &mut Map<String, Value>) {
        let texts = |comparison: &str, values: &[&str]| -> Value {
            values.iter().map(|value| json!({"Value": value, "Comparison": comparison})).collect()
        };
        let within = |days: u8| json!([{"DateRange": {"Value": days, "Unit": "DAYS"}}]);
        let mut add = |name: &str, filter: Value| filters.insert(name.to_owned(), filter);
        match self {
            Open => {
                add("RecordState", texts("EQUALS", &["ACTIVE"]));
                add("WorkflowStatus", texts("EQUALS", &["NEW", "NOTIFIED"]))
            }
            Types(values) => add("Type", texts("PREFIX", values)),
            Type(value) => add("Type", texts("EQUALS", &[value])),
            Resource(value) => add("ResourceType", texts("EQUALS", &[value])),
            Product(value) => add("ProductName", texts("EQUALS", &[value])),
            Generator(value) => add("GeneratorId", texts("PREFIX", &[value])),
            Failed => add("ComplianceStatus", texts("EQUALS", &["FAILED"])),
            Created(days) => add("CreatedAt", within(*days)),
            Updated(days) => add("UpdatedAt", within(*days)),
        };
    }
}

impl Managed {
    fn answer(&self) -> Insight {
        let Self(number, name, group_by, asks) = self;
        let mut filters = Map::new();
        for asks in *asks {
            asks.add(&mut filters);
        }
        Insight {
            insight_arn: format!("{ARN}{number}"),
            name: (*name).to_owned(),
            filters: Value::Object(filters),
            group_by_attribute: (*group_by).to_owned(),
        }
    }
}

/// Whether the ARN is one of AWS's own insights', which may be there or not.
pub(super) fn is_managed(insight_arn: &str) -> bool {
    insight_arn.starts_with(ARN)
}

/// The one of this ARN.
pub(super) fn find(insight_arn: &str) -> Option<Insight> {
    let number: u16 = insight_arn.strip_prefix(ARN)?.parse().ok()?;
    ALL.iter().find(|managed| managed.0 == number).map(Managed::answer)
}

#[cfg(test)]
mod tests {
    use super::super::{read_filters, read_group};
    use super::*;

    #[test]
    fn every_managed_insight_asks_and_groups_by_what_there_is() {
        assert!(ALL.is_sorted_by(|a, b| a.0 < b.0));
        for managed in &ALL {
            let answer = managed.answer();
            assert_eq!(find(&answer.insight_arn).as_ref(), Some(&answer));
            let filters = read_filters(&answer.filters).unwrap_or_else(|error| panic!("{}: {error}", answer.name));
            assert!(!filters.is_empty() && read_group(&answer.group_by_attribute).is_ok(), "{}", answer.name);
        }
        assert_eq!(find(&format!("{ARN}2")), None);
        let open = json!({"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
            "WorkflowStatus": [{"Value": "NEW", "Comparison": "EQUALS"}, {"Value": "NOTIFIED", "Comparison": "EQUALS"}]});
        assert_eq!(ALL[0].answer().filters, open);
    }
}
