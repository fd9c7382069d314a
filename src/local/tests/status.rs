//! What people see: the page at `/`, and the lines of the log.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;
use tower::ServiceExt as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::client::Client;
use crate::local::Local;
use crate::local::buckets::Sharing;
use crate::local::faults::{CallFault, Fault, Faults, ThrottleCode};
use crate::local::hub::{Switches, UserFields};

async fn page(local: &Local) -> (http::HeaderMap, String) {
    let request = Request::builder().uri("/").body(Body::empty()).unwrap();
    let response = local.router().oneshot(request).await.unwrap();
    let headers = response.headers().clone();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (headers, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn the_page_tells_contents_calls_throttles_and_switches_with_their_defaults() {
    let switches = Switches { user_fields: UserFields::Merge, ..Switches::default() };
    let builder = Local::builder().findings(123).accounts(3).regions(2).switches(switches).sharing(Sharing::Others);
    let local = builder.buckets(true).build().unwrap();
    let client = Client::admin(&local, "alice");
    assert!(page(&local).await.1.contains("None of Security Hub yet"));
    for _ in 0..8 {
        client.post("/findings", json!({"MaxResults": 5})).await;
    }
    local.set_faults(Faults {
        calls: vec![CallFault::of("DescribeHub", Fault::Throttle(ThrottleCode::LimitExceeded)).times(1)],
        lag_millis: 5,
        ..Faults::default()
    });
    for _ in 0..2 {
        client.get("/accounts").await;
    }
    let (headers, page) = page(&local).await;
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    let row = |cells: &[&str]| {
        let number = |cell: &str| cell.parse::<u64>().is_ok();
        let cells = cells
            .iter()
            .map(|cell| if number(cell) { format!("<td class=\"n\">{cell}</td>") } else { format!("<td>{cell}</td>") });
        format!("<tr>{}</tr>", cells.collect::<String>())
    };
    for cells in [
        &["Findings", "123"][..],
        &["Hubs that are on", "6"],
        &["Administrator", "111122223333"],
        &["GetFindings", "8", "2", "2", "30"],
        &["DescribeHub", "2", "1", "1", "0"],
        &["user-fields", "merge", "replace"],
        &["suppressed-on-passed", "stays", "stays"],
        &["one-bucket-for-others", "yes", "no"],
        &["no-buckets", "no", "no"],
        &["lag-millis", "5", "0"],
    ] {
        assert!(page.contains(&row(cells)), "{cells:?} is not in {page}");
    }
}

#[tokio::test]
async fn the_page_escapes_what_clients_chose_and_loads_nothing_from_elsewhere() {
    let local = Local::builder().findings(3).build().unwrap();
    let fault = CallFault::of("<script>alert('x')</script>&\"", Fault::AccessDenied);
    local.set_faults(Faults { calls: vec![fault], ..Faults::default() });
    let (_, page) = page(&local).await;
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"), "{page}");
    for foreign in ["<script", "src=", "href=", "http://", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign} in {page}");
    }
}

/// The events of one target, their fields as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<BTreeMap<&'static str, String>>>>);

impl Subscriber for Lines {
    fn event(&self, event: &Event<'_>) {
        struct Fields(BTreeMap<&'static str, String>);
        impl Visit for Fields {
            fn record_str(&mut self, field: &Field, value: &str) {
                self.0.insert(field.name(), value.to_owned());
            }
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.0.insert(field.name(), format!("{value:?}"));
            }
        }
        if event.metadata().target() == "hubkeeper::local::call" {
            let mut fields = Fields(BTreeMap::new());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test(start_paused = true)]
async fn every_call_is_one_line_with_account_region_operation_code_and_milliseconds() {
    let lines = Lines::default();
    // Of one subscriber alone, what another thread meets first is never asked for by anybody.
    let _another = tracing::Dispatch::new(Lines::default());
    let _logging = tracing::subscriber::set_default(lines.clone());
    let local = Local::builder().findings(20).accounts(2).regions(2).build().unwrap();
    let client = Client::admin(&local, "alice");
    client.post("/findings", json!({"MaxResults": 5})).await;
    client.post("/findings", json!({"MaxResults": 500})).await;
    client.sqs("GetQueueUrl", json!({"QueueName": "hubkeeper"})).await;
    client.sts("Action=GetCallerIdentity&Version=2011-06-15").await;
    client.sts("Action=Get%0Afake&Version=2011-06-15").await;
    Client::new(&local, "444455556666", "alice", "us-east-1").get("/accounts").await;
    Client::new(&local, "nobody", "alice", "us-east-1").get("/accounts").await;
    client.get("/nothing/there").await;
    // A client that does not wait.
    local.set_faults(Faults { calls: vec![CallFault::of("GetFindings", Fault::TimeoutBefore)], ..Faults::default() });
    let patience = Duration::from_millis(1500);
    assert!(tokio::time::timeout(patience, client.post("/findings", json!({}))).await.is_err());
    local.set_faults(Faults { calls: vec![CallFault::of("GetFindings", Fault::EmptyBody)], ..Faults::default() });
    client.post("/findings", json!({})).await;
    let huge = "x".repeat(crate::wire::limits::REQUEST_BYTES + 1);
    client.send(http::Method::POST, "/findings", "securityhub", &[], huge).await;

    let lines = lines.0.lock().unwrap();
    let told: Vec<String> = lines
        .iter()
        .map(|line| ["account", "region", "operation", "code", "ms"].map(|field| line[field].as_str()).join(" "))
        .collect();
    let expected = [
        "111122223333 eu-west-1 GetFindings OK 0",
        "111122223333 eu-west-1 GetFindings InvalidInputException 0",
        "111122223333 eu-west-1 GetQueueUrl OK 0",
        "111122223333 eu-west-1 GetCallerIdentity OK 0",
        "- - - InvalidAction 0",
        "444455556666 us-east-1 DescribeHub OK 0",
        "- - DescribeHub UnrecognizedClientException 0",
        "- - - UnknownOperationException 0",
        "111122223333 eu-west-1 GetFindings NoAnswer 1500",
        "111122223333 eu-west-1 GetFindings EmptyBody 0",
        "111122223333 eu-west-1 GetFindings RequestEntityTooLargeException 0",
    ];
    assert_eq!(told, expected);
    assert!(lines.iter().all(|line| line.len() == 5), "nothing else is told: {:?}", lines.first());
}
