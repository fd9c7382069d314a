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
        match doc.control_id() {
            Some(control) => {
                let control = control.to_ascii_lowercase();
                let mut resources: Vec<(&str, &str)> = doc.resources.iter().map(|r| (&*r.id, &*r.kind)).collect();
                resources.sort_unstable();
                resources.dedup();
                let global = !resources.is_empty() && resources.iter().all(|(_, kind)| is_global(kind));
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

/// Whether resources of this ASFF type exist once for all Regions: the service then makes one finding per enabled Region.
pub fn is_global(resource_type: &str) -> bool {
    const PREFIXES: [&str; 6] =
        ["AwsIam", "AwsCloudFront", "AwsRoute53HostedZone", "AwsRoute53Domain", "AwsGlobalAccelerator", "AwsOrganizations"];
    const CLASSIC_WAF: [&str; 4] = ["AwsWafWebAcl", "AwsWafRule", "AwsWafRuleGroup", "AwsWafRateBasedRule"];
    resource_type == "AwsAccount"
        || PREFIXES.iter().any(|prefix| resource_type.starts_with(prefix))
        || CLASSIC_WAF.contains(&resource_type)
}
