//! The organization: its delegated administrator, and how its accounts are configured.

use std::time::Duration;

use aws_sdk_securityhub::types::{
    AdminStatus, AutoEnableStandards, OrganizationConfiguration, OrganizationConfigurationConfigurationType as Kind,
    OrganizationConfigurationStatus as Status, SecurityHubFeature,
};

use super::{ADMIN, HOME, LINKED, MEMBER, World};

pub const DESIGNATED: &[&str] =
    &["DisableOrganizationAdminAccount", "EnableOrganizationAdminAccount", "ListOrganizationAdminAccounts"];
pub const CONFIGURED: &[&str] = &["DescribeOrganizationConfiguration", "UpdateOrganizationConfiguration"];

const REGION: &str = "ap-southeast-2";

#[tokio::test(flavor = "multi_thread")]
async fn the_administrator_is_designated_and_ended() {
    let world = World::start().await;
    let management = world.client("000000000000", REGION);
    let enable = |account: &str| management.enable_organization_admin_account().admin_account_id(account);
    let made = enable(ADMIN).send().await.unwrap();
    assert_eq!((made.admin_account_id(), made.feature()), (Some(ADMIN), Some(&SecurityHubFeature::SecurityHub)));
    let (all, calls) = pages!(world, "ListOrganizationAdminAccounts", management.list_organization_admin_accounts(), 1);
    let [account] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((account.account_id(), account.status(), calls), (Some(ADMIN), Some(&AdminStatus::Enabled), 1));

    let admin = world.client(ADMIN, REGION);
    refused!(enable(MEMBER), is_invalid_input_exception);
    refused!(admin.enable_organization_admin_account().admin_account_id(ADMIN), is_access_denied_exception);
    refused!(admin.disable_organization_admin_account().admin_account_id(ADMIN), is_access_denied_exception);
    let disable = |account: &str| management.disable_organization_admin_account().admin_account_id(account);
    refused!(disable("twelve"), is_invalid_input_exception);
    over_quota!(world, "EnableOrganizationAdminAccount", enable(ADMIN));
    over_quota!(world, "ListOrganizationAdminAccounts", management.list_organization_admin_accounts());
    over_quota!(world, "DisableOrganizationAdminAccount", disable(ADMIN));

    disable(ADMIN).send().await.unwrap();
    let none = management.list_organization_admin_accounts().send().await.unwrap();
    assert!(none.admin_accounts().is_empty(), "{none:?}");
    world.assert_called(DESIGNATED);
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_join_are_configured_here_or_centrally() {
    let world = World::start().await;
    let admin = world.admin();
    let update = |auto_enable| admin.update_organization_configuration().auto_enable(auto_enable);
    let of = |kind| OrganizationConfiguration::builder().configuration_type(kind).build();
    update(true).auto_enable_standards(AutoEnableStandards::None).send().await.unwrap();
    let read = admin.describe_organization_configuration().send().await.unwrap();
    assert_eq!((read.auto_enable(), read.auto_enable_standards()), (Some(true), Some(&AutoEnableStandards::None)));
    assert_eq!(read.member_account_limit_reached(), Some(false));
    let local = read.organization_configuration().unwrap();
    assert_eq!((local.configuration_type(), local.status()), (Some(&Kind::Local), Some(&Status::Enabled)));

    // Central configuration is from a home Region.
    let aggregators = admin.list_finding_aggregators().send().await.unwrap();
    let aggregator = aggregators.finding_aggregators()[0].finding_aggregator_arn().unwrap();
    admin.delete_finding_aggregator().finding_aggregator_arn(aggregator).send().await.unwrap();
    let central = || update(false).auto_enable_standards(AutoEnableStandards::None).organization_configuration(of(Kind::Central));
    refused!(central(), is_resource_not_found_exception);
    let create = admin.create_finding_aggregator().region_linking_mode("SPECIFIED_REGIONS").regions(LINKED);
    create.send().await.unwrap();
    refused!(update(true).organization_configuration(of(Kind::Central)), is_invalid_input_exception);
    central().send().await.unwrap();
    refused!(update(false), is_resource_conflict_exception);
    let status = async || {
        let read = admin.describe_organization_configuration().send().await.unwrap();
        let of = read.organization_configuration().unwrap().clone();
        (of.configuration_type().cloned(), of.status().cloned())
    };
    assert_eq!(status().await, (Some(Kind::Central), Some(Status::Pending)));
    world.local.advance(Duration::from_secs(30));
    assert_eq!(status().await, (Some(Kind::Central), Some(Status::Enabled)));

    let member = world.client(MEMBER, HOME);
    refused!(member.describe_organization_configuration(), is_invalid_access_exception);
    refused!(member.update_organization_configuration().auto_enable(true), is_invalid_access_exception);
    over_quota!(world, "DescribeOrganizationConfiguration", admin.describe_organization_configuration());
    over_quota!(world, "UpdateOrganizationConfiguration", update(false));
    world.assert_called(CONFIGURED);
}
