//! The ports: everything the loop needs of the world, each with a fake in the tests.
//!
//! Adapters translate; they do not decide, retry beyond their own protocol, or sleep outside the [`Clock`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

use crate::core::hub_owner::HubOwner;
use crate::core::ids::{AccountId, ControlId, FindingKey, ObjectRef, Region};
pub use crate::core::object_status::{
    AccountDetail, ApprovalDetail, Condition, Detail, ExceptionDetail, ExceptionPolicyDetail, HubDetail, HubLimitHold, LimitHold,
    ObjectStatus, PolicyDetail,
};
use crate::core::objects::Desired;
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};

/// Time: wall, monotonic, sleep. Nothing in this house asks the system directly.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// Wall time.
    fn now(&self) -> Timestamp;
    /// Time since some start, never backwards.
    fn elapsed(&self) -> Duration;
    /// Returns after `duration` of this clock.
    async fn sleep(&self, duration: Duration);
}

/// A source of small random numbers: jitter.
pub trait Rng: Send + Sync {
    /// Uniform in `0.0..1.0`.
    fn fraction(&self) -> f64;
}

/// What kind of failure a call to AWS was: decides retry, condition and advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Over the quota (`TooManyRequestsException`, `LimitExceededException`, `ThrottlingException`, ...).
    Throttled,
    /// May work when tried again: 5xx, timeout, connection, a body that is no answer.
    Transient,
    /// Security Hub is not enabled in this account and Region.
    NotEnabled,
    /// IAM or an organization policy says no.
    AccessDenied,
    /// No or expired credentials, or the role cannot be assumed.
    Credentials,
    /// What is set (a Region, an endpoint, a queue's address) cannot be used; the message says what to set instead.
    Misconfigured,
    /// The request itself is refused: trying again is useless.
    Invalid,
    /// The endpoint cannot be reached at all: wrong Region, DNS, network.
    Unreachable,
    /// The queue does not exist, or is not ours.
    NoQueue,
    /// Something stopped us on purpose: a lost lease, a shutdown.
    Stopped,
}

/// A call to AWS that failed, as the service said it. Reads "failed to ...: message (code)".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {action}: {message}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct AwsFailure {
    /// "call GetFindings in eu-west-1".
    pub action: String,
    /// What follows from it.
    pub kind: FailureKind,
    /// The service's code.
    pub code: Option<String>,
    /// The service's message, or ours where there is none.
    pub message: String,
    /// What the service asked us to wait.
    pub retry_after: Option<Duration>,
}

impl AwsFailure {
    /// What a person does next, one sentence.
    pub fn advice(&self) -> &'static str {
        match self.kind {
            FailureKind::Throttled => {
                "Nothing to do: it is retried within the quota; lower apiQuotaPercent if other tools need more."
            }
            FailureKind::Transient => "Nothing to do: it is retried with back-off.",
            FailureKind::NotEnabled => "Enable Security Hub in this account and Region, or correct spec.homeRegion.",
            FailureKind::AccessDenied => {
                "Allow the action in the IAM policy of the identity that Hubkeeper uses (README, Permissions)."
            }
            FailureKind::Credentials => "Check spec.role, its trust policy and external id, or sign in again (aws sso login).",
            FailureKind::Misconfigured => "Correct that; it is looked at again by itself.",
            FailureKind::Invalid => "This is a defect of Hubkeeper or of an object's filters: see the message.",
            FailureKind::Unreachable => "Check spec.homeRegion, the endpoint override and the network.",
            FailureKind::NoQueue => "Check spec.events.queueUrl and the queue's policy.",
            FailureKind::Stopped => "Nothing to do.",
        }
    }
}

/// Who we are and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubDescription {
    /// The account of the hub.
    pub account: AccountId,
    /// ARN of the caller: our own name in finding histories.
    pub caller_arn: String,
    /// ARN of the hub.
    pub hub_arn: String,
    /// Regions that the aggregator links to the home Region, sorted, without it; `None`: no aggregator.
    pub linked_regions: Option<Vec<Region>>,
    /// The aggregator's home Region, where there is one.
    pub aggregator_home: Option<Region>,
}

/// A filter of GetFindings, as far as reading needs it. Fields are joined by AND, values of one field by OR; empty: any.
/// At most 20 values a field. Never a field that we write, except the owner key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ReadFilter {
    /// `CreatedAt` from, inclusive.
    pub created_from: Option<Timestamp>,
    /// `CreatedAt` to, inclusive.
    pub created_to: Option<Timestamp>,
    /// `AwsAccountId` EQUALS.
    pub accounts: Vec<AccountId>,
    /// `ComplianceSecurityControlId` EQUALS, in AWS's spelling.
    pub controls: Vec<ControlId>,
    /// `Region` EQUALS.
    pub regions: Vec<Region>,
    /// `Id` EQUALS.
    pub ids: Vec<String>,
    /// `GeneratorId` EQUALS.
    pub generators: Vec<String>,
    /// `ResourceId` EQUALS.
    pub resources: Vec<String>,
    /// `UserDefinedFields` `hubkeeper.dev/owner` EQUALS.
    pub owners: Vec<String>,
    /// `ComplianceStatus` EQUALS.
    pub compliance: Vec<ComplianceStatus>,
    /// `RecordState` EQUALS.
    pub record_states: Vec<RecordState>,
}

impl ReadFilter {
    /// Whether it names what a check may change: then a finding that it does not show may be there all the same.
    pub fn is_narrow(&self) -> bool {
        !self.compliance.is_empty() || !self.record_states.is_empty()
    }
}

/// The order of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest `CreatedAt` first.
    Oldest,
    /// Newest `CreatedAt` first.
    Newest,
}

/// One page of GetFindings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Where.
    pub region: Region,
    /// Which.
    pub filter: ReadFilter,
    /// In which order.
    pub order: Option<Order>,
    /// The token of the page before, from the same filter and order.
    pub token: Option<String>,
    /// 1 to 100.
    pub size: u8,
}

/// Reading the hub.
#[async_trait]
pub trait HubRead: Send + Sync {
    /// STS GetCallerIdentity, DescribeHub and ListFindingAggregators.
    async fn describe(&self) -> Result<HubDescription, AwsFailure>;
    /// One page, as bytes: parsed by `core::doc`. Waits for the quota; retries throttles and transient failures.
    async fn page(&self, request: &PageRequest) -> Result<Bytes, AwsFailure>;
}

/// What one call of BatchUpdateFindings sets on all its findings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Patch {
    /// `Workflow.Status`.
    pub workflow: WorkflowStatus,
    /// `Note.Text`, 1 to 512 characters; `None`: the note is left.
    pub note: Option<String>,
    /// All of `UserDefinedFields`, foreign keys included: AWS may replace the map whole.
    pub user_defined_fields: BTreeMap<String, String>,
}

/// A finding that the call did not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unprocessed {
    /// Which.
    pub key: FindingKey,
    /// `ConcurrentUpdateError`, `FindingNotFound`, ...
    pub code: String,
    /// In the service's words.
    pub message: String,
}

/// Writing to the hub.
#[async_trait]
pub trait HubWrite: Send + Sync {
    /// One BatchUpdateFindings of 1 to 100 distinct findings, with `Note.UpdatedBy` = [`crate::core::marker::NOTE_AUTHOR`].
    /// Waits for the quota; retries throttles only: a transient failure may have had its effect, and is the caller's to judge.
    /// Returns those that were not processed.
    async fn update(&self, region: &Region, keys: &[FindingKey], patch: &Patch) -> Result<Vec<Unprocessed>, AwsFailure>;
}

/// Tags of a hub's ARN: whose it is. `arn` is the one of the Region's hub.
#[async_trait]
pub trait HubTags: Send + Sync {
    /// ListTagsForResource.
    async fn tags(&self, region: &Region, arn: &str) -> Result<BTreeMap<String, String>, AwsFailure>;
    /// TagResource: sets these, leaves others. Retries throttles only.
    async fn tag(&self, region: &Region, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), AwsFailure>;
    /// UntagResource; a key that is not there is no error. Retries throttles only.
    async fn untag(&self, region: &Region, arn: &str, keys: &[&str]) -> Result<(), AwsFailure>;
}

/// One change of a finding, from GetFindingHistory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryRecord {
    /// When.
    pub at: Timestamp,
    /// `BATCH_UPDATE_FINDINGS` or `BATCH_IMPORT_FINDINGS`.
    pub source: String,
    /// ARN or name of who did it.
    pub identity: String,
    /// The new workflow status, if this change touched it.
    pub workflow: Option<WorkflowStatus>,
    /// Every field this change touched, by name.
    pub fields: Vec<String>,
    /// Whether it set our marker.
    pub marks: bool,
}

/// Who did what to a finding: asked in doubt only.
#[async_trait]
pub trait History: Send + Sync {
    /// Newest first; all pages.
    async fn history(&self, region: &Region, key: &FindingKey) -> Result<Vec<HistoryRecord>, AwsFailure>;
}

/// One message of the event queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The whole EventBridge event as JSON.
    pub body: String,
    /// For the acknowledgement.
    pub receipt: String,
    /// How often it was delivered, from 1.
    pub deliveries: u32,
}

/// The event queue. A message that is not acknowledged comes back, and goes to the dead-letter queue after its redrive limit.
#[async_trait]
pub trait Feed: Send + Sync {
    /// Waits up to 20 s; at most 10 messages.
    async fn receive(&self) -> Result<Vec<Message>, AwsFailure>;
    /// Removes handled messages.
    async fn acknowledge(&self, receipts: &[String]) -> Result<(), AwsFailure>;
}

/// Why the desired state cannot be had at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to read the desired state: {0}")]
pub struct SourceError(pub String);

/// Where desired state comes from: a directory, a cluster.
#[async_trait]
pub trait DesiredSource: Send {
    /// At first: the state as soon as it is known. Then: the next state that differs. Cancel-safe.
    async fn next(&mut self) -> Result<Arc<Desired>, SourceError>;
}

/// Whether what a complete listing does not have is really not there: asked before anything is given back for a missing owner,
/// because a listing can be stale, or lack what nobody noticed.
#[async_trait]
pub trait Absence: Send + Sync {
    /// `true`: proved to be gone.
    async fn is_gone(&self, object: &ObjectRef) -> Result<bool, SinkError>;
}

/// Why a status, a state or an event could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {action}: {message}")]
pub struct SinkError {
    /// "write the status of ControlPolicy/x".
    pub action: String,
    /// The cause and what to do.
    pub message: String,
}

/// Where status goes.
#[async_trait]
pub trait StatusSink: Send + Sync {
    /// Writes one object's status; equal content writes nothing.
    async fn write(&self, status: &ObjectStatus) -> Result<(), SinkError>;
    /// Every object that has a status here, also from before this process.
    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError>;
    /// The object is gone.
    async fn forget(&self, object: &ObjectRef) -> Result<(), SinkError>;
}

/// Something that people should see. One type: log line, metric and Kubernetes event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// On which object.
    pub object: ObjectRef,
    /// A constant of `engine::reasons`.
    pub reason: &'static str,
    /// Whether somebody must do something.
    pub warning: bool,
    /// Without times and durations, so that repeats are equal.
    pub message: String,
}

/// Where events go.
pub trait EventSink: Send + Sync {
    /// Never fails and never waits: deduplicated and dropped at the sink.
    fn emit(&self, event: Event);
}

/// Figures of the loop, for `/metrics` and for progress on a terminal. Never an id of a finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Figures {
    pub findings: u64,
    pub unreadable: u64,
    pub held: u64,
    pub pending_changes: u64,
    pub writes: u64,
    pub written_findings: u64,
    pub pages_read: u64,
    pub events_handled: u64,
    pub events_poisoned: u64,
    /// Answers of people that a write of ours replaced unseen.
    pub races_lost: u64,
    /// Findings that were matched or looked at for figures; none while nothing happens. Begins anew with what is declared.
    pub rows_visited: u64,
    /// Rules and targets that the index files under no property: each costs every finding a look.
    pub unindexed: u64,
    pub syncing: bool,
    pub converged: bool,
    /// The hub is known to be ours to write.
    pub owned: bool,
}

/// Where figures go.
pub trait Meter: Send + Sync {
    /// The current figures, after every round.
    fn record(&self, figures: Figures);
}

/// The right to write. Without a cluster there is one writer by construction (the state directory's lock).
#[async_trait]
pub trait Fence: Send + Sync {
    /// Whether an effect may start now.
    async fn may_write(&self) -> bool;
}

/// What a [`Gate`] stands before and after.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Effect {
    /// BatchUpdateFindings; the number of findings.
    HubWrite(usize),
    /// TagResource or UntagResource of the hub: its owner.
    HubTag,
    /// Acknowledging messages; how many.
    QueueAck(usize),
    /// Renewing or releasing the lease.
    Lease,
    /// Writing or removing a status.
    Status(ObjectRef),
    /// Writing an event about an object into the cluster.
    Event(ObjectRef),
    /// Writing local state.
    State,
    /// Assuming a role.
    Sts,
}

/// What the gate makes of an effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// The effect is to fail as if the network had.
    #[error("the effect was made to fail")]
    Fail,
    /// The process is to stop here.
    #[error("stopped at an effect")]
    Stop,
}

/// Passed before and after every effect: tests stop, fail, delay or crash here.
#[async_trait]
pub trait Gate: Send + Sync {
    /// Before the effect starts. An error: it does not start.
    async fn before(&self, effect: &Effect) -> Result<(), Blocked>;
    /// After it ended. An error: it had its effect, but its answer is lost.
    async fn after(&self, effect: &Effect) -> Result<(), Blocked>;
}

/// The ports of one hub.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct HubPorts {
    pub read: Arc<dyn HubRead>,
    pub write: Arc<dyn HubWrite>,
    pub history: Arc<dyn History>,
    pub tags: Arc<dyn HubTags>,
    pub feed: Option<Arc<dyn Feed>>,
}

/// Makes the ports of a hub from what is declared of it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// Credentials, role, endpoint and queue are looked at here; nothing is called yet but STS.
    async fn connect(&self, hub: &crate::core::objects::HubSpec) -> Result<HubPorts, AwsFailure>;
}

/// Everything but the hub itself.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct World {
    /// By what name we own hubs.
    pub owner: HubOwner,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub gate: Arc<dyn Gate>,
    pub fence: Arc<dyn Fence>,
    pub status: Arc<dyn StatusSink>,
    pub events: Arc<dyn EventSink>,
    pub meter: Arc<dyn Meter>,
    pub connector: Arc<dyn Connector>,
    pub absence: Arc<dyn Absence>,
}
