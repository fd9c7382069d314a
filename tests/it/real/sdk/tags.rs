//! Tags of resources.

use super::{ADMIN, HOME, MEMBER, World};

pub const OPERATIONS: &[&str] = &["ListTagsForResource", "TagResource", "UntagResource"];

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_set_listed_and_removed() {
    let world = World::start().await;
    let admin = world.admin();
    let hub = format!("arn:aws:securityhub:{HOME}:{ADMIN}:hub/default");
    admin.tag_resource().resource_arn(&hub).tags("team", "a b@c").tags("empty", "").send().await.unwrap();
    admin.untag_resource().resource_arn(&hub).tag_keys("empty").tag_keys("never").send().await.unwrap();
    let listed = admin.list_tags_for_resource().resource_arn(&hub).send().await.unwrap();
    assert_eq!(listed.tags(), Some(&[("team".to_owned(), "a b@c".to_owned())].into()));

    let other = hub.replace(ADMIN, MEMBER);
    refused!(admin.list_tags_for_resource().resource_arn(&other), is_resource_not_found_exception);
    refused!(admin.tag_resource().resource_arn(&other).tags("a", "b"), is_resource_not_found_exception);
    refused!(admin.untag_resource().resource_arn(&other).tag_keys("a"), is_resource_not_found_exception);
    refused!(admin.list_tags_for_resource().resource_arn("arn:aws:nothing"), is_invalid_input_exception);
    refused!(admin.tag_resource().resource_arn(&hub).tags("aws:a", "b"), is_invalid_input_exception);
    refused!(admin.untag_resource().resource_arn(&hub).tag_keys("aws:a"), is_invalid_input_exception);
    in_trouble!(world, "ListTagsForResource", admin.list_tags_for_resource().resource_arn(&hub));
    in_trouble!(world, "TagResource", admin.tag_resource().resource_arn(&hub).tags("a", "b"));
    in_trouble!(world, "UntagResource", admin.untag_resource().resource_arn(&hub).tag_keys("team"));
    world.assert_called(OPERATIONS);
}
