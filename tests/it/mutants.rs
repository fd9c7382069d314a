//! The seeded bugs of `tests/mutants` fit the code as it is: `make mutants` takes minutes, this takes a moment.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn patches() -> BTreeMap<String, PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mutants");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let patches = files.filter(|path| path.extension().is_some_and(|extension| extension == "patch"));
    patches.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path)).collect()
}

#[test]
fn every_seeded_bug_fits_the_code_as_it_is() {
    let mut misfits = Vec::new();
    for (name, patch) in patches() {
        // As in a tree without a repository: what surrounds this one does not matter.
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checked = Command::new("git")
            .args(["apply", "--check"])
            .arg(&patch)
            .current_dir(root)
            .env("GIT_CEILING_DIRECTORIES", root.parent().unwrap())
            .output()
            .unwrap();
        if !checked.status.success() {
            misfits.push(format!("{name}: {}", String::from_utf8_lossy(&checked.stderr)));
        }
    }
    assert!(misfits.is_empty(), "make these patches again for the code as it is now:\n{}", misfits.join("\n"));
}

#[test]
fn every_seeded_bug_says_what_it_does_and_which_promise_it_breaks() {
    let promises = ["I3", "I4", "I5", "I6", "I8", "I9", "I10", "I11", "I12"];
    let mut broken = BTreeMap::new();
    for (name, patch) in patches() {
        let text = fs::read_to_string(patch).unwrap();
        let lines: Vec<&str> = text.lines().take(4).collect();
        let [says, promise, tests, ""] = lines[..] else { panic!("{name} does not begin with three lines and an empty one") };
        assert!(says.ends_with('.') && says.len() < 140, "{name}: one sentence says what the bug does");
        let promise = promise.strip_prefix("Promise: ").filter(|promise| promises.contains(promise));
        assert!(tests.starts_with("Tests: --"), "{name}: the arguments of the `cargo test` that has to notice");
        *broken.entry(promise.unwrap_or_else(|| panic!("{name} breaks one of {promises:?}")).to_owned()).or_insert(0) += 1;
    }
    assert!(broken.values().sum::<usize>() >= 20, "{broken:?}");
    // The other promises are of tickets and remediation, which there are not yet.
    assert_eq!(broken.len(), promises.len(), "each promise is broken by some bug: {broken:?}");
}
