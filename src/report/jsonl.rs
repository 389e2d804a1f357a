//! One finding a line, `{"type":"finding", ...}`, and last `{"type":"summary", ...}` with everything else; the keys are
//! those of [`super::json`]. Of logs that are followed there is, before the summary, `{"type":"again","fingerprint",
//! "rule","seen"}` for each finding that was seen more often than it was told.
//! A reader that sees no summary knows that the report was cut off.

use super::json::{FindingView, SummaryView};
use super::{Options, Report};
use crate::detect::Seen;
use crate::secret::Fingerprint;
use crate::validate::Judged;
use serde::Serialize;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Finding(FindingView<'a>),
    Again {
        fingerprint: Fingerprint,
        rule: &'a str,
        seen: Seen,
    },
    Summary {
        findings: usize,
        #[serde(flatten)]
        summary: SummaryView<'a>,
    },
}

/// One finding.
pub fn one(judged: &Judged, options: &Options) -> Vec<u8> {
    line(&Line::Finding(FindingView::of(judged, options)))
}

/// How often and when a finding was seen that was told before.
pub fn again(fingerprint: Fingerprint, rule: &str, seen: Seen) -> Vec<u8> {
    line(&Line::Again { fingerprint, rule, seen })
}

/// What comes last, after so many findings.
pub fn end(report: &Report, findings: u64, options: &Options) -> Vec<u8> {
    let findings = usize::try_from(findings).unwrap_or(usize::MAX);
    line(&Line::Summary { findings, summary: SummaryView::of(report, options) })
}

/// Writes the lines.
pub fn write(report: &Report, options: &Options) -> Vec<u8> {
    let findings = report.findings.iter().map(|judged| Line::Finding(FindingView::of(judged, options)));
    let last = Line::Summary { findings: report.findings.len(), summary: SummaryView::of(report, options) };
    findings.chain([last]).flat_map(|one| line(&one)).collect()
}

fn line(line: &Line<'_>) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
