//! Security Hub Local at size: what a million findings take, and what pages, writes, events and snapshots cost then.
//!
//! In process, without HTTP: what is measured is the hub. Times depend on the machine and the profile; counts do not.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "figures for people, of a world that is known")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::process::Command;
use std::time::{Duration, Instant};

use hubkeeper::core::status::ComplianceStatus;
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::hub::caller::{Caller, Principal};
use hubkeeper::local::options::LocalOptions;
use hubkeeper::wire::securityhub::{
    BatchImportFindings, BatchUpdateFindings, CreateInsight, FindingIdentifier, GetFindings, NoteUpdate, SortCriterion,
    WorkflowUpdate,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Name, filters, order.
type Query = (&'static str, Value, Option<(&'static str, &'static str)>);

/// Pages read of each query.
const PAGES: usize = 60;
/// Calls of 100 findings each.
const CALLS: usize = 100;
/// The part that reads the snapshot, and where it finds it.
const RESTORED: &str = "restored";
const SNAPSHOT: &str = "HUBKEEPER_BENCH_SNAPSHOT";

/// Prints the figures; `HUBKEEPER_BENCH_FINDINGS`, absent: a million.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn run() {
    let findings = std::env::var("HUBKEEPER_BENCH_FINDINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    println!("local: {findings} findings, 100 accounts, 17 Regions, seen by the administrator from home; {profile} profile");
    let start: Timestamp = "2026-11-21T08:00:00Z".parse().expect("a time");
    let options = LocalOptions {
        findings,
        accounts: 100,
        regions: 17,
        seed: 7,
        speed: Speed::Stepped,
        buckets: false,
        ..LocalOptions::new(start)
    };
    let empty = memory("VmRSS");
    let began = Instant::now();
    let local = Local::new(options).expect("such an organization");
    let took = began.elapsed().as_secs_f64();
    println!("seeded in {took:.1} s: {:.0} findings/s", findings as f64 / took);
    let held = |what: &str| {
        println!("memory, {what}: {:.0} MiB resident, {:.0} at most ({empty:.0} before)", memory("VmRSS"), memory("VmHWM"));
    };
    held("seeded");
    pages(&local);
    held("after the pages");
    writes(&local);
    held("after the writes");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("hub.snapshot");
    let began = Instant::now();
    let mut file = std::fs::File::create(&path).expect("a file");
    local.save(&mut file).expect("space");
    let size = file.metadata().map(|file| file.len()).unwrap_or_default() as f64 / 1024.0 / 1024.0;
    println!("snapshot: {size:.0} MiB, written in {:.1} s", began.elapsed().as_secs_f64());
    held("saved");
    drop(local);
    // In a process that has held nothing else.
    let program = std::env::current_exe().expect("this program");
    let ended = Command::new(program).arg(RESTORED).env(SNAPSHOT, &path).status().expect("this program");
    assert!(ended.success());
}

/// Goes on from the snapshot that an environment variable names, and prints what that takes.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time, and reads its file")]
pub fn restored() {
    let path = std::env::var(SNAPSHOT).expect("`local` says where it is");
    let before = memory("VmRSS");
    let began = Instant::now();
    let file = std::fs::File::open(path).expect("the snapshot");
    let local = Local::restore(file, LocalOptions::new(Timestamp::UNIX_EPOCH)).expect("what was just written");
    let took = began.elapsed().as_secs_f64();
    let (resident, most) = (memory("VmRSS"), memory("VmHWM"));
    println!(
        "snapshot: {} findings read in {took:.1} s: {resident:.0} MiB resident, {most:.0} at most ({before:.0} before)",
        local.len()
    );
    pages(&local);
    insights(&local);
    println!("memory, restored and read: {:.0} MiB resident, {:.0} at most", memory("VmRSS"), memory("VmHWM"));
}

fn caller(local: &Local) -> Caller {
    Caller { account: local.administrator(), region: local.home().clone(), principal: Principal::Root }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn pages(local: &Local) {
    let equals =
        |values: &[&str]| json!(values.iter().map(|value| json!({"Value": value, "Comparison": "EQUALS"})).collect::<Vec<_>>());
    let one = |value: &str, comparison: &str| json!([{"Value": value, "Comparison": comparison}]);
    let sample = local.with_hub(|hub, now| {
        let page = hub.get_findings(&caller(local), &GetFindings::default(), now, None).expect("the hub is on");
        serde_json::from_str::<Value>(page.texts.first().expect("a finding")).expect("JSON")
    });
    let text = |pointer: &str| sample.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let actionable = json!({"RecordState": equals(&["ACTIVE"]), "ComplianceStatus": equals(&["FAILED", "WARNING"]), "WorkflowStatus": equals(&["NEW", "NOTIFIED"])});
    let queries: [Query; 18] = [
        ("nothing", json!({}), None),
        ("what can be acted on", actionable.clone(), None),
        ("the same, newest first", actionable.clone(), Some(("UpdatedAt", "desc"))),
        ("the same, gravest first", actionable.clone(), Some(("SeverityNormalized", "desc"))),
        ("the same, seen last first", actionable, Some(("LastObservedAt", "desc"))),
        ("all, by title", json!({}), Some(("Title", "asc"))),
        ("one account", json!({"AwsAccountId": equals(&["444455556666"])}), None),
        ("one account and Region", json!({"AwsAccountId": equals(&["444455556666"]), "Region": equals(&["sa-east-1"])}), None),
        ("one control", json!({"ComplianceSecurityControlId": equals(&["S3.8"])}), None),
        ("all but one account", json!({"AwsAccountId": one("444455556666", "NOT_EQUALS")}), None),
        ("suppressed", json!({"WorkflowStatus": equals(&["SUPPRESSED"])}), None),
        ("one resource", json!({"ResourceId": equals(&[&text("/Resources/0/Id")])}), None),
        ("one id", json!({"Id": equals(&[&text("/Id")])}), None),
        ("a tag", json!({"ResourceTags": [{"Key": "team", "Value": "payments", "Comparison": "EQUALS"}]}), None),
        ("a day", json!({"CreatedAt": [{"Start": "2026-10-01T00:00:00Z", "End": "2026-10-02T00:00:00Z"}]}), None),
        ("updated in an hour", json!({"UpdatedAt": [{"Start": "2026-11-21T00:00:00Z", "End": "2026-11-21T01:00:00Z"}]}), None),
        ("title begins", json!({"Title": one("CVE-2024-1", "PREFIX")}), None),
        ("no index, no match", json!({"Description": one("no such", "EQUALS")}), None),
    ];
    println!(
        "{:<24} {:>8} {:>9} {:>9} {:>9}  {:>7} {:>8}",
        "page of 100", "first ms", "median ms", "worst ms", "findings", "looks", "rows"
    );
    for (name, filters, sort) in queries {
        let criterion = |(field, order): (&str, &str)| {
            vec![SortCriterion { field: Some(field.to_owned()), sort_order: Some(order.to_owned()) }]
        };
        let mut request =
            GetFindings { filters: Some(filters), sort_criteria: sort.map(criterion), max_results: Some(100), next_token: None };
        let (mut times, mut found, mut looks, mut rows) = (Vec::new(), 0, 0, 0);
        for _ in 0..PAGES {
            let began = Instant::now();
            let page = local.with_hub(|hub, now| hub.get_findings(&caller(local), &request, now, None)).expect("the hub is on");
            let body = page.body();
            times.push(began.elapsed());
            found += page.texts.len();
            looks = looks.max(page.visited.looks);
            rows = rows.max(page.visited.rows);
            request.next_token = page.next_token;
            assert!(body.len() > 2);
            if request.next_token.is_none() {
                break;
            }
        }
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let first = times.first().copied().unwrap_or_default();
        // The first page of an order without an index makes it.
        let mut rest = if times.len() > 1 { times.split_off(1) } else { times };
        rest.sort_unstable();
        let (median, worst) = (rest[rest.len() / 2], rest[rest.len() - 1]);
        println!(
            "{name:<24} {:>8.2} {:>9.2} {:>9.2} {found:>9}  {looks:>7} {rows:>8}",
            millis(first),
            millis(median),
            millis(worst)
        );
    }
}

/// Counts by a column, and by a field that has none.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn insights(local: &Local) {
    let active = json!({"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]});
    for group in ["AwsAccountId", "ResourceId"] {
        let request = CreateInsight { name: group.to_owned(), filters: active.clone(), group_by_attribute: group.to_owned() };
        let arn = local.with_hub(|hub, _| hub.create_insight(&caller(local), &request)).expect("the hub is on").insight_arn;
        let began = Instant::now();
        let answer = local.with_hub(|hub, now| hub.insight_results(&caller(local), &arn, now)).expect("it is there");
        let groups = answer.insight_results.result_values.len();
        println!("insight by {group}: {:.1} ms, {groups} groups", began.elapsed().as_secs_f64() * 1e3);
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn writes(local: &Local) {
    let rate = |what: &str, count: usize, began: Instant| {
        let seconds = began.elapsed().as_secs_f64();
        println!("{what}: {:.0} findings/s, an event each ({count} in {seconds:.1} s)", count as f64 / seconds);
    };
    let (mut request, mut pages) = (GetFindings::default(), Vec::new());
    for _ in 0..CALLS {
        let page = local.with_hub(|hub, now| hub.get_findings(&caller(local), &request, now, None)).expect("the hub is on");
        request.next_token = page.next_token;
        let findings: Vec<Value> = page.texts.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
        pages.push(findings);
        if request.next_token.is_none() {
            break;
        }
    }
    let count: usize = pages.iter().map(Vec::len).sum();
    let began = Instant::now();
    for findings in &pages {
        let text = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let identifier =
            |finding: &Value| FindingIdentifier { id: text(finding, "Id"), product_arn: text(finding, "ProductArn") };
        let request = BatchUpdateFindings {
            finding_identifiers: findings.iter().map(identifier).collect(),
            workflow: Some(WorkflowUpdate { status: Some("SUPPRESSED".to_owned()) }),
            note: Some(NoteUpdate { text: "accepted".to_owned(), updated_by: "bench".to_owned() }),
            user_defined_fields: Some([("hubkeeper.dev/owner".to_owned(), "ControlPolicy/bench".to_owned())].into()),
            ..BatchUpdateFindings::default()
        };
        let answer = local.with_hub(|hub, now| hub.update(&caller(local), &request, now, &mut |_| None)).expect("the hub is on");
        assert_eq!(answer.processed_findings.len(), findings.len());
    }
    rate("BatchUpdateFindings", count, began);
    local.advance(Duration::from_mins(1));
    let now = local.clock().now();
    let began = Instant::now();
    for number in 0..CALLS {
        let finding = |place: usize| {
            let resource = format!("arn:aws:s3:::bench-{number}-{place}");
            ControlFinding::failed(local.administrator(), local.home().clone(), "S3.8", "AwsS3Bucket", &resource, now).document()
        };
        let request = BatchImportFindings { findings: (0..100).map(finding).collect() };
        let answer = local.with_hub(|hub, now| hub.import(&caller(local), &request, now)).expect("the hub is on");
        assert_eq!(answer.success_count, 100);
    }
    rate("BatchImportFindings, new", CALLS * 100, began);
    local.advance(Duration::from_mins(1));
    let now = local.clock().now();
    let began = Instant::now();
    for number in 0..CALLS {
        let finding = |place: usize| {
            let resource = format!("arn:aws:s3:::bench-{number}-{place}");
            let made = ControlFinding::failed(local.administrator(), local.home().clone(), "S3.8", "AwsS3Bucket", &resource, now);
            ControlFinding { compliance: ComplianceStatus::Passed, ..made }.document()
        };
        let request = BatchImportFindings { findings: (0..100).map(finding).collect() };
        let answer = local.with_hub(|hub, now| hub.import(&caller(local), &request, now)).expect("the hub is on");
        assert_eq!(answer.success_count, 100);
    }
    rate("BatchImportFindings, known", CALLS * 100, began);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let began = Instant::now();
    let received = runtime.block_on(async {
        let (queue, mut received) = (local.event_queue(), 0);
        loop {
            let messages = local.queues().receive(&queue, 10, Duration::ZERO, None).await.expect("the queue");
            if messages.is_empty() {
                return received;
            }
            for message in &messages {
                local.queues().delete(&queue, &message.receipt_handle).expect("the queue");
            }
            received += messages.len();
        }
    });
    println!("events received and deleted: {:.0}/s ({received})", received as f64 / began.elapsed().as_secs_f64());
}

/// MiB of the process, as the kernel tells it (Linux; 0 elsewhere).
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at its own process")]
fn memory(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}
