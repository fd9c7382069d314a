//! `Account`: one AWS account.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::conditions::Condition;
use super::parse::{Checks, Invalid, Path, meta};
use crate::core::ids::{AccountId, Kind};
use crate::core::objects::{self, Object};

/// One AWS account: whose it is. Its labels are what `accountSelector` selects by.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[kube(
    group = "hubkeeper.dev",
    version = "v1alpha1",
    kind = "Account",
    doc = "One AWS account: whose it is. Its labels are what accountSelector selects by.",
    status = "AccountStatus",
    derive = "PartialEq",
    shortname = "acct",
    category = "hubkeeper",
    printcolumn(name = "Id", type_ = "string", json_path = ".spec.id"),
    printcolumn(name = "Owner", type_ = "string", json_path = ".spec.owner"),
    printcolumn(name = "Findings", type_ = "integer", json_path = ".status.findings"),
    printcolumn(name = "Held", type_ = "integer", json_path = ".status.held"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AccountSpec {
    /// The AWS account id: twelve digits, quoted so that leading zeros stay. Cannot be changed. Example: "111122223333".
    #[schemars(length(min = 12, max = 12), pattern("^[0-9]{12}$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("id cannot be changed: make another Account and delete this one."))]
    pub id: String,
    /// Who answers for the account: a mail address or a name. Default: nobody. Example: pay-sec@example.com.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub owner: Option<String>,
}

/// What is known of the account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AccountStatus {
    /// The metadata.generation that this status is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The value of the annotation hubkeeper.dev/requestedAt that was handled last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
    /// Ready, Reconciling, Stalled, and what is particular to the kind.
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Findings known in the account.
    pub findings: i64,
    /// Findings of the account that are held suppressed.
    pub held: i64,
}

impl TryFrom<&Account> for Object<objects::AccountSpec> {
    type Error = Invalid;

    fn try_from(account: &Account) -> Result<Self, Invalid> {
        let mut checks = Checks::default();
        let meta = meta(Kind::Account, account, &account.spec, &mut checks);
        let id = checks.take(&Path::spec().field("id"), account.spec.id.parse::<AccountId>());
        let object =
            meta.zip(id).map(|(meta, id)| Self { meta, spec: objects::AccountSpec { id, owner: account.spec.owner.clone() } });
        checks.finish(object)
    }
}
