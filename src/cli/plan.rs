//! `hubkeeper plan`.

mod render;

use std::path::PathBuf;

use clap::ValueEnum;

use super::Ended;
use super::environment::Environment;
use super::failure::Failure;
use super::out::{Bar, Out};
use super::read::{self, Way};
use super::signals;
use crate::assembly::look::look;

/// Show what would change and why; write nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 nothing to do, 2 changes (those that a limit holds back too), 1 an error.
What policies in Audit would change is shown, and does not count.")]
pub(super) struct Args {
    /// Directory of manifests
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
    /// The same as DIR
    #[arg(short = 'f', long, value_name = "DIR", conflicts_with = "directory")]
    manifests: Option<PathBuf>,
    /// Only this SecurityHub. Default: all that are declared
    #[arg(long, value_name = "NAME")]
    hub: Option<String>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value = "table")]
    output: Format,
    /// Every finding instead of samples (JSON always has all)
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// For scripts
    Json,
    /// For pull requests
    Markdown,
}

pub(super) async fn execute(args: Args, environment: &Environment, out: &mut Out) -> Result<Ended, Failure> {
    let directory = read::directory(args.directory, args.manifests)?;
    let reach = args.way.reach()?;
    let desired = read::manifests(&directory)?;
    let hubs = read::hubs(&desired, args.hub.as_deref())?;
    signals::until(None, |token| async move {
        let mut plans = Vec::new();
        for hub in &hubs {
            let bar = Bar::reading(environment, hub);
            let surveyed = look(&reach, desired.clone(), hub, bar.progress(), token.clone()).await;
            plans.push(surveyed.map_err(|error| read::failed(&error))?.plan());
        }
        let given = directory.display().to_string();
        match args.output {
            Format::Json => out.json(&render::Plans { hubs: &plans })?,
            Format::Table => {
                for (number, plan) in plans.iter().enumerate() {
                    if number > 0 {
                        out.line("")?;
                    }
                    render::table(plan, args.all, &given, out)?;
                }
            }
            Format::Markdown => {
                for plan in &plans {
                    render::markdown(plan, args.all, &given, out)?;
                }
            }
        }
        Ok(if plans.iter().any(|plan| !plan.changes.is_empty()) { Ended::Changes } else { Ended::Done })
    })
    .await
}

pub(in crate::cli) use render::groups;
