//! Somebody's old automation rule (V1) against what is declared: it rewrites a finding each time that its provider refreshes it,
//! and whoever writes last has it.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::Failed;
use hubkeeper::core::status::WorkflowStatus::{New, Notified, Suppressed};
use hubkeeper::local::hub::caller::{Caller, Principal};
use hubkeeper::wire::securityhub::CreateAutomationRule;
use serde_json::{Value, json};

use super::world::{Sim, both_ways, everywhere, exception, grant, hub, policy, policy_with};

const SUPPRESS: &str = "{name: s3, match: {controls: [S3.8]}, response: {suppress: {reason: OutOfScope}}}";
const REVERT: &str = "  manualSuppression: Revert";
/// The longest that a provider takes between two checks.
const DAY: u64 = 24 * 3600;

fn bucket(sim: &Sim) -> FindingKey {
    sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn")
}

/// The administrator has a rule for every bucket that fails, which writes this. Its ARN.
fn rule(sim: &Sim, writes: &Value) -> String {
    let request: CreateAutomationRule = serde_json::from_value(json!({
        "RuleOrder": 1, "RuleName": "old", "Description": "nobody knows why",
        "Criteria": {
            "ResourceType": [{"Value": "AwsS3Bucket", "Comparison": "EQUALS"}],
            "ComplianceStatus": [{"Value": "FAILED", "Comparison": "EQUALS"}],
        },
        "Actions": [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": writes}],
    }))
    .unwrap();
    let caller =
        Caller { account: sim.local.administrator(), region: sim.local.home().clone(), principal: Principal::User("bob".into()) };
    sim.local.with_hub(|hub, now| hub.create_rule(&caller, &request, now)).unwrap().rule_arn
}

fn status(status: &str) -> Value {
    json!({"Workflow": {"Status": status}})
}

/// The provider checks again, to the same end; what follows has settled. How often the loop wrote.
async fn refresh(sim: &Sim, key: &FindingKey, after: u64) -> u64 {
    sim.pass(after).await;
    let writes = sim.writes();
    assert!(sim.local.check(key, Failed));
    sim.settle().await;
    sim.writes() - writes
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_undoes_a_policy_at_each_refresh_is_answered_once_each_time_and_then_left_and_named() {
    for (regime, answer) in [("", New), ("", Notified), (REVERT, New), (REVERT, Notified)] {
        everywhere(async |mut sim| {
            let arn = rule(&sim, &status(answer.as_str()));
            let key = bucket(&sim);
            assert_eq!(sim.workflow(&key), answer);
            sim.declare(&(hub() + &policy_with("p", regime, SUPPRESS)));
            sim.start();
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key).as_deref()), (Suppressed, Some("ControlPolicy/p")));
            sim.assert_stays().await;
            let mut writes = Vec::new();
            for _ in 0..4 {
                writes.push(refresh(&sim, &key, 3600).await);
            }
            assert_eq!(writes, [1, 1, 0, 0], "once a refresh, and no more once that is three times in a day");
            assert_eq!(sim.workflow(&key), answer);
            assert_eq!(sim.ready("ControlPolicy/p"), (Some(false), "Flapping"));
            assert!(sim.message("ControlPolicy/p").contains(&arn), "{}", sim.message("ControlPolicy/p"));
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_undoes_an_exception_is_named_by_it_and_its_end_has_nothing_to_give_back() {
    everywhere(async |mut sim| {
        let arn = rule(&sim, &status("NEW"));
        let key = bucket(&sim);
        let target = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::cdn']}";
        sim.declare(&(hub() + &grant() + &exception("cdn", target, "2026-12-01T20:00:00Z")));
        sim.start();
        sim.settle().await;
        let mut writes = Vec::new();
        for down in [false, true, false] {
            // Who was not there when it happened is told by the history.
            if down {
                sim.crash().await;
                assert!(sim.local.check(&key, Failed));
                sim.start();
            }
            writes.push(refresh(&sim, &key, if down { 0 } else { 3600 }).await);
        }
        assert_eq!(
            (sim.workflow(&key), sim.workflows(&key).len()),
            (New, 6),
            "three times ours, three times the rule's: {writes:?}"
        );
        assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "Flapping"));
        assert!(sim.message("FindingException/team/cdn").contains(&arn), "{}", sim.message("FindingException/team/cdn"));
        assert_eq!(sim.exception("team", "cdn").overridden, 0, "nobody took it back");
        sim.assert_stays().await;
        let before = sim.writes();
        sim.pass(12 * 3600).await;
        assert_eq!((sim.workflow(&key), sim.writes()), (New, before));
        assert_eq!(sim.exception("team", "cdn").state, "Expired");
    })
    .await;
}

/// What a person says counts all the same, before and after a refresh.
#[tokio::test(start_paused = true)]
async fn a_person_who_takes_it_back_is_heard_beside_a_rule_that_does_the_same() {
    everywhere(async |mut sim| {
        rule(&sim, &status("NEW"));
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        assert_eq!(refresh(&sim, &key, 3600).await, 1);
        sim.pass(60).await;
        sim.person("alice", &key, Notified);
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Notified);
        // The rule moves it on, which is no reason to suppress again what alice took back.
        assert_eq!(refresh(&sim, &key, 3600).await, 0);
        sim.crash().await;
        sim.start();
        sim.settle().await;
        // Counters lag by a minute.
        sim.pass(61).await;
        assert_eq!((sim.workflow(&key), sim.policy("p").respected), (New, 1));
        assert_eq!(sim.ready("ControlPolicy/p").0, Some(true));
        sim.assert_stays().await;
    })
    .await;
}

/// A day apart no war is counted: that the last update sets the value is all there is to it.
#[tokio::test(start_paused = true)]
async fn a_rule_that_undoes_it_once_a_day_is_answered_once_a_day() {
    both_ways(async |mut sim| {
        rule(&sim, &status("NEW"));
        let key = bucket(&sim);
        // Without a queue, whose empty receives take their time.
        let hub = hub().lines().filter(|line| !line.contains("queueUrl")).flat_map(|line| [line, "\n"]).collect::<String>();
        sim.declare(&(hub + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        for day in 1..=4 {
            let writes = sim.writes();
            sim.pass(DAY).await;
            assert!(sim.local.check(&key, Failed));
            assert_eq!(sim.workflow(&key), New);
            sim.pass(1000).await;
            assert_eq!((sim.workflow(&key), sim.writes() - writes), (Suppressed, 1), "day {day}");
        }
        assert_eq!(sim.ready("ControlPolicy/p").0, Some(true));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_suppresses_what_a_policy_suppresses_leaves_nothing_to_write() {
    everywhere(async |mut sim| {
        // Before the rule, and held by us; after it, and the rule's own.
        let ours = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        rule(&sim, &status("SUPPRESSED"));
        let theirs = sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::theirs");
        sim.settle().await;
        for key in [&ours, &theirs, &ours, &theirs] {
            assert_eq!(refresh(&sim, key, 3600).await, 0);
        }
        assert_eq!((sim.workflow(&ours), sim.held_for(&ours).as_deref()), (Suppressed, Some("ControlPolicy/p")));
        assert_eq!((sim.workflow(&theirs), sim.held_for(&theirs)), (Suppressed, None), "respected like a person's");
        assert_eq!((sim.policy("p").respected, sim.ready("ControlPolicy/p").0), (1, Some(true)));
        sim.assert_stays().await;
        // Ours is given back, until the rule has it; theirs stays.
        sim.declare(&hub());
        sim.settle().await;
        assert_eq!((sim.workflow(&ours), sim.workflow(&theirs)), (New, Suppressed));
        assert_eq!(refresh(&sim, &ours, 3600).await, 0);
        assert_eq!(sim.workflow(&ours), Suppressed);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_undoes_what_is_inherited_is_answered_once_a_refresh() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", "{name: all, response: {ignore: {}}}")));
        sim.start();
        sim.settle().await;
        sim.person("alice", &key, Suppressed);
        sim.settle().await;
        let next = sim.local.recreate(&key, Failed).unwrap();
        sim.settle().await;
        assert_eq!(sim.held_for(&next).as_deref(), Some("inherited"));
        rule(&sim, &status("NEW"));
        for _ in 0..2 {
            assert_eq!(refresh(&sim, &next, 3600).await, 1);
            assert_eq!((sim.workflow(&next), sim.held_for(&next).as_deref()), (Suppressed, Some("inherited")));
        }
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_writes_notes_is_left_its_note_and_nothing_else_changes() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        rule(&sim, &json!({"Note": {"Text": "seen by the old rule", "UpdatedBy": "old"}}));
        for _ in 0..2 {
            assert_eq!(refresh(&sim, &key, 3600).await, 0);
        }
        assert_eq!((sim.workflow(&key), sim.held_for(&key).as_deref()), (Suppressed, Some("ControlPolicy/p")));
        sim.declare(&hub());
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.finding(&key)["Note"]["Text"].as_str()), (New, Some("seen by the old rule")));
        sim.assert_stays().await;
    })
    .await;
}
