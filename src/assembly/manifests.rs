//! Manifests and definitions, for the command line: what a directory declares, what is wrong with it, and the CRDs.

pub use crate::api::schema::{CrdError, crds_yaml};
pub use crate::api::{API_VERSION, GROUP};
pub use crate::manifest::{Loaded, Problem, Verdict, load};

use crate::core::ids::ObjectRef;
use crate::core::objects::{Meta, Objects};

/// Every declared object's identity and provenance, sorted by kind, namespace and name.
pub fn metas(objects: &Objects) -> Vec<&Meta> {
    let mut metas: Vec<&Meta> = objects.metas().collect();
    metas.sort_by(|a, b| a.object.cmp(&b.object));
    metas
}

/// The declared object of this name.
pub fn find<'a>(objects: &'a Objects, object: &ObjectRef) -> Option<&'a Meta> {
    metas(objects).into_iter().find(|meta| meta.object == *object)
}
