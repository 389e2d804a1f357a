//! The command line: the tree of verbs, one `match`, and nothing else.
//!
//! A verb is one file with its `Args` and its `run`. Printing is [`console`]'s; errors and exit codes are [`error`]'s.

mod ci;
mod console;
mod crash;
mod drill;
mod error;
mod eyes;
mod follow;
mod history;
mod hook;
mod incident;
mod logs;
mod progress;
mod respond;
mod responding;
mod rules;
mod scan;
mod scanning;
mod serve;
mod staged;

use clap::{Args, Parser, Subcommand};
use console::Console;
use error::{Error, Exit};
use std::path::PathBuf;
use std::process::ExitCode;

/// Finds leaked credentials and stops the bleeding.
#[derive(Debug, Parser)]
#[command(name = "stanch", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 clean or done, 1 findings, 2 failed, 3 nothing found but incomplete, 4 a person is needed."
)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    verb: Verb,
}

/// Where `--help` puts what every verb takes.
const EVERYWHERE: &str = "Everywhere";

/// What every verb takes.
#[derive(Debug, Args)]
pub struct Globals {
    /// Read this stanch.yaml instead of looking for one upward from here
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "no_config", help_heading = EVERYWHERE)]
    pub config: Option<PathBuf>,
    /// Read no config, ignore (.gitignore too) or baseline file
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub no_config: bool,
    /// Say more on stderr: -v info, -vv debug, -vvv trace (never a secret)
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    pub verbose: u8,
    /// No progress, no summary on stderr
    #[arg(short, long, global = true, help_heading = EVERYWHERE)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Scan files, folders or standard input (-)
    Scan(scan::Args),
    /// Scan what is staged for the next commit
    Staged(staged::Args),
    /// Scan a repository's history, every blob once
    History(history::Args),
    /// Scan logs, packed or not, or standard input (-)
    Logs(logs::Args),
    /// Run as a git hook
    Hook(hook::Args),
    /// Scan what was pushed, in GitHub Actions or GitLab CI
    Ci(ci::Args),
    /// List, show and test rules
    Rules(rules::Args),
    /// Revoke, reissue, redeploy and verify a leaked credential
    Respond(respond::Args),
    /// List, show, resume, abort and document incidents
    Incident(incident::Args),
    /// Receive webhooks and respond to them
    Serve(serve::Args),
    /// Rehearse the whole path on a sandbox
    Drill(drill::Args),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(&cli.globals);
    crash::install();
    let result = run(&cli, &console);
    error::report(result, &console)
}

fn run(cli: &Cli, console: &Console) -> Result<Exit, Error> {
    let globals = &cli.globals;
    match &cli.verb {
        Verb::Scan(args) => scan::run(args, globals, console),
        Verb::Staged(args) => staged::run(args, globals, console),
        Verb::History(args) => history::run(args, globals, console),
        Verb::Logs(args) => logs::run(args, globals, console),
        Verb::Hook(args) => hook::run(args, globals, console),
        Verb::Ci(args) => ci::run(args, globals, console),
        Verb::Rules(args) => rules::run(args, globals, console),
        Verb::Respond(args) => respond::run(args, globals, console),
        Verb::Incident(args) => incident::run(args, globals, console),
        Verb::Serve(args) => serve::run(args, globals, console),
        Verb::Drill(args) => drill::run(args, globals, console),
    }
}
