//! One finding a line, `{"type":"finding", ...}`, and last `{"type":"summary", ...}` with everything else; the keys are
//! those of [`super::json`]. A reader that sees no summary knows that the report was cut off.

use super::json::{FindingView, SummaryView};
use super::{Options, Report};
use serde::Serialize;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Line<'a> {
    Finding(FindingView<'a>),
    Summary {
        findings: usize,
        #[serde(flatten)]
        summary: SummaryView<'a>,
    },
}

/// Writes the lines.
pub fn write(report: &Report, options: &Options) -> Vec<u8> {
    let findings = report.findings.iter().map(|judged| Line::Finding(FindingView::of(judged, options)));
    let last = Line::Summary { findings: report.findings.len(), summary: SummaryView::of(report, options) };
    let mut bytes = Vec::new();
    for line in findings.chain([last]) {
        bytes.extend(serde_json::to_vec(&line).unwrap_or_default());
        bytes.push(b'\n');
    }
    bytes
}
