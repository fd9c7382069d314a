//! The only room that knows every edge: puts rooms together for `run`, `plan`, `demo` and the tests. Decides nothing.

pub mod connect;
pub mod merge;
pub mod pass;
pub mod run;
pub mod survey;
pub mod time;
