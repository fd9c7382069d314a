//! Simulation: the shipped loop, the shipped AWS adapters and Security Hub Local in one process, under paused time. Hours pass in
//! milliseconds, and every run of a seed is the same. One file for each promise.

mod backfill;
mod basics;
mod checks;
mod clocks;
mod faults;
mod inherit;
mod limits;
mod owner;
mod people;
mod proof;
mod races;
mod reads;
mod rules;
mod shutdown;
mod size;
mod statuses;
mod take_back;
mod topology;
pub mod world;
