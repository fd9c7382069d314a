//! `hubkeeper validate`.

use std::path::PathBuf;

use serde::Serialize;

use super::Ended;
use super::failure::Failure;
use super::out::{Out, count};
use super::read::{self, Format, Told};
use crate::assembly::manifests::{Problem, load, metas};

/// Check manifests: all errors at once, with file, line, field and what is allowed
#[derive(Debug, clap::Args)]
#[command(after_help = "Needs neither AWS nor a cluster. Exit code: 0 no errors, 1 errors.")]
pub(super) struct Args {
    /// Directory of manifests, or one file
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The same as DIR
    #[arg(short = 'f', long, value_name = "DIR", conflicts_with = "directory")]
    manifests: Option<PathBuf>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Serialize)]
struct Answer<'a> {
    objects: usize,
    errors: Vec<Told<'a>>,
    warnings: Vec<Told<'a>>,
    notes: Vec<Told<'a>>,
}

pub(super) fn execute(args: &Args, out: &mut Out) -> Result<Ended, Failure> {
    let directory = read::directory(args.directory.clone(), args.manifests.clone())?;
    let loaded = load(&directory);
    let objects = metas(&loaded.desired.objects).len();
    let verdict = &loaded.verdict;
    if args.output == Format::Json {
        fn told(problems: &[Problem]) -> Vec<Told<'_>> {
            problems.iter().map(Told::from).collect()
        }
        let (errors, warnings, notes) = (told(&verdict.errors), told(&verdict.warnings), told(&verdict.notes));
        out.json(&Answer { objects, errors, warnings, notes })?;
    } else {
        read::tell(verdict, out)?;
        let warnings =
            if verdict.warnings.is_empty() { String::new() } else { format!(", {}", count(verdict.warnings.len(), "warning")) };
        let valid = format!("{} valid", count(objects, "object"));
        if verdict.is_clean() {
            out.line(format_args!("{}: {}{warnings}", directory.display(), out.green(&valid)))?;
        } else {
            let errors = out.red(&count(verdict.errors.len(), "error"));
            out.line(format_args!("{}: {errors}{warnings}; {valid}", directory.display()))?;
        }
    }
    Ok(if verdict.is_clean() { Ended::Done } else { Ended::Wrong })
}
