//! A clock for the tests of this room: tokio's, which they pause.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::engine::ports::Clock;

#[derive(Debug)]
pub(super) struct PausedClock(tokio::time::Instant);

impl PausedClock {
    pub(super) fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[async_trait]
impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-12-01T00:00:00Z".parse().unwrap();
        start + self.elapsed()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
