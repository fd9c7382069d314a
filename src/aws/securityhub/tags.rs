//! Tags of the hub's ARN.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::SecurityHub;
use crate::aws::failure::{Fail, read};
use crate::aws::quota::{Operation, Retry};
use crate::core::ids::Region;
use crate::engine::ports::{AwsFailure, FailureKind, HubTags};

/// Of the hub's own ARN nothing else can be missing.
fn off(fail: Fail) -> Fail {
    match fail.code.as_deref() {
        Some("ResourceNotFoundException") => Fail { kind: FailureKind::NotEnabled, ..fail },
        _ => fail,
    }
}

#[async_trait]
impl HubTags for SecurityHub {
    async fn tags(&self, region: &Region, arn: &str) -> Result<BTreeMap<String, String>, AwsFailure> {
        let client = self.client(region);
        self.quota
            .call(region, Operation::ListTagsForResource, Retry::READ, || async {
                let listed = client.list_tags_for_resource().resource_arn(arn).send().await;
                let tags = listed.map_err(|error| off(read(&error)))?.tags.unwrap_or_default();
                Ok(tags.into_iter().collect())
            })
            .await
    }

    async fn tag(&self, region: &Region, arn: &str, tags: &BTreeMap<String, String>) -> Result<(), AwsFailure> {
        let tags = tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let request = self.client(region).tag_resource().resource_arn(arn).set_tags(Some(tags));
        self.quota
            .call(region, Operation::TagResource, Retry::WRITE, || async {
                request.clone().send().await.map(|_| ()).map_err(|error| off(read(&error)))
            })
            .await
    }

    async fn untag(&self, region: &Region, arn: &str, keys: &[&str]) -> Result<(), AwsFailure> {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        let request = self.client(region).untag_resource().resource_arn(arn).set_tag_keys(Some(keys));
        self.quota
            .call(region, Operation::UntagResource, Retry::WRITE, || async {
                request.clone().send().await.map(|_| ()).map_err(|error| off(read(&error)))
            })
            .await
    }
}
