//! The clock and the dice of the house.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::engine::ports::{Clock, Rng};

/// Time as tokio has it: the system's, or, in a paused runtime, the test's.
#[derive(Debug, Clone)]
pub struct HouseClock {
    start: Instant,
    wall: Option<Timestamp>,
    factor: u32,
}

impl HouseClock {
    /// The system's clock.
    pub fn system() -> Self {
        Self { start: Instant::now(), wall: None, factor: 1 }
    }

    /// One that shows `wall` now and goes `factor` times as fast as tokio's.
    pub fn from(wall: Timestamp, factor: u32) -> Self {
        Self { start: Instant::now(), wall: Some(wall), factor: factor.max(1) }
    }
}

#[async_trait]
impl Clock for HouseClock {
    fn now(&self) -> Timestamp {
        match self.wall {
            None => system_now(),
            Some(wall) => {
                let elapsed = SignedDuration::try_from(self.elapsed()).unwrap_or(SignedDuration::MAX);
                wall.checked_add(elapsed).unwrap_or(Timestamp::MAX)
            }
        }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed() * self.factor
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration / self.factor).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
fn system_now() -> Timestamp {
    Timestamp::now()
}

/// Dice: seeded in tests, from the system's entropy otherwise.
#[derive(Debug)]
pub struct Dice(Mutex<fastrand::Rng>);

impl Dice {
    /// Different at every start.
    pub fn fair() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// The same at every start.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Rng for Dice {
    fn fraction(&self) -> f64 {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).f64()
    }
}
