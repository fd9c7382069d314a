//! Status as files, and the lock of the state directory. Deleting all of it loses nothing.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::shapes;
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Clock, ObjectStatus, SinkError, StatusSink};

/// Writes `STATE_DIR/status/<kind>/<namespace or _>/<name>.yaml`.
#[derive(Debug)]
pub struct FileStatus {
    root: PathBuf,
    clock: Arc<dyn Clock>,
}

impl FileStatus {
    /// Under a state directory; the clock says when a condition changed.
    pub fn new(state_directory: &Path, clock: Arc<dyn Clock>) -> Self {
        Self { root: state_directory.join("status"), clock }
    }

    /// Where the status of an object is.
    pub fn path(&self, object: &ObjectRef) -> Option<PathBuf> {
        let namespace = object.namespace.as_deref().unwrap_or("_");
        // Names come from validated manifests; a path is still never made of something that could leave the directory.
        let plain = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['/', '\\', '\0']);
        (plain(namespace) && plain(&object.name))
            .then(|| self.root.join(object.kind.as_str()).join(namespace).join(format!("{}.yaml", object.name)))
    }
}

#[async_trait]
impl StatusSink for FileStatus {
    async fn write(&self, status: &ObjectStatus) -> Result<(), SinkError> {
        let failed = |message: String| SinkError { action: format!("write the status of {}", status.object), message };
        let path = self.path(&status.object).ok_or_else(|| failed("its name cannot be a file name".to_owned()))?;
        let before = read(&path).map_err(&failed)?;
        let content = shapes::file(status, before.as_deref(), self.clock.now()).map_err(&failed)?;
        if before.as_deref() == Some(content.as_str()) {
            return Ok(());
        }
        replace(&path, &content).map_err(|error| {
            failed(format!("{}: {error}: check the state directory's permissions and free space", path.display()))
        })
    }

    async fn forget(&self, object: &ObjectRef) -> Result<(), SinkError> {
        let Some(path) = self.path(object) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(SinkError {
                action: format!("remove the status of {object}"),
                message: format!("{}: {error}: check the state directory's permissions", path.display()),
            }),
            _ => Ok(()),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge: status is files")]
fn read(path: &Path) -> Result<Option<String>, String> {
    match fs::read(path) {
        // What is not even text is written anew.
        Ok(bytes) => Ok(String::from_utf8(bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}: check the state directory's permissions", path.display())),
    }
}

/// Writes beside and renames, so that a reader sees the old or the new and nothing else.
#[expect(clippy::disallowed_methods, reason = "the edge: status is files")]
fn replace(path: &Path, content: &str) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.tmp"));
    fs::write(&beside, content)?;
    fs::rename(&beside, path)
}

/// Why a state directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error(
        "failed to lock the state directory {directory}: another hubkeeper{holder} is using it; stop that one, or name another \
         directory with --state-dir"
    )]
    InUse {
        /// The directory.
        directory: String,
        /// ` (process 4711)`, if it could be read.
        holder: String,
    },
    /// It cannot be made or opened.
    #[error("failed to lock the state directory {directory}: {source}; make it writable, or name another with --state-dir")]
    Unusable {
        /// The directory.
        directory: String,
        /// Why.
        source: std::io::Error,
    },
}

/// The right to use a state directory; given back when dropped, by the system too if the process dies.
#[derive(Debug)]
pub struct StateLock {
    _file: fs::File,
}

impl StateLock {
    /// Locks a directory, making it if it is missing. Never waits.
    pub fn acquire(directory: &Path) -> Result<Self, LockError> {
        let unusable = |source| LockError::Unusable { directory: directory.display().to_string(), source };
        fs::create_dir_all(directory).map_err(unusable)?;
        let path = directory.join("lock");
        // Not truncated before it is ours: it says who has it.
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = read(&path).ok().flatten().and_then(|text| text.trim().parse::<u32>().ok());
                let holder = holder.map(|process| format!(" (process {process})")).unwrap_or_default();
                return Err(LockError::InUse { directory: directory.display().to_string(), holder });
            }
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}
