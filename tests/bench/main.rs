//! Figures: `make bench` prints ratios and counts, each taken within one run; times depend on the machine. One alone:
//! `cargo bench --bench figures -- calls` (or cycles, converge, regions, topologies, matcher, inventory, memory, local). Those of the cluster take
//! half an hour and an API server, and are only run by name: apply, ready, resident, idle, rights.
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
mod local;
mod matcher;
mod memory;
mod process;
#[path = "../it/sim/topology.rs"]
#[allow(clippy::unwrap_used, missing_docs, reason = "the simulation's hubs at size")]
mod topology;
#[path = "../it/sim/world/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "the simulation's world, of which figures need a part"
)]
mod world;

/// A part, and its name.
type Part = (&'static str, fn());

const PARTS: [Part; 9] = [
    ("calls", keeping::calls),
    ("cycles", keeping::cycles),
    ("converge", keeping::converge),
    ("regions", keeping::regions),
    ("topologies", keeping::topologies),
    ("matcher", matcher::run),
    ("inventory", inventory::run),
    ("memory", memory::run),
    ("local", local::run),
];

/// In a process of its own, that `local` starts.
const OF_LOCAL: Part = ("restored", local::restored);

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
    let by_name = || std::iter::once(&OF_LOCAL).chain(&OF_THE_CLUSTER);
    let known: Vec<&str> = PARTS.iter().chain(by_name()).map(|(name, _)| *name).collect();
    if let Some(unknown) = asked.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("there is no part {unknown}; there are: {}", known.join(", "));
        std::process::exit(2);
    }
    for (name, run) in PARTS {
        if asked.is_empty() || asked.iter().any(|wanted| wanted == name) {
            run();
        }
    }
    for (name, run) in by_name() {
        if asked.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
