//! Automation rules: whose they are, when they are looked at, in which order, and what is told of it.

use super::*;
use crate::wire::securityhub::{
    AutomationRuleUpdate, AutomationRulesArns, BatchUpdateAutomationRules, CreateAutomationRule, FindingHistory, RuleAction, Tags,
};

/// A rule for all failed findings.
fn rule(order: i64, update: Value) -> CreateAutomationRule {
    rule_for(order, json!({"ComplianceStatus": [{"Value": "FAILED", "Comparison": "EQUALS"}]}), update)
}

fn rule_for(order: i64, criteria: Value, update: Value) -> CreateAutomationRule {
    let update = serde_json::from_value(update).unwrap();
    CreateAutomationRule {
        tags: None,
        rule_status: None,
        rule_order: order,
        rule_name: "a rule".to_owned(),
        description: "for a test".to_owned(),
        is_terminal: None,
        criteria,
        actions: vec![RuleAction { kind: Some("FINDING_FIELDS_UPDATE".to_owned()), finding_fields_update: Some(update) }],
    }
}

fn create(hub: &mut Hub, account: &str, region: &str, request: &CreateAutomationRule, now: u64) -> String {
    hub.create_rule(&caller(account, region), request, at(now)).unwrap().rule_arn
}

fn edit(hub: &mut Hub, update: AutomationRuleUpdate, now: u64) {
    let request = BatchUpdateAutomationRules { update_automation_rules_request_items: vec![update] };
    let answer = hub.update_rules(&caller(ADMIN, HOME), &request, at(now)).unwrap();
    assert_eq!((answer.processed_automation_rules.len(), answer.unprocessed_automation_rules.len()), (1, 0));
}

fn suppressed() -> Value {
    json!({"Workflow": {"Status": "SUPPRESSED"}})
}

fn status(hub: &Hub, key: &FindingKey) -> String {
    hub.current(key).unwrap()["Workflow"]["Status"].as_str().unwrap().to_owned()
}

fn severity(hub: &Hub, key: &FindingKey) -> String {
    hub.current(key).unwrap()["Severity"]["Label"].as_str().unwrap().to_owned()
}

fn history(hub: &Hub, key: &FindingKey) -> FindingHistory {
    let request = GetFindingHistory {
        finding_identifier: identifier(key),
        start_time: None,
        end_time: None,
        next_token: None,
        max_results: None,
    };
    hub.finding_history(&caller(ADMIN, HOME), &request, at(100)).unwrap()
}

#[test]
fn a_rule_is_for_what_comes_in_after_it_new_or_again_and_not_for_what_a_customer_writes() {
    let mut hub = hub();
    let old = add(&mut hub, &failed(ADMIN, HOME, "old", 0));
    create(&mut hub, ADMIN, HOME, &rule(1, suppressed()), 70);
    let new = add(&mut hub, &failed(ADMIN, HOME, "new", 0));
    assert_eq!([status(&hub, &old), status(&hub, &new)], ["NEW", "SUPPRESSED"]);
    update(&mut hub, ADMIN, &[&old, &new], workflow(WorkflowStatus::Notified));
    assert_eq!([status(&hub, &old), status(&hub, &new)], ["NOTIFIED", "NOTIFIED"]);
    for key in [&old, &new] {
        hub.check(key, ComplianceStatus::Failed, at(100)).unwrap();
    }
    assert_eq!([status(&hub, &old), status(&hub, &new)], ["SUPPRESSED", "SUPPRESSED"]);
}

#[test]
fn a_rule_does_not_fill_a_merged_map_beyond_fifty_pairs_and_writes_the_rest() {
    let mut hub = hub_with(Switches { user_fields: UserFields::Merge, ..Switches::default() });
    create(&mut hub, ADMIN, HOME, &rule(1, json!({"UserDefinedFields": {"rule": "1"}, "Confidence": 7})), 1);
    let pairs = |count: usize| (0..count).map(|name| (format!("k{name}"), Value::from("v"))).collect::<Value>();
    for (bucket, before, after) in [("a", 49, 50), ("b", 50, 50)] {
        let finding = failed(ADMIN, HOME, bucket, 0);
        let mut document = finding.document();
        document["UserDefinedFields"] = pairs(before);
        assert_eq!(import(&mut hub, ADMIN, HOME, vec![document], 60).success_count, 1);
        let filed = hub.current(&FindingKey { id: finding.id(), product_arn: finding.product_arn() }).unwrap();
        let fields = filed["UserDefinedFields"].as_object().unwrap();
        assert_eq!((fields.len(), fields.contains_key("rule")), (after, before < 50));
        assert_eq!(filed["Confidence"], 7);
    }
}

#[test]
fn a_stale_import_is_ignored_by_rules_too() {
    let mut hub = hub();
    let finding = failed(ADMIN, HOME, "a", 0);
    let key = add(&mut hub, &finding);
    create(&mut hub, ADMIN, HOME, &rule(1, suppressed()), 70);
    hub.take_changes();
    import(&mut hub, ADMIN, HOME, vec![finding.document()], 80);
    assert_eq!((status(&hub, &key).as_str(), hub.take_changes()), ("NEW", Vec::new()));
}

#[test]
fn rules_go_by_their_order_then_by_when_they_were_edited_and_the_last_one_wins() {
    let mut hub = hub();
    let label = |label: &str| json!({"Severity": {"Label": label}});
    let last = create(&mut hub, ADMIN, HOME, &rule(7, label("LOW")), 1);
    let first = create(&mut hub, ADMIN, HOME, &rule(7, json!({"Severity": {"Label": "CRITICAL"}, "Confidence": 95})), 2);
    create(&mut hub, ADMIN, HOME, &rule(6, label("MEDIUM")), 3);
    let order = |hub: &Hub| -> Vec<i64> {
        let list = hub.list_rules(&caller(ADMIN, HOME), None, None).unwrap();
        list.automation_rules_metadata.iter().map(|rule| rule.rule_order).collect()
    };
    assert_eq!(order(&hub), [6, 7, 7]);
    let one = add(&mut hub, &failed(ADMIN, HOME, "one", 0));
    assert_eq!(severity(&hub, &one), "CRITICAL");
    // Whoever is edited goes behind the others of its order.
    edit(&mut hub, AutomationRuleUpdate { rule_arn: last, description: Some("edited".to_owned()), ..Default::default() }, 70);
    let two = add(&mut hub, &failed(ADMIN, HOME, "two", 0));
    assert_eq!(severity(&hub, &two), "LOW");
    assert_eq!(hub.current(&two).unwrap()["Confidence"], 95, "what only one rule says stays");
    // One that is terminal ends it.
    edit(
        &mut hub,
        AutomationRuleUpdate { rule_arn: first, is_terminal: Some(true), rule_order: Some(1), ..Default::default() },
        71,
    );
    assert_eq!(order(&hub), [1, 6, 7]);
    let three = add(&mut hub, &failed(ADMIN, HOME, "three", 0));
    assert_eq!(severity(&hub, &three), "CRITICAL");
}

#[test]
fn a_terminal_rule_that_does_not_match_ends_nothing_and_one_that_is_off_does_nothing() {
    let mut hub = hub();
    let elsewhere = json!({"ResourceType": [{"Value": "AwsEc2Instance", "Comparison": "EQUALS"}]});
    let terminal = CreateAutomationRule { is_terminal: Some(true), ..rule_for(1, elsewhere, json!({"Confidence": 1})) };
    create(&mut hub, ADMIN, HOME, &terminal, 1);
    let off = CreateAutomationRule {
        rule_status: Some("DISABLED".to_owned()),
        is_terminal: Some(true),
        ..rule(2, json!({"Confidence": 2}))
    };
    let off = create(&mut hub, ADMIN, HOME, &off, 1);
    create(&mut hub, ADMIN, HOME, &rule(3, json!({"Criticality": 3})), 1);
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let said = |hub: &Hub| ["Confidence", "Criticality"].map(|name| hub.current(&key).unwrap()[name].as_i64());
    assert_eq!(said(&hub), [None, Some(3)]);
    edit(&mut hub, AutomationRuleUpdate { rule_arn: off, rule_status: Some("ENABLED".to_owned()), ..Default::default() }, 70);
    hub.check(&key, ComplianceStatus::Failed, at(80)).unwrap();
    assert_eq!(said(&hub), [Some(2), Some(3)]);
}

#[test]
fn an_administrators_rule_is_for_its_members_in_its_own_region_only() {
    let mut hub = hub();
    create(&mut hub, ADMIN, HOME, &rule(1, suppressed()), 1);
    let places = [(ADMIN, HOME), (MEMBER, HOME), (ADMIN, LINKED), (MEMBER, LINKED)];
    let keys = places.map(|(account, region)| add(&mut hub, &failed(account, region, "a", 0)));
    assert_eq!(keys.each_ref().map(|key| status(&hub, key)), ["SUPPRESSED", "SUPPRESSED", "NEW", "NEW"]);
    // A member has no rules, and no business with its administrator's.
    let member = caller(MEMBER, HOME);
    let arns = AutomationRulesArns { automation_rules_arns: vec!["arn:aws:securityhub:::x".to_owned()] };
    assert_eq!(hub.create_rule(&member, &rule(1, suppressed()), at(2)).unwrap_err().code, "AccessDeniedException");
    assert_eq!(hub.rules(&member, &arns).unwrap_err().code, "AccessDeniedException");
    assert_eq!(hub.list_rules(&member, None, None).unwrap_err().code, "AccessDeniedException");
    assert_eq!(hub.delete_rules(&member, &arns).unwrap_err().code, "InvalidAccessException");
    // An account for itself has its own.
    hub.enable(&caller(STRANGER, HOME), &EnableSecurityHub::default(), at(1)).unwrap();
    let before = add(&mut hub, &failed(STRANGER, HOME, "before", 0));
    create(&mut hub, STRANGER, HOME, &rule(1, suppressed()), 70);
    let after = add(&mut hub, &failed(STRANGER, HOME, "after", 0));
    assert_eq!([status(&hub, &before), status(&hub, &after)], ["NEW", "SUPPRESSED"]);
}

/// The guide's example: a customer says NOTIFIED, the rule is for NEW.
fn played(rules_see: RulesSee) -> String {
    let mut hub = hub_with(Switches { rules_see, ..Switches::default() });
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    update(&mut hub, ADMIN, &[&key], workflow(WorkflowStatus::Notified));
    let new = json!({"WorkflowStatus": [{"Value": "NEW", "Comparison": "EQUALS"}]});
    create(&mut hub, ADMIN, HOME, &rule_for(1, new, suppressed()), 95);
    hub.check(&key, ComplianceStatus::Failed, at(100)).unwrap();
    status(&hub, &key)
}

#[test]
fn criteria_see_what_the_provider_sent_and_under_the_other_reading_what_is_there() {
    assert_eq!([RulesSee::Original, RulesSee::Current].map(played), ["SUPPRESSED", "NOTIFIED"]);
    for (rules_see, expected) in [(RulesSee::Original, None), (RulesSee::Current, Some(50))] {
        let mut hub = hub_with(Switches { rules_see, ..Switches::default() });
        create(&mut hub, ADMIN, HOME, &rule(1, json!({"Severity": {"Label": "LOW"}})), 1);
        let low = json!({"SeverityLabel": [{"Value": "LOW", "Comparison": "EQUALS"}]});
        create(&mut hub, ADMIN, HOME, &rule_for(2, low, json!({"Criticality": 50})), 1);
        let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
        assert_eq!(hub.current(&key).unwrap()["Criticality"].as_i64(), expected, "{rules_see:?}");
        // Nor does a check see what customers, or rules, wrote.
        hub.check(&key, ComplianceStatus::Failed, at(80)).unwrap();
        assert_eq!(hub.current(&key).unwrap()["Criticality"].as_i64(), expected, "{rules_see:?}");
    }
}

#[test]
fn criteria_see_the_names_that_the_service_fills_in() {
    let mut hub = hub();
    let equals = |value: &str| json!([{"Value": value, "Comparison": "EQUALS"}]);
    let criteria = json!({"AwsAccountName": equals("payments"), "ProductName": equals("Security Hub"), "CompanyName": equals("AWS"),
        "WorkflowStatus": equals("NEW"), "ResourceId": [{"Value": ":::pay", "Comparison": "CONTAINS"}]});
    create(&mut hub, ADMIN, HOME, &rule_for(1, criteria, suppressed()), 1);
    let keys = [(MEMBER, "pay-1"), (MEMBER, "web-1"), (ADMIN, "pay-2")]
        .map(|(account, bucket)| add(&mut hub, &failed(account, HOME, bucket, 0)));
    assert_eq!(keys.each_ref().map(|key| status(&hub, key)), ["SUPPRESSED", "NEW", "NEW"]);
}

#[test]
fn what_rules_change_is_in_the_history_by_rule_and_in_one_event() {
    let mut hub = hub();
    let first = create(&mut hub, ADMIN, HOME, &rule(1, json!({"Confidence": 10})), 1);
    let second = create(&mut hub, ADMIN, HOME, &rule(2, suppressed()), 1);
    let key = add(&mut hub, &failed(MEMBER, HOME, "a", 0));
    let sources = |hub: &Hub| -> Vec<(String, Vec<String>)> {
        let records = history(hub, &key).records.into_iter();
        let fields = |updates: &[crate::wire::securityhub::FieldUpdate]| {
            updates.iter().map(|update| update.updated_field.clone()).collect()
        };
        records.map(|record| (record.update_source.identity, fields(&record.updates))).collect()
    };
    let by_rules = [(second.clone(), vec!["Workflow.Status".to_owned()]), (first.clone(), vec!["Confidence".to_owned()])];
    let made = (key.product_arn.clone(), Vec::new());
    assert_eq!(sources(&hub), [by_rules[0].clone(), by_rules[1].clone(), made]);
    let kinds: Vec<String> = history(&hub, &key).records.into_iter().map(|record| record.update_source.kind).collect();
    assert_eq!(kinds, ["BATCH_UPDATE_FINDINGS", "BATCH_UPDATE_FINDINGS", "BATCH_IMPORT_FINDINGS"]);
    let [event] = hub.take_changes().try_into().unwrap();
    let told: Value = serde_json::from_str(&event.text).unwrap();
    assert_eq!((&told["Workflow"]["Status"], &told["Confidence"]), (&json!("SUPPRESSED"), &json!(10)));
    // A refresh changes nothing that a rule would have to change again, and is no history itself.
    hub.check(&key, ComplianceStatus::Failed, at(100)).unwrap();
    assert_eq!(sources(&hub).len(), 3);
    assert_eq!(hub.take_changes().len(), 1);
}

#[test]
fn the_workflow_goes_its_way_and_then_the_rule_has_the_last_word() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    create(&mut hub, ADMIN, HOME, &rule(1, json!({"Workflow": {"Status": "NOTIFIED"}})), 70);
    let mut after = |compliance, now| {
        hub.check(&key, compliance, at(now)).unwrap();
        status(&hub, &key)
    };
    // The rule is for what failed: a check that passes resolves, one that fails again reopens, and there the rule is again.
    assert_eq!(after(ComplianceStatus::Failed, 80), "NOTIFIED");
    assert_eq!(after(ComplianceStatus::Passed, 90), "RESOLVED");
    assert_eq!(after(ComplianceStatus::Failed, 100), "NOTIFIED");
}

#[test]
fn what_a_rule_wrote_is_the_customers_and_providers_write_beside_it() {
    let mut hub = hub();
    let note = json!({"Text": "accepted", "UpdatedBy": "security"});
    let all = json!({"Severity": {"Label": "LOW"}, "Note": note, "UserDefinedFields": {"team": "pay"}, "Types": ["A/B"],
        "VerificationState": "BENIGN_POSITIVE", "Confidence": 1, "Criticality": 2, "Workflow": {"Status": "NOTIFIED"},
        "RelatedFindings": [{"ProductArn": "arn:p", "Id": "i"}]});
    let arn = create(&mut hub, ADMIN, HOME, &rule(1, all), 1);
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let written = hub.current(&key).unwrap();
    assert_eq!(written["Note"], json!({"Text": "accepted", "UpdatedBy": "security", "UpdatedAt": "2026-11-21T08:01:00.000Z"}));
    hub.delete_rules(&caller(ADMIN, HOME), &AutomationRulesArns { automation_rules_arns: vec![arn] }).unwrap();
    hub.check(&key, ComplianceStatus::Failed, at(100)).unwrap();
    let checked = hub.current(&key).unwrap();
    for name in ["Severity", "Note", "UserDefinedFields", "Types", "VerificationState", "Confidence", "Criticality", "Workflow"] {
        assert_eq!((name, &checked[name]), (name, &written[name]));
    }
    assert_eq!(checked["RelatedFindings"], written["RelatedFindings"]);
    assert_eq!(checked["FindingProviderFields"]["Severity"]["Label"], "HIGH");
    assert!(checked["FindingProviderFields"]["Confidence"].is_null(), "the provider never said so");
}

#[test]
fn there_are_a_hundred_rules_and_no_more() {
    let mut hub = hub();
    for order in 1..=100 {
        create(&mut hub, ADMIN, HOME, &rule(order, suppressed()), 1);
    }
    let over = hub.create_rule(&caller(ADMIN, HOME), &rule(1, suppressed()), at(1)).unwrap_err();
    assert_eq!((over.code, over.status), ("LimitExceededException", 429));
    create(&mut hub, ADMIN, LINKED, &rule(1, suppressed()), 1);
}

#[test]
fn a_rule_that_is_not_there_or_not_ours_is_unprocessed_with_why() {
    let mut hub = hub();
    let known = create(&mut hub, ADMIN, HOME, &rule(1, suppressed()), 1);
    let wrong = ["arn:aws:s3:::x".to_owned(), known.replace(ADMIN, MEMBER), known.replace(HOME, LINKED), format!("{known}0")];
    let codes = [400, 403, 404, 404];
    let arns: Vec<String> = wrong.iter().chain([&known]).cloned().collect();
    let request = AutomationRulesArns { automation_rules_arns: arns.clone() };
    let admin = caller(ADMIN, HOME);
    let got = hub.rules(&admin, &request).unwrap();
    assert_eq!(got.unprocessed_automation_rules.iter().map(|rule| rule.error_code).collect::<Vec<_>>(), codes);
    assert_eq!(got.rules.iter().map(|rule| rule.metadata.rule_arn.clone()).collect::<Vec<_>>(), std::slice::from_ref(&known));
    let items = arns.iter().map(|arn| AutomationRuleUpdate { rule_arn: arn.clone(), ..Default::default() }).collect();
    let updated =
        hub.update_rules(&admin, &BatchUpdateAutomationRules { update_automation_rules_request_items: items }, at(2)).unwrap();
    let deleted = hub.delete_rules(&admin, &request).unwrap();
    assert_eq!(updated, deleted);
    assert_eq!(deleted.processed_automation_rules, std::slice::from_ref(&known));
    assert_eq!(hub.rules(&admin, &request).unwrap().rules, []);
}

#[test]
fn a_bad_value_refuses_the_whole_request_and_changes_nothing() {
    let mut hub = hub();
    let known = create(&mut hub, ADMIN, HOME, &rule(5, suppressed()), 1);
    let admin = caller(ADMIN, HOME);
    let bad: Vec<Value> = vec![
        json!({"RuleOrder": 0}),
        json!({"RuleOrder": 1001}),
        json!({"RuleStatus": "ON"}),
        json!({"RuleName": " "}),
        json!({"Description": ""}),
        json!({"Criteria": {}}),
        json!({"Criteria": {"Sample": [{"Value": true}]}}),
        json!({"Criteria": {"Title": [{"Value": "x", "Comparison": "CONTAINS_WORD"}]}}),
        json!({"Actions": []}),
        json!({"Actions": [{"Type": "CLOSE", "FindingFieldsUpdate": suppressed()}]}),
        json!({"Actions": [{"Type": "FINDING_FIELDS_UPDATE"}]}),
        json!({"Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Workflow": {"Status": "DONE"}}}]}),
        json!({"Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Confidence": 101}}]}),
    ];
    for bad in bad {
        let with = |mut value: Value, more: &Value| {
            value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            value
        };
        let good = AutomationRuleUpdate { rule_arn: known.clone(), rule_order: Some(9), ..Default::default() };
        let item = serde_json::from_value(with(json!({"RuleArn": known}), &bad)).unwrap();
        let request = BatchUpdateAutomationRules { update_automation_rules_request_items: vec![good, item] };
        assert_eq!(hub.update_rules(&admin, &request, at(2)).unwrap_err().code, "InvalidInputException", "{bad}");
        let new = serde_json::from_value(with(json!(rule(1, suppressed())), &bad)).unwrap();
        assert_eq!(hub.create_rule(&admin, &new, at(2)).unwrap_err().code, "InvalidInputException", "{bad}");
    }
    let rules = hub.list_rules(&admin, None, None).unwrap().automation_rules_metadata;
    assert_eq!(rules.iter().map(|rule| rule.rule_order).collect::<Vec<_>>(), [5]);
    let words = hub.create_rule(&admin, &rule(1100, suppressed()), at(2)).unwrap_err().message;
    assert_eq!(words, "Invalid parameter 'RuleOrder'. '1100' is greater than maximum value: 1000.");
}

#[test]
fn rules_and_their_tags_go_with_the_rule_and_with_a_hub_that_is_off_for_90_days() {
    let mut hub = hub();
    let stranger = caller(STRANGER, HOME);
    let tags = Tags::from([("team".to_owned(), "sec".to_owned())]);
    let tagged = CreateAutomationRule { tags: Some(tags.clone()), ..rule(1, suppressed()) };
    hub.enable(&stranger, &EnableSecurityHub::default(), at(1)).unwrap();
    let arns = [1, 2].map(|now| create(&mut hub, STRANGER, HOME, &tagged, now));
    assert_eq!(hub.tags_of(&stranger, &arns[0]).unwrap().tags, tags);
    assert_eq!(hub.tags_of(&caller(ADMIN, HOME), &arns[0]).unwrap_err().code, "ResourceNotFoundException");
    hub.delete_rules(&stranger, &AutomationRulesArns { automation_rules_arns: vec![arns[0].clone()] }).unwrap();
    assert_eq!(hub.tags_of(&stranger, &arns[0]).unwrap_err().code, "ResourceNotFoundException");
    let day = |days: u64| at(60 + days * 86_400);
    hub.disable(&stranger, day(0)).unwrap();
    assert_eq!(hub.tags_of(&stranger, &arns[1]).unwrap_err().code, "ResourceNotFoundException");
    while hub.turn(day(89), 500) {}
    hub.enable(&stranger, &EnableSecurityHub::default(), day(89)).unwrap();
    assert_eq!(hub.list_rules(&stranger, None, None).unwrap().automation_rules_metadata.len(), 1);
    assert_eq!(hub.tags_of(&stranger, &arns[1]).unwrap().tags, tags);
    // The days count from the last time.
    hub.disable(&stranger, day(90)).unwrap();
    while hub.turn(day(179), 500) {}
    assert!(!hub.tags.is_empty());
    while hub.turn(day(180), 500) {}
    hub.enable(&stranger, &EnableSecurityHub::default(), day(180)).unwrap();
    assert_eq!(hub.list_rules(&stranger, None, None).unwrap().automation_rules_metadata, []);
    assert!(hub.tags.is_empty());
    let key = add(&mut hub, &failed(STRANGER, HOME, "a", 0));
    assert_eq!(status(&hub, &key), "NEW");
}
