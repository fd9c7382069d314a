//! What objects say of themselves, and when they cease to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hubkeeper::engine::ports::{Blocked, Effect, Gate};

use super::world::{both_ways, exception, grant, hub, parse_files, policy};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
const FAR: &str = "2027-03-01T00:00:00Z";

/// Lets no status of one object pass while it is shut.
struct Shut {
    object: &'static str,
    shut: AtomicBool,
}

#[async_trait]
impl Gate for Shut {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        let of_object = matches!(effect, Effect::Status(object) if object.to_string() == self.object);
        if of_object && self.shut.load(Ordering::SeqCst) { Err(Blocked::Fail) } else { Ok(()) }
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn removing_a_status_passes_the_gate_and_is_tried_again() {
    both_ways(async |mut sim| {
        let gate = Arc::new(Shut { object: "ControlPolicy/p", shut: false.into() });
        sim.gate = gate.clone();
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        assert!(sim.has_status("ControlPolicy/p"));
        gate.shut.store(true, Ordering::SeqCst);
        sim.declare(&hub());
        sim.settle().await;
        assert!(sim.has_status("ControlPolicy/p"), "the gate was shut");
        gate.shut.store(false, Ordering::SeqCst);
        sim.pass(120).await;
        assert!(!sim.has_status("ControlPolicy/p"));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn statuses_of_objects_deleted_while_nobody_ran_go_once_everything_declared_is_known() {
    both_ways(async |mut sim| {
        let target = "{controls: [S3.8], accounts: ['111122223333']}";
        sim.declare(&(hub() + &policy("p", RULE) + &policy("q", RULE) + &grant() + &exception("x", target, FAR)));
        sim.start();
        sim.settle().await;
        sim.crash().await;
        let rest = hub() + &policy("q", RULE);
        let desired = parse_files(&[("all.yaml", &rest), ("half.yaml", "kind: [Control")]);
        assert!(!desired.complete);
        sim.declare_as(desired);
        sim.start();
        sim.pass(300).await;
        let gone = ["ControlPolicy/p", "FindingException/team/x", "ExceptionPolicy/team"];
        assert!(gone.iter().all(|object| sim.has_status(object)), "what cannot be read may be any of them");
        sim.declare(&rest);
        sim.settle().await;
        assert_eq!(sim.statuses().into_keys().collect::<Vec<_>>(), ["ControlPolicy/q", "SecurityHub/main"]);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_whose_filter_waits_for_a_read_is_on_its_way_and_not_stalled() {
    both_ways(async |mut sim| {
        sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn");
        sim.latency = Duration::from_secs(5);
        sim.declare(&(hub() + &grant()));
        sim.start();
        sim.settle().await;
        let target = "{controls: [S3.8], accounts: ['111122223333'], tags: {env: [prod]}}";
        sim.declare(&(hub() + &grant() + &exception("x", target, FAR)));
        sim.pass(2).await;
        let status = sim.status("FindingException/team/x");
        let conditions: Vec<_> = status.conditions.iter().map(|c| (c.kind, c.status, c.reason)).collect();
        let waits = [
            ("InForce", None, "Backfilling"),
            ("Ready", None, "Backfilling"),
            ("Reconciling", Some(true), "Backfilling"),
            ("Stalled", Some(false), "Backfilling"),
        ];
        assert_eq!(conditions, waits);
        sim.settle().await;
        assert_eq!(sim.ready("FindingException/team/x").0, Some(true));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_as_a_whole_is_said_on_the_hub_until_it_can() {
    both_ways(async |mut sim| {
        let whole = policy("p", RULE);
        sim.declare_as(parse_files(&[("hub.yaml", &hub()), ("p.yaml", &whole)]));
        sim.start();
        sim.settle().await;
        assert_eq!(sim.ready("ControlPolicy/p"), (Some(true), "ReconciliationSucceeded"));
        for cut in ["", "{{{"] {
            sim.declare_as(parse_files(&[("hub.yaml", &hub()), ("p.yaml", cut)]));
            sim.settle().await;
            assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "Unreadable"), "{cut:?}");
        }
        sim.declare_as(parse_files(&[("hub.yaml", &hub()), ("p.yaml", &whole)]));
        sim.settle().await;
        assert_eq!(sim.ready("SecurityHub/main"), (Some(true), "ReconciliationSucceeded"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_several_guardrails_the_one_that_grants_is_named() {
    both_ways(async |mut sim| {
        for bucket in ["arn:aws:s3:::cdn", "arn:aws:s3:::logs"] {
            sim.fail("S3.8", "AwsS3Bucket", bucket);
        }
        let named = |name: &str| grant().replace("{name: team}", &format!("{{name: {name}}}"));
        let narrow = named("a").replace("maxFindings: 1000", "maxFindings: 1");
        let target = "{controls: [S3.8], accounts: ['111122223333']}";
        sim.declare(&(hub() + &narrow + &named("b") + &exception("x", target, FAR)));
        sim.start();
        sim.settle().await;
        // Counters lag by a minute.
        sim.pass(70).await;
        assert_eq!(sim.ready("FindingException/team/x").0, Some(true));
        assert_eq!(sim.exception("team", "x").granted_by.as_deref(), Some("b"));
        let counts = |name: &str| match sim.status(&format!("ExceptionPolicy/{name}")).detail {
            hubkeeper::engine::ports::Detail::ExceptionPolicy(detail) => (detail.exceptions, detail.active),
            other => panic!("{other:?}"),
        };
        assert_eq!((counts("a"), counts("b")), ((1, 0), (1, 1)));
    })
    .await;
}
