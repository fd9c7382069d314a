//! What the commands that read manifests or the hub share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;
use super::out::{Out, remark};
use crate::assembly::look::LookError;
use crate::assembly::manifests::{Loaded, Problem, Verdict, load};
use crate::assembly::reach::Reach;
use crate::core::objects::Desired;

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

/// Manifests without errors; otherwise all errors are said.
pub(super) fn manifests(directory: &Path) -> Result<Arc<Desired>, Failure> {
    let Loaded { desired, verdict } = load(directory);
    if verdict.errors.is_empty() {
        return Ok(Arc::new(desired));
    }
    for problem in &verdict.errors {
        remark(problem);
    }
    let sentence = format!("failed to use {}: {}", directory.display(), super::out::count(verdict.errors.len(), "error"));
    Err(Failure::new(sentence, "Correct what is listed above; `hubkeeper validate` checks it without AWS."))
}

/// The hubs that are meant: the one named, or all.
pub(super) fn hubs(desired: &Desired, named: Option<&str>) -> Result<Vec<String>, Failure> {
    let declared: Vec<String> = desired.objects.hubs.iter().map(|hub| hub.meta.object.name.to_string()).collect();
    match named {
        Some(named) if declared.iter().any(|hub| hub == named) => Ok(vec![named.to_owned()]),
        Some(named) => Err(Failure::new(
            format!("failed to find SecurityHub/{named} in the manifests"),
            format!("Declared: {}.", if declared.is_empty() { "none".to_owned() } else { declared.join(", ") }),
        )),
        None if declared.is_empty() => Err(Failure::new(
            "failed to find a SecurityHub in the manifests",
            "Declare one: kind SecurityHub with spec.homeRegion, as in examples/quickstart/hub.yaml.",
        )),
        None => Ok(declared),
    }
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
