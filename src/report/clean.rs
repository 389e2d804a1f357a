//! The messages of commits, which every form quotes, may hold a credential themselves: here it is taken out of them, in
//! the report and not in its printers, so that no form can forget it.

use super::Report;
use crate::detect::Finding;
use crate::secret::{Secret, redact};
use crate::source::{Commit, Provenance};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The path that sources give to the text of a commit.
const MESSAGE: &[u8] = b"(message)";

/// The report with its secrets masked in the messages of commits; `None` when there is none in them.
pub fn clean(report: &Report) -> Option<Report> {
    let secrets: Vec<&Secret> = findings(report).map(|finding| &*finding.credential.secret).collect();
    let told: BTreeSet<&str> = provenances(report).filter_map(message_of).collect();
    let mut commits: BTreeMap<&str, Arc<Commit>> = BTreeMap::new();
    for commit in provenances(report).filter_map(Provenance::commit) {
        let known = commits.contains_key(commit.id.as_str());
        if !known && (told.contains(commit.id.as_str()) || secrets.iter().any(|secret| holds(&commit.message, secret)))
        {
            let masked = |text: &str| redact::scrub(text, secrets.iter().copied());
            let (summary, message) = (masked(&commit.summary), masked(&commit.message));
            commits.insert(&commit.id, Arc::new(Commit { summary, message, ..commit.clone() }));
        }
    }
    if commits.is_empty() {
        return None;
    }
    let mut cleaned = report.clone();
    for here in cleaned.findings.iter_mut().flat_map(|judged| &mut judged.finding.occurrences) {
        if let Provenance::History { path, blob, commit: Some(commit), whereabouts } = &*here.provenance
            && let Some(commit) = commits.get(commit.id.as_str())
        {
            let (path, blob, commit, whereabouts) =
                (path.clone(), blob.clone(), Some(commit.clone()), whereabouts.clone());
            here.provenance = Arc::new(Provenance::History { path, blob, commit, whereabouts });
        }
    }
    Some(cleaned)
}

fn findings(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().map(|judged| &judged.finding)
}

fn provenances(report: &Report) -> impl Iterator<Item = &Provenance> {
    findings(report).flat_map(|finding| finding.occurrences.iter().map(|here| &*here.provenance))
}

/// The commit in whose message something was found.
fn message_of(provenance: &Provenance) -> Option<&str> {
    match provenance {
        Provenance::History { path, commit: Some(commit), .. } if path == MESSAGE => Some(&commit.id),
        _ => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "looks for the secret in a text that is about to be shown")]
fn holds(text: &str, secret: &Secret) -> bool {
    std::str::from_utf8(secret.expose()).is_ok_and(|secret| !secret.is_empty() && text.contains(secret))
}
