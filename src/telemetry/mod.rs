//! What is seen from outside: log lines, metrics, events, health. Knows the ports only.
//!
//! Invariants: no id, title or tag of a finding in a metric; the number of series is bounded; the SDK's own debug lines, which
//! may carry bodies, are never written.

pub mod events;
pub mod health;
pub mod log;
pub mod metrics;
