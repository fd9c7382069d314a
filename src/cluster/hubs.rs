//! The SecurityHubs that are declared, read once: for who does something about one of them and does not stay.

use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};

use super::failure;
use super::source::resource;
use super::store::Store;
use crate::core::hub_owner::HubOwner;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Desired;

/// Why they could not be read, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HubsError(String);

/// What is declared of hubs, and who keeps them.
pub struct Hubs(Store);

impl Hubs {
    /// Reads them.
    pub async fn read(client: &Client) -> Result<Self, HubsError> {
        let kind = Kind::SecurityHub;
        let (store, resource) = (Store::default(), resource(kind));
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let listed = api.list(&ListParams::default()).await;
        let listed = listed.map_err(|error| HubsError(failure::of(&error, &format!("list {}", resource.plural))))?;
        store.begin(kind);
        for object in &listed.items {
            store.list(kind, object);
        }
        store.commit(kind, &std::collections::BTreeSet::new());
        Ok(Self(store))
    }

    /// What is declared, as far as it can be read.
    pub fn desired(&self) -> Desired {
        self.0.desired()
    }

    /// By what name the controller of this cluster owns the hub, if one has said so.
    pub fn keeper(&self, hub: &str) -> Option<HubOwner> {
        let (_, status) = self.0.standing(&ObjectRef::cluster(Kind::SecurityHub, hub))?;
        status.get("keeper")?.as_str()?.parse().ok()
    }
}
