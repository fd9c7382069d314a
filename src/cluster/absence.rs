//! Absence is proved: the API server is asked for the object by name, and answers from its store and not from a cache.

use async_trait::async_trait;
use kube::Client;
use kube::api::{Api, PartialObjectMeta};

use super::failure;
use super::source::resource;
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Absence, SinkError};

/// Asks the API server.
#[derive(Clone)]
pub struct Asked(pub Client);

#[async_trait]
impl Absence for Asked {
    async fn is_gone(&self, object: &ObjectRef) -> Result<bool, SinkError> {
        let action = format!("ask whether {object} is gone");
        let resource = resource(object.kind);
        let api: Api<PartialObjectMeta<kube::api::DynamicObject>> = match &object.namespace {
            Some(namespace) => Api::namespaced_with(self.0.clone(), namespace, &resource),
            None => Api::all_with(self.0.clone(), &resource),
        };
        match api.get_metadata_opt(&object.name).await {
            Ok(found) => Ok(found.is_none()),
            Err(error) => Err(SinkError { message: failure::of(&error, &action), action }),
        }
    }
}
