//! The messages and authors of commits and the names of refs, which every form quotes, may hold a credential themselves:
//! here it is taken out of them, in the report and not in its printers, so that no form can forget it.

use super::Report;
use crate::secret::{Secret, redact};
use crate::source::{Commit, Provenance, Whereabouts};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The path that sources give to the text of a commit.
const MESSAGE: &[u8] = b"(message)";

/// The report with its secrets masked in what commits and refs say; `None` when there is none in it.
pub fn clean(report: &Report) -> Option<Report> {
    let cleaner = Cleaner::of(report);
    let cleaned: BTreeMap<&Provenance, Arc<Provenance>> =
        provenances(report).filter_map(|one| Some((one, Arc::new(cleaner.clean(one)?)))).collect();
    if cleaned.is_empty() {
        return None;
    }
    let mut report = report.clone();
    for here in report.findings.iter_mut().flat_map(|judged| &mut judged.finding.occurrences) {
        if let Some(cleaned) = cleaned.get(&*here.provenance) {
            here.provenance = cleaned.clone();
        }
    }
    Some(report)
}

/// Takes secrets out of what is quoted.
struct Cleaner<'r> {
    secrets: Vec<&'r Secret>,
    /// Commits in whose text something was found, by id: it may be written in more lines than one.
    told: BTreeSet<&'r str>,
}

impl<'r> Cleaner<'r> {
    fn of(report: &'r Report) -> Cleaner<'r> {
        let secrets = report.findings.iter().map(|judged| &*judged.finding.credential.secret);
        Cleaner { secrets: secrets.collect(), told: provenances(report).filter_map(message_of).collect() }
    }

    /// The same without its secrets; `None` when it holds none.
    fn clean(&self, provenance: &Provenance) -> Option<Provenance> {
        let Provenance::History { path, blob, commit, whereabouts } = provenance else { return None };
        let cleaned_commit = commit.as_ref().and_then(|commit| self.commit(commit));
        let cleaned_names = whereabouts.as_ref().and_then(|known| self.names(known));
        if cleaned_commit.is_none() && cleaned_names.is_none() {
            return None;
        }
        let commit = cleaned_commit.map(Arc::new).or_else(|| commit.clone());
        let whereabouts = cleaned_names.map(Arc::new).or_else(|| whereabouts.clone());
        Some(Provenance::History { path: path.clone(), blob: blob.clone(), commit, whereabouts })
    }

    fn commit(&self, commit: &Commit) -> Option<Commit> {
        let Commit { author, email, summary, message, .. } = commit;
        let quoted = [author, email, message];
        if !self.told.contains(commit.id.as_str()) && !quoted.into_iter().any(|text| self.holds(text)) {
            return None;
        }
        let [author, email, summary, message] = [author, email, summary, message].map(|text| self.masked(text));
        Some(Commit { author, email, summary, message, ..commit.clone() })
    }

    fn names(&self, known: &Whereabouts) -> Option<Whereabouts> {
        let holds = known.refs.iter().any(|name| self.holds(name));
        let masked = || known.refs.iter().map(|name| self.masked(name)).collect();
        holds.then(|| Whereabouts { refs: masked(), ..known.clone() })
    }

    fn masked(&self, text: &str) -> String {
        redact::scrub(text, self.secrets.iter().copied())
    }

    fn holds(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| holds(text, secret))
    }
}

fn provenances(report: &Report) -> impl Iterator<Item = &Provenance> {
    let findings = report.findings.iter().map(|judged| &judged.finding);
    findings.flat_map(|finding| finding.occurrences.iter().map(|here| &*here.provenance))
}

/// The commit in whose text something was found.
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
