//! A directory of manifests as the source of desired state, and a state directory as the place for status.
//!
//! Says offline what the API server would say (`schema`, then the CRD's own CEL rules), then what Hubkeeper would
//! (`TryFrom` in `api`), all errors at once, each with file, line, field and what is allowed. A file that cannot be read
//! freezes: what it may have declared is not known to be gone, so nothing is given back for a missing owner.

#[cfg(test)]
mod clock;
mod files;
mod load;
mod problem;
pub mod source;
pub mod status;
mod status_file;
#[cfg(test)]
mod tests;
mod warnings;
mod yaml;

pub use load::{Loaded, load};
pub use problem::{Problem, Verdict};
