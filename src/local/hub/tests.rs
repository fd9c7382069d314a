mod aggregators;
mod controls;
mod delegation;
mod imports;
mod insights;
mod members;
mod products;
mod rules;
mod world;

use std::time::Duration;

use serde_json::{Value, json};

use super::caller::{Caller, Principal};
use super::*;
use crate::core::ids::FindingKey;
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};
use crate::local::clock::after;
use crate::local::document::ControlFinding;
use crate::local::hub::organization::Account;
use crate::wire::error::UnprocessedCode;
use crate::wire::securityhub::{
    BatchImportFindings, BatchImportFindingsAnswer, BatchUpdateFindings, BatchUpdateFindingsAnswer, EnableSecurityHub,
    FindingIdentifier, GetFindingHistory, GetFindings, NoteUpdate, SeverityUpdate, SortCriterion, WorkflowUpdate,
};

const ADMIN: &str = "111122223333";
const MEMBER: &str = "444455556666";
const STRANGER: &str = "999999999999";
const HOME: &str = "eu-west-1";
const LINKED: &str = "us-east-1";

fn start() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn at(seconds: u64) -> Timestamp {
    after(start(), Duration::from_secs(seconds))
}

fn hub_with(switches: Switches) -> Hub {
    let account = |id: &str, name: &str| Account { id: id.parse().unwrap(), name: name.to_owned() };
    let organization = Organization {
        management: "000000000000".parse().unwrap(),
        administrator: account(ADMIN, "security"),
        members: vec![account(MEMBER, "payments")],
        home: HOME.parse().unwrap(),
        linked: vec![LINKED.parse().unwrap()],
    };
    Hub::new(organization, switches, 7, start())
}

pub(super) fn hub() -> Hub {
    hub_with(Switches::default())
}

pub(super) fn caller(account: &str, region: &str) -> Caller {
    Caller { account: account.parse().unwrap(), region: region.parse().unwrap(), principal: Principal::User("alice".into()) }
}

fn failed(account: &str, region: &str, bucket: &str, created: u64) -> ControlFinding {
    let (account, region) = (account.parse().unwrap(), region.parse().unwrap());
    ControlFinding::failed(account, region, "S3.8", "AwsS3Bucket", &format!("arn:aws:s3:::{bucket}"), at(created))
}

fn import(hub: &mut Hub, account: &str, region: &str, findings: Vec<Value>, now: u64) -> BatchImportFindingsAnswer {
    hub.import(&caller(account, region), &BatchImportFindings { findings }, at(now)).unwrap()
}

/// Imports it as its own account's check run; gives its key.
fn add(hub: &mut Hub, finding: &ControlFinding) -> FindingKey {
    let document = finding.document();
    let answer = import(hub, &finding.account.to_string(), finding.region.as_str(), vec![document], 60);
    assert_eq!(answer.failed_findings, []);
    FindingKey { id: finding.id(), product_arn: finding.product_arn() }
}

fn get(hub: &Hub, account: &str, region: &str, request: &GetFindings) -> Vec<Value> {
    let page = hub.get_findings(&caller(account, region), request, at(100), None).unwrap();
    page.texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn ids(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["Resources"][0]["Id"].as_str().unwrap().rsplit(':').next().unwrap()).collect()
}

fn identifier(key: &FindingKey) -> FindingIdentifier {
    FindingIdentifier { id: key.id.clone(), product_arn: key.product_arn.clone() }
}

fn update(hub: &mut Hub, account: &str, keys: &[&FindingKey], request: BatchUpdateFindings) -> BatchUpdateFindingsAnswer {
    let request = BatchUpdateFindings { finding_identifiers: keys.iter().map(|key| identifier(key)).collect(), ..request };
    hub.update(&caller(account, HOME), &request, at(90), &mut |_| None).unwrap()
}

fn workflow(status: WorkflowStatus) -> BatchUpdateFindings {
    BatchUpdateFindings {
        workflow: Some(WorkflowUpdate { status: Some(status.as_str().to_owned()) }),
        ..BatchUpdateFindings::default()
    }
}

fn codes(answer: &BatchUpdateFindingsAnswer) -> Vec<&str> {
    answer.unprocessed_findings.iter().map(|finding| finding.error_code.as_str()).collect()
}

// Views.

#[test]
fn an_administrator_sees_its_members_and_the_home_region_sees_the_linked_ones() {
    let mut hub = hub();
    for (account, region, bucket) in
        [(ADMIN, HOME, "a-home"), (ADMIN, LINKED, "a-linked"), (MEMBER, HOME, "m-home"), (MEMBER, LINKED, "m-linked")]
    {
        add(&mut hub, &failed(account, region, bucket, 0));
    }
    let all = GetFindings::default();
    assert_eq!(ids(&get(&hub, ADMIN, HOME, &all)), ["a-home", "a-linked", "m-home", "m-linked"]);
    assert_eq!(ids(&get(&hub, ADMIN, LINKED, &all)), ["a-linked", "m-linked"]);
    assert_eq!(ids(&get(&hub, MEMBER, HOME, &all)), ["m-home", "m-linked"]);
    assert_eq!(ids(&get(&hub, MEMBER, LINKED, &all)), ["m-linked"]);
}

#[test]
fn a_member_cannot_update_another_accounts_finding() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let answer = update(&mut hub, MEMBER, &[&key], workflow(WorkflowStatus::Suppressed));
    assert_eq!(codes(&answer), ["FindingNotFound"]);
}

#[test]
fn a_stranger_has_its_hub_off_until_it_enables_it() {
    let mut hub = hub();
    let stranger = caller(STRANGER, "sa-east-1");
    let error = hub.get_findings(&stranger, &GetFindings::default(), at(1), None).unwrap_err();
    assert_eq!((error.code, error.status), ("InvalidAccessException", 401));
    assert_eq!(error.message, "Account 999999999999 is not subscribed to AWS Security Hub");
    hub.enable(&stranger, &EnableSecurityHub::default(), at(2)).unwrap();
    assert_eq!(hub.enable(&stranger, &EnableSecurityHub::default(), at(2)).unwrap_err().code, "ResourceConflictException");
    assert_eq!(hub.describe(&stranger, None).unwrap().hub_arn, "arn:aws:securityhub:sa-east-1:999999999999:hub/default");
    assert_eq!(hub.get_findings(&stranger, &GetFindings::default(), at(3), None).unwrap(), query::Page::default());
    assert_eq!(hub.aggregators(&stranger, None, None).unwrap().finding_aggregators, []);
}

#[test]
fn the_organization_is_there_without_findings() {
    let hub = hub();
    let admin = caller(ADMIN, LINKED);
    let arn = hub.aggregators(&admin, None, None).unwrap().finding_aggregators.remove(0).finding_aggregator_arn;
    assert!(arn.starts_with("arn:aws:securityhub:eu-west-1:"));
    assert_eq!(hub.aggregator(&admin, &arn).unwrap().regions, [LINKED]);
    assert_eq!(hub.members(&admin, None, None, None).unwrap().members[0].account_id, MEMBER);
    assert!(hub.members(&admin, None, Some(51), None).is_err());
    assert_eq!(hub.members(&caller(MEMBER, HOME), None, None, None).unwrap().members, []);
    assert_eq!(hub.administrator(&caller(MEMBER, HOME)).unwrap().administrator.unwrap().account_id, ADMIN);
    assert_eq!(hub.administrator(&admin).unwrap().administrator, None);
}

// Pages and order.

fn many(count: u64) -> Hub {
    let mut hub = hub();
    for number in 0..count {
        // Two by two at the same time, so that the time alone is no place.
        let account = if number % 3 == 0 { MEMBER } else { ADMIN };
        let region = if number % 5 == 0 { LINKED } else { HOME };
        add(&mut hub, &failed(account, region, &format!("b{number:03}"), number / 2));
    }
    hub
}

fn read_all(hub: &Hub, request: &GetFindings) -> Vec<Value> {
    let (mut found, mut request) = (Vec::new(), request.clone());
    loop {
        let page = hub.get_findings(&caller(ADMIN, HOME), &request, at(100), None).unwrap();
        found.extend(page.texts.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()));
        match page.next_token {
            Some(token) => request.next_token = Some(token),
            None => return found,
        }
    }
}

#[test]
fn pages_of_any_size_in_any_order_give_every_finding_once() {
    let hub = many(57);
    let sort = |field: &str, order: &str| {
        Some(vec![SortCriterion { field: Some(field.to_owned()), sort_order: Some(order.to_owned()) }])
    };
    for sort_criteria in [
        None,
        sort("CreatedAt", "asc"),
        sort("CreatedAt", "desc"),
        sort("UpdatedAt", "desc"),
        sort("ResourceId", "desc"),
        sort("No.Such", "asc"),
    ] {
        for size in [1, 7, 57, 100] {
            let request = GetFindings { sort_criteria: sort_criteria.clone(), max_results: Some(size), ..GetFindings::default() };
            let found = read_all(&hub, &request);
            let mut names: Vec<String> = ids(&found).into_iter().map(str::to_owned).collect();
            if sort_criteria == sort("ResourceId", "desc") {
                assert!(names.is_sorted_by(|a, b| a > b));
            }
            let times: Vec<&str> = found.iter().map(|finding| finding["CreatedAt"].as_str().unwrap()).collect();
            if sort_criteria == sort("CreatedAt", "desc") {
                assert!(times.is_sorted_by(|a, b| a >= b));
            }
            names.sort();
            names.dedup();
            assert_eq!(names.len(), 57, "{sort_criteria:?} by {size}");
        }
    }
}

#[test]
fn a_page_token_is_reusable_and_refused_for_another_query_and_when_forged() {
    let hub = many(9);
    let request = GetFindings { max_results: Some(4), ..GetFindings::default() };
    let admin = caller(ADMIN, HOME);
    let token = hub.get_findings(&admin, &request, at(1), None).unwrap().next_token.unwrap();
    let next = GetFindings { next_token: Some(token.clone()), ..request.clone() };
    let second = hub.get_findings(&admin, &next, at(2), None).unwrap();
    assert_eq!(hub.get_findings(&admin, &next, at(3), None).unwrap(), second);
    let filters = Some(json!({"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]}));
    let others = [
        (admin.clone(), GetFindings { filters, ..next.clone() }),
        (admin.clone(), GetFindings { max_results: Some(5), ..next.clone() }),
        (admin, GetFindings { next_token: Some(token.replacen('3', "4", 1)), ..next.clone() }),
        (caller(MEMBER, HOME), next),
    ];
    for (caller, request) in others {
        let error = hub.get_findings(&caller, &request, at(1), None).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), ("InvalidInputException", "Invalid NextToken: Input Query has changed"));
    }
}

#[test]
fn short_and_empty_pages_still_lead_to_the_end() {
    let hub = many(9);
    let (mut request, mut found) = (GetFindings::default(), 0);
    for most in [0, 3, 0, 1, 100] {
        let page = hub.get_findings(&caller(ADMIN, HOME), &request, at(1), Some(most)).unwrap();
        found += page.texts.len();
        request.next_token = page.next_token;
    }
    assert_eq!((found, request.next_token), (9, None));
}

#[test]
fn filters_select_the_same_findings_whatever_index_answers() {
    let hub = many(40);
    let equals = |value: &str| json!([{"Value": value, "Comparison": "EQUALS"}]);
    let resource = "arn:aws:s3:::b007";
    for (filters, count) in [
        (json!({"ResourceId": equals(resource)}), 1),
        (json!({"ComplianceSecurityControlId": equals("S3.8")}), 40),
        (json!({"ComplianceSecurityControlId": equals("s3.8")}), 0),
        (json!({"AwsAccountId": equals(MEMBER)}), 14),
        (json!({"AwsAccountId": equals(MEMBER), "Region": equals(LINKED)}), 3),
        (json!({"ResourceId": equals(resource), "AwsAccountId": equals(MEMBER)}), 0),
        (json!({"CreatedAt": [{"Start": "2026-11-21T08:00:05Z", "End": "2026-11-21T08:00:09Z"}]}), 10),
        (json!({"CreatedAt": [{"Start": "2026-11-21T08:00:09Z", "End": "2026-11-21T08:00:05Z"}]}), 0),
        (json!({"ResourceId": [{"Value": "arn:aws:s3:::b01", "Comparison": "PREFIX"}]}), 10),
    ] {
        for size in [3, 100] {
            let request = GetFindings { filters: Some(filters.clone()), max_results: Some(size), ..GetFindings::default() };
            assert_eq!(read_all(&hub, &request).len(), count, "{filters}");
        }
    }
    let refused =
        GetFindings { filters: Some(json!({"Title": [{"Value": "x", "Comparison": "CONTAINS"}]})), ..GetFindings::default() };
    assert_eq!(hub.get_findings(&caller(ADMIN, HOME), &refused, at(1), None).unwrap_err().code, "InvalidInputException");
}

#[test]
fn reads_lag_behind_writes_as_long_as_they_are_told() {
    let mut hub = hub();
    hub.set_lag(Duration::from_secs(10));
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let admin = caller(ADMIN, HOME);
    let status = |hub: &Hub, now| -> Option<String> {
        let page = hub.get_findings(&admin, &GetFindings::default(), at(now), None).unwrap();
        let finding: Value = serde_json::from_str(page.texts.first()?).unwrap();
        Some(finding["Workflow"]["Status"].as_str().unwrap().to_owned())
    };
    assert_eq!(status(&hub, 69), None);
    assert_eq!(status(&hub, 70).as_deref(), Some("NEW"));
    let request = BatchUpdateFindings { finding_identifiers: vec![identifier(&key)], ..workflow(WorkflowStatus::Suppressed) };
    hub.update(&admin, &request, at(80), &mut |_| None).unwrap();
    assert_eq!(status(&hub, 89).as_deref(), Some("NEW"));
    assert_eq!(status(&hub, 90).as_deref(), Some("SUPPRESSED"));
}

// Imports.

#[test]
fn a_new_control_finding_has_what_the_service_fills_in() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(MEMBER, HOME, "a", 0));
    let finding = hub.current(&key).unwrap();
    assert_eq!(finding["Workflow"]["Status"], "NEW");
    assert_eq!(finding["WorkflowState"], "NEW");
    assert_eq!(finding["AwsAccountName"], "payments");
    assert_eq!(finding["ProductName"], "Security Hub");
    assert_eq!(finding["Severity"], json!({"Label": "HIGH", "Normalized": 70, "Original": "HIGH"}));
    assert_eq!(finding["ProcessedAt"], "2026-11-21T08:01:00.000Z");
    assert_eq!(finding["ProductFields"]["aws/securityhub/FindingId"], format!("{}/{}", key.product_arn, key.id));
    assert_eq!(hub.take_changes().len(), 1);
}

#[test]
fn an_import_that_is_not_newer_is_ignored_and_makes_no_event() {
    let mut hub = hub();
    let finding = failed(ADMIN, HOME, "a", 10);
    let key = add(&mut hub, &finding);
    hub.take_changes();
    let before = hub.current(&key);
    for updated in [9, 10] {
        let document =
            ControlFinding { updated: at(updated), compliance: ComplianceStatus::Passed, ..finding.clone() }.document();
        assert_eq!(import(&mut hub, ADMIN, HOME, vec![document], 70).success_count, 1);
    }
    assert_eq!(hub.current(&key), before);
    assert_eq!(hub.take_changes(), []);
}

#[test]
fn a_provider_does_not_overwrite_what_is_the_customers() {
    let mut hub = hub();
    let finding = failed(ADMIN, HOME, "a", 0);
    let key = add(&mut hub, &finding);
    let request = BatchUpdateFindings {
        note: Some(NoteUpdate { text: "ours".to_owned(), updated_by: "alice".to_owned() }),
        user_defined_fields: Some([("k".to_owned(), "v".to_owned())].into()),
        severity: Some(SeverityUpdate { label: Some("LOW".to_owned()), ..SeverityUpdate::default() }),
        verification_state: Some("TRUE_POSITIVE".to_owned()),
        ..workflow(WorkflowStatus::Notified)
    };
    update(&mut hub, ADMIN, &[&key], request);
    let mut document = ControlFinding { updated: at(50), ..finding }.document();
    document["Note"] = json!({"Text": "theirs", "UpdatedBy": "x", "UpdatedAt": "2026-11-21T08:00:00Z"});
    document["UserDefinedFields"] = json!({"theirs": "1"});
    document["Workflow"] = json!({"Status": "SUPPRESSED"});
    document["Title"] = "A new title".into();
    document["FindingProviderFields"]["Severity"]["Label"] = "CRITICAL".into();
    document["FindingProviderFields"]["Types"] = json!(["a/b/c"]);
    import(&mut hub, ADMIN, HOME, vec![document], 95);
    let finding = hub.current(&key).unwrap();
    assert_eq!(finding["Note"]["Text"], "ours");
    assert_eq!(finding["UserDefinedFields"], json!({"k": "v"}));
    assert_eq!(finding["Workflow"]["Status"], "NOTIFIED");
    assert_eq!(finding["VerificationState"], "TRUE_POSITIVE");
    assert_eq!(finding["Severity"]["Label"], "LOW");
    assert_eq!(finding["FindingProviderFields"]["Severity"]["Label"], "CRITICAL");
    assert_eq!(finding["Types"], json!(["a/b/c"]));
    assert_eq!(finding["Title"], "A new title");
}

#[test]
fn a_check_changes_the_finding_in_place_and_moves_the_workflow() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let seen = |hub: &Hub| {
        let finding = hub.current(&key).unwrap();
        let text = |pointer: &str| finding.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let previous = text("/ProductFields/PreviousComplianceStatus");
        [text("/Workflow/Status"), text("/Severity/Label"), text("/FirstObservedAt"), previous]
    };
    hub.check(&key, ComplianceStatus::Failed, at(100)).unwrap();
    assert_eq!(seen(&hub), ["NEW", "HIGH", "2026-11-21T08:00:00.000Z", "FAILED"]);
    hub.check(&key, ComplianceStatus::Passed, at(200)).unwrap();
    assert_eq!(seen(&hub), ["RESOLVED", "INFORMATIONAL", "2026-11-21T08:03:20.000Z", "FAILED"]);
    hub.check(&key, ComplianceStatus::Failed, at(300)).unwrap();
    assert_eq!(seen(&hub), ["NEW", "HIGH", "2026-11-21T08:05:00.000Z", "PASSED"]);
    update(&mut hub, ADMIN, &[&key], workflow(WorkflowStatus::Suppressed));
    hub.check(&key, ComplianceStatus::Passed, at(400)).unwrap();
    assert_eq!(seen(&hub)[0], "SUPPRESSED");
    assert_eq!(hub.len(), 1);
}

#[test]
fn a_problem_may_get_a_new_finding_without_what_people_said() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    update(&mut hub, ADMIN, &[&key], workflow(WorkflowStatus::Suppressed));
    let new = hub.recreate(&key, ComplianceStatus::Failed, at(100)).unwrap();
    assert_ne!(new.id, key.id);
    assert_eq!(hub.current(&key).unwrap()["RecordState"], "ARCHIVED");
    let finding = hub.current(&new).unwrap();
    assert_eq!(finding["Workflow"]["Status"], "NEW");
    assert_eq!(finding["RecordState"], "ACTIVE");
    assert_eq!(finding["ProductFields"]["aws/securityhub/FindingId"], format!("{}/{}", new.product_arn, new.id));
    let mut other = failed(ADMIN, HOME, "b", 0).document();
    other["ProductArn"] = format!("arn:aws:securityhub:{HOME}::product/prowler/prowler").into();
    other["Id"] = "p".into();
    other.as_object_mut().unwrap().remove("Compliance");
    import(&mut hub, ADMIN, HOME, vec![other.clone()], 60);
    let other = crate::local::seed::key_of(&other);
    assert_eq!(hub.recreate(&other, ComplianceStatus::Failed, at(100)), None);
    assert_eq!(hub.current(&other).unwrap()["RecordState"], "ACTIVE");
    assert_eq!(hub.recreate_all(at(200)), 1);
    hub.delete_resource(&new, at(300)).unwrap();
    assert_eq!(hub.current(&new).unwrap()["Compliance"]["Status"], "NOT_AVAILABLE");
}

#[test]
fn what_is_not_the_finding_format_fails_by_itself() {
    let mut hub = hub();
    let good = failed(ADMIN, HOME, "a", 0).document();
    let without = |name: &str| {
        let mut finding = good.clone();
        finding.as_object_mut().unwrap().remove(name);
        finding
    };
    let with = |name: &str, value: Value| {
        let mut finding = good.clone();
        finding[name] = value;
        finding
    };
    let bad = vec![
        without("Title"),
        without("Resources"),
        with("CreatedAt", "yesterday".into()),
        with("Region", LINKED.into()),
        with("RecordState", "GONE".into()),
        with("Resources", json!([])),
        with("Title", "x".repeat(257).into()),
    ];
    let count = bad.len();
    let answer = import(&mut hub, ADMIN, HOME, bad.into_iter().chain([good]).collect(), 60);
    assert_eq!((answer.success_count, answer.failed_count), (1, count));
    for failed in &answer.failed_findings {
        assert!(failed.error_message.starts_with("Finding does not adhere to Amazon Finding Format. "), "{failed:?}");
    }
}

#[test]
fn another_accounts_finding_refuses_the_whole_import_but_for_the_services_own_checks() {
    let mut hub = hub();
    let mut foreign = failed(MEMBER, HOME, "a", 0).document();
    foreign["ProductArn"] = format!("arn:aws:securityhub:{HOME}::product/prowler/prowler").into();
    let request = BatchImportFindings { findings: vec![failed(ADMIN, HOME, "b", 0).document(), foreign] };
    assert_eq!(hub.import(&caller(ADMIN, HOME), &request, at(1)).unwrap_err().code, "AccessDeniedException");
    assert!(hub.is_empty());
    let check = failed(MEMBER, LINKED, "c", 0).document();
    assert_eq!(import(&mut hub, ADMIN, HOME, vec![check], 60).success_count, 1);
}

#[test]
fn products_have_names_and_a_re_import_as_read_changes_nothing() {
    let mut hub = hub();
    let mut finding = failed(ADMIN, HOME, "a", 0).document();
    for name in ["ProductName", "CompanyName", "ProductFields", "FindingProviderFields"] {
        finding.as_object_mut().unwrap().remove(name);
    }
    finding["ProductArn"] = format!("arn:aws:securityhub:{HOME}::product/prowler/prowler").into();
    finding["Severity"] = json!({"Label": "HIGH", "Normalized": 0});
    finding["CreatedAt"] = "2026-11-21T08:00:00.123456+00:00".into();
    import(&mut hub, ADMIN, HOME, vec![finding], 60);
    let read = get(
        &hub,
        ADMIN,
        HOME,
        &GetFindings {
            filters: Some(json!({"ProductName": [{"Value": "Prowler", "Comparison": "EQUALS"}]})),
            ..GetFindings::default()
        },
    );
    assert_eq!(read[0]["Severity"]["Normalized"], 0);
    assert_eq!(read[0]["CreatedAt"], "2026-11-21T08:00:00.123Z");
    import(&mut hub, ADMIN, HOME, read.clone(), 70);
    assert_eq!(get(&hub, ADMIN, HOME, &GetFindings::default()), read);
}

// Updates.

#[test]
fn an_update_moves_processed_at_and_not_updated_at() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let before = hub.current(&key).unwrap();
    hub.take_changes();
    let note = Some(NoteUpdate { text: "why".to_owned(), updated_by: "alice".to_owned() });
    let answer = update(&mut hub, ADMIN, &[&key], BatchUpdateFindings { note, ..workflow(WorkflowStatus::Suppressed) });
    assert_eq!(answer.processed_findings, [identifier(&key)]);
    let finding = hub.current(&key).unwrap();
    assert_eq!(finding["UpdatedAt"], before["UpdatedAt"]);
    assert_eq!(finding["ProcessedAt"], "2026-11-21T08:01:30.000Z");
    assert_eq!(finding["Note"], json!({"Text": "why", "UpdatedBy": "alice", "UpdatedAt": "2026-11-21T08:01:30.000Z"}));
    assert_eq!(finding["Workflow"]["Status"], "SUPPRESSED");
    let change = hub.take_changes().remove(0);
    assert_eq!(serde_json::from_str::<Value>(&change.text).unwrap(), finding);
}

#[test]
fn each_finding_is_unprocessed_for_its_own_reason_and_the_others_are_written() {
    let mut hub = hub();
    let keys: Vec<FindingKey> = (0..7).map(|n| add(&mut hub, &failed(ADMIN, HOME, &format!("b{n}"), n))).collect();
    let mut identifiers: Vec<FindingIdentifier> = keys.iter().map(identifier).collect();
    identifiers.push(identifier(&keys[0]));
    identifiers.push(FindingIdentifier { id: "none".to_owned(), product_arn: keys[0].product_arn.clone() });
    let request = BatchUpdateFindings { finding_identifiers: identifiers, ..workflow(WorkflowStatus::Notified) };
    let mut codes_left = UnprocessedCode::ALL.iter().copied().map(Some).chain([None]);
    let mut refuse = |_: &FindingIdentifier| codes_left.next().flatten();
    let answer = hub.update(&caller(ADMIN, HOME), &request, at(90), &mut refuse).unwrap();
    assert_eq!(answer.processed_findings, [identifier(&keys[6])]);
    let mut expected: Vec<&str> = UnprocessedCode::ALL.iter().map(|code| code.as_str()).collect();
    expected.extend(["DuplicatedFindingIdentifier", "FindingNotFound"]);
    assert_eq!(codes(&answer), expected);
    assert_eq!(hub.current(&keys[0]).unwrap()["Workflow"]["Status"], "NEW");
}

#[test]
fn bad_values_write_nothing_and_are_refused_as_the_switch_says() {
    for (bad_value, whole) in [(BadValue::WholeRequest, true), (BadValue::PerFinding, false)] {
        let mut hub = hub_with(Switches { bad_value, ..Switches::default() });
        let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
        let bad = |request: BatchUpdateFindings| BatchUpdateFindings { finding_identifiers: vec![identifier(&key)], ..request };
        let note = |text: &str| Some(NoteUpdate { text: text.to_owned(), updated_by: "a".to_owned() });
        let requests = [
            bad(BatchUpdateFindings { note: note(&"x".repeat(513)), ..BatchUpdateFindings::default() }),
            bad(BatchUpdateFindings { note: note(""), ..BatchUpdateFindings::default() }),
            bad(BatchUpdateFindings { confidence: Some(101), ..BatchUpdateFindings::default() }),
            bad(BatchUpdateFindings {
                workflow: Some(WorkflowUpdate { status: Some("DONE".to_owned()) }),
                ..BatchUpdateFindings::default()
            }),
            bad(BatchUpdateFindings {
                user_defined_fields: Some((0..51).map(|n| (format!("k{n}"), "v".to_owned())).collect()),
                ..BatchUpdateFindings::default()
            }),
        ];
        let before = hub.current(&key);
        for request in requests {
            match hub.update(&caller(ADMIN, HOME), &request, at(90), &mut |_| None) {
                Err(error) => assert!(whole && error.code == "InvalidInputException"),
                Ok(answer) => assert!(!whole && codes(&answer) == ["InvalidInput"]),
            }
        }
        assert_eq!(hub.current(&key), before);
    }
}

#[test]
fn between_one_and_a_hundred_findings_are_updated_at_once() {
    let mut hub = hub();
    let one = FindingIdentifier { id: "i".to_owned(), product_arn: "p".to_owned() };
    for count in [0, 101] {
        let request = BatchUpdateFindings { finding_identifiers: vec![one.clone(); count], ..workflow(WorkflowStatus::New) };
        assert_eq!(hub.update(&caller(ADMIN, HOME), &request, at(1), &mut |_| None).unwrap_err().code, "InvalidInputException");
    }
}

#[test]
fn user_defined_fields_are_replaced_or_merged_as_the_switch_says() {
    for (user_fields, expected) in [(UserFields::Replace, json!({"b": "2"})), (UserFields::Merge, json!({"a": "1", "b": "2"}))] {
        let mut hub = hub_with(Switches { user_fields, ..Switches::default() });
        let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
        for (name, value) in [("a", "1"), ("b", "2")] {
            let user_defined_fields = Some([(name.to_owned(), value.to_owned())].into());
            update(&mut hub, ADMIN, &[&key], BatchUpdateFindings { user_defined_fields, ..BatchUpdateFindings::default() });
        }
        assert_eq!(hub.current(&key).unwrap()["UserDefinedFields"], expected);
    }
}

// History.

#[test]
fn history_tells_who_changed_what_newest_first_and_who_made_it() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(MEMBER, HOME, "a", 0));
    let user_defined_fields = Some([("k".to_owned(), "v".to_owned())].into());
    let request = BatchUpdateFindings { user_defined_fields, ..workflow(WorkflowStatus::Suppressed) };
    update(&mut hub, ADMIN, &[&key], request);
    hub.check(&key, ComplianceStatus::Passed, at(100)).unwrap();
    let request = GetFindingHistory {
        finding_identifier: identifier(&key),
        start_time: None,
        end_time: None,
        next_token: None,
        max_results: Some(2),
    };
    let admin = caller(ADMIN, HOME);
    let page = hub.finding_history(&admin, &request, at(100)).unwrap();
    let sources: Vec<(&str, &str)> =
        page.records.iter().map(|r| (r.update_source.kind.as_str(), r.update_source.identity.as_str())).collect();
    assert_eq!(
        sources,
        [("BATCH_IMPORT_FINDINGS", key.product_arn.as_str()), ("BATCH_UPDATE_FINDINGS", "arn:aws:iam::111122223333:user/alice"),]
    );
    let updates = &page.records[1].updates;
    let fields: Vec<&str> = updates.iter().map(|update| update.updated_field.as_str()).collect();
    assert_eq!(fields, ["UserDefinedFields", "Workflow.Status"]);
    assert_eq!((updates[1].old_value.as_deref(), updates[1].new_value.as_deref()), (Some("NEW"), Some("SUPPRESSED")));
    // A change in between does not move the page.
    hub.check(&key, ComplianceStatus::Failed, at(200)).unwrap();
    let next = GetFindingHistory { next_token: page.next_token, ..request };
    let last = hub.finding_history(&admin, &next, at(100)).unwrap();
    assert!(last.records.len() == 1 && last.records[0].finding_created && last.next_token.is_none());
    assert_eq!(hub.finding_history(&caller(STRANGER, HOME), &next, at(100)).unwrap_err().code, "InvalidAccessException");
}

#[test]
fn archived_findings_stay_readable() {
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    hub.archive(&key, at(100)).unwrap();
    let found = get(&hub, ADMIN, HOME, &GetFindings::default());
    assert_eq!(found[0]["RecordState"], RecordState::Archived.as_str());
}
