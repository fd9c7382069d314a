//! Which files a directory of manifests consists of, and their text.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::problem::Problem;

/// Largest file. An object of the API server has at most 1.5 MiB.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Most files in a directory.
const MAX_FILES: usize = 20_000;
/// Largest sum of all files.
const MAX_TOTAL_BYTES: u64 = 256 * 1024 * 1024;
/// Deepest subdirectory.
const MAX_DEPTH: usize = 16;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As the directory was given: `manifests/team/fsbp.yaml`.
    pub name: String,
    /// Its text, or why it cannot be had.
    pub text: Result<Arc<str>, String>,
}

/// All files, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files {
    /// The directory or file that was given.
    pub root: String,
    /// The files that manifests are read from.
    pub all: Vec<File>,
    /// What could not be listed: while there is any, not everything is known.
    pub unlisted: Vec<Problem>,
    /// What was passed over.
    pub notes: Vec<Problem>,
}

fn problem(path: &Path, message: String) -> Problem {
    Problem { file: path.display().to_string(), line: 0, field: String::new(), message }
}

/// Reads a directory with its subdirectories; or, for convenience, one file.
pub fn read(root: &Path) -> Files {
    let mut walk = Walk::default();
    walk.files.root = root.display().to_string();
    match fs::metadata(root) {
        Ok(metadata) if metadata.is_file() => walk.paths.push(root.to_owned()),
        Ok(_) => walk.directory(root, 0),
        Err(error) => walk.files.unlisted.push(problem(root, format!("cannot be read: {error}: create it, or name another"))),
    }
    let Walk { mut files, mut paths, .. } = walk;
    paths.sort();
    let mut total = 0;
    for path in paths {
        let text = text(&path);
        total += text.as_ref().map_or(0, |text| text.len()) as u64;
        if total > MAX_TOTAL_BYTES {
            let message = format!("this file and those after it are not read: all together may have {MAX_TOTAL_BYTES} bytes");
            files.unlisted.push(problem(&path, message));
            break;
        }
        files.all.push(File { name: path.display().to_string(), text });
    }
    files
}

#[derive(Default)]
struct Walk {
    files: Files,
    paths: Vec<PathBuf>,
    visited: BTreeSet<PathBuf>,
}

impl Walk {
    fn directory(&mut self, directory: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            let message = format!("is not read: directories must not be nested deeper than {MAX_DEPTH} levels");
            self.files.unlisted.push(problem(directory, message));
            return;
        }
        let listed = fs::canonicalize(directory).and_then(|real| Ok((real, fs::read_dir(directory)?)));
        let (real, entries) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                self.files.unlisted.push(problem(directory, format!("cannot be listed: {error}: allow reading it")));
                return;
            }
        };
        if !self.visited.insert(real.clone()) {
            self.files
                .notes
                .push(problem(directory, "passed over: this directory is read under another name already".to_owned()));
            return;
        }
        let mut found: Vec<(bool, PathBuf)> = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
                    found.push((link, entry.path()));
                }
                Err(error) => self.files.unlisted.push(problem(directory, format!("cannot be listed: {error}"))),
            }
        }
        // Links last, so that a directory is known under its own name.
        found.sort();
        for (link, path) in found {
            if is_noise(path.file_name()) {
                continue;
            }
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.directory(&path, depth + 1),
                Ok(metadata) if metadata.is_file() && is_manifest(&path) => {
                    // A link beside what it links to is no second declaration of it.
                    let own = real.join(path.file_name().unwrap_or_default());
                    let target = if link { fs::canonicalize(&path).unwrap_or(own) } else { own };
                    if !self.visited.insert(target) {
                        let message = "passed over: this file is read under another name already".to_owned();
                        self.files.notes.push(problem(&path, message));
                        continue;
                    }
                    if self.paths.len() < MAX_FILES {
                        self.paths.push(path);
                    } else if self.paths.len() == MAX_FILES {
                        let message = format!("has more than {MAX_FILES} manifests: split it");
                        self.files.unlisted.push(problem(directory, message));
                        return;
                    }
                }
                // A link to nothing, if it might have been a manifest or a directory of them.
                Err(error) if is_manifest(&path) || path.extension().is_none() => {
                    self.files.unlisted.push(problem(&path, format!("cannot be read: {error}")));
                }
                Ok(_) | Err(_) => {}
            }
        }
    }
}

/// Hidden files (`..data` of a ConfigMap mount too), backups and swap files of editors.
fn is_noise(name: Option<&OsStr>) -> bool {
    let name = name.map(OsStr::to_string_lossy).unwrap_or_default();
    let lower = name.to_ascii_lowercase();
    name.starts_with(['.', '#'])
        || name.ends_with(['~', '#'])
        || [".bak", ".orig", ".rej", ".swp", ".swo", ".tmp", ".new"].iter().any(|ending| lower.ends_with(ending))
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().map(OsStr::to_ascii_lowercase).unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| extension == *known)
}

#[expect(clippy::disallowed_methods, reason = "the edge: manifests are files")]
fn text(path: &Path) -> Result<Arc<str>, String> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is too large: a file may have {MAX_FILE_BYTES} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        format!("is not UTF-8 (line {line}): save it as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).into())
}
