//! Insights.

use aws_sdk_securityhub::types::{AwsSecurityFindingFilters, StringFilterComparison};

use super::{ADMIN, HOME, MEMBER, World, equals};

pub const OPERATIONS: &[&str] = &["CreateInsight", "DeleteInsight", "GetInsightResults", "GetInsights", "UpdateInsight"];

#[tokio::test(flavor = "multi_thread")]
async fn insights_are_made_counted_changed_and_deleted() {
    let world = World::start().await;
    let admin = world.admin();
    let missing = format!("arn:aws:securityhub:{HOME}:{ADMIN}:insight/{ADMIN}/custom/none");
    let active = AwsSecurityFindingFilters::builder().record_state(equals("ACTIVE")).build();
    let create = |name: &str| admin.create_insight().name(name).filters(active.clone()).group_by_attribute("AwsAccountId");
    let made = create("By account").send().await.unwrap();
    let arn = made.insight_arn().unwrap();
    create("Again").send().await.unwrap();
    let (insights, calls) = pages!(world, "GetInsights", admin.get_insights(), 1);
    assert_eq!(insights.iter().map(|insight| insight.name()).collect::<Vec<_>>(), [Some("By account"), Some("Again")]);
    assert!(calls > 1);
    let filter = &insights[0].filters().unwrap().record_state()[0];
    assert_eq!((filter.value(), filter.comparison()), (Some("ACTIVE"), Some(&StringFilterComparison::Equals)));

    let results = admin.get_insight_results().insight_arn(arn).send().await.unwrap();
    let results = results.insight_results().unwrap();
    assert_eq!((results.insight_arn(), results.group_by_attribute()), (Some(arn), Some("AwsAccountId")));
    let counted: i32 = results.result_values().iter().map(|value| value.count().unwrap()).sum();
    let (findings, _) = pages!(world, "GetFindings", admin.get_findings().filters(active.clone()), 100);
    assert_eq!(usize::try_from(counted).unwrap(), findings.len());
    assert!(results.result_values().is_sorted_by(|one, other| one.count() >= other.count()));
    admin.update_insight().insight_arn(arn).name("By Region").group_by_attribute("Region").send().await.unwrap();
    let read = admin.get_insights().insight_arns(arn).send().await.unwrap();
    assert_eq!((read.insights()[0].name(), read.insights()[0].group_by_attribute()), (Some("By Region"), Some("Region")));

    refused!(create(" "), is_invalid_input_exception);
    refused!(create("Odd").group_by_attribute("Colour"), is_invalid_input_exception);
    refused!(admin.get_insights().insight_arns(&missing), is_resource_not_found_exception);
    refused!(admin.get_insight_results().insight_arn(&missing), is_resource_not_found_exception);
    refused!(admin.get_insight_results().insight_arn("arn:aws:nothing"), is_invalid_input_exception);
    refused!(world.client(MEMBER, HOME).get_insight_results().insight_arn(arn), is_resource_not_found_exception);
    refused!(admin.update_insight().insight_arn(&missing).name("x"), is_resource_not_found_exception);
    refused!(admin.update_insight().insight_arn(arn).group_by_attribute("Keyword"), is_invalid_input_exception);
    refused!(admin.delete_insight().insight_arn(&missing), is_resource_not_found_exception);
    refused!(world.client("999999999999", HOME).get_insights(), is_invalid_access_exception);
    over_quota!(world, "CreateInsight", create("More"));
    over_quota!(world, "GetInsights", admin.get_insights());
    over_quota!(world, "GetInsightResults", admin.get_insight_results().insight_arn(arn));
    over_quota!(world, "UpdateInsight", admin.update_insight().insight_arn(arn));
    over_quota!(world, "DeleteInsight", admin.delete_insight().insight_arn(arn));

    assert_eq!(admin.delete_insight().insight_arn(arn).send().await.unwrap().insight_arn(), Some(arn));
    assert_eq!(admin.get_insights().send().await.unwrap().insights().len(), 1);
    world.assert_called(OPERATIONS);
}
