//! Where a command reads what is declared: a directory of manifests, or the objects of a cluster.

use std::fmt;
use std::path::{Path, PathBuf};

use super::cluster::ClusterFlags;
use super::failure::Failure;
use super::out::{count, remark};
use crate::assembly::cluster::{Cluster, ClusterError};
use crate::assembly::manifests::{Loaded, load};
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Desired;

/// Where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A directory, or one file.
    Directory(PathBuf),
    /// The objects of a cluster.
    Cluster(Cluster),
}

impl Place {
    pub(super) fn of(directory: Option<PathBuf>, cluster: ClusterFlags) -> Self {
        directory.map_or_else(|| Self::Cluster(cluster.cluster()), Self::Directory)
    }

    /// Everything that is declared there.
    pub(super) async fn read(&self) -> Result<Desired, Failure> {
        match self {
            Self::Directory(directory) => manifests(directory),
            Self::Cluster(cluster) => cluster.connect().await?.everything().await.map_err(Failure::from),
        }
    }

    /// The flags by which another command reads the same, each with a space before it.
    pub(super) fn flags(&self) -> String {
        match self {
            Self::Directory(directory) => format!(" -f {}", directory.display()),
            Self::Cluster(cluster) => cluster.flags(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory(_) => "the manifests",
            Self::Cluster(_) => "the cluster",
        })
    }
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::new(error.to_string(), error.advice())
    }
}

/// Manifests without errors; otherwise all errors are said.
pub(super) fn manifests(directory: &Path) -> Result<Desired, Failure> {
    let Loaded { desired, verdict } = load(directory);
    if verdict.errors.is_empty() {
        return Ok(desired);
    }
    for problem in &verdict.errors {
        remark(problem);
    }
    let sentence = format!("failed to use {}: {}", directory.display(), count(verdict.errors.len(), "error"));
    Err(Failure::new(sentence, "Correct what is listed above; `hubkeeper validate` checks it without AWS."))
}

/// The hubs that are meant: the one named, or all.
pub(super) fn hubs(desired: &Desired, named: Option<&str>, place: &Place) -> Result<Vec<String>, Failure> {
    let declared: Vec<String> = desired.objects.hubs.iter().map(|hub| hub.meta.object.name.to_string()).collect();
    let is_meant = |object: &ObjectRef| object.kind == Kind::SecurityHub && named.is_none_or(|named| *object.name == *named);
    match named {
        Some(named) if declared.iter().any(|hub| hub == named) => return Ok(vec![named.to_owned()]),
        None if !declared.is_empty() => return Ok(declared),
        _ => unusable(desired, is_meant)?,
    }
    Err(match named {
        Some(named) => Failure::new(
            format!("failed to find SecurityHub/{named} in {place}"),
            format!("Declared: {}.", if declared.is_empty() { "none".to_owned() } else { declared.join(", ") }),
        ),
        None => Failure::new(
            format!("failed to find a SecurityHub in {place}"),
            "Declare one: kind SecurityHub with spec.homeRegion, as in examples/quickstart/hub.yaml.",
        ),
    })
}

/// Whether an object that is meant is there and cannot be used: stored before a rule was, or of another version.
pub(super) fn unusable(desired: &Desired, meant: impl Fn(&ObjectRef) -> bool) -> Result<(), Failure> {
    let broken = desired.broken.iter().find_map(|broken| broken.object.as_ref().filter(|object| meant(object)).zip(Some(broken)));
    match broken {
        None => Ok(()),
        Some((object, broken)) => {
            let sentence = format!("failed to use {object}: {}", broken.message);
            Err(Failure::new(sentence, "Correct it and apply it again; the running controller leaves what it holds as it is."))
        }
    }
}
