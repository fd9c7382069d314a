//! What is wrong with manifests, for people: file, line, field and what is allowed, one sentence each.

use std::fmt;

/// One thing that is wrong, or worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file, as the directory was given: `manifests/fsbp.yaml`.
    pub file: String,
    /// The line, from 1; 0: the file as a whole.
    pub line: u32,
    /// The field: `spec.rules[2].match.controls[0]`; empty: the object or file as a whole.
    pub field: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Problem {
    /// `manifests/fsbp.yaml:12`.
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}", self.file, self.line) }
    }

    /// Field and message.
    pub fn sentence(&self) -> String {
        if self.field.is_empty() { self.message.clone() } else { format!("{}: {}", self.field, self.message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.sentence())
    }
}

/// What there is to say of a directory, all at once. Each list is sorted by file and line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// What must be corrected: the API server or Hubkeeper would refuse it.
    pub errors: Vec<Problem>,
    /// What is allowed and looks like a mistake.
    pub warnings: Vec<Problem>,
    /// What was passed over, and why.
    pub notes: Vec<Problem>,
}

impl Verdict {
    /// Whether nothing must be corrected.
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    pub(super) fn sort(&mut self) {
        for list in [&mut self.errors, &mut self.warnings, &mut self.notes] {
            list.sort();
            list.dedup();
        }
    }
}
