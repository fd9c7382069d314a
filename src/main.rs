//! Parses, traces, exits: everything is in `hubkeeper::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    hubkeeper::cli::main()
}
