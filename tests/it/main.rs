//! The one integration-test binary: everything that looks at Hubkeeper from outside a room.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, and tests stand outside the house's bans"
)]

mod cli;
mod cluster;
mod crash;
mod layering;
mod manifests;
mod mutants;
mod real;
mod sim;
