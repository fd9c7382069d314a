//! The only room that knows every edge: puts rooms together for `run`, `plan`, `demo` and the tests. Decides nothing.

pub mod cluster;
pub mod connect;
mod gated;
pub mod host;
pub mod keep;
pub mod lead;
pub mod look;
pub mod manifests;
pub mod merge;
pub mod pass;
pub mod reach;
pub mod run;
pub mod serve;
pub mod snapshot_file;
pub mod survey;
pub mod take_over;
pub mod time;
pub mod tour;
