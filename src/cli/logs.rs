//! `stanch logs`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals, follow};
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
    /// Go on reading while they are written, through rotations, and tell what is found as it comes (text or jsonl)
    #[arg(long, short = 'F', conflicts_with_all = ONE_BY_ONE)]
    follow: bool,
    /// Read on from where FILE says that they were read to, and keep that in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ONE_BY_ONE)]
    state: Option<PathBuf>,
    /// Report what was written since then: 2h, 7d, 2026-11-01, or a moment by RFC 3339
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<Timestamp>,
    #[command(flatten)]
    options: Options,
}

/// What needs all findings at once.
const ONE_BY_ONE: [&str; 4] = ["output", "validate", "write_baseline", "explain"];

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    if args.files.is_empty() && std::io::stdin().is_terminal() {
        return Err(Error::new("read a log: none was named").hint("name files, or pipe a log into it"));
    }
    let files = if args.files.is_empty() { vec![PathBuf::from("-")] } else { args.files.clone() };
    let options = Options { since: args.since, ..args.options.clone() };
    if args.follow || args.state.is_some() {
        return follow::run(files, args.follow, args.state.as_deref(), &options, globals, console);
    }
    scanning::run(Box::new(Logs::new(files, args.since)?), Path::new("."), &options, globals, console)
}

fn since(text: &str) -> Result<Timestamp, String> {
    let hint = "a moment is written 2h, 7d, 2026-11-01 or 2026-11-01T12:00:00Z";
    moment::since(text, Timestamp::now()).ok_or_else(|| hint.to_owned())
}
