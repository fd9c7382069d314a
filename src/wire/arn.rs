//! Security Hub's ARNs of hubs, standards, controls and aggregators. Partition `aws`. Source: the service's model and its guide.

use crate::core::catalogue::{Standard, standard_without_prefix};
use crate::core::ids::{AccountId, Region};

/// Where an ARN leads: an account's hub in a Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Whose.
    pub account: AccountId,
    /// In which Region.
    pub region: Region,
}

/// `arn:aws:securityhub:R:A:hub/default`.
pub fn hub(account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:hub/default")
}

/// The ARN of a standard in a Region; that of CIS 1.2 has none.
pub fn standard(standard: Standard, region: &Region) -> String {
    let id = standard.standards_id();
    if id.starts_with("ruleset/") { format!("arn:aws:securityhub:::{id}") } else { format!("arn:aws:securityhub:{region}::{id}") }
}

/// The standard of this ARN, if it is one of this Region.
pub fn read_standard(arn: &str, region: &Region) -> Option<Standard> {
    Standard::ALL.iter().copied().find(|known| standard(*known, region) == arn)
}

/// `arn:aws:securityhub:R:A:subscription/<standard>/v/<version>`.
pub fn subscription(of: Standard, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:subscription/{}", standard_without_prefix(of.standards_id()))
}

/// The standard of a subscription's ARN, and whose it is. `None`: no such ARN, or of a standard that nobody knows.
pub fn read_subscription(arn: &str) -> Option<(Place, Standard)> {
    let (place, rest) = read(arn)?;
    Some((place, named(rest.strip_prefix("subscription/")?)?))
}

/// `arn:aws:securityhub:R:A:control/<standard>/v/<version>/<id in the standard>`.
pub fn standards_control(of: Standard, own_id: &str, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:control/{}/{own_id}", standard_without_prefix(of.standards_id()))
}

/// Standard and the control's id in it, and whose.
pub fn read_standards_control(arn: &str) -> Option<(Place, Standard, &str)> {
    let (place, rest) = read(arn)?;
    let (standard, own_id) = rest.strip_prefix("control/")?.rsplit_once('/')?;
    Some((place, named(standard)?, own_id))
}

/// `arn:aws:securityhub:R:A:security-control/S3.8`.
pub fn security_control(id: &str, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:security-control/{id}")
}

/// The id of a security control's ARN, and whose.
pub fn read_security_control(arn: &str) -> Option<(Place, &str)> {
    let (place, rest) = read(arn)?;
    Some((place, rest.strip_prefix("security-control/").filter(|id| !id.is_empty() && !id.contains('/'))?))
}

/// `arn:aws:securityhub:R:A:automation-rule/<id>`.
pub fn automation_rule(id: &str, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:automation-rule/{id}")
}

/// `arn:aws:securityhub:R::product/aws/guardduty`.
pub fn product(path: &str, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}::product/{path}")
}

/// `arn:aws:securityhub:R:A:product-subscription/aws/guardduty`.
pub fn product_subscription(path: &str, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:product-subscription/{path}")
}

/// `arn:aws:securityhub:R:A:action/custom/<id>`.
pub fn action_target(id: &str, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:action/custom/{id}")
}

/// `arn:aws:securityhub:R:A:insight/A/custom/<id>`.
pub fn insight(id: &str, account: AccountId, region: &Region) -> String {
    format!("arn:aws:securityhub:{region}:{account}:insight/{account}/custom/{id}")
}

/// `arn:aws:securityhub:R:A:finding-aggregator/<id>`; its Region is the home Region.
pub fn finding_aggregator(id: &str, account: AccountId, home: &Region) -> String {
    format!("arn:aws:securityhub:{home}:{account}:finding-aggregator/{id}")
}

/// The id of a finding aggregator's ARN, and whose.
pub fn read_finding_aggregator(arn: &str) -> Option<(Place, &str)> {
    let (place, rest) = read(arn)?;
    Some((place, rest.strip_prefix("finding-aggregator/").filter(|id| !id.is_empty() && !id.contains('/'))?))
}

/// Whose, and which resource: `hub/default`, `automation-rule/<id>`. `None`: no ARN of Security Hub.
pub fn read(arn: &str) -> Option<(Place, &str)> {
    let mut parts = arn.strip_prefix("arn:aws:securityhub:")?.splitn(3, ':');
    let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some((Place { account, region }, parts.next()?))
}

/// The standard of a name and version: `pci-dss/v/4.0.1`.
fn named(name: &str) -> Option<Standard> {
    Standard::ALL.iter().copied().find(|known| standard_without_prefix(known.standards_id()) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_read_as_they_are_written() {
        let (account, region): (AccountId, Region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let place = Place { account, region: region.clone() };
        for known in Standard::ALL {
            assert_eq!(read_standard(&standard(*known, &region), &region), Some(*known));
            assert_eq!(read_subscription(&subscription(*known, account, &region)), Some((place.clone(), *known)));
            let arn = standards_control(*known, "1.1", account, &region);
            assert_eq!(read_standards_control(&arn), Some((place.clone(), *known, "1.1")));
        }
        assert_eq!(
            standard(Standard::Fsbp, &region),
            "arn:aws:securityhub:eu-west-1::standards/aws-foundational-security-best-practices/v/1.0.0"
        );
        assert_eq!(standard(Standard::Cis12, &region), "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0");
        assert_eq!(
            standards_control(Standard::Cis12, "1.1", account, &region),
            "arn:aws:securityhub:eu-west-1:111122223333:control/cis-aws-foundations-benchmark/v/1.2.0/1.1"
        );
        assert_eq!(read_security_control(&security_control("S3.8", account, &region)), Some((place.clone(), "S3.8")));
        assert_eq!(read_finding_aggregator(&finding_aggregator("local", account, &region)), Some((place, "local")));
    }

    #[test]
    fn what_is_no_arn_is_none() {
        let region: Region = "eu-west-1".parse().unwrap();
        for bad in [
            "",
            "arn:aws:securityhub",
            "arn:aws:securityhub:eu-west-1:1:subscription/pci-dss/v/4.0.1",
            "arn:aws:securityhub:eu-west-1:111122223333:subscription/pci-dss/v/9",
            "arn:aws:securityhub:eu-west-1:111122223333:security-control/",
        ] {
            assert_eq!(read_subscription(bad), None, "{bad}");
            assert_eq!(read_security_control(bad), None, "{bad}");
            assert_eq!(read_finding_aggregator(bad), None, "{bad}");
        }
        let elsewhere = "arn:aws:securityhub:us-east-1::standards/pci-dss/v/4.0.1";
        assert_eq!(read_standard(elsewhere, &region), None);
    }
}
