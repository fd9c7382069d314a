//! Automation rules V1.

use aws_sdk_securityhub::types::{
    AutomationRulesAction, AutomationRulesActionType, AutomationRulesFindingFieldsUpdate, AutomationRulesFindingFilters,
    NoteUpdate, RuleStatus, SeverityLabel, SeverityUpdate, StringFilter, StringFilterComparison, UnprocessedAutomationRule,
    UpdateAutomationRulesRequestItem, WorkflowStatus, WorkflowUpdate,
};

use super::{ADMIN, HOME, MEMBER, World};

pub const OPERATIONS: &[&str] = &[
    "BatchDeleteAutomationRules",
    "BatchGetAutomationRules",
    "BatchUpdateAutomationRules",
    "CreateAutomationRule",
    "ListAutomationRules",
];

fn criteria(title: &str) -> AutomationRulesFindingFilters {
    let contains = StringFilter::builder().value(title).comparison(StringFilterComparison::Contains).build();
    AutomationRulesFindingFilters::builder().title(contains).build()
}

fn action() -> AutomationRulesAction {
    let fields = AutomationRulesFindingFieldsUpdate::builder()
        .note(NoteUpdate::builder().text("accepted").updated_by("security").build())
        .severity(SeverityUpdate::builder().label(SeverityLabel::Low).build())
        .workflow(WorkflowUpdate::builder().status(WorkflowStatus::Suppressed).build())
        .confidence(10)
        .user_defined_fields("team", "payments")
        .build();
    AutomationRulesAction::builder().r#type(AutomationRulesActionType::FindingFieldsUpdate).finding_fields_update(fields).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn automation_rules_are_made_listed_read_changed_and_deleted() {
    let world = World::start().await;
    let admin = world.admin();
    let others = format!("arn:aws:securityhub:{HOME}:{MEMBER}:automation-rule/none");
    let missing = others.replace(MEMBER, ADMIN);
    let create = |name: &str, order| {
        let rule = admin.create_automation_rule().rule_name(name).rule_order(order).description("Open on purpose");
        rule.criteria(criteria("port")).actions(action())
    };
    let first = create("first", 10).tags("team", "sec").send().await.unwrap();
    let first = first.rule_arn().unwrap();
    create("second", 5).rule_status(RuleStatus::Disabled).is_terminal(true).send().await.unwrap();
    // The SDK has no paginator for it, as botocore has none.
    let page = admin.list_automation_rules().max_results(1).send().await.unwrap();
    let [second] = page.automation_rules_metadata() else { panic!("{page:?}") };
    assert_eq!((second.rule_name(), second.rule_order(), second.is_terminal()), (Some("second"), Some(5), Some(true)));
    let rest = admin.list_automation_rules().max_results(1).next_token(page.next_token().unwrap()).send().await.unwrap();
    assert_eq!(rest.automation_rules_metadata()[0].rule_arn(), Some(first));
    assert_eq!(rest.next_token(), None);

    let get = || admin.batch_get_automation_rules().automation_rules_arns(first);
    let read = get().automation_rules_arns(&missing).automation_rules_arns(&others).send().await.unwrap();
    let [rule] = read.rules() else { panic!("{read:?}") };
    assert_eq!((rule.criteria(), rule.actions()), (Some(&criteria("port")), &[action()][..]));
    assert_eq!(
        (rule.rule_status(), rule.created_by()),
        (Some(&RuleStatus::Enabled), Some("arn:aws:iam::111122223333:user/alice"))
    );
    assert!(rule.created_at().is_some() && rule.updated_at().is_some());
    let codes: Vec<_> = read.unprocessed_automation_rules().iter().map(UnprocessedAutomationRule::error_code).collect();
    assert_eq!(codes, [Some(404), Some(403)]);
    let item = |arn: &str| UpdateAutomationRulesRequestItem::builder().rule_arn(arn);
    let change = item(first).rule_name("edited").rule_order(1).criteria(criteria("door")).build();
    let update = || admin.batch_update_automation_rules();
    let answer = update().update_automation_rules_request_items(change).send().await.unwrap();
    assert_eq!(answer.processed_automation_rules(), [first]);
    let read = get().send().await.unwrap();
    assert_eq!((read.rules()[0].rule_name(), read.rules()[0].criteria()), (Some("edited"), Some(&criteria("door"))));

    refused!(create(" ", 1), is_invalid_input_exception);
    refused!(create("far", 1001), is_invalid_input_exception);
    refused!(update().update_automation_rules_request_items(item(first).rule_order(0).build()), is_invalid_input_exception);
    refused!(admin.batch_get_automation_rules(), is_invalid_input_exception);
    refused!(admin.batch_delete_automation_rules(), is_invalid_input_exception);
    let member = world.client(MEMBER, HOME);
    refused!(member.list_automation_rules(), is_access_denied_exception);
    refused!(member.batch_get_automation_rules().automation_rules_arns(&others), is_access_denied_exception);
    refused!(member.batch_delete_automation_rules().automation_rules_arns(&others), is_invalid_access_exception);
    over_quota!(world, "CreateAutomationRule", create("more", 2));
    over_quota!(world, "ListAutomationRules", admin.list_automation_rules());
    over_quota!(world, "BatchGetAutomationRules", get());
    over_quota!(
        world,
        "BatchUpdateAutomationRules",
        update().update_automation_rules_request_items(item(first).rule_order(2).build())
    );
    over_quota!(world, "BatchDeleteAutomationRules", admin.batch_delete_automation_rules().automation_rules_arns(first));

    let answer = admin.batch_delete_automation_rules().automation_rules_arns(first).automation_rules_arns(&missing);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.processed_automation_rules(), [first]);
    assert_eq!(answer.unprocessed_automation_rules()[0].rule_arn(), Some(missing.as_str()));
    assert_eq!(admin.list_automation_rules().send().await.unwrap().automation_rules_metadata().len(), 1);
    world.assert_called(OPERATIONS);
}
