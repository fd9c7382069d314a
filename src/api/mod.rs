//! The custom resources of `hubkeeper.dev/v1alpha1`: one file per kind, with its spec, status, printer columns and rules.
//!
//! The descriptions are the manual (`kubectl explain`): every field says unit, default and an example. Each kind is parsed
//! into `core::objects` once, by `TryFrom`, with all errors at once and the path of each.
#![allow(
    rustdoc::broken_intra_doc_links,
    rustdoc::bare_urls,
    reason = "descriptions of fields are what kubectl explain prints: their brackets are YAML"
)]
#![expect(clippy::duplicated_attributes, reason = "printer columns share their types and priorities")]
#![expect(clippy::doc_link_with_quotes, reason = "the documentation is the schema's description, with examples in YAML")]

pub mod account;
pub mod approval;
pub mod conditions;
pub mod control_policy;
pub mod exception_policy;
pub mod finding_exception;
pub mod judge;
pub mod matching;
mod nulls;
pub mod object_status;
pub mod parse;
pub mod schema;
pub mod security_hub;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use approval::Approval;
pub use control_policy::ControlPolicy;
pub use exception_policy::ExceptionPolicy;
pub use finding_exception::FindingException;
pub use schema::{all_crds, crd, crds_yaml, plural};
pub use security_hub::SecurityHub;

/// The API group.
pub const GROUP: &str = "hubkeeper.dev";
/// The version.
pub const VERSION: &str = "v1alpha1";
/// `apiVersion` of every kind.
pub const API_VERSION: &str = "hubkeeper.dev/v1alpha1";
