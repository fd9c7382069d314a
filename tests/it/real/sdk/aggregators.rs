//! Finding aggregators.

use super::{ADMIN, HOME, LINKED, MEMBER, World};

pub const OPERATIONS: &[&str] = &[
    "CreateFindingAggregator",
    "DeleteFindingAggregator",
    "GetFindingAggregator",
    "ListFindingAggregators",
    "UpdateFindingAggregator",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_aggregator_is_found_changed_deleted_and_made() {
    let world = World::start().await;
    let admin = world.admin();
    let none = format!("arn:aws:securityhub:{HOME}:{ADMIN}:finding-aggregator/none");
    let (all, calls) = pages!(world, "ListFindingAggregators", admin.list_finding_aggregators(), 1);
    let [found] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(calls, 1);
    let arn = found.finding_aggregator_arn().unwrap();
    let read = admin.get_finding_aggregator().finding_aggregator_arn(arn).send().await.unwrap();
    assert_eq!((read.finding_aggregation_region(), read.region_linking_mode()), (Some(HOME), Some("SPECIFIED_REGIONS")));
    assert_eq!(read.regions(), [LINKED]);
    let update = |arn: &str| admin.update_finding_aggregator().finding_aggregator_arn(arn).region_linking_mode("ALL_REGIONS");
    let changed = update(arn).send().await.unwrap();
    assert_eq!((changed.region_linking_mode(), changed.regions().len()), (Some("ALL_REGIONS"), 0));

    let create = || admin.create_finding_aggregator().region_linking_mode("SPECIFIED_REGIONS").regions(LINKED);
    refused!(create(), is_invalid_input_exception);
    refused!(admin.get_finding_aggregator().finding_aggregator_arn(&none), is_resource_not_found_exception);
    refused!(admin.get_finding_aggregator().finding_aggregator_arn("arn:aws:nothing"), is_invalid_input_exception);
    refused!(update(&none), is_resource_not_found_exception);
    refused!(update(arn).regions(LINKED), is_invalid_input_exception);
    refused!(admin.delete_finding_aggregator().finding_aggregator_arn(&none), is_resource_not_found_exception);
    let member = world.client(MEMBER, HOME);
    refused!(member.delete_finding_aggregator().finding_aggregator_arn(arn), is_access_denied_exception);
    refused!(
        member.update_finding_aggregator().finding_aggregator_arn(arn).region_linking_mode("NO_REGIONS"),
        is_access_denied_exception
    );
    refused!(world.client("999999999999", HOME).list_finding_aggregators(), is_invalid_access_exception);
    over_quota!(world, "ListFindingAggregators", admin.list_finding_aggregators());
    over_quota!(world, "GetFindingAggregator", admin.get_finding_aggregator().finding_aggregator_arn(arn));
    over_quota!(world, "UpdateFindingAggregator", update(arn));
    over_quota!(world, "DeleteFindingAggregator", admin.delete_finding_aggregator().finding_aggregator_arn(arn));
    over_quota!(world, "CreateFindingAggregator", create());

    admin.delete_finding_aggregator().finding_aggregator_arn(arn).send().await.unwrap();
    assert!(admin.list_finding_aggregators().send().await.unwrap().finding_aggregators().is_empty());
    let made = create().send().await.unwrap();
    assert!(made.finding_aggregator_arn().is_some_and(|new| new != arn));
    assert_eq!((made.finding_aggregation_region(), made.regions()), (Some(HOME), &[LINKED.to_owned()][..]));
    world.assert_called(OPERATIONS);
}
