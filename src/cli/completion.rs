//! `hubkeeper completion`.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use super::failure::Failure;
use super::out::Out;
use super::{Cli, Ended};

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "For bash: source <(hubkeeper completion bash)")]
pub(super) struct Args {
    /// Which shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn execute(args: &Args, out: &mut Out) -> Result<Ended, Failure> {
    // Into memory first: clap_complete panics where it cannot write.
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "hubkeeper", &mut script);
    out.text(&String::from_utf8_lossy(&script))?;
    Ok(Ended::Done)
}
