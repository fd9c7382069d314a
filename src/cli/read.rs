//! What the commands that read manifests or the hub share.

use std::path::PathBuf;

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;
use super::out::Out;
use crate::assembly::look::LookError;
use crate::assembly::manifests::{Problem, Verdict};
use crate::assembly::reach::Reach;

/// The way to AWS.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Way {
    /// Endpoint of all AWS services: https, or http to this machine. Default: AWS's own, or AWS_ENDPOINT_URL
    #[arg(long, value_name = "URL", help_heading = "AWS")]
    endpoint_url: Option<String>,
    /// Profile of the AWS configuration files. Default: AWS_PROFILE
    #[arg(long, value_name = "NAME", help_heading = "AWS")]
    profile: Option<String>,
}

impl Way {
    pub(super) fn reach(&self) -> Result<Reach, Failure> {
        Reach::new(self.endpoint_url.as_deref(), self.profile.as_deref()).map_err(Failure::said)
    }
}

/// How a result is printed, where a script may want it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// For scripts
    Json,
}

/// The directory, given in one of two ways.
pub(super) fn directory(positional: Option<PathBuf>, flag: Option<PathBuf>) -> Result<PathBuf, Failure> {
    positional
        .or(flag)
        .ok_or_else(|| Failure::new("failed to know which manifests are meant: none are named", "Name a directory: -f DIR."))
}

pub(super) fn failed(error: &LookError) -> Failure {
    Failure::new(error.to_string(), error.advice())
}

/// A problem of a manifest, for scripts.
#[derive(Debug, Serialize)]
pub(super) struct Told<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'a str,
    message: &'a str,
}

impl<'a> From<&'a Problem> for Told<'a> {
    fn from(problem: &'a Problem) -> Self {
        let Problem { file, line, field, message } = problem;
        Self { file, line: (*line > 0).then_some(*line), field, message }
    }
}

/// A verdict, for people.
pub(super) fn tell(verdict: &Verdict, out: &mut Out) -> std::io::Result<()> {
    for (problems, word) in
        [(&verdict.errors, out.red("error")), (&verdict.warnings, out.yellow("warning")), (&verdict.notes, out.dim("note"))]
    {
        for problem in problems {
            out.line(format_args!("{}: {word}: {}", problem.place(), problem.sentence()))?;
        }
    }
    Ok(())
}
