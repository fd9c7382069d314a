use std::collections::BTreeSet;

use axum::response::Response;
use serde_json::{Value, json};

use super::*;
use crate::aws::testing::{Seen, Server, TokioClock, json, quota, refusal, region, transport};
use crate::engine::ports::{Clock as _, HubTags as _, Order, ReadFilter};

/// A hub answered by `answer`, and its clock.
async fn hub<F, Fut>(server: &Server, answer: F) -> (SecurityHub, Arc<TokioClock>)
where
    F: Fn(Seen, usize) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send,
{
    let clock = Arc::new(TokioClock::new());
    let transport = transport(clock.clone(), server.router(answer)).await;
    (SecurityHub::new(transport, quota(clock.clone(), 100), region()), clock)
}

fn request() -> PageRequest {
    let filter = ReadFilter { accounts: vec!["111122223333".parse().unwrap()], ..ReadFilter::default() };
    PageRequest { region: region(), filter, order: Some(Order::Oldest), token: Some("next".into()), size: 100 }
}

fn keys(count: usize) -> Vec<FindingKey> {
    let product_arn = "arn:aws:securityhub:eu-west-1::product/aws/securityhub";
    (0..count).map(|n| FindingKey { id: format!("finding-{n:03}"), product_arn: product_arn.to_owned() }).collect()
}

fn patch() -> Patch {
    let fields = [("b", "2"), ("a", "1"), ("d", "4"), ("c", "3")];
    Patch {
        workflow: WorkflowStatus::Suppressed,
        note: Some("accepted".into()),
        user_defined_fields: fields.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
    }
}

fn ids(request: &Value) -> Vec<Value> {
    request["FindingIdentifiers"].as_array().unwrap().clone()
}

/// Processes everything but what `code` names one for.
fn updated(request: &Seen, code: impl Fn(&str) -> Option<&'static str>) -> Response {
    let (mut processed, mut unprocessed) = (Vec::new(), Vec::new());
    for id in ids(&request.json()) {
        match code(id["Id"].as_str().unwrap()) {
            None => processed.push(id),
            Some(code) => unprocessed.push(json!({"FindingIdentifier": id, "ErrorCode": code, "ErrorMessage": "no"})),
        }
    }
    json(200, json!({"ProcessedFindings": processed, "UnprocessedFindings": unprocessed}))
}

#[tokio::test(start_paused = true)]
async fn a_page_comes_as_the_bytes_that_the_hub_sent() {
    // Details is what the SDK's own parser would stumble over; Unheard is what it would lose.
    let body = r#"{"Findings":[{"Resources":[{"Details":{}}],"Unheard":"of"}],"NextToken":"more"}"#;
    let server = Server::default();
    let (hub, _) = hub(&server, move |_, _| async move { json(200, body) }).await;
    let page = hub.page(&request()).await.unwrap();
    assert_eq!(page, Bytes::from_static(body.as_bytes()), "the slot was filled by our deserializer");
    let sent = server.seen()[0].json();
    assert_eq!(sent["Filters"]["AwsAccountId"], json!([{"Value": "111122223333", "Comparison": "EQUALS"}]));
    assert_eq!(sent["SortCriteria"], json!([{"Field": "CreatedAt", "SortOrder": "asc"}]));
    assert_eq!((&sent["NextToken"], &sent["MaxResults"]), (&json!("next"), &json!(100)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_page_is_a_failure_and_never_no_findings() {
    for body in ["", " ", "{}", "null", "{\"Findings\":[", "<html>hello</html>", "{\"Findings\":null}"] {
        let server = Server::default();
        let (hub, _) = hub(&server, move |_, _| async move { json(200, body) }).await;
        let failure = hub.page(&request()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Transient, "{body:?}: {failure}");
        assert_eq!(server.count(), 5, "{body:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn errors_of_a_read_keep_their_code() {
    let server = Server::default();
    let refused = |_, _| async { refusal(401, "InvalidAccessException", "Account 1 is not subscribed to AWS Security Hub") };
    let (unsubscribed, _) = hub(&server, refused).await;
    let failure = unsubscribed.page(&request()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::NotEnabled, Some("InvalidAccessException")));
    assert_eq!(failure.action, "call GetFindings in eu-west-1");
    let (denied, _) = hub(&server, |_, _| async { refusal(403, "AccessDeniedException", "no") }).await;
    let failure = denied.page(&request()).await.unwrap_err();
    assert_eq!((failure.kind, failure.code.as_deref()), (FailureKind::AccessDenied, Some("AccessDeniedException")));
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn throttles_and_passing_faults_of_a_read_are_tried_again() {
    let server = Server::default();
    let (hub, _) = hub(&server, |_, nth| async move {
        match nth {
            0 => refusal(429, "TooManyRequestsException", "slow down"),
            1 => json(503, "<html>"),
            2 => refusal(429, "LimitExceededException", "slow down"),
            _ => json(200, json!({"Findings": []})),
        }
    })
    .await;
    hub.page(&request()).await.unwrap();
    assert_eq!(server.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn equal_writes_are_equal_bytes() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, _| async move { updated(&request, |_| None) }).await;
    for _ in 0..20 {
        assert_eq!(hub.update(&region(), &keys(2), &patch()).await, Ok(vec![]));
    }
    let bodies: BTreeSet<String> = server.seen().iter().map(|seen| seen.body.clone()).collect();
    let expected = concat!(
        r#"{"FindingIdentifiers":["#,
        r#"{"Id":"finding-000","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub"},"#,
        r#"{"Id":"finding-001","ProductArn":"arn:aws:securityhub:eu-west-1::product/aws/securityhub"}],"#,
        r#""Note":{"Text":"accepted","UpdatedBy":"hubkeeper"},"#,
        r#""UserDefinedFields":{"a":"1","b":"2","c":"3","d":"4"},"Workflow":{"Status":"SUPPRESSED"}}"#
    );
    assert_eq!(bodies, BTreeSet::from([expected.to_owned()]));
    assert_eq!(server.seen()[0].headers["content-length"], expected.len().to_string().as_str());
}

#[tokio::test(start_paused = true)]
async fn a_patch_without_a_note_leaves_the_note() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, _| async move { updated(&request, |_| None) }).await;
    hub.update(&region(), &keys(1), &Patch { note: None, ..patch() }).await.unwrap();
    assert_eq!(server.seen()[0].json().get("Note"), None);
    assert_eq!(hub.update(&region(), &[], &patch()).await, Ok(vec![]));
    assert_eq!(server.count(), 1, "nothing to update is no call");
}

#[tokio::test(start_paused = true)]
async fn only_what_may_pass_is_sent_again_and_the_rest_is_reported() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, nth| async move {
        updated(&request, |id| match id {
            "finding-003" | "finding-014" if nth == 0 => Some("ConcurrentUpdateError"),
            "finding-015" if nth < 2 => Some("InternalFailure"),
            "finding-092" => Some("FindingNotFound"),
            "finding-065" => Some("ConcurrentUpdateError"),
            _ => None,
        })
    })
    .await;
    let unprocessed = hub.update(&region(), &keys(100), &patch()).await.unwrap();
    let reported: Vec<_> = unprocessed.iter().map(|one| (one.key.id.as_str(), one.code.as_str())).collect();
    assert_eq!(reported, [("finding-065", "ConcurrentUpdateError"), ("finding-092", "FindingNotFound")]);
    let sizes: Vec<usize> = server.seen().iter().map(|seen| ids(&seen.json()).len()).collect();
    assert_eq!(sizes, [100, 4, 2, 1]);
}

#[tokio::test(start_paused = true)]
async fn one_poisonous_finding_does_not_hold_up_the_other_99() {
    for poison in [0, 1, 49, 50, 73, 99] {
        let server = Server::default();
        let bad = format!("finding-{poison:03}");
        let name = bad.clone();
        let (hub, _) = hub(&server, move |request, _| {
            let refused = request.body.contains(&name);
            async move { if refused { refusal(400, "InvalidInputException", "Invalid Id") } else { updated(&request, |_| None) } }
        })
        .await;
        let unprocessed = hub.update(&region(), &keys(100), &patch()).await.unwrap();
        let reported: Vec<_> = unprocessed.iter().map(|one| (one.key.id.as_str(), one.code.as_str())).collect();
        assert_eq!(reported, [(bad.as_str(), "InvalidInputException")]);
        let extra = server.count() - 1;
        assert!(extra <= 14, "{extra} extra calls, more than 2 * log2(100) + 1");
        let done: BTreeSet<String> = (server.seen().iter().filter(|seen| !seen.body.contains(&bad)))
            .flat_map(|seen| ids(&seen.json()))
            .map(|id| id["Id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(done.len(), 99);
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_is_refused_for_every_finding_costs_a_bounded_number_of_calls() {
    let server = Server::default();
    let (hub, _) = hub(&server, |_, _| async { refusal(400, "InvalidInputException", "Invalid note") }).await;
    let unprocessed = hub.update(&region(), &keys(100), &patch()).await.unwrap();
    assert_eq!(unprocessed.len(), 100);
    assert!(unprocessed.iter().all(|one| one.code == "InvalidInputException"));
    assert!(server.count() <= 31, "{}", server.count());
}

#[tokio::test(start_paused = true)]
async fn a_write_that_may_have_had_its_effect_is_the_callers_to_judge() {
    for body in ["", "{", "<html>"] {
        let server = Server::default();
        let (hub, _) = hub(&server, move |_, _| async move { json(200, body) }).await;
        assert_eq!(hub.update(&region(), &keys(3), &patch()).await.unwrap_err().kind, FailureKind::Transient);
        assert_eq!(server.count(), 1);
    }
    let server = Server::default();
    let (hub, clock) = hub(&server, |request, _| async move {
        tokio::time::sleep(Duration::from_mins(5)).await;
        updated(&request, |_| None)
    })
    .await;
    assert_eq!(hub.update(&region(), &keys(3), &patch()).await.unwrap_err().kind, FailureKind::Transient);
    assert_eq!((server.count(), clock.elapsed()), (1, Duration::from_secs(20)));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_write_is_tried_again() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, nth| async move {
        if nth < 3 { refusal(429, "TooManyRequestsException", "slow down") } else { updated(&request, |_| None) }
    })
    .await;
    assert_eq!(hub.update(&region(), &keys(3), &patch()).await, Ok(vec![]));
    assert_eq!(server.count(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_was_done_is_not_lost_when_sending_the_rest_again_fails() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, nth| async move {
        match nth {
            0 => updated(&request, |id| (id == "finding-001").then_some("ConcurrentUpdateError")),
            _ => refusal(500, "InternalException", "oh"),
        }
    })
    .await;
    let unprocessed = hub.update(&region(), &keys(3), &patch()).await.unwrap();
    assert_eq!((unprocessed.len(), unprocessed[0].code.as_str()), (1, "ConcurrentUpdateError"));
}

#[tokio::test(start_paused = true)]
async fn a_finding_that_the_answer_does_not_name_was_not_processed() {
    let server = Server::default();
    let (hub, _) = hub(&server, |_, _| async { json(200, json!({"ProcessedFindings": [], "UnprocessedFindings": []})) }).await;
    let unprocessed = hub.update(&region(), &keys(2), &patch()).await.unwrap();
    assert_eq!(unprocessed.len(), 2);
    assert_eq!(server.count(), 4, "once, and three times again");
}

/// STS and Security Hub of an administrator whose aggregator says `aggregator`.
fn organization(request: &Seen, aggregator: Option<&Value>) -> Response {
    if request.host.starts_with("sts.") {
        let xml = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
            <Arn>arn:aws:sts::111122223333:assumed-role/hubkeeper/hubkeeper</Arn><UserId>x</UserId>\
            <Account>111122223333</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
        return json(200, xml);
    }
    let arn = "arn:aws:securityhub:eu-west-1:111122223333:finding-aggregator/1";
    match request.path.split('?').next().unwrap() {
        "/accounts" => json(200, json!({"HubArn": "arn:aws:securityhub:eu-west-1:111122223333:hub/default"})),
        "/findingAggregator/list" => {
            let list: Vec<_> = aggregator.iter().map(|_| json!({ "FindingAggregatorArn": arn })).collect();
            json(200, json!({ "FindingAggregators": list }))
        }
        path if path.starts_with("/findingAggregator/get/") => json(200, aggregator.unwrap()),
        path => json(501, json!({"Message": format!("no {path}")})),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hub_is_described_with_its_linked_regions() {
    let cases = [
        (None, None, None),
        (Some(("SPECIFIED_REGIONS", vec!["us-east-1", "eu-west-1", "ap-northeast-1"])), Some("eu-west-1"), Some(2)),
        (Some(("NO_REGIONS", vec![])), Some("eu-west-1"), Some(0)),
        (Some(("ALL_REGIONS", vec![])), Some("eu-west-1"), None),
        (Some(("ALL_REGIONS_EXCEPT_SPECIFIED", vec!["us-east-1"])), Some("eu-west-1"), None),
    ];
    for (aggregator, home, linked) in cases {
        let aggregator = aggregator.map(
            |(mode, regions)| json!({"FindingAggregationRegion": "eu-west-1", "RegionLinkingMode": mode, "Regions": regions}),
        );
        let server = Server::default();
        let (hub, _) = hub(&server, move |request, _| {
            let response = organization(&request, aggregator.as_ref());
            async move { response }
        })
        .await;
        let description = hub.describe().await.unwrap();
        assert_eq!(description.account.to_string(), "111122223333");
        assert_eq!(description.caller_arn, "arn:aws:sts::111122223333:assumed-role/hubkeeper/hubkeeper");
        assert!(description.hub_arn.ends_with("hub/default"));
        assert_eq!(description.aggregator_home.as_ref().map(Region::as_str), home);
        assert_eq!(description.linked_regions.as_ref().map(Vec::len), linked);
        if let Some(regions) = description.linked_regions.filter(|regions| !regions.is_empty()) {
            assert_eq!(regions.iter().map(Region::as_str).collect::<Vec<_>>(), ["ap-northeast-1", "us-east-1"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_answer_about_aggregators_is_not_the_absence_of_one() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, _| async move {
        if request.path.starts_with("/findingAggregator/list") { json(200, "") } else { organization(&request, None) }
    })
    .await;
    assert_eq!(hub.describe().await.unwrap_err().kind, FailureKind::Transient);
}

#[tokio::test(start_paused = true)]
async fn history_is_read_to_its_end_newest_first() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, _| async move {
        let change = |at: &str, field: &str, value: &str| {
            json!({"UpdateTime": at, "UpdateSource": {"Type": "BATCH_UPDATE_FINDINGS", "Identity": "arn:aws:iam::111122223333:user/alice"},
                   "Updates": [{"UpdatedField": "Note.Text", "NewValue": "x"}, {"UpdatedField": field, "OldValue": "NEW", "NewValue": value}]})
        };
        let page = match request.json().get("NextToken").and_then(Value::as_str) {
            None => json!({"Records": [change("2026-11-20T08:00:00Z", "Workflow.Status", "NOTIFIED")], "NextToken": "2"}),
            Some(_) => json!({"Records": [change("2026-11-21T08:00:00.5Z", "Workflow", "{\"Status\":\"SUPPRESSED\"}"),
                                          change("2026-11-19T08:00:00Z", "Severity.Label", "LOW")]}),
        };
        json(200, page)
    })
    .await;
    let records = hub.history(&region(), &keys(1)[0]).await.unwrap();
    let seen: Vec<_> = records.iter().map(|record| (record.at.to_string(), record.workflow)).collect();
    assert_eq!(
        seen,
        [
            ("2026-11-21T08:00:00.5Z".to_owned(), Some(WorkflowStatus::Suppressed)),
            ("2026-11-20T08:00:00Z".to_owned(), Some(WorkflowStatus::Notified)),
            ("2026-11-19T08:00:00Z".to_owned(), None),
        ]
    );
    assert_eq!(
        (records[0].source.as_str(), records[0].identity.as_str()),
        ("BATCH_UPDATE_FINDINGS", "arn:aws:iam::111122223333:user/alice")
    );
    assert_eq!(records[0].fields, ["Note.Text", "Workflow"]);
}

#[tokio::test(start_paused = true)]
async fn a_history_that_repeats_its_token_is_given_up() {
    let server = Server::default();
    let (hub, _) = hub(&server, |_, _| async { json(200, json!({"Records": [], "NextToken": "again"})) }).await;
    assert_eq!(hub.history(&region(), &keys(1)[0]).await.unwrap_err().kind, FailureKind::Transient);
    assert_eq!(server.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn tags_of_the_hub_are_listed_set_and_removed_by_its_arn() {
    let server = Server::default();
    let (hub, _) = hub(&server, |request, _| async move {
        json(200, if request.method == "GET" { json!({"Tags": {"team": "sec"}}) } else { json!({}) })
    })
    .await;
    let arn = "arn:aws:securityhub:eu-west-1:111122223333:hub/default";
    assert_eq!(hub.tags(&region(), arn).await.unwrap(), BTreeMap::from([("team".to_owned(), "sec".to_owned())]));
    hub.tag(&region(), arn, &BTreeMap::from([("a".to_owned(), "1".to_owned())])).await.unwrap();
    hub.untag(&region(), arn, &["a", "b"]).await.unwrap();
    let seen = server.seen();
    let path = "/tags/arn%3Aaws%3Asecurityhub%3Aeu-west-1%3A111122223333%3Ahub%2Fdefault";
    let (asked, ended): (Vec<&str>, Vec<bool>) =
        seen.iter().map(|request| (request.method.as_str(), request.path.contains(path))).unzip();
    assert_eq!((asked, ended), (vec!["GET", "POST", "DELETE"], vec![true; 3]), "{seen:?}");
    assert_eq!(seen[1].json(), json!({"Tags": {"a": "1"}}));
    assert!(seen[2].path.ends_with("?tagKeys=a&tagKeys=b"), "{}", seen[2].path);
}

#[tokio::test(start_paused = true)]
async fn the_tags_of_a_hub_that_is_not_there_say_that_it_is_off_and_a_tag_is_not_set_twice() {
    let server = Server::default();
    let (off, _) = hub(&server, |_, _| async { refusal(404, "ResourceNotFoundException", "no such hub") }).await;
    assert_eq!(off.tags(&region(), "arn").await.unwrap_err().kind, FailureKind::NotEnabled);
    let server = Server::default();
    let (failing, _) = hub(&server, |_, _| async { refusal(500, "InternalException", "no") }).await;
    let failure = failing.tag(&region(), "arn", &BTreeMap::from([("a".to_owned(), "1".to_owned())])).await.unwrap_err();
    assert_eq!((failure.kind, server.count()), (FailureKind::Transient, 1));
    assert_eq!(failure.action, "call TagResource in eu-west-1");
}
