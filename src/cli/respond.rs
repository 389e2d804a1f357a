//! `stanch respond`: one leaked credential, from what was found to what took its place.

mod progress;
pub mod show;

pub use progress::Progress;

use super::eyes::Place;
use super::responding::Workshop;
use super::{Console, Error, Exit, Globals};
use show::Format;
use stanch::inventory::Wanted;
use stanch::provider;
use stanch::respond::{self, Target};
use stanch::rotate::survey;
use stanch::secret::Secret;
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest wait that a command sleeps through.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// With `--no-wait`, the longest pause that is slept through: those between two tries, but no grace.
const HURRY: Duration = Duration::from_secs(5);
/// Largest secret on standard input, in bytes: a key file with its chain of certificates is far smaller.
const LARGEST: u64 = 1 << 20;

/// What `stanch respond` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A finding's fingerprint (6 digits or more), a credential of the inventory, or - for the secret itself on stdin
    #[arg(value_name = "FINDING|CREDENTIAL|-")]
    pub target: String,
    /// Open the incident and show the plan, then stop
    #[arg(long)]
    pub plan: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// New key first (overlap), kill first (contain), or decide from what is known (auto)
    #[arg(long, value_name = "STRATEGY", default_value = "auto")]
    pub strategy: Strategy,
    /// Where it leaked: a repository or folder [default: the repository here]
    #[arg(long = "in", value_name = "PATH")]
    pub place: Option<PathBuf>,
    /// How to write what became of it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Leave graces and other long waits to `stanch incident resume --due`
    #[arg(long)]
    pub no_wait: bool,
}

/// The strategies as words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Strategy {
    /// Decide from what is known
    Auto,
    /// First the new key everywhere, then the kill
    Overlap,
    /// First the kill
    Contain,
}

impl From<Strategy> for Wanted {
    fn from(strategy: Strategy) -> Wanted {
        match strategy {
            Strategy::Auto => Wanted::Auto,
            Strategy::Overlap => Wanted::Overlap,
            Strategy::Contain => Wanted::Contain,
        }
    }
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    if !args.yes && !args.plan && !console.interactive() {
        return Err(Error::new("ask for a yes: nobody is at a terminal here")
            .hint("--yes responds without asking, --plan shows what would be done"));
    }
    let patience = if args.no_wait { HURRY } else { PATIENCE };
    let Workshop { responder, detector, .. } = Workshop::open(globals, patience)?;
    let eyes = Place::new(detector, args.place.clone());
    let leak = responder.resolve(target(&args.target)?, &eyes, "stanch respond").map_err(explain)?;
    let id = responder.open(&leak).map_err(explain)?;
    let plan = responder.plan(&id, args.strategy.into(), false).map_err(explain)?;
    let (story, entries) = responder.story(&id)?;
    if args.plan {
        console.out(show::plan(&id, &story, &plan, args.format, show::columns(console)).as_bytes())?;
        show::next(console, &id, "to run it", "resume");
        return Ok(Exit::Done);
    }
    console.say(show::plan(&id, &story, &plan, Format::Text, show::columns(console)).trim_end());
    if story.under_way() {
        let since = entries.last().map(|entry| show::time(entry.at)).unwrap_or_default();
        console.say(&format!("\nIt is under way, last heard of at {since}; going on from there."));
    } else if !args.yes && console.confirm("\nGo on?")? != Some(true) {
        console.say(&format!("Nothing was done. The incident {id} stays open."));
        show::next(console, &id, "to run it", "resume");
        show::next(console, &id, "to close it", "abort");
        return Ok(Exit::Person);
    }
    let ended = responder.run(&id, &mut Progress::new(console)).map_err(explain)?;
    show::ended(&responder, &id, &ended, args.format, console)
}

fn target(text: &str) -> Result<Target, Error> {
    match text {
        "-" => Ok(Target::Secret(secret_on_stdin()?)),
        name => Ok(Target::Named(name.to_owned())),
    }
}

/// Standard input up to its end; one line end there is not part of the secret.
pub fn secret_on_stdin() -> Result<Secret, Error> {
    // Reserved at once: a buffer that grows leaves its old bytes behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LARGEST as usize + 1));
    let read = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Error::new(format!("read the secret on standard input: {error}")))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Error::new("read the secret on standard input: it is larger than 1 MiB"));
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match text {
        [] => Err(Error::new("read the secret on standard input: there is nothing")),
        text => Ok(Secret::new(text)),
    }
}

/// An error with what to do about it.
pub fn explain(error: respond::Error) -> Error {
    use respond::Error as Cause;
    let hint = match &error {
        Cause::Nothing(_) | Cause::NoFinding(_) => {
            "`stanch history` lists findings with their fingerprints; `--in PATH` says where to look; - reads the \
             secret itself from standard input"
        }
        Cause::Ambiguous { .. } => "name one of them, or give more digits",
        Cause::NoStore(_) | Cause::EmptyStore(_) | Cause::Store(_) => {
            "give the secret itself on standard input: stanch respond -"
        }
        Cause::Survey(survey::Error::Provider(provider::Error::TryAgain { .. } | provider::Error::Lost { .. })) => {
            "nothing was changed; run the same command again when the provider answers"
        }
        Cause::Survey(_) | Cause::Consumer(_) => {
            "nothing was changed; put it right and run the same command again, or end the old key without waiting \
             for it: --strategy contain"
        }
        Cause::PostMortem { .. } => "nothing else is lost: put it right, then `stanch incident resume` writes it",
        Cause::OwnAdmin => "make another one by hand, name it in stanch.yaml, then respond to the leak of this one",
        Cause::Plan(_) => "--strategy contain ends the old key first",
        Cause::Closed(_) => "stanch incident postmortem shows what became of it",
        Cause::PastPivot(_) => "stanch incident resume goes on",
        Cause::Ledger(stanch::ledger::Error::Leased { .. }) => "wait until it is done, or end that process",
        Cause::Ledger(stanch::ledger::Error::NoIncident(_)) => "stanch incident list --all shows them",
        _ => return Error::from(error),
    };
    Error::from(error).hint(hint)
}
