//! Arguments to settings, settings to the assembly, results to the terminal. One file per command.
//!
//! Exit codes are API: 0 done (`plan`: nothing to do), 1 an error, 2 there are changes (`plan`), or would be (`take-over` without
//! `--yes`). A reader that goes away (`hubkeeper crds | head`) is no error.

mod approve;
mod cluster;
mod completion;
mod crds;
mod declared;
mod demo;
mod digest;
pub mod environment;
mod explain;
mod failure;
mod local;
mod logging;
mod out;
mod plan;
mod read;
mod run;
mod signals;
mod subject;
mod take_over;
mod validate;
mod version;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use environment::Environment;
use failure::Failure;
use out::Out;

/// Keeps AWS Security Hub the way Git says.
#[derive(Debug, Parser)]
#[command(name = "hubkeeper", version, arg_required_else_help = true, disable_help_subcommand = true, max_term_width = 100)]
#[command(after_help = "Start with `hubkeeper demo`: it needs no cluster and no AWS account.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Validate(validate::Args),
    Plan(plan::Args),
    Explain(explain::Args),
    Digest(digest::Args),
    Approve(approve::Args),
    TakeOver(take_over::Args),
    Local(local::Args),
    Demo(demo::Args),
    Crds(crds::Args),
    Completion(completion::Args),
    Version(version::Args),
}

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Done; for `plan`: nothing to do.
    Done,
    /// There are changes, and none was made: `plan`, `take-over` without `--yes`.
    Changes,
    /// It has said itself what is wrong.
    Wrong,
}

/// The program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // clap exits with 2, which means changes here. What it cannot print, nobody reads.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    let environment = Environment::read();
    let mut out = Out::new(&environment);
    let ended = execute(cli.command, &environment, &mut out).and_then(|ended| {
        out.flush()?;
        Ok(ended)
    });
    match ended {
        Ok(Ended::Done) => ExitCode::SUCCESS,
        Ok(Ended::Wrong) => ExitCode::from(1),
        Ok(Ended::Changes) => ExitCode::from(2),
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = out.flush();
            out::complain(&failure, &environment);
            ExitCode::from(1)
        }
    }
}

fn execute(command: Command, environment: &Environment, out: &mut Out) -> Result<Ended, Failure> {
    match command {
        Command::Validate(args) => validate::execute(&args, out),
        Command::Digest(args) => wait(digest::execute(args, out)),
        Command::Approve(args) => wait(approve::execute(args, out)),
        Command::Crds(args) => crds::execute(&args, out),
        Command::Completion(args) => completion::execute(&args, out),
        Command::Version(args) => version::execute(&args, out),
        Command::Run(args) => wait(run::execute(args, environment)),
        Command::Plan(args) => wait(plan::execute(args, environment, out)),
        Command::Explain(args) => wait(explain::execute(args, environment, out)),
        Command::TakeOver(args) => wait(take_over::execute(args, out)),
        Command::Local(args) => wait(local::execute(args, environment, out)),
        Command::Demo(args) => wait(demo::execute(args, environment, out)),
    }
}

/// Waits for a command that does many things at once.
fn wait(command: impl Future<Output = Result<Ended, Failure>>) -> Result<Ended, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("failed to start the runtime: {error}"), "Free some memory."))?;
    let ended = runtime.block_on(command);
    // A name look-up that hangs must not hold up the end.
    runtime.shutdown_background();
    ended
}
