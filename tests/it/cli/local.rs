//! `local`: every flag does what it says, over HTTP; and its events, on its own queue and on others.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Running, http, local, reach, until};
use crate::real::moto::Moto;

/// A server and what it answers to the root of the administrator's account.
struct Served {
    running: Running,
    url: String,
    said: String,
}

impl Served {
    fn with(more: &[&str]) -> Self {
        let (running, url, said) = local(&[&["--accounts", "2", "--regions", "1", "--findings", "60"][..], more].concat());
        Self { running, url, said }
    }

    fn call(&self, request: &str, body: &Value) -> (u16, Value) {
        signed(&self.url, "securityhub", request, "", body)
    }

    fn findings(&self, request: &Value) -> Vec<Value> {
        let (status, page) = self.call("POST /findings", request);
        assert_eq!(status, 200, "{page}");
        page["Findings"].as_array().unwrap().clone()
    }

    /// All findings, a page.
    fn all(&self) -> Vec<Value> {
        self.findings(&json!({"MaxResults": 100}))
    }

    fn update(&self, findings: &[Value], fields: &Value) -> (u16, Value) {
        let ids: Vec<Value> = findings.iter().map(|f| json!({"Id": f["Id"], "ProductArn": f["ProductArn"]})).collect();
        let mut body = fields.clone();
        body["FindingIdentifiers"] = json!(ids);
        self.call("PATCH /findings/batchupdate", &body)
    }

    /// One finding, once more.
    fn again(&self, finding: &Value) -> Value {
        let id = json!([{"Value": finding["Id"], "Comparison": "EQUALS"}]);
        self.findings(&json!({"Filters": {"Id": id}})).pop().unwrap()
    }

    /// The messages of its own event queue, in the order of their receipt.
    fn events(&self) -> Vec<String> {
        let queue = self.said.lines().find_map(|line| line.trim().strip_prefix("event queue")).unwrap().trim().to_owned();
        messages(&self.url, &queue)
    }

    fn notify(&self, finding: &Value) {
        let (status, answer) = self.update(std::slice::from_ref(finding), &json!({"Workflow": {"Status": "NOTIFIED"}}));
        assert_eq!((status, answer["UnprocessedFindings"].as_array().map(Vec::len)), (200, Some(0)), "{answer}");
    }
}

/// A call by an unmodified client, as far as it matters: no signature is checked.
fn signed(url: &str, service: &str, request: &str, target: &str, body: &Value) -> (u16, Value) {
    let headers = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20261201/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=00\r\n{target}"
    );
    let answer = http(url, request, &headers, &body.to_string()).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|_| json!({"text": body, "head": head})))
}

fn sqs(url: &str, action: &str, body: &Value) -> Value {
    let target = format!("X-Amz-Target: AmazonSQS.{action}\r\nContent-Type: application/x-amz-json-1.0\r\n");
    let (status, answer) = signed(url, "sqs", "POST /", &target, body);
    assert_eq!(status, 200, "{action}: {answer}");
    answer
}

/// The ids of the findings in a queue's messages, until it is empty.
fn messages(url: &str, queue: &str) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let answer = sqs(url, "ReceiveMessage", &json!({"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}));
        let Some(received) = answer["Messages"].as_array().filter(|all| !all.is_empty()) else { return ids };
        for message in received {
            let event: Value = serde_json::from_str(message["Body"].as_str().unwrap()).unwrap();
            ids.push(event["detail"]["findings"][0]["Id"].as_str().unwrap().to_owned());
            sqs(url, "DeleteMessage", &json!({"QueueUrl": queue, "ReceiptHandle": message["ReceiptHandle"]}));
        }
    }
}

#[test]
fn calls_fail_as_the_flags_say() {
    let throttled = Served::with(&["--throttle-percent", "100"]);
    let (status, answer) = throttled.call("POST /findings", &json!({}));
    assert_eq!((status, answer["Code"].as_str()), (429, Some("TooManyRequestsException")), "{answer}");
    let limited = Served::with(&["--throttle-percent", "100", "--throttle-code", "limit-exceeded"]);
    let (status, answer) = limited.call("POST /findings", &json!({}));
    assert_eq!((status, answer["Code"].as_str()), (429, Some("LimitExceededException")), "{answer}");
    let broken = Served::with(&["--error-percent", "100"]);
    assert_eq!(broken.call("POST /findings", &json!({})).0, 500);

    let partial = Served::with(&["--partial-percent", "100"]);
    let all = partial.all();
    let (status, answer) = partial.update(&all[..5], &json!({"Workflow": {"Status": "NOTIFIED"}}));
    let refused = answer["UnprocessedFindings"].as_array().unwrap();
    assert_eq!((status, refused.len(), refused[0]["ErrorCode"].as_str()), (200, 5, Some("InternalFailure")), "{answer}");
    let short = Served::with(&["--short-page-percent", "100"]);
    let ten = || short.findings(&json!({"MaxResults": 10})).len();
    assert!((0..5).any(|_| ten() < 10));
}

#[test]
fn reads_lag_and_buckets_run_dry_as_the_flags_say() {
    let lagging = Served::with(&["--lag-millis", "600000"]);
    let all = lagging.all();
    let (_, answer) = lagging.update(&all, &json!({"Note": {"Text": "seen", "UpdatedBy": "alice"}}));
    assert_eq!(answer["ProcessedFindings"].as_array().unwrap().len(), 60);
    let seen = lagging.all().iter().filter(|finding| finding["Note"]["Text"] == "seen").count();
    assert!(seen < 60, "some reads within the lag do not see the write");

    let count = |served: &Served| (0..20).filter(|_| served.call("POST /findings", &json!({})).0 == 200).count();
    assert!(count(&Served::with(&[])) < 20, "six at once, and then three a second");
    assert_eq!(count(&Served::with(&["--no-buckets"])), 20);
}

#[test]
fn events_are_delayed_doubled_disordered_and_lost_as_the_flags_say() {
    let ids = |findings: &[Value]| -> Vec<String> { findings.iter().map(|f| f["Id"].as_str().unwrap().to_owned()).collect() };
    let after = |more: &[&str], many: usize| {
        let served = Served::with(&[&["--no-buckets"][..], more].concat());
        let all = served.all();
        for finding in &all[..many] {
            served.notify(finding);
        }
        (ids(&all[..many]), served.events())
    };
    let (sent, received) = after(&[], 3);
    assert_eq!(sent, received);
    let (sent, received) = after(&["--event-duplicate-percent", "100"], 3);
    assert_eq!(received.len(), 2 * sent.len());
    assert_eq!(after(&["--event-loss-percent", "100"], 3).1, Vec::<String>::new());
    assert_eq!(after(&["--event-delay-millis", "3600000"], 3).1, Vec::<String>::new());
    let (sent, received) = after(&["--event-disorder-percent", "100"], 30);
    assert_ne!(sent, received);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(sent), sorted(received), "disorder loses nothing");
}

#[test]
fn all_faults_come_from_a_file_and_the_flags_are_added() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("faults.json");
    let faults = json!({"calls": [{"operation": "DescribeHub", "fault": "accessDenied"}], "lagMillis": 5});
    fs::write(&path, faults.to_string()).unwrap();
    let served = Served::with(&["--faults", path.to_str().unwrap(), "--short-page-percent", "7"]);
    let (_, shown) = served.call("GET /_local/faults", &Value::Null);
    assert_eq!((&shown["lagMillis"], &shown["shortPagePercent"]), (&json!(5), &json!(7)), "{shown}");
    assert_eq!(served.call("GET /accounts", &Value::Null).0, 403);
    let (status, _) = signed(&served.url, "securityhub", "PUT /_local/faults", "", &json!({}));
    assert_eq!((status, served.call("GET /accounts", &Value::Null).0), (200, 200));
}

#[test]
fn what_aws_leaves_unsaid_is_as_the_flags_say() {
    let keys = |more: &[&str]| {
        let served = Served::with(&[&["--no-buckets"][..], more].concat());
        let finding = served.all().remove(0);
        for key in ["a", "b"] {
            served.update(std::slice::from_ref(&finding), &json!({"UserDefinedFields": {key: "x"}}));
        }
        served.again(&finding)["UserDefinedFields"].clone()
    };
    assert_eq!(keys(&["--user-fields", "replace"]), json!({"b": "x"}));
    assert_eq!(keys(&["--user-fields", "merge"]), json!({"a": "x", "b": "x"}));

    let filter = json!({"MaxResults": 100, "Filters": {"NoteText": [{"Value": "x", "Comparison": "NOT_EQUALS"}]}});
    let strict = Served::with(&[]).findings(&filter).len();
    assert!(strict < Served::with(&["--negative-filters-match-missing"]).findings(&filter).len());

    let bad = json!({"Workflow": {"Status": "DONE"}});
    let whole = Served::with(&[]);
    let all = whole.all();
    assert_eq!(whole.update(&all[..2], &bad).0, 400);
    let each = Served::with(&["--bad-value-per-finding"]);
    let (status, answer) = each.update(&all[..2], &bad);
    assert_eq!((status, answer["UnprocessedFindings"].as_array().map(Vec::len)), (200, Some(2)), "{answer}");

    for (reading, becomes) in [("stays", "SUPPRESSED"), ("resolved", "RESOLVED")] {
        let served = Served::with(&["--no-buckets", "--suppressed-on-passed", reading]);
        let failed = |f: &&Value| f["Compliance"]["Status"] == "FAILED" && f["RecordState"] == "ACTIVE";
        let mut finding = served.all().iter().find(failed).unwrap().clone();
        served.update(std::slice::from_ref(&finding), &json!({"Workflow": {"Status": "SUPPRESSED"}}));
        finding["Compliance"]["Status"] = json!("PASSED");
        finding["UpdatedAt"] = json!("2099-01-01T00:00:00.000Z");
        let (status, answer) = served.call("POST /findings/import", &json!({"Findings": [finding]}));
        assert_eq!((status, &answer["SuccessCount"]), (200, &json!(1)), "{answer}");
        assert_eq!(served.again(&finding)["Workflow"]["Status"], becomes, "{reading}");
    }
}

#[test]
fn its_organization_clock_and_queue_are_as_the_flags_say() {
    let served = Served::with(&[
        "--home-region",
        "ap-northeast-1",
        "--start",
        "2026-12-01T08:00:00Z",
        "--clock",
        "stepped",
        "--queue",
        "changes",
        "--max-receives",
        "1",
    ]);
    for line in ["home Region    ap-northeast-1", "clock          stands until POST /_local/advance", "findings       60"] {
        assert!(served.said.contains(line), "{line}: {}", served.said);
    }
    assert!(served.said.contains("/111122223333/changes"), "{}", served.said);
    let clock = |request: &str, body: &Value| served.call(request, body).1.to_string();
    assert!(clock("GET /_local/clock", &Value::Null).contains("2026-12-01T08:00:00"));
    assert!(clock("POST /_local/advance", &json!({"seconds": 3600})).contains("2026-12-01T09:00:00"));
    assert!(served.call("GET /_local/organization", &Value::Null).1.to_string().contains("ap-northeast-1"));
    let (_, calls) = served.call("GET /_local/calls", &Value::Null);
    assert_eq!(calls["GetFindings"]["calls"].as_u64().unwrap_or_default(), 0, "{calls}");
}

#[test]
fn a_snapshot_is_gone_on_from_and_a_file_that_is_none_is_refused_and_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("hub.snapshot");
    // The only event is to be the one that is made here.
    let flags = ["--clock", "stepped", "--start", "2026-12-01T08:00:00Z", "--no-checks", "--snapshot", path.to_str().unwrap()];
    let first = Served::with(&flags);
    assert!(first.said.contains("hub.snapshot (new)"), "{}", first.said);
    let finding = first.all().remove(0);
    first.notify(&finding);
    first.call("POST /_local/advance", &json!({"seconds": 3600}));
    let (status, said) = first.call("POST /_local/snapshot", &Value::Null);
    assert!(status == 200 && said["message"].as_str().unwrap().starts_with("60 findings are in "), "{said}");
    let all = first.all();
    // Killed: what it has is in the file.
    drop(first.running);
    let second = Served::with(&flags);
    assert!(second.said.contains("hub.snapshot (went on from it)"), "{}", second.said);
    assert!(second.call("GET /_local/clock", &Value::Null).1.to_string().contains("2026-12-01T09:00:00"));
    assert_eq!(second.all(), all);
    assert_eq!(second.events(), [finding["Id"].as_str().unwrap()]);
    drop(second.running);

    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let mut command = super::hubkeeper(&["local", "--listen", "127.0.0.1:0", "--snapshot", path.to_str().unwrap()]);
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("it is damaged (cut off)"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), &bytes[..bytes.len() / 2]);

    let none = Served::with(&[]);
    assert_eq!(none.call("POST /_local/snapshot", &Value::Null).0, 409);
}

#[test]
fn a_snapshot_that_could_not_be_written_is_refused_at_the_start_and_one_process_has_it() {
    let place = tempfile::tempdir().unwrap();
    let (nowhere, path) = (place.path().join("nowhere"), place.path().join("hub.snapshot"));
    let refused = |path: &Path| {
        let output =
            super::hubkeeper(&["local", "--listen", "127.0.0.1:0", "--snapshot", path.to_str().unwrap()]).output().unwrap();
        assert!(!output.status.success() && output.stdout.is_empty());
        String::from_utf8(output.stderr).unwrap()
    };
    let said = refused(&nowhere.join("hub.snapshot"));
    assert!(said.contains(&format!("there is no folder {}", nowhere.display())), "{said}");
    assert!(refused(Path::new("/proc/hub")).contains("cannot be written"));

    // As a process leaves it that is killed while it saves.
    fs::write(place.path().join("hub.snapshot.part"), "half").unwrap();
    let mut first = Served::with(&["--snapshot", path.to_str().unwrap()]);
    assert!(!place.path().join("hub.snapshot.part").exists());
    assert!(refused(&path).contains("another hubkeeper is using it"));
    assert_eq!(first.running.stop(), Some(0));
    let again = Served::with(&["--snapshot", path.to_str().unwrap(), "--seed", "9", "--no-buckets", "--principal", "zoe"]);
    let told = "  without effect --findings, --accounts, --regions, --seed, --no-buckets: what the snapshot has counts";
    let line = again.said.lines().find(|line| line.starts_with("  without effect")).unwrap_or_default();
    let flags = |line: &str| -> BTreeSet<String> { line.split([' ', ',', ':']).map(str::to_owned).collect() };
    assert_eq!(flags(line), flags(told), "{}", again.said);
}

#[test]
fn snapshots_that_are_asked_for_at_once_are_all_answered_and_the_file_is_whole() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("hub.snapshot");
    let served = Served::with(&["--snapshot", path.to_str().unwrap()]);
    std::thread::scope(|threads| {
        for _ in 0..6 {
            threads.spawn(|| {
                for _ in 0..5 {
                    let (status, said) = served.call("POST /_local/snapshot", &Value::Null);
                    assert_eq!(status, 200, "{said}");
                }
            });
        }
    });
    // Killed: what it was asked for counts.
    drop(served.running);
    assert!(Served::with(&["--snapshot", path.to_str().unwrap()]).said.contains("(went on from it)"));
}

/// Whether the process hears SIGTERM.
fn hears(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught =
        status.lines().find_map(|line| line.strip_prefix("SigCgt:")).and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << 14) != 0)
}

fn terminate(pid: u32) {
    assert!(std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_while_the_hub_is_made_ends_it_before_it_is_served() {
    let mut command = super::hubkeeper(&["local", "--listen", "127.0.0.1:0", "--findings", "1000000", "--accounts", "100"]);
    let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    let pid = running.0.id();
    until("it hears signals", || hears(pid));
    terminate(pid);
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "", "it was never ready");
}

#[test]
fn a_second_signal_waits_for_no_answer_and_still_writes_the_snapshot() {
    let place = tempfile::tempdir().unwrap();
    let (path, faults) = (place.path().join("hub.snapshot"), place.path().join("faults.json"));
    fs::write(&faults, json!({"calls": [{"operation": "GetFindings", "fault": "timeoutBefore"}]}).to_string()).unwrap();
    let mut served = Served::with(&["--snapshot", path.to_str().unwrap(), "--faults", faults.to_str().unwrap()]);
    let (pid, address) = (served.running.0.id(), served.url.strip_prefix("http://").unwrap().to_owned());
    // Nobody answers it.
    let mut open = TcpStream::connect(&address).unwrap();
    let signature =
        "AWS4-HMAC-SHA256 Credential=111122223333/20261201/eu-west-1/securityhub/aws4_request, SignedHeaders=host, Signature=00";
    write!(open, "POST /findings HTTP/1.1\r\nHost: {address}\r\nAuthorization: {signature}\r\nContent-Length: 2\r\n\r\n{{}}")
        .unwrap();
    until("it is asked", || served.call("GET /_local/calls", &Value::Null).1["GetFindings"]["calls"] == 1);
    terminate(pid);
    until("it takes no more", || TcpStream::connect(&address).is_err());
    // It may have ended meanwhile, if it does not wait for long.
    let _ = std::process::Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert_eq!(served.running.0.wait().unwrap().code(), Some(0));
    assert!(Served::with(&["--snapshot", path.to_str().unwrap()]).said.contains("(went on from it)"));
}

#[test]
fn localhost_is_an_address_that_is_listened_on() {
    let (_running, url, _) = super::serving(&mut super::hubkeeper(&["local", "--listen", "localhost:0", "--findings", "0"]));
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
}

#[test]
fn events_go_to_the_queue_of_another_server_too() {
    // Of moto, and of another Security Hub Local.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let moto = runtime.block_on(Moto::start());
    let there = sqs(&moto.endpoint(), "CreateQueue", &json!({"QueueName": "changes"}))["QueueUrl"].as_str().unwrap().to_owned();
    let other = Served::with(&[]);
    let theirs = other.said.lines().find_map(|line| line.trim().strip_prefix("event queue")).unwrap().trim().to_owned();
    for (server, queue) in [(moto.endpoint(), there), (other.url.clone(), theirs)] {
        let mut command = super::hubkeeper(&["local", "--listen", "127.0.0.1:0", "--findings", "60", "--accounts", "2"]);
        reach(&mut command, "http://127.0.0.1:9").args(["--regions", "1", "--events-queue-url", &queue]);
        let (running, url, said) = super::serving(&mut command);
        let served = Served { running, url, said };
        let finding = served.all().remove(0);
        served.notify(&finding);
        let mut received = Vec::new();
        for _ in 0..300 {
            received = messages(&server, &queue);
            if !received.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        assert_eq!(received, [finding["Id"].as_str().unwrap()], "{queue}");
        assert_eq!(served.events(), received, "its own queue has it as well");
        drop(served.running);
    }
}
