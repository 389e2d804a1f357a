//! `stanch scan`.

use super::{Console, Error, Exit, Globals};

/// What `stanch scan` takes.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the verb.
pub fn run(_args: &Args, _globals: &Globals, _console: &Console) -> Result<Exit, Error> {
    Ok(Exit::Done)
}
