//! Parameters of controls: names, types, bounds and defaults. Source: the guide's pages of controls, "Parameters"; what it calls
//! not customizable is left out. Of EFS.8 and RDS.36, which take parameters too, the names are not known here.

use super::{Control, Standard};

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// In AWS's spelling.
    pub name: &'static str,
    /// What it says.
    pub about: &'static str,
    /// Its type, with what a custom value may be.
    pub kind: ParameterKind,
}

/// Type and bounds; without a default the control does not look at it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum ParameterKind {
    Integer { default: Option<i64>, min: i64, max: i64 },
    IntegerList { default: Option<&'static [i64]>, min: i64, max: i64, max_items: usize },
    Double { default: Option<f64>, min: f64, max: f64 },
    String { default: Option<&'static str>, pattern: &'static str, about: &'static str },
    StringList { pattern: &'static str, max_items: usize, about: &'static str },
    Boolean { default: Option<bool> },
    Enum { default: Option<&'static str>, allowed: &'static [&'static str] },
    EnumList { default: Option<&'static [&'static str]>, allowed: &'static [&'static str], max_items: usize },
}

impl Control {
    /// Its parameters; none for most.
    pub fn parameters(&self) -> &'static [Parameter] {
        if !self.custom_parameters {
            return &[];
        }
        let own = TABLE.iter().find(|(id, _)| id.eq_ignore_ascii_case(self.id.as_str())).map(|(_, parameters)| *parameters);
        own.unwrap_or(if self.standards.contains(&Standard::Tagging) { TAGS } else { &[] })
    }
}

const fn integer(name: &'static str, about: &'static str, default: Option<i64>, min: i64, max: i64) -> Parameter {
    Parameter { name, about, kind: ParameterKind::Integer { default, min, max } }
}

const fn boolean(name: &'static str, about: &'static str, default: Option<bool>) -> Parameter {
    Parameter { name, about, kind: ParameterKind::Boolean { default } }
}

const fn choice(
    name: &'static str,
    about: &'static str,
    default: Option<&'static str>,
    allowed: &'static [&'static str],
) -> Parameter {
    Parameter { name, about, kind: ParameterKind::Enum { default, allowed } }
}

const fn choices(
    name: &'static str,
    about: &'static str,
    default: Option<&'static [&'static str]>,
    allowed: &'static [&'static str],
) -> Parameter {
    Parameter { name, about, kind: ParameterKind::EnumList { default, allowed, max_items: allowed.len() } }
}

const fn texts(
    name: &'static str,
    about: &'static str,
    pattern: &'static str,
    max_items: usize,
    form: &'static str,
) -> Parameter {
    Parameter { name, about, kind: ParameterKind::StringList { pattern, max_items, about: form } }
}

/// Every control of the tagging standard takes this one.
const TAGS: &[Parameter] = &[texts(
    "requiredTagKeys",
    "Tag keys that the resource must have, in this case of letters; tags of the system do not count",
    r"^[\w .:/=+@-]{1,128}$",
    6,
    "1 to 128 letters, digits, spaces and any of _.:/=+@-",
)];

const AZ: &[Parameter] =
    &[choice("minAvailabilityZones", "The fewest Availability Zones", Some("2"), &["2", "3", "4", "5", "6"])];
const VAULT_LOCK: &[Parameter] =
    &[boolean("backupVaultLockCheck", "Whether only backups in a vault with Vault Lock count", None)];
const RETENTION: &[Parameter] =
    &[integer("minimumBackupRetentionPeriod", "The fewest days that backups are kept", Some(7), 7, 35)];
const VPCS: &[Parameter] =
    &[texts("vpcIds", "The VPCs that need the endpoint; absent: any", "^vpc-([0-9a-f]{8}|[0-9a-f]{17})$", 10, "ids of VPCs")];
const KEYS_FORM: &str = "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$";
const KEYS: &[Parameter] = &[texts("kmsKeyArns", "The keys that may be used; absent: any", KEYS_FORM, 10, "ARNs of KMS keys")];
const LAKE_KEYS: &[Parameter] =
    &[texts("kmsKeyArns", "The keys that may be used; absent: any", KEYS_FORM, 3, "ARNs of KMS keys")];

#[rustfmt::skip] // a table
const TABLE: &[(&str, &[Parameter])] = &[
    ("ACM.1", &[integer("daysToExpiration", "Days before its end by which a certificate must be renewed", Some(30), 14, 365)]),
    ("APIGateway.1", &[choice("loggingLevel", "The logging level", None, &["ERROR", "INFO"])]),
    ("APIGateway.8", &[choice("authorizationType", "The authorization type of a route", None, &["AWS_IAM", "CUSTOM", "JWT"])]),
    ("AppSync.2", &[choice("fieldLoggingLevel", "The logging level of fields", None, &["ERROR", "ALL"])]),
    ("AutoScaling.2", AZ),
    ("CloudTrail.10", LAKE_KEYS),
    ("CloudWatch.15", &[
        boolean("insufficientDataActionRequired", "Whether an action is needed for INSUFFICIENT_DATA", Some(false)),
        boolean("okActionRequired", "Whether an action is needed for OK", Some(false)),
    ]),
    ("CloudWatch.16", &[choice("minRetentionTime", "The fewest days that logs are kept", Some("365"), &["365", "400", "545", "731", "1827", "3653"])]),
    ("Cognito.1", &[choice("SecurityMode", "The mode of threat protection", Some("ENFORCED"), &["AUDIT", "ENFORCED"])]),
    ("Cognito.3", &[
        integer("minLength", "The fewest characters of a password", Some(8), 8, 128),
        boolean("requireLowercase", "Whether a password needs a lower case letter", Some(true)),
        boolean("requireNumbers", "Whether a password needs a digit", Some(true)),
        boolean("requireSymbols", "Whether a password needs a symbol", Some(true)),
        boolean("requireUppercase", "Whether a password needs an upper case letter", Some(true)),
        integer("temporaryPasswordValidity", "The most days that a temporary password is good for", Some(7), 7, 365),
    ]),
    ("Config.1", &[boolean("includeConfigServiceLinkedRoleCheck", "Whether the service-linked role is asked for", Some(true))]),
    ("DocumentDB.2", RETENTION),
    ("DynamoDB.1", &[
        integer("minProvisionedReadCapacity", "The fewest read units of auto scaling", None, 1, 40_000),
        integer("minProvisionedWriteCapacity", "The fewest write units of auto scaling", None, 1, 40_000),
        integer("targetReadUtilization", "Percent of the read units that are to be used", None, 20, 90),
        integer("targetWriteUtilization", "Percent of the write units that are to be used", None, 20, 90),
    ]),
    ("DynamoDB.4", VAULT_LOCK),
    ("EC2.4", &[integer("AllowedDays", "The most days that an instance may be stopped", Some(30), 1, 365)]),
    ("EC2.18", &[
        Parameter { name: "authorizedTcpPorts", about: "TCP ports that may be open to all", kind: ParameterKind::IntegerList { default: Some(&[80, 443]), min: 1, max: 65_535, max_items: 32 } },
        Parameter { name: "authorizedUdpPorts", about: "UDP ports that may be open to all", kind: ParameterKind::IntegerList { default: None, min: 1, max: 65_535, max_items: 32 } },
    ]),
    ("EC2.28", VAULT_LOCK),
    ("EC2.55", VPCS),
    ("EC2.56", VPCS),
    ("EC2.57", VPCS),
    ("EC2.58", VPCS),
    ("EC2.60", VPCS),
    ("EC2.172", &[choice("vpcBpaInternetGatewayBlockMode", "The mode of blocking", None, &["block-bidirectional", "block-ingress"])]),
    ("ECR.5", KEYS),
    ("ElastiCache.1", &[integer("snapshotRetentionPeriod", "The fewest days that snapshots are kept", Some(1), 1, 35)]),
    ("ElasticBeanstalk.2", &[choice("UpdateLevel", "The level of updates", None, &["minor", "patch"])]),
    ("ElasticBeanstalk.3", &[choice("RetentionInDays", "Days that logs are kept", None, &[
        "1", "3", "5", "7", "14", "30", "60", "90", "120", "150", "180", "365", "400", "545", "731", "1827", "3653",
    ])]),
    ("ELB.10", AZ),
    ("ELB.13", AZ),
    ("FSx.4", &[choices("deploymentTypes", "The types of deployment that are good", Some(&["MULTI_AZ_1", "MULTI_AZ_2"]), &["MULTI_AZ_1", "MULTI_AZ_2"])]),
    ("IAM.7", &[
        integer("MaxPasswordAge", "The most days that a password is good for", None, 1, 90),
        integer("MinimumPasswordLength", "The fewest characters of a password", Some(8), 8, 128),
        integer("PasswordReusePrevention", "How many earlier passwords may not come back", None, 12, 24),
        boolean("RequireLowercaseCharacters", "Whether a password needs a lower case letter", Some(true)),
        boolean("RequireNumbers", "Whether a password needs a digit", Some(true)),
        boolean("RequireSymbols", "Whether a password needs a symbol", Some(true)),
        boolean("RequireUppercaseCharacters", "Whether a password needs an upper case letter", Some(true)),
    ]),
    ("Kinesis.3", &[Parameter {
        name: "minimumBackupRetentionPeriod",
        about: "The fewest hours that data are kept",
        kind: ParameterKind::String {
            default: Some("168"),
            pattern: "^(2[4-9]|[3-9][0-9]|[1-9][0-9]{2}|[1-7][0-9]{3}|8[0-6][0-9]{2}|87[0-5][0-9]|8760)$",
            about: "24 to 8760",
        },
    }]),
    ("Lambda.5", &[choice("availabilityZones", "The fewest Availability Zones", Some("2"), &["2", "3", "4", "5", "6"])]),
    ("Neptune.5", RETENTION),
    ("RDS.6", &[choice("monitoringInterval", "Seconds between two measurements", None, &["1", "5", "10", "15", "30", "60"])]),
    ("RDS.11", &[integer("backupRetentionMinimum", "The fewest days that backups are kept", Some(7), 7, 35)]),
    ("RDS.14", &[Parameter { name: "BacktrackWindowInHours", about: "Hours that a cluster can go back", kind: ParameterKind::Double { default: None, min: 0.1, max: 72.0 } }]),
    ("RDS.26", VAULT_LOCK),
    ("RDS.40", &[choices("logTypes", "The logs to be published", Some(&["agent", "error"]), &["agent", "error"])]),
    ("RDS.42", &[choices("logTypes", "The logs to be published", Some(&["audit", "error"]), &["audit", "error", "general", "slowquery"])]),
    ("RDS.50", RETENTION),
    ("Redshift.3", &[integer("MinRetentionPeriod", "The fewest days that snapshots are kept", Some(7), 7, 35)]),
    ("RedshiftServerless.4", KEYS),
    ("S3.11", &[choices("eventTypes", "The events that are asked for", None, &[
        "s3:IntelligentTiering", "s3:LifecycleExpiration:*", "s3:LifecycleExpiration:Delete", "s3:LifecycleExpiration:DeleteMarkerCreated",
        "s3:LifecycleTransition", "s3:ObjectAcl:Put", "s3:ObjectCreated:*", "s3:ObjectCreated:CompleteMultipartUpload",
        "s3:ObjectCreated:Copy", "s3:ObjectCreated:Post", "s3:ObjectCreated:Put", "s3:ObjectRemoved:*", "s3:ObjectRemoved:Delete",
        "s3:ObjectRemoved:DeleteMarkerCreated", "s3:ObjectRestore:*", "s3:ObjectRestore:Completed", "s3:ObjectRestore:Delete",
        "s3:ObjectRestore:Post", "s3:ObjectTagging:*", "s3:ObjectTagging:Delete", "s3:ObjectTagging:Put", "s3:ReducedRedundancyLostObject",
        "s3:Replication:*", "s3:Replication:OperationFailedReplication", "s3:Replication:OperationMissedThreshold",
        "s3:Replication:OperationNotTracked", "s3:Replication:OperationReplicatedAfterThreshold", "s3:TestEvent",
    ])]),
    ("S3.13", &[
        integer("targetExpirationDays", "Days until an object expires", None, 1, 36_500),
        integer("targetTransitionDays", "Days until an object changes its class", None, 1, 36_500),
        choices("targetTransitionStorageClass", "The classes that an object may change to", None, &[
            "STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE",
        ]),
    ]),
    ("S3.15", &[choice("mode", "The mode of retention", None, &["GOVERNANCE", "COMPLIANCE"])]),
    ("S3.25", &[integer("targetExpirationDays", "Days until an object expires", None, 1, 2_147_483_647)]),
    ("SecretsManager.1", &[integer("maximumAllowedRotationFrequency", "The most days between two rotations", None, 1, 365)]),
    ("SecretsManager.3", &[integer("unusedForDays", "The most days that a secret may be unused", Some(90), 1, 365)]),
    ("SecretsManager.4", &[integer("maxDaysSinceRotation", "The most days since the last rotation", Some(90), 1, 180)]),
    ("StepFunctions.1", &[choice("logLevel", "The lowest logging level", None, &["ALL", "ERROR", "FATAL"])]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Catalogue;
    use super::*;

    #[test]
    fn every_control_that_takes_parameters_has_them_but_two() {
        let controls = Catalogue::built_in().controls();
        let without: Vec<&str> = controls
            .iter()
            .filter(|control| control.custom_parameters && control.parameters().is_empty())
            .map(|control| control.id.as_str())
            .collect();
        assert_eq!(without, ["EFS.8", "RDS.36"]);
        for (id, _) in TABLE {
            assert!(Catalogue::built_in().get(id).is_some_and(|control| control.custom_parameters), "{id}");
        }
        assert_eq!(TABLE.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len(), TABLE.len(), "an id is there twice");
        assert_eq!(Catalogue::built_in().get("Kinesis.2").unwrap().parameters()[0].name, "requiredTagKeys");
        assert!(Catalogue::built_in().get("EC2.13").unwrap().parameters().is_empty());
    }

    #[test]
    fn defaults_are_values_that_one_might_choose() {
        for (id, parameters) in TABLE {
            for parameter in *parameters {
                let fits = match parameter.kind {
                    ParameterKind::Integer { default, min, max } => default.is_none_or(|value| (min..=max).contains(&value)),
                    ParameterKind::IntegerList { default, min, max, max_items } => {
                        default.is_none_or(|all| all.len() <= max_items && all.iter().all(|value| (min..=max).contains(value)))
                    }
                    ParameterKind::Double { default, min, max } => default.is_none_or(|value| (min..=max).contains(&value)),
                    ParameterKind::Enum { default, allowed } => default.is_none_or(|value| allowed.contains(&value)),
                    ParameterKind::EnumList { default, allowed, .. } => {
                        default.is_none_or(|all| all.iter().all(|value| allowed.contains(value)))
                    }
                    ParameterKind::String { .. } | ParameterKind::StringList { .. } | ParameterKind::Boolean { .. } => true,
                };
                assert!(fits, "{id} {}", parameter.name);
            }
        }
    }
}
