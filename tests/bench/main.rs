//! Figures: `make bench` prints ratios and counts, each taken within one run; times depend on the machine. One alone:
//! `cargo bench --bench figures -- calls` (or cycles, converge, regions, matcher, inventory, memory, local).
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::cast_possible_wrap,
    reason = "a program for people outside the house: it measures, prints, and fails by panicking"
)]

mod inventory;
mod keeping;
mod local;
mod matcher;
mod memory;
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

const PARTS: [Part; 8] = [
    ("calls", keeping::calls),
    ("cycles", keeping::cycles),
    ("converge", keeping::converge),
    ("regions", keeping::regions),
    ("matcher", matcher::run),
    ("inventory", inventory::run),
    ("memory", memory::run),
    ("local", local::run),
];

#[expect(clippy::print_stderr, clippy::disallowed_methods, reason = "a program for people")]
fn main() {
    // cargo adds --bench.
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if let Some(unknown) = asked.iter().find(|name| PARTS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no part {unknown}; there are: {}", known.join(", "));
        std::process::exit(2);
    }
    for (name, run) in PARTS {
        if asked.is_empty() || asked.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
