//! `hubkeeper version`.

use serde::Serialize;

use super::Ended;
use super::failure::Failure;
use super::out::Out;
use super::read::Format;
use crate::assembly::manifests::API_VERSION;

/// Print the version
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How the result is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    version: &'static str,
    api_version: &'static str,
    platform: String,
}

pub(super) fn execute(args: &Args, out: &mut Out) -> Result<Ended, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Format::Text => out.line(format_args!("hubkeeper {version}"))?,
        Format::Json => {
            let platform = format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH);
            out.json(&About { version, api_version: API_VERSION, platform })?;
        }
    }
    Ok(Ended::Done)
}
