//! What every operation that reads answers: the same after a snapshot, and the same from then on.

use std::time::Duration;

use ::http::Method;
use serde_json::{Value, json};

use super::client::Client;
use crate::core::catalogue::Standard;
use crate::core::ids::{AccountId, Region};
use crate::core::status::ComplianceStatus;
use crate::local::Local;
use crate::local::clock::Speed;
use crate::local::document::ControlFinding;
use crate::local::hub::Hub;
use crate::local::hub::caller::{Caller, Principal};
use crate::local::options::LocalOptions;
use crate::local::seed::key_of;
use crate::wire::arn;
use crate::wire::operations::{self, Operation};
use crate::wire::securityhub::GetInsights;

const STRANGER: &str = "999999999999";
/// A bucket whose control is switched off.
const SHARED: &str = "arn:aws:s3:::shared";
const REPLACED: &str = "CONSOLIDATED_CONTROL_FINDINGS_UPDATE";

/// The places that ask: administrator in both Regions, a member, and an account with a hub of its own.
fn clients(local: &Local) -> Vec<Client> {
    let organization = local.organization();
    let (home, linked) = (organization.home.as_str(), organization.linked[0].as_str());
    let [admin, member] = [&organization.administrator, &organization.members[0]].map(|account| account.id.to_string());
    let management = organization.management.to_string();
    let places =
        [(admin.as_str(), home), (&admin, linked), (&member, home), (&member, linked), (STRANGER, home), (&management, home)];
    places.map(|(account, region)| Client::new(local, account, "alice", region)).into()
}

fn escaped(arn: &str) -> String {
    arn.replace(':', "%3A").replace('/', "%2F")
}

/// What an operation that reads is asked for: what follows its path, and its body. A new one gets its line here.
fn question(operation: &Operation, local: &Local, account: AccountId, region: &str) -> (String, Value) {
    let place = region.parse().unwrap();
    let subscription = |standard| arn::subscription(standard, account, &place);
    let fsbp = arn::standard(Standard::Fsbp, &place);
    let query = |query: &str| (format!("{}?{query}", operation.path), Value::Null);
    let label = |label: &str| (operation.path.split('{').next().unwrap().to_owned() + &escaped(label), Value::Null);
    let body = |body| (operation.path.to_owned(), body);
    match operation.name {
        "DescribeHub"
        | "GetAdministratorAccount"
        | "GetMasterAccount"
        | "GetInvitationsCount"
        | "DescribeOrganizationConfiguration"
        | "ListOrganizationAdminAccounts" => query(""),
        "DescribeStandards" | "ListFindingAggregators" | "ListInvitations" => query("MaxResults=1"),
        "ListMembers" => query("OnlyAssociated=false&MaxResults=1"),
        "GetMembers" => body(json!({"AccountIds": [STRANGER, local.organization().members[0].id]})),
        "ListSecurityControlDefinitions" => query(&format!("StandardsArn={}", escaped(&arn::standard(Standard::Pci4, &place)))),
        "GetSecurityControlDefinition" => query("SecurityControlId=ACM.1"),
        "ListStandardsControlAssociations" => query("SecurityControlId=S3.8"),
        "DescribeStandardsControls" => label(&subscription(Standard::Cis12)),
        "ListTagsForResource" => label(&arn::hub(account, &place)),
        "GetFindingAggregator" => {
            let standing = local.standing();
            label(&arn::finding_aggregator("local", local.administrator(), &standing.home.unwrap()))
        }
        "GetEnabledStandards" | "DescribeActionTargets" | "GetInsights" => body(json!({})),
        "BatchGetSecurityControls" => body(json!({"SecurityControlIds": ["ACM.1", "IAM.7", "S3.8"]})),
        "BatchGetStandardsControlAssociations" => body(json!({"StandardsControlAssociationIds":
            [{"SecurityControlId": "S3.8", "StandardsArn": fsbp}]})),
        "GetFindings" => body(json!({"MaxResults": 100})),
        "GetFindingHistory" => {
            let key = key_of(&local.findings_json()[0]);
            body(json!({"FindingIdentifier": {"Id": key.id, "ProductArn": key.product_arn}}))
        }
        "ListAutomationRules" | "DescribeProducts" | "ListEnabledProductsForImport" => query("MaxResults=2"),
        "BatchGetAutomationRules" => {
            let rules = made(local, account, &place, |hub, who| {
                let list = hub.list_rules(who, None, None).map(|list| list.automation_rules_metadata);
                list.into_iter().flatten().map(|rule| rule.rule_arn).collect()
            });
            body(json!({"AutomationRulesArns": [rules.first().map_or("arn:aws:nothing", String::as_str)]}))
        }
        "GetInsightResults" => {
            let insights = made(local, account, &place, |hub, who| {
                let list = hub.insights(who, &GetInsights::default()).map(|list| list.insights);
                list.into_iter().flatten().map(|insight| insight.insight_arn).collect()
            });
            label(insights.first().map_or("arn:aws:nothing", String::as_str))
        }
        other => panic!("{other} reads and is served, and this test does not ask it: what it tells may not be in snapshots"),
    }
}

/// The ARNs of what an account has made in a Region.
fn made(local: &Local, account: AccountId, region: &Region, list: impl FnOnce(&Hub, &Caller) -> Vec<String>) -> Vec<String> {
    let caller = Caller { account, region: region.clone(), principal: Principal::Root };
    local.with_hub(|hub, _| list(hub, &caller))
}

/// The answers to all of them, from everywhere.
async fn answers(local: &Local) -> Vec<(String, u16, Value)> {
    let mut answers = Vec::new();
    for client in clients(local) {
        let (_, all) = client.get("/_local/operations").await;
        let served = all.as_array().unwrap().iter().filter(|operation| operation["served"] == true);
        let reads = served.map(|operation| operation["name"].as_str().unwrap()).filter(|name| {
            let verbs = ["Describe", "Get", "List", "BatchGet"];
            verbs.iter().any(|verb| name.starts_with(verb))
        });
        for name in reads {
            let operation = operations::named(name).unwrap();
            let (path, body) = question(operation, local, client.access_key.parse().unwrap(), &client.region);
            let method: Method = operation.method.parse().unwrap();
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let (status, text) = client.send(method, &path, "securityhub", &[], body).await;
            let who = format!("{name} of {} in {}", client.access_key, client.region);
            answers.push((who, status, serde_json::from_str(&text).unwrap()));
        }
    }
    answers.push(("events".to_owned(), 0, json!(local.queues().bodies(&local.event_queue()))));
    answers
}

async fn done(client: &Client, method: Method, path: &str, body: Value) -> Value {
    let (status, text) = client.send(method, path, "securityhub", &[], body.to_string()).await;
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// A hub in which everything that an operation changes was changed, some of it just now.
async fn changed() -> Local {
    let local = Local::builder().findings(60).accounts(3).regions(2).seed(7).build().unwrap();
    let linked = local.organization().linked[0].clone();
    let now = local.clock().now();
    let finding = ControlFinding::failed(local.administrator(), linked, "S3.8", "AwsS3Bucket", SHARED, now);
    local.import(vec![finding.document()]).unwrap();
    let clients = clients(&local);
    let [admin, linked, _, member, stranger, management] = clients.as_slice() else { panic!() };
    let home = local.home();
    let subscription =
        |standard| json!({"StandardsSubscriptionArns": [arn::subscription(standard, local.administrator(), home)]});
    // Two standards go, and one of them comes again.
    done(admin, Method::POST, "/standards/deregister", subscription(Standard::Cis14)).await;
    done(admin, Method::POST, "/standards/deregister", subscription(Standard::Pci4)).await;
    local.advance(Duration::from_secs(40));
    let request = json!({"StandardsArn": arn::standard(Standard::Pci4, home), "StandardsInput": {"key": "value"}});
    done(admin, Method::POST, "/standards/register", json!({"StandardsSubscriptionRequests": [request]})).await;
    // A control is off in every standard of a Region, another has a parameter of its own.
    let (_, all) = linked.get("/associations?SecurityControlId=S3.8").await;
    let off = |of: &Value| {
        json!({"StandardsArn": of["StandardsArn"], "SecurityControlId": "S3.8", "AssociationStatus": "DISABLED",
            "UpdatedReason": "public on purpose"})
    };
    let updates: Vec<Value> = all["StandardsControlAssociationSummaries"].as_array().unwrap().iter().map(off).collect();
    let updates = json!({"StandardsControlAssociationUpdates": updates});
    done(linked, Method::PATCH, "/associations", updates).await;
    let days = json!({"daysToExpiration": {"ValueType": "CUSTOM", "Value": {"Integer": 60}}});
    let update = json!({"SecurityControlId": "ACM.1", "Parameters": days, "LastUpdateReason": "two months"});
    done(admin, Method::PATCH, "/securityControl/update", update).await;
    // Hubs: one is tagged, one is off, one is on with standards of its own, one is to have other findings.
    let own = escaped(&arn::hub(local.administrator(), home));
    done(admin, Method::POST, &format!("/tags/{own}"), json!({"Tags": {"team": "sec", "gone": ""}})).await;
    done(admin, Method::DELETE, &format!("/tags/{own}?tagKeys=gone"), json!({})).await;
    done(stranger, Method::POST, "/accounts", json!({"Tags": {"team": "pay"}})).await;
    // Who administers whom: a member is removed, and its hub switched off; another account is invited; the administrator is
    // designated in one more Region, where an account that joins becomes a member; links are others.
    done(linked, Method::POST, "/members/disassociate", json!({"AccountIds": [member.access_key]})).await;
    done(member, Method::DELETE, "/accounts", json!({})).await;
    let outside = json!({"id": STRANGER, "inOrganization": false, "name": "stranger"});
    done(stranger, Method::POST, "/_local/accounts", outside).await;
    done(admin, Method::POST, "/members", json!({"AccountDetails": [{"AccountId": STRANGER, "Email": "a@example.com"}]})).await;
    done(admin, Method::POST, "/members/invite", json!({"AccountIds": [STRANGER]})).await;
    done(linked, Method::POST, "/organization/configuration", json!({"AutoEnable": true, "AutoEnableStandards": "NONE"})).await;
    let v2 = json!({"AdminAccountId": member.access_key, "Feature": "SecurityHubV2"});
    done(management, Method::POST, "/organization/admin/enable", v2).await;
    let aggregator = arn::finding_aggregator("local", local.administrator(), home);
    let but = json!({"FindingAggregatorArn": aggregator, "RegionLinkingMode": "ALL_REGIONS_EXCEPT_SPECIFIED", "Regions": ["sa-east-1"]});
    done(admin, Method::PATCH, "/findingAggregator/update", but).await;
    done(admin, Method::PATCH, "/accounts", json!({"ControlFindingGenerator": "STANDARD_CONTROL", "AutoEnableControls": false}))
        .await;
    // Rules, products, custom actions, insights.
    let rule = json!({
        "RuleOrder": 5, "RuleName": "in the end", "Description": "a rule that is kept", "RuleStatus": "ENABLED",
        "Criteria": {"SeverityLabel": [{"Value": "HIGH", "Comparison": "EQUALS"}]}, "Tags": {"of": "a rule"},
        "Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": {"Criticality": 77}}],
    });
    done(admin, Method::POST, "/automationrules/create", rule).await;
    let action = json!({"Name": "To chat", "Description": "a chat that is kept", "Id": "Chat"});
    done(admin, Method::POST, "/actionTargets", action).await;
    let product = "arn:aws:securityhub:eu-west-1::product/prowler/prowler";
    done(stranger, Method::POST, "/productSubscriptions", json!({"ProductArn": product})).await;
    let insight = json!({"Name": "an insight that is kept", "Filters": {}, "GroupByAttribute": "SeverityLabel"});
    done(admin, Method::POST, "/insights", insight).await;
    // The first hour of that is over.
    local.advance(Duration::from_hours(1));
    done(
        admin,
        Method::PATCH,
        "/securityControl/update",
        json!({"SecurityControlId": "IAM.7", "Parameters":
        {"MinimumPasswordLength": {"ValueType": "CUSTOM", "Value": {"Integer": 20}}}}),
    )
    .await;
    local
}

fn again(local: &Local) -> Local {
    let mut bytes = Vec::new();
    local.save(&mut bytes).unwrap();
    let options = LocalOptions { speed: Speed::Stepped, ..LocalOptions::new(local.clock().now()) };
    Local::restore(std::io::Cursor::new(bytes), options).unwrap()
}

#[tokio::test]
async fn every_operation_that_reads_answers_after_a_snapshot_as_before_it_and_so_it_goes_on() {
    let local = changed().await;
    let before = answers(&local).await;
    let kept = again(&local);
    let once_more = answers(&local).await;
    assert_eq!(answers(&kept).await, once_more);
    assert_eq!(once_more, before, "asking changes nothing");
    // What was changed shows, so that a hub that had forgotten it would be told.
    let told = json!(before.iter().map(|(_, _, answer)| answer).collect::<Vec<_>>()).to_string();
    for word in [
        "\"Removed\"",
        "\"Invited\"",
        "a@example.com",
        "ALL_REGIONS_EXCEPT_SPECIFIED",
        "\"AutoEnable\":true",
        "\"team\":\"sec\"",
        "\"team\":\"pay\"",
        "public on purpose",
        "two months",
        "STANDARD_CONTROL",
        "\"UPDATING\"",
        "\"key\"",
        "a rule that is kept",
        "a chat that is kept",
        "an insight that is kept",
    ] {
        assert!(told.contains(word), "{word}");
    }
    assert!(before.iter().any(|(_, status, _)| *status == 401), "a hub is off");
    let count = |of: &dyn Fn(&&Value) -> bool| local.findings_json().iter().filter(of).count();
    let idle = |finding: &&Value| finding["RecordState"] == "ARCHIVED" && finding["Resources"][0]["Id"] == SHARED;
    let replaced = |finding: &&Value| finding["ProductFields"]["ArchivalReasons:0/ReasonCode"] == REPLACED;
    // Standards are ready; findings have followed the generator; those of the control that is off are archived.
    let mut seen = vec![(count(&idle), count(&replaced))];
    for hours in [0, 12, 24, 24 * 5] {
        let by = Duration::from_hours(hours) + Duration::from_secs(31);
        local.advance(by);
        kept.advance(by);
        let key = key_of(&local.findings_json()[0]);
        assert_eq!(kept.check(&key, ComplianceStatus::Failed), local.check(&key, ComplianceStatus::Failed));
        assert_eq!(kept.findings_json(), local.findings_json(), "after {by:?}");
        assert_eq!(answers(&kept).await, answers(&local).await, "after {by:?}");
        seen.push((count(&idle), count(&replaced)));
    }
    assert_eq!(seen.iter().map(|(idle, _)| *idle).collect::<Vec<_>>(), [0, 0, 0, 0, 1]);
    let [first, .., half, all, end] = seen.as_slice() else { panic!() };
    assert!(first.1 < half.1 && half.1 < all.1 && all.1 == end.1, "{seen:?}");
    // And a snapshot of that is the same file.
    let [one, other] = [&local, &kept].map(|local| {
        let mut bytes = Vec::new();
        local.save(&mut bytes).unwrap();
        bytes
    });
    assert!(one == other);
}
