//! Errors as people read them: one sentence, and what to do next.

use std::fmt;
use std::io;

/// Why a command failed.
#[derive(Debug)]
pub(super) struct Failure {
    sentence: String,
    next: Option<String>,
    broken_pipe: bool,
}

impl Failure {
    /// A sentence that says what failed, and one that says what to do.
    pub(super) fn new(sentence: impl Into<String>, next: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), next: Some(next.into()), broken_pipe: false }
    }

    /// A sentence that says both.
    pub(super) fn said(sentence: impl fmt::Display) -> Self {
        Self { sentence: sentence.to_string(), next: None, broken_pipe: false }
    }

    /// What to do next.
    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Whether the reader of our output has gone away.
    pub(super) fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// Only of the terminal: other I/O says what it was about.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        Self { sentence: format!("failed to write the output: {error}"), next: None, broken_pipe }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_goes_away_is_told_from_a_full_disk() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).is_broken_pipe());
        let full = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert!(!full.is_broken_pipe() && full.to_string().starts_with("failed to write the output"));
    }
}
