//! Findings as the service writes them: the shape of a real consolidated control finding.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::core::catalogue::{Catalogue, Control, Standard, standard_without_prefix};
use crate::core::ids::{AccountId, Region};
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel};

use crate::wire::arn;
use crate::wire::limits::REQUIREMENTS_MAX;

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
        let requirements = known.map(|known| requirements(known, &known.standards)).unwrap_or_default();
        if !requirements.is_empty() {
            check["RelatedRequirements"] = json!(requirements);
        }
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
                "Url": remediation_url(control),
            }},
            "ProductFields": fields,
            "Resources": [resource],
            "Compliance": check,
            "RecordState": self.record.as_str(),
            "FindingProviderFields": {"Severity": severity, "Types": [TYPE]},
        })
    }
}

/// Which findings a check makes: one, or one for each standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One for all standards.
    Consolidated,
    /// The one of this standard.
    Of(Standard),
}

impl Form {
    /// The form of a control finding with this `Id`; one that says nothing of it counts as consolidated.
    pub fn of(id: &str) -> Self {
        let subscription = id.split_once(":subscription/").map(|(_, rest)| rest);
        let named = |rest: &str| {
            Standard::ALL.iter().copied().find(|standard| {
                let name = standard_without_prefix(standard.standards_id());
                rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
            })
        };
        subscription.and_then(named).map_or(Self::Consolidated, Self::Of)
    }
}

/// What customers say of a finding, and what says when it was first seen: reset when a finding is made anew.
pub const RESET: [&str; 9] = [
    "Note",
    "UserDefinedFields",
    "VerificationState",
    "Workflow",
    "Severity",
    "Confidence",
    "Criticality",
    "RelatedFindings",
    "Types",
];

/// A control finding made anew in another form at `at`: another id, nothing of what customers said. Source: the guide's
/// asff-changes-consolidation. `None`: it is no finding.
pub fn in_form(
    finding: &Value,
    form: Form,
    control: &Control,
    account: AccountId,
    region: &Region,
    uuid: &str,
    at: Timestamp,
) -> Option<Value> {
    let mut new = finding.clone();
    let members = new.as_object_mut()?;
    for name in RESET {
        members.remove(name);
    }
    let at = stamp(at);
    for name in ["CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"] {
        members.insert(name.to_owned(), at.as_str().into());
    }
    let compliance = finding.pointer("/Compliance/Status").and_then(Value::as_str).and_then(ComplianceStatus::parse);
    let severity = severity(control.id.as_str(), compliance.unwrap_or(ComplianceStatus::NotAvailable));
    let fields = members.entry("ProductFields").or_insert_with(|| json!({})).as_object_mut()?;
    fields.retain(|name, _| !OF_STANDARDS.contains(&name.as_str()) && name != "PreviousComplianceStatus");
    let (id, generator, title, kind) = match form {
        Form::Consolidated => {
            let generator = format!("security-control/{}", control.id);
            (id(region, account, control.id.as_str(), uuid), generator, control.title.to_string(), TYPE.to_owned())
        }
        Form::Of(standard) => {
            let own = *standard.own_ids(control).first()?;
            let name = standard_without_prefix(standard.standards_id());
            let (subscription, standard_arn) = (arn::subscription(standard, account, region), arn_without_region(standard));
            // CIS 1.2 was the first, and has other names for the same.
            let (generator, names) = if standard == Standard::Cis12 {
                (format!("{standard_arn}/rule/{own}"), ["StandardsGuideArn", "StandardsGuideSubscriptionArn", "RuleId"])
            } else {
                (format!("{name}/{own}"), ["StandardsArn", "StandardsSubscriptionArn", "ControlId"])
            };
            for (name, value) in names.into_iter().zip([standard_arn, subscription.clone(), own.to_owned()]) {
                fields.insert(name.to_owned(), value.into());
            }
            let control_arn = arn::standards_control(standard, own, account, region);
            fields.insert("StandardsControlArn".to_owned(), control_arn.into());
            fields.insert("RecommendationUrl".to_owned(), remediation_url(control.id.as_str()).into());
            let id = format!("{subscription}/{own}/finding/{uuid}");
            (id, generator, format!("{own} {}", control.title), format!("{TYPE}/{}", type_of(standard)))
        }
    };
    members.insert("Id".to_owned(), id.into());
    members.insert("GeneratorId".to_owned(), generator.into());
    members.insert("Title".to_owned(), title.into());
    members.insert("FindingProviderFields".to_owned(), json!({"Severity": severity, "Types": [kind]}));
    members.insert("RecordState".to_owned(), RecordState::Active.as_str().into());
    if let Some(check) = members.get_mut("Compliance") {
        match form {
            Form::Consolidated => require(check, control, &control.standards),
            Form::Of(standard) => {
                check["AssociatedStandards"] = json!([{"StandardsId": standard.standards_id()}]);
                require(check, control, &[standard]);
            }
        }
    }
    Some(new)
}

/// `Compliance.RelatedRequirements` of a control in these standards, as far as the catalogue knows them.
fn requirements(control: &Control, standards: &[Standard]) -> Vec<String> {
    standards.iter().flat_map(|standard| standard.requirements(control)).take(REQUIREMENTS_MAX).collect()
}

/// Writes `RelatedRequirements` into a `Compliance`: those of these standards, after what it has of others that the catalogue
/// does not know. Without any there is no member.
pub fn require(check: &mut Value, control: &Control, standards: &[Standard]) {
    let Some(check) = check.as_object_mut() else { return };
    let said = check.remove("RelatedRequirements");
    let said = said.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut all: Vec<String> = said.filter(|text| !Standard::is_known_requirement(text)).map(str::to_owned).collect();
    all.extend(requirements(control, standards));
    all.truncate(REQUIREMENTS_MAX);
    if !all.is_empty() {
        check.insert("RelatedRequirements".to_owned(), json!(all));
    }
}

/// What only findings of one standard have in `ProductFields`.
const OF_STANDARDS: [&str; 8] = [
    "StandardsArn",
    "StandardsSubscriptionArn",
    "ControlId",
    "StandardsGuideArn",
    "StandardsGuideSubscriptionArn",
    "RuleId",
    "StandardsControlArn",
    "RecommendationUrl",
];

/// As `ProductFields.StandardsArn` has it.
fn arn_without_region(standard: Standard) -> String {
    format!("arn:aws:securityhub:::{}", standard.standards_id())
}

/// The last part of `Types` of a standard's findings.
fn type_of(standard: Standard) -> &'static str {
    match standard {
        Standard::Fsbp => "AWS-Foundational-Security-Best-Practices",
        Standard::Cis12 | Standard::Cis14 | Standard::Cis30 | Standard::Cis50 => "CIS AWS Foundations Benchmark",
        Standard::Nist53 => "NIST-800-53",
        Standard::Nist171 => "NIST-800-171",
        Standard::Pci3 | Standard::Pci4 => "PCI-DSS",
        Standard::Tagging => "AWS-Resource-Tagging-Standard",
    }
}

/// Where AWS says how a control is met.
pub fn remediation_url(control: &str) -> String {
    format!("https://docs.aws.amazon.com/console/securityhub/{control}/remediation")
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
