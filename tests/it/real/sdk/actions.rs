//! Custom actions.

use super::{ADMIN, HOME, MEMBER, World};

pub const OPERATIONS: &[&str] = &["CreateActionTarget", "DeleteActionTarget", "DescribeActionTargets", "UpdateActionTarget"];

#[tokio::test(flavor = "multi_thread")]
async fn custom_actions_are_made_described_changed_and_deleted() {
    let world = World::start().await;
    let admin = world.admin();
    let chat = format!("arn:aws:securityhub:{HOME}:{ADMIN}:action/custom/Chat");
    let missing = chat.replace("Chat", "None");
    let create = |id: &str| admin.create_action_target().id(id).name("Send to chat").description("Sends findings to chat");
    assert_eq!(create("Chat").send().await.unwrap().action_target_arn(), Some(chat.as_str()));
    create("Mail").send().await.unwrap();
    let (targets, calls) = pages!(world, "DescribeActionTargets", admin.describe_action_targets(), 1);
    assert_eq!(
        targets.iter().map(|target| target.action_target_arn()).collect::<Vec<_>>(),
        [Some(chat.as_str()), Some(chat.replace("Chat", "Mail").as_str())]
    );
    assert!(calls > 1);
    admin.update_action_target().action_target_arn(&chat).name("Chat").description("At once").send().await.unwrap();
    let described = admin.describe_action_targets().action_target_arns(&chat).send().await.unwrap();
    let [target] = described.action_targets() else { panic!("{described:?}") };
    assert_eq!((target.name(), target.description()), (Some("Chat"), Some("At once")));

    refused!(create("Chat"), is_resource_conflict_exception);
    refused!(create("to-chat"), is_invalid_input_exception);
    refused!(admin.describe_action_targets().action_target_arns(&missing), is_resource_not_found_exception);
    refused!(admin.describe_action_targets().action_target_arns("arn:aws:nothing"), is_invalid_input_exception);
    refused!(admin.update_action_target().action_target_arn(&missing).name("x"), is_resource_not_found_exception);
    refused!(admin.update_action_target().action_target_arn(&chat).name("x".repeat(21)), is_invalid_input_exception);
    refused!(admin.delete_action_target().action_target_arn(&missing), is_resource_not_found_exception);
    refused!(world.client(MEMBER, HOME).delete_action_target().action_target_arn(&chat), is_resource_not_found_exception);
    let stranger = world.client("999999999999", HOME);
    refused!(stranger.describe_action_targets(), is_invalid_access_exception);
    over_quota!(world, "CreateActionTarget", create("More"));
    in_trouble!(world, "DescribeActionTargets", admin.describe_action_targets());
    in_trouble!(world, "UpdateActionTarget", admin.update_action_target().action_target_arn(&chat).name("x"));
    in_trouble!(world, "DeleteActionTarget", admin.delete_action_target().action_target_arn(&chat));

    let deleted = admin.delete_action_target().action_target_arn(&chat).send().await.unwrap();
    assert_eq!(deleted.action_target_arn(), Some(chat.as_str()));
    assert_eq!(admin.describe_action_targets().send().await.unwrap().action_targets().len(), 1);
    world.assert_called(OPERATIONS);
}
