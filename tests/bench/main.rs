//! The figures of CONTRIBUTING.md.

fn main() {}
