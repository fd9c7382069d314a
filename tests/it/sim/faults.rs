//! What goes wrong between us and the hub: late, lost, doubled and poisoned; and what is declared wrongly.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::{Failed, Warning};
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::local::faults::{CallFault, EventFaults, Fault, Faults, FindingFault, ThrottleCode};
use hubkeeper::local::hub::caller::{Caller, Principal};
use hubkeeper::wire::error::UnprocessedCode;
use hubkeeper::wire::event::imported;
use hubkeeper::wire::securityhub::EnableSecurityHub;

use super::world::{Sim, both_ways, both_ways_with, exception, grant, hub, policy, policy_with};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
const FAR: &str = "2027-03-01T00:00:00Z";

fn buckets(sim: &Sim, count: usize) -> Vec<FindingKey> {
    (0..count).map(|n| sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::b-{n}"))).collect()
}

fn calls(fault: CallFault) -> Faults {
    Faults { calls: vec![fault], ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn reads_that_lag_five_minutes_behind_a_write_cause_no_second_one() {
    both_ways(async |mut sim| {
        let keys = buckets(&sim, 5);
        sim.local.set_faults(Faults {
            lag_millis: 300_000,
            events: EventFaults { loss_percent: 100, ..EventFaults::default() },
            ..Faults::default()
        });
        sim.declare(&(hub().replace("syncIntervalSeconds: 900", "syncIntervalSeconds: 60") + &policy("p", RULE)));
        sim.start();
        sim.pass(1800).await;
        for key in &keys {
            assert_eq!(sim.workflows(key), ["SUPPRESSED"]);
        }
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn throttles_by_either_code_delay_and_lose_nothing() {
    for code in [ThrottleCode::TooManyRequests, ThrottleCode::LimitExceeded] {
        both_ways(async |mut sim| {
            let keys = buckets(&sim, 5);
            let throttle = CallFault { operation: None, ..CallFault::of("", Fault::Throttle(code)).percent(50) };
            sim.local.set_faults(calls(throttle));
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.pass(600).await;
            sim.local.set_faults(Faults::default());
            sim.settle().await;
            assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_findings_that_were_not_processed_are_sent_again() {
    for code in [UnprocessedCode::ConcurrentUpdateError, UnprocessedCode::InternalFailure] {
        both_ways(async |mut sim| {
            let keys = buckets(&sim, 30);
            sim.local.set_faults(calls(CallFault::of("BatchUpdateFindings", Fault::Partial { code, percent: 30 }).times(1)));
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.pass(3600).await;
            sim.settle().await;
            assert!(keys.iter().all(|key| sim.workflows(key) == ["SUPPRESSED"]));
            let sent: usize = sent(&sim).iter().sum();
            assert!(sent < 60, "{sent} findings sent for 30");
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_lost_is_not_repeated() {
    both_ways(async |mut sim| {
        let keys = buckets(&sim, 5);
        sim.local.set_faults(calls(CallFault::of("BatchUpdateFindings", Fault::TimeoutAfter).times(1)));
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        assert!(keys.iter().all(|key| sim.workflows(key) == ["SUPPRESSED"]));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn poison_in_the_queue_goes_to_the_dead_letters_and_its_neighbours_are_handled() {
    both_ways_with(
        |hub| hub.max_receives(3),
        async |mut sim| {
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.settle().await;
            let deep = "[".repeat(100_000);
            let huge = format!("{{\"detail-type\":\"{}\"", "x".repeat(900_000));
            let poison = [
                "{\"detail-type\": \"Security Hub Findings - Imp",
                "{}",
                "null",
                "{\"detail-type\": \"EC2\", \"detail\": {}}",
                &deep,
                &huge,
            ];
            for body in poison {
                sim.local.queues().send(&sim.local.event_queue(), body.to_owned(), sim.now(), 0).unwrap();
            }
            let keys = buckets(&sim, 2);
            sim.pass(30).await;
            assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
            sim.pass(600).await;
            assert_eq!(sim.local.queues().bodies(&sim.local.dead_letter_queue()).len(), poison.len());
            assert!(sim.local.queues().bodies(&sim.local.event_queue()).is_empty());
            assert!(sim.figures().events_poisoned >= poison.len() as u64);
            sim.assert_stays().await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn events_three_times_and_out_of_order_end_in_the_newest_state() {
    both_ways(async |mut sim| {
        let key = buckets(&sim, 1).remove(0);
        sim.declare(&(hub() + &policy("p", "{name: all, response: {ignore: {}}}")));
        sim.start();
        sim.settle().await;
        let event = |sim: &Sim, n: usize| {
            let (account, home) = (sim.local.administrator(), sim.local.home().clone());
            imported(&format!("e-{n}"), sim.now(), account, &home, "r", &sim.finding(&key).to_string())
        };
        let mut bodies = vec![event(&sim, 0)];
        sim.pass(60).await;
        sim.person("alice", &key, Suppressed);
        bodies.push(event(&sim, 1));
        sim.pass(60).await;
        sim.local.check(&key, Warning);
        sim.pass(60).await;
        sim.local.check(&key, Failed);
        bodies.push(event(&sim, 2));
        for n in [2, 0, 1, 0, 2, 1, 1, 2, 0] {
            sim.local.queues().send(&sim.local.event_queue(), bodies[n].clone(), sim.now(), 0).unwrap();
            sim.pass(60).await;
        }
        assert_eq!((sim.policy("p").respected, sim.writes(), sim.workflow(&key)), (1, 0, Suppressed));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_off_is_said_so_and_kept_again_once_it_is_on() {
    both_ways(async |mut sim| {
        let keys = buckets(&sim, 2);
        let caller = Caller { account: sim.local.administrator(), region: sim.local.home().clone(), principal: Principal::Root };
        sim.local.with_hub(|hub, now| hub.switch_off(caller.account, &caller.region, now));
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.pass(3600).await;
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "HubNotEnabled"));
        assert!(sim.message("SecurityHub/main").contains("Enable Security Hub"), "{}", sim.message("SecurityHub/main"));
        let tries = sim.calls("DescribeHub");
        assert!((5..60).contains(&tries), "{tries} tries in an hour");
        sim.local.with_hub(|hub, now| hub.enable(&caller, &EnableSecurityHub::default(), now)).unwrap();
        sim.pass(600).await;
        assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn denied_reads_and_writes_are_said_with_their_code_and_recover_without_loss() {
    for operation in ["GetFindings", "BatchUpdateFindings"] {
        both_ways(async |mut sim| {
            let keys = buckets(&sim, 2);
            sim.local.set_faults(calls(CallFault::of(operation, Fault::AccessDenied)));
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.pass(1800).await;
            assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "AccessDenied"), "{operation}");
            assert!(sim.message("SecurityHub/main").contains("AccessDenied"), "{}", sim.message("SecurityHub/main"));
            assert!(sim.calls(operation) < 40, "{}", sim.calls(operation));
            sim.local.set_faults(Faults::default());
            sim.pass(600).await;
            assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed), "{operation}");
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_home_region_is_refused_with_the_right_one() {
    both_ways_with(
        |hub| hub.regions(2),
        async |mut sim| {
            let linked = sim.local.organization().linked[0].clone();
            sim.declare(&(hub().replace("homeRegion: eu-west-1", &format!("homeRegion: {linked}")) + &policy("p", RULE)));
            sim.start();
            sim.pass(600).await;
            assert_eq!(sim.ready("SecurityHub/main").0, Some(false));
            assert!(sim.message("SecurityHub/main").contains("eu-west-1"), "{}", sim.message("SecurityHub/main"));
            assert_eq!(sim.writes(), 0);
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_warning_is_matched_by_the_control_s_rating_and_not_by_its_label() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::b");
        sim.local.check(&key, Warning);
        let rule = "{name: w, match: {severities: [HIGH], compliance: [WARNING]}, response: {suppress: {reason: OutOfScope}}}";
        sim.declare(&(hub() + &policy("p", rule)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.finding(&key)["Severity"]["Label"].as_str(), sim.workflow(&key)), (Some("INFORMATIONAL"), Suppressed));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn policies_of_equal_priority_that_disagree_both_say_so_and_priority_settles_it_without_a_gap() {
    both_ways(async |mut sim| {
        let key = buckets(&sim, 1).remove(0);
        let ignore = "{name: rest, response: {ignore: {}}}";
        sim.declare(&(hub() + &policy("a", RULE) + &policy("b", ignore)));
        sim.start();
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        assert_eq!((sim.ready("ControlPolicy/a").1, sim.ready("ControlPolicy/b").1), ("Conflicted", "Conflicted"));
        sim.declare(&(hub() + &policy_with("a", "  priority: 5", RULE) + &policy("b", RULE)));
        sim.settle().await;
        assert_eq!(sim.held_for(&key).as_deref(), Some("ControlPolicy/a"));
        sim.declare(&(hub() + &policy_with("a", "  priority: 5", RULE) + &policy_with("b", "  priority: 9", RULE)));
        sim.settle().await;
        assert_eq!(
            (sim.workflows(&key), sim.held_for(&key).as_deref()),
            (vec!["SUPPRESSED".to_owned()], Some("ControlPolicy/b"))
        );
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_of_another_namespace_or_outside_its_grant_has_no_effect_and_says_which_target() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn");
        let mine = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::cdn']}";
        let foreign = exception("strange", mine, FAR).replace("namespace: team", "namespace: rogue");
        let both = exception("wide", &format!("{mine}, {{controls: [S3.8], accounts: ['444455556666']}}"), FAR);
        let anywhere = exception("most", "{controls: [S3.*], resources: ['*']}", FAR).replace("team@", "t@");
        let elsewhere = grant()
            .replace("grants: [{accounts: ['111122223333']}]", "grants: [{accounts: ['111122223333'], exceptControls: [S3.8]}]");
        sim.declare(&(hub() + &grant() + &foreign + &both));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.writes()), (New, 0));
        assert_eq!(sim.ready("FindingException/rogue/strange"), (Some(false), "NotGranted"));
        assert_eq!(sim.ready("FindingException/team/wide"), (Some(false), "OutOfGrant"));
        assert!(
            sim.message("FindingException/team/wide").contains("spec.targets[1]"),
            "{}",
            sim.message("FindingException/team/wide")
        );
        sim.declare(&(hub() + &elsewhere + &anywhere));
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.writes()), (New, 0));
        assert_eq!(sim.ready("FindingException/team/most").1, "OutOfGrant");
        sim.assert_stays().await;
    })
    .await;
}

fn spoil(sim: &Sim, faults: &[(&FindingKey, Option<UnprocessedCode>)]) {
    let findings = faults.iter().map(|(key, code)| FindingFault { id: key.id.clone(), code: *code }).collect();
    sim.local.set_faults(Faults { findings, ..Faults::default() });
}

/// How many findings each BatchUpdateFindings named.
fn sent(sim: &Sim) -> Vec<usize> {
    let calls = sim.local.calls();
    let sent = calls.iter().filter(|call| call.operation == "BatchUpdateFindings" && !call.throttled);
    sent.map(|call| call.findings).collect()
}

/// F13.
#[tokio::test(start_paused = true)]
async fn of_seven_in_a_hundred_that_are_refused_only_those_that_may_pass_are_sent_again() {
    use UnprocessedCode::{ConcurrentUpdateError, FindingSizeExceeded, InternalFailure, InvalidInput};
    both_ways(async |mut sim| {
        let keys = buckets(&sim, 100);
        let codes = [
            InvalidInput,
            FindingSizeExceeded,
            InvalidInput,
            InvalidInput,
            FindingSizeExceeded,
            ConcurrentUpdateError,
            InternalFailure,
        ];
        let spoilt: Vec<_> = keys.iter().step_by(10).zip(codes).map(|(key, code)| (key, Some(code))).collect();
        spoil(&sim, &spoilt);
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.pass(600).await;
        let calls = sent(&sim);
        assert_eq!(calls[0], 100);
        assert!(calls[1..].iter().all(|findings| *findings <= 2), "{calls:?}");
        // Each try of the loop is at most four calls of the adapter; the loop waits 1, 2, 4 minutes in between.
        assert!((8..=1 + 3 + 3 * 4 * 2).contains(&calls.len()), "{calls:?}");
        let suppressed = |sim: &Sim| keys.iter().filter(|key| sim.workflow(key) == Suppressed).count();
        assert_eq!(suppressed(&sim), 93);
        assert_eq!(sim.ready("ControlPolicy/p"), (Some(false), "Refused"));
        let message = sim.message("ControlPolicy/p");
        assert!(message.starts_with("5 findings were not taken: "), "{message}");
        assert!(
            spoilt.iter().any(|(key, code)| message.contains(&key.id) && message.contains(code.unwrap().as_str())),
            "{message}"
        );
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "Refused"));
        let told = sim.events().iter().filter(|e| e.reason == "Refused" && e.object.to_string() == "ControlPolicy/p").count();
        assert_eq!(told, 1);

        sim.local.set_faults(Faults::default());
        sim.pass(3600).await;
        assert_eq!(suppressed(&sim), 95, "the passing reasons have passed, the others were not tried again");
        let calls = sent(&sim).len();
        sim.pass(4 * 3600).await;
        assert_eq!(sent(&sim).len(), calls, "nothing is sent while nothing changes");

        // A finding that changed is another one, and so is another wish.
        sim.local.check(spoilt[0].0, Warning);
        sim.pass(30).await;
        sim.local.check(spoilt[0].0, Failed);
        sim.pass(60).await;
        assert_eq!(suppressed(&sim), 96);
        sim.declare(&(hub() + &policy("p", &RULE.replace("OutOfScope", "AcceptedRisk"))));
        sim.settle().await;
        assert_eq!(suppressed(&sim), 100);
        assert_eq!(sim.ready("ControlPolicy/p").0, Some(true));
        assert!(keys.iter().all(|key| sim.workflows(key) == ["SUPPRESSED"]));
        sim.assert_stays().await;
    })
    .await;
}

/// F14.
#[tokio::test(start_paused = true)]
async fn one_poison_id_costs_few_calls_and_the_other_ninety_nine_are_done() {
    for position in [0, 41, 99] {
        both_ways(async |mut sim| {
            let keys = buckets(&sim, 100);
            let poison = &keys[position];
            spoil(&sim, &[(poison, None)]);
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.pass(600).await;
            let calls = sent(&sim);
            // 2 x log2(100) + 1 beside the one that would have done.
            assert!(calls.len() <= 1 + 15, "{calls:?}");
            assert!(keys.iter().all(|key| (sim.workflow(key) == Suppressed) == (key != poison)));
            assert_eq!(sim.ready("ControlPolicy/p"), (Some(false), "Refused"));
            let message = sim.message("ControlPolicy/p");
            assert!(message.contains(&poison.id) && message.contains("InvalidInputException"), "{message}");
            sim.pass(4 * 3600).await;
            assert_eq!(sent(&sim), calls, "it is not tried again while nothing changes");
            sim.local.set_faults(Faults::default());
            sim.local.check(poison, Warning);
            sim.pass(30).await;
            sim.local.check(poison, Failed);
            sim.settle().await;
            assert_eq!(sim.workflow(poison), Suppressed);
            sim.assert_stays().await;
        })
        .await;
    }
}

/// A finding that the hub no longer knows is gone, whatever we had read.
#[tokio::test(start_paused = true)]
async fn a_finding_that_is_not_found_is_forgotten_and_not_sent_again_before_it_is_seen_again() {
    both_ways(async |mut sim| {
        let keys = buckets(&sim, 3);
        spoil(&sim, &[(&keys[1], Some(UnprocessedCode::FindingNotFound))]);
        // Its own event would show it again: that is handled before.
        sim.declare(&hub());
        sim.start();
        sim.settle().await;
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.pass(300).await;
        assert_eq!(sent(&sim), [3]);
        assert_eq!((sim.ready("ControlPolicy/p").0, sim.policy("p").held), (Some(true), 2));
        sim.local.set_faults(Faults::default());
        sim.pass(1800).await;
        assert_eq!(sim.workflow(&keys[1]), Suppressed, "the audit found it again");
        sim.assert_stays().await;
    })
    .await;
}
