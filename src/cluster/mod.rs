//! The API server as the source of desired state, and as the place of status and events; the Lease that says who leads.
//!
//! Sets no finalizers: what is held is written in the hub, so that a deletion never has to wait for us.

pub mod absence;
mod applied;
mod definitions;
pub mod events;
pub mod failure;
pub mod identity;
pub mod lease;
mod managed;
pub mod read;
pub mod resource;
pub mod source;
pub mod status;
pub mod store;
