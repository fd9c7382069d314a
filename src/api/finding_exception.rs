//! `FindingException`: findings that are accepted for a time.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::conditions::{Condition, LimitHold};
use super::control_policy::AcceptReason;
use super::matching::Match;
use super::parse::{Checks, Invalid, Path, meta, timestamp};
use crate::core::ids::Kind;
use crate::core::objects::{self, ExceptionSpec, Object};

const TARGET_CONTROLS: &str = "a target must name controls or generators: an exception is of something.";
const TARGET_WHERE: &str = "a target must name accounts, accountSelector or resources: an exception is of something somewhere.";
const DATES: &str = "expiresAt must be later than startsAt.";

/// Findings that are accepted for a time: what, why, who answers for it, and until when.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "hubkeeper.dev",
    version = "v1alpha1",
    kind = "FindingException",
    namespaced,
    doc = "Findings that are accepted for a time: what, why, who answers for it, and until when.",
    status = "FindingExceptionStatus",
    derive = "PartialEq",
    shortname = "fex",
    category = "hubkeeper",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "State", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "Why", type_ = "string", json_path = ".status.conditions[?(@.type==\"InForce\")].reason"),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.matched"),
    printcolumn(name = "Held", type_ = "integer", json_path = ".status.held"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt"),
    printcolumn(name = "Owner", type_ = "string", json_path = ".spec.owner"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason", priority = 1),
    printcolumn(name = "Starts", type_ = "string", json_path = ".spec.startsAt", priority = 1),
    printcolumn(name = "Ticket", type_ = "string", json_path = ".spec.ticketRef", priority = 1),
    printcolumn(name = "Granted-By", type_ = "string", json_path = ".status.grantedBy", priority = 1),
    printcolumn(name = "Digest", type_ = "string", json_path = ".status.digest", priority = 1),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("timestamp(self.startsAt) < timestamp(self.expiresAt)")
    .message("expiresAt must be later than startsAt.").field_path(".expiresAt"))]
pub struct FindingExceptionSpec {
    /// What is done to the findings. Accept: they are SUPPRESSED while the exception holds. Default: Accept.
    #[serde(default)]
    pub effect: Effect,
    /// Which findings; a finding of any target is meant. Each target must name controls or generators, and accounts,
    /// accountSelector or resources. Example: [{controls: [S3.8], accounts: ["111122223333"], resources: ["arn:aws:s3:::cdn"]}].
    #[schemars(schema_with = "targets_schema")]
    pub targets: Vec<Match>,
    /// Why, in one word. Example: CompensatingControl.
    pub reason: AcceptReason,
    /// Why, in your words. Example: Served only through CloudFront with origin access control.
    #[schemars(length(min = 1, max = 2000))]
    pub justification: String,
    /// Who answers for it: a mail address or a name. Example: pay-sec@example.com.
    #[schemars(length(min = 1, max = 256))]
    pub owner: String,
    /// The ticket that tracks it. Default: none. Example: PAY-812.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub ticket_ref: Option<String>,
    /// From when, RFC 3339. Cannot be changed: durations are counted from it. Example: "2026-12-01T00:00:00Z".
    #[schemars(schema_with = "super::schema::time")]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("startsAt cannot be changed, because durations are counted from it: make another exception."))]
    pub starts_at: String,
    /// Until when, RFC 3339: at that second the findings come back. Example: "2027-01-31T00:00:00Z".
    #[schemars(schema_with = "super::schema::time")]
    pub expires_at: String,
    /// Whether a suppression that somebody made by hand is taken over, so that expiry reopens it. Default: false.
    #[serde(default)]
    pub adopt: bool,
    /// Whether the exception is frozen: nothing is written for it but its expiry. Default: false.
    #[serde(default)]
    pub suspend: bool,
}

fn targets_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut target = Match::json_schema(generator);
    target.insert(
        "x-kubernetes-validations".to_owned(),
        serde_json::json!([
            {"rule": "has(self.controls) || has(self.generators)", "message": TARGET_CONTROLS},
            {"rule": "has(self.accounts) || has(self.accountSelector) || has(self.resources)", "message": TARGET_WHERE},
        ]),
    );
    json_schema!({"type": "array", "minItems": 1, "maxItems": 50, "items": target})
}

/// What an exception does to a finding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Effect {
    /// Suppressed while the exception holds.
    #[default]
    Accept,
}

impl From<Effect> for objects::Effect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Accept => Self::Accept,
        }
    }
}

/// What the exception does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FindingExceptionStatus {
    /// The metadata.generation that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The value of the annotation hubkeeper.dev/requestedAt that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Reconciling, Stalled, and InForce: whether it has its effect now; if False, the reason says why: Pending, Expired,
    /// Suspended, NotGranted, ApprovalNeeded. Ready is True with Pending, Expired or Suspended: there is nothing to do.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Pending (its time has not come, or an Approval is missing), Active, Expired, Invalid (outside its grant, denied or
    /// malformed) or Suspended.
    pub state: String,
    /// Digest of the spec: what an Approval names.
    pub digest: String,
    /// The ExceptionPolicy that grants it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_by: Option<String>,
    /// Findings that it covers.
    pub matched: i64,
    /// Findings held suppressed for it.
    pub held: i64,
    /// Findings that a person took back.
    pub overridden: i64,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// Changes that wait for an Approval because they are over a limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limit_holds: Vec<LimitHold>,
}

impl TryFrom<&FindingException> for Object<ExceptionSpec> {
    type Error = Invalid;

    fn try_from(exception: &FindingException) -> Result<Self, Invalid> {
        let (mut checks, path, spec) = (Checks::default(), Path::spec(), &exception.spec);
        let meta = meta(Kind::FindingException, exception, spec, &mut checks);
        let all = path.field("targets");
        if spec.targets.is_empty() {
            checks.refuse(&all, "must have at least one target");
        }
        let mut targets = Vec::with_capacity(spec.targets.len());
        for (index, target) in spec.targets.iter().enumerate() {
            let at = all.index(index);
            if target.controls.is_empty() && target.generators.is_empty() {
                checks.refuse(&at, TARGET_CONTROLS);
            }
            if target.accounts.is_empty() && target.account_selector.is_none() && target.resources.is_empty() {
                checks.refuse(&at, TARGET_WHERE);
            }
            targets.push(target.parse(&at, &mut checks));
        }
        let starts_at = checks.take(&path.field("startsAt"), timestamp(&spec.starts_at));
        let expires_at = checks.take(&path.field("expiresAt"), timestamp(&spec.expires_at));
        if starts_at.zip(expires_at).is_some_and(|(starts_at, expires_at)| starts_at >= expires_at) {
            checks.refuse(&path.field("expiresAt"), DATES);
        }
        let object = (|| {
            let exception = ExceptionSpec {
                effect: spec.effect.into(),
                targets,
                reason: spec.reason.into(),
                justification: spec.justification.clone(),
                owner: spec.owner.clone(),
                ticket_ref: spec.ticket_ref.clone(),
                starts_at: starts_at?,
                expires_at: expires_at?,
                adopt: spec.adopt,
                suspend: spec.suspend,
            };
            Some(Self { meta: meta?, spec: exception })
        })();
        checks.finish(object)
    }
}
