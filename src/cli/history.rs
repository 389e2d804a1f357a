//! `stanch history`.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use stanch::source::git::History;
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
    let start = args.repository.as_deref().unwrap_or(Path::new("."));
    scanning::run(Box::new(source), start, &args.options, globals, console)
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
