//! Findings as the service writes them: the shape of a real consolidated control finding.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::catalogue::{Catalogue, Standard};
use crate::core::ids::{AccountId, Region};
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel};

use super::clock::stamp;

/// `Types` of control findings.
const TYPE: &str = "Software and Configuration Checks/Industry and Regulatory Standards";

/// What a control finding is about.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlFinding {
    /// Owner.
    pub account: AccountId,
    /// The recording Region.
    pub region: Region,
    /// `S3.8`; one that the catalogue does not know is rated MEDIUM.
    pub control: String,
    /// The last part of the `Id`.
    pub uuid: String,
    /// ASFF type: `AwsS3Bucket`.
    pub resource_type: String,
    /// Mostly an ARN.
    pub resource: String,
    /// `Resources[0].Tags`; none: no member.
    pub tags: BTreeMap<String, String>,
    /// `Resources[0].Details`; null: no member.
    pub details: Value,
    /// What the check says.
    pub compliance: ComplianceStatus,
    /// Active or archived.
    pub record: RecordState,
    /// First seen.
    pub created: Timestamp,
    /// Last checked.
    pub updated: Timestamp,
}

impl ControlFinding {
    /// A failing one with the least that it needs.
    pub fn failed(account: AccountId, region: Region, control: &str, resource_type: &str, resource: &str, at: Timestamp) -> Self {
        // The same problem always gets the same id, as long as nobody asks for another.
        let digest =
            crate::wire::sigv4::hex(&crate::wire::sigv4::sha256(format!("{account} {region} {control} {resource}").as_bytes()));
        let part = |from: usize, to: usize| digest.get(from..to).unwrap_or_default();
        Self {
            account,
            region,
            control: control.to_owned(),
            uuid: format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32)),
            resource_type: resource_type.to_owned(),
            resource: resource.to_owned(),
            tags: BTreeMap::new(),
            details: Value::Null,
            compliance: ComplianceStatus::Failed,
            record: RecordState::Active,
            created: at,
            updated: at,
        }
    }

    /// `ProductArn`.
    pub fn product_arn(&self) -> String {
        format!("arn:aws:securityhub:{}::product/aws/securityhub", self.region)
    }

    /// `Id`.
    pub fn id(&self) -> String {
        id(&self.region, self.account, &self.control, &self.uuid)
    }

    /// The finding.
    pub fn document(&self) -> Value {
        let Self { account, region, control, compliance, .. } = self;
        let known = Catalogue::built_in().get(control);
        let title = known.map_or_else(|| format!("Control {control} should pass"), |known| known.title.to_string());
        let standards: Vec<Value> = known
            .map(|known| known.standards.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|standard: &Standard| json!({"StandardsId": standard.standards_id()}))
            .collect();
        let config_rule = known.and_then(|known| known.config_rule.as_deref());
        let (created, updated) = (stamp(self.created), stamp(self.updated));
        let mut resource = json!({
            "Type": self.resource_type, "Id": self.resource, "Partition": "aws", "Region": region,
        });
        if !self.tags.is_empty() {
            resource["Tags"] = json!(self.tags);
        }
        if !self.details.is_null() {
            resource["Details"] = self.details.clone();
        }
        let mut fields = json!({
            "Resources:0/Id": self.resource,
            "aws/securityhub/annotation": annotation(*compliance, control),
        });
        if let Some(rule) = config_rule {
            let suffix = self.uuid.get(..8).unwrap_or_default();
            fields["RelatedAWSResources:0/name"] = format!("securityhub-{rule}-{suffix}").into();
            fields["RelatedAWSResources:0/type"] = "AWS::Config::ConfigRule".into();
        }
        let mut check = json!({"Status": compliance.as_str(), "SecurityControlId": control, "AssociatedStandards": standards});
        if *compliance == ComplianceStatus::Warning {
            check["StatusReasons"] = json!([{
                "ReasonCode": "CONFIG_RULE_EVALUATION_ERROR",
                "Description": "AWS Config could not evaluate the rule for this resource.",
            }]);
        }
        let severity = severity(control, *compliance);
        json!({
            "SchemaVersion": "2018-10-08",
            "Id": self.id(),
            "ProductArn": self.product_arn(),
            "ProductName": "Security Hub",
            "CompanyName": "AWS",
            "Region": region,
            "GeneratorId": format!("security-control/{control}"),
            "AwsAccountId": account,
            "Types": [TYPE],
            "FirstObservedAt": created,
            "LastObservedAt": updated,
            "CreatedAt": created,
            "UpdatedAt": updated,
            "Title": title,
            "Description": format!("This control checks the following: {title}. The control fails if the resource does not comply."),
            "Remediation": {"Recommendation": {
                "Text": "For information on how to correct this issue, consult the AWS Security Hub controls documentation.",
                "Url": format!("https://docs.aws.amazon.com/console/securityhub/{control}/remediation"),
            }},
            "ProductFields": fields,
            "Resources": [resource],
            "Compliance": check,
            "RecordState": self.record.as_str(),
            "FindingProviderFields": {"Severity": severity, "Types": [TYPE]},
        })
    }
}

/// `Id` of a consolidated control finding.
pub fn id(region: &Region, account: AccountId, control: &str, uuid: &str) -> String {
    format!("arn:aws:securityhub:{region}:{account}:security-control/{control}/finding/{uuid}")
}

/// A check that does not fail is INFORMATIONAL, whatever the control's rating is.
pub fn severity(control: &str, compliance: ComplianceStatus) -> Value {
    let rating = Catalogue::built_in().get(control).map_or(SeverityLabel::Medium, |control| control.severity);
    let label = if compliance == ComplianceStatus::Failed { rating } else { SeverityLabel::Informational };
    json!({"Label": label.as_str(), "Original": label.as_str()})
}

fn annotation(compliance: ComplianceStatus, control: &str) -> String {
    match compliance {
        ComplianceStatus::Passed => format!("The resource complies with {control}."),
        ComplianceStatus::Failed => format!("The resource does not comply with {control}."),
        ComplianceStatus::Warning => "The check could not tell.".to_owned(),
        ComplianceStatus::NotAvailable => "The check could not run.".to_owned(),
    }
}
