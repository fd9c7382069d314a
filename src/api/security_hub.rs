//! `SecurityHub`: the hub to keep.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::{Condition, HubLimitHold};
use super::parse::{Checks, Invalid, Path, meta};
use crate::core::ids::{Kind, Region};
use crate::core::objects;
use crate::core::objects::{ControlPattern, HubSpec, Object};

/// One Security Hub CSPM to keep: where it is, how it is reached, and how much may change at once.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "hubkeeper.dev",
    version = "v1alpha1",
    kind = "SecurityHub",
    doc = "The AWS Security Hub to keep: where it is, how it is reached, and how much may change at once.",
    status = "SecurityHubStatus",
    derive = "PartialEq",
    shortname = "hub",
    category = "hubkeeper",
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Home", type_ = "string", json_path = ".spec.homeRegion"),
    printcolumn(name = "Account", type_ = "string", json_path = ".status.account"),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.findings"),
    printcolumn(name = "Pending", type_ = "integer", json_path = ".status.pendingChanges"),
    printcolumn(name = "Synced", type_ = "date", json_path = ".status.lastFullSync"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspend", priority = 1),
    printcolumn(name = "Status", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].message", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("!has(self.linkedRegions) || !self.linkedRegions.exists(r, r == self.homeRegion)")
    .message("linkedRegions must not name the home Region: it is always kept.")
    .field_path(".linkedRegions"))]
#[x_kube(validation = Rule::new(
    "!has(self.linkedRegions) || self.linkedRegions.all(r, self.linkedRegions.exists_one(o, o == r))"
).message("linkedRegions must name each Region once.").field_path(".linkedRegions"))]
#[x_kube(validation = Rule::new(
    "!has(self.controlGroups) || self.controlGroups.all(g, self.controlGroups.exists_one(o, o.name == g.name))"
).message("controlGroups must have distinct names.").field_path(".controlGroups"))]
pub struct SecurityHubSpec {
    /// The Region that findings are aggregated into, where they are read and written. Cannot be changed: the hub would be
    /// another one. Example: eu-west-1.
    #[schemars(length(min = 3, max = 32), pattern("^[a-z0-9]+(-[a-z0-9]+)+$"))]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("homeRegion cannot be changed: make another SecurityHub and delete this one."))]
    pub home_region: String,
    /// Regions whose findings are kept too; those of other Regions are left alone, also what is held there. One that the finding
    /// aggregator does not link is read and written by itself, and the condition RegionsLinked says so. Default: those that the
    /// aggregator links. Example: [us-east-1].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 3, max = 32), pattern("^[a-z0-9]+(-[a-z0-9]+)+$")))]
    pub linked_regions: Option<Vec<String>>,
    /// The role to assume. Default: the identity that Hubkeeper runs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Where the hub's events arrive. Default: none, and changes are seen by reading only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Events>,
    /// Seconds within which every finding is read anew, whatever events say. Default: 86400 (a day). Example: 43200.
    #[serde(default = "sync_interval")]
    #[schemars(range(min = 1, max = 2_592_000))]
    pub sync_interval_seconds: i64,
    /// Seconds for which a finding that was read counts as known well enough to be changed; an older one is read again
    /// first. Default: 300.
    #[serde(default = "freshness")]
    #[schemars(range(min = 1, max = 86_400))]
    pub freshness_seconds: i64,
    /// Percent of the account's Security Hub API quota that may be used. Default: 60.
    #[serde(default = "quota")]
    #[schemars(range(min = 1, max = 100))]
    pub api_quota_percent: i64,
    /// How much may change in a rolling hour without an Approval, over all policies and exceptions. Default:
    /// {maxFindings: 5000, maxPercent: 20}.
    #[serde(default)]
    pub limits: HubLimits,
    /// Namespaces whose Approvals count for cluster-scoped objects (policies and this hub over their limits). Default: none,
    /// so that nobody can approve. Example: [sec-approvals].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")))]
    pub approval_namespaces: Vec<String>,
    /// Named groups of controls, for `groups` in any match. Example: [{name: crown-jewels, controls: [IAM.*, S3.8]}].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub control_groups: Vec<ControlGroup>,
    /// Whether everything is frozen: nothing is written but the expiry of exceptions. Default: false.
    #[serde(default)]
    pub suspend: bool,
}

fn sync_interval() -> i64 {
    86_400
}

fn freshness() -> i64 {
    300
}

fn quota() -> i64 {
    60
}

/// The role to assume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    /// ARN of the role. Example: arn:aws:iam::111122223333:role/hubkeeper.
    #[schemars(length(min = 20, max = 2048), pattern(r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+$"))]
    pub arn: String,
    /// External id that the role's trust policy asks for. Default: none is sent. Example: example.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 2, max = 1224), pattern(r"^[A-Za-z0-9+=,.@:/_-]+$"))]
    pub external_id: Option<String>,
}

/// Where the hub's events arrive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Events {
    /// URL of the SQS queue that an EventBridge rule sends "Security Hub Findings - Imported" to. Example:
    /// https://sqs.eu-west-1.amazonaws.com/111122223333/hubkeeper.
    #[schemars(length(min = 10, max = 1024), pattern(r"^https?://[!-.0-~]+/[!-~]+$"))]
    pub queue_url: String,
}

/// How much may change in a rolling hour without an Approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HubLimits {
    /// Findings an hour. Default: 5000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_findings: i64,
    /// Percent of the hub's findings an hour, 1 to 100. Default: 20.
    #[schemars(range(min = 1, max = 100))]
    pub max_percent: i64,
}

impl Default for HubLimits {
    fn default() -> Self {
        Self { max_findings: 5000, max_percent: 20 }
    }
}

/// A named group of controls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ControlGroup {
    /// The name, for `groups`. Example: crown-jewels.
    #[schemars(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// Its controls; `EC2.*` is every control of a service. Example: [IAM.*, S3.8].
    #[schemars(length(min = 1, max = 1000), inner(length(min = 1, max = 64), pattern(r"^[A-Za-z0-9]+\.([0-9]+|\*)$")))]
    pub controls: Vec<String>,
}

/// What is known of the hub.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityHubStatus {
    /// The metadata.generation that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The value of the annotation hubkeeper.dev/requestedAt that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Reconciling, Stalled, and what is particular to the kind.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// The AWS account of the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// ARN of the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub_arn: Option<String>,
    /// Who owns the hub in the home Region, as the tag hubkeeper.dev/cluster on its ARN says. Nobody else writes there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By what name this controller owns hubs: the uid of the namespace kube-system, unless it was given another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keeper: Option<String>,
    /// Regions that the aggregator links to the home Region.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub linked_regions: Vec<String>,
    /// Findings known.
    pub findings: i64,
    /// Problems known: findings of one resource and control count once.
    pub problems: i64,
    /// Findings that could not be read in the last full read.
    pub unreadable: i64,
    /// When the last full read ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_full_sync: Option<Time>,
    /// Every finding has been seen since this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven_since: Option<Time>,
    /// The shortest syncIntervalSeconds that the quota allows for the findings there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest_sync_interval_seconds: Option<i64>,
    /// Changes wanted and not yet made.
    pub pending_changes: i64,
    /// Regions that the aggregator links and spec.linkedRegions does not list: their findings are left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub left_regions: Vec<String>,
    /// Changes that wait because they are over spec.limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000))]
    pub limit_holds: Vec<HubLimitHold>,
}

impl TryFrom<&SecurityHub> for Object<HubSpec> {
    type Error = Invalid;

    fn try_from(hub: &SecurityHub) -> Result<Self, Invalid> {
        let (mut checks, path, spec) = (Checks::default(), Path::spec(), &hub.spec);
        let meta = meta(Kind::SecurityHub, hub, spec, &mut checks);
        let home = checks.take(&path.field("homeRegion"), spec.home_region.parse::<Region>());
        let linked = spec.linked_regions.as_ref().map(|all| checks.list(&path.field("linkedRegions"), all, str::parse::<Region>));
        let groups = path.field("controlGroups");
        let mut control_groups = Vec::with_capacity(spec.control_groups.len());
        for (index, group) in spec.control_groups.iter().enumerate() {
            let at = groups.index(index);
            if spec.control_groups[..index].iter().any(|earlier| earlier.name == group.name) {
                checks.refuse(&groups, "controlGroups must have distinct names.");
            }
            let parse = |text: &str| ControlPattern::try_from(text.to_owned());
            let controls = checks.list(&at.field("controls"), &group.controls, parse);
            control_groups.push(objects::ControlGroup { name: group.name.clone(), controls });
        }
        let limits = path.field("limits");
        let max_findings = checks.number(&limits.field("maxFindings"), spec.limits.max_findings);
        let max_percent = checks.number(&limits.field("maxPercent"), spec.limits.max_percent);
        let interval = checks.number(&path.field("syncIntervalSeconds"), spec.sync_interval_seconds);
        let freshness = checks.number(&path.field("freshnessSeconds"), spec.freshness_seconds);
        let quota = checks.number(&path.field("apiQuotaPercent"), spec.api_quota_percent);
        let object = (|| {
            let hub = HubSpec {
                home_region: home?,
                linked_regions: linked,
                role: spec
                    .role
                    .as_ref()
                    .map(|role| objects::Role { arn: role.arn.clone(), external_id: role.external_id.clone() }),
                queue_url: spec.events.as_ref().map(|events| events.queue_url.clone()),
                sync_interval_seconds: interval?,
                freshness_seconds: freshness?,
                api_quota_percent: quota?,
                limits: objects::Limits { max_findings: max_findings?, max_percent: max_percent? },
                approval_namespaces: spec.approval_namespaces.clone(),
                control_groups,
                suspend: spec.suspend,
            };
            Some(Object { meta: meta?, spec: hub })
        })();
        checks.finish(object)
    }
}
