//! Resources that somebody changes, and the checks that see it later.

use super::super::world::Becomes;
use super::*;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

fn checking() -> Hub {
    let mut hub = hub();
    hub.set_rounds(true, start());
    hub
}

fn settle(hub: &mut Hub, now: u64) {
    while hub.turn(at(now), 2) {}
}

fn of_bucket(bucket: &str) -> Value {
    json!({"ResourceId": [{"Value": format!("arn:aws:s3:::{bucket}"), "Comparison": "EQUALS"}]})
}

fn turn(hub: &mut Hub, filters: &Value, becomes: Becomes, now: u64) -> usize {
    let rows = hub.checked_rows(filters, at(now)).unwrap();
    hub.turn_world(&rows, becomes, at(now));
    rows.len()
}

fn state(hub: &Hub, key: &FindingKey) -> (String, String, String) {
    let finding = hub.current(key).unwrap();
    let text = |pointer: &str| finding.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
    (text("/Compliance/Status"), text("/RecordState"), text("/Workflow/Status"))
}

fn is(compliance: &str, record: &str, workflow: &str) -> (String, String, String) {
    (compliance.to_owned(), record.to_owned(), workflow.to_owned())
}

/// The hours, from `from` on, in which the hub made changes, until `until`.
fn hours_of_changes(hub: &mut Hub, from: u64, until: u64) -> Vec<(u64, usize)> {
    hub.take_changes();
    let mut hours = Vec::new();
    for hour in from..until {
        settle(hub, (hour + 1) * HOUR - 1);
        let count = hub.take_changes().len();
        if count > 0 {
            hours.push((hour, count));
        }
    }
    hours
}

#[test]
fn a_finding_stays_failed_until_the_next_check_after_its_resource_was_mended() {
    let mut hub = checking();
    let (mended, other) = (add(&mut hub, &failed(ADMIN, HOME, "a", 0)), add(&mut hub, &failed(ADMIN, HOME, "b", 0)));
    let checks = hours_of_changes(&mut hub, 0, 40);
    // S3.8 is swept every 18 hours, all resources of the account together.
    let [(first, 2), (second, 2), ..] = checks[..] else { panic!("{checks:?}") };
    assert_eq!(second - first, 18);
    let last = checks.last().unwrap().0;
    assert_eq!(turn(&mut hub, &of_bucket("a"), Becomes::Passed, 40 * HOUR), 1);
    settle(&mut hub, (last + 18) * HOUR - 1);
    assert_eq!(state(&hub, &mended), is("FAILED", "ACTIVE", "NEW"));
    settle(&mut hub, (last + 19) * HOUR);
    assert_eq!(state(&hub, &mended), is("PASSED", "ACTIVE", "RESOLVED"));
    assert_eq!(state(&hub, &other), is("FAILED", "ACTIVE", "NEW"));
    // What has been seen is how it is from then on.
    turn(&mut hub, &of_bucket("a"), Becomes::Failed, 70 * HOUR);
    settle(&mut hub, 110 * HOUR);
    assert_eq!(state(&hub, &mended), is("FAILED", "ACTIVE", "NEW"));
    assert_eq!(hub.current(&mended).unwrap()["ProductFields"]["PreviousComplianceStatus"], "FAILED");
}

#[test]
fn a_check_refreshes_what_has_not_changed_and_leaves_what_customers_said() {
    let mut hub = checking();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let note = NoteUpdate { text: "mine".to_owned(), updated_by: "alice".to_owned() };
    let identifier = FindingIdentifier { id: key.id.clone(), product_arn: key.product_arn.clone() };
    let update = BatchUpdateFindings {
        finding_identifiers: vec![identifier],
        workflow: Some(WorkflowUpdate { status: Some("SUPPRESSED".to_owned()) }),
        note: Some(note),
        ..BatchUpdateFindings::default()
    };
    hub.update(&caller(ADMIN, HOME), &update, at(100), &mut |_| None).unwrap();
    let before = hub.current(&key).unwrap();
    settle(&mut hub, DAY);
    let after = hub.current(&key).unwrap();
    assert_eq!((&after["Workflow"], &after["Note"]), (&before["Workflow"], &before["Note"]));
    assert!(after["UpdatedAt"].as_str() > before["UpdatedAt"].as_str());
    assert!(after["LastObservedAt"].as_str() > before["LastObservedAt"].as_str());
    assert_eq!(after["FirstObservedAt"], before["FirstObservedAt"]);
    // Ninety days are nothing to what is checked.
    settle(&mut hub, 120 * DAY);
    assert_eq!(state(&hub, &key), is("FAILED", "ACTIVE", "SUPPRESSED"));
}

#[test]
fn a_resource_that_is_deleted_is_archived_by_the_next_check_and_back_when_it_is_back() {
    let mut hub = checking();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    turn(&mut hub, &of_bucket("a"), Becomes::Deleted, 100);
    settle(&mut hub, DAY);
    assert_eq!(state(&hub, &key), is("NOT_AVAILABLE", "ARCHIVED", "NEW"));
    hub.take_changes();
    settle(&mut hub, 3 * DAY);
    assert_eq!(hub.take_changes().len(), 0, "nothing is checked any more");
    assert_eq!(turn(&mut hub, &of_bucket("a"), Becomes::Failed, 3 * DAY), 1);
    settle(&mut hub, 4 * DAY);
    assert_eq!(state(&hub, &key), is("FAILED", "ACTIVE", "NEW"));
}

#[test]
fn findings_of_a_control_that_is_on_again_after_they_were_archived_are_back_with_its_next_check() {
    let mut hub = checking();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let switch = |hub: &mut Hub, status: &str, now: u64| {
        super::controls::switch(hub, "S3.8", &super::controls::of_control("S3.8"), status, now);
    };
    switch(&mut hub, "DISABLED", 100);
    settle(&mut hub, 6 * DAY);
    assert_eq!(state(&hub, &key), is("FAILED", "ARCHIVED", "NEW"));
    settle(&mut hub, 8 * DAY);
    assert_eq!(state(&hub, &key).1, "ARCHIVED", "while it is off it is not checked");
    switch(&mut hub, "ENABLED", 8 * DAY);
    settle(&mut hub, 9 * DAY);
    assert_eq!(state(&hub, &key), is("FAILED", "ACTIVE", "NEW"));
}

#[test]
fn checks_that_changes_trigger_run_after_their_time_where_that_is_so() {
    let mut hub = checking();
    hub.pace.change_triggered = Some(Duration::from_mins(10));
    let iam = ControlFinding { control: "IAM.6".to_owned(), ..failed(ADMIN, HOME, "a", 0) };
    let (bucket, root) = (add(&mut hub, &failed(ADMIN, HOME, "b", 0)), add(&mut hub, &iam));
    settle(&mut hub, 200 * HOUR);
    let now = 200 * HOUR + 1;
    assert_eq!(turn(&mut hub, &json!({}), Becomes::Passed, now), 2);
    settle(&mut hub, now + 599);
    assert_eq!(state(&hub, &bucket).0, "FAILED");
    settle(&mut hub, now + 600);
    // IAM.6 is periodic.
    assert_eq!((state(&hub, &bucket).0, state(&hub, &root).0), ("PASSED".to_owned(), "FAILED".to_owned()));
}

#[test]
fn checks_run_at_once_when_they_are_told_to_and_what_was_superseded_stays_archived() {
    let mut hub = hub();
    let old = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let new = hub.recreate(&old, ComplianceStatus::Failed, at(100)).unwrap();
    assert_eq!(turn(&mut hub, &of_bucket("a"), Becomes::Passed, 200), 1, "only the active one");
    let rows = hub.checked_rows(&of_bucket("a"), at(300)).unwrap();
    hub.run_checks(&rows, at(300));
    assert_eq!((state(&hub, &new), state(&hub, &old).1), (is("PASSED", "ACTIVE", "RESOLVED"), "ARCHIVED".to_owned()));
    assert!(hub.checked_rows(&json!({"NoSuch": []}), at(300)).is_err());
    hub.take_changes();
    settle(&mut hub, 30 * DAY);
    assert_eq!(hub.take_changes().len(), 0, "no check runs by itself unless that is wanted");
}
