//! Parses, traces, exits.

fn main() {}
