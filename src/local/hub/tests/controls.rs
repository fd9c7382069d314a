//! Standards, controls, and what they do to findings.

use super::*;
use crate::core::catalogue::{Catalogue, Standard};
use crate::wire::arn;
use crate::wire::securityhub::{
    AccountIds, AssociationCode, AssociationId, AssociationUpdate, BatchDisableStandards, BatchEnableStandards,
    BatchGetAssociations, BatchGetSecurityControls, BatchUpdateAssociations, ControlStatus, EnableSecurityHub, Generator,
    GetEnabledStandards, ParameterConfiguration, ParameterValue, SecurityControl, SubscriptionRequest, SubscriptionStatus,
    UpdateConfiguration, UpdateSecurityControl, UpdateStandardsControl,
};

const DAY: u64 = 86_400;

fn settle(hub: &mut Hub, now: Timestamp) {
    while hub.turn(now, 3) {}
}

fn admin() -> Caller {
    caller(ADMIN, HOME)
}

fn standard_arn(standard: Standard) -> String {
    arn::standard(standard, &HOME.parse().unwrap())
}

fn subscription_arn(standard: Standard) -> String {
    arn::subscription(standard, ADMIN.parse().unwrap(), &HOME.parse().unwrap())
}

fn enable(hub: &mut Hub, caller: &Caller, standards: &[Standard], now: u64) -> Vec<SubscriptionStatus> {
    let request = |standard: &Standard| SubscriptionRequest {
        standards_arn: arn::standard(*standard, &caller.region),
        standards_input: None,
    };
    let request = BatchEnableStandards { standards_subscription_requests: standards.iter().map(request).collect() };
    statuses(&hub.enable_standards(caller, &request, at(now)).unwrap())
}

fn disable(hub: &mut Hub, standards: &[Standard], now: u64) -> Vec<SubscriptionStatus> {
    let arns = standards.iter().map(|standard| subscription_arn(*standard)).collect();
    let request = BatchDisableStandards { standards_subscription_arns: arns };
    statuses(&hub.disable_standards(&admin(), &request, at(now)).unwrap())
}

fn statuses(answer: &crate::wire::securityhub::Subscriptions) -> Vec<SubscriptionStatus> {
    answer.standards_subscriptions.iter().map(|of| of.standards_status).collect()
}

fn enabled(hub: &Hub, caller: &Caller, now: u64) -> Vec<(String, SubscriptionStatus)> {
    let answer = hub.enabled_standards(caller, &GetEnabledStandards::default(), at(now)).unwrap();
    answer.standards_subscriptions.into_iter().map(|of| (of.standards_arn, of.standards_status)).collect()
}

/// Switches `control` in these standards; gives the codes of what was not processed.
pub(super) fn switch(hub: &mut Hub, control: &str, standards: &[Standard], status: &str, now: u64) -> Vec<AssociationCode> {
    let update = |standard: &Standard| AssociationUpdate {
        standards_arn: standard_arn(*standard),
        security_control_id: control.to_owned(),
        association_status: status.to_owned(),
        updated_reason: Some(format!("{status} at {now}")),
    };
    let request = BatchUpdateAssociations { standards_control_association_updates: standards.iter().map(update).collect() };
    let answer = hub.update_associations(&admin(), &request, at(now)).unwrap();
    answer.unprocessed_association_updates.iter().map(|update| update.error_code).collect()
}

pub(super) fn of_control(control: &str) -> Vec<Standard> {
    Catalogue::built_in().get(control).unwrap().standards.clone()
}

fn control(hub: &Hub, id: &str, now: u64) -> SecurityControl {
    let request = BatchGetSecurityControls { security_control_ids: vec![id.to_owned()] };
    hub.security_controls(&admin(), &request, at(now)).unwrap().security_controls.remove(0)
}

fn associated(finding: &Value) -> Vec<&str> {
    let all = finding["Compliance"]["AssociatedStandards"].as_array().unwrap();
    all.iter().map(|standard| standard["StandardsId"].as_str().unwrap()).collect()
}

fn active(hub: &Hub) -> Vec<Value> {
    let findings = hub.texts().into_iter().map(|text| serde_json::from_str::<Value>(&text).unwrap());
    findings.filter(|finding| finding["RecordState"] == "ACTIVE").collect()
}

// The hub and its standards.

#[test]
fn a_new_hub_has_the_two_default_standards_unless_it_is_told_not_to() {
    let mut hub = hub();
    let stranger = caller(STRANGER, HOME);
    hub.enable(&stranger, &EnableSecurityHub::default(), at(0)).unwrap();
    let with = |status| [(standard_arn(Standard::Fsbp), status), (standard_arn(Standard::Cis12), status)];
    assert_eq!(enabled(&hub, &stranger, 29), with(SubscriptionStatus::Pending));
    assert_eq!(enabled(&hub, &stranger, 30), with(SubscriptionStatus::Ready));
    assert_eq!(hub.describe(&stranger, None).unwrap().control_finding_generator, Generator::SecurityControl);
    hub.disable(&stranger, at(60)).unwrap();
    let bare = EnableSecurityHub {
        enable_default_standards: Some(false),
        control_finding_generator: Some("STANDARD_CONTROL".to_owned()),
        ..EnableSecurityHub::default()
    };
    hub.enable(&stranger, &bare, at(40)).unwrap();
    assert_eq!(enabled(&hub, &stranger, 100), []);
    assert_eq!(hub.describe(&stranger, None).unwrap().control_finding_generator, Generator::StandardControl);
}

#[test]
fn an_administrator_cannot_disable_its_hub_and_a_member_can_once_it_is_disassociated() {
    let mut hub = hub();
    assert_eq!(hub.disable(&admin(), at(60)).unwrap_err().code, "InvalidInputException");
    assert_eq!(hub.disable(&caller(MEMBER, HOME), at(60)).unwrap_err().code, "InvalidAccessException");
    hub.disassociate_members(&admin(), &AccountIds { account_ids: vec![MEMBER.to_owned()] }, at(1)).unwrap();
    hub.disable(&caller(MEMBER, HOME), at(60)).unwrap();
    assert!(!hub.is_enabled(MEMBER.parse().unwrap(), &HOME.parse().unwrap()));
    assert!(hub.is_enabled(MEMBER.parse().unwrap(), &LINKED.parse().unwrap()));
}

#[test]
fn a_standard_is_deleting_gone_pending_and_ready_by_the_clock() {
    use SubscriptionStatus::{Deleting, Pending, Ready};
    let mut hub = hub();
    assert_eq!(enabled(&hub, &admin(), 0).len(), Standard::ALL.len());
    assert_eq!(disable(&mut hub, &[Standard::Pci4], 0), [Deleting]);
    let status = |hub: &Hub, now| {
        let all = enabled(hub, &admin(), now);
        all.into_iter().find(|(arn, _)| *arn == standard_arn(Standard::Pci4)).map(|(_, status)| status)
    };
    assert_eq!([status(&hub, 29), status(&hub, 30)], [Some(Deleting), None]);
    // Nothing to disable any more.
    let again = BatchDisableStandards { standards_subscription_arns: vec![subscription_arn(Standard::Pci4)] };
    assert_eq!(hub.disable_standards(&admin(), &again, at(40)).unwrap_err().code, "InvalidInputException");
    assert_eq!(enable(&mut hub, &admin(), &[Standard::Pci4, Standard::Fsbp], 60), [Ready, Pending]);
    assert_eq!([status(&hub, 89), status(&hub, 90)], [Some(Pending), Some(Ready)]);
    // Enabling what is on changes nothing.
    assert_eq!(enable(&mut hub, &admin(), &[Standard::Pci4], 100), [Ready]);
}

#[test]
fn standards_of_another_region_and_batches_of_a_wrong_size_are_refused_whole() {
    let mut hub = hub();
    let before = enabled(&hub, &admin(), 1);
    let request = |arns: Vec<String>| BatchEnableStandards {
        standards_subscription_requests: arns
            .into_iter()
            .map(|standards_arn| SubscriptionRequest { standards_arn, standards_input: None })
            .collect(),
    };
    let elsewhere = arn::standard(Standard::Pci4, &LINKED.parse().unwrap());
    for arns in [vec![], vec![standard_arn(Standard::Pci4), elsewhere], vec![standard_arn(Standard::Pci4); 26]] {
        assert_eq!(hub.enable_standards(&admin(), &request(arns), at(1)).unwrap_err().code, "InvalidInputException");
    }
    let foreign = arn::subscription(Standard::Fsbp, MEMBER.parse().unwrap(), &HOME.parse().unwrap());
    for arns in [vec![], vec![subscription_arn(Standard::Fsbp), foreign], vec![subscription_arn(Standard::Fsbp); 26]] {
        let request = BatchDisableStandards { standards_subscription_arns: arns };
        assert_eq!(hub.disable_standards(&admin(), &request, at(1)).unwrap_err().code, "InvalidInputException");
    }
    assert_eq!(enabled(&hub, &admin(), 1), before);
}

// Controls in standards.

#[test]
fn a_control_is_on_as_long_as_any_standard_has_it_on() {
    let mut hub = hub();
    let standards = of_control("S3.8");
    let (last, others) = standards.split_last().unwrap();
    assert!(!others.is_empty());
    assert_eq!(switch(&mut hub, "S3.8", others, "DISABLED", 10), []);
    assert_eq!(control(&hub, "S3.8", 11).security_control_status, ControlStatus::Enabled);
    assert_eq!(switch(&mut hub, "s3.8", &[*last], "DISABLED", 12), []);
    assert_eq!(control(&hub, "S3.8", 13).security_control_status, ControlStatus::Disabled);
    let all = hub.associations(&admin(), "S3.8", None, None, at(14)).unwrap().standards_control_association_summaries;
    assert_eq!(all.len(), standards.len());
    assert!(all.iter().all(|association| association.association_status == ControlStatus::Disabled));
    // Only there.
    let member = hub.associations(&caller(MEMBER, HOME), "S3.8", None, None, at(14)).unwrap();
    assert!(member.standards_control_association_summaries.iter().all(|of| of.association_status == ControlStatus::Enabled));
}

#[test]
fn what_is_so_already_keeps_its_reason_and_its_time() {
    let mut hub = hub();
    let standards = [Standard::Fsbp];
    for now in [10, 20] {
        assert_eq!(switch(&mut hub, "S3.8", &standards, "DISABLED", now), []);
    }
    let of = |hub: &Hub| {
        let id = AssociationId { security_control_id: "S3.8".to_owned(), standards_arn: standard_arn(Standard::Fsbp) };
        let request = BatchGetAssociations { standards_control_association_ids: vec![id] };
        hub.association_details(&admin(), &request, at(30)).unwrap().standards_control_association_details.remove(0)
    };
    let detail = of(&hub);
    assert_eq!(
        (detail.updated_reason.as_deref(), detail.updated_at.as_str()),
        (Some("DISABLED at 10"), "2026-11-21T08:00:10.000Z")
    );
    let expected = arn::standards_control(Standard::Fsbp, "S3.8", ADMIN.parse().unwrap(), &HOME.parse().unwrap());
    assert_eq!(detail.standards_control_arns, Some(vec![expected]));
    assert_eq!(switch(&mut hub, "S3.8", &standards, "ENABLED", 25), []);
    assert_eq!(of(&hub).association_status, ControlStatus::Enabled);
}

#[test]
fn each_item_of_a_batch_is_refused_with_its_own_code() {
    let mut hub = hub();
    disable(&mut hub, &[Standard::Pci4], 0);
    assert_eq!(switch(&mut hub, "Quantum.1", &[Standard::Fsbp], "DISABLED", 1), [AssociationCode::ResourceNotFound]);
    assert_eq!(switch(&mut hub, "S3.8", &[Standard::Tagging], "DISABLED", 1), [AssociationCode::ResourceNotFound]);
    assert_eq!(switch(&mut hub, "ACM.1", &[Standard::Pci4, Standard::Fsbp], "DISABLED", 1), [AssociationCode::ResourceNotFound]);
    assert_eq!(switch(&mut hub, "", &[Standard::Fsbp], "DISABLED", 1), [AssociationCode::InvalidInput]);
    let foreign = arn::security_control("S3.8", MEMBER.parse().unwrap(), &HOME.parse().unwrap());
    assert_eq!(switch(&mut hub, &foreign, &[Standard::Fsbp], "DISABLED", 1), [AssociationCode::AccessDenied]);
    let bad = |status: &str, reason: Option<&str>| {
        let update = AssociationUpdate {
            standards_arn: standard_arn(Standard::Fsbp),
            security_control_id: "S3.8".to_owned(),
            association_status: status.to_owned(),
            updated_reason: reason.map(str::to_owned),
        };
        BatchUpdateAssociations { standards_control_association_updates: vec![update] }
    };
    for request in [bad("OFF", None), bad("DISABLED", Some(" "))] {
        let one = hub.update_associations(&admin(), &request, at(1)).unwrap();
        assert_eq!(one.unprocessed_association_updates[0].error_code, AssociationCode::InvalidInput);
    }
    let own = arn::security_control("S3.8", ADMIN.parse().unwrap(), &HOME.parse().unwrap());
    assert_eq!(switch(&mut hub, &own, &[Standard::Fsbp], "DISABLED", 1), []);
    let ids = vec!["S3.8".to_owned(), "Quantum.1".to_owned(), foreign, "arn:x".to_owned()];
    let answer = hub.security_controls(&admin(), &BatchGetSecurityControls { security_control_ids: ids }, at(2)).unwrap();
    let codes: Vec<AssociationCode> = answer.unprocessed_ids.iter().map(|id| id.error_code).collect();
    assert_eq!(answer.security_controls.len(), 1);
    assert_eq!(codes, [AssociationCode::ResourceNotFound, AssociationCode::AccessDenied, AssociationCode::InvalidInput]);
    for count in [0, 101] {
        let request = BatchGetSecurityControls { security_control_ids: vec!["S3.8".to_owned(); count] };
        assert_eq!(hub.security_controls(&admin(), &request, at(2)).unwrap_err().code, "InvalidInputException");
    }
}

#[test]
fn a_standard_that_is_enabled_anew_has_all_its_controls_on() {
    let mut hub = hub();
    switch(&mut hub, "S3.8", &[Standard::Fsbp], "DISABLED", 0);
    disable(&mut hub, &[Standard::Fsbp], 10);
    // Pending: it is not told of, and cannot be changed.
    enable(&mut hub, &admin(), &[Standard::Fsbp], 100);
    let told = |hub: &Hub, now| {
        let all = hub.associations(&admin(), "S3.8", None, None, at(now)).unwrap().standards_control_association_summaries;
        all.into_iter().find(|of| of.standards_arn == standard_arn(Standard::Fsbp)).map(|of| of.association_status)
    };
    assert_eq!(told(&hub, 129), None);
    assert_eq!(switch(&mut hub, "S3.8", &[Standard::Fsbp], "DISABLED", 129), [AssociationCode::ResourceNotFound]);
    let controls = |hub: &Hub, now| hub.standards_controls(&admin(), &subscription_arn(Standard::Fsbp), None, None, at(now));
    assert_eq!(controls(&hub, 129).unwrap().controls, []);
    assert_eq!(told(&hub, 130), Some(ControlStatus::Enabled));
    assert_eq!(controls(&hub, 130).unwrap().controls.len(), 100);
}

#[test]
fn the_old_way_takes_the_standards_own_id_a_reason_and_only_ones_own_arn() {
    let mut hub = hub();
    let (account, region) = (ADMIN.parse().unwrap(), HOME.parse().unwrap());
    let of = |own: &str| arn::standards_control(Standard::Cis12, own, account, &region);
    let to = |status: Option<&str>, reason: Option<&str>| UpdateStandardsControl {
        control_status: status.map(str::to_owned),
        disabled_reason: reason.map(str::to_owned),
    };
    let off = to(Some("DISABLED"), Some("no root user here"));
    let mut code = |arn: &str, request: &UpdateStandardsControl| {
        hub.update_standards_control(&admin(), arn, request, at(1)).err().map(|error| error.code)
    };
    assert_eq!(code(&of("3.3"), &off), None);
    assert_eq!(code(&of("3.3"), &to(Some("DISABLED"), None)), Some("InvalidInputException"));
    assert_eq!(code(&of("3.3"), &to(None, None)), Some("InvalidInputException"));
    for wrong in ["arn:x", &of("9.9"), &of("3.3").replace(ADMIN, MEMBER), &of("3.3").replace(HOME, LINKED)] {
        assert_eq!(code(wrong, &off), Some("AccessDeniedException"), "{wrong}");
    }
    let answer = hub.standards_controls(&admin(), &subscription_arn(Standard::Cis12), None, None, at(2)).unwrap();
    let disabled: Vec<&str> = answer
        .controls
        .iter()
        .filter(|control| control.control_status == ControlStatus::Disabled)
        .map(|control| control.control_id.as_str())
        .collect();
    // One control is two of the standard's.
    assert_eq!(disabled, ["1.1", "3.3"]);
    assert_eq!(answer.controls.len(), 43);
    let none = hub.standards_controls(&caller(STRANGER, HOME), &subscription_arn(Standard::Cis12), None, None, at(2));
    assert_eq!(none.unwrap_err().code, "InvalidAccessException");
}

// What it does to findings.

#[test]
fn findings_of_a_control_that_is_off_are_not_refreshed_and_are_archived_after_three_to_five_days() {
    let mut hub = hub();
    let finding = failed(ADMIN, HOME, "a", 0);
    let (key, other) = (add(&mut hub, &finding), add(&mut hub, &failed(MEMBER, HOME, "m", 0)));
    switch(&mut hub, "S3.8", &of_control("S3.8"), "DISABLED", 100);
    hub.check(&key, ComplianceStatus::Passed, at(200)).unwrap();
    assert_eq!(hub.current(&key).unwrap()["Compliance"]["Status"], "FAILED");
    let newer = ControlFinding { updated: at(150), ..finding }.document();
    let refused = import(&mut hub, ADMIN, HOME, vec![newer], 200);
    assert_eq!((refused.success_count, refused.failed_count), (0, 1));
    hub.take_changes();
    settle(&mut hub, at(100 + 3 * DAY - 1));
    assert_eq!(hub.current(&key).unwrap()["RecordState"], "ACTIVE");
    settle(&mut hub, at(100 + 5 * DAY));
    let archived = hub.current(&key).unwrap();
    assert_eq!((&archived["RecordState"], &archived["Compliance"]["Status"]), (&json!("ARCHIVED"), &json!("FAILED")));
    assert!(archived["UpdatedAt"].as_str().unwrap() < "2026-11-26T08:02:00");
    assert_eq!(hub.take_changes().len(), 1);
    assert_eq!(hub.current(&other).unwrap()["RecordState"], "ACTIVE");
}

#[test]
fn findings_of_a_control_that_is_on_again_in_time_stay() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    switch(&mut hub, "S3.8", &of_control("S3.8"), "DISABLED", 100);
    switch(&mut hub, "S3.8", &[Standard::Fsbp], "ENABLED", 2 * DAY);
    settle(&mut hub, at(9 * DAY));
    assert_eq!(hub.current(&key).unwrap()["RecordState"], "ACTIVE");
    hub.check(&key, ComplianceStatus::Passed, at(9 * DAY)).unwrap();
    assert_eq!(hub.current(&key).unwrap()["Compliance"]["Status"], "PASSED");
}

#[test]
fn findings_carry_the_standards_in_which_their_control_is_on() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let all: Vec<&str> = of_control("S3.8").iter().map(|standard| standard.standards_id()).collect();
    let mut before = associated(&hub.current(&key).unwrap()).into_iter().map(str::to_owned).collect::<Vec<_>>();
    before.sort();
    assert_eq!(before, {
        let mut all = all;
        all.sort_unstable();
        all
    });
    switch(&mut hub, "S3.8", &[Standard::Fsbp], "DISABLED", 100);
    disable(&mut hub, &[Standard::Nist53], 100);
    assert_eq!(associated(&hub.current(&key).unwrap()).len(), before.len());
    hub.check(&key, ComplianceStatus::Failed, at(200)).unwrap();
    let after = hub.current(&key).unwrap();
    let gone = [Standard::Fsbp.standards_id(), Standard::Nist53.standards_id()];
    assert_eq!(associated(&after).len() + 2, before.len());
    assert!(associated(&after).iter().all(|standard| !gone.contains(standard)));
}

#[test]
fn without_consolidation_there_is_a_finding_for_each_standard_and_nothing_of_what_was_said() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(MEMBER, HOME, "m", 0));
    let said = BatchUpdateFindings {
        note: Some(NoteUpdate { text: "ours".to_owned(), updated_by: "alice".to_owned() }),
        ..workflow(WorkflowStatus::Suppressed)
    };
    update(&mut hub, MEMBER, &[&key], said);
    let to = |generator: &str| UpdateConfiguration {
        control_finding_generator: Some(generator.to_owned()),
        ..UpdateConfiguration::default()
    };
    let refused = hub.configure(&caller(MEMBER, HOME), &to("STANDARD_CONTROL"), at(100)).unwrap_err();
    assert_eq!(refused.code, "InvalidAccessException");
    hub.configure(&admin(), &to("STANDARD_CONTROL"), at(100)).unwrap();
    assert_eq!(hub.describe(&caller(MEMBER, HOME), None).unwrap().control_finding_generator, Generator::StandardControl);
    assert_eq!(active(&hub).len(), 1, "it takes its time");
    settle(&mut hub, at(100 + DAY));
    let (old, new) = (hub.current(&key).unwrap(), active(&hub));
    assert_eq!(old["RecordState"], "ARCHIVED");
    assert_eq!(old["ProductFields"]["ArchivalReasons:0/ReasonCode"], "CONSOLIDATED_CONTROL_FINDINGS_UPDATE");
    assert_eq!(new.len(), of_control("S3.8").len());
    let prefix =
        "arn:aws:securityhub:eu-west-1:444455556666:subscription/aws-foundational-security-best-practices/v/1.0.0/S3.8/finding/";
    let best = new.iter().find(|finding| finding["Id"].as_str().unwrap().starts_with(prefix)).unwrap();
    assert_eq!(best["GeneratorId"], "aws-foundational-security-best-practices/v/1.0.0/S3.8");
    assert_eq!(best["ProductFields"]["ControlId"], "S3.8");
    assert_eq!(associated(best), [Standard::Fsbp.standards_id()]);
    assert!(new.iter().all(|finding| finding.get("Note").is_none() && finding["Workflow"]["Status"] == "NEW"));
    let cis = new.iter().find(|finding| finding["GeneratorId"] == "cis-aws-foundations-benchmark/v/1.4.0/2.1.5.2").unwrap();
    assert!(cis["Title"].as_str().unwrap().starts_with("2.1.5.2 "), "{}", cis["Title"]);
    // Off in one standard: only that one's finding is archived.
    let member = caller(MEMBER, HOME);
    let one = AssociationUpdate {
        standards_arn: standard_arn(Standard::Fsbp),
        security_control_id: "S3.8".to_owned(),
        association_status: "DISABLED".to_owned(),
        updated_reason: None,
    };
    let request = BatchUpdateAssociations { standards_control_association_updates: vec![one] };
    hub.update_associations(&member, &request, at(2 * DAY)).unwrap();
    settle(&mut hub, at(8 * DAY));
    assert_eq!(active(&hub).len(), new.len() - 1);
    // And back.
    hub.configure(&admin(), &to("SECURITY_CONTROL"), at(8 * DAY)).unwrap();
    settle(&mut hub, at(9 * DAY));
    let back = active(&hub);
    assert_eq!(back.len(), 1);
    assert_eq!(back[0]["GeneratorId"], "security-control/S3.8");
    assert_eq!(back[0]["ProductFields"].get("ControlId"), None);
    assert_ne!(back[0]["Id"], json!(key.id));
    assert_eq!(associated(&back[0]).len(), of_control("S3.8").len() - 1);
}

// Definitions and parameters.

#[test]
fn every_definition_is_told_once_by_pages_of_25() {
    let hub = hub();
    let (mut ids, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let answer = hub.definitions(&admin(), None, &[], None, token.as_deref()).unwrap();
        assert!(answer.security_control_definitions.len() <= 25);
        ids.extend(answer.security_control_definitions.into_iter().map(|definition| definition.security_control_id));
        pages += 1;
        token = answer.next_token;
        if token.is_none() {
            break;
        }
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((count, ids.len(), pages), (571, 571, 23));
    let best = standard_arn(Standard::Fsbp);
    let of = hub.definitions(&admin(), Some(&best), &[], Some(100), None).unwrap();
    assert!(of.security_control_definitions.iter().all(|one| of_control(&one.security_control_id).contains(&Standard::Fsbp)));
    let none = hub.definitions(&admin(), Some(&best), &["Azure".to_owned()], None, None).unwrap();
    assert_eq!(none.security_control_definitions, []);
    for (standard, providers) in [(Some("arn:x"), vec![]), (None, vec!["Oracle".to_owned()])] {
        assert_eq!(hub.definitions(&admin(), standard, &providers, None, None).unwrap_err().code, "InvalidInputException");
    }
    // A token is bound to its standard.
    let more = hub.definitions(&admin(), None, &[], None, of.next_token.as_deref());
    assert_eq!(more.unwrap_err().code, "InvalidInputException");
}

fn set(id: &str, name: &str, value_type: &str, value: Option<ParameterValue>) -> UpdateSecurityControl {
    let configuration = ParameterConfiguration { value_type: value_type.to_owned(), value };
    UpdateSecurityControl {
        security_control_id: id.to_owned(),
        parameters: [(name.to_owned(), configuration)].into(),
        last_update_reason: Some("longer than the default".to_owned()),
    }
}

#[test]
fn a_parameter_is_set_updating_for_a_while_and_back_to_its_default() {
    let mut hub = hub();
    let value = |hub: &Hub, now| control(hub, "ACM.1", now).parameters["daysToExpiration"].clone();
    assert_eq!(value(&hub, 0).value, Some(ParameterValue::Integer(30)));
    let to = set("ACM.1", "daysToExpiration", "CUSTOM", Some(ParameterValue::Integer(60)));
    hub.update_security_control(&admin(), &to, at(10)).unwrap();
    let shown = control(&hub, "ACM.1", 39);
    assert_eq!(
        (shown.update_status.as_str(), shown.last_update_reason.as_deref()),
        ("UPDATING", Some("longer than the default"))
    );
    assert_eq!(
        value(&hub, 39),
        ParameterConfiguration { value_type: "CUSTOM".to_owned(), value: Some(ParameterValue::Integer(60)) }
    );
    let busy = hub.update_security_control(&admin(), &to, at(39)).unwrap_err();
    assert_eq!((busy.code, busy.status), ("ResourceInUseException", 400));
    assert_eq!(control(&hub, "ACM.1", 40).update_status, "READY");
    // What comes with DEFAULT is not looked at.
    let back = set("ACM.1", "daysToExpiration", "DEFAULT", Some(ParameterValue::Integer(9999)));
    hub.update_security_control(&admin(), &back, at(41)).unwrap();
    assert_eq!(
        value(&hub, 100),
        ParameterConfiguration { value_type: "DEFAULT".to_owned(), value: Some(ParameterValue::Integer(30)) }
    );
}

#[test]
fn a_value_that_the_parameter_cannot_have_is_refused() {
    let mut hub = hub();
    let text = str::to_owned;
    let good = [
        ("EC2.18", "authorizedTcpPorts", ParameterValue::IntegerList(vec![443, 8443])),
        ("RDS.14", "BacktrackWindowInHours", ParameterValue::Double(0.5)),
        ("Kinesis.3", "minimumBackupRetentionPeriod", ParameterValue::String(text("8760"))),
        ("Kinesis.2", "requiredTagKeys", ParameterValue::StringList(vec![text("Owner"), text("cost:center")])),
        ("DynamoDB.4", "backupVaultLockCheck", ParameterValue::Boolean(true)),
        ("CloudWatch.16", "minRetentionTime", ParameterValue::Enum(text("731"))),
        ("RDS.42", "logTypes", ParameterValue::EnumList(vec![text("general")])),
    ];
    for (id, name, value) in good {
        hub.update_security_control(&admin(), &set(id, name, "CUSTOM", Some(value)), at(0)).unwrap();
    }
    let bad = [
        ("ACM.1", "daysToExpiration", ParameterValue::Integer(13)),
        ("ACM.1", "daysToExpiration", ParameterValue::Double(60.0)),
        ("ACM.1", "DaysToExpiration", ParameterValue::Integer(60)),
        ("EC2.18", "authorizedUdpPorts", ParameterValue::IntegerList(vec![])),
        ("EC2.18", "authorizedUdpPorts", ParameterValue::IntegerList(vec![53; 33])),
        ("EC2.18", "authorizedUdpPorts", ParameterValue::IntegerList(vec![0])),
        ("RDS.14", "BacktrackWindowInHours", ParameterValue::Double(73.0)),
        ("Kinesis.3", "minimumBackupRetentionPeriod", ParameterValue::String(text("23"))),
        ("Lambda.6", "requiredTagKeys", ParameterValue::StringList(vec![text("a"); 7])),
        ("Lambda.6", "requiredTagKeys", ParameterValue::StringList(vec![text("")])),
        ("CloudWatch.16", "minRetentionTime", ParameterValue::Enum(text("30"))),
        ("RDS.42", "logTypes", ParameterValue::EnumList(vec![text("binary")])),
        ("S3.8", "days", ParameterValue::Integer(1)),
    ];
    for (id, name, value) in bad {
        let error = hub.update_security_control(&admin(), &set(id, name, "CUSTOM", Some(value.clone())), at(100)).unwrap_err();
        assert_eq!(error.code, "InvalidInputException", "{id} {name} {value:?}");
    }
    let code = |hub: &mut Hub, request: UpdateSecurityControl| {
        hub.update_security_control(&admin(), &request, at(100)).unwrap_err().code
    };
    assert_eq!(code(&mut hub, set("ACM.1", "daysToExpiration", "CUSTOM", None)), "InvalidInputException");
    assert_eq!(code(&mut hub, set("ACM.1", "daysToExpiration", "OWN", None)), "InvalidInputException");
    assert_eq!(code(&mut hub, set("Quantum.1", "x", "DEFAULT", None)), "ResourceNotFoundException");
    let reason = UpdateSecurityControl {
        last_update_reason: Some(text("see PAY-1: ok")),
        ..set("ACM.1", "daysToExpiration", "DEFAULT", None)
    };
    assert_eq!(code(&mut hub, reason), "InvalidInputException");
    let none = UpdateSecurityControl { parameters: std::collections::BTreeMap::new(), ..set("ACM.1", "x", "DEFAULT", None) };
    assert_eq!(code(&mut hub, none), "InvalidInputException");
}
