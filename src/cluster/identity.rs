//! Which cluster this is: the uid of the namespace kube-system, which every cluster has, and no two of them the same.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

use super::failure;
use crate::core::hub_owner::HubOwner;

/// The namespace whose uid names the cluster.
const NAMESPACE: &str = "kube-system";

/// The cluster does not say which one it is.
#[derive(Debug, thiserror::Error)]
#[error("{message}, or give a name with --owner")]
pub struct IdentityError {
    message: String,
    lasting: bool,
}

impl IdentityError {
    /// Whether asking again is useless.
    pub fn is_lasting(&self) -> bool {
        self.lasting
    }
}

/// The name by which this cluster owns hubs, unless it is given another.
pub async fn of(client: &Client) -> Result<HubOwner, IdentityError> {
    let action = format!("get the namespace {NAMESPACE}, whose uid is the name of this cluster");
    let found = Api::<Namespace>::all(client.clone()).get(NAMESPACE).await.map_err(|error| {
        let lasting = matches!(&error, kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404));
        IdentityError { message: failure::of(&error, &action), lasting }
    })?;
    let uid = found.metadata.uid.as_deref().and_then(|uid| uid.parse().ok());
    uid.ok_or_else(|| IdentityError { message: format!("failed to {action}: it has none"), lasting: true })
}
