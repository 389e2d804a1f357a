//! The report for a person: each credential with what it is, where it lies, since when, by whom, how sure that is, whether
//! it lives, and the command to type next; then what was read, and whether that is all of it.

mod page;

use super::{Dropped, Options, Report, shown};
use crate::detect::{Confidence, Finding, Occurrence};
use crate::source::{Commit, Skipped};
use crate::text::duration;
use crate::text::terminal::printable;
use crate::validate::{Judged, Verdict};
use jiff::Timestamp;
use page::{Page, Style};
use std::collections::BTreeMap;

/// Places shown of one credential; the others are counted.
const PLACES: usize = 3;
/// Skipped things shown by name; the others are counted.
const SKIPPED: usize = 10;

/// Writes the page.
pub fn write(report: &Report, options: &Options) -> Vec<u8> {
    let mut page = Page::new(options.width, options.color);
    for (at, judged) in report.findings.iter().enumerate() {
        finding(&mut page, at + 1, judged, report.at, options);
        page.gap();
    }
    if options.explain && !report.dropped.is_empty() {
        dropped(&mut page, &report.dropped);
        page.gap();
    }
    summary(&mut page, report, options);
    page.finish()
}

fn finding(page: &mut Page, number: usize, judged: &Judged, now: Timestamp, options: &Options) {
    let finding = &judged.finding;
    let secret = printable(shown::secret(finding, options).as_bytes());
    page.title(style(judged), &format!("{number}. {}", finding.description), &secret);
    places(page, finding, options);
    if let Some(commit) = shown::first_commit(finding) {
        page.row("since", &since(commit, now));
    }
    if let Some(seen) = seen(finding, now) {
        page.row("seen", &seen);
    }
    if let Some(held) = shown::held(finding) {
        page.row("held", &held);
    }
    let reasons = if finding.reasons.is_empty() { String::new() } else { format!(": {}", finding.reasons.join(", ")) };
    page.row("sure", &format!("{}{reasons}", finding.confidence.label()));
    if !finding.rivals.is_empty() {
        let others = finding.rivals.join(", ");
        page.row("or of", &format!("{others}: their rules claim it as surely, so none of them is asked"));
    }
    if let Some(verdict) = &judged.verdict {
        page.row("lives", &lives(verdict));
    }
    page.row("rule", &finding.rule);
    page.row("id", &finding.fingerprint.to_string());
    next(page, finding);
}

/// What to type. What is only staged has not left the machine: it is taken out, not rotated.
fn next(page: &mut Page, finding: &Finding) {
    let mut staged = finding.occurrences.iter().filter(|here| shown::kind(&here.provenance) == "staged");
    match staged.next() {
        Some(first) if staged.count() + 1 == finding.occurrences.len() => {
            page.command("next", &format!("git restore --staged -- {}", quoted(&shown::path(&first.provenance))));
            page.row("", "it is in no commit yet: take it out of the file, then commit");
        }
        _ => page.command("next", &format!("stanch respond {}", finding.fingerprint.short())),
    }
}

fn places(page: &mut Page, finding: &Finding, options: &Options) {
    for (at, here) in finding.occurrences.iter().take(PLACES).enumerate() {
        let (place, beside) = place(here);
        page.line_with(if at == 0 { "where" } else { "" }, &place, &beside);
        let line = printable(shown::line(finding, here, options).trim().as_bytes());
        // The line that is nothing but the secret says nothing new.
        if !line.is_empty() && line != finding.redacted {
            page.quote(&line);
        }
    }
    let more = finding.occurrences.len().saturating_sub(PLACES) as u64;
    if let Some(last) = finding.occurrences.last().filter(|_| more > 0) {
        let all = shown::places_of(finding);
        let places = shown::count(all, "place", "places");
        let last = match all > finding.occurrences.len() as u64 {
            true => format!(", the last at {}", place(last).0),
            false => String::new(),
        };
        page.row("", &format!("and {} more, {places} in all{last}", shown::thousands(all - PLACES as u64)));
    }
}

/// `src/a.yml:3:9`, and `in base64 > json, in 9f3c2ab of 2026-08-03`.
fn place(here: &Occurrence) -> (String, String) {
    let path = match shown::path(&here.provenance) {
        path if path == "-" => "standard input".to_owned(),
        path => path,
    };
    let commit = here.provenance.commit();
    let commit = commit.map(|commit| format!("in {} of {}", shown::short(&commit.id), day(commit.date)));
    let staged = (shown::kind(&here.provenance) == "staged").then(|| "(staged)".to_owned());
    let layer = here.provenance.layer().map(|layer| format!("in {}", layer.describe()));
    let encoded = (!here.layers.is_plain()).then(|| format!("in {}", here.layers));
    let beside: Vec<String> = encoded.into_iter().chain(commit.or(staged).or(layer)).collect();
    (format!("{path}:{}:{}", here.start.line, here.start.column), beside.join(", "))
}

fn since(commit: &Commit, now: Timestamp) -> String {
    let who = match commit.email.is_empty() {
        true => commit.author.clone(),
        false => format!("{} <{}>", commit.author, commit.email),
    };
    let (day, ago, id) = (day(commit.date), ago(commit.date, now), shown::short(&commit.id));
    format!("{day}, {ago}, in {id} by {who}: {}", commit.summary)
}

/// When the lines of logs that hold it were written.
fn seen(finding: &Finding, now: Timestamp) -> Option<String> {
    let (first, last) = finding.seen.first.zip(finding.seen.last)?;
    let moment = |at: Timestamp| format!("{} UTC", at.strftime("%Y-%m-%d %H:%M:%S"));
    Some(match first == last {
        true => format!("{}, {}", moment(first), ago(first, now)),
        false => format!("first {}, {}; last {}, {}", moment(first), ago(first, now), moment(last), ago(last, now)),
    })
}

fn lives(verdict: &Verdict) -> String {
    let text = match verdict {
        Verdict::Active { identity, scopes } => {
            let identity = identity.as_ref().map(|who| format!(", it is {who}")).unwrap_or_default();
            let scopes = if scopes.is_empty() { String::new() } else { format!(", and may {}", scopes.join(", ")) };
            format!("yes: the provider takes it{identity}{scopes}")
        }
        Verdict::Inactive => "no: the provider refuses it".to_owned(),
        Verdict::Unknown { why } => format!("not known: {why}"),
    };
    printable(text.as_bytes())
}

fn style(judged: &Judged) -> Style {
    match (&judged.verdict, judged.finding.confidence) {
        (Some(Verdict::Active { .. }), _) => Style::Bad,
        (Some(Verdict::Inactive), _) | (_, Confidence::Low) => Style::Plain,
        (_, Confidence::Medium) => Style::Warn,
        (_, Confidence::High) => Style::Bad,
    }
}

fn dropped(page: &mut Page, dropped: &[Dropped]) {
    page.heading(Style::Plain, "Looked like a credential and was dropped");
    for one in dropped {
        page.line("", &format!("{}  {}  {}", one.place, one.rule, one.redacted));
        page.quote(&one.reason);
    }
}

/// One finding, as the page has it.
pub fn one(number: usize, judged: &Judged, now: Timestamp, options: &Options) -> Vec<u8> {
    let mut page = Page::new(options.width, options.color);
    finding(&mut page, number, judged, now, options);
    page.gap();
    page.finish()
}

/// What stands below the findings, of which there were so many.
pub fn end(report: &Report, findings: u64, places: u64, options: &Options) -> Vec<u8> {
    let mut page = Page::new(options.width, options.color);
    let style = if findings == 0 { Style::Good } else { Style::Bad };
    page.heading(style, &number_of(findings, places));
    rest(&mut page, report, options);
    page.finish()
}

fn summary(page: &mut Page, report: &Report, options: &Options) {
    page.heading(if report.findings.is_empty() { Style::Good } else { Style::Bad }, &tally(report));
    rest(page, report, options);
}

fn rest(page: &mut Page, report: &Report, options: &Options) {
    page.row("read", &read(report));
    if !report.dropped.is_empty() {
        let hint = if options.explain { "" } else { "; --explain shows them" };
        page.row("dropped", &format!("{}{hint}", by_reason(&report.dropped)));
    }
    skipped(page, report);
    for note in &report.notes {
        page.row("note", note);
    }
    if !report.findings.is_empty() {
        page.row("allow", "put `- { fingerprint: \"<id>\", reason: \"<why>\" }` under `allow:` in stanch.yaml");
    }
    match report.complete {
        true => page.row("complete", "yes, everything that was asked for was read"),
        false => page.strong_row("complete", "NO: something that was asked for was not read"),
    }
}

/// `2 credentials in 5 places: 1 lives, 1 refused`.
fn tally(report: &Report) -> String {
    let places = report.findings.iter().map(|judged| shown::places_of(&judged.finding)).sum();
    let verdicts = || report.findings.iter().filter_map(|judged| judged.verdict.as_ref());
    let mut text = number_of(report.findings.len() as u64, places);
    if verdicts().next().is_some() {
        let alive = verdicts().filter(|verdict| matches!(verdict, Verdict::Active { .. })).count() as u64;
        let dead = verdicts().filter(|verdict| matches!(verdict, Verdict::Inactive)).count() as u64;
        let unknown = report.findings.len() as u64 - alive - dead;
        let parts = [(alive, if alive == 1 { "lives" } else { "live" }), (dead, "refused"), (unknown, "not known")];
        let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
        text.push_str(&format!(": {}", parts.collect::<Vec<_>>().join(", ")));
    }
    text
}

fn number_of(findings: u64, places: u64) -> String {
    match findings {
        0 => "No credential found".to_owned(),
        _ => {
            let credentials = shown::count(findings, "credential", "credentials");
            format!("{credentials} in {}", shown::count(places, "place", "places"))
        }
    }
}

fn read(report: &Report) -> String {
    let read = report.accounting;
    let commits = match read.commits {
        0 => String::new(),
        number => format!("{}, ", shown::count(number, "commit", "commits")),
    };
    let blobs = shown::count(read.blobs, "file or blob", "files or blobs");
    let size = shown::size(read.bytes);
    format!("{}: {commits}{blobs}, {size}, in {}", report.asked, duration::human(read.elapsed))
}

/// `12: 8 placeholder, 4 in a lock file`.
fn by_reason(dropped: &[Dropped]) -> String {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for one in dropped {
        *reasons.entry(&one.reason).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(reason, number)| (std::cmp::Reverse(*number), *reason));
    let list: Vec<String> = reasons.iter().map(|(reason, number)| format!("{number} {reason}")).collect();
    format!("{} that looked like credentials ({})", shown::thousands(dropped.len() as u64), list.join(", "))
}

fn skipped(page: &mut Page, report: &Report) {
    let (asked, other): (Vec<&Skipped>, Vec<&Skipped>) = report.skipped.iter().partition(|skipped| skipped.asked);
    for (at, one) in asked.iter().take(SKIPPED).enumerate() {
        let detail = if one.detail.is_empty() { String::new() } else { format!(": {}", one.detail) };
        page.strong_row(if at == 0 { "skipped" } else { "" }, &format!("{} {}{detail}", one.what, one.why.label()));
    }
    if asked.len() > SKIPPED {
        let more = shown::thousands((asked.len() - SKIPPED) as u64);
        page.strong_row("", &format!("and {more} more; --format json lists them"));
    }
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for one in &other {
        *reasons.entry(shown::word(one.why)).or_default() += 1;
    }
    if !other.is_empty() {
        let list: Vec<String> =
            reasons.iter().map(|(why, number)| format!("{} {why}", shown::thousands(*number))).collect();
        page.row("left out", &list.join(", "));
    }
}

/// A path as a shell reads it back.
fn quoted(path: &str) -> String {
    let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'-' | b'_'));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d").to_string()
}

/// How long ago, coarsely.
fn ago(then: Timestamp, now: Timestamp) -> String {
    const DAY: i64 = 24 * 60 * 60;
    let days = now.duration_since(then).as_secs() / DAY;
    match days {
        ..0 => "in the future".to_owned(),
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        2..60 => format!("{days} days ago"),
        60..730 => format!("{} months ago", days * 12 / 365),
        _ => format!("{} years ago", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let cases = [
            ("2026-11-20T01:00:00Z", "today"),
            ("2026-11-19T11:00:00Z", "yesterday"),
            ("2026-10-01T12:00:00Z", "50 days ago"),
            ("2026-08-01T12:00:00Z", "3 months ago"),
            ("2022-11-20T12:00:00Z", "4 years ago"),
            ("2027-01-01T12:00:00Z", "in the future"),
        ];
        for (then, want) in cases {
            assert_eq!(ago(then.parse().unwrap(), now), want, "{then}");
        }
    }
}
