//! `Approval`: one yes or no to exactly one state of one object.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::matching::choices;
use super::parse::{Checks, Invalid, Path, meta, timestamp};
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::{self, Object};

const SUBJECT: &str = "subject.namespace must be given for a FindingException, and not for a cluster-scoped kind.";

/// One yes or no to exactly one state of one object: an exception that needs it, or changes over a limit.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "hubkeeper.dev",
    version = "v1alpha1",
    kind = "Approval",
    namespaced,
    doc = "One yes or no to exactly one state of one object: an exception that needs it, or changes over a limit.",
    status = "ApprovalStatus",
    derive = "PartialEq",
    shortname = "appr",
    category = "hubkeeper",
    printcolumn(name = "Kind", type_ = "string", json_path = ".spec.subject.kind"),
    printcolumn(name = "In", type_ = "string", json_path = ".spec.subject.namespace"),
    printcolumn(name = "Subject", type_ = "string", json_path = ".spec.subject.name"),
    printcolumn(name = "Decision", type_ = "string", json_path = ".spec.decision"),
    printcolumn(name = "Approver", type_ = "string", json_path = ".spec.approver"),
    printcolumn(name = "Counts", type_ = "boolean", json_path = ".status.counts"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason", priority = 1)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("self == oldSelf")
    .message("an Approval cannot be changed: delete it and make another one."))]
pub struct ApprovalSpec {
    /// What is decided about. Example: {kind: FindingException, namespace: team-pay, name: cdn}.
    pub subject: Subject,
    /// The state of the subject that is decided about, from its status or from hubkeeper digest. A changed subject needs
    /// another Approval. Example: sha256: and 64 hexadecimal digits.
    #[schemars(length(min = 71, max = 71), pattern("^sha256:[0-9a-f]{64}$"))]
    pub digest: String,
    /// Yes or no. Example: Approve.
    pub decision: Decision,
    /// Who decides. In a cluster it must be the user who makes this object. Example: alice.
    #[schemars(length(min = 1, max = 256))]
    pub approver: String,
    /// Why. Example: seen with the team.
    #[schemars(length(min = 1, max = 2000))]
    pub reason: String,
    /// Until when it counts, RFC 3339. Default: as long as the state does not change. Example: "2027-01-31T00:00:00Z".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::time")]
    pub expires_at: Option<String>,
    /// How many findings may be changed: the ceiling that the held changes asked for. Only for changes over a limit.
    /// Default: none, for an exception. Example: 800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_findings: Option<i64>,
}

/// What is decided about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[x_kube(validation = Rule::new("(self.kind == 'FindingException') == has(self.__namespace__)")
    .message("subject.namespace must be given for a FindingException, and not for a cluster-scoped kind."))]
pub struct Subject {
    /// The kind. Example: FindingException.
    pub kind: SubjectKind,
    /// The namespace, of a FindingException. Example: team-pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), pattern(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub namespace: Option<String>,
    /// The name. Example: cdn.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

choices! {
    /// What can be decided about.
    SubjectKind from Kind {
        /// An exception that needs an approval.
        FindingException = "FindingException",
        /// Changes of a policy over its limits.
        ControlPolicy = "ControlPolicy",
        /// Changes over the limits of the hub.
        SecurityHub = "SecurityHub",
    }
}

choices! {
    /// Yes or no.
    Decision from objects::ApprovalDecision {
        /// Yes.
        Approve = "Approve",
        /// No.
        Deny = "Deny",
    }
}

/// What has become of the decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ApprovalStatus {
    /// The metadata.generation that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The value of the annotation hubkeeper.dev/requestedAt that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Reconciling, Stalled, and what is particular to the kind.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Whether it counts for the state that its subject has now.
    pub counts: bool,
}

impl TryFrom<&Approval> for Object<objects::ApprovalSpec> {
    type Error = Invalid;

    fn try_from(approval: &Approval) -> Result<Self, Invalid> {
        let (mut checks, path, spec) = (Checks::default(), Path::spec(), &approval.spec);
        let meta = meta(Kind::Approval, approval, spec, &mut checks);
        let kind = Kind::from(spec.subject.kind);
        let subject = match (kind.is_namespaced(), spec.subject.namespace.as_deref()) {
            (true, Some(namespace)) => Some(ObjectRef::namespaced(kind, namespace, &spec.subject.name)),
            (false, None) => Some(ObjectRef::cluster(kind, &spec.subject.name)),
            _ => {
                checks.refuse(&path.field("subject"), SUBJECT);
                None
            }
        };
        let hex = spec.digest.strip_prefix("sha256:").unwrap_or_default();
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)) {
            checks.refuse(&path.field("digest"), "must be sha256: and 64 hexadecimal digits, as hubkeeper digest prints it");
        }
        let expires_at = match &spec.expires_at {
            Some(text) => checks.take(&path.field("expiresAt"), timestamp(text)).map(Some),
            None => Some(None),
        };
        let max_findings = match spec.max_findings {
            Some(number) => checks.number(&path.field("maxFindings"), number).map(Some),
            None => Some(None),
        };
        let object = (|| {
            let approval = objects::ApprovalSpec {
                subject: subject?,
                digest: spec.digest.clone(),
                decision: spec.decision.into(),
                approver: spec.approver.clone(),
                reason: spec.reason.clone(),
                expires_at: expires_at?,
                max_findings: max_findings?,
            };
            Some(Self { meta: meta?, spec: approval })
        })();
        checks.finish(object)
    }
}
