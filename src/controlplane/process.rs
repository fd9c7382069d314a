//! A program that ends with us, whatever happens to us.

use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{Error, io_error};

/// Lines of a log that are told.
const TOLD: usize = 20;

/// Runs the program beside a reader of our end of a pipe: when we let go of it, or die, the reader ends, and the program with it.
const WITH_US: &str = r#"exec 3<&0; "$@" 3<&- & child=$!; (read -r _ <&3; kill -9 $child) 2>/dev/null & reader=$!
wait $child; status=$?; kill $reader 2>/dev/null; exit $status"#;

/// A running program, killed when dropped.
pub(super) struct Process {
    program: &'static str,
    guard: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program of a folder; what it says goes to `log_folder/PROGRAM.log`.
    pub(super) fn start(folder: &Path, program: &'static str, arguments: &[String], log_folder: &Path) -> Result<Self, Error> {
        let log = log_folder.join(format!("{program}.log"));
        let said = || -> io::Result<(File, File)> {
            let said = File::options().create(true).append(true).open(&log)?;
            Ok((said.try_clone()?, said))
        };
        let (out, err) = said().map_err(io_error(format!("write {}", log.display())))?;
        let guard = Command::new("sh")
            .args(["-c", WITH_US, "sh"])
            .arg(folder.join(program))
            .args(arguments)
            // Ctrl-C is for us: we end it when we are done.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(io_error(format!("start {program}")))?;
        Ok(Self { program, guard, log })
    }

    /// Its name.
    pub(super) fn program(&self) -> &'static str {
        self.program
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.guard.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(format!("it ended with {status}")),
            Err(error) => Some(error.to_string()),
        }
    }

    /// The last lines that it said.
    pub(super) fn log(&self) -> String {
        #[expect(clippy::disallowed_methods, reason = "the edge: logs are files")]
        let said = std::fs::read(&self.log).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        lines[lines.len().saturating_sub(TOLD)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // The guard waits for the program, so nothing of it is left when this returns.
        let _ = self.guard.wait();
    }
}
