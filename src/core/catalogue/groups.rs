//! Named groups of controls that everybody would otherwise list by hand. Where a category says the same, the group follows it;
//! AWS files many controls under neighbouring categories, so the rest is named one by one.

use super::{Catalogue, Control};

/// A group of this build.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltInGroup {
    /// As `groups` in a match names it.
    pub name: &'static str,
    /// What is in it, for people.
    pub about: &'static str,
    categories: &'static [&'static str],
    controls: &'static [&'static str],
}

impl BuiltInGroup {
    /// Its controls, in the order of AWS's reference.
    pub fn controls<'a>(&'a self, catalogue: &'a Catalogue) -> impl Iterator<Item = &'a Control> {
        catalogue.controls().iter().filter(|control| {
            self.controls.iter().any(|id| id.eq_ignore_ascii_case(control.id.as_str()))
                || self.categories.iter().any(|category| control.category_matches(category))
        })
    }

    /// Ids that it names one by one.
    #[cfg(test)]
    pub(super) fn named(&self) -> (&'static [&'static str], &'static [&'static str]) {
        (self.categories, self.controls)
    }
}

const fn group(
    name: &'static str,
    about: &'static str,
    categories: &'static [&'static str],
    controls: &'static [&'static str],
) -> BuiltInGroup {
    BuiltInGroup { name, about, categories, controls }
}

/// Every group of this build, by name.
pub const BUILT_IN_GROUPS: &[BuiltInGroup] = &[
    group(
        "backup-and-recovery",
        "backups, point-in-time recovery, object versions and replicas",
        &["Backups enabled"],
        &["S3.7", "S3.14"],
    ),
    group(
        "cis-alarms",
        "the log metric filters and alarms of the CIS benchmarks",
        &[],
        &[
            "CloudWatch.1",
            "CloudWatch.2",
            "CloudWatch.3",
            "CloudWatch.4",
            "CloudWatch.5",
            "CloudWatch.6",
            "CloudWatch.7",
            "CloudWatch.8",
            "CloudWatch.9",
            "CloudWatch.10",
            "CloudWatch.11",
            "CloudWatch.12",
            "CloudWatch.13",
            "CloudWatch.14",
        ],
    ),
    group(
        "credentials-in-code",
        "secrets in source URLs, build variables and container definitions",
        &["Credentials not hard-coded"],
        &["CodeBuild.1", "CodeBuild.2", "ECS.8"],
    ),
    group(
        "deletion-protection",
        "what keeps data and infrastructure from being deleted by accident",
        &["Data deletion protection"],
        &["ELB.6", "NetworkFirewall.9"],
    ),
    group("encryption-at-rest", "stored data is encrypted", &["Encryption of data at rest"], &[]),
    group(
        "encryption-in-transit",
        "data on the wire is encrypted: TLS, HTTPS, encrypted traffic between nodes",
        &["Encryption of data in transit"],
        &["APIGateway.2", "ELB.1", "S3.5"],
    ),
    group("high-availability", "several Availability Zones, failover, health checks", &["High availability"], &[]),
    group(
        "iam-hygiene",
        "IAM users, keys, passwords and policies of an account, the root user left out (see root-account)",
        &["Secure IAM policies"],
        &[
            "IAM.1", "IAM.2", "IAM.3", "IAM.5", "IAM.7", "IAM.8", "IAM.10", "IAM.11", "IAM.12", "IAM.13", "IAM.14", "IAM.15",
            "IAM.16", "IAM.17", "IAM.18", "IAM.19", "IAM.21", "IAM.22", "IAM.26", "IAM.27", "IAM.28",
        ],
    ),
    group("instance-metadata", "IMDSv2 is required", &[], &["AutoScaling.3", "EC2.8", "EC2.170"]),
    group("logging", "logs, traces and event notifications are switched on", &["Logging"], &[]),
    group(
        "multi-factor-authentication",
        "a second factor for the root user, users and destructive operations",
        &["Multi-factor authentication"],
        &["IAM.5", "IAM.6", "IAM.9", "IAM.19", "S3.20"],
    ),
    group(
        "network-exposure",
        "security groups and network ACLs that let anybody in",
        &["Security group configuration", "Restricted network access"],
        &["EC2.2", "EC2.13", "EC2.14", "EC2.18", "EC2.19", "EC2.21", "EC2.53", "EC2.54", "Redshift.15"],
    ),
    group(
        "password-policy",
        "length, make-up, reuse and age of passwords",
        &[],
        &["Cognito.3", "IAM.7", "IAM.10", "IAM.11", "IAM.12", "IAM.13", "IAM.14", "IAM.15", "IAM.16", "IAM.17"],
    ),
    group(
        "patching",
        "supported versions, updates and vulnerability scans",
        &["Vulnerability, patch, and version management"],
        &["Lambda.2", "SSM.2"],
    ),
    group(
        "public-exposure",
        "what anybody on the internet can reach, read or restore",
        &["Resources not publicly accessible", "Resource not publicly accessible", "Public IP addresses"],
        &[
            "Autoscaling.5",
            "CloudTrail.6",
            "DMS.1",
            "DocumentDB.3",
            "EC2.1",
            "EC2.9",
            "EC2.13",
            "EC2.14",
            "EC2.15",
            "EC2.18",
            "EC2.19",
            "EC2.21",
            "EC2.53",
            "EC2.54",
            "EMR.1",
            "ES.2",
            "Lambda.1",
            "Opensearch.2",
            "RDS.1",
            "RDS.2",
            "Redshift.15",
            "S3.1",
            "S3.2",
            "S3.3",
            "S3.8",
            "SageMaker.1",
        ],
    ),
    group("root-account", "the root user: access keys, second factor, use", &[], &["CloudWatch.1", "IAM.4", "IAM.6", "IAM.9"]),
    group(
        "secret-rotation",
        "keys and secrets are rotated, and unused ones removed",
        &[],
        &["IAM.3", "KMS.4", "SecretsManager.1", "SecretsManager.2", "SecretsManager.3", "SecretsManager.4"],
    ),
    group("tagging", "resources carry the tags you require", &["Tagging"], &[]),
    group(
        "threat-detection",
        "GuardDuty, Inspector and Macie are switched on, with their protections",
        &[],
        &[
            "GuardDuty.1",
            "GuardDuty.5",
            "GuardDuty.6",
            "GuardDuty.7",
            "GuardDuty.8",
            "GuardDuty.9",
            "GuardDuty.10",
            "GuardDuty.11",
            "GuardDuty.12",
            "GuardDuty.13",
            "Inspector.1",
            "Inspector.2",
            "Inspector.3",
            "Inspector.4",
            "Macie.1",
            "Macie.2",
        ],
    ),
];
