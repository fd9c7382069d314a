//! What the API server tells is incomplete, interrupted or from before.

use std::time::{Duration, Instant};

use super::proxy::{Network, Switches, assert_calm};
use super::{HUB, LATER, Replica, becomes, changes, exception, grant, ground, hub, hub_writes, policy, rests, until};
use crate::cli::Hub;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_decided_or_given_back_on_listings_that_fail_or_lack_objects() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let keys = [hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn")];
    let bystander = hub.fail("S3.1", "arn:aws:s3:::other");
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("a", "S3.99"), &policy("logs", "S3.9"), &policy("z", "S3.98"), &grant("team-pay", "")].concat());
    ground.apply(&exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER));
    ground.apply(&exception("team-pay", "aaa", "S3.97", "arn:aws:s3:::aaa", LATER));
    let first = Replica::start(&hub, &proxy, "ops", &[], &[]);
    for key in &keys {
        becomes(&hub, key, "SUPPRESSED");
    }
    rests(&hub, &[&proxy], &first);
    assert_eq!(first.stop(), Some(0));
    let writes = hub_writes(&hub);

    // The third page of the policies fails: the third policy holds nothing, and yet nothing is decided.
    proxy.switch(Switches { page: Some(1), third_page_fails: Some("controlpolicies"), ..Switches::default() });
    let reads = hub.local.count("GetFindings").calls;
    let second = Replica::start(&hub, &proxy, "ops", &[], &[]);
    let failed = || proxy.count(|seen| seen.resource == "controlpolicies" && seen.verb == "LIST" && seen.answer == 500);
    until("the listing has failed twice", || failed() >= 2);
    let said = second.readiness();
    assert!(said.starts_with("HTTP/1.1 503") && said.contains("failed to watch controlpolicies"), "{said}");
    assert_eq!((hub_writes(&hub), hub.local.count("GetFindings").calls), (writes, reads));
    proxy.switch(Switches { page: Some(1), ..Switches::default() });
    until("it is ready", || second.is_ready());
    rests(&hub, &[&proxy], &second);
    assert_eq!(hub_writes(&hub), writes, "all was as it should be");

    // Relisted, and most is missing: the API server's count says so; then even that lies, and each is asked for by name.
    for counts_lack in [false, true] {
        let gone = Switches { lists_lack: true, counts_lack, watches_are_gone: true, ..Switches::default() };
        proxy.forget();
        proxy.switch(gone.clone());
        proxy.reconnect();
        until("both are listed anew", || {
            let listed = |resource: &str| proxy.count(|seen| seen.resource == resource && seen.verb == "LIST") >= 4;
            listed("controlpolicies") && listed("findingexceptions")
        });
        proxy.switch(Switches { watches_are_gone: false, ..gone });
        rests(&hub, &[&proxy], &second);
        assert_eq!(hub_writes(&hub), writes, "nothing is given back");
    }
    assert_eq!(second.stop(), Some(0));
    // The same to one that starts, and knows nothing from before: first as the API server counts, then believed by everybody.
    for counts_lack in [false, true] {
        proxy.switch(Switches { lists_lack: true, counts_lack, ..Switches::default() });
        let third = Replica::start(&hub, &proxy, "ops", &[], &[]);
        until("it is ready", || third.is_ready());
        until("it has read the hub", || third.metrics().contains("hubkeeper_syncing{hub=\"main\"} 0\n"));
        two_reads_go_by(&hub);
        assert_eq!(hub_writes(&hub), writes, "nothing is given back");
        assert_eq!(third.stop(), Some(0));
    }
    // And where names are answered by something that knows none of them.
    proxy.switch(Switches { lists_lack: true, counts_lack: true, no_such_page: true, ..Switches::default() });
    let fourth = Replica::start(&hub, &proxy, "ops", &[], &[]);
    until("it has read the hub", || fourth.metrics().contains("hubkeeper_syncing{hub=\"main\"} 0\n"));
    two_reads_go_by(&hub);
    assert_eq!(hub_writes(&hub), writes, "404 is no proof");
    assert_eq!(fourth.stop(), Some(0));
    proxy.heal();
    let fifth = Replica::start(&hub, &proxy, "ops", &[], &[]);
    rests(&hub, &[&proxy], &fifth);
    assert_eq!((hub_writes(&hub), hub.workflow(&bystander)), (writes, "NEW".to_owned()));
    assert_eq!(fifth.stop(), Some(0));
}

fn two_reads_go_by(hub: &Hub) {
    let from = hub.local.count("GetFindings").calls;
    until("two full reads go by", || hub.local.count("GetFindings").calls >= from + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_lost_while_watches_break_and_the_api_server_restarts() {
    let mut guard = ground().await;
    let ground = guard.as_mut().unwrap();
    let hub = hub().await;
    let (logs, cdn) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("logs", "S3.9"), &grant("team-pay", "")].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    becomes(&hub, &logs, "SUPPRESSED");

    // Watches end each second.
    proxy.forget();
    let since = Instant::now();
    proxy.switch(Switches { watches_last: Some(Duration::from_secs(1)), ..Switches::default() });
    for (control, is) in [("S3.8", "NEW"), ("S3.9", "SUPPRESSED"), ("S3.7", "NEW")] {
        ground.apply(&policy("logs", control));
        becomes(&hub, &logs, is);
    }
    assert_calm(&proxy, since, |seen| seen.verb == "WATCH" && seen.resource != "leases");

    // Each watch is too old: everything is listed anew.
    proxy.switch(Switches { watches_are_gone: true, ..Switches::default() });
    ground.apply(&policy("logs", "S3.9"));
    becomes(&hub, &logs, "SUPPRESSED");
    // The connection breaks; meanwhile an exception comes.
    proxy.switch(Switches::default());
    proxy.network(Network::Cut);
    ground.apply(&exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER));
    proxy.network(Network::Up);
    becomes(&hub, &cdn, "SUPPRESSED");

    // Nothing but bookmarks come: no news is no reason to do anything, and later all of it comes.
    proxy.forget();
    proxy.switch(Switches { quiet_watches: true, watches_last: Some(Duration::from_secs(1)), ..Switches::default() });
    proxy.reconnect();
    until("the watches are quiet", || proxy.count(|seen| seen.verb == "WATCH" && seen.resource == "findingexceptions") >= 2);
    let writes = hub_writes(&hub);
    ground.kubectl(&["delete", "findingexception", "cdn", "-n", "team-pay"], "");
    let reads = hub.local.count("GetFindings").calls;
    until("the hub is read", || hub.local.count("GetFindings").calls >= reads + 2);
    assert_eq!((hub_writes(&hub), hub.workflow(&cdn)), (writes, "SUPPRESSED".to_owned()));
    proxy.heal();
    becomes(&hub, &cdn, "NEW");

    // The API server restarts: meanwhile nothing is given back, and afterwards what is changed is done.
    proxy.forget();
    ground.plane.stop_api_server();
    until("it is missed", || proxy.count(|seen| seen.answer == 503) >= 3);
    assert_eq!(hub.workflow(&logs), "SUPPRESSED");
    ground.plane.start_api_server().await.unwrap();
    ground.apply(&policy("logs", "S3.8"));
    becomes(&hub, &logs, "NEW");
    becomes(&hub, &cdn, "SUPPRESSED");
    ground.says("controlpolicy/logs", "True");
    rests(&hub, &[&proxy], &replica);
    assert_eq!(replica.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_api_server_tells_that_is_behind_is_asked_again() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let (logs, cdn) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("logs", "S3.9"), &grant("team-pay", "")].concat());
    ground.apply(&exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER));
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    for key in [&logs, &cdn] {
        becomes(&hub, key, "SUPPRESSED");
    }
    ground.apply(&policy("logs", "S3.7"));
    ground.kubectl(&["delete", "findingexception", "cdn", "-n", "team-pay"], "");
    for key in [&logs, &cdn] {
        becomes(&hub, key, "NEW");
    }
    // Now listings are those of the start, with the exception, and with the policy as it was.
    for resource in ["findingexceptions", "controlpolicies"] {
        proxy.forget();
        proxy.switch(Switches { stale: Some(resource), watches_are_gone: true, ..Switches::default() });
        proxy.reconnect();
        until("it was told", || proxy.count(|seen| seen.resource == resource && seen.verb == "LIST") >= 4);
        assert!(proxy.count(|seen| seen.resource == resource && seen.verb == "GET") >= 1, "{:?}", proxy.seen());
    }
    proxy.heal();
    rests(&hub, &[&proxy], &replica);
    for key in [&logs, &cdn] {
        let changes: Vec<String> = changes(&hub, key).into_iter().map(|(_, status)| status).collect();
        assert_eq!(changes, ["SUPPRESSED", "NEW"]);
    }
    assert_eq!(replica.stop(), Some(0));
}
