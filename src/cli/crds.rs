//! `hubkeeper crds`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Ended;
use super::failure::Failure;
use super::out::{Out, remark};
use crate::assembly::manifests::{GROUP, crds_yaml};

/// Print the CustomResourceDefinitions, or write one file for each kind
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Write them here instead; definitions of ours that are no longer made are removed
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn execute(args: &Args, out: &mut Out) -> Result<Ended, Failure> {
    let files = crds_yaml().map_err(Failure::said)?;
    match &args.dir {
        None => {
            for (_, content) in &files {
                out.line("---")?;
                out.text(content)?;
            }
        }
        Some(directory) => {
            let written = write(directory, &files)
                .map_err(|(path, error)| Failure::said(format!("failed to write {}: {error}", path.display())))?;
            remark(format_args!("{written} files of {} written to {}", files.len(), directory.display()));
        }
    }
    Ok(Ended::Done)
}

/// Writes what differs and removes what is stale; says how many files changed.
#[expect(clippy::disallowed_methods, reason = "the edge: definitions are files")]
fn write(directory: &Path, files: &[(String, String)]) -> Result<usize, (PathBuf, std::io::Error)> {
    fs::create_dir_all(directory).map_err(|error| (directory.to_owned(), error))?;
    let mut changed = 0;
    for (name, content) in files {
        let path = directory.join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == *content) {
            continue;
        }
        fs::write(&path, content).map_err(|error| (path, error))?;
        changed += 1;
    }
    let made: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let entries = fs::read_dir(directory).map_err(|error| (directory.to_owned(), error))?;
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        // Only what was made by this command: somebody may keep other files beside.
        let ours =
            || fs::read_to_string(&path).is_ok_and(|text| text.starts_with("# Made by `hubkeeper crds`") && text.contains(GROUP));
        if path.extension().is_some_and(|extension| extension == "yaml") && !made.contains(name) && ours() {
            fs::remove_file(&path).map_err(|error| (path.clone(), error))?;
            changed += 1;
        }
    }
    Ok(changed)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make files")]
mod tests {
    use super::*;

    #[test]
    fn stale_definitions_go_and_files_of_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        let files = crds_yaml().unwrap();
        fs::write(directory.path().join("tickets.yaml"), &files[0].1).unwrap();
        fs::write(directory.path().join("kustomization.yaml"), "resources: []\n").unwrap();
        assert_eq!(write(directory.path(), &files).unwrap(), files.len() + 1);
        assert!(!directory.path().join("tickets.yaml").exists() && directory.path().join("kustomization.yaml").exists());
        assert_eq!(write(directory.path(), &files).unwrap(), 0, "what is as it should be is not written again");
    }
}
