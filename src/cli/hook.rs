//! `stanch hook`: what git runs. Silent when there is nothing to say; any other end stops git.

mod budget;
mod message;
mod updates;

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use budget::{Budget, Policy};
use stanch::report::Report;
use stanch::scan;
use stanch::source::git::history::Without;
use stanch::source::git::{History, Staged};
use stanch::source::{SkipReason, Source};
use std::io::Read;
use std::path::Path;
use updates::{Lines, Updates};

/// What `stanch hook` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    hook: Hook,
}

#[derive(Debug, clap::Subcommand)]
#[expect(clippy::enum_variant_names, reason = "the names are git's")]
enum Hook {
    /// Stop a commit that would add a credential
    PreCommit {
        #[command(flatten)]
        budget: Budget,
    },
    /// Stop a push that would publish a credential
    PrePush {
        /// The remote's name, or its URL when it has none
        remote: String,
        /// The remote's URL
        url: Option<String>,
        #[command(flatten)]
        budget: Budget,
    },
    /// Refuse a push that brings a credential, on the server
    PreReceive {
        #[command(flatten)]
        budget: Budget,
    },
}

impl Hook {
    fn budget(&self) -> Budget {
        match self {
            Hook::PreCommit { budget } | Hook::PrePush { budget, .. } | Hook::PreReceive { budget } => *budget,
        }
    }

    /// What is to be scanned; nothing when a push only deletes.
    fn source(&self) -> Result<Option<Box<dyn Source>>, Error> {
        match self {
            Hook::PreCommit { .. } => Ok(Some(Box::new(Staged::open(None)?))),
            Hook::PrePush { remote, .. } => pushed(Lines::Sent, format!("refs/remotes/{remote}/")),
            Hook::PreReceive { .. } => pushed(Lines::Received, "refs/".to_owned()),
        }
    }
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let (hook, budget) = (&args.hook, args.hook.budget());
    let limit = budget.start(hook, *console);
    let Some(source) = hook.source()? else { return Ok(Exit::Done) };
    let min_confidence = "medium".into();
    let options = Options { min_confidence, max_memory: scan::MEMORY, limit, ..Options::default() };
    let report = scanning::report(source, Path::new("."), &options, globals, console)?;
    let allowed = budget.on_timeout == Policy::Allow && is_only_late(&report);
    if let Some(text) = message::of(hook, budget, &report, allowed) {
        console.insist(&text);
    }
    Ok(if allowed { Exit::Done } else { scanning::exit(&report) })
}

/// Whether nothing was found, and nothing but the time is the reason for what was not read.
fn is_only_late(report: &Report) -> bool {
    let missing = || report.skipped.iter().filter(|one| one.asked);
    report.findings.is_empty() && !report.complete && missing().all(|one| one.why == SkipReason::OutOfTime)
}

/// What a push brings: what the new ids lead to, and neither the old ones nor the refs below `known` do.
fn pushed(lines: Lines, known: String) -> Result<Option<Box<dyn Source>>, Error> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).map_err(|error| Error::new(format!("read what git says: {error}")))?;
    let Updates { new, old } = Updates::read(&text, lines)?;
    if new.is_empty() {
        return Ok(None);
    }
    let without = [Without::Revisions(old), Without::Refs(known)];
    Ok(Some(Box::new(History::open(None)?.pushed(&new, &without)?)))
}
