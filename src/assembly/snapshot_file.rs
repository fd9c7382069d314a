//! The file that Security Hub Local keeps its snapshot in.
//!
//! Invariant: what is at its path is whole at every moment, and one process writes it, one save at a time. A save is written
//! beside it (`FILE.part`) and put in its place when it is on disk; a lock on `FILE.lock` keeps other processes away, for as
//! long as this one lives, however it ends.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::local::Local;
use crate::local::snapshot::SnapshotError;

/// Links that are followed from one to the next, as the system does.
const LINKS: usize = 40;

/// Why a file cannot be used for snapshots.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The folder is missing.
    #[error("there is no folder {0}: make it, or name a file elsewhere")]
    NoFolder(PathBuf),
    /// A folder, a device.
    #[error("{0} is no ordinary file: name another, or one that is not there yet")]
    NoFile(PathBuf),
    /// Links that lead to each other.
    #[error("its links lead nowhere: name the file itself")]
    Links,
    /// Another process has it.
    #[error("another hubkeeper is using it (it holds {0}): end that one, or name another file")]
    InUse(PathBuf),
    /// It could not be written later.
    #[error(
        "it could not be saved later, since {path} cannot be written: {source}; name a file in a folder that can be written to"
    )]
    NotWritable {
        /// What was tried.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// The file; while this lives, no other process opens it.
#[derive(Debug)]
pub struct SnapshotFile {
    /// Links are followed: they stay.
    path: PathBuf,
    part: PathBuf,
    /// Held over a whole save.
    saving: Mutex<()>,
    /// Locked until it is closed.
    _lock: File,
}

impl SnapshotFile {
    /// Takes the file, which need not be there yet, and tries what saving takes: better now than when there is something to
    /// lose. What a save left behind that did not end is removed.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let path = followed(path.to_owned())?;
        let folder = folder(&path);
        if !folder.is_dir() {
            return Err(FileError::NoFolder(folder.to_owned()));
        }
        if fs::metadata(&path).is_ok_and(|known| !known.is_file()) {
            return Err(FileError::NoFile(path));
        }
        let lock = locked(with(&path, ".lock"))?;
        let part = with(&path, ".part");
        let tried = File::options().write(true).create(true).truncate(true).open(&part).and_then(|_| fs::remove_file(&part));
        tried.map_err(|source| FileError::NotWritable { path: part.clone(), source })?;
        Ok(Self { path, part, saving: Mutex::new(()), _lock: lock })
    }

    /// What is in it; `None`: nothing yet.
    #[expect(clippy::disallowed_methods, reason = "the edge: a snapshot is a file")]
    pub fn read(&self) -> io::Result<Option<File>> {
        match File::open(&self.path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Saves the hub. Gives how many findings are in it.
    pub fn save(&self, local: &Local) -> Result<usize, SnapshotError> {
        self.put(|file| local.save(file))
    }

    /// Writes beside it, and puts it in its place when it is whole and on disk.
    #[expect(clippy::disallowed_methods, reason = "the edge: a snapshot is a file")]
    fn put<T>(&self, write: impl FnOnce(&mut dyn Write) -> Result<T, SnapshotError>) -> Result<T, SnapshotError> {
        let _saving = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let written = File::create(&self.part).map_err(SnapshotError::from).and_then(|mut file| {
            let done = write(&mut file)?;
            file.sync_all()?;
            fs::rename(&self.part, &self.path)?;
            File::open(folder(&self.path))?.sync_all()?;
            Ok(done)
        });
        if written.is_err() {
            // What is left of it is of no use; that it cannot be removed is not what went wrong.
            let _ = fs::remove_file(&self.part);
        }
        written
    }
}

/// Where the links at this path lead, also if nothing is there yet.
fn followed(mut path: PathBuf) -> Result<PathBuf, FileError> {
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            // No link, or nothing there.
            Err(_) => return Ok(path),
        }
    }
    Err(FileError::Links)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn with(path: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// The lock file stays when the process ends: who removes it lets two others in, one by the old and one by a new one.
fn locked(path: PathBuf) -> Result<File, FileError> {
    let made = File::options().write(true).create(true).truncate(false).open(&path);
    let file = made.map_err(|source| FileError::NotWritable { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FileError::InUse(path)),
        Err(TryLockError::Error(source)) => Err(FileError::NotWritable { path, source }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "a test looks at its files")]
    use std::os::unix::fs::symlink;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn saves_that_overlap_wait_for_each_other_and_each_is_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("hub");
        let file = Arc::new(SnapshotFile::open(&path).unwrap());
        let inside = AtomicUsize::new(0);
        std::thread::scope(|threads| {
            for number in 0..6_u8 {
                let (file, inside) = (Arc::clone(&file), &inside);
                threads.spawn(move || {
                    let write = |to: &mut dyn Write| {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                        for _ in 0..200 {
                            to.write_all(&[b'0' + number; 100])?;
                            std::thread::yield_now();
                        }
                        inside.fetch_sub(1, Ordering::SeqCst);
                        Ok(())
                    };
                    file.put(write).unwrap();
                });
            }
        });
        let bytes = fs::read(&path).unwrap();
        assert!(bytes.len() == 20_000 && bytes.iter().all(|byte| *byte == bytes[0]));
        assert_eq!(names(place.path()), ["hub", "hub.lock"]);
    }

    #[test]
    fn a_save_that_fails_leaves_what_was_there() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("hub");
        fs::write(&path, "whole").unwrap();
        let file = SnapshotFile::open(&path).unwrap();
        let failed = file.put(|to| {
            to.write_all(b"half")?;
            Err::<(), _>(SnapshotError::Io(io::Error::from(ErrorKind::StorageFull)))
        });
        assert!(failed.is_err());
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), names(place.path()).len()), ("whole", 2));
    }

    #[test]
    fn one_process_has_it_at_a_time_and_another_is_told() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("hub");
        let first = SnapshotFile::open(&path).unwrap();
        let refused = SnapshotFile::open(&path).unwrap_err().to_string();
        assert!(refused.contains("another hubkeeper is using it") && refused.contains("hub.lock"), "{refused}");
        drop(first);
        SnapshotFile::open(&path).unwrap();
    }

    #[test]
    fn a_link_is_followed_and_stays_also_when_nothing_is_there_yet() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("data")).unwrap();
        let (real, link, second) = (place.path().join("data/hub"), place.path().join("link"), place.path().join("second"));
        symlink("data/hub", &link).unwrap();
        symlink("link", &second).unwrap();
        let file = SnapshotFile::open(&second).unwrap();
        for text in ["one", "two"] {
            file.put(|to| Ok(to.write_all(text.as_bytes())?)).unwrap();
            assert_eq!(fs::read_to_string(&real).unwrap(), text);
            assert_eq!(fs::read_to_string(&second).unwrap(), text);
        }
        assert!(fs::read_link(&link).is_ok() && fs::read_link(&second).is_ok());
        assert!(matches!(SnapshotFile::open(&real), Err(FileError::InUse(_))), "the same file by another name");
        symlink("b", place.path().join("a")).unwrap();
        symlink("a", place.path().join("b")).unwrap();
        assert!(matches!(SnapshotFile::open(&place.path().join("a")), Err(FileError::Links)));
    }

    #[test]
    fn what_cannot_be_saved_to_is_refused_at_once_and_said() {
        let place = tempfile::tempdir().unwrap();
        let said = |path: &Path| SnapshotFile::open(path).unwrap_err().to_string();
        let nowhere = place.path().join("nowhere");
        assert!(said(&nowhere.join("hub")).contains(&format!("there is no folder {}", nowhere.display())));
        assert!(said(place.path()).contains("is no ordinary file"));
        assert!(said(Path::new("/dev/null")).contains("is no ordinary file"));
        // Where nobody makes files, not even root.
        assert!(said(Path::new("/proc/hub")).contains("cannot be written"));
    }

    #[test]
    fn what_an_interrupted_save_left_is_removed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("hub");
        fs::write(place.path().join("hub.part"), "half").unwrap();
        SnapshotFile::open(&path).unwrap();
        assert_eq!(names(place.path()), ["hub.lock"]);
    }
}
