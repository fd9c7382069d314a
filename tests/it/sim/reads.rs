//! I5 and I10: nothing stays unseen, and nothing is read for nothing.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::engine::ports::{Blocked, Effect, Gate};
use hubkeeper::local::Local;
use hubkeeper::local::faults::{EventFaults, Faults};
use hubkeeper::local::hub::caller::{Caller, Principal};
use hubkeeper::wire::securityhub::EnableSecurityHub;

use super::world::{FILLERS, Sim, both_ways, both_ways_with, exception, grant, hub, hub_with, policy, policy_with};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";

#[tokio::test(start_paused = true)]
async fn with_all_events_lost_for_an_hour_the_audit_finds_what_happened_within_the_interval() {
    both_ways(async |mut sim| {
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        sim.local.set_faults(Faults { events: EventFaults { loss_percent: 100, ..EventFaults::default() }, ..Faults::default() });
        for n in 0..4 {
            let key = sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::b-{n}"));
            sim.pass(900).await;
            assert_eq!(sim.workflow(&key), Suppressed);
            // What a person takes back is seen as well, and what is deleted from the hub goes.
            sim.person("bob", &key, New);
            sim.pass(900).await;
            assert_eq!((sim.workflow(&key), sim.policy("p").respected), (New, n + 1));
        }
        sim.local.set_faults(Faults::default());
        sim.assert_stays().await;
    })
    .await;
}

/// A read that takes longer than a sighting counts must not keep anything from being written.
#[tokio::test(start_paused = true)]
async fn what_is_read_again_is_written_however_long_the_read_takes() {
    both_ways_with(
        |hub| hub.findings(600),
        async |mut sim| {
            let hub = hub().replace("spec:\n", "spec:\n  freshnessSeconds: 1\n");
            assert!(hub.contains("freshnessSeconds"), "{hub}");
            let keys: Vec<_> = (0..150).map(|n| sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::b-{n}"))).collect();
            sim.latency = Duration::from_secs(3);
            sim.declare(
                &(hub
                    + &policy("p", RULE)
                        .replace("mode: Enforce", "mode: Enforce\n  limits: {maxFindings: 5000, maxPercent: 100}")),
            );
            sim.start();
            sim.settle().await;
            assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
            sim.assert_stays().await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_the_audit_alone_keeps_the_hub() {
    both_ways(async |mut sim| {
        let hub = hub().lines().filter(|line| !line.contains("queueUrl")).flat_map(|line| [line, "\n"]).collect::<String>();
        sim.declare(&(hub + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::b");
        sim.pass(900).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_full_read_takes_the_fewest_pages_whatever_the_number_of_policies() {
    for policies in [1, 100, 1000] {
        both_ways_with(
            |hub| hub.findings(950),
            async |mut sim| {
                let all: String = (0..policies).map(|n| policy(&format!("p{n}"), RULE)).collect();
                sim.declare(&(hub() + &all));
                // How soon is told by seconds.
                sim.crowded = false;
                sim.start();
                sim.pass(5).await;
                let calls = sim.calls("GetFindings");
                let fewest = sim.local.len().div_ceil(100) as u64;
                assert!((fewest..=fewest + 1).contains(&calls), "{policies} policies: {calls} calls, fewest {fewest}");
            },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_or_exception_is_decided_from_memory() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn");
        sim.declare(&hub());
        sim.start();
        sim.settle().await;
        let reads = sim.calls("GetFindings");
        let target = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::cdn']}";
        let far = "2027-03-01T00:00:00Z";
        for declared in [policy("p", RULE), policy("p", &RULE.replace("S3.9", "S3.8")), grant() + &exception("x", target, far)] {
            sim.declare(&(hub() + &declared));
            sim.settle().await;
            assert_eq!(sim.calls("GetFindings"), reads);
        }
        assert_eq!(sim.held_for(&key).as_deref(), Some("FindingException/team/x"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_the_steady_state_only_the_audit_reads() {
    both_ways(async |mut sim| {
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        let reads = sim.calls("GetFindings");
        sim.pass(10 * 900).await;
        let audits = sim.calls("GetFindings") - reads;
        // One page each time; a round is a little shorter than the interval.
        assert!((10..=12).contains(&audits), "{audits} reads in ten intervals");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_requested_pass_reads_everything_once_and_is_echoed() {
    both_ways(async |mut sim| {
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        sim.local.set_faults(Faults { events: EventFaults { loss_percent: 100, ..EventFaults::default() }, ..Faults::default() });
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::b");
        sim.pass(60).await;
        assert_eq!(sim.workflow(&key), New);
        let reads = sim.calls("GetFindings");
        let asked = "{name: main, annotations: {hubkeeper.dev/requestedAt: \"2026-12-01T08:02:00Z\"}}";
        sim.declare(&(hub().replace("{name: main}", asked) + &policy("p", RULE)));
        sim.pass(30).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        assert_eq!(sim.calls("GetFindings"), reads + 1);
        assert_eq!(sim.status("SecurityHub/main").handled_request.as_deref(), Some("2026-12-01T08:02:00Z"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_interval_that_the_quota_cannot_meet_is_refused_with_the_smallest_that_it_can() {
    both_ways_with(
        |hub| hub.findings(1200),
        async |mut sim| {
            let short =
                hub().replace("syncIntervalSeconds: 900", "syncIntervalSeconds: 2").replace("Percent: 100\n", "Percent: 50\n");
            sim.declare(&(short.clone() + &policy("p", RULE)));
            sim.start();
            sim.pass(60).await;
            assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "IntervalTooShort"));
            let smallest = sim.hub_detail().smallest_sync_interval_seconds.unwrap();
            assert!(sim.message("SecurityHub/main").contains(&smallest.to_string()));
            sim.declare(&(short.replace("Seconds: 2", &format!("Seconds: {smallest}")) + &policy("p", RULE)));
            sim.pass(60).await;
            assert_eq!(sim.ready("SecurityHub/main").0, Some(true));
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_region_that_is_not_linked_is_read_and_written_at_its_own_place() {
    both_ways(async |mut sim| {
        let tokyo: hubkeeper::core::ids::Region = "ap-northeast-1".parse().unwrap();
        let caller = Caller { account: sim.local.administrator(), region: tokyo.clone(), principal: Principal::Root };
        sim.local.with_hub(|hub, now| hub.enable(&caller, &EnableSecurityHub::default(), now)).unwrap();
        let there = sim.fail_in(sim.local.administrator(), tokyo.clone(), "S3.9", "AwsS3Bucket", "arn:aws:s3:::tokyo");
        let here = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::dublin");
        sim.declare(&(hub_with("  linkedRegions: [ap-northeast-1]") + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&here), sim.workflow(&there)), (Suppressed, Suppressed));
        let late = sim.fail_in(sim.local.administrator(), tokyo.clone(), "S3.9", "AwsS3Bucket", "arn:aws:s3:::late");
        sim.settle().await;
        assert_eq!(sim.workflow(&late), Suppressed);
        let calls = sim.local.calls();
        for call in calls.iter().filter(|call| call.operation == "BatchUpdateFindings") {
            assert_eq!(call.unprocessed, 0, "{call:?}");
        }
        assert!(
            calls.iter().any(|call| call.operation == "BatchUpdateFindings" && call.caller.as_ref().unwrap().region == tokyo)
        );
        assert_eq!(sim.condition("SecurityHub/main", "RegionsLinked"), Some((Some(false), "RegionNotLinked")));
        assert_eq!(sim.ready("SecurityHub/main").0, Some(true), "it is kept all the same");
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn findings_of_regions_that_are_not_listed_are_left_alone_and_counted_nowhere() {
    both_ways_with(
        |hub| hub.regions(3),
        async |mut sim| {
            let regions: Vec<hubkeeper::core::ids::Region> = sim.local.organization().regions().cloned().collect();
            let [home, listed, left] = regions.as_slice() else { panic!("{regions:?}") };
            let fail = |sim: &Sim, region: &hubkeeper::core::ids::Region, name: &str| {
                sim.fail_in(sim.local.administrator(), region.clone(), "S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::{name}"))
            };
            let keys = [home, listed, left].map(|region| fail(&sim, region, region.as_str()));
            let narrow = hub_with(&format!("  linkedRegions: [{listed}]"));
            sim.declare(&(narrow + &policy("p", RULE)));
            sim.start();
            sim.settle().await;
            assert_eq!(keys.each_ref().map(|key| sim.workflow(key)), [Suppressed, Suppressed, New]);
            // An event of theirs is no reason either.
            let late = [home, left].map(|region| fail(&sim, region, &format!("late-{region}")));
            sim.settle().await;
            assert_eq!(late.each_ref().map(|key| sim.workflow(key)), [Suppressed, New]);
            sim.pass(61).await;
            let detail = sim.hub_detail();
            assert_eq!((detail.left_regions, detail.findings), (vec![left.clone()], FILLERS as u64 + 3));
            assert_eq!(sim.policy("p").in_scope, FILLERS as u64 + 3);
            assert_eq!(sim.condition("SecurityHub/main", "RegionsLinked"), Some((Some(true), "ReconciliationSucceeded")));
            sim.assert_stays().await;
            // Listed after all, they are kept like all others; what is not listed any more stays as it is.
            sim.declare(&(hub_with(&format!("  linkedRegions: [{left}]")) + &policy("p", RULE)));
            sim.settle().await;
            assert_eq!((sim.workflow(&keys[2]), sim.workflow(&late[1])), (Suppressed, Suppressed));
            assert_eq!(sim.workflow(&keys[1]), Suppressed);
            sim.declare(&hub_with(&format!("  linkedRegions: [{left}]")));
            sim.settle().await;
            assert_eq!(keys.each_ref().map(|key| sim.workflow(key)), [New, Suppressed, New], "left alone, whoever held it");
            sim.declare(&(hub_with("") + &policy("p", RULE)));
            sim.settle().await;
            assert_eq!((sim.hub_detail().left_regions, sim.condition("SecurityHub/main", "RegionsLinked")), (Vec::new(), None));
            sim.assert_stays().await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_audit_policy_reports_and_writes_nothing_and_hides_no_enforced_one() {
    both_ways(async |mut sim| {
        let (a, b) = (sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::a"), sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::b"));
        let audit = policy_with("audit", "  priority: 9", &RULE.replace("[S3.9]", "[S3.9, S3.8]")).replace("Enforce", "Audit");
        sim.declare(&(hub() + &audit + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&a), sim.workflow(&b)), (Suppressed, New));
        assert_eq!(sim.held_for(&a).as_deref(), Some("ControlPolicy/p"));
        // Counters lag by a minute.
        sim.pass(61).await;
        assert_eq!(sim.policy("audit").pending_changes, 1);
        assert_eq!(sim.ready("ControlPolicy/audit").0, Some(true));
        sim.assert_stays().await;
    })
    .await;
}

/// Lets everything pass, and notes how many pages had been read when the first write began.
struct AtFirstWrite {
    local: Local,
    pages: OnceLock<u64>,
}

#[async_trait]
impl Gate for AtFirstWrite {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        if matches!(effect, Effect::HubWrite(_)) {
            let pages = self.local.count("GetFindings");
            self.pages.get_or_init(|| pages.calls - pages.throttled);
        }
        Ok(())
    }

    async fn after(&self, _: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

/// A decision rests on everything that is in the hub: what a person said of the same resource may stand on the last page.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_before_the_hub_was_read_to_its_last_page() {
    both_ways_with(
        |hub| hub.findings(0),
        async |mut sim| {
            // More than a batch on every page, so that nothing else has to be waited for.
            let keys: Vec<_> = (0..900).map(|n| sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::b-{n}"))).collect();
            let gate = Arc::new(AtFirstWrite { local: sim.local.clone(), pages: OnceLock::new() });
            sim.gate = gate.clone();
            sim.latency = Duration::from_secs(3);
            let unlimited = "mode: Enforce\n  limits: {maxFindings: 5000, maxPercent: 100}";
            sim.declare(&(hub() + &policy("p", RULE).replace("mode: Enforce", unlimited)));
            sim.start();
            sim.settle().await;
            assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
            let pages = (keys.len() + FILLERS).div_ceil(100) as u64;
            assert!(gate.pages.get().is_some_and(|&read| read >= pages), "{:?} of {pages} pages", gate.pages);
        },
    )
    .await;
}
