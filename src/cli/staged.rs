//! `stanch staged`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use stanch::source::git::Staged;
use std::path::{Path, PathBuf};

/// What `stanch staged` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of this folder, or of git's environment]
    #[arg(value_name = "REPO")]
    repository: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let source = Staged::open(args.repository.as_deref())?;
    let start = args.repository.as_deref().unwrap_or(Path::new("."));
    scanning::run(Box::new(source), start, &args.options, globals, console)
}
