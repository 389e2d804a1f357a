//! `stanch ci`: what was pushed, scanned in the CI that the push started.
//!
//! Just what the push brought is scanned; when the clone does not hold what was there before (a new branch, a force push)
//! everything that the default branch does not have is. A clone that ends too early is an incomplete scan, with the line
//! to put into the workflow.

mod announce;
mod environment;

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use environment::{Asked, Host, Part};
use stanch::report::{self, Format, Report};
use stanch::source::SkipReason;
use stanch::source::git::History;
use stanch::source::git::history::Without;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What `stanch ci` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of this folder]
    #[arg(value_name = "REPO")]
    repository: Option<PathBuf>,
    /// Write SARIF to FILE, for code scanning
    #[arg(long, value_name = "FILE", default_value = "stanch.sarif")]
    sarif: PathBuf,
    #[command(flatten)]
    options: Options,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    scanning::make_ready(&args.options, &[&args.sarif], console)?;
    let (host, asked) = environment::read(&variable)
        .map_err(|error| Error::from(error).hint("outside of a CI name the commits: stanch history --range A..B"))?;
    let folder = args.repository.as_deref().unwrap_or(Path::new("."));
    let (history, mut notes) = match asked {
        Asked::Nothing => {
            console.say("stanch: a branch was deleted, there is nothing to scan");
            return Ok(Exit::Done);
        }
        Asked::Everything => (History::open(args.repository.as_deref())?, Vec::new()),
        Asked::Part(part) => narrow(History::open(args.repository.as_deref())?, part, host)?,
    };
    let mut report = scanning::report(Box::new(history), folder, &args.options, globals, console)?;
    if report.skipped.iter().any(|one| one.asked && matches!(one.why, SkipReason::Shallow | SkipReason::Missing)) {
        notes.push(format!("this clone does not hold all of the history: {}", host.deepen()));
    }
    report.notes.extend(notes);
    let sarif = report::write(&report, Format::Sarif, &report::Options::default());
    scanning::save(&args.sarif, &sarif, false)?;
    tell(&report, args, host, console)?;
    Ok(scanning::exit(&report))
}

/// Just what was pushed, and what is to be said about how that was found out.
fn narrow(history: History, part: Part, host: Host) -> Result<(History, Vec<String>), Error> {
    let Some(tip) = part.tips.iter().find(|tip| history.knows(tip)) else {
        let asked = part.tips.first().map(String::as_str).unwrap_or_default();
        return Err(Error::new(format!("read what was pushed: this clone has no commit {asked}")).hint(host.deepen()));
    };
    let mut notes = Vec::new();
    let without = match part.before {
        Some(before) if history.knows(&before) => vec![before],
        before => {
            let known: Vec<String> = part.beside.into_iter().filter(|branch| history.knows(branch)).collect();
            let scanned = match known.first().and_then(|branch| branch.strip_prefix("refs/remotes/origin/")) {
                Some(branch) => format!("everything that {branch} does not have was scanned"),
                None => "everything that the clone has of it was scanned".to_owned(),
            };
            let why = match before {
                Some(before) => format!("the commit before the push, {}, is not in this clone", short(&before)),
                None => "the branch is new".to_owned(),
            };
            notes.push(format!("{why}: {scanned}"));
            known
        }
    };
    Ok((history.pushed(std::slice::from_ref(tip), &[Without::Revisions(without)])?, notes))
}

/// Says it where the CI shows it.
fn tell(report: &Report, args: &Args, host: Host, console: &Console) -> Result<(), Error> {
    match host {
        Host::Gitlab => scanning::write(report, &args.options, console)?,
        Host::Github if args.options.output.is_none() && args.options.format == "text" => {
            let token = announce::token()?;
            console.out(announce::stop(&token).as_bytes())?;
            let written = scanning::write(report, &args.options, console);
            console.out(announce::resume(&token).as_bytes())?;
            written?;
            console.out(announce::annotations(report).as_bytes())?;
        }
        // The runner reads both streams; what is written for programs stays clean.
        Host::Github => {
            scanning::write(report, &args.options, console)?;
            console.insist(announce::annotations(report).trim_end());
        }
    }
    if host == Host::Github
        && let Some(path) = variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty())
    {
        let blob = match (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY")) {
            (Some(server), Some(name)) => Some(format!("{server}/{name}/blob/")),
            _ => None,
        };
        append(Path::new(&path), &announce::summary(report, blob.as_deref()))
            .map_err(|error| Error::new(format!("write the summary of the job {path}: {error}")))?;
    }
    Ok(())
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    std::fs::OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}
