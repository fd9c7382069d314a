//! F19: what a person says between our read and our write. There is no conditional write: whoever writes last has it. A race that
//! we win by that is told to the person, once, and neither side is fought.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::Passed;
use hubkeeper::core::status::WorkflowStatus::{self, New, Notified, Suppressed};
use hubkeeper::engine::ports::{Blocked, Effect, Event, Gate};
use hubkeeper::local::Local;
use hubkeeper::local::faults::{CallFault, EventFaults, Fault, Faults};
use hubkeeper::wire::event::imported;

use super::world::{Sim, everywhere, everywhere_with, hub, policy, policy_with};

const SUPPRESS: &str = "{name: s3, match: {controls: [S3.8]}, response: {suppress: {reason: OutOfScope}}}";

fn bucket(sim: &Sim) -> FindingKey {
    sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn")
}

/// Something that happens in the moment between our decision and our write, at the next write.
struct Race {
    armed: AtomicBool,
    act: Box<dyn Fn() + Send + Sync>,
}

impl Race {
    fn arm(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Gate for Race {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        if matches!(effect, Effect::HubWrite(_)) && self.armed.swap(false, Ordering::SeqCst) {
            (self.act)();
        }
        Ok(())
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

fn race(sim: &mut Sim, act: impl Fn(&Local) + Send + Sync + 'static) -> Arc<Race> {
    let local = sim.local.clone();
    let race = Arc::new(Race { armed: true.into(), act: Box::new(move || act(&local)) });
    sim.gate = race.clone();
    race
}

/// Alice answers in that moment.
fn alice(sim: &mut Sim, key: &FindingKey, status: WorkflowStatus) -> Arc<Race> {
    let key = key.clone();
    race(sim, move |local| {
        local.as_person("alice").set_workflow(&key, status).unwrap();
    })
}

fn reports(sim: &Sim) -> Vec<Event> {
    sim.events().into_iter().filter(|event| event.reason == "LostRace").collect()
}

/// One report, of what alice set, on this object.
fn assert_reported(sim: &Sim, object: &str, key: &FindingKey, status: WorkflowStatus) -> String {
    let [event] = <[Event; 1]>::try_from(reports(sim)).unwrap();
    assert_eq!((event.object.to_string().as_str(), event.warning), (object, true));
    assert!(event.message.contains(&format!("user/alice set {status} at 2026-12-01T")), "{}", event.message);
    assert!(event.message.contains(&key.id), "{}", event.message);
    assert_eq!(sim.figures().races_lost, 1);
    event.message
}

fn delayed(millis: u64) -> Faults {
    Faults { events: EventFaults { delay_millis: millis, ..EventFaults::default() }, ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn a_lost_race_is_reported_once_and_not_repeated_and_the_next_word_of_the_person_stands() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        alice(&mut sim, &key, Notified);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        assert_eq!(sim.workflows(&key), ["NOTIFIED", "SUPPRESSED"], "one write of ours, after alice's");
        let message = assert_reported(&sim, "ControlPolicy/p", &key, Notified);
        assert!(message.ends_with("set it again if it is to be so, and that stands"), "{message}");
        assert_eq!(sim.calls("GetFindingHistory"), 1, "in doubt only");
        sim.assert_stays().await;
        sim.person("alice", &key, Notified);
        sim.pass(60).await;
        assert_eq!(sim.workflow(&key), Notified, "and hers stands when she says it again");
        sim.assert_stays().await;
        assert_reported(&sim, "ControlPolicy/p", &key, Notified);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_takes_back_what_we_are_about_to_hand_over_is_told_by_the_new_holder() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        sim.stop().await;
        alice(&mut sim, &key, New);
        sim.start();
        sim.declare(&(hub() + &policy("p", SUPPRESS) + &policy_with("q", "  priority: 200", SUPPRESS)));
        sim.settle().await;
        assert_eq!(sim.workflows(&key), ["SUPPRESSED", "NEW", "SUPPRESSED"]);
        assert_eq!(sim.held_for(&key).as_deref(), Some("ControlPolicy/q"));
        assert_reported(&sim, "ControlPolicy/q", &key, New);
        sim.assert_stays().await;
        sim.person("alice", &key, New);
        sim.pass(60).await;
        assert_eq!(sim.workflow(&key), New);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_takes_back_what_we_are_giving_back_is_told() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        sim.stop().await;
        alice(&mut sim, &key, Notified);
        sim.start();
        sim.declare(&hub());
        sim.settle().await;
        assert_eq!(sim.workflows(&key), ["SUPPRESSED", "NOTIFIED", "NEW"]);
        assert_reported(&sim, "ControlPolicy/p", &key, Notified);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_suppresses_what_we_are_about_to_suppress_is_told_that_it_ends_with_ours() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        alice(&mut sim, &key, Suppressed);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        let message = assert_reported(&sim, "ControlPolicy/p", &key, Suppressed);
        assert!(message.ends_with("to keep it so after that, suppress it again then"), "{message}");
        assert_eq!((sim.writes(), sim.held_for(&key).as_deref()), (1, Some("ControlPolicy/p")));
        sim.assert_stays().await;
        sim.declare(&hub());
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        sim.person("alice", &key, Suppressed);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (Suppressed, None));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_minutes_after_our_echo_still_tells_of_the_race() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        let theirs = key.clone();
        race(&mut sim, move |local| {
            local.set_faults(delayed(600_000));
            local.as_person("alice").set_workflow(&theirs, Notified).unwrap();
            local.set_faults(Faults::default());
        });
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        assert_eq!(reports(&sim), []);
        sim.pass(600).await;
        assert_reported(&sim, "ControlPolicy/p", &key, Notified);
        assert_eq!(sim.workflows(&key), ["NOTIFIED", "SUPPRESSED"]);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_minutes_before_our_echo_causes_no_second_write() {
    for (lost, gone) in [(0, 600_000), (100, 0)] {
        everywhere(async |mut sim| {
            let key = bucket(&sim);
            let theirs = key.clone();
            race(&mut sim, move |local| {
                local.as_person("alice").set_workflow(&theirs, Notified).unwrap();
                let events = EventFaults { delay_millis: gone, loss_percent: lost, ..EventFaults::default() };
                local.set_faults(Faults { events, ..Faults::default() });
            });
            sim.declare(&(hub() + &policy("p", SUPPRESS)));
            sim.start();
            sim.pass(120).await;
            assert_reported(&sim, "ControlPolicy/p", &key, Notified);
            sim.local.set_faults(Faults::default());
            sim.settle().await;
            sim.assert_stays().await;
            assert_eq!(sim.workflows(&key), ["NOTIFIED", "SUPPRESSED"], "one write of ours");
            assert_reported(&sim, "ControlPolicy/p", &key, Notified);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn duplicates_of_the_event_tell_of_the_race_only_once() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        let theirs = key.clone();
        race(&mut sim, move |local| {
            local.as_person("alice").set_workflow(&theirs, Notified).unwrap();
            let finding = local.finding(&theirs).unwrap().to_string();
            let body = imported("again", local.clock().now(), local.administrator(), local.home(), "r", &finding);
            for minutes in [0, 1, 5, 20, 45] {
                let due = local.clock().now() + jiff::SignedDuration::from_mins(minutes);
                local.queues().send(&local.event_queue(), body.clone(), due, 0).unwrap();
            }
        });
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        sim.pass(3600).await;
        assert_reported(&sim, "ControlPolicy/p", &key, Notified);
        assert_eq!(sim.workflows(&key), ["NOTIFIED", "SUPPRESSED"]);
        assert_eq!(sim.calls("GetFindingHistory"), 1);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn late_events_of_what_we_had_decided_on_or_of_the_check_are_no_race() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        let body = |local: &Local, key: &FindingKey| {
            let finding = local.finding(key).unwrap().to_string();
            imported("late", local.clock().now(), local.administrator(), local.home(), "r", &finding)
        };
        // What alice said before, and took back: both were known when we decided.
        let mut bodies = vec![body(&sim.local, &key)];
        for status in [Notified, New] {
            sim.pass(5).await;
            sim.person("alice", &key, status);
            bodies.push(body(&sim.local, &key));
        }
        sim.pass(5).await;
        // The check passes in the moment between, and the service moves the finding to RESOLVED.
        let other = sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::passes");
        let passing = other.clone();
        race(&mut sim, move |local| assert!(local.check(&passing, Passed)));
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        for _ in 0..3 {
            for body in &bodies {
                sim.local.queues().send(&sim.local.event_queue(), body.clone(), sim.now(), 0).unwrap();
            }
            sim.pass(120).await;
        }
        assert_eq!((reports(&sim), sim.figures().races_lost), (Vec::new(), 0));
        assert_eq!(sim.calls("GetFindingHistory"), 0, "there is no doubt about any of them");
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_race_in_a_linked_region_is_told_like_one_at_home() {
    everywhere_with(
        |hub| hub.regions(2),
        async |mut sim| {
            let linked = sim.local.organization().linked[0].clone();
            let key = sim.fail_in(sim.local.administrator(), linked.clone(), "S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn");
            let theirs = key.clone();
            race(&mut sim, move |local| {
                local.as_person("alice").in_region(linked.clone()).set_workflow(&theirs, Notified).unwrap();
            });
            sim.declare(&(hub() + &policy("p", SUPPRESS)));
            sim.start();
            sim.settle().await;
            assert_eq!(sim.workflows(&key), ["NOTIFIED", "SUPPRESSED"]);
            assert_reported(&sim, "ControlPolicy/p", &key, Notified);
            sim.assert_stays().await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_histories_may_not_be_read_the_race_is_told_without_a_name() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.local
            .set_faults(Faults { calls: vec![CallFault::of("GetFindingHistory", Fault::AccessDenied)], ..Faults::default() });
        alice(&mut sim, &key, Notified);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        let [event] = <[Event; 1]>::try_from(reports(&sim)).unwrap();
        assert!(event.message.starts_with("somebody (GetFindingHistory is not allowed)"), "{}", event.message);
        assert_eq!(sim.ready("SecurityHub/main").0, Some(true), "nothing else needs the history");
        sim.assert_stays().await;
    })
    .await;
}

/// The write that was refused replaced nothing: what alice said meanwhile is read again and decided anew.
#[tokio::test(start_paused = true)]
async fn an_answer_during_a_write_that_fails_is_not_lost() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        let theirs = key.clone();
        sim.latency = std::time::Duration::from_secs(2);
        let gate = race(&mut sim, move |local| {
            let denied = CallFault::of("BatchUpdateFindings", Fault::AccessDenied).times(1);
            local.set_faults(Faults { calls: vec![denied], ..Faults::default() });
            local.as_person("alice").set_workflow(&theirs, Suppressed).unwrap();
        });
        gate.arm();
        sim.declare(&hub());
        sim.start();
        // The events of the findings' beginning have been handled: the next one is seen while the write is under way.
        sim.pass(120).await;
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.pass(300).await;
        assert_eq!((sim.workflows(&key), sim.held_for(&key)), (vec!["SUPPRESSED".to_owned()], None), "hers, and respected");
        assert_eq!(reports(&sim), []);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_next_race_on_the_same_finding_is_told_again() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        let gate = alice(&mut sim, &key, Notified);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        assert_eq!(reports(&sim).len(), 1);
        gate.arm();
        sim.declare(&(hub() + &policy("p", SUPPRESS) + &policy_with("q", "  priority: 200", SUPPRESS)));
        sim.settle().await;
        assert_eq!((reports(&sim).len(), sim.figures().races_lost), (2, 2));
        sim.assert_stays().await;
    })
    .await;
}
