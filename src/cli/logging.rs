//! The flags of what is logged.

use clap::ValueEnum;

use super::environment::Environment;
use super::failure::Failure;
use crate::assembly::keep;

/// How and what is logged on standard error.
#[derive(Debug, clap::Args)]
pub(super) struct LogFlags {
    /// How log lines on standard error look
    #[arg(long, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// Log levels by target: info, or warn,hubkeeper=debug. Default: HUBKEEPER_LOG, or warn,hubkeeper=info
    #[arg(long, value_name = "LEVELS", conflicts_with = "verbose")]
    log: Option<String>,
    /// Log more: the same as --log warn,hubkeeper=debug; twice: trace
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl LogFlags {
    /// Starts logging.
    pub(super) fn start(&self, environment: &Environment) -> Result<(), Failure> {
        let format = match self.log_format {
            LogFormat::Text => keep::Format::Text { colour: environment.colour_of_errors },
            LogFormat::Json => keep::Format::Json,
        };
        let levels = match (&self.log, self.verbose) {
            (Some(levels), _) => levels.as_str(),
            (None, 0) => &environment.log,
            (None, 1) => "warn,hubkeeper=debug",
            (None, _) => "warn,hubkeeper=trace",
        };
        keep::log(format, levels).map_err(Failure::said)
    }
}
