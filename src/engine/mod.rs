//! The loop: ingest, evaluate, limit, act, report. Knows the world only through `ports`.

pub mod ports;
