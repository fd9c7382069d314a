//! AWS behind the ports: Security Hub, STS and SQS through the SDK.
//!
//! Invariants: time is the [`crate::engine::ports::Clock`], also for the SDK; the SDK never retries, [`quota`] holds the one
//! retry loop; every attempt costs one token of our share; a body that is no answer is a failure and never "nothing".
//!
//! Knows the ports and the core values they are made of, and no other room.

pub mod clock;
mod exclusive;
pub mod failure;
pub mod feed;
pub mod inprocess;
pub mod queue_target;
pub mod quota;
mod raw;
pub mod securityhub;
#[cfg(test)]
mod testing;
pub mod transport;
