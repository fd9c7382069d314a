//! What deciding needs to know of one finding: the matcher's input.

use std::sync::Arc;

use super::filter::Fields;
use super::ids::AccountId;
use super::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// The facts of one finding, borrowed from wherever they are kept. Cheap to copy, so that a question "as if it were failing"
/// is a copy with other values.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Facts<'a> {
    pub account: AccountId,
    pub region: &'a str,
    /// The control, for control findings; compare without case.
    pub control: Option<&'a str>,
    pub generator: &'a str,
    /// What follows `product/` in the ProductArn: `aws/securityhub`.
    pub product: &'a str,
    /// StandardsIds: `standards/aws-foundational-security-best-practices/v/1.0.0`, `ruleset/cis-...`.
    pub standards: &'a [Arc<str>],
    /// `Severity.Label` of the finding: 'INFORMATIONAL' on a WARNING or PASSED one, whatever the control's rating is.
    pub severity: Option<SeverityLabel>,
    pub compliance: Option<ComplianceStatus>,
    pub record_state: RecordState,
    /// As it would be without us: the prior status where the finding is ours.
    pub workflow: WorkflowStatus,
    pub resources: &'a [ResourceFacts],
    /// Tags, and what else `filters` may name. Our own traces (our keys in `UserDefinedFields`, our note) are invisible here.
    /// The fields above are answered from above, so that "as if" holds for filters too.
    pub more: &'a dyn Fields,
}

/// A resource of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceFacts {
    /// ASFF type: `AwsS3Bucket`.
    pub kind: Arc<str>,
    /// Id, mostly an ARN.
    pub id: Arc<str>,
}
