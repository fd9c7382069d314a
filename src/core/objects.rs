//! What people declare, parsed: the input of `compile`. The rooms `manifest` and `cluster` make these from their sources.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{AccountId, ControlId, ObjectRef, Region};
use super::status::{ComplianceStatus, SeverityLabel};

/// One declared object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object<S> {
    /// Its identity and what the source says of it.
    pub meta: Meta,
    /// What it declares.
    pub spec: S,
}

/// Identity and provenance of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Kind, namespace and name.
    pub object: ObjectRef,
    /// `metadata.generation`; 0 where the source has none (a directory).
    pub generation: i64,
    /// Labels, for `accountSelector`.
    pub labels: BTreeMap<String, String>,
    /// The annotation `hubkeeper.dev/requestedAt`: a new value forces a reconcile.
    pub requested_at: Option<Arc<str>>,
    /// `sha256:<64 hex digits>` of the whole spec as canonical JSON: what an `Approval` of an exception is bound to.
    pub digest: Arc<str>,
    /// Where it was read, for people: `dir/file.yaml:12`.
    pub origin: Option<Arc<str>>,
}

/// Everything that is declared, at one moment. Each list is sorted by object.
#[derive(Debug, Clone, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Objects {
    pub hubs: Vec<Object<HubSpec>>,
    pub accounts: Vec<Object<AccountSpec>>,
    pub policies: Vec<Object<PolicySpec>>,
    pub exceptions: Vec<Object<ExceptionSpec>>,
    pub exception_policies: Vec<Object<ExceptionPolicySpec>>,
    pub approvals: Vec<Object<ApprovalSpec>>,
}

/// An object that is there but cannot be read as what it should be. It keeps its last good version, or freezes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Which object, if that much could be read.
    pub object: Option<ObjectRef>,
    /// Where: `dir/file.yaml:12`.
    pub origin: Arc<str>,
    /// What is wrong and what is allowed, one sentence.
    pub message: Arc<str>,
    /// The priority of a ControlPolicy that is not known to be `Audit`, as far as it can be read: what it says comes before
    /// what policies of lower priority say, whatever it is.
    pub priority: Option<i32>,
    /// `metadata.generation` of what cannot be read; 0 where the source has none.
    pub generation: i64,
}

impl Objects {
    /// Identity and provenance of every object, by kind.
    pub fn metas(&self) -> impl Iterator<Item = &Meta> {
        let Self { hubs, accounts, policies, exceptions, exception_policies, approvals } = self;
        let clusterwide = hubs.iter().map(|object| &object.meta).chain(accounts.iter().map(|object| &object.meta));
        let clusterwide = clusterwide.chain(policies.iter().map(|object| &object.meta));
        let exceptions = exceptions.iter().map(|object| &object.meta).chain(exception_policies.iter().map(|object| &object.meta));
        clusterwide.chain(exceptions).chain(approvals.iter().map(|object| &object.meta))
    }

    /// Whether an object is among them.
    pub fn contains(&self, object: &ObjectRef) -> bool {
        self.metas().any(|meta| meta.object == *object)
    }
}

/// The desired state as a source knows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired {
    /// What could be read.
    pub objects: Objects,
    /// What could not.
    pub broken: Vec<Broken>,
    /// Whether the source has listed everything there is: only then does a missing owner prove that it is gone.
    /// `false` while a file is unreadable or half-written, a directory is missing, or a cache is not yet synced.
    pub complete: bool,
}

impl Desired {
    /// This with other objects laid over it: each comes into the place of the one of its name, or is added.
    #[must_use]
    pub fn under(mut self, over: Objects) -> Self {
        self.broken.retain(|broken| !broken.object.as_ref().is_some_and(|object| over.contains(object)));
        let Objects { hubs, accounts, policies, exceptions, exception_policies, approvals } = over;
        lay(&mut self.objects.hubs, hubs);
        lay(&mut self.objects.accounts, accounts);
        lay(&mut self.objects.policies, policies);
        lay(&mut self.objects.exceptions, exceptions);
        lay(&mut self.objects.exception_policies, exception_policies);
        lay(&mut self.objects.approvals, approvals);
        self
    }
}

fn lay<S>(below: &mut Vec<Object<S>>, over: Vec<Object<S>>) {
    let all: BTreeMap<ObjectRef, Object<S>> =
        below.drain(..).chain(over).map(|object| (object.meta.object.clone(), object)).collect();
    below.extend(all.into_values());
}

/// `Match`: all given fields must hold, values in one field are alternatives. An empty list is a field that is not given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct MatchSpec {
    /// `EC2.13`, or `EC2.*`.
    pub controls: Vec<ControlPattern>,
    pub except_controls: Vec<ControlPattern>,
    /// GeneratorId of other products, exact.
    pub generators: Vec<String>,
    /// Named control groups, built in or declared by a SecurityHub.
    pub groups: Vec<String>,
    /// Any level of a control's category: `Protect`, `Protect > Data protection`, or `Data protection`.
    pub categories: Vec<String>,
    /// `aws-foundational-security-best-practices`, with or without version, or a whole StandardsId.
    pub standards: Vec<String>,
    /// What follows `product/` in the ProductArn: `aws/securityhub`.
    pub products: Vec<String>,
    pub severities: Vec<SeverityLabel>,
    pub compliance: Vec<ComplianceStatus>,
    pub accounts: Vec<AccountId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_selector: Option<LabelSelector>,
    pub regions: Vec<Region>,
    pub resource_types: Vec<String>,
    /// Globs over resource ids; `*` crosses everything.
    pub resources: Vec<String>,
    pub tags: BTreeMap<String, Vec<String>>,
    /// AWS's own AwsSecurityFindingFilters, as pasted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<serde_json::Value>,
}

/// `EC2.13` or `EC2.*`: never a substring.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ControlPattern {
    /// Exactly this control, case ignored.
    One(ControlId),
    /// Every control of this service: the part before the dot, case ignored.
    Service(Arc<str>),
}

impl TryFrom<String> for ControlPattern {
    type Error = super::ids::IdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let error = || super::ids::IdError {
            text: text.clone(),
            what: "a control id",
            allowed: "a security control id such as EC2.13, or EC2.* for all controls of a service",
        };
        let (service, number) = text.split_once('.').ok_or_else(error)?;
        if service.is_empty() || !service.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(error());
        }
        match number {
            "*" => Ok(Self::Service(service.into())),
            digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => Ok(Self::One(ControlId::new(&text))),
            _ => Err(error()),
        }
    }
}

impl From<ControlPattern> for String {
    fn from(pattern: ControlPattern) -> Self {
        match pattern {
            ControlPattern::One(id) => id.as_str().to_owned(),
            ControlPattern::Service(service) => format!("{service}.*"),
        }
    }
}

/// Kubernetes' label selector, as everybody knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs)]
pub struct LabelSelector {
    pub match_labels: BTreeMap<String, String>,
    pub match_expressions: Vec<LabelExpression>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LabelExpression {
    pub key: String,
    pub operator: LabelOperator,
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum LabelOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// How much may change in a rolling hour without an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Findings.
    pub max_findings: u32,
    /// Percent of the findings in scope, 1 to 100.
    pub max_percent: u8,
}

/// `SecurityHub.spec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HubSpec {
    pub home_region: Region,
    /// `None`: those of the aggregator.
    pub linked_regions: Option<Vec<Region>>,
    pub role: Option<Role>,
    /// The SQS queue that carries the hub's events; `None`: the rotating audit is all there is.
    pub queue_url: Option<String>,
    pub sync_interval_seconds: u32,
    pub freshness_seconds: u32,
    /// Our share of the documented quota, 1 to 100.
    pub api_quota_percent: u8,
    pub limits: Limits,
    pub approval_namespaces: Vec<String>,
    pub control_groups: Vec<ControlGroup>,
    pub suspend: bool,
}

/// A role to assume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Role {
    pub arn: String,
    pub external_id: Option<String>,
}

/// A named group of controls, for `groups` in any match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ControlGroup {
    pub name: String,
    pub controls: Vec<ControlPattern>,
}

/// `Account.spec`. Labels are in the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AccountSpec {
    pub id: AccountId,
    pub owner: Option<String>,
}

/// Whether a policy writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// Decides and reports, in a shadow of its own; writes nothing.
    Audit,
    /// Decides and acts.
    Enforce,
}

/// What is done about a suppression that a person made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ManualSuppression {
    /// It stays, and later findings of the same problem inherit it.
    Respect,
    /// Only Git may suppress: it is reopened.
    Revert,
}

/// What happens to what an object holds when it is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// Given back.
    Revert,
    /// Left suppressed, and no longer ours.
    Retain,
}

/// Why something is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Reason {
    AcceptedRisk,
    CompensatingControl,
    FalsePositive,
    NotApplicable,
    OutOfScope,
}

/// `ControlPolicy.spec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PolicySpec {
    /// Names of SecurityHub objects; empty: every hub.
    pub hubs: Vec<String>,
    pub mode: Mode,
    /// Higher first.
    pub priority: i32,
    pub scope: MatchSpec,
    pub manual_suppression: ManualSuppression,
    /// `None`: only the hub's limits count.
    pub limits: Option<Limits>,
    pub deletion_policy: DeletionPolicy,
    /// In order: the first that matches decides.
    pub rules: Vec<RuleSpec>,
    pub suspend: bool,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RuleSpec {
    pub name: String,
    /// Absent in the manifest: all of the scope.
    #[serde(rename = "match")]
    pub matches: MatchSpec,
    pub response: Response,
}

/// What is done about a finding that a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Response {
    /// Set SUPPRESSED, and held there.
    Suppress {
        /// Why.
        reason: Reason,
    },
    /// Left alone, and no later rule or lower policy decides it.
    Ignore,
}

/// What an exception does to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Effect {
    /// Suppressed while it holds.
    Accept,
}

/// `FindingException.spec`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ExceptionSpec {
    pub effect: Effect,
    pub targets: Vec<MatchSpec>,
    pub reason: Reason,
    pub justification: String,
    pub owner: String,
    pub ticket_ref: Option<String>,
    pub starts_at: Timestamp,
    pub expires_at: Timestamp,
    /// Take over a suppression that somebody made by hand, so that expiry reopens it.
    pub adopt: bool,
    pub suspend: bool,
}

/// `ExceptionPolicy.spec`: the guardrail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ExceptionPolicySpec {
    /// Namespaces by name, exact.
    pub namespaces: Vec<String>,
    /// What may be excepted. No defaults apply to a grant.
    pub grants: Vec<MatchSpec>,
    pub effects: Vec<Effect>,
    /// Days from `startsAt` to `expiresAt`.
    pub max_days: u32,
    /// Findings that one exception may cover.
    pub max_findings: u32,
    pub approvals: Vec<ApprovalRule>,
}

/// When an exception needs approvals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ApprovalRule {
    /// Needed if any covered finding matches.
    #[serde(rename = "match")]
    pub matches: MatchSpec,
    /// Where approvals count from.
    pub namespaces: Vec<String>,
    /// Distinct approvers needed.
    pub count: u32,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum ApprovalDecision {
    Approve,
    Deny,
}

/// `Approval.spec`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct ApprovalSpec {
    pub subject: ObjectRef,
    /// `sha256:<64 hex digits>`.
    pub digest: String,
    pub decision: ApprovalDecision,
    pub approver: String,
    pub reason: String,
    pub expires_at: Option<Timestamp>,
    /// The ceiling of an approval over limits; `None` for an exception.
    pub max_findings: Option<u32>,
}
