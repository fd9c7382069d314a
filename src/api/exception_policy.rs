//! `ExceptionPolicy`: who may except what. Without one that grants it an exception has no effect.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::finding_exception::Effect;
use super::matching::Match;
use super::parse::{Checks, Invalid, Path, meta};
use crate::core::ids::Kind;
use crate::core::objects;
use crate::core::objects::{ExceptionPolicySpec as Policy, MatchSpec, Object};

/// The guardrail: which namespaces may except what, how long, how many, and who must approve. No grant: no effect.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "hubkeeper.dev",
    version = "v1alpha1",
    kind = "ExceptionPolicy",
    plural = "exceptionpolicies",
    doc = "The guardrail: which namespaces may except what, how long, how many, and who must approve. No grant: no effect.",
    status = "ExceptionPolicyStatus",
    derive = "PartialEq",
    shortname = "xpol",
    category = "hubkeeper",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Namespaces", type_ = "string", json_path = ".spec.namespaces.names"),
    printcolumn(name = "Max-Days", type_ = "integer", json_path = ".spec.maxDays"),
    printcolumn(name = "Max-Findings", type_ = "integer", json_path = ".spec.maxFindings"),
    printcolumn(name = "Exceptions", type_ = "integer", json_path = ".status.exceptions"),
    printcolumn(name = "Active", type_ = "integer", json_path = ".status.active"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExceptionPolicySpec {
    /// Whose exceptions it is for. Example: {names: [team-pay]}.
    pub namespaces: Namespaces,
    /// What may be excepted: every finding of a target must be covered by one of these. No defaults apply: {} is everything.
    /// Example: [{accountSelector: {matchLabels: {owner: pay}}, exceptControls: [IAM.*]}].
    #[schemars(length(min = 1, max = 50))]
    pub grants: Vec<Match>,
    /// Which effects are granted. Default: [Accept].
    #[serde(default = "accept")]
    #[schemars(length(min = 1, max = 3))]
    pub effects: Vec<Effect>,
    /// Days from startsAt to expiresAt at most. Default: 90. Example: 180.
    #[serde(default = "max_days")]
    #[schemars(range(min = 1, max = 3650))]
    pub max_days: i64,
    /// Findings that one exception may cover at most. Default: 100. Example: 50.
    #[serde(default = "max_findings")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_findings: i64,
    /// Which exceptions need an Approval besides. Default: none, because the merge was the approval. Example:
    /// [{match: {severities: [CRITICAL]}, namespaces: [sec-approvals], count: 1}].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub approvals: Vec<ApprovalRule>,
}

fn accept() -> Vec<Effect> {
    vec![Effect::Accept]
}

fn max_days() -> i64 {
    90
}

fn max_findings() -> i64 {
    100
}

/// Namespaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Namespaces {
    /// Their names, exact. Example: [team-pay].
    #[schemars(length(min = 1, max = 200), inner(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")))]
    pub names: Vec<String>,
}

/// When an exception needs approvals, and whose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovalRule {
    /// Needed if a covered finding matches. Default: always needed. Example: {severities: [CRITICAL]}.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub matches: Option<Match>,
    /// Namespaces whose Approvals count. Example: [sec-approvals].
    #[schemars(length(min = 1, max = 20), inner(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")))]
    pub namespaces: Vec<String>,
    /// Distinct approvers needed. Default: 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 10))]
    pub count: i64,
}

fn one() -> i64 {
    1
}

/// What the guardrail governs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExceptionPolicyStatus {
    /// The metadata.generation that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The value of the annotation hubkeeper.dev/requestedAt that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Reconciling, Stalled, and what is particular to the kind.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Exceptions of its namespaces.
    pub exceptions: i64,
    /// Those of them that hold.
    pub active: i64,
}

impl TryFrom<&ExceptionPolicy> for Object<Policy> {
    type Error = Invalid;

    fn try_from(policy: &ExceptionPolicy) -> Result<Self, Invalid> {
        let (mut checks, path, spec) = (Checks::default(), Path::spec(), &policy.spec);
        let meta = meta(Kind::ExceptionPolicy, policy, spec, &mut checks);
        let all = path.field("grants");
        let grants = spec.grants.iter().enumerate().map(|(index, grant)| grant.parse(&all.index(index), &mut checks)).collect();
        let all = path.field("approvals");
        let mut approvals = Vec::with_capacity(spec.approvals.len());
        for (index, rule) in spec.approvals.iter().enumerate() {
            let at = all.index(index);
            let matches =
                rule.matches.as_ref().map_or_else(MatchSpec::default, |matches| matches.parse(&at.field("match"), &mut checks));
            // Nobody's namespace would make the approval impossible, not needless: refused all the same, as surely a mistake.
            if rule.namespaces.is_empty() {
                checks.refuse(&at.field("namespaces"), "must have at least one namespace");
            }
            if let Some(count) = checks.number(&at.field("count"), rule.count) {
                approvals.push(objects::ApprovalRule { matches, namespaces: rule.namespaces.clone(), count });
            }
        }
        let max_days = checks.number(&path.field("maxDays"), spec.max_days);
        let max_findings = checks.number(&path.field("maxFindings"), spec.max_findings);
        let object = (|| {
            let policy = Policy {
                namespaces: spec.namespaces.names.clone(),
                grants,
                effects: spec.effects.iter().map(|&effect| effect.into()).collect(),
                max_days: max_days?,
                max_findings: max_findings?,
                approvals,
            };
            Some(Self { meta: meta?, spec: policy })
        })();
        checks.finish(object)
    }
}
