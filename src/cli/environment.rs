//! The environment, read once and only here.
//!
//! | Variable | Means |
//! | --- | --- |
//! | `HUBKEEPER_LOG` | Levels by target, as `RUST_LOG` writes them: `info`, `warn,hubkeeper=debug`. `--log` comes first |
//! | `NO_COLOR` | Not empty: no colours |
//! | `TERM` | `dumb`: no colours and no progress |
//! | `AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_ENDPOINT_URL`, ... | The SDK's own, read by it |
//! | `HOSTNAME` | The replica's name in the Lease and in events: a pod has its own there |
//! | `KUBEBUILDER_ASSETS` | `demo --cluster`: the folder with the programs of a control plane |
//! | `XDG_CACHE_HOME`, `HOME` | `demo --cluster`: where those are looked for otherwise, in `hubkeeper` |
//! | `PATH` | `demo --cluster`: which programs the reader has |
//! | `HUBKEEPER_ABORT_AT_EFFECT` | For crash tests: the process aborts at the n-th passage before or after an effect, or one kind of effect (`HubWrite:1`) |

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

/// The variables by name.
pub mod names {
    /// Log levels.
    pub const LOG: &str = "HUBKEEPER_LOG";
    /// No colours.
    pub const NO_COLOR: &str = "NO_COLOR";
    /// The kind of terminal.
    pub const TERM: &str = "TERM";
    /// The name of the pod, or of the machine.
    pub const HOSTNAME: &str = "HOSTNAME";
    /// The programs of a control plane.
    pub const KUBEBUILDER_ASSETS: &str = "KUBEBUILDER_ASSETS";
    /// The user's caches.
    pub const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";
    /// The user's own folder.
    pub const HOME: &str = "HOME";
    /// Where programs are.
    pub const PATH: &str = "PATH";
    /// Crash tests.
    pub const ABORT_AT_EFFECT: &str = "HUBKEEPER_ABORT_AT_EFFECT";
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Environment {
    /// `HUBKEEPER_LOG`, empty if it is not set.
    pub(super) log: String,
    /// Colours on standard output.
    pub(super) colour: bool,
    /// Colours on standard error.
    pub(super) colour_of_errors: bool,
    /// Progress on standard error: somebody looks at it.
    pub(super) progress: bool,
    /// `HOSTNAME`.
    pub(super) host: Option<String>,
    /// `KUBEBUILDER_ASSETS`.
    pub(super) assets: Option<PathBuf>,
    /// The user's caches: `XDG_CACHE_HOME`, or `.cache` in `HOME`, or here.
    pub(super) cache: PathBuf,
    /// `PATH`.
    pub(super) path: Vec<PathBuf>,
    /// This program.
    pub(super) program: Option<PathBuf>,
    /// `HUBKEEPER_ABORT_AT_EFFECT`.
    pub(super) abort_at_effect: Option<String>,
}

impl Environment {
    pub(super) fn read() -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        Self { program: std::env::current_exe().ok(), ..Self::of(variable, out, err) }
    }

    /// The first program of this name in `PATH`.
    pub(super) fn found(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|folder| folder.join(name)).find(|path| path.is_file())
    }

    fn of(variable: impl Fn(&str) -> Option<String>, out: bool, err: bool) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let dumb = set(names::TERM).is_some_and(|term| term == "dumb");
        let plain = set(names::NO_COLOR).is_some() || dumb;
        Self {
            log: set(names::LOG).unwrap_or_default(),
            colour: out && !plain,
            colour_of_errors: err && !plain,
            progress: err && !dumb,
            host: set(names::HOSTNAME),
            assets: set(names::KUBEBUILDER_ASSETS).map(PathBuf::from),
            cache: set(names::XDG_CACHE_HOME)
                .map_or_else(|| set(names::HOME).as_deref().map_or(Path::new(""), Path::new).join(".cache"), PathBuf::from),
            path: set(names::PATH).map(|path| std::env::split_paths(&path).collect()).unwrap_or_default(),
            program: None,
            abort_at_effect: set(names::ABORT_AT_EFFECT),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], terminal: bool) -> Environment {
        let variables: Vec<(String, String)> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let variable = move |name: &str| variables.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone());
        Environment::of(variable, terminal, terminal)
    }

    #[test]
    fn colours_are_for_terminals_that_nobody_asked_to_be_plain() {
        assert!(of(&[], true).colour && !of(&[], false).colour);
        assert!(!of(&[("NO_COLOR", "1")], true).colour);
        assert!(of(&[("NO_COLOR", "")], true).colour, "an empty NO_COLOR says nothing");
        let dumb = of(&[("TERM", "dumb")], true);
        assert!(!dumb.colour && !dumb.progress);
    }

    #[test]
    fn caches_are_where_the_user_has_them() {
        assert_eq!(of(&[("HOME", "/home/alice")], true).cache, Path::new("/home/alice/.cache"));
        assert_eq!(of(&[("HOME", "/home/alice"), ("XDG_CACHE_HOME", "/var/cache")], true).cache, Path::new("/var/cache"));
        assert_eq!(of(&[("PATH", "/a:/b")], true).path, [Path::new("/a"), Path::new("/b")]);
    }
}
