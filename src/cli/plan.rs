//! `hubkeeper plan`.

mod render;

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;

use super::Ended;
use super::cluster::ClusterFlags;
use super::declared::{self, Place};
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
    /// Directory of manifests. Default: the objects of a cluster
    #[arg(value_name = "DIR", conflicts_with_all = ["kubeconfig", "context"])]
    directory: Option<PathBuf>,
    /// The same as DIR
    #[arg(short = 'f', long, value_name = "DIR", conflicts_with = "directory")]
    manifests: Option<PathBuf>,
    /// Lay these manifests over the cluster's objects: what would a pull request change?
    #[arg(long, value_name = "DIR", conflicts_with_all = ["directory", "manifests"], help_heading = "Cluster")]
    overlay: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Show only what is done for objects of this namespace. Default: everything
    #[arg(short, long, value_name = "NAME", conflicts_with_all = ["directory", "manifests"], help_heading = "Cluster")]
    namespace: Option<String>,
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
    let place = Place::of(args.directory.or(args.manifests), args.cluster);
    let reach = args.way.reach()?;
    // What can be told without asking anybody is told first.
    let overlay = args.overlay.as_deref().map(declared::manifests).transpose()?;
    let mut desired = place.read().await?;
    let approving = render::Approving::at(&place, overlay.is_some());
    if let Some(overlay) = overlay {
        desired = desired.under(overlay.objects);
    }
    let desired = Arc::new(desired);
    let hubs = declared::hubs(&desired, args.hub.as_deref(), &place)?;
    signals::until(None, |token| async move {
        let mut plans = Vec::new();
        for hub in &hubs {
            let bar = Bar::reading(environment, hub);
            let surveyed = look(&reach, desired.clone(), hub, bar.progress(), token.clone()).await;
            let mut plan = surveyed.map_err(|error| read::failed(&error))?.plan();
            if let Some(namespace) = &args.namespace {
                plan.narrow_to(namespace);
            }
            plans.push(plan);
        }
        match args.output {
            Format::Json => out.json(&render::Plans { hubs: &plans })?,
            Format::Table => {
                for (number, plan) in plans.iter().enumerate() {
                    if number > 0 {
                        out.line("")?;
                    }
                    render::table(plan, args.all, &approving, out)?;
                }
            }
            Format::Markdown => {
                for plan in &plans {
                    render::markdown(plan, args.all, &approving, out)?;
                }
            }
        }
        Ok(if plans.iter().any(|plan| !plan.changes.is_empty()) { Ended::Changes } else { Ended::Done })
    })
    .await
}

pub(in crate::cli) use render::groups;
