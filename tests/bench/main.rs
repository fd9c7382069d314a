//! Figures: `make bench` prints ratios and counts, each taken within one run; times depend on the machine. One alone:
//! `cargo bench --bench figures -- calls` (or cycles, converge, regions, matcher, inventory, memory). Those of the cluster take half
//! an hour and an API server, and are only run by name: apply, ready, resident, idle, rights.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_wrap,
    reason = "a program for people outside the house: it measures, prints, and fails by panicking"
)]

mod cluster;
mod inventory;
mod keeping;
mod matcher;
mod memory;
mod process;
#[path = "../it/sim/world.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "the simulation's world, of which figures need a part"
)]
mod world;

/// A part, and its name.
type Part = (&'static str, fn());

const PARTS: [Part; 7] = [
    ("calls", keeping::calls),
    ("cycles", keeping::cycles),
    ("converge", keeping::converge),
    ("regions", keeping::regions),
    ("matcher", matcher::run),
    ("inventory", inventory::run),
    ("memory", memory::run),
];

/// On a real API server, and only by name.
const OF_THE_CLUSTER: [Part; 5] = [
    ("apply", cluster::apply),
    ("ready", cluster::ready),
    ("resident", cluster::resident),
    ("idle", cluster::idle),
    ("rights", cluster::rights),
];

#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a program for people")]
fn main() {
    // cargo adds --bench.
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let known: Vec<&str> = PARTS.iter().chain(&OF_THE_CLUSTER).map(|(name, _)| *name).collect();
    if let Some(unknown) = asked.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("there is no part {unknown}; there are: {}", known.join(", "));
        std::process::exit(2);
    }
    for (name, run) in PARTS {
        if asked.is_empty() || asked.iter().any(|wanted| wanted == name) {
            run();
        }
    }
    for (name, run) in OF_THE_CLUSTER {
        if asked.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
