//! I3: who is missing from what is listed may be there all the same, and is asked for before anything is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use hubkeeper::core::ids::ObjectRef;
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::engine::ports::{Absence, SinkError};

use super::world::{both_ways, hub, policy};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";

/// A place that knows more than what it listed.
#[derive(Debug, Default)]
struct Knows {
    gone: AtomicBool,
    silent: AtomicBool,
    asked: AtomicU64,
}

#[async_trait]
impl Absence for Knows {
    async fn is_gone(&self, object: &ObjectRef) -> Result<bool, SinkError> {
        assert_eq!(object.to_string(), "ControlPolicy/logs");
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.silent.load(Ordering::Relaxed) {
            return Err(SinkError { action: "ask".to_owned(), message: "no answer".to_owned() });
        }
        Ok(self.gone.load(Ordering::Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_that_is_not_listed_gives_nothing_back_until_it_is_proved_to_be_gone() {
    both_ways(async |mut sim| {
        let knows = Arc::new(Knows::default());
        sim.absence = knows.clone();
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::logs");
        sim.declare(&(hub() + &policy("logs", RULE)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), knows.asked.load(Ordering::Relaxed)), (Suppressed, 0));
        let writes = sim.writes();
        sim.declare(&hub());
        sim.pass(3600).await;
        let asked = knows.asked.load(Ordering::Relaxed);
        assert!(asked > 1, "it is asked again: {asked}");
        knows.silent.store(true, Ordering::Relaxed);
        sim.pass(3600).await;
        assert!(knows.asked.load(Ordering::Relaxed) > asked);
        assert_eq!((sim.workflow(&key), sim.writes()), (Suppressed, writes));
        knows.silent.store(false, Ordering::Relaxed);
        knows.gone.store(true, Ordering::Relaxed);
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        sim.assert_stays().await;
    })
    .await;
}
