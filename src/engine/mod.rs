//! The loop: ingest, evaluate, limit, act, report. Knows the world only through [`ports`].
//!
//! Per finding and per object the same five steps: take in, judge, decide, apply, report; each a function of its own, and status,
//! events and figures are written in one place.

pub mod act;
mod backoff;
pub mod call;
mod doubt;
pub mod evaluate;
pub mod hub_owner;
mod ingest;
pub mod keeper;
pub mod ports;
mod report;
mod sync;
#[cfg(test)]
mod tests;
