//! The voice: a [`Report`] in, bytes out. It decides nothing and asks nobody.
//!
//! A format is one file here with one `write` and its line in [`FORMATS`]. What every format keeps to:
//!
//! - **No secret**, unless [`Options::reveal`] was asked for: a finding is shown by its mask, its line by the masked line
//!   that detection made of it, a verdict by what the provider said after scrubbing.
//! - **Nothing that moves a cursor**: paths, authors and messages arrive printable and stay so.
//! - **The same report gives the same bytes**, in the order of its findings; only `at` and `elapsed` tell two runs apart.
//! - **What comes one by one** ([`flow`]) has the same form as what comes as a whole.
//! - **What was not read is said** in every format that has a place for it, and so is whether the scan is complete.
//!
//! Knows nothing of terminals, files on disk, networks or exit codes.

mod clean;
pub mod flow;
mod gitleaks;
mod json;
mod jsonl;
pub mod postmortem;
mod sarif;
mod shown;
mod text;

use crate::detect::Finding;
use crate::source::Skipped;
use crate::validate::Judged;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// All that a scan has to say.
#[derive(Debug, Clone)]
pub struct Report {
    /// Who made it.
    pub tool: Tool,
    /// What was asked for, as a person would say it: `history of /srv/app`.
    pub asked: String,
    /// When the scan began.
    pub at: Timestamp,
    /// What was found, in the order in which it is to be shown.
    pub findings: Vec<Judged>,
    /// What was not read.
    pub skipped: Vec<Skipped>,
    /// What looked like a secret and was not reported, and why. Shown by [`Options::explain`]; counted always.
    pub dropped: Vec<Dropped>,
    /// What was read.
    pub accounting: Accounting,
    /// Whether everything that was asked for was read.
    pub complete: bool,
    /// What else a reader must know: an allow-list entry that has expired, a rate that was held back. One sentence each.
    pub notes: Vec<String>,
}

/// The program that made a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// `stanch`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Tool {
    /// This program.
    pub fn this() -> Tool {
        Tool { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Something that a rule matched and that was not reported.
#[derive(Debug, Clone)]
pub struct Dropped {
    /// The rule.
    pub rule: String,
    /// Where: `path:line:column`, printable.
    pub place: String,
    /// What was matched, masked.
    pub redacted: String,
    /// Why it is not reported: the name of the reason, `placeholder`, or an allow-list entry's own words.
    pub reason: String,
    /// What it is, when it is a finding that people decided to live with.
    pub accepted: Option<Accepted>,
}

/// A place of a finding that people decided to live with.
#[derive(Debug, Clone)]
pub struct Accepted {
    /// The finding with this place alone.
    pub finding: Arc<Finding>,
    /// It was known before: a baseline holds it. Otherwise an entry of the allow-list covers it.
    pub known: bool,
}

/// What was read, so that nobody takes an empty scan for a clean one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accounting {
    /// Files, blobs or streams that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Commits that were walked; 0 when there is no history in it.
    pub commits: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// How a report is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Show the secrets themselves.
    pub reveal: bool,
    /// Columns of the text form.
    pub width: usize,
    /// Colours in the text form.
    pub color: bool,
    /// Say also what was dropped and why.
    pub explain: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { reveal: false, width: 80, color: false, explain: false }
    }
}

/// The forms a report can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the file of its name")]
pub enum Format {
    Text,
    Json,
    Jsonl,
    Sarif,
    Gitleaks,
}

/// Every form by the name that `--format` takes.
pub const FORMATS: &[(&str, Format)] = &[
    ("text", Format::Text),
    ("json", Format::Json),
    ("jsonl", Format::Jsonl),
    ("sarif", Format::Sarif),
    ("gitleaks", Format::Gitleaks),
];

/// The report in one of its forms.
pub fn write(report: &Report, format: Format, options: &Options) -> Vec<u8> {
    let write = match format {
        Format::Text => text::write,
        Format::Json => json::write,
        Format::Jsonl => jsonl::write,
        Format::Sarif => sarif::write,
        Format::Gitleaks => gitleaks::write,
    };
    match clean::clean(report).filter(|_| !options.reveal) {
        Some(cleaned) => write(&cleaned, options),
        None => write(report, options),
    }
}
