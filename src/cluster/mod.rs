//! The API server as the source of desired state, and as the place of status and events; the Lease that says who leads.

pub mod lease;
