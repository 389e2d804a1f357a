//! `stanch logs`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use jiff::Timestamp;
use stanch::source::logs::Logs;
use stanch::text::moment;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What `stanch logs` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Log files, folders of them, or patterns (quoted: '/var/log/**/*.log'), packed or not; - is standard input [default: -]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Report what was written since then: 2h, 7d, 2026-11-01, or a moment by RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    #[command(flatten)]
    options: Options,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    if args.files.is_empty() && std::io::stdin().is_terminal() {
        return Err(Error::new("read a log: none was named").hint("name files, or pipe a log into it"));
    }
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files.clone() };
    let logs = Logs::new(files, args.since)?;
    let options = Options { since: args.since, ..args.options.clone() };
    scanning::run(Box::new(logs), Path::new("."), &options, globals, console)
}

fn since(text: &str) -> Result<Timestamp, String> {
    moment::since(text, Timestamp::now())
        .ok_or_else(|| "a moment is written 2h, 7d, 2026-11-01 or 2026-11-01T12:00:00Z".into())
}
