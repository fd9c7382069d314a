//! What Hubkeeper is about, as pure values: identities, the borrowed finding document, AWS filter semantics, the matcher,
//! the decision chain, limits and plans.
//!
//! Invariant: no async, no I/O, no clock (`now` is an argument), no environment, no other room of this house.

pub mod answers;
pub mod catalogue;
pub mod compile;
pub mod decide;
pub mod digest;
pub mod doc;
pub mod effects;
pub mod facts;
pub mod filter;
pub mod grant;
pub mod hub_owner;
pub mod ids;
pub mod limits;
pub mod marker;
pub mod matcher;
pub mod note;
pub mod object_status;
pub mod objects;
pub mod problem;
pub mod reasons;
pub mod responses;
pub mod status;
