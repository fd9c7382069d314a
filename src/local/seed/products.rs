//! Findings of other products: Inspector, GuardDuty, and a scanner of a third party.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::ids::Region;
use crate::local::clock::stamp;

use super::resources::{Place, of};

/// Label, number by the provider.
const RATINGS: [(&str, f64); 5] = [("CRITICAL", 9.4), ("HIGH", 8.1), ("HIGH", 7.2), ("MEDIUM", 5.3), ("LOW", 2.1)];
/// Name and what it says.
const THREATS: [(&str, &str); 5] = [
    ("UnauthorizedAccess:EC2/SSHBruteForce", "is performing SSH brute force attacks"),
    ("Recon:EC2/PortProbeUnprotectedPort", "has an unprotected port which is being probed"),
    ("CryptoCurrency:EC2/BitcoinTool.B!DNS", "is querying a domain name of Bitcoin activity"),
    ("Trojan:EC2/DNSDataExfiltration", "is sending data out by DNS queries"),
    ("Backdoor:EC2/C&CActivity.B!DNS", "is querying a domain name of a known command and control server"),
];
const PACKAGES: [&str; 6] = ["openssl", "glibc", "curl", "zlib", "libxml2", "log4j-core"];
const CHECKS: [(&str, &str, &str); 4] = [
    ("s3_bucket_secure_transport_policy", "AwsS3Bucket", "S3 bucket does not deny requests without TLS"),
    ("ec2_instance_imdsv2_enabled", "AwsEc2Instance", "EC2 instance does not require IMDSv2"),
    ("awslambda_function_no_secrets_in_variables", "AwsLambdaFunction", "Lambda function has secrets in its variables"),
    ("iam_user_accesskey_unused", "AwsIamUser", "IAM user has an access key that is not used"),
];

/// A vulnerability of a container image.
pub fn inspector(place: &Place, region: &Region, rng: &mut fastrand::Rng, [created, updated]: [Timestamp; 2]) -> Value {
    let (label, score) = RATINGS[rng.usize(0..RATINGS.len())];
    let (year, number) = (rng.u32(2022..2027), rng.u32(1000..60_000));
    let cve = format!("CVE-{year}-{number}");
    let package = PACKAGES[rng.usize(0..PACKAGES.len())];
    let image = format!("arn:aws:ecr:{region}:{}:repository/{}/web/sha256:{:064x}", place.id, place.team, rng.u128(..));
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("arn:aws:inspector2:{region}:{}:finding/{:032x}", place.id, rng.u128(..)),
        "ProductArn": format!("arn:aws:securityhub:{region}::product/aws/inspector"),
        "Region": region,
        "GeneratorId": "AWSInspector",
        "AwsAccountId": place.id,
        "Types": ["Software and Configuration Checks/Vulnerabilities/CVE"],
        "FirstObservedAt": stamp(created),
        "LastObservedAt": stamp(updated),
        "CreatedAt": stamp(created),
        "UpdatedAt": stamp(updated),
        "Severity": {"Label": label, "Original": label},
        "Title": format!("{cve} - {package}"),
        "Description": format!("A flaw was found in {package}."),
        "Remediation": {"Recommendation": {"Text": "Update all packages in the vulnerable packages section to their latest versions."}},
        "ProductFields": {"aws/inspector/FindingStatus": "ACTIVE", "aws/inspector/inspectorScore": score.to_string()},
        "Resources": [{"Type": "AwsEcrContainerImage", "Id": image, "Partition": "aws", "Region": region}],
        "Vulnerabilities": [{"Id": cve, "VulnerablePackages": [{"Name": package, "Version": "1.0.2"}]}],
        "RecordState": "ACTIVE",
    })
}

/// A threat to an instance.
pub fn guardduty(place: &Place, region: &Region, rng: &mut fastrand::Rng, [created, updated]: [Timestamp; 2]) -> Value {
    let (threat, says) = THREATS[rng.usize(0..THREATS.len())];
    let (label, score) = RATINGS[rng.usize(1..RATINGS.len())];
    let (id, tags, details) = of("AwsEc2Instance", place, region, rng.usize(0..40), updated);
    let detector = format!("arn:aws:guardduty:{region}:{}:detector/{:032x}", place.id, u128::from(place.id.number()));
    let instance = id.rsplit('/').next().unwrap_or_default();
    let mut resource = json!({"Type": "AwsEc2Instance", "Id": id, "Partition": "aws", "Region": region, "Details": details});
    if !tags.is_empty() {
        resource["Tags"] = json!(tags);
    }
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("{detector}/finding/{:032x}", rng.u128(..)),
        "ProductArn": format!("arn:aws:securityhub:{region}::product/aws/guardduty"),
        "Region": region,
        "GeneratorId": detector,
        "AwsAccountId": place.id,
        "Types": [format!("TTPs/{}", threat.replace(':', "/"))],
        "FirstObservedAt": stamp(created),
        "LastObservedAt": stamp(updated),
        "CreatedAt": stamp(created),
        "UpdatedAt": stamp(updated),
        "Severity": {"Label": label, "Product": score},
        "Title": format!("EC2 instance {instance} {says}"),
        "Description": format!("The EC2 instance {instance} {says}."),
        "ProductFields": {"aws/guardduty/service/count": rng.u32(1..400).to_string(), "aws/guardduty/service/archived": "false"},
        "Resources": [resource],
        "RecordState": "ACTIVE",
    })
}

/// A check of a third party's scanner.
pub fn prowler(place: &Place, region: &Region, rng: &mut fastrand::Rng, [created, updated]: [Timestamp; 2]) -> Value {
    let (check, kind, title) = CHECKS[rng.usize(0..CHECKS.len())];
    let (label, _) = RATINGS[rng.usize(0..RATINGS.len())];
    let (id, tags, _) = of(kind, place, region, rng.usize(0..40), updated);
    let mut resource = json!({"Type": kind, "Id": id, "Partition": "aws", "Region": region});
    if !tags.is_empty() {
        resource["Tags"] = json!(tags);
    }
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("prowler-aws-{check}-{}-{region}-{:09x}", place.id, rng.u64(..) >> 28),
        "ProductArn": format!("arn:aws:securityhub:{region}::product/prowler/prowler"),
        "Region": region,
        "GeneratorId": format!("prowler-{check}"),
        "AwsAccountId": place.id,
        "Types": ["Software and Configuration Checks"],
        "FirstObservedAt": stamp(created),
        "LastObservedAt": stamp(updated),
        "CreatedAt": stamp(created),
        "UpdatedAt": stamp(updated),
        "Severity": {"Label": label},
        "Title": title,
        "Description": format!("{title}: {id}."),
        "ProductFields": {"ProviderName": "Prowler", "ProviderVersion": "5.46.0", "ProwlerResourceName": id},
        "Resources": [resource],
        "Compliance": {"Status": if rng.u8(0..10) < 7 { "FAILED" } else { "PASSED" }, "RelatedRequirements": ["CIS-3.0 2.1.1"]},
        "RecordState": "ACTIVE",
    })
}
