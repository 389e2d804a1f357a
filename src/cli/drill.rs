//! `stanch drill`: rehearse the whole path on a sandbox, and its parts for game days.

mod child;
mod parts;
mod repository;
mod stage;

use super::{Console, Error, Exit, Globals};

/// What `stanch drill` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Serve the sandbox provider alone, until SIGTERM or its input pipe closes
    Sandbox(parts::SandboxArgs),
    /// Run the service that uses a sandbox key, until SIGTERM or its input pipe closes
    App(parts::AppArgs),
}

/// Runs the verb.
pub fn run(args: &Args, _globals: &Globals, console: &Console) -> Result<Exit, Error> {
    match &args.part {
        Some(Part::Sandbox(part)) => parts::sandbox(part, console),
        Some(Part::App(part)) => parts::app(part, console),
        None => Ok(Exit::Done),
    }
}
