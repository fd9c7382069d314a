//! Standards, and their controls one by one.

use std::time::Duration;

use aws_sdk_securityhub::types::{ControlStatus, StandardsProvider, StandardsStatus, StandardsSubscriptionRequest};

use super::{ADMIN, HOME, LINKED, MEMBER, World};

pub const OPERATIONS: &[&str] = &[
    "BatchDisableStandards",
    "BatchEnableStandards",
    "DescribeStandards",
    "DescribeStandardsControls",
    "GetEnabledStandards",
    "UpdateStandardsControl",
];

#[tokio::test(flavor = "multi_thread")]
async fn standards_are_disabled_and_enabled_and_their_controls_switched() {
    let world = World::start().await;
    let admin = world.admin();
    let pci = format!("arn:aws:securityhub:{HOME}::standards/pci-dss/v/4.0.1");
    let subscription = format!("arn:aws:securityhub:{HOME}:{ADMIN}:subscription/pci-dss/v/4.0.1");
    let (standards, calls) = pages!(world, "DescribeStandards", admin.describe_standards(), 3);
    assert_eq!((standards.len(), calls), (10, 4));
    let known = standards.iter().find(|standard| standard.standards_arn() == Some(&pci)).unwrap();
    assert!(known.name().is_some() && known.description().is_some() && known.enabled_by_default() == Some(false), "{known:?}");
    assert_eq!(known.provider(), Some(&StandardsProvider::Aws));
    let (enabled, calls) = pages!(world, "GetEnabledStandards", admin.get_enabled_standards(), 4);
    assert_eq!((enabled.len(), calls), (10, 3));
    assert!(enabled.iter().all(|standard| standard.standards_status() == Some(&StandardsStatus::Ready)));

    let gone = admin.batch_disable_standards().standards_subscription_arns(&subscription).send().await.unwrap();
    assert_eq!(gone.standards_subscriptions()[0].standards_status(), Some(&StandardsStatus::Deleting));
    world.local.advance(Duration::from_secs(30));
    let controls = admin.describe_standards_controls().standards_subscription_arn(&subscription);
    refused!(controls, is_resource_not_found_exception);
    let request = StandardsSubscriptionRequest::builder().standards_arn(&pci).standards_input("key", "value").build();
    let made = admin.batch_enable_standards().standards_subscription_requests(request.clone()).send().await.unwrap();
    let made = &made.standards_subscriptions()[0];
    assert_eq!((made.standards_arn(), made.standards_status()), (Some(pci.as_str()), Some(&StandardsStatus::Pending)));
    assert_eq!(made.standards_input().and_then(|input| input.get("key")).map(String::as_str), Some("value"));
    world.local.advance(Duration::from_secs(30));
    let read = admin.get_enabled_standards().standards_subscription_arns(&subscription).send().await.unwrap();
    assert_eq!(read.standards_subscriptions()[0].standards_status(), Some(&StandardsStatus::Ready));

    let controls = || admin.describe_standards_controls().standards_subscription_arn(&subscription);
    let (all, calls) = pages!(world, "DescribeStandardsControls", controls(), 20);
    assert!(all.len() > 20 && calls > 1);
    let one = all[0].standards_control_arn().unwrap();
    let switch = |arn: &str, status| admin.update_standards_control().standards_control_arn(arn).control_status(status);
    switch(one, ControlStatus::Disabled).disabled_reason("not here").send().await.unwrap();
    let read = controls().max_results(1).send().await.unwrap();
    let [control] = read.controls() else { panic!("{read:?}") };
    assert_eq!((control.control_status(), control.disabled_reason()), (Some(&ControlStatus::Disabled), Some("not here")));
    assert!(control.control_status_updated_at().is_some() && control.severity_rating().is_some(), "{control:?}");

    refused!(admin.describe_standards().max_results(101), is_invalid_input_exception);
    refused!(admin.get_enabled_standards().standards_subscription_arns("arn:aws:nothing"), is_invalid_input_exception);
    refused!(admin.batch_disable_standards().standards_subscription_arns("arn:aws:nothing"), is_invalid_input_exception);
    let elsewhere = StandardsSubscriptionRequest::builder().standards_arn(pci.replace(HOME, LINKED)).build();
    refused!(admin.batch_enable_standards().standards_subscription_requests(elsewhere), is_invalid_input_exception);
    refused!(switch(one, ControlStatus::Disabled), is_invalid_input_exception);
    refused!(switch(&one.replace(ADMIN, MEMBER), ControlStatus::Enabled), is_access_denied_exception);
    let (standard, _) = one.rsplit_once('/').unwrap();
    refused!(switch(&format!("{standard}/None.1"), ControlStatus::Enabled), is_access_denied_exception);
    let stranger = world.client("999999999999", HOME);
    refused!(stranger.get_enabled_standards(), is_invalid_access_exception);
    in_trouble!(world, "DescribeStandards", admin.describe_standards());
    in_trouble!(world, "DescribeStandardsControls", controls());
    in_trouble!(world, "UpdateStandardsControl", switch(one, ControlStatus::Enabled));
    over_quota!(world, "GetEnabledStandards", admin.get_enabled_standards());
    over_quota!(world, "BatchDisableStandards", admin.batch_disable_standards().standards_subscription_arns(&subscription));
    over_quota!(world, "BatchEnableStandards", admin.batch_enable_standards().standards_subscription_requests(request.clone()));
    world.assert_called(OPERATIONS);
}
