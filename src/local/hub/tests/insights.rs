//! Insights and custom actions.

use super::*;
use crate::wire::securityhub::{CreateActionTarget, CreateInsight, GetInsights, InsightResult, UpdateInsight};

fn insight(filters: Value, group_by: &str) -> CreateInsight {
    CreateInsight { name: "an insight".to_owned(), filters, group_by_attribute: group_by.to_owned() }
}

fn results(hub: &mut Hub, account: &str, region: &str, request: &CreateInsight) -> Vec<(String, u64)> {
    let who = caller(account, region);
    let arn = hub.create_insight(&who, request).unwrap().insight_arn;
    let answer = hub.insight_results(&who, &arn, at(100)).unwrap().insight_results;
    assert_eq!((&answer.insight_arn, &answer.group_by_attribute), (&arn, &request.group_by_attribute));
    let pair = |InsightResult { group_by_attribute_value, count }| (group_by_attribute_value, count);
    answer.result_values.into_iter().map(pair).collect()
}

fn pairs(groups: &[(&str, u64)]) -> Vec<(String, u64)> {
    groups.iter().map(|(value, count)| ((*value).to_owned(), *count)).collect()
}

#[test]
fn groups_are_counted_over_what_the_caller_sees_the_largest_first_and_then_by_value() {
    let mut hub = many(40);
    let all = insight(json!({}), "AwsAccountId");
    assert_eq!(results(&mut hub, ADMIN, HOME, &all), pairs(&[(ADMIN, 26), (MEMBER, 14)]));
    assert_eq!(results(&mut hub, ADMIN, LINKED, &all), pairs(&[(ADMIN, 5), (MEMBER, 3)]));
    assert_eq!(results(&mut hub, MEMBER, HOME, &all), pairs(&[(MEMBER, 14)]));
    let of_member = json!({"AwsAccountId": [{"Value": MEMBER, "Comparison": "EQUALS"}]});
    assert_eq!(results(&mut hub, ADMIN, HOME, &insight(of_member, "Region")), pairs(&[(HOME, 11), (LINKED, 3)]));
    let tie = json!({"ResourceId": [{"Value": "arn:aws:s3:::b01", "Comparison": "PREFIX"}]});
    let names: Vec<String> =
        results(&mut hub, ADMIN, HOME, &insight(tie, "ResourceId")).into_iter().map(|(name, _)| name).collect();
    assert!(names.len() == 10 && names.is_sorted());
    // Numbers and times are groups too; what a finding does not have is none.
    assert_eq!(results(&mut hub, ADMIN, HOME, &insight(json!({}), "SeverityNormalized")), pairs(&[("70", 40)]));
    assert_eq!(results(&mut hub, ADMIN, HOME, &insight(json!({}), "NoteUpdatedBy")), []);
}

#[test]
fn a_finding_with_several_values_is_in_each_of_their_groups_once() {
    let mut hub = hub();
    let mut finding = failed(ADMIN, HOME, "a", 0).document();
    let resource = finding["Resources"][0].clone();
    let mut other = resource.clone();
    other["Id"] = "arn:aws:s3:::b".into();
    finding["Resources"] = json!([resource, other]);
    import(&mut hub, ADMIN, HOME, vec![finding], 60);
    assert_eq!(results(&mut hub, ADMIN, HOME, &insight(json!({}), "ResourceType")), pairs(&[("AwsS3Bucket", 1)]));
    let by_id = pairs(&[("arn:aws:s3:::a", 1), ("arn:aws:s3:::b", 1)]);
    assert_eq!(results(&mut hub, ADMIN, HOME, &insight(json!({}), "ResourceId")), by_id);
}

#[test]
fn a_hundred_groups_are_shown_and_a_hundred_insights_made() {
    let mut hub = many(130);
    add(&mut hub, &failed(MEMBER, LINKED, "b129", 0));
    let groups = results(&mut hub, ADMIN, HOME, &insight(json!({}), "ResourceId"));
    assert_eq!((groups.len(), &groups[0]), (100, &("arn:aws:s3:::b129".to_owned(), 2)));
    let admin = caller(ADMIN, HOME);
    for _ in 1..100 {
        hub.create_insight(&admin, &insight(json!({}), "Type")).unwrap();
    }
    let over = hub.create_insight(&admin, &insight(json!({}), "Type")).unwrap_err();
    assert_eq!(over.code, "LimitExceededException");
    assert_eq!(hub.insights(&admin, &GetInsights::default()).unwrap().insights.len(), 100);
}

#[test]
fn an_insight_is_changed_member_by_member_and_refused_whole() {
    let mut hub = many(10);
    let admin = caller(ADMIN, HOME);
    let arn = hub.create_insight(&admin, &insight(json!({}), "AwsAccountId")).unwrap().insight_arn;
    assert!(arn.starts_with("arn:aws:securityhub:eu-west-1:111122223333:insight/111122223333/custom/"), "{arn}");
    let change = |group_by: &str, filters: Option<Value>| UpdateInsight {
        name: Some("another".to_owned()),
        filters,
        group_by_attribute: Some(group_by.to_owned()),
    };
    for group_by in ["ResourceTags", "Keyword", "Colour", ""] {
        assert_eq!(hub.update_insight(&admin, &arn, &change(group_by, None)).unwrap_err().code, "InvalidInputException");
    }
    let bad = Some(json!({"Colour": []}));
    let refused = hub.update_insight(&admin, &arn, &change("Region", bad)).unwrap_err();
    assert!(refused.message.starts_with("Invalid Filters in the input: Colour: "), "{refused}");
    let request = GetInsights { insight_arns: Some(vec![arn.clone()]), ..GetInsights::default() };
    assert_eq!(hub.insights(&admin, &request).unwrap().insights[0].name, "an insight");
    hub.update_insight(&admin, &arn, &change("Region", None)).unwrap();
    let changed = hub.insights(&admin, &request).unwrap().insights.remove(0);
    assert_eq!((changed.name.as_str(), changed.group_by_attribute.as_str(), changed.filters), ("another", "Region", json!({})));
    for stranger in [caller(MEMBER, HOME), caller(ADMIN, LINKED)] {
        assert_eq!(hub.insight_results(&stranger, &arn, at(1)).unwrap_err().code, "ResourceNotFoundException");
    }
    hub.delete_insight(&admin, &arn).unwrap();
    assert_eq!(hub.insights(&admin, &request).unwrap_err().code, "ResourceNotFoundException");
    assert_eq!(hub.delete_insight(&admin, "insight").unwrap_err().code, "InvalidInputException");
}

#[test]
fn the_insights_that_aws_brings_are_read_and_counted_and_not_changed() {
    const TOP_ACCOUNTS: &str = "arn:aws:securityhub:::insight/securityhub/default/27";
    let mut hub = many(40);
    let key = add(&mut hub, &failed(MEMBER, HOME, "suppressed", 0));
    update(&mut hub, ADMIN, &[&key], workflow(WorkflowStatus::Suppressed));
    let admin = caller(ADMIN, HOME);
    let request = GetInsights { insight_arns: Some(vec![TOP_ACCOUNTS.to_owned()]), ..GetInsights::default() };
    assert_eq!(hub.insights(&admin, &request).unwrap().insights[0].name, "Top accounts by counts of findings");
    assert_eq!(hub.insights(&admin, &GetInsights::default()).unwrap().insights, [], "only one's own, if none is named");
    let results = hub.insight_results(&admin, TOP_ACCOUNTS, at(100)).unwrap().insight_results.result_values;
    assert_eq!(results.iter().map(|group| group.count).collect::<Vec<_>>(), [26, 14], "what is suppressed does not count");
    assert_eq!(hub.delete_insight(&admin, TOP_ACCOUNTS).unwrap_err().code, "InvalidInputException");
    let change = UpdateInsight { name: Some("mine".to_owned()), ..UpdateInsight::default() };
    assert_eq!(hub.update_insight(&admin, TOP_ACCOUNTS, &change).unwrap_err().code, "InvalidInputException");
    let none = hub.insight_results(&admin, "arn:aws:securityhub:::insight/securityhub/default/2", at(1)).unwrap_err();
    assert_eq!(none.code, "ResourceNotFoundException");
}

fn chat() -> CreateActionTarget {
    CreateActionTarget { name: "To chat".to_owned(), description: "Sends it to chat".to_owned(), id: "Chat1".to_owned() }
}

#[test]
fn fifty_custom_actions_of_twenty_characters_are_made() {
    let mut hub = hub();
    let admin = caller(ADMIN, HOME);
    let bad = [
        CreateActionTarget { name: "x".repeat(21), ..chat() },
        CreateActionTarget { name: " ".to_owned(), ..chat() },
        CreateActionTarget { description: String::new(), ..chat() },
        CreateActionTarget { id: "x".repeat(21), ..chat() },
        CreateActionTarget { id: "to-chat".to_owned(), ..chat() },
    ];
    for bad in bad {
        assert_eq!(hub.create_action(&admin, &bad).unwrap_err().code, "InvalidInputException", "{bad:?}");
    }
    hub.create_action(&admin, &chat()).unwrap();
    let again = hub.create_action(&admin, &chat()).unwrap_err();
    assert_eq!((again.code, again.message.as_str()), ("ResourceConflictException", "Action with Id: Chat1 already exists"));
    for number in 1..50 {
        hub.create_action(&admin, &CreateActionTarget { id: format!("x{number}"), ..chat() }).unwrap();
    }
    let over = CreateActionTarget { id: "over".to_owned(), ..chat() };
    assert_eq!(hub.create_action(&admin, &over).unwrap_err().code, "LimitExceededException");
    hub.create_action(&caller(ADMIN, LINKED), &over).unwrap();
}

#[test]
fn findings_are_sent_to_an_action_by_who_sees_them_all_or_none() {
    let mut hub = hub();
    let keys = [add(&mut hub, &failed(MEMBER, LINKED, "a", 0)), add(&mut hub, &failed(ADMIN, HOME, "b", 0))];
    let arn = hub.create_action(&caller(ADMIN, HOME), &chat()).unwrap().action_target_arn;
    let sent = hub.invoke_action(&arn, &keys.each_ref().map(identifier), at(100)).unwrap();
    assert_eq!((sent.account.to_string().as_str(), sent.region.as_str()), (ADMIN, HOME));
    let texts: Vec<Value> = sent.findings.iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(texts, keys.each_ref().map(|key| hub.current(key).unwrap()));
    assert_ne!(sent.findings[0].0, sent.findings[1].0, "each event has its id");
    let members = hub.create_action(&caller(MEMBER, HOME), &chat()).unwrap().action_target_arn;
    assert_eq!(
        hub.invoke_action(&members, &keys.each_ref().map(identifier), at(100)).unwrap_err().code,
        "ResourceNotFoundException"
    );
    assert_eq!(hub.invoke_action(&members, &[identifier(&keys[0])], at(100)).unwrap().findings.len(), 1);
    assert_eq!(hub.invoke_action(&arn, &[], at(100)).unwrap_err().code, "InvalidInputException");
    assert_eq!(hub.invoke_action(&arn, &vec![identifier(&keys[0]); 21], at(100)).unwrap_err().code, "InvalidInputException");
    assert_eq!(hub.invoke_action("arn:x", &[identifier(&keys[0])], at(100)).unwrap_err().code, "ResourceNotFoundException");
}
