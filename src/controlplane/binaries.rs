//! The programs, and where they are.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::Error;

/// What `tests/setup.sh controlplane` builds from: it keeps one folder for each content.
const MODULE: [&str; 2] = [include_str!("../../tests/controlplane/go.mod"), include_str!("../../tests/controlplane/go.sum")];

/// The programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub(super) folder: PathBuf,
}

impl Binaries {
    /// Those in a folder, if all are there.
    pub fn in_folder(folder: &Path) -> Result<Self, Error> {
        let missing: Vec<&str> = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"]
            .into_iter()
            .filter(|name| !folder.join(name).is_file())
            .collect();
        if missing.is_empty() {
            return Ok(Self { folder: folder.to_owned() });
        }
        Err(Error::NoBinaries { folder: folder.to_owned(), missing: missing.join(", ") })
    }

    /// Those of this version that `tests/setup.sh controlplane` has built into a user's cache, such as `~/.cache`.
    pub fn built(cache: &Path) -> Result<Self, Error> {
        let digest = Sha256::digest(MODULE.concat());
        let mut key = String::new();
        for byte in digest.iter().take(8) {
            let _ = write!(key, "{byte:02x}");
        }
        Self::in_folder(&cache.join("hubkeeper").join(format!("controlplane-{key}")))
    }

    /// `kubectl`, of the version of the API server.
    pub fn kubectl(&self) -> PathBuf {
        self.folder.join("kubectl")
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
