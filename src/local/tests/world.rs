//! `/_local/world` and `/_local/checks`: resources change, and checks see it later, also after a restart.

use std::io::Cursor;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use crate::local::Local;
use crate::local::clock::Speed;
use crate::local::options::LocalOptions;

const FAILED: &str = "FAILED";

fn checking() -> Local {
    Local::builder().findings(300).accounts(3).regions(2).seed(7).checks(true).build().unwrap()
}

/// How many active control findings have this compliance status.
fn count(local: &Local, status: &str) -> usize {
    let is = |finding: &&Value| {
        let control = finding["ProductArn"].as_str().unwrap().ends_with("product/aws/securityhub");
        control && finding["RecordState"] == "ACTIVE" && finding["Compliance"]["Status"] == status
    };
    local.findings_json().iter().filter(is).count()
}

#[tokio::test]
async fn what_was_mended_passes_within_a_day_of_the_clock_and_a_restart_forgets_nothing_of_it() {
    let local = checking();
    let (failed, passed) = (count(&local, FAILED), count(&local, "PASSED"));
    let filters = json!({"ComplianceStatus": [{"Value": FAILED, "Comparison": "EQUALS"}],
        "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]});
    let client = Client::admin(&local, "alice");
    let answer = client.post("/_local/world", json!({"Filters": filters, "Becomes": "PASSED"})).await;
    assert_eq!(answer, (200, json!({"findings": failed})));
    assert_eq!((count(&local, FAILED), count(&local, "PASSED")), (failed, passed), "nothing is seen before a check");
    local.advance(Duration::from_hours(6));
    let some = count(&local, FAILED);
    assert!(0 < some && some < failed, "{some} of {failed} after six hours");
    let mut bytes = Vec::new();
    local.save(&mut bytes).unwrap();
    let options = LocalOptions { speed: Speed::Stepped, ..LocalOptions::new(local.clock().now()) };
    let restored = Local::restore(Cursor::new(bytes), options).unwrap();
    for local in [&local, &restored] {
        local.advance(Duration::from_hours(19));
        assert_eq!((count(local, FAILED), count(local, "PASSED")), (0, failed + passed));
    }
    assert_eq!(local.findings_json(), restored.findings_json());
}

#[tokio::test]
async fn checks_run_when_they_are_told_to_and_may_make_new_findings() {
    let local = Local::builder().findings(300).accounts(3).regions(2).seed(7).build().unwrap();
    let client = Client::admin(&local, "alice");
    let control = local.findings_json().iter().find(|finding| finding["Compliance"]["Status"] == FAILED).unwrap().clone();
    let id = json!([{"Value": control["Id"], "Comparison": "EQUALS"}]);
    let filters = json!({"Id": id});
    let read = || local.findings_json().into_iter().find(|finding| finding["Id"] == control["Id"]).unwrap();
    client.post("/_local/world", json!({"Filters": filters, "Becomes": "PASSED"})).await;
    local.advance(Duration::from_hours(48));
    assert_eq!(read()["Compliance"]["Status"], FAILED, "no check runs by itself here");
    assert_eq!(client.post("/_local/checks", json!({"Filters": filters})).await, (200, json!({"findings": 1})));
    assert_eq!((&read()["Compliance"]["Status"], &read()["Workflow"]["Status"]), (&json!("PASSED"), &json!("RESOLVED")));
    let before = local.len();
    client.post("/_local/checks", json!({"Filters": filters, "NewIds": true})).await;
    assert_eq!((local.len(), &read()["RecordState"]), (before + 1, &json!("ARCHIVED")));
    for (path, body) in [
        ("/_local/world", json!({"Filters": filters})),
        ("/_local/world", json!({"Filters": filters, "Becomes": "MENDED"})),
        ("/_local/world", json!({"Filters": {"NoSuch": []}, "Becomes": "PASSED"})),
        ("/_local/checks", json!({"Filters": {"Id": [{"Value": "x", "Comparison": "CONTAINS"}]}})),
        ("/_local/checks", json!({"Filter": filters})),
    ] {
        let (status, answer) = client.post(path, body.clone()).await;
        assert!(status == 400 && answer["message"].is_string(), "{path} {body}: {status} {answer}");
    }
}
