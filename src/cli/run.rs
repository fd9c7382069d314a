//! `hubkeeper run`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::ValueEnum;

use super::Ended;
use super::environment::{Environment, names};
use super::failure::Failure;
use super::out::remark;
use super::read::Way;
use super::signals;
use crate::assembly::keep::{self, Keep};

/// Keep the hub: watch the manifests and the hub until told to stop
#[derive(Debug, clap::Args)]
#[command(after_help = "Stops on SIGTERM or Ctrl-C, after the call that is under way. A second one stops at once.")]
pub(super) struct Args {
    /// Directory of manifests (.yaml, .yml, .json; subdirectories too)
    #[arg(short = 'f', long, value_name = "DIR")]
    manifests: PathBuf,
    /// Directory for the lock and the status files; deleting it loses nothing
    #[arg(long, value_name = "DIR", default_value = "hubkeeper-state")]
    state_dir: PathBuf,
    /// Serve /livez, /readyz and /metrics here; port 0 takes a free one and prints it. Default: not served
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// How log lines on standard error look
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Log levels by target: info, or warn,hubkeeper=debug. Default: HUBKEEPER_LOG, or warn,hubkeeper=info
    #[arg(long, value_name = "LEVELS", conflicts_with = "verbose")]
    log: Option<String>,
    /// Log more: the same as --log warn,hubkeeper=debug; twice: trace
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(flatten)]
    way: Way,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

pub(super) async fn execute(args: Args, environment: &Environment) -> Result<Ended, Failure> {
    let format = match args.log_format {
        LogFormat::Text => keep::Format::Text { colour: environment.colour_of_errors },
        LogFormat::Json => keep::Format::Json,
    };
    let levels = match (&args.log, args.verbose) {
        (Some(levels), _) => levels.as_str(),
        (None, 0) => &environment.log,
        (None, 1) => "warn,hubkeeper=debug",
        (None, _) => "warn,hubkeeper=trace",
    };
    keep::log(format, levels).map_err(Failure::said)?;
    let abort_at = match &environment.abort_at_effect {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Failure::new(format!("failed to use {} {text:?}", names::ABORT_AT_EFFECT), "Give it a number from 1, or unset it.")
        })?),
    };
    let settings =
        Keep { manifests: args.manifests, state: args.state_dir, listen: args.listen, reach: args.way.reach()?, abort_at };
    signals::until(Some("stopping: the call that is under way is finished"), |token| async move {
        let listening = |address: SocketAddr| remark(format_args!("listening on http://{address}"));
        keep::keep(settings, token, listening).await.map(|()| Ended::Done).map_err(Failure::said)
    })
    .await
}
