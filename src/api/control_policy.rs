//! `ControlPolicy`: ordered rules, which findings get which response.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::{Condition, LimitHold};
use super::matching::{Match, choices};
use super::parse::{Checks, Invalid, Path, meta};
use crate::core::ids::Kind;
use crate::core::objects;
use crate::core::objects::{Limits, MatchSpec, Object, PolicySpec};

/// Ordered rules: which findings get which response.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "hubkeeper.dev",
    version = "v1alpha1",
    kind = "ControlPolicy",
    doc = "Ordered rules: which findings get which response.",
    status = "ControlPolicyStatus",
    derive = "PartialEq",
    shortname = "cpol",
    category = "hubkeeper",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Priority", type_ = "integer", json_path = ".spec.priority"),
    printcolumn(name = "Scope", type_ = "integer", json_path = ".status.inScope"),
    printcolumn(name = "Decided", type_ = "integer", json_path = ".status.decided"),
    printcolumn(name = "Held", type_ = "integer", json_path = ".status.held"),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingChanges"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Respected", type_ = "integer", json_path = ".status.respected", priority = 1),
    printcolumn(name = "Excepted", type_ = "integer", json_path = ".status.excepted", priority = 1),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend", priority = 1),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlPolicySpec {
    /// Names of the SecurityHub objects that it is for. Default: every one. Example: [main].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 20), inner(length(min = 1, max = 253)))]
    pub hubs: Vec<String>,
    /// Whether the policy acts: Audit decides and reports, and writes nothing; Enforce acts. Default: Audit.
    #[serde(default)]
    pub mode: Mode,
    /// Between policies that match the same finding the higher one decides. If two of the same priority would do different
    /// things, neither acts and both say Conflicted. Default: 0. Example: 100.
    #[serde(default)]
    #[schemars(range(min = -1_000_000, max = 1_000_000))]
    pub priority: i64,
    /// Which findings the policy is about. Default: all failed findings of Security Hub's own controls. Example:
    /// {accountSelector: {matchLabels: {env: prod}}}.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Match>,
    /// What is done about a suppression that a person made. Default: Respect.
    #[serde(default)]
    pub manual_suppression: ManualSuppression,
    /// How much may change for this policy in a rolling hour without an Approval. Default: only the hub's limits count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<PolicyLimits>,
    /// What happens to what the policy holds when it is deleted. Default: Revert.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// The rules, in order: the first that matches decides. Example: [{name: availability, match: {categories: [Resilience]},
    /// response: {suppress: {reason: OutOfScope}}}].
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = Rule::new("self.all(r, self.exists_one(o, o.name == r.name))")
        .message("rules must have distinct names."))]
    pub rules: Vec<PolicyRule>,
    /// Whether the policy is frozen: nothing is written for it. Default: false.
    #[serde(default)]
    pub suspend: bool,
}

/// Whether a policy acts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// Decides and reports, and writes nothing.
    #[default]
    Audit,
    /// Decides and acts.
    Enforce,
}

/// What is done about a suppression that a person made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ManualSuppression {
    /// It stays, and later findings of the same problem inherit it.
    #[default]
    Respect,
    /// Only Git may suppress: it is reopened.
    Revert,
}

/// What happens to what an object holds when it is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// The findings get back the workflow status that they had.
    #[default]
    Revert,
    /// The findings stay suppressed, and are nobody's.
    Retain,
}

choices! {
    /// Why a finding is accepted.
    AcceptReason from objects::Reason {
        /// The risk is known and carried.
        AcceptedRisk = "AcceptedRisk",
        /// Something else protects.
        CompensatingControl = "CompensatingControl",
        /// The check is wrong here.
        FalsePositive = "FalsePositive",
        /// The control does not apply here.
        NotApplicable = "NotApplicable",
        /// The organization has decided not to follow this control.
        OutOfScope = "OutOfScope",
    }
}

/// How much may change in a rolling hour without an Approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PolicyLimits {
    /// Findings an hour. Default: 5000. Example: 500.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_findings: i64,
    /// Percent of the findings in the policy's scope an hour, 1 to 100. Default: 20. Example: 5.
    #[schemars(range(min = 1, max = 100))]
    pub max_percent: i64,
}

impl Default for PolicyLimits {
    fn default() -> Self {
        Self { max_findings: 5000, max_percent: 20 }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyRule {
    /// The name, distinct within the policy: it is how reports call the rule. Example: availability.
    #[schemars(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Which findings of the scope. Default: all of them. Example: {categories: [Resilience]}.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Match>,
    /// What is done: exactly one of suppress and ignore. Example: {suppress: {reason: OutOfScope}}.
    pub response: Response,
}

/// What is done about a finding that a rule decides: exactly one member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Response {
    /// Set the workflow status SUPPRESSED and hold it there as long as the rule decides the finding.
    #[serde(rename_all = "camelCase")]
    Suppress {
        /// Why. Example: OutOfScope.
        reason: AcceptReason,
    },
    /// Leave the finding alone, and let no later rule and no lower policy decide it. Example: {}.
    Ignore {},
}

/// What the policy does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ControlPolicyStatus {
    /// The metadata.generation that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The value of the annotation hubkeeper.dev/requestedAt that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Reconciling, Stalled, and what is particular to the kind.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Actionable findings in scope.
    pub in_scope: i64,
    /// Findings that one of its rules decides.
    pub decided: i64,
    /// Findings held suppressed for it.
    pub held: i64,
    /// Findings left alone because a person answered.
    pub respected: i64,
    /// Findings in scope that an exception covers.
    pub excepted: i64,
    /// Changes wanted and not yet made; under Audit: that it would make.
    pub pending_changes: i64,
    /// Changes that wait for an Approval because they are over a limit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limit_holds: Vec<LimitHold>,
}

impl From<Response> for objects::Response {
    fn from(response: Response) -> Self {
        match response {
            Response::Suppress { reason } => Self::Suppress { reason: reason.into() },
            Response::Ignore {} => Self::Ignore,
        }
    }
}

impl TryFrom<&ControlPolicy> for Object<PolicySpec> {
    type Error = Invalid;

    fn try_from(policy: &ControlPolicy) -> Result<Self, Invalid> {
        let (mut checks, path, spec) = (Checks::default(), Path::spec(), &policy.spec);
        let meta = meta(Kind::ControlPolicy, policy, spec, &mut checks);
        let priority = checks.number(&path.field("priority"), spec.priority);
        let optional = |matches: &Option<Match>, at: Path, checks: &mut Checks| {
            matches.as_ref().map_or_else(MatchSpec::default, |matches| matches.parse(&at, checks))
        };
        let scope = optional(&spec.scope, path.field("scope"), &mut checks);
        let all = path.field("rules");
        if spec.rules.is_empty() {
            checks.refuse(&all, "must have at least one rule");
        }
        let mut rules = Vec::with_capacity(spec.rules.len());
        for (index, rule) in spec.rules.iter().enumerate() {
            if spec.rules[..index].iter().any(|earlier| earlier.name == rule.name) {
                checks.refuse(&all, "rules must have distinct names.");
            }
            let matches = optional(&rule.matches, all.index(index).field("match"), &mut checks);
            rules.push(objects::RuleSpec { name: rule.name.clone(), matches, response: rule.response.into() });
        }
        let limits = spec.limits.map(|limits| {
            let at = path.field("limits");
            let max_findings = checks.number(&at.field("maxFindings"), limits.max_findings);
            let max_percent = checks.number(&at.field("maxPercent"), limits.max_percent);
            max_findings.zip(max_percent).map(|(max_findings, max_percent)| Limits { max_findings, max_percent })
        });
        let object = (|| {
            let policy = PolicySpec {
                hubs: spec.hubs.clone(),
                mode: match spec.mode {
                    Mode::Audit => objects::Mode::Audit,
                    Mode::Enforce => objects::Mode::Enforce,
                },
                priority: priority?,
                scope,
                manual_suppression: match spec.manual_suppression {
                    ManualSuppression::Respect => objects::ManualSuppression::Respect,
                    ManualSuppression::Revert => objects::ManualSuppression::Revert,
                },
                limits: match limits {
                    Some(limits) => Some(limits?),
                    None => None,
                },
                deletion_policy: match spec.deletion_policy {
                    DeletionPolicy::Revert => objects::DeletionPolicy::Revert,
                    DeletionPolicy::Retain => objects::DeletionPolicy::Retain,
                },
                rules,
                suspend: spec.suspend,
            };
            Some(Self { meta: meta?, spec: policy })
        })();
        checks.finish(object)
    }
}
