//! The crash harness: every effect of a run is recorded; then the run is played again with a stop, a failure or a lost answer at
//! each of them, and has to end as the clean run did, with at most one write more to each finding.
//!
//! A crash is the loop's task dropped with everything it knew, at exactly that passage; the hub is kept, and a new loop starts
//! from nothing.

#![allow(clippy::print_stdout, reason = "the figures of a run")]

mod enumerate;
pub mod gate;
mod play;
mod random;
mod scenarios;
