//! `stanch drill`: rehearse the whole path on a sandbox, and its parts for game days.
//!
//! The drill plays no part itself: the provider, the service and every verb are child processes of this same program, so
//! what is rehearsed is what would run.

mod child;
mod outcome;
mod parts;
mod repository;
mod stage;
mod walk;

use super::respond::show;
use super::{Console, Error, Exit, Globals};
use outcome::Outcome;
use stage::Stage;
use stanch::inventory::Wanted;

/// What `stanch drill` takes.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// overlap: first the new key, then the kill. contain: the kill first. auto: decided from what is known
    #[arg(long, value_name = "STRATEGY", default_value = "auto", value_parser = strategy)]
    strategy: Wanted,
    /// Kill the responder at a random point, resume it, and show that nothing was lost
    #[arg(long)]
    crash: bool,
    /// As --crash, at this point
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    crash_at: Option<u64>,
    /// Leave the sandbox's folder where it is: the repository, stanch.yaml, the ledger
    #[arg(long)]
    keep: bool,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
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
        None => rehearse(args, console),
    }
}

fn rehearse(args: &Args, console: &Console) -> Result<Exit, Error> {
    let strategy = walk::word(args.strategy);
    let crash = crash(args, strategy, console)?;
    console.say("drill: a sandbox provider, a service that uses its key, and a repository that leaked it");
    let mut stage = Stage::set()?;
    console.say("drill: stanch history, then stanch respond");
    let walk = walk::walk(&stage, strategy, crash);
    if args.keep {
        let folder = stage.keep();
        console.say(&format!("drill: the stage stays in {}", folder.display()));
    }
    let mut outcome = Outcome::look(&stage, walk?)?;
    if args.keep {
        outcome.kept(stage.path(""));
    }
    let said = match args.format {
        Format::Json => outcome.json(),
        Format::Text => outcome.text(console.paints(), show::columns(console)),
    };
    console.out(said.as_bytes())?;
    match outcome.holds() {
        true => Ok(Exit::Done),
        false => Err(Error::new("end the drill as it must end: see what is marked above")),
    }
}

/// Where to crash, and of how many points, when a crash is wanted.
fn crash(args: &Args, strategy: &str, console: &Console) -> Result<Option<(u64, u64)>, Error> {
    if !args.crash && args.crash_at.is_none() {
        return Ok(None);
    }
    console.say("drill: a first run to learn at which points the responder can be killed");
    let points = walk::rehearse(&Stage::set()?, strategy)?;
    let point = args.crash_at.map_or_else(|| walk::choose(points), Ok)?;
    Ok(Some((point, points)))
}

fn strategy(text: &str) -> Result<Wanted, String> {
    let known = stanch::inventory::policy::STRATEGIES.iter().find(|(word, _)| *word == text);
    known.map(|(_, wanted)| *wanted).ok_or_else(|| "it is auto, overlap or contain".to_owned())
}
