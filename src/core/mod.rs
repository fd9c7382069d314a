//! What Hubkeeper is about, as pure values: identities, the borrowed finding document, AWS filter semantics, the matcher,
//! the decision chain, limits and plans.
//!
//! Invariant: no async, no I/O, no clock (`now` is an argument), no environment, no other room of this house.

pub mod catalogue;
pub mod doc;
pub mod facts;
pub mod filter;
pub mod grant;
pub mod ids;
pub mod marker;
pub mod matcher;
pub mod objects;
pub mod problem;
pub mod status;
