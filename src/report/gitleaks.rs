//! The JSON report of gitleaks 8, so that what reads it can switch: an array, one object an occurrence, the same keys.
//!
//! Keys, their order and the form of `Fingerprint` (`commit:file:rule:line`, without the commit where there is none) are
//! those of gitleaks' `report/finding.go` and `detect/detect.go`, v8.30, read 2026-11-20. `Link` is left out there when
//! it is empty, and here always. `Secret` and `Match` are masked without `--reveal`.

use super::{Options, Report, shown};
use crate::detect::{Finding, Occurrence};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Leak<'a> {
    #[serde(rename = "RuleID")]
    rule: &'a str,
    description: &'a str,
    start_line: u64,
    end_line: u64,
    start_column: u64,
    end_column: u64,
    r#match: String,
    secret: String,
    file: String,
    symlink_file: &'a str,
    commit: &'a str,
    entropy: f32,
    author: &'a str,
    email: &'a str,
    date: String,
    message: &'a str,
    tags: &'a [String],
    fingerprint: String,
}

/// Writes the array.
pub fn write(report: &Report, options: &Options) -> Vec<u8> {
    let findings = report.findings.iter().map(|judged| &judged.finding);
    let leaks: Vec<Leak<'_>> =
        findings.flat_map(|finding| finding.occurrences.iter().map(|here| leak(finding, here, options))).collect();
    let mut bytes = serde_json::to_vec_pretty(&leaks).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

fn leak<'a>(finding: &'a Finding, here: &'a Occurrence, options: &Options) -> Leak<'a> {
    let commit = here.provenance.commit();
    let file = shown::path(&here.provenance);
    let date = commit.map(|commit| commit.date).or(here.at);
    let fingerprint = match commit {
        Some(commit) => format!("{}:{file}:{}:{}", commit.id, finding.rule, here.start.line),
        None => format!("{file}:{}:{}", finding.rule, here.start.line),
    };
    Leak {
        rule: &finding.rule,
        description: &finding.description,
        start_line: here.start.line,
        end_line: here.end.line,
        start_column: here.start.column,
        end_column: here.end.column,
        r#match: shown::line(finding, here, options),
        secret: shown::secret(finding, options),
        file,
        symlink_file: "",
        commit: commit.map_or("", |commit| &commit.id),
        entropy: finding.entropy as f32,
        author: commit.map_or("", |commit| &commit.author),
        email: commit.map_or("", |commit| &commit.email),
        date: date.map_or_else(String::new, |date| date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        message: commit.map_or("", |commit| commit.message.trim_end()),
        tags: &finding.tags,
        fingerprint,
    }
}
