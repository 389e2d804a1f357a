//! `stanch logs`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use stanch::source::logs::Logs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What `stanch logs` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Log files, plain or gzip; - is standard input [default: -]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    if args.files.is_empty() && std::io::stdin().is_terminal() {
        return Err(Error::new("read a log: none was named").hint("name files, or pipe a log into it"));
    }
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files.clone() };
    scanning::run(Box::new(Logs::new(files)?), Path::new("."), &args.options, globals, console)
}
