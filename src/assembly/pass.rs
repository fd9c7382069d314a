//! Gates and fences.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::core::ids::ObjectRef;
use crate::engine::ports::{Absence, Blocked, Effect, Fence, Gate, SinkError};

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

#[async_trait]
impl Gate for OpenGate {
    async fn before(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

/// Ends the process at the n-th passage, without any tidying: for crash tests of the real program.
#[derive(Debug)]
pub struct AbortGate {
    at: u64,
    passages: AtomicU64,
}

impl AbortGate {
    /// Passages are counted from 1; each effect has two, before and after.
    pub fn at(passage: u64) -> Self {
        Self { at: passage, passages: AtomicU64::new(0) }
    }

    fn pass(&self) {
        if self.passages.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            std::process::abort();
        }
    }
}

#[async_trait]
impl Gate for AbortGate {
    async fn before(&self, _effect: &Effect) -> Result<(), Blocked> {
        self.pass();
        Ok(())
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        self.pass();
        Ok(())
    }
}

/// A listing is proof enough: a directory is read whole or not at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListingProves;

#[async_trait]
impl Absence for ListingProves {
    async fn is_gone(&self, _object: &ObjectRef) -> Result<bool, SinkError> {
        Ok(true)
    }
}

/// There is one writer by construction: whoever holds the state directory's lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoleWriter;

#[async_trait]
impl Fence for SoleWriter {
    async fn may_write(&self) -> bool {
        true
    }
}
