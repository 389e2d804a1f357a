//! The `stanch` program: parse the command line, run one verb, end with its exit code.

mod cli;
mod sandbox;
mod server;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
