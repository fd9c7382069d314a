//! A slow way to the API server, and none at all.

use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};

use super::proxy::{Network, Switches};
use super::{HUB, LATER, Replica, becomes, changes, exception, grant, ground, hub, hub_writes, policy, rests, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_api_server_delays_and_loses_nothing() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let logs = hub.fail("S3.9", "arn:aws:s3:::logs");
    let proxy = ground.proxy().await;
    proxy.switch(Switches { delay: Duration::from_secs(1), ..Switches::default() });
    ground.apply(&[HUB, &policy("logs", "S3.9")].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &["--lease-seconds", "20"], &[]);
    becomes(&hub, &logs, "SUPPRESSED");
    ground.apply(&policy("logs", "S3.8"));
    becomes(&hub, &logs, "NEW");
    rests(&hub, &[&proxy], &replica);
    assert_eq!(ground.field("-n default lease/hubkeeper", "{.spec.leaseTransitions}"), "1", "it has led all the time");
    assert_eq!(replica.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_cut_off_from_the_api_server_only_starts_nothing_after_its_deadline_and_is_succeeded() {
    const LEASE: u64 = 10;
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let cdn = hub.fail("S3.8", "arn:aws:s3:::cdn");
    let (ours, theirs) = (ground.proxy().await, ground.proxy().await);
    let lease = LEASE.to_string();
    let more = ["--lease-seconds", &lease];
    ground.apply(&[HUB, &grant("team-pay", ""), &exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER)].concat());
    let holder = || ground.field("-n default lease/hubkeeper", "{.spec.holderIdentity}");
    let ops = Replica::start(&hub, &ours, "ops", &more, &[]);
    becomes(&hub, &cdn, "SUPPRESSED");
    let bob = Replica::start(&hub, &theirs, "bob", &more, &[]);
    until("both are ready", || ops.is_ready() && bob.is_ready());
    // Both know that it expires when the leader has no right to write any more, and the other none yet.
    let cut = loop {
        let expires = Timestamp::now().checked_add(20.seconds()).unwrap();
        let text = expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        ground.apply(&exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", &text));
        let generation = ground.field("-n team-pay findingexception/cdn", "{.metadata.generation}");
        until("the leader knows", || {
            ground.field("-n team-pay findingexception/cdn", "{.status.observedGeneration}") == generation
        });
        let left = Timestamp::now().duration_until(expires).as_secs();
        if left >= 8 {
            // At the deadline and two seconds, and long before it runs out for the other.
            tokio::time::sleep(Duration::from_secs(u64::try_from(left - 8).unwrap())).await;
            break Timestamp::now();
        }
    };
    ours.network(Network::Hole);
    let writes = hub_writes(&hub);
    until("the other leads", || holder().starts_with("bob"));
    becomes(&hub, &cdn, "NEW");
    assert_eq!(changes(&hub, &cdn), [("ops".to_owned(), "SUPPRESSED".to_owned()), ("bob".to_owned(), "NEW".to_owned())]);
    let of_ops = |call: &hubkeeper::local::Call| {
        call.operation == "BatchUpdateFindings" && call.caller.as_ref().is_some_and(|caller| caller.arn().ends_with("/ops"))
    };
    let late = || {
        let deadline = cut.checked_add(i64::try_from(LEASE / 2).unwrap().seconds()).unwrap();
        hub.local.calls().iter().filter(|call| of_ops(call) && call.at > deadline).count()
    };
    assert_eq!((late(), hub_writes(&hub)), (0, writes + 1));
    // It comes back, and stands by.
    ours.network(Network::Up);
    ours.forget();
    until("it watches again", || ours.count(|seen| seen.resource == "leases") >= 1);
    rests(&hub, &[&ours, &theirs], &bob);
    assert_eq!((late(), ours.writes()), (0, vec![]), "it has nothing to say");
    assert_eq!((ops.stop(), bob.stop()), (Some(0), Some(0)));
}
