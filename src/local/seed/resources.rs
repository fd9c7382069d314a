//! Resources of a company: ids as their services spell them, tags as teams set them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::ids::{AccountId, Region};
use crate::local::clock::{before, stamp};
use crate::wire::sigv4::{hex, sha256};

/// An account and who owns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Twelve digits.
    pub id: AccountId,
    /// `payments-prod`.
    pub name: String,
    /// The team that owns it.
    pub team: String,
    /// `prod`, `staging` or `dev`.
    pub env: String,
}

/// What resources are for.
const PURPOSES: [&str; 10] = ["web", "orders", "cdn", "reports", "sessions", "search", "batch", "invoices", "metrics", "backup"];

/// Resource number `number` of a type in an account and Region: id, tags, details. Always the same for the same question.
pub fn of(
    kind: &str,
    place: &Place,
    region: &Region,
    number: usize,
    now: Timestamp,
) -> (String, BTreeMap<String, String>, Value) {
    let account = place.id;
    let digest = hex(&sha256(format!("{kind} {account} {region} {number}").as_bytes()));
    let short = |from: usize, length: usize| digest.get(from..from + length).unwrap_or_default();
    let name = format!("{}-{}-{number:03}", place.team, PURPOSES[number % PURPOSES.len()]);
    let (env, id17) = (&place.env, short(0, 17));
    let made = stamp(before(now, Duration::from_secs(86_400 * (30 + (number as u64 * 37) % 900))));
    let regional = |service: &str, rest: &str| format!("arn:aws:{service}:{region}:{account}:{rest}");
    let (id, details) = match kind {
        "AwsAccount" => return (format!("AWS::::Account:{account}"), BTreeMap::new(), Value::Null),
        "AwsS3Bucket" => {
            let bucket = format!("{name}-{env}-{}", short(0, 6));
            let details = json!({"AwsS3Bucket": {"OwnerId": digest, "Name": bucket, "CreatedAt": made}});
            (format!("arn:aws:s3:::{bucket}"), details)
        }
        "AwsEc2SecurityGroup" => {
            let details = json!({"AwsEc2SecurityGroup": {
                "GroupId": format!("sg-{id17}"), "GroupName": name, "OwnerId": account, "VpcId": format!("vpc-{}", short(20, 17)),
                "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}],
            }});
            (regional("ec2", &format!("security-group/sg-{id17}")), details)
        }
        "AwsEc2Instance" => {
            let details = json!({"AwsEc2Instance": {
                "Type": "m6i.large", "VpcId": format!("vpc-{}", short(20, 17)), "SubnetId": format!("subnet-{}", short(30, 17)),
                "LaunchedAt": made, "IpV4Addresses": [format!("10.0.{}.{}", number % 250, (number * 7) % 250)],
            }});
            (regional("ec2", &format!("instance/i-{id17}")), details)
        }
        "AwsEc2Volume" => (regional("ec2", &format!("volume/vol-{id17}")), Value::Null),
        "AwsEc2Vpc" => (regional("ec2", &format!("vpc/vpc-{id17}")), Value::Null),
        "AwsEc2Subnet" => (regional("ec2", &format!("subnet/subnet-{id17}")), Value::Null),
        "AwsEc2NetworkAcl" => (regional("ec2", &format!("network-acl/acl-{id17}")), Value::Null),
        "AwsIamUser" => {
            let user = format!("{}.{}", PURPOSES[number % PURPOSES.len()], short(0, 4));
            let details = json!({"AwsIamUser": {"UserName": user, "Path": "/", "CreateDate": made}});
            (format!("arn:aws:iam::{account}:user/{user}"), details)
        }
        "AwsIamPolicy" => (format!("arn:aws:iam::{account}:policy/{name}"), Value::Null),
        "AwsRdsDbInstance" => {
            let details =
                json!({"AwsRdsDbInstance": {"DBInstanceIdentifier": name, "Engine": "postgres", "InstanceCreateTime": made}});
            (regional("rds", &format!("db:{name}")), details)
        }
        "AwsRdsDbCluster" => (regional("rds", &format!("cluster:{name}")), Value::Null),
        "AwsLambdaFunction" => {
            let details = json!({"AwsLambdaFunction": {"FunctionName": name, "Runtime": "python3.9", "LastModified": made}});
            (regional("lambda", &format!("function:{name}")), details)
        }
        "AwsKmsKey" => {
            let key = format!("{}-{}-4{}-8{}-{}", short(0, 8), short(8, 4), short(12, 3), short(15, 3), short(18, 12));
            (regional("kms", &format!("key/{key}")), Value::Null)
        }
        "AwsCloudTrailTrail" => (regional("cloudtrail", &format!("trail/{name}")), Value::Null),
        "AwsDynamoDbTable" => (regional("dynamodb", &format!("table/{name}")), Value::Null),
        "AwsEcrRepository" => (regional("ecr", &format!("repository/{}/{name}", place.team)), Value::Null),
        "AwsEcsService" => (regional("ecs", &format!("service/{}/{name}", place.team)), Value::Null),
        "AwsEcsTaskDefinition" => (regional("ecs", &format!("task-definition/{name}:{}", 1 + number % 30)), Value::Null),
        "AwsEksCluster" => (regional("eks", &format!("cluster/{name}")), Value::Null),
        "AwsElbv2LoadBalancer" => {
            (regional("elasticloadbalancing", &format!("loadbalancer/app/{name}/{}", short(0, 16))), Value::Null)
        }
        "AwsSnsTopic" => (regional("sns", &name), Value::Null),
        "AwsSqsQueue" => (regional("sqs", &name), Value::Null),
        "AwsSecretsManagerSecret" => {
            (regional("secretsmanager", &format!("secret:{}/{name}-{}", place.env, short(0, 6))), Value::Null)
        }
        other => {
            let service = other.strip_prefix("Aws").unwrap_or(other).to_ascii_lowercase();
            (regional(&service, &name), Value::Null)
        }
    };
    (id, tags(place, number), details)
}

/// Not every resource is tagged, and not all alike.
fn tags(place: &Place, number: usize) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let mut tag = |name: &str, value: &str| tags.insert(name.to_owned(), value.to_owned());
    if !number.is_multiple_of(5) {
        tag("team", &place.team);
        tag("env", &place.env);
    }
    if number.is_multiple_of(3) {
        tag("managed-by", "terraform");
    }
    if number.is_multiple_of(7) {
        tag("data-classification", "confidential");
    }
    tags
}
