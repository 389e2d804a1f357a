//! SARIF 2.1.0 (OASIS, <https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html>), for code scanning.
//!
//! One result an occurrence, since each place is looked at by itself; what belongs to one credential has the same partial
//! fingerprint `stanchCredential/v1`. What was not read is a notification of the invocation, and an incomplete scan is
//! one that was not successful. Columns are counted in UTF-16 code units; where they are not known a region is its lines.
//!
//! With `--explain` what people decided to live with is there too, suppressed, and a baseline's with its state. Only then:
//! code scanning of GitHub takes a suppressed result for an open one.

use super::{Accepted, Options, Report, shown};
use crate::detect::{Confidence, Finding, Occurrence};
use crate::source::{Provenance, Skipped};
use crate::text::percent;
use crate::validate::{Judged, Verdict};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Writes the log.
pub fn write(report: &Report, options: &Options) -> Vec<u8> {
    let rules = rules(report, options);
    let ids: Vec<&str> = rules.keys().copied().collect();
    let mut results = Vec::new();
    for judged in &report.findings {
        let index = ids.iter().position(|id| *id == judged.finding.rule);
        results.extend(judged.finding.occurrences.iter().map(|here| result(judged, here, index, options)));
    }
    results.extend(accepted(report, options).map(|(accepted, reason)| suppressed(accepted, reason, &ids, options)));
    if accepted(report, options).any(|(accepted, _)| accepted.known) {
        for result in &mut results {
            if let Value::Object(result) = result {
                result.entry("baselineState").or_insert_with(|| json!("new"));
            }
        }
    }
    let end = report.at.checked_add(jiff::SignedDuration::try_from(report.accounting.elapsed).unwrap_or_default());
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "semanticVersion": report.tool.version,
                "rules": rules.into_values().collect::<Vec<_>>(),
            } },
            "invocations": [{
                "executionSuccessful": report.complete,
                "startTimeUtc": report.at,
                "endTimeUtc": end.unwrap_or(report.at),
                "toolExecutionNotifications": notifications(report),
            }],
            "columnKind": "utf16CodeUnits",
            "results": results,
        }],
    });
    let mut bytes = serde_json::to_vec_pretty(&log).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// What people decided to live with, and why, when it is to be shown.
fn accepted<'r>(report: &'r Report, options: &Options) -> impl Iterator<Item = (&'r Accepted, &'r str)> {
    let dropped = report.dropped.iter().filter(|_| options.explain);
    dropped.filter_map(|one| Some((one.accepted.as_ref()?, one.reason.as_str())))
}

fn suppressed(accepted: &Accepted, reason: &str, ids: &[&str], options: &Options) -> Value {
    let finding = Finding::clone(&accepted.finding);
    let index = ids.iter().position(|id| *id == finding.rule);
    let judged = Judged::unasked(finding);
    let mut results = judged.finding.occurrences.iter().map(|here| result(&judged, here, index, options));
    let mut result = results.next().unwrap_or_default();
    if let Value::Object(result) = &mut result {
        let why = json!([{ "kind": "external", "status": "accepted", "justification": reason }]);
        result.insert("suppressions".into(), why);
        if accepted.known {
            result.insert("baselineState".into(), json!("unchanged"));
        }
    }
    result
}

/// The rules that found something, by id.
fn rules<'r>(report: &'r Report, options: &Options) -> BTreeMap<&'r str, Value> {
    let mut rules = BTreeMap::new();
    let reported = report.findings.iter().map(|judged| &judged.finding);
    for finding in reported.chain(accepted(report, options).map(|(accepted, _)| &*accepted.finding)) {
        let tags = finding.tags.iter().map(String::as_str).chain(["security", "secret"]).collect::<Vec<_>>();
        rules.entry(finding.rule.as_str()).or_insert_with(|| {
            json!({
                "id": finding.rule,
                "shortDescription": { "text": finding.description },
                "help": { "text": "Rotate it: `stanch respond FINGERPRINT`. Taking it out of the file does not end it." },
                "properties": { "tags": tags, "security-severity": "9.0" },
            })
        });
    }
    rules
}

fn result(judged: &Judged, here: &Occurrence, rule: Option<usize>, options: &Options) -> Value {
    let finding = &judged.finding;
    let mut properties = json!({
        "confidence": finding.confidence,
        "reasons": finding.reasons,
        "byteOffset": here.offset,
    });
    let verdict = judged.verdict.as_ref().and_then(|verdict| serde_json::to_value(verdict).ok());
    let commit = here.provenance.commit();
    let more = [
        ("verdict", verdict),
        ("encodings", (!here.layers.is_plain()).then(|| here.layers.labels().collect())),
        ("provider", finding.provider.clone().map(Value::String)),
        ("commit", commit.map(|commit| json!(commit.id))),
        ("author", commit.map(|commit| json!(commit.author))),
        ("date", commit.map(|commit| json!(commit.date)).or(here.at.map(|at| json!(at)))),
        ("seen", shown::seen(finding).map(|seen| json!(seen))),
        ("layer", here.provenance.layer().and_then(|layer| serde_json::to_value(layer).ok())),
        ("whereabouts", shown::whereabouts(&here.provenance).and_then(|known| serde_json::to_value(known).ok())),
        ("secret", options.reveal.then(|| json!(shown::secret(finding, options)))),
    ];
    if let Value::Object(properties) = &mut properties {
        properties.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    json!({
        "ruleId": finding.rule,
        "ruleIndex": rule,
        "level": level(judged),
        "message": { "text": message(judged) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&here.provenance),
            "region": region(finding, here, options),
        } }],
        "partialFingerprints": { "stanchCredential/v1": finding.fingerprint },
        "properties": properties,
    })
}

fn region(finding: &Finding, here: &Occurrence, options: &Options) -> Value {
    let mut region = json!({
        "startLine": here.start.line,
        "endLine": here.end.line,
        "snippet": { "text": shown::line(finding, here, options) },
    });
    if let (Value::Object(region), Some((start, end))) = (&mut region, here.units) {
        region.insert("startColumn".into(), json!(start));
        region.insert("endColumn".into(), json!(end));
    }
    region
}

fn level(judged: &Judged) -> &'static str {
    match (&judged.verdict, judged.finding.confidence) {
        (Some(Verdict::Active { .. }), _) => "error",
        (Some(Verdict::Inactive), _) | (_, Confidence::Low) => "note",
        (_, Confidence::Medium) => "warning",
        (_, Confidence::High) => "error",
    }
}

fn message(judged: &Judged) -> String {
    let Finding { description, redacted, fingerprint, .. } = &judged.finding;
    let lives = match &judged.verdict {
        Some(Verdict::Active { .. }) => " It works.",
        Some(Verdict::Inactive) => " Its provider refuses it.",
        Some(Verdict::Unknown { .. }) | None => "",
    };
    format!("{description}: {redacted}.{lives} Rotate it with `stanch respond {}`.", fingerprint.short())
}

fn notifications(report: &Report) -> Vec<Value> {
    let skipped = report.skipped.iter().map(|Skipped { what, why, detail, asked }| {
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        json!({
            "level": if *asked { "error" } else { "note" },
            "descriptor": { "id": why },
            "message": { "text": format!("{what} {}{detail}", why.label()) },
        })
    });
    let notes = report.notes.iter().map(|note| json!({ "level": "warning", "message": { "text": note } }));
    skipped.chain(notes).collect()
}

/// A relative path is relative to the root of the sources; an absolute one is a `file` URI.
fn artifact(provenance: &Provenance) -> Value {
    if let Provenance::Stdin = provenance {
        return json!({ "uri": "stdin" });
    }
    let path = provenance.raw_path();
    let path = path.strip_prefix(b"./").unwrap_or(path);
    match path.first() {
        // An object that nothing leads to lies nowhere.
        None => json!({ "uri": percent::encode(provenance.path().as_bytes(), b"/") }),
        Some(b'/') => json!({ "uri": format!("file://{}", percent::encode(path, b"/")) }),
        _ => json!({ "uri": percent::encode(path, b"/"), "uriBaseId": "%SRCROOT%" }),
    }
}
