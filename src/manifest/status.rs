//! Status as files, and the lock of the state directory. Deleting all of it loses nothing.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::status_file;
use crate::core::ids::{Kind, ObjectRef};
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
        let content = status_file::file(status, before.as_deref(), self.clock.now()).map_err(&failed)?;
        if before.as_deref() == Some(content.as_str()) {
            return Ok(());
        }
        replace(&path, &content).map_err(|error| {
            failed(format!("{}: {error}: check the state directory's permissions and free space", path.display()))
        })
    }

    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError> {
        let mut objects = Vec::new();
        for kind in Kind::ALL {
            for namespace in names(&self.root.join(kind.as_str()))? {
                for file in names(&self.root.join(kind.as_str()).join(&namespace))? {
                    // Temporary files and what is not ours are left alone.
                    let Some(name) = file.strip_suffix(".yaml") else { continue };
                    let text = if namespace == "_" { format!("{kind}/{name}") } else { format!("{kind}/{namespace}/{name}") };
                    objects.extend(text.parse::<ObjectRef>().ok().filter(|object| self.path(object).is_some()));
                }
            }
        }
        Ok(objects)
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

/// The names in a directory, sorted; none if there is no such directory.
fn names(directory: &Path) -> Result<Vec<String>, SinkError> {
    let failed = |error: std::io::Error| SinkError {
        action: "list the statuses".to_owned(),
        message: format!("{}: {error}: check the state directory's permissions", directory.display()),
    };
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    names.sort_unstable();
    Ok(names)
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read what was written")]
mod tests {
    use std::time::Duration;

    use super::super::clock::PausedClock;
    use super::*;
    use crate::engine::ports::{Condition, Detail, ExceptionDetail, PolicyDetail};

    fn status(held: u64, ready: bool, message: &str) -> ObjectStatus {
        ObjectStatus {
            object: ObjectRef::cluster(Kind::ControlPolicy, "fsbp"),
            observed_generation: 3,
            handled_request: Some("now".into()),
            conditions: vec![Condition {
                kind: "Ready",
                status: Some(ready),
                reason: "ReconciliationSucceeded",
                message: message.to_owned(),
            }],
            detail: Detail::Policy(PolicyDetail { held, ..PolicyDetail::default() }),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_status_is_a_file_that_people_can_read() {
        let state = tempfile::tempdir().unwrap();
        let sink = FileStatus::new(state.path(), Arc::new(PausedClock::new()));
        sink.write(&status(7, true, "as declared")).await.unwrap();
        let text = fs::read_to_string(state.path().join("status/ControlPolicy/_/fsbp.yaml")).unwrap();
        insta::assert_snapshot!(text, @r#"
        apiVersion: hubkeeper.dev/v1alpha1
        kind: ControlPolicy
        metadata:
          name: fsbp
        status:
          conditions:
          - lastTransitionTime: "2026-12-01T00:00:00Z"
            message: as declared
            observedGeneration: 3
            reason: ReconciliationSucceeded
            status: "True"
            type: Ready
          decided: 0
          excepted: 0
          held: 7
          inScope: 0
          lastHandledReconcileAt: now
          observedGeneration: 3
          pendingChanges: 0
          respected: 0
        "#);
    }

    #[tokio::test(start_paused = true)]
    async fn an_equal_status_writes_nothing_and_a_condition_keeps_its_time_until_it_changes() {
        let state = tempfile::tempdir().unwrap();
        let sink = FileStatus::new(state.path(), Arc::new(PausedClock::new()));
        let path = sink.path(&status(1, true, "").object).unwrap();
        sink.write(&status(1, true, "a")).await.unwrap();
        let (first, written) = (fs::read_to_string(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        fs::File::options().write(true).open(&path).unwrap().set_modified(written - Duration::from_mins(1)).unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        sink.write(&status(1, true, "a")).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written - Duration::from_mins(1));
        sink.write(&status(2, true, "b")).await.unwrap();
        let second = fs::read_to_string(&path).unwrap();
        assert!(second != first && second.contains("2026-12-01T00:00:00Z"), "{second}");
        sink.write(&status(2, false, "c")).await.unwrap();
        let third = fs::read_to_string(&path).unwrap();
        assert!(third.contains("2026-12-01T00:00:05Z"), "{third}");
        sink.forget(&status(2, false, "c").object).await.unwrap();
        sink.forget(&status(2, false, "c").object).await.unwrap();
        assert!(!path.exists());
    }

    #[tokio::test(start_paused = true)]
    async fn a_spoilt_or_deleted_file_is_written_anew_and_no_name_leaves_the_directory() {
        let state = tempfile::tempdir().unwrap();
        let sink = FileStatus::new(state.path(), Arc::new(PausedClock::new()));
        let mut status = status(1, true, "a");
        status.object = ObjectRef::namespaced(Kind::FindingException, "team", "cdn");
        status.detail = Detail::Exception(ExceptionDetail { state: "Active", ..ExceptionDetail::default() });
        let path = state.path().join("status/FindingException/team/cdn.yaml");
        for spoilt in [&b"\xff\xfe: ["[..], b"", b"status: 7"] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, spoilt).unwrap();
            sink.write(&status).await.unwrap();
            assert!(fs::read_to_string(&path).unwrap().contains("state: Active"));
        }
        fs::remove_dir_all(state.path().join("status")).unwrap();
        sink.write(&status).await.unwrap();
        assert!(path.exists());
        status.object = ObjectRef::namespaced(Kind::FindingException, "..", "cdn");
        assert!(sink.write(&status).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn every_status_is_listed_and_what_is_none_is_left_alone() {
        let state = tempfile::tempdir().unwrap();
        let sink = FileStatus::new(state.path(), Arc::new(PausedClock::new()));
        assert_eq!(sink.listed().await.unwrap(), []);
        let mut exception = status(1, true, "in force");
        exception.object = ObjectRef::namespaced(Kind::FindingException, "team", "cdn");
        exception.detail = Detail::Exception(ExceptionDetail { state: "Active", ..ExceptionDetail::default() });
        sink.write(&exception).await.unwrap();
        sink.write(&status(7, true, "as declared")).await.unwrap();
        fs::write(state.path().join("status/ControlPolicy/_/notes.txt"), "mine").unwrap();
        fs::write(state.path().join("status/ControlPolicy/_/.fsbp.yaml.tmp"), "half").unwrap();
        fs::write(state.path().join("status/README"), "mine").unwrap();
        let fsbp = ObjectRef::cluster(Kind::ControlPolicy, "fsbp");
        assert_eq!(sink.listed().await.unwrap(), [fsbp, exception.object.clone()]);
        sink.forget(&exception.object).await.unwrap();
        assert_eq!(sink.listed().await.unwrap().len(), 1);
    }

    #[test]
    fn a_state_directory_has_one_user() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("state");
        let lock = StateLock::acquire(&directory).unwrap();
        let refused = StateLock::acquire(&directory).unwrap_err().to_string();
        let wanted = format!(
            "failed to lock the state directory {}: another hubkeeper (process {}) is using it; stop that one, or name another \
             directory with --state-dir",
            directory.display(),
            std::process::id()
        );
        assert_eq!(refused, wanted);
        drop(lock);
        StateLock::acquire(&directory).unwrap();
        let file = parent.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(StateLock::acquire(&file).is_err());
    }
}
