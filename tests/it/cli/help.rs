//! What the program says of itself: help, version, definitions, completion; and what it says of wrong use.

use std::fs;
use std::path::PathBuf;

use super::{code, page, root, run, said, text};

const COMMANDS: [&str; 12] =
    ["approve", "completion", "crds", "demo", "digest", "explain", "local", "plan", "run", "take-over", "validate", "version"];

#[test]
fn help_of_every_command() {
    insta::assert_snapshot!("help", said(root(), &["--help"]));
    for command in COMMANDS {
        insta::assert_snapshot!(format!("help_{command}"), said(root(), &[command, "--help"]));
    }
}

#[test]
fn the_short_help_names_every_command_and_every_command_has_one() {
    let help = text(&run(&["-h"]).stdout);
    for command in COMMANDS {
        assert!(help.contains(&format!("\n  {command} ")), "{command}: {help}");
        assert_eq!(code(&run(&[command, "-h"])), 0, "{command}");
    }
}

#[test]
fn wrong_use_is_one_sentence_and_how_it_is_used() {
    let parts: Vec<String> = [
        &["pln"][..],
        &["plan", "--nope"],
        &["plan", "a", "-f", "b"],
        &["plan", "examples/quickstart", "-o", "xml"],
        &["plan", "examples/quickstart", "--endpoint-url", "http://example.com"],
        &["plan", "examples/quickstart", "--hub", "other"],
        &["explain"],
        &["local", "--listen", "0.0.0.0:0"],
        &["local", "--throttle-percent", "101"],
        &["local", "--accounts", "0"],
        &["local", "--start", "yesterday"],
        &["local", "--home-region", "Ireland"],
        &["local", "--external-id", "example"],
        &["local", "--faults", "nowhere.json"],
        &["local", "--queue", "a/b"],
        &["local", "--queue", ""],
        &["local", "--max-receives", "0"],
        &["local", "--listen", "hub:4600"],
        &["demo", "--findings", "3"],
        &["run", "-f", "examples/quickstart", "--log", "loud=very"],
    ]
    .iter()
    .map(|args| said(root(), args))
    .collect();
    insta::assert_snapshot!(page(&parts));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let script = format!("{} crds | head -n 1", super::BIN);
    let output = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().unwrap();
    assert_eq!((text(&output.stdout).lines().count(), text(&output.stderr), code(&output)), (1, String::new(), 0));
}

#[test]
fn the_completion_of_bash_completes_commands_and_flags() {
    let script = text(&run(&["completion", "bash"]).stdout);
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("completion"), script).unwrap();
    let complete = |words: &str, last: usize| {
        let script = format!(
            "source completion; COMP_WORDS=({words}); COMP_CWORD={last}; _hubkeeper hubkeeper \"${{COMP_WORDS[{last}]}}\" \"${{COMP_WORDS[{last}-1]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        text(&std::process::Command::new("bash").args(["-c", &script]).current_dir(directory.path()).output().unwrap().stdout)
    };
    assert_eq!(complete("hubkeeper va", 1), "validate\n");
    assert_eq!(complete("hubkeeper run --st", 2), "--state-dir\n");
    assert!(complete("hubkeeper plan -o ''", 3).contains("markdown"));
    assert_eq!(complete("hubkeeper approve --kube", 2), "--kubeconfig\n");
    assert_eq!(complete("hubkeeper plan --ov", 2), "--overlay\n");
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(text(&run(&["version"]).stdout), format!("hubkeeper {}\n", env!("CARGO_PKG_VERSION")));
    let json: serde_json::Value = serde_json::from_slice(&run(&["version", "-o", "json"]).stdout).unwrap();
    assert_eq!(json["apiVersion"], "hubkeeper.dev/v1alpha1");
}

#[test]
fn the_definitions_are_those_of_the_repository() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["crds", "--dir", directory.path().to_str().unwrap()]);
    assert_eq!(code(&output), 0);
    let files = |path: PathBuf| -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
    };
    assert_eq!(files(directory.path().to_owned()), files(root().join("crds")));
}

#[test]
fn every_shell_gets_its_completion() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completion", shell]);
        assert!(code(&output) == 0 && text(&output.stdout).contains("hubkeeper"), "{shell}");
    }
}

#[test]
fn wrong_use_is_an_error_and_not_a_change() {
    for args in [&["plan", "--nope"][..], &["explain"], &["local", "--listen", "0.0.0.0:0"], &[]] {
        let output = run(args);
        assert_eq!(code(&output), 1, "{args:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty() && !text(&output.stderr).contains("Error {"), "{args:?}");
    }
    assert_eq!(code(&run(&["--help"])), 0);
}
