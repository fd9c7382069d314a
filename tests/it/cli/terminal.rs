//! On a terminal and not on one: progress, colours, `NO_COLOR`.

use std::process::Command;

use super::{BIN, SMALL, against, hubkeeper, installed, local, reach, root, text};

/// What a person sees who types it: both streams, as the terminal gets them.
fn typed(args: &[&str], url: &str, variables: &[(&str, &str)]) -> String {
    let script = "import os, pty, sys\nstatus = pty.spawn(sys.argv[1:])\nsys.exit(os.waitstatus_to_exitcode(status))";
    let mut command = Command::new(installed("python3"));
    command.env_clear().args(["-c", script, BIN]).args(args).current_dir(root()).stdin(std::process::Stdio::null());
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TERM", "xterm");
    reach(&mut command, url).envs(variables.iter().copied());
    text(&command.output().unwrap().stdout)
}

const BOLD: &str = "\u{1b}[1m";
const PROGRESS: &str = "reading hub main";

#[test]
fn a_long_read_shows_progress_on_a_terminal_and_nowhere_else() {
    let (_hub, url, _) = local(&SMALL);
    let plan = ["plan", "examples/quickstart"];
    let seen = typed(&plan, &url, &[]);
    assert!(seen.contains(PROGRESS) && seen.contains(BOLD), "{seen:?}");
    let plain = typed(&plan, &url, &[("NO_COLOR", "1")]);
    assert!(plain.contains(PROGRESS) && !plain.contains(BOLD), "{plain:?}");
    let dumb = typed(&plan, &url, &[("TERM", "dumb")]);
    assert!(!dumb.contains('\u{1b}') && !dumb.contains(PROGRESS), "{dumb:?}");
    let piped = against(&mut hubkeeper(&plan), &url);
    assert_eq!(text(&piped.stderr), "");
    assert!(!text(&piped.stdout).contains('\u{1b}'));
    // What stays on the screen is the same.
    let last = |page: &str| page.trim_end().lines().last().unwrap_or_default().trim_end().to_owned();
    assert_eq!(last(&dumb), last(&text(&piped.stdout)));
}

#[test]
fn errors_are_red_on_a_terminal_and_plain_where_nobody_wants_colours() {
    let seen = typed(&["plan", "nowhere"], "http://127.0.0.1:9", &[]);
    assert!(seen.contains("\u{1b}[1;31merror:\u{1b}[0m failed to use nowhere"), "{seen:?}");
    let plain = typed(&["plan", "nowhere"], "http://127.0.0.1:9", &[("NO_COLOR", "1")]);
    assert!(plain.contains("error: failed to use nowhere") && !plain.contains('\u{1b}'), "{plain:?}");
}
