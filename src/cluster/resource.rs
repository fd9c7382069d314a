//! How the API server names our kinds, and the way to an object of one.

use kube::Client;
use kube::api::{Api, ApiResource, GroupVersionKind};
use kube::core::DynamicResourceScope;

use crate::api::{GROUP, VERSION, plural};
use crate::core::ids::{Kind, ObjectRef};

/// How the API server names a kind of ours.
pub fn resource(kind: Kind) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(GROUP, VERSION, kind.as_str()), &plural(kind))
}

/// Where an object is: in its namespace, if it has one.
pub(super) fn api_of<K>(client: &Client, object: &ObjectRef) -> Api<K>
where
    K: kube::Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    let resource = resource(object.kind);
    match &object.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}
