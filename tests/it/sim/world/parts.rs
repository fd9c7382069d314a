//! Parts of a loop's surroundings that a test may turn: its clock, its right to write.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hubkeeper::assembly::time::HouseClock;
use hubkeeper::engine::ports::{Clock, Fence};
use jiff::{SignedDuration, Timestamp};

/// The clock of the loop's machine, which somebody may set; the hub has its own.
#[derive(Debug)]
pub struct SetClock {
    house: HouseClock,
    by: Mutex<SignedDuration>,
}

impl SetClock {
    /// One that is right, and goes as the runtime's does.
    pub(super) fn from(start: Timestamp) -> Self {
        Self { house: HouseClock::from(start, 1), by: Mutex::default() }
    }

    /// Sets it this much forward, or back.
    pub fn set(&self, by: SignedDuration) {
        *self.by.lock().unwrap() += by;
    }
}

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.house.now() + *self.by.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.house.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.house.sleep(duration).await;
    }
}

/// The right to write, which the loop has until it is taken away.
#[derive(Debug, Default)]
pub struct Right {
    lost: AtomicBool,
}

impl Right {
    /// Takes it away, or gives it back.
    pub fn lose(&self, lost: bool) {
        self.lost.store(lost, Ordering::Relaxed);
    }
}

#[async_trait]
impl Fence for Right {
    async fn may_write(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }
}
