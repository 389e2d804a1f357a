//! The messages and authors of commits and the names of refs, which every form quotes, may hold a credential themselves:
//! here it is taken out of them, in the report and not in its printers, so that no form can forget it.

use super::Report;
use crate::secret::{Secret, redact};
use crate::source::{Commit, Provenance, Whereabouts};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The report with its secrets masked in what commits and refs say; `None` when there is none in it.
pub fn clean(report: &Report) -> Option<Report> {
    provenances(report).find(|one| matches!(one, Provenance::History { .. }))?;
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
struct Cleaner<'r>(redact::Scrubber<'r>);

impl<'r> Cleaner<'r> {
    fn of(report: &'r Report) -> Cleaner<'r> {
        let secrets = report.findings.iter().map(|judged| &*judged.finding.credential.secret);
        Cleaner(redact::Scrubber::new(&secrets.collect::<Vec<&Secret>>()))
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
        let quoted = [&commit.author, &commit.email, &commit.summary, &commit.message];
        let scrubbed = quoted.map(|text| self.0.scrubbed(text));
        if scrubbed.iter().all(Option::is_none) {
            return None;
        }
        let [author, email, summary, message] = scrubbed;
        let or = |scrubbed: Option<String>, text: &String| scrubbed.unwrap_or_else(|| text.clone());
        Some(Commit {
            author: or(author, &commit.author),
            email: or(email, &commit.email),
            summary: or(summary, &commit.summary),
            message: or(message, &commit.message),
            ..commit.clone()
        })
    }

    fn names(&self, known: &Whereabouts) -> Option<Whereabouts> {
        let scrubbed: Vec<Option<String>> = known.refs.iter().map(|name| self.0.scrubbed(name)).collect();
        if scrubbed.iter().all(Option::is_none) {
            return None;
        }
        let refs = scrubbed.into_iter().zip(&known.refs).map(|(new, name)| new.unwrap_or_else(|| name.clone()));
        Some(Whereabouts { refs: refs.collect(), ..known.clone() })
    }
}

fn provenances(report: &Report) -> impl Iterator<Item = &Provenance> {
    let findings = report.findings.iter().map(|judged| &judged.finding);
    findings.flat_map(|finding| finding.occurrences.iter().map(|here| &*here.provenance))
}
