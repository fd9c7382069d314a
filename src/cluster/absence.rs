//! Absence is proved: the API server is asked for the object by name, and answers from its store and not from a cache.

use async_trait::async_trait;
use kube::Client;
use kube::api::{Api, DynamicObject, PartialObjectMeta};

use super::failure;
use super::resource::api_of;
use crate::api::GROUP;
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Absence, SinkError};

/// Asks the API server.
#[derive(Clone)]
pub struct Asked(pub Client);

#[async_trait]
impl Absence for Asked {
    async fn is_gone(&self, object: &ObjectRef) -> Result<bool, SinkError> {
        let action = format!("ask whether {object} is gone");
        let api: Api<PartialObjectMeta<DynamicObject>> = api_of(&self.0, object);
        match found(api.get_metadata(&object.name).await, &object.name) {
            Ok(found) => Ok(found.is_none()),
            Err(error) => Err(SinkError { message: failure::of(&error, &action), action }),
        }
    }
}

/// What a GET by name has found; `None`: the API server says that there is no object of that name. That it does not know the kind, or
/// that something in between knows nothing at all, is also told by 404, and proves nothing.
pub(super) fn found<T>(answer: kube::Result<T>, name: &str) -> kube::Result<Option<T>> {
    match answer {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status))
            if status.code == 404
                && status.reason == "NotFound"
                && status.details.as_ref().is_some_and(|details| details.name == name && details.group == GROUP) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;
    use serde_json::{Value, json};

    use super::*;

    fn gone(status: Value) -> bool {
        let status: Status = serde_json::from_value(status).unwrap();
        found::<()>(Err(kube::Error::Api(Box::new(status))), "cdn").is_ok()
    }

    #[test]
    fn only_the_api_server_that_knows_the_kind_proves_that_an_object_is_gone() {
        let details = json!({"name": "cdn", "group": "hubkeeper.dev", "kind": "findingexceptions"});
        assert!(gone(json!({"code": 404, "reason": "NotFound", "details": details})));
        for other in [
            json!({"code": 404, "reason": "NotFound", "details": {}}),
            json!({"code": 404, "reason": "NotFound"}),
            json!({"code": 404, "reason": "Failed to parse error data", "message": "404 page not found"}),
            json!({"code": 404, "reason": "NotFound", "details": {"name": "other", "group": "hubkeeper.dev"}}),
            json!({"code": 403, "reason": "Forbidden", "details": details}),
            json!({"code": 410, "reason": "Gone", "details": details}),
        ] {
            assert!(!gone(other.clone()), "{other}");
        }
    }
}
