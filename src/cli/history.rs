//! `stanch history`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use stanch::scan::Engine;
use stanch::scan::checkpoint::Checkpoint;
use stanch::source::git::History;
use stanch::source::{SkipReason, Skipped};
use stanch::text::duration;
use std::path::{Path, PathBuf};

/// What `stanch history` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The repository [default: the one of this folder, or of git's environment]
    #[arg(value_name = "REPO")]
    repository: Option<PathBuf>,
    /// Only the commits of B that A has not
    #[arg(long, value_name = "A..B")]
    range: Option<String>,
    /// Only commits made since then: 2026-11-20, 2026-11-20T08:00:00Z, or 30d for the last 30 days
    #[arg(long, value_name = "DATE", value_parser = since)]
    since: Option<Timestamp>,
    /// Only what came since the scan that FILE tells of; FILE is written for the next time
    #[arg(long, value_name = "FILE", conflicts_with_all = ["range", "since"])]
    since_scan: Option<PathBuf>,
    /// Only what refs lead to: not the stash, what was amended away, what is staged or what nothing leads to
    #[arg(long, conflicts_with = "since_scan")]
    reachable: bool,
    /// delta: pack by pack, of each blob what is new in it. full: commit by commit, every blob whole (slow; both say the same)
    #[arg(long, value_name = "ENGINE", default_value = "delta", value_parser = ["delta", "full"])]
    engine: String,
    #[command(flatten)]
    options: Options,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let mut source = History::open(args.repository.as_deref())?;
    if let Some(range) = &args.range {
        source = source.range(range)?;
    }
    if let Some(time) = args.since {
        source = source.since(time);
    }
    if args.reachable {
        source = source.reachable();
    }
    let engine = if args.engine == "full" { Engine::Full } else { Engine::Delta };
    let options = Options { engine, ..args.options.clone() };
    let start = args.repository.as_deref().unwrap_or(Path::new("."));
    match &args.since_scan {
        None => scanning::run(Box::new(source), start, &options, globals, console),
        Some(file) => go_on(source, file, start, &options, globals, console),
    }
}

/// Scans what came since the checkpoint in `file`, and writes a new one when the report is out.
fn go_on(
    source: History,
    file: &Path,
    start: &Path,
    options: &Options,
    globals: &Globals,
    console: &Console,
) -> Result<Exit, Error> {
    scanning::make_ready(options, &[file], console)?;
    let rules = scanning::digest(start, options, globals)?;
    let before = Checkpoint::load(file)?;
    let (tips, packs) = source.holds();
    let same = before.as_ref().filter(|before| before.rules == rules);
    let source = match same {
        Some(before) => source.beyond(&before.tips, &before.packs),
        None => source,
    };
    let mut report = scanning::report(Box::new(source), start, options, globals, console)?;
    if before.is_some() && same.is_none() {
        report.notes.push("the rules have changed since the last scan: everything was scanned again".into());
    }
    if let Some(before) = same.filter(|before| before.unread > 0) {
        let what = format!("what earlier scans left out ({})", before.unread);
        report.skipped.push(Skipped::asked(what, SkipReason::Unreadable, "scan without --since-scan to try it again"));
        report.complete = false;
    }
    let unread = report.skipped.iter().filter(|one| one.asked).count() as u64;
    let unread = same.map_or(unread, |before| before.unread + unread.saturating_sub(u64::from(before.unread > 0)));
    scanning::write(&report, options, console)?;
    Checkpoint::new(rules, tips, packs, unread).save(file)?;
    Ok(scanning::exit(&report))
}

/// A moment, a day or a time of the local clock, or so long ago.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let ago = duration::parse(text).and_then(|ago| SignedDuration::try_from(ago).ok());
    if let Some(ago) = ago {
        return Timestamp::now().checked_sub(ago).map_err(|error| error.to_string());
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(|day| day.at(0, 0, 0, 0)));
    let wrong = "a date is written 2026-11-20, 2026-11-20T08:00:00Z or 30d";
    let zoned = local.map_err(|_| wrong)?.to_zoned(TimeZone::system()).map_err(|error| error.to_string())?;
    Ok(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_days_and_ages() {
        assert_eq!(since("2026-11-20T08:00:00+02:00").unwrap().to_string(), "2026-11-20T06:00:00Z");
        assert!(since("2026-11-20").is_ok() && since("2026-11-20T08:00").is_ok());
        assert!(since("30d").unwrap() < Timestamp::now());
        assert!(since("yesterday").unwrap_err().contains("30d"));
    }
}
