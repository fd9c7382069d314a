//! The API server refuses writes, or somebody else writes the same.

use std::time::Instant;

use super::proxy::{Switches, assert_calm};
use super::{HUB, Replica, becomes, ground, hub, policy, rests, until};

#[tokio::test(flavor = "multi_thread")]
async fn refused_status_writes_delay_what_people_read_and_nothing_else() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let logs = hub.fail("S3.9", "arn:aws:s3:::logs");
    let proxy = ground.proxy().await;
    ground.apply(HUB);
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    until("it is ready", || replica.is_ready());
    for code in [409, 500] {
        proxy.forget();
        let since = Instant::now();
        proxy.switch(Switches { status_writes: Some(code), ..Switches::default() });
        ground.apply(&policy("logs", "S3.9"));
        becomes(&hub, &logs, "SUPPRESSED");
        let refused = || proxy.count(|seen| seen.resource == "controlpolicies/status" && seen.answer == code);
        until("it was tried again", || refused() >= 2);
        assert_eq!(ground.field("controlpolicy/logs", "{.status.held}"), "");
        assert_calm(&proxy, since, |seen| seen.resource.ends_with("/status"));
        proxy.heal();
        until("the status is there", || ground.field("controlpolicy/logs", "{.status.held}") == "1");
        assert_eq!(
            ground.field("controlpolicy/logs", "{.status.observedGeneration}"),
            ground.field("controlpolicy/logs", "{.metadata.generation}")
        );
        ground.kubectl(&["delete", "controlpolicy", "logs"], "");
        becomes(&hub, &logs, "NEW");
    }
    // Everything is refused for some time: nothing is given back, and what was declared meanwhile is done.
    ground.apply(&policy("logs", "S3.9"));
    becomes(&hub, &logs, "SUPPRESSED");
    for code in [429, 500] {
        proxy.forget();
        let since = Instant::now();
        proxy.switch(Switches { everything: Some(code), watches_last: Some(std::time::Duration::ZERO), ..Switches::default() });
        proxy.reconnect();
        until("it was refused", || proxy.count(|seen| seen.answer == code && seen.verb == "WATCH") >= 6);
        assert_eq!(hub.workflow(&logs), "SUPPRESSED");
        assert_calm(&proxy, since, |seen| seen.resource != "leases");
        proxy.heal();
    }
    rests(&hub, &[&proxy], &replica);
    assert_eq!(replica.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_somebody_else_writes_over_is_no_input_and_is_written_again_without_haste() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let logs = hub.fail("S3.9", "arn:aws:s3:::logs");
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("logs", "S3.9")].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    becomes(&hub, &logs, "SUPPRESSED");
    let held = || ground.field("controlpolicy/logs", "{.status.held}");
    until("the status is there", || held() == "1");
    rests(&hub, &[&proxy], &replica);
    let forged = r#"{"status":{"held":99,"other":"mine","conditions":[{"type":"Ready","status":"False","reason":"Forged","message":"",
        "lastTransitionTime":"2026-01-01T00:00:00Z"},{"type":"Theirs","status":"True","reason":"Theirs","message":"",
        "lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    proxy.forget();
    let since = Instant::now();
    let mut writes = 0;
    for _ in 0..2 {
        let patch = ["patch", "controlpolicy", "logs", "--subresource=status", "--type=merge", "--field-manager=intruder", "-p"];
        ground.kubectl(&[&patch[..], &[forged]].concat(), "");
        until("it is written again", || held() == "1");
        assert!(ground.ready("controlpolicy/logs").starts_with("True"), "{}", ground.ready("controlpolicy/logs"));
        writes += 1;
        assert_eq!(proxy.count(|seen| seen.resource == "controlpolicies/status"), writes, "once each time");
    }
    assert_calm(&proxy, since, |seen| seen.resource.ends_with("/status"));
    rests(&hub, &[&proxy], &replica);
    assert_eq!(replica.stop(), Some(0));
}
