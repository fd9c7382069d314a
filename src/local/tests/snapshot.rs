//! Snapshots and the clock: what is kept, what is refused, what is due when.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::time::Duration;

use serde_json::{Value, json};

use crate::core::status::WorkflowStatus;
use crate::local::Local;
use crate::local::clock::{Speed, stamp};
use crate::local::faults::{EventFaults, Faults};
use crate::local::hub::caller::{Caller, Principal};
use crate::local::hub::lifetime::Lifetimes;
use crate::local::hub::{Switches, UserFields};
use crate::local::options::LocalOptions;
use crate::local::seed::key_of;
use crate::local::snapshot::SnapshotError;
use crate::wire::operations;
use crate::wire::securityhub::{GetFindings, SortCriterion};
use crate::wire::sigv4::{hex, sha256};

fn hub() -> Local {
    let switches = Switches { user_fields: UserFields::Merge, ..Switches::default() };
    let builder = Local::builder().findings(400).accounts(4).regions(3).seed(5).buckets(true).switches(switches);
    let local = builder.principal("zoe").build().unwrap();
    local.set_faults(Faults {
        lag_millis: 60_000,
        events: EventFaults { delay_millis: 5_000, ..EventFaults::default() },
        ..Faults::default()
    });
    let keys: Vec<_> = local.findings_json().iter().map(key_of).collect();
    for (number, key) in keys.iter().enumerate().take(40) {
        local.advance(Duration::from_secs(1));
        let person = local.as_person(["alice", "zoe"][number % 2]);
        person.set_user_fields(key, &[("team", "pay")]).unwrap();
        person.set_workflow(key, [WorkflowStatus::Notified, WorkflowStatus::Suppressed][number % 2]).unwrap();
    }
    local
}

fn options(local: &Local) -> LocalOptions {
    LocalOptions { speed: Speed::Stepped, ..LocalOptions::new(local.clock().now()) }
}

fn saved(local: &Local) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert_eq!(local.save(&mut bytes).unwrap(), local.len());
    bytes
}

/// What a hub answers to many questions, tokens, histories, events and chance included.
fn answers(local: &Local) -> Vec<String> {
    let mut answers = vec![stamp(local.clock().now())];
    let get_findings = operations::named("GetFindings").unwrap();
    let organization = local.organization().clone();
    let equals = |value: &str| json!([{"Value": value, "Comparison": "EQUALS"}]);
    let sort = |field: &str| Some(vec![SortCriterion { field: Some(field.to_owned()), sort_order: Some("desc".to_owned()) }]);
    for account in organization.accounts() {
        for region in organization.regions() {
            let caller = Caller { account: account.id, region: region.clone(), principal: Principal::Root };
            local.with_hub(|hub, now| {
                for filters in [
                    json!({}),
                    json!({"WorkflowStatus": equals("SUPPRESSED")}),
                    json!({"ResourceTags": [{"Key": "team", "Value": "payments", "Comparison": "EQUALS"}]}),
                ] {
                    for sort_criteria in [None, sort("UpdatedAt"), sort("Severity.Label")] {
                        let filters = Some(filters.clone());
                        let mut request = GetFindings { filters, sort_criteria, max_results: Some(50), next_token: None };
                        loop {
                            let page = hub.get_findings(&caller, &request, now, None).unwrap();
                            answers.push(page.body());
                            request.next_token = page.next_token;
                            if request.next_token.is_none() {
                                break;
                            }
                        }
                    }
                }
                answers.push(json!(hub.describe(&caller, None).unwrap()).to_string());
            });
            answers.push(local.admit(get_findings, &caller, &[]).map_or_else(|error| error.message, |_| "ok".to_owned()));
        }
    }
    let zoe = local.as_person("zoe");
    for finding in local.findings_json().iter().take(50) {
        answers.push(json!(zoe.history(&key_of(finding)).unwrap()).to_string());
    }
    answers.extend(local.queues().bodies(&local.event_queue()));
    answers.push(local.uuid());
    answers.push(json!(local.faults()).to_string());
    answers
}

#[test]
fn after_a_snapshot_every_answer_is_the_same_to_the_byte_and_so_is_what_comes_then() {
    let local = hub();
    let bytes = saved(&local);
    let again = Local::restore(Cursor::new(&bytes), options(&local)).unwrap();
    assert_eq!(saved(&again), bytes, "a snapshot of what a snapshot made is the same");
    assert_eq!(answers(&again), answers(&local));
    let go_on = |local: &Local| {
        local.advance(Duration::from_mins(10));
        let key = key_of(&local.findings_json()[3]);
        let made = local.recreate(&key, crate::core::status::ComplianceStatus::Failed);
        local.as_person("alice").set_note(&key, "later").unwrap();
        local.advance(Duration::from_hours(24 * 40));
        (made, local.findings_json(), answers(local))
    };
    assert_eq!(go_on(&again), go_on(&local));
}

#[test]
fn a_token_of_before_a_snapshot_goes_on_after_it() {
    let local = hub();
    let caller = Caller { account: local.administrator(), region: local.home().clone(), principal: Principal::Root };
    let mut request = GetFindings { max_results: Some(30), ..GetFindings::default() };
    let page =
        |local: &Local, request: &GetFindings| local.with_hub(|hub, now| hub.get_findings(&caller, request, now, None).unwrap());
    request.next_token = page(&local, &request).next_token;
    let again = Local::restore(Cursor::new(saved(&local)), options(&local)).unwrap();
    assert_eq!(page(&again, &request), page(&local, &request));
}

#[test]
fn a_file_that_is_not_whole_not_ours_or_of_another_format_is_refused_in_one_sentence() {
    let local = Local::builder().findings(5).build().unwrap();
    let bytes = saved(&local);
    let refused = |bytes: &[u8]| Local::restore(Cursor::new(bytes), options(&local)).map(|_| ()).unwrap_err();
    assert!(matches!(refused(b""), SnapshotError::Foreign));
    assert!(matches!(refused(b"{\"a\": 1}\n"), SnapshotError::Foreign));
    assert!(matches!(refused(b"hubkeeper-local-snapshot one\n{}"), SnapshotError::Foreign));
    for end in [30, 100, bytes.len() / 2, bytes.len() - 80, bytes.len() - 1] {
        assert!(matches!(refused(&bytes[..end]), SnapshotError::Damaged(_)), "cut off after {end} of {}", bytes.len());
    }
    for place in [40, bytes.len() / 2, bytes.len() - 3] {
        let mut other = bytes.clone();
        other[place] ^= 1;
        assert!(matches!(refused(&other), SnapshotError::Damaged(_)), "changed at {place}");
    }
    // Sealed, and yet not what it should be.
    let sealed = |version: u32, body: &str| {
        let text = format!("hubkeeper-local-snapshot {version}\n{body}");
        let digest = hex(&sha256(text.as_bytes()));
        format!("{text}\nsha256 {digest}\n").into_bytes()
    };
    assert!(matches!(refused(&sealed(0, "{}")), SnapshotError::Older(0)));
    assert!(matches!(refused(&sealed(2, "{}")), SnapshotError::Newer(2)));
    let error = refused(&sealed(1, "{}"));
    assert!(matches!(error, SnapshotError::Damaged(_)));
    assert!(!error.to_string().contains('\n'), "{error}");
}

/// A file that tells how much of it was asked for at once.
struct Watched {
    file: Cursor<Vec<u8>>,
    most: std::rc::Rc<std::cell::Cell<usize>>,
}

impl Read for Watched {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        self.most.set(self.most.get().max(to.len()));
        self.file.read(to)
    }
}

impl Seek for Watched {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.file.seek(to)
    }
}

#[test]
fn a_snapshot_is_read_some_at_a_time_however_large_it_is() {
    let local = Local::builder().findings(8_000).accounts(20).regions(3).build().unwrap();
    let bytes = saved(&local);
    assert!(bytes.len() > 2 << 20, "{} bytes say nothing", bytes.len());
    let most = std::rc::Rc::default();
    let watched = Watched { file: Cursor::new(bytes.clone()), most: std::rc::Rc::clone(&most) };
    let again = Local::restore(watched, options(&local)).unwrap();
    assert_eq!(most.get(), 1 << 20);
    assert_eq!(saved(&again), bytes);
}

#[test]
fn what_is_told_in_another_order_or_not_at_all_is_refused() {
    let local = Local::builder().findings(5).build().unwrap();
    let text = String::from_utf8(saved(&local)).unwrap();
    let (body, _) = text.split_once("\nsha256 ").unwrap();
    let sealed = |body: &str| Cursor::new(format!("{body}\nsha256 {}\n", hex(&sha256(body.as_bytes()))).into_bytes());
    assert!(Local::restore(sealed(body), options(&local)).is_ok());
    for other in ["\"wrods\":[", "\"rows\":["] {
        let error = Local::restore(sealed(&body.replacen("\"words\":[", other, 1)), options(&local)).unwrap_err();
        assert!(error.to_string().contains("the findings are damaged: words is not where it belongs"), "{error}");
    }
}

#[test]
fn a_real_clock_is_not_set_back_by_a_snapshot() {
    let local = Local::builder().findings(5).build().unwrap();
    let (bytes, later) = (saved(&local), crate::local::clock::after(local.clock().now(), Duration::from_hours(5)));
    let shown = |speed, start| {
        let options = LocalOptions { speed, ..LocalOptions::new(start) };
        Local::restore(Cursor::new(&bytes), options).unwrap().clock().now()
    };
    assert_eq!(shown(Speed::Stepped, later), local.clock().now());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let _entered = runtime.enter();
    assert_eq!(shown(Speed::Real, later), later);
    assert_eq!(shown(Speed::Real, jiff::Timestamp::UNIX_EPOCH), local.clock().now());
}

#[tokio::test]
async fn a_clock_goes_on_as_fast_as_it_did_unless_another_speed_is_chosen() {
    for speed in [Speed::Stepped, Speed::Accelerated(60), Speed::Real] {
        let local = Local::builder().findings(5).speed(speed).build().unwrap();
        let bytes = saved(&local);
        let restored = |keep_speed| {
            let options = LocalOptions { speed: Speed::Accelerated(7), keep_speed, ..options(&local) };
            Local::restore(Cursor::new(&bytes), options).unwrap().clock().speed()
        };
        assert_eq!((restored(true), restored(false)), (speed, Speed::Accelerated(7)));
    }
}

#[test]
fn findings_are_archived_and_removed_when_their_time_is_up() {
    let lifetimes = Lifetimes { archived_after: Some(4), ..Lifetimes::default() };
    let build = |lifetimes| Local::builder().findings(300).seed(3).lifetimes(lifetimes).build().unwrap();
    let local = build(lifetimes);
    let active = |local: &Local| local.findings_json().iter().filter(|finding| finding["RecordState"] == "ACTIVE").count();
    let control = |finding: &&Value| finding["ProductArn"].as_str().unwrap().ends_with("product/aws/securityhub");
    let others = local.findings_json().iter().filter(|f| !control(f) && f["RecordState"] == "ACTIVE").count();
    assert_eq!(local.len(), 300);
    assert!(active(&local) > others && others > 10);
    local.advance(Duration::from_hours(24 * 3));
    assert!(active(&local) > others);
    local.advance(Duration::from_hours(24 * 2));
    assert_eq!(active(&local), others, "control findings that nothing checks are archived");
    let events = local.queues().bodies(&local.event_queue()).len();
    assert!(events > 100, "each archived one makes an event: {events}");
    local.advance(Duration::from_hours(24 * 32));
    assert_eq!(local.len(), others, "archived ones go after 30 days");
    local.advance(Duration::from_hours(24 * 60));
    assert_eq!(local.len(), 0, "and the others after 90");

    let forever = build(Lifetimes { archived_after: None, active: None, archived: None });
    forever.advance(Duration::from_hours(24 * 1_000));
    assert_eq!(forever.len(), 300);
}

#[tokio::test(start_paused = true)]
async fn what_is_due_happens_without_a_call() {
    let local = Local::builder().findings(50).speed(Speed::Accelerated(3_600)).build().unwrap();
    let keeping = local.keep_time();
    // A hundred days.
    assert!(tokio::time::timeout(Duration::from_hours(24 * 100) / 3_600, keeping).await.is_err());
    assert_eq!(local.len(), 0);
}
