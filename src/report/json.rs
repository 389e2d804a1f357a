//! The report as one JSON object. Its keys, which stay as they are (new ones may join them):
//!
//! ```text
//! tool         { name, version }
//! asked        what was asked for, as a sentence
//! at           when the scan began, RFC 3339
//! complete     whether everything asked for was read
//! findings[]   one credential each:
//!   fingerprint  32 hexadecimal digits; the same secret has the same one wherever it lies
//!   rule, description, provider (or null), rivals[] (other providers whose rules claim it as surely), tags[]
//!   confidence   "low", "medium" or "high"; reasons[] say why
//!   entropy      bits per byte
//!   redacted     the secret as it may be shown;  secret: the secret itself, only with --reveal
//!   verdict      null when nobody was asked, else { verdict: "active" | "inactive" | "unknown", ... }
//!   first_commit null, or the earliest commit that holds it: { id, author, email, date, summary, message }
//!   occurrences[] { kind: "file" | "stdin" | "log" | "history" | "staged", path, blob (or null), commit (or null),
//!                  start { line, column }, end { line, column } (both from 1; columns in bytes; end is the last byte),
//!                  offset (in bytes), at (of a log whose line says when it was written), line (masked),
//!                  encodings[]: how the bytes were decoded in which it was found, the outermost first: "base64", "json" }
//!     whereabouts  of a whole history: { held: "reachable" | "notes" | "stash" | "reflog" | "index" | "shared" |
//!                  "unreachable", refs[], more_refs, paths[], other_paths, more_paths }
//!   seen         of a log: { places (all of them, told or not), first, last (when, or null) }
//! skipped[]    what was not read: { what, why, detail, asked }
//! dropped      { count, reasons: { reason: count }, items[]: { rule, place, redacted, reason } only with --explain }
//! read         { blobs, bytes, commits, elapsed_ms }
//! notes[]      sentences
//! ```

use super::{Dropped, Options, Report, shown};
use crate::detect::{Confidence, Finding, Occurrence, Seen};
use crate::secret::Fingerprint;
use crate::source::archive::Layer;
use crate::source::{Commit, Provenance, Skipped};
use crate::text::lines::Position;
use crate::validate::{Judged, Verdict};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// Writes one object, indented.
pub fn write(report: &Report, options: &Options) -> Vec<u8> {
    let findings = report.findings.iter().map(|judged| FindingView::of(judged, options)).collect();
    let whole = Whole { summary: SummaryView::of(report, options), findings };
    let mut bytes = serde_json::to_vec_pretty(&whole).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    summary: SummaryView<'a>,
    findings: Vec<FindingView<'a>>,
}

/// Everything but the findings.
#[derive(Serialize)]
pub struct SummaryView<'a> {
    tool: ToolView<'a>,
    asked: &'a str,
    at: Timestamp,
    complete: bool,
    skipped: &'a [Skipped],
    dropped: DroppedView<'a>,
    read: ReadView,
    notes: &'a [String],
}

#[derive(Serialize)]
struct ToolView<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct DroppedView<'a> {
    count: usize,
    reasons: BTreeMap<&'a str, usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Vec<DroppedItem<'a>>>,
}

#[derive(Serialize)]
struct DroppedItem<'a> {
    rule: &'a str,
    place: &'a str,
    redacted: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct ReadView {
    blobs: u64,
    bytes: u64,
    commits: u64,
    elapsed_ms: u128,
}

/// One finding.
#[derive(Serialize)]
pub struct FindingView<'a> {
    fingerprint: Fingerprint,
    rule: &'a str,
    description: &'a str,
    provider: Option<&'a str>,
    rivals: &'a [String],
    tags: &'a [String],
    confidence: Confidence,
    reasons: &'a [String],
    entropy: f64,
    redacted: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    verdict: Option<&'a Verdict>,
    first_commit: Option<&'a Commit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seen: Option<Seen>,
    occurrences: Vec<OccurrenceView<'a>>,
}

#[derive(Serialize)]
struct OccurrenceView<'a> {
    kind: &'static str,
    path: String,
    blob: Option<&'a str>,
    commit: Option<&'a Commit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    whereabouts: Option<shown::WhereaboutsView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    layer: Option<&'a Layer>,
    start: Position,
    end: Position,
    offset: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    line: String,
    encodings: Vec<&'static str>,
}

impl<'a> SummaryView<'a> {
    /// What is to be said of the whole.
    pub fn of(report: &'a Report, options: &Options) -> SummaryView<'a> {
        let read = report.accounting;
        SummaryView {
            tool: ToolView { name: &report.tool.name, version: &report.tool.version },
            asked: &report.asked,
            at: report.at,
            complete: report.complete,
            skipped: &report.skipped,
            dropped: DroppedView::of(&report.dropped, options),
            read: ReadView {
                blobs: read.blobs,
                bytes: read.bytes,
                commits: read.commits,
                elapsed_ms: read.elapsed.as_millis(),
            },
            notes: &report.notes,
        }
    }
}

impl<'a> DroppedView<'a> {
    fn of(dropped: &'a [Dropped], options: &Options) -> DroppedView<'a> {
        let mut reasons = BTreeMap::new();
        for one in dropped {
            *reasons.entry(one.reason.as_str()).or_default() += 1;
        }
        let item = |one: &'a Dropped| DroppedItem {
            rule: &one.rule,
            place: &one.place,
            redacted: &one.redacted,
            reason: &one.reason,
        };
        let items = options.explain.then(|| dropped.iter().map(item).collect());
        DroppedView { count: dropped.len(), reasons, items }
    }
}

impl<'a> FindingView<'a> {
    /// What is to be said of one finding.
    pub fn of(judged: &'a Judged, options: &Options) -> FindingView<'a> {
        let finding = &judged.finding;
        FindingView {
            fingerprint: finding.fingerprint,
            rule: &finding.rule,
            description: &finding.description,
            provider: finding.provider.as_deref(),
            rivals: &finding.rivals,
            tags: &finding.tags,
            confidence: finding.confidence,
            reasons: &finding.reasons,
            entropy: rounded(finding.entropy),
            redacted: &finding.redacted,
            secret: options.reveal.then(|| shown::secret(finding, options)),
            verdict: judged.verdict.as_ref(),
            first_commit: shown::first_commit(finding),
            seen: shown::seen(finding),
            occurrences: finding.occurrences.iter().map(|here| OccurrenceView::of(finding, here, options)).collect(),
        }
    }
}

impl<'a> OccurrenceView<'a> {
    fn of(finding: &Finding, here: &'a Occurrence, options: &Options) -> OccurrenceView<'a> {
        let blob = match here.provenance.as_ref() {
            Provenance::History { blob, .. } | Provenance::Staged { blob, .. } => Some(blob.as_str()),
            Provenance::File { .. } | Provenance::Layer { .. } | Provenance::Stdin | Provenance::Log { .. } => None,
        };
        OccurrenceView {
            kind: shown::kind(&here.provenance),
            path: shown::path(&here.provenance),
            blob,
            commit: here.provenance.commit(),
            whereabouts: shown::whereabouts(&here.provenance),
            layer: here.provenance.layer(),
            start: here.start,
            end: here.end,
            offset: here.offset,
            at: here.at,
            line: shown::line(finding, here, options),
            encodings: here.layers.labels().collect(),
        }
    }
}

/// Three decimals: more of them say nothing.
fn rounded(entropy: f64) -> f64 {
    (entropy * 1000.0).round() / 1000.0
}
