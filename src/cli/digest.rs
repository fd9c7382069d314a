//! `hubkeeper digest`.

use serde::Serialize;

use super::Ended;
use super::failure::Failure;
use super::out::Out;
use super::read::Format;
use super::subject::SubjectArgs;

/// Print the digest that an approval is bound to
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Of an exception it covers the whole spec. Of changes over a limit it covers hub, owner, spec, action and ceiling:
  hubkeeper digest -f DIR ControlPolicy/baseline --over-limit --action suppress --max-findings 1000")]
pub(super) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Serialize)]
struct Answer {
    object: String,
    digest: String,
}

pub(super) async fn execute(args: Args, out: &mut Out) -> Result<Ended, Failure> {
    let subject = args.subject.read().await?;
    match args.output {
        Format::Text => out.line(subject.digest)?,
        Format::Json => out.json(&Answer { object: subject.object.to_string(), digest: subject.digest })?,
    }
    Ok(Ended::Done)
}
