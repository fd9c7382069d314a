//! The hub itself.

use aws_sdk_securityhub::types::ControlFindingGenerator::{SecurityControl, StandardControl};

use super::{HOME, MEMBER, World};

pub const OPERATIONS: &[&str] = &["DescribeHub", "DisableSecurityHub", "EnableSecurityHub", "UpdateSecurityHubConfiguration"];

#[tokio::test(flavor = "multi_thread")]
async fn a_hub_is_enabled_described_configured_and_disabled() {
    let world = World::start().await;
    let hub = world.client("123412341234", "ap-northeast-1");
    let arn = "arn:aws:securityhub:ap-northeast-1:123412341234:hub/default";
    refused!(hub.describe_hub(), is_invalid_access_exception);
    refused!(hub.disable_security_hub(), is_invalid_access_exception);
    let enable = hub.enable_security_hub().enable_default_standards(false).control_finding_generator(StandardControl);
    enable.tags("team", "sec").send().await.unwrap();
    refused!(hub.enable_security_hub(), is_resource_conflict_exception);

    let described = hub.describe_hub().send().await.unwrap();
    assert_eq!((described.hub_arn(), described.auto_enable_controls()), (Some(arn), Some(true)));
    assert_eq!(described.control_finding_generator(), Some(&StandardControl));
    assert!(described.subscribed_at().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{described:?}");
    let change = hub.update_security_hub_configuration().auto_enable_controls(false);
    change.control_finding_generator(SecurityControl).send().await.unwrap();
    let described = hub.describe_hub().hub_arn(arn).send().await.unwrap();
    assert_eq!(described.auto_enable_controls(), Some(false));
    assert_eq!(described.control_finding_generator(), Some(&SecurityControl));

    refused!(hub.describe_hub().hub_arn(arn.replace("1234", "4321")), is_resource_not_found_exception);
    refused!(hub.describe_hub().hub_arn("hub"), is_invalid_input_exception);
    refused!(hub.update_security_hub_configuration().control_finding_generator("OWN".into()), is_invalid_input_exception);
    let member = world.client(MEMBER, HOME);
    refused!(member.update_security_hub_configuration().control_finding_generator(StandardControl), is_invalid_access_exception);
    refused!(member.disable_security_hub(), is_invalid_access_exception);
    over_quota!(world, "DescribeHub", hub.describe_hub());
    over_quota!(world, "EnableSecurityHub", hub.enable_security_hub());
    over_quota!(world, "UpdateSecurityHubConfiguration", hub.update_security_hub_configuration());
    over_quota!(world, "DisableSecurityHub", hub.disable_security_hub());

    hub.disable_security_hub().send().await.unwrap();
    refused!(hub.describe_hub(), is_invalid_access_exception);
    world.assert_called(OPERATIONS);
}
