//! Every attribute that GetFindings filters by, with its kind and its place in a finding.
//!
//! Names and kinds: the shape `AwsSecurityFindingFilters` of the API model (SDK 1.137). Places: the shape `AwsSecurityFinding`.
//! The model does not tie the two together; the names do, and the few that do not say it are: `Type` is `Types[]`,
//! `ResourceDetailsOther` is `Details.Other`, `Keyword` is the whole finding.

use std::fmt;

/// How the values of a field are asked for: which shape its filters have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// `{Value, Comparison}`.
    String,
    /// `{Key, Value, Comparison}`.
    Map,
    /// `{Start, End}` or `{DateRange: {Value, Unit, Comparison}}`.
    Date,
    /// `{Eq, Gte, Lte, Gt, Lt}`.
    Number,
    /// `{Cidr}`.
    Ip,
    /// `{Value: true or false}`.
    Boolean,
    /// `{Value}`, looked for in every text of the finding. AWS calls it deprecated.
    Keyword,
}

/// A field that GetFindings can filter by: an index into the table of all of them, in the order of the API model.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(pub(super) u8);

struct Row {
    name: &'static str,
    kind: FieldKind,
    path: &'static str,
}

macro_rules! fields {
    ($($constant:ident = $kind:ident $name:literal $path:literal;)+) => {
        /// Numbers the rows.
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "constants spelt like the API")]
        enum Number { $($constant),+ }

        impl Field {
            $(
                #[doc = concat!("`", $name, "`: `", $path, "` of a finding.")]
                pub const $constant: Self = Self(Number::$constant as u8);
            )+
        }

        const ROWS: &[Row] = &[$(Row { name: $name, kind: FieldKind::$kind, path: $path }),+];
    };
}

fields! {
    PRODUCT_ARN = String "ProductArn" "ProductArn";
    AWS_ACCOUNT_ID = String "AwsAccountId" "AwsAccountId";
    ID = String "Id" "Id";
    GENERATOR_ID = String "GeneratorId" "GeneratorId";
    REGION = String "Region" "Region";
    TYPE = String "Type" "Types[]";
    FIRST_OBSERVED_AT = Date "FirstObservedAt" "FirstObservedAt";
    LAST_OBSERVED_AT = Date "LastObservedAt" "LastObservedAt";
    CREATED_AT = Date "CreatedAt" "CreatedAt";
    UPDATED_AT = Date "UpdatedAt" "UpdatedAt";
    SEVERITY_PRODUCT = Number "SeverityProduct" "Severity.Product";
    SEVERITY_NORMALIZED = Number "SeverityNormalized" "Severity.Normalized";
    SEVERITY_LABEL = String "SeverityLabel" "Severity.Label";
    CONFIDENCE = Number "Confidence" "Confidence";
    CRITICALITY = Number "Criticality" "Criticality";
    TITLE = String "Title" "Title";
    DESCRIPTION = String "Description" "Description";
    RECOMMENDATION_TEXT = String "RecommendationText" "Remediation.Recommendation.Text";
    SOURCE_URL = String "SourceUrl" "SourceUrl";
    PRODUCT_FIELDS = Map "ProductFields" "ProductFields";
    PRODUCT_NAME = String "ProductName" "ProductName";
    COMPANY_NAME = String "CompanyName" "CompanyName";
    USER_DEFINED_FIELDS = Map "UserDefinedFields" "UserDefinedFields";
    MALWARE_NAME = String "MalwareName" "Malware[].Name";
    MALWARE_TYPE = String "MalwareType" "Malware[].Type";
    MALWARE_PATH = String "MalwarePath" "Malware[].Path";
    MALWARE_STATE = String "MalwareState" "Malware[].State";
    NETWORK_DIRECTION = String "NetworkDirection" "Network.Direction";
    NETWORK_PROTOCOL = String "NetworkProtocol" "Network.Protocol";
    NETWORK_SOURCE_IPV4 = Ip "NetworkSourceIpV4" "Network.SourceIpV4";
    NETWORK_SOURCE_IPV6 = Ip "NetworkSourceIpV6" "Network.SourceIpV6";
    NETWORK_SOURCE_PORT = Number "NetworkSourcePort" "Network.SourcePort";
    NETWORK_SOURCE_DOMAIN = String "NetworkSourceDomain" "Network.SourceDomain";
    NETWORK_SOURCE_MAC = String "NetworkSourceMac" "Network.SourceMac";
    NETWORK_DESTINATION_IPV4 = Ip "NetworkDestinationIpV4" "Network.DestinationIpV4";
    NETWORK_DESTINATION_IPV6 = Ip "NetworkDestinationIpV6" "Network.DestinationIpV6";
    NETWORK_DESTINATION_PORT = Number "NetworkDestinationPort" "Network.DestinationPort";
    NETWORK_DESTINATION_DOMAIN = String "NetworkDestinationDomain" "Network.DestinationDomain";
    PROCESS_NAME = String "ProcessName" "Process.Name";
    PROCESS_PATH = String "ProcessPath" "Process.Path";
    PROCESS_PID = Number "ProcessPid" "Process.Pid";
    PROCESS_PARENT_PID = Number "ProcessParentPid" "Process.ParentPid";
    PROCESS_LAUNCHED_AT = Date "ProcessLaunchedAt" "Process.LaunchedAt";
    PROCESS_TERMINATED_AT = Date "ProcessTerminatedAt" "Process.TerminatedAt";
    THREAT_INTEL_INDICATOR_TYPE = String "ThreatIntelIndicatorType" "ThreatIntelIndicators[].Type";
    THREAT_INTEL_INDICATOR_VALUE = String "ThreatIntelIndicatorValue" "ThreatIntelIndicators[].Value";
    THREAT_INTEL_INDICATOR_CATEGORY = String "ThreatIntelIndicatorCategory" "ThreatIntelIndicators[].Category";
    THREAT_INTEL_INDICATOR_LAST_OBSERVED_AT = Date "ThreatIntelIndicatorLastObservedAt" "ThreatIntelIndicators[].LastObservedAt";
    THREAT_INTEL_INDICATOR_SOURCE = String "ThreatIntelIndicatorSource" "ThreatIntelIndicators[].Source";
    THREAT_INTEL_INDICATOR_SOURCE_URL = String "ThreatIntelIndicatorSourceUrl" "ThreatIntelIndicators[].SourceUrl";
    RESOURCE_TYPE = String "ResourceType" "Resources[].Type";
    RESOURCE_ID = String "ResourceId" "Resources[].Id";
    RESOURCE_PARTITION = String "ResourcePartition" "Resources[].Partition";
    RESOURCE_REGION = String "ResourceRegion" "Resources[].Region";
    RESOURCE_TAGS = Map "ResourceTags" "Resources[].Tags";
    RESOURCE_AWS_EC2_INSTANCE_TYPE = String "ResourceAwsEc2InstanceType" "Resources[].Details.AwsEc2Instance.Type";
    RESOURCE_AWS_EC2_INSTANCE_IMAGE_ID = String "ResourceAwsEc2InstanceImageId" "Resources[].Details.AwsEc2Instance.ImageId";
    RESOURCE_AWS_EC2_INSTANCE_IPV4_ADDRESSES = Ip "ResourceAwsEc2InstanceIpV4Addresses" "Resources[].Details.AwsEc2Instance.IpV4Addresses[]";
    RESOURCE_AWS_EC2_INSTANCE_IPV6_ADDRESSES = Ip "ResourceAwsEc2InstanceIpV6Addresses" "Resources[].Details.AwsEc2Instance.IpV6Addresses[]";
    RESOURCE_AWS_EC2_INSTANCE_KEY_NAME = String "ResourceAwsEc2InstanceKeyName" "Resources[].Details.AwsEc2Instance.KeyName";
    RESOURCE_AWS_EC2_INSTANCE_IAM_INSTANCE_PROFILE_ARN = String "ResourceAwsEc2InstanceIamInstanceProfileArn" "Resources[].Details.AwsEc2Instance.IamInstanceProfileArn";
    RESOURCE_AWS_EC2_INSTANCE_VPC_ID = String "ResourceAwsEc2InstanceVpcId" "Resources[].Details.AwsEc2Instance.VpcId";
    RESOURCE_AWS_EC2_INSTANCE_SUBNET_ID = String "ResourceAwsEc2InstanceSubnetId" "Resources[].Details.AwsEc2Instance.SubnetId";
    RESOURCE_AWS_EC2_INSTANCE_LAUNCHED_AT = Date "ResourceAwsEc2InstanceLaunchedAt" "Resources[].Details.AwsEc2Instance.LaunchedAt";
    RESOURCE_AWS_S3_BUCKET_OWNER_ID = String "ResourceAwsS3BucketOwnerId" "Resources[].Details.AwsS3Bucket.OwnerId";
    RESOURCE_AWS_S3_BUCKET_OWNER_NAME = String "ResourceAwsS3BucketOwnerName" "Resources[].Details.AwsS3Bucket.OwnerName";
    RESOURCE_AWS_IAM_ACCESS_KEY_USER_NAME = String "ResourceAwsIamAccessKeyUserName" "Resources[].Details.AwsIamAccessKey.UserName";
    RESOURCE_AWS_IAM_ACCESS_KEY_PRINCIPAL_NAME = String "ResourceAwsIamAccessKeyPrincipalName" "Resources[].Details.AwsIamAccessKey.PrincipalName";
    RESOURCE_AWS_IAM_ACCESS_KEY_STATUS = String "ResourceAwsIamAccessKeyStatus" "Resources[].Details.AwsIamAccessKey.Status";
    RESOURCE_AWS_IAM_ACCESS_KEY_CREATED_AT = Date "ResourceAwsIamAccessKeyCreatedAt" "Resources[].Details.AwsIamAccessKey.CreatedAt";
    RESOURCE_AWS_IAM_USER_USER_NAME = String "ResourceAwsIamUserUserName" "Resources[].Details.AwsIamUser.UserName";
    RESOURCE_CONTAINER_NAME = String "ResourceContainerName" "Resources[].Details.Container.Name";
    RESOURCE_CONTAINER_IMAGE_ID = String "ResourceContainerImageId" "Resources[].Details.Container.ImageId";
    RESOURCE_CONTAINER_IMAGE_NAME = String "ResourceContainerImageName" "Resources[].Details.Container.ImageName";
    RESOURCE_CONTAINER_LAUNCHED_AT = Date "ResourceContainerLaunchedAt" "Resources[].Details.Container.LaunchedAt";
    RESOURCE_DETAILS_OTHER = Map "ResourceDetailsOther" "Resources[].Details.Other";
    COMPLIANCE_STATUS = String "ComplianceStatus" "Compliance.Status";
    VERIFICATION_STATE = String "VerificationState" "VerificationState";
    WORKFLOW_STATE = String "WorkflowState" "WorkflowState";
    WORKFLOW_STATUS = String "WorkflowStatus" "Workflow.Status";
    RECORD_STATE = String "RecordState" "RecordState";
    RELATED_FINDINGS_PRODUCT_ARN = String "RelatedFindingsProductArn" "RelatedFindings[].ProductArn";
    RELATED_FINDINGS_ID = String "RelatedFindingsId" "RelatedFindings[].Id";
    NOTE_TEXT = String "NoteText" "Note.Text";
    NOTE_UPDATED_AT = Date "NoteUpdatedAt" "Note.UpdatedAt";
    NOTE_UPDATED_BY = String "NoteUpdatedBy" "Note.UpdatedBy";
    KEYWORD = Keyword "Keyword" "";
    FINDING_PROVIDER_FIELDS_CONFIDENCE = Number "FindingProviderFieldsConfidence" "FindingProviderFields.Confidence";
    FINDING_PROVIDER_FIELDS_CRITICALITY = Number "FindingProviderFieldsCriticality" "FindingProviderFields.Criticality";
    FINDING_PROVIDER_FIELDS_RELATED_FINDINGS_ID = String "FindingProviderFieldsRelatedFindingsId" "FindingProviderFields.RelatedFindings[].Id";
    FINDING_PROVIDER_FIELDS_RELATED_FINDINGS_PRODUCT_ARN = String "FindingProviderFieldsRelatedFindingsProductArn" "FindingProviderFields.RelatedFindings[].ProductArn";
    FINDING_PROVIDER_FIELDS_SEVERITY_LABEL = String "FindingProviderFieldsSeverityLabel" "FindingProviderFields.Severity.Label";
    FINDING_PROVIDER_FIELDS_SEVERITY_ORIGINAL = String "FindingProviderFieldsSeverityOriginal" "FindingProviderFields.Severity.Original";
    FINDING_PROVIDER_FIELDS_TYPES = String "FindingProviderFieldsTypes" "FindingProviderFields.Types[]";
    SAMPLE = Boolean "Sample" "Sample";
    COMPLIANCE_SECURITY_CONTROL_ID = String "ComplianceSecurityControlId" "Compliance.SecurityControlId";
    COMPLIANCE_ASSOCIATED_STANDARDS_ID = String "ComplianceAssociatedStandardsId" "Compliance.AssociatedStandards[].StandardsId";
    VULNERABILITIES_EXPLOIT_AVAILABLE = String "VulnerabilitiesExploitAvailable" "Vulnerabilities[].ExploitAvailable";
    VULNERABILITIES_FIX_AVAILABLE = String "VulnerabilitiesFixAvailable" "Vulnerabilities[].FixAvailable";
    COMPLIANCE_SECURITY_CONTROL_PARAMETERS_NAME = String "ComplianceSecurityControlParametersName" "Compliance.SecurityControlParameters[].Name";
    COMPLIANCE_SECURITY_CONTROL_PARAMETERS_VALUE = String "ComplianceSecurityControlParametersValue" "Compliance.SecurityControlParameters[].Value[]";
    AWS_ACCOUNT_NAME = String "AwsAccountName" "AwsAccountName";
    RESOURCE_APPLICATION_NAME = String "ResourceApplicationName" "Resources[].ApplicationName";
    RESOURCE_APPLICATION_ARN = String "ResourceApplicationArn" "Resources[].ApplicationArn";
    RESOURCE_OWNER_ACCOUNT_ID = String "ResourceOwnerAccountId" "Resources[].Owner.Account.Id";
    RESOURCE_OWNER_ORG_ID = String "ResourceOwnerOrgId" "Resources[].Owner.Org.Id";
    RESOURCE_PROVIDER = String "ResourceProvider" "Resources[].Provider";
}

impl Field {
    /// Every field, in the order of the API model.
    pub fn all() -> impl Iterator<Item = Self> {
        (0u8..).zip(ROWS).map(|(number, _)| Self(number))
    }

    /// The field that GetFindings calls `name`, exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|field| field.name() == name)
    }

    /// The field that somebody may have meant by `text`: another case, another punctuation, or the path in a finding.
    pub fn near(text: &str) -> Option<Self> {
        let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let wanted = plain(text);
        let singular = wanted.strip_suffix('s').unwrap_or(&wanted);
        Self::all()
            .find(|field| plain(field.name()) == wanted || plain(field.path()) == wanted)
            .or_else(|| Self::all().find(|field| plain(field.name()) == singular))
    }

    /// The name in `AwsSecurityFindingFilters`.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The shape of its filters.
    pub fn kind(self) -> FieldKind {
        self.row().kind
    }

    /// Where it is in a finding: `Resources[].Tags`; `[]` marks lists. Empty for `Keyword`: the whole finding.
    pub fn path(self) -> &'static str {
        self.row().path
    }

    /// The field with one value that is at `path`: `Severity.Label`.
    pub fn at(path: &str) -> Option<Self> {
        let single = |field: &Self| !matches!(field.kind(), FieldKind::Map | FieldKind::Keyword);
        Self::all().find(|field| single(field) && !path.is_empty() && field.path() == path)
    }

    /// The names of the path, without the marks for lists.
    pub(super) fn steps(self) -> impl Iterator<Item = &'static str> + Clone {
        self.path().split('.').map(|step| step.trim_end_matches("[]")).filter(|step| !step.is_empty())
    }

    fn row(self) -> &'static Row {
        // Only `all` and the constants make one, so the number is always a row.
        &ROWS[usize::from(self.0)]
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
