//! The right to write while we lead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::engine::ports::{Clock, Fence};

/// Until when we may start something.
#[derive(Debug, Clone)]
pub struct Standing {
    clock: Arc<dyn Clock>,
    until: Arc<Mutex<Option<Duration>>>,
}

impl Standing {
    /// Of nobody yet.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, until: Arc::default() }
    }

    /// From now on, until this time of the clock.
    pub(super) fn begin(&self, until: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// No longer.
    pub(super) fn end(&self) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether something may start now.
    pub fn stands(&self) -> bool {
        self.until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| self.clock.elapsed() < until)
    }
}

/// Asked before every effect.
#[derive(Debug, Clone)]
pub struct LeaseFence(Standing);

impl LeaseFence {
    pub(super) fn new(standing: Standing) -> Self {
        Self(standing)
    }
}

#[async_trait]
impl Fence for LeaseFence {
    async fn may_write(&self) -> bool {
        self.0.stands()
    }
}
