//! Security Hub's requests and answers, as far as this house sends or serves them: one file for each family of operations.
//!
//! What a caller may leave out is an `Option`, and a member that the model requires is none: reading a request without it fails.
//! Values that the service checks (bounds, patterns, words of a vocabulary) are checked by who serves it.

mod actions;
mod aggregators;
mod controls;
mod findings;
mod hub;
mod insights;
mod members;
mod organization;
mod products;
mod rules;
mod standards;
pub mod tags;

pub use actions::*;
pub use aggregators::*;
pub use controls::*;
pub use findings::*;
pub use hub::*;
pub use insights::*;
pub use members::*;
pub use organization::*;
pub use products::*;
pub use rules::*;
pub use standards::*;
pub use tags::{ResourceTags, TagResource, Tags};
