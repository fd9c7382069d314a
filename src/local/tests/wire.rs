use axum::body::Body;
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;

use super::client::Client;
use super::local;
use crate::local::faults::{CallFault, EventFaults, Fault, Faults};
use crate::local::*;

#[tokio::test]
async fn the_operations_answer_as_aws_does() {
    let local = local(300);
    let client = Client::admin(&local, "hubkeeper");
    let (status, hub) = client.get("/accounts").await;
    assert_eq!((status, &hub["HubArn"]), (200, &json!("arn:aws:securityhub:eu-west-1:111122223333:hub/default")));
    let (_, aggregators) = client.get("/findingAggregator/list?MaxResults=10").await;
    let arn = aggregators["FindingAggregators"][0]["FindingAggregatorArn"].as_str().unwrap().to_owned();
    let (_, aggregator) = client.get(&format!("/findingAggregator/get/{}", arn.replace(':', "%3A"))).await;
    assert_eq!(aggregator["Regions"], json!(["us-east-1"]));
    let (_, members) = client.get("/members?MaxResults=1").await;
    let token = members["NextToken"].as_str().unwrap();
    let (_, more) = client.get(&format!("/members?MaxResults=1&NextToken={token}")).await;
    assert_ne!(members["Members"][0]["AccountId"], more["Members"][0]["AccountId"]);
    assert_eq!(more.get("NextToken"), None);
    let filters = json!({"RecordState": [{"Value": "ARCHIVED", "Comparison": "EQUALS"}]});
    let (_, page) = client.post("/findings", json!({"Filters": filters, "MaxResults": 5})).await;
    assert_eq!(page["Findings"].as_array().unwrap().len(), 5);
    let id = json!({"Id": page["Findings"][0]["Id"], "ProductArn": page["Findings"][0]["ProductArn"]});
    let (status, history) = client.post("/findingHistory/get", json!({"FindingIdentifier": id, "MaxResults": 100})).await;
    assert_eq!((status, &history["Records"][0]["FindingCreated"]), (200, &json!(true)));
    let (status, answer) = client.post("/findings/import", json!({"Findings": [page["Findings"][1]]})).await;
    assert_eq!((status, &answer["FailedCount"]), (200, &json!(0)));
}

#[tokio::test]
async fn errors_are_aws_errors() {
    let local = local(0);
    let client = Client::admin(&local, "hubkeeper");
    let (status, body) = client.get("/hubv2").await;
    assert_eq!((status, client.error(&body).as_str()), (501, "NotImplementedException"));
    assert_eq!(body["Message"], "Security Hub Local does not have DescribeSecurityHubV2");
    let (status, body) = client.get("/no/such/path").await;
    assert_eq!((status, client.error(&body).as_str()), (404, "UnknownOperationException"));
    for text in ["{", "[]", "{\"FindingIdentifiers\": 3}", "\u{0}", "", "{}"] {
        let (status, body) = client.send(Method::PATCH, "/findings/batchupdate", "securityhub", &[], text.to_owned()).await;
        let code = if text.is_empty() || text == "{}" { "InvalidInputException" } else { "SerializationException" };
        assert_eq!((status, client.error(&serde_json::from_str(&body).unwrap()).as_str()), (400, code), "{text}");
    }
    let huge = "x".repeat(crate::wire::limits::REQUEST_BYTES + 1);
    let (status, _) = client.send(Method::POST, "/findings", "securityhub", &[], huge).await;
    assert_eq!(status, 413);
    let (status, body) = client.post("/findings", json!({"MaxResults": 101})).await;
    assert_eq!((status, client.error(&body).as_str()), (400, "InvalidInputException"));
    let stranger = Client::new(&local, "999999999999", "alice", "sa-east-1");
    let (status, body) = stranger.post("/findings", json!({})).await;
    assert_eq!((status, stranger.error(&body).as_str()), (401, "InvalidAccessException"));
    assert_eq!(body["Message"], "Account 999999999999 is not subscribed to AWS Security Hub");
    assert_eq!(stranger.post("/accounts", json!({"EnableDefaultStandards": false})).await.0, 200);
    assert_eq!(stranger.post("/findings", json!({})).await, (200, json!({"Findings": []})));
    let nobody = Client::new(&local, "AKIDEXAMPLE", "alice", "eu-west-1");
    let (status, body) = nobody.post("/findings", json!({})).await;
    assert_eq!((status, nobody.error(&body).as_str()), (403, "UnrecognizedClientException"));
}

#[tokio::test]
async fn no_array_stands_for_a_structure_at_any_level_and_nothing_is_done() {
    let local = local(20);
    let client = Client::admin(&local, "hubkeeper");
    let finding = &local.findings_json()[0];
    let id = json!({"Id": finding["Id"], "ProductArn": finding["ProductArn"]});
    let before = local.findings_json();
    let list = json!([finding["Id"], finding["ProductArn"]]);
    for (method, path, body) in [
        (Method::POST, "/findings", json!([])),
        (Method::POST, "/findings", json!({"SortCriteria": [["UpdatedAt", "asc"]]})),
        (Method::PATCH, "/findings/batchupdate", json!([[id]])),
        (Method::PATCH, "/findings/batchupdate", json!({"FindingIdentifiers": [list], "Workflow": {"Status": "SUPPRESSED"}})),
        (Method::PATCH, "/findings/batchupdate", json!({"FindingIdentifiers": [id], "Workflow": ["SUPPRESSED"]})),
        (Method::PATCH, "/findings/batchupdate", json!({"FindingIdentifiers": [id], "Note": ["text", "alice"]})),
    ] {
        let (status, answer) = client.send(method, path, "securityhub", &[], body.to_string()).await;
        let code = client.error(&serde_json::from_str(&answer).unwrap());
        assert_eq!((status, code.as_str()), (400, "SerializationException"), "{path} {body}: {answer}");
    }
    assert_eq!(local.findings_json(), before);
    let (status, answer) = client.sqs("ReceiveMessage", json!([local.event_queue_url()])).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("com.amazonaws.sqs#SerializationException")));
}

#[tokio::test]
async fn a_signature_for_another_service_is_refused_as_each_service_refuses_it() {
    let local = local(5);
    let client = Client::admin(&local, "hubkeeper");
    for service in ["s3", "sts"] {
        let (status, body) = client.send(Method::POST, "/findings", service, &[], "{}".to_owned()).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, client.error(&body).as_str()), (403, "InvalidSignatureException"));
        assert_eq!(body["Message"], "Credential should be scoped to correct service: 'securityhub'.");
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let asked = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
    let (status, xml) = client.send(Method::POST, "/", "s3", &form, asked).await;
    assert!(status == 403 && xml.contains("<Code>SignatureDoesNotMatch</Code>") && xml.contains("'sts'"), "{xml}");
    let target = [("x-amz-target", "AmazonSQS.ReceiveMessage")];
    let (status, body) = client.send(Method::POST, "/", "securityhub", &target, "{}".to_owned()).await;
    assert!(status == 403 && body.contains("'sqs'"), "{body}");
}

#[tokio::test]
async fn the_queue_is_named_alike_by_the_organization_and_by_sqs() {
    let local = local(5);
    let client = Client::admin(&local, "hubkeeper");
    let (_, organization) = client.get("/_local/organization").await;
    let (_, queue) = client.sqs("GetQueueUrl", json!({"QueueName": "hubkeeper"})).await;
    assert_eq!(organization["eventQueueUrl"], queue["QueueUrl"]);
}

#[tokio::test]
async fn a_standard_is_brought_into_trouble_and_out_of_it() {
    let local = local(5);
    let client = Client::admin(&local, "hubkeeper");
    let (_, enabled) = client.post("/standards/get", json!({})).await;
    let arn = enabled["StandardsSubscriptions"][0]["StandardsArn"].clone();
    let trouble = async |status: &str, reason: Option<&str>| {
        let body =
            json!({"account": "111122223333", "region": "eu-west-1", "standardsArn": arn, "status": status, "reason": reason});
        let (code, answer) = client.post("/_local/standards", body).await;
        let (_, enabled) = client.post("/standards/get", json!({})).await;
        let of = &enabled["StandardsSubscriptions"][0];
        let reason = of["StandardsStatusReason"]["StatusReasonCode"].clone();
        (code, of["StandardsStatus"].clone(), of["StandardsControlsUpdatable"].clone(), reason, answer)
    };
    for (status, reason) in [("INCOMPLETE", "NO_AVAILABLE_CONFIGURATION_RECORDER"), ("FAILED", "INTERNAL_ERROR")] {
        let expected = (200, json!(status), json!("NOT_READY_FOR_UPDATES"), json!(reason), json!({}));
        assert_eq!(trouble(status, Some(reason)).await, expected);
    }
    assert_eq!(trouble("READY", None).await, (200, json!("READY"), json!("READY_FOR_UPDATES"), Value::Null, json!({})));
    for (status, reason) in [("INCOMPLETE", None), ("READY", Some("INTERNAL_ERROR")), ("DELETING", Some("INTERNAL_ERROR"))] {
        assert_eq!(trouble(status, reason).await.0, 400);
    }
    let other = json!({"account": "999999999999", "region": "eu-west-1", "standardsArn": arn, "status": "READY"});
    assert_eq!(client.post("/_local/standards", other).await.0, 404);
}

#[tokio::test]
async fn it_says_when_it_is_ready_and_refuses_what_is_not_signed() {
    let router = local(0).router();
    let send = |uri: &str| router.clone().oneshot(Request::builder().uri(uri.to_owned()).body(Body::empty()).unwrap());
    let response = send("/").await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.unwrap().to_bytes().starts_with(b"<!DOCTYPE html>"));
    assert_eq!(send("/accounts").await.unwrap().status(), 403);
}

#[tokio::test]
async fn sts_names_the_caller_and_lends_roles() {
    let role = "arn:aws:iam::111122223333:role/path/hubkeeper";
    let local = Local::builder().findings(20).external_id(role, "x-1").build().unwrap();
    let mut client = Client::admin(&local, "alice");
    let (status, xml) = client.sts("Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(status == 200 && xml.contains("<Arn>arn:aws:iam::111122223333:user/alice</Arn>"), "{xml}");
    let assume = |external: &str| {
        format!(
            "Action=AssumeRole&Version=2011-06-15&RoleArn={}&RoleSessionName=s-1{external}",
            role.replace(':', "%3A").replace('/', "%2F")
        )
    };
    for external in ["", "&ExternalId=wrong"] {
        let (status, xml) = client.sts(&assume(external)).await;
        assert!(status == 403 && xml.contains("<Code>AccessDenied</Code>"), "{xml}");
    }
    let (status, xml) = client.sts(&assume("&ExternalId=x-1")).await;
    assert_eq!(status, 200, "{xml}");
    let part = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    };
    client.access_key = part("AccessKeyId");
    client.secret_key = part("SecretAccessKey");
    client.session_token = Some(part("SessionToken"));
    let (_, xml) = client.sts("Action=GetCallerIdentity&Version=2011-06-15").await;
    assert!(xml.contains("<Arn>arn:aws:sts::111122223333:assumed-role/hubkeeper/s-1</Arn>"), "{xml}");
    assert_eq!(client.get("/accounts").await.0, 200);
    local.advance(Duration::from_hours(1));
    let (status, body) = client.get("/accounts").await;
    assert_eq!((status, client.error(&body).as_str()), (403, "ExpiredTokenException"));
    client.secret_key = "guessed".to_owned();
    client.session_token = client.session_token.map(|token| token.replacen('3', "4", 1));
    assert_eq!(client.get("/accounts").await.0, 403);
    let (status, xml) = client.sts("Action=GetSessionToken").await;
    assert!(status == 501 && xml.contains("GetSessionToken"), "{xml}");
}

#[tokio::test(start_paused = true)]
async fn faults_are_switched_on_over_http_and_end() {
    let local = local(10);
    let client = Client::admin(&local, "ops");
    let put = |text: &str| {
        let request = Request::builder().method("PUT").uri("/_local/faults").body(Body::from(text.to_owned())).unwrap();
        local.router().oneshot(request)
    };
    assert_eq!(put("{\"cals\": []}").await.unwrap().status(), 400);
    let faults = r#"{"calls": [{"operation": "GetFindings", "fault": {"serverError": 503}, "times": 1},
        {"operation": "GetFindings", "fault": "timeoutBefore", "skip": 1, "times": 1}, {"operation": "GetFindings", "fault": "emptyBody", "skip": 2, "times": 1}]}"#;
    assert_eq!(put(faults).await.unwrap().status(), 200);
    assert_eq!(client.post("/findings", json!({})).await.0, 503);
    assert!(tokio::time::timeout(Duration::from_mins(1), client.post("/findings", json!({}))).await.is_err());
    assert_eq!(client.post("/findings", json!({})).await, (200, Value::Null));
    assert_eq!(client.post("/findings", json!({})).await.1["Findings"].as_array().unwrap().len(), 10);
    let errors: Vec<Option<&str>> = local.calls().iter().map(|call| call.error).collect();
    assert_eq!(errors, [Some("ServiceUnavailable"), Some("NoAnswer"), Some("EmptyBody"), None]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_after_the_effect_has_had_its_effect() {
    let local = local(10);
    let key = seed::key_of(&local.findings_json()[0]);
    local.set_faults(Faults {
        calls: vec![CallFault::of("BatchUpdateFindings", Fault::TimeoutAfter).times(1)],
        ..Faults::default()
    });
    let client = Client::admin(&local, "ops");
    let update =
        json!({"FindingIdentifiers": [{"Id": key.id, "ProductArn": key.product_arn}], "Workflow": {"Status": "SUPPRESSED"}});
    let call = client.patch("/findings/batchupdate", update);
    assert!(tokio::time::timeout(Duration::from_mins(1), call).await.is_err());
    assert_eq!(local.finding(&key).unwrap()["Workflow"]["Status"], "SUPPRESSED");
}

#[tokio::test]
async fn part_of_an_update_fails_when_told() {
    let local = local(200);
    let code = crate::wire::error::UnprocessedCode::ConcurrentUpdateError;
    let fault = CallFault::of("BatchUpdateFindings", Fault::Partial { code, percent: 50 });
    local.set_faults(Faults { calls: vec![fault], ..Faults::default() });
    let keys: Vec<Value> =
        local.findings_json().iter().take(100).map(|f| json!({"Id": f["Id"], "ProductArn": f["ProductArn"]})).collect();
    let client = Client::admin(&local, "ops");
    let update = json!({"FindingIdentifiers": keys, "Workflow": {"Status": "SUPPRESSED"}});
    let (_, answer) = client.patch("/findings/batchupdate", update).await;
    let unprocessed = answer["UnprocessedFindings"].as_array().unwrap();
    assert!((20..80).contains(&unprocessed.len()));
    assert!(unprocessed.iter().all(|finding| finding["ErrorCode"] == "ConcurrentUpdateError"));
    assert_eq!(local.calls()[0].unprocessed, unprocessed.len());
}

#[tokio::test]
async fn events_are_lost_doubled_and_late_when_told() {
    let run = |events: EventFaults| {
        let local = local(60);
        local.set_faults(Faults { events, ..Faults::default() });
        for finding in local.findings_json() {
            local.as_person("alice").set_note(&seed::key_of(&finding), "seen").unwrap();
        }
        let order: Vec<String> = local
            .queues()
            .bodies(&local.event_queue())
            .iter()
            .map(|body| serde_json::from_str::<Value>(body).unwrap()["resources"][0].as_str().unwrap().to_owned())
            .collect();
        (local, order)
    };
    let (_, all) = run(EventFaults::default());
    assert_eq!(all.len(), 60);
    let (_, some) = run(EventFaults { loss_percent: 50, ..EventFaults::default() });
    assert!((10..50).contains(&some.len()));
    let (_, doubled) = run(EventFaults { duplicate_percent: 100, ..EventFaults::default() });
    assert_eq!(doubled.len(), 120);
    let (_, mixed) = run(EventFaults { disorder_percent: 50, ..EventFaults::default() });
    assert_ne!(mixed, all);
    let sorted = |mut order: Vec<String>| {
        order.sort();
        order
    };
    assert_eq!(sorted(mixed), sorted(all));
    let (local, _) = run(EventFaults { delay_millis: 5000, ..EventFaults::default() });
    let depth = |local: &Local| local.queues().depth(&local.event_queue()).unwrap();
    assert_eq!((depth(&local).delayed, depth(&local).visible), (60, 0));
    local.advance(Duration::from_secs(5));
    assert_eq!((depth(&local).delayed, depth(&local).visible), (0, 60));
}

#[tokio::test]
async fn every_operation_has_the_bucket_of_its_quota_in_each_account_and_region() {
    let local = Local::builder().accounts(2).regions(2).buckets(true).build().unwrap();
    let home = Client::admin(&local, "alice");
    let elsewhere = Client::new(&local, "111122223333", "alice", "us-east-1");
    let member = Client::new(&local, "444455556666", "alice", "eu-west-1");
    for operation in crate::wire::operations::ALL {
        let path = operation.path.replace(['{', '}'], "");
        let call = async |client: &Client| {
            let method: Method = operation.method.parse().unwrap();
            client.send(method, &path, "securityhub", &[], "{}".to_owned()).await.0
        };
        for _ in 0..operation.rate.burst {
            assert_ne!(call(&home).await, 429, "{}", operation.name);
        }
        assert_eq!(call(&home).await, 429, "{}", operation.name);
        // A hub that is switched off meanwhile answers all the same.
        assert_ne!(call(&elsewhere).await, 429, "{}", operation.name);
        assert_ne!(call(&member).await, 429, "{}", operation.name);
    }
}

#[tokio::test]
async fn what_is_due_happens_and_is_told_when_the_clock_is_stepped() {
    let local = Local::builder().findings(0).build().unwrap();
    let client = Client::admin(&local, "alice");
    let finding = document::ControlFinding::failed(
        local.administrator(),
        local.home().clone(),
        "IAM.6",
        "AwsAccount",
        "AWS::::Account:111122223333",
        local.clock().now(),
    );
    local.import(vec![finding.document()]).unwrap();
    let (_, standards) = client.get("/associations?SecurityControlId=IAM.6").await;
    let updates: Vec<Value> = standards["StandardsControlAssociationSummaries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| json!({"StandardsArn": of["StandardsArn"], "SecurityControlId": "IAM.6", "AssociationStatus": "DISABLED"}))
        .collect();
    assert!(!updates.is_empty());
    let (status, answer) = client.patch("/associations", json!({"StandardsControlAssociationUpdates": updates})).await;
    assert_eq!((status, answer), (200, json!({"UnprocessedAssociationUpdates": []})));
    let told = || -> Vec<Value> {
        let bodies = local.queues().bodies(&local.event_queue());
        bodies.iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    };
    local.advance(Duration::from_hours(3 * 24 - 1));
    assert_eq!((local.findings_json()[0]["RecordState"].as_str(), told().len()), (Some("ACTIVE"), 1));
    local.advance(Duration::from_hours(2 * 24 + 1));
    assert_eq!(local.findings_json()[0]["RecordState"], "ARCHIVED");
    assert_eq!(told().pop().unwrap()["detail"]["findings"][0]["RecordState"], "ARCHIVED");
}
