//! The program aborts before and after the effects that matter, on a real API server; the enumeration of all is in `crash`.

use super::{HUB, Replica, becomes, changes, ground, hub, policy, rests, until};

/// Where it aborts, and what is to be done then: to suppress, or to give back.
const RUNS: [(&str, bool); 10] = [
    ("Lease:1", true),
    ("Lease:2", false),
    ("HubWrite:1", true),
    ("HubWrite:2", false),
    ("HubWrite:2", true),
    ("HubWrite:1", false),
    ("Status:1", true),
    ("Status:4", false),
    ("Event:1", true),
    ("Event:2", false),
];

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_before_or_after_an_effect_the_next_one_converges_and_nothing_is_done_twice() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let logs = hub.fail("S3.9", "arn:aws:s3:::logs");
    let proxy = ground.proxy().await;
    ground.apply(HUB);
    let mut expected = Vec::new();
    for (number, (passage, suppress)) in RUNS.into_iter().enumerate() {
        let is = if suppress { "SUPPRESSED" } else { "NEW" };
        if suppress {
            ground.apply(&policy("logs", "S3.9"));
        } else {
            ground.kubectl(&["delete", "controlpolicy", "logs"], "");
        }
        let name = format!("first-{number}");
        let mut first = Replica::start(&hub, &proxy, &name, &[], &[("HUBKEEPER_ABORT_AT_EFFECT", passage)]);
        let mut ended = None;
        until(&format!("it aborts at {passage}"), || {
            ended = first.running.0.try_wait().unwrap();
            ended.is_some()
        });
        assert!(ended.is_some_and(|status| status.code().is_none()), "by a signal: {ended:?}");
        // That a lease runs out by itself is tried elsewhere.
        ground.kubectl(&["delete", "lease", "hubkeeper", "-n", "default", "--ignore-not-found"], "");
        let second = Replica::start(&hub, &proxy, &format!("second-{number}"), &[], &[]);
        becomes(&hub, &logs, is);
        if suppress {
            until("it is told", || ground.field("controlpolicy/logs", "{.status.held}") == "1");
        }
        if number + 1 == RUNS.len() {
            rests(&hub, &[&proxy], &second);
        } else {
            until("the hub is kept", || second.is_converged());
        }
        expected.push(is.to_owned());
        let statuses: Vec<String> = changes(&hub, &logs).into_iter().map(|(_, status)| status).collect();
        assert_eq!(statuses, expected, "{passage}: each effect once");
        assert_eq!(second.stop(), Some(0));
    }
}
