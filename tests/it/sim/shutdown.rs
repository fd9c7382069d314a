//! The end of the loop, or of its right to write: what it started, it finishes; nothing new begins.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::engine::ports::{Blocked, Effect, Gate};

use super::world::{Sim, both_ways, hub, policy};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";

/// Lets everything pass, and counts what is under way.
#[derive(Default)]
struct UnderWay {
    writes: AtomicUsize,
    acknowledgements: AtomicUsize,
}

impl UnderWay {
    fn of(&self, effect: &Effect) -> Option<&AtomicUsize> {
        match effect {
            Effect::HubWrite(_) => Some(&self.writes),
            Effect::QueueAck(_) => Some(&self.acknowledgements),
            _ => None,
        }
    }
}

#[async_trait]
impl Gate for UnderWay {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        self.of(effect).inspect(|count| _ = count.fetch_add(1, Ordering::Relaxed));
        Ok(())
    }

    async fn after(&self, effect: &Effect) -> Result<(), Blocked> {
        self.of(effect).inspect(|count| _ = count.fetch_sub(1, Ordering::Relaxed));
        Ok(())
    }
}

/// A loop whose calls take a second, that has nothing left to do. Under the defaults alone: what an acknowledgement or a write that
/// is under way meets at the end is no question of what AWS leaves unsaid.
async fn settled() -> (Sim, Arc<UnderWay>) {
    let mut sim = Sim::new();
    let under_way = Arc::new(UnderWay::default());
    sim.gate = under_way.clone();
    sim.latency = Duration::from_secs(1);
    sim.declare(&(hub() + &policy("p", RULE)));
    sim.start();
    sim.settle().await;
    for _ in 0..600 {
        if sim.local.queues().bodies(&sim.local.event_queue()).is_empty() {
            break;
        }
        sim.pass(1).await;
    }
    assert!(sim.local.queues().bodies(&sim.local.event_queue()).is_empty());
    sim.settle().await;
    (sim, under_way)
}

async fn until_there_is_one(count: &AtomicUsize) {
    for _ in 0..6000 {
        if count.load(Ordering::Relaxed) > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not begin within a minute");
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_is_under_way_is_awaited() {
    let (mut sim, under_way) = settled().await;
    sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::new");
    until_there_is_one(&under_way.acknowledgements).await;
    assert_eq!(sim.local.queues().bodies(&sim.local.event_queue()).len(), 1, "it has not arrived yet");
    sim.stop().await;
    assert!(sim.local.queues().bodies(&sim.local.event_queue()).is_empty(), "the message would come a second time");
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_under_way_is_awaited() {
    let (mut sim, under_way) = settled().await;
    let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::new");
    until_there_is_one(&under_way.writes).await;
    sim.stop().await;
    assert_eq!(sim.workflow(&key), Suppressed);
    assert_eq!(sim.writes(), 1);
}

/// Where somebody else leads, the loop may not have noticed yet.
#[tokio::test(start_paused = true)]
async fn without_the_right_to_write_nothing_is_started_though_the_loop_goes_on() {
    both_ways(async |mut sim| {
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        sim.right.lose(true);
        let writes = || sim.calls("BatchUpdateFindings") + sim.calls("TagResource");
        let before = writes();
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::b");
        sim.pass(1200).await;
        assert_eq!((writes(), sim.workflow(&key)), (before, New));
        sim.right.lose(false);
        sim.pass(1200).await;
        assert_eq!(sim.workflow(&key), Suppressed);
    })
    .await;
}
