//! Whether what was found still lives: each credential is asked about once, by its own provider.
//!
//! A credential that several providers claim is sent to none of them: a guess would hand it to a stranger. Questions run
//! side by side, a few at a time; how often one host is asked is the transport's concern. Knows nothing of reports or
//! incidents.

use crate::detect::Finding;
use crate::provider::{Provider, Registry};
use crate::secret::{Credential, Fingerprint};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub use crate::provider::Verdict;

/// A finding, and what its provider says of it.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The finding.
    pub finding: Finding,
    /// The verdict; `None` when nobody was asked.
    pub verdict: Option<Verdict>,
}

impl Judged {
    /// A finding about which nobody was asked.
    pub fn unasked(finding: Finding) -> Self {
        Judged { finding, verdict: None }
    }
}

/// How to ask.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many questions may be under way at once.
    pub parallel: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { parallel: 8 }
    }
}

/// Asks about each finding, once for each fingerprint; the order stays.
pub fn validate(findings: Vec<Finding>, registry: &Registry, options: &Options) -> Vec<Judged> {
    let questions: Vec<(Fingerprint, Question)> = questions(&findings, registry).into_iter().collect();
    let verdicts = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((print, question)) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
            let verdict = question.ask();
            verdicts.lock().unwrap_or_else(PoisonError::into_inner).insert(*print, verdict);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.parallel.clamp(1, questions.len().max(1)) {
            scope.spawn(work);
        }
    });
    let verdicts = verdicts.into_inner().unwrap_or_else(PoisonError::into_inner);
    let judged = |finding: Finding| Judged { verdict: verdicts.get(&finding.fingerprint).cloned(), finding };
    findings.into_iter().map(judged).collect()
}

/// What is to be asked about one fingerprint, and of whom.
enum Question {
    Nobody(String),
    Ask(Arc<dyn Provider>, Credential),
}

impl Question {
    fn ask(&self) -> Verdict {
        match self {
            Question::Nobody(why) => Verdict::Unknown { why: why.clone() },
            Question::Ask(provider, credential) => provider.validate(credential),
        }
    }
}

fn questions(findings: &[Finding], registry: &Registry) -> BTreeMap<Fingerprint, Question> {
    let mut claims: BTreeMap<Fingerprint, Vec<&Finding>> = BTreeMap::new();
    for finding in findings {
        claims.entry(finding.fingerprint).or_default().push(finding);
    }
    claims.into_iter().map(|(print, claims)| (print, question(&claims, registry))).collect()
}

/// The question about one credential, of which there may be several findings with more or fewer parts.
fn question(claims: &[&Finding], registry: &Registry) -> Question {
    let named = claims.iter().filter_map(|finding| finding.provider.as_deref());
    let rivals = claims.iter().flat_map(|finding| finding.rivals.iter().map(String::as_str));
    let providers: BTreeSet<&str> = named.chain(rivals).collect();
    let mut names = providers.iter();
    match (names.next(), names.next()) {
        (None, _) => Question::Nobody("no provider is known for it".to_owned()),
        (Some(_), Some(_)) => {
            let all: Vec<&str> = providers.iter().copied().collect();
            Question::Nobody(format!("ambiguous: it may be of {}", all.join(" or ")))
        }
        (Some(id), None) => match registry.get(id).filter(|provider| provider.profile().knows.validate) {
            None => Question::Nobody("no validator".to_owned()),
            Some(provider) => {
                let of_it = claims.iter().filter(|finding| finding.provider.is_some());
                let fullest = of_it.max_by_key(|finding| finding.credential.parts.len());
                match fullest {
                    Some(finding) => Question::Ask(provider, finding.credential.clone()),
                    None => Question::Nobody("no provider is known for it".to_owned()),
                }
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::File;
    use crate::detect::{Confidence, Occurrence, Seen};
    use crate::http::canned::Canned;
    use crate::secret::{FingerprintKey, Secret};
    use crate::source::Provenance;
    use crate::text::lines::Position;

    fn file(id: &str, validate: bool) -> File {
        let mut text = format!(
            "provider: {id}\ntitle: T\napi:\n  source: s\n  read: 2026-11-20\n  base: https://{id}.example.com\n  \
             overlap: multi\n  settle: 1s\n"
        );
        if validate {
            text.push_str(
                "  validate:\n    request: { method: GET, path: '/{{ secret }}/{{ part.user? }}' }\n    answers:\n      \
                 - { status: [200], verdict: active }\n      - { status: [401], verdict: inactive }\n",
            );
        }
        File::new(format!("{id}.yaml"), text)
    }

    fn finding(provider: Option<&str>, secret: &str, parts: &[(&str, &str)]) -> Finding {
        let mut credential = Credential::new(Secret::new(secret));
        let parts = parts.iter().map(|(name, value)| ((*name).to_owned(), Arc::new(Secret::new(*value))));
        credential.parts.extend(parts);
        let position = Position { line: 1, column: 1 };
        let provenance = Arc::new(Provenance::Stdin);
        Finding {
            rule: "r".into(),
            description: "d".into(),
            provider: provider.map(str::to_owned),
            rivals: Vec::new(),
            tags: Vec::new(),
            fingerprint: FingerprintKey::public().fingerprint(&Secret::new(secret)),
            credential,
            redacted: String::new(),
            entropy: 0.0,
            confidence: Confidence::High,
            reasons: Vec::new(),
            occurrences: vec![Occurrence {
                provenance,
                start: position,
                end: position,
                units: None,
                offset: 0,
                at: None,
                line: String::new(),
                layers: Default::default(),
            }],
            seen: Seen::default(),
        }
    }

    #[test]
    fn each_credential_is_asked_about_once_and_never_by_a_guess() {
        let canned = Canned::new()
            .on("GET https://one.example.com/live/", 200, "")
            .on("GET https://one.example.com/dead/", 401, "")
            .on("GET https://one.example.com/pair/me", 200, "");
        let canned = Arc::new(canned);
        let files = [file("one", true), file("two", true), file("mute", false)];
        let registry = Registry::load(&files, BTreeMap::new(), canned.clone()).unwrap_or_else(|e| panic!("{e}"));
        let findings = vec![
            finding(Some("one"), "live", &[]),
            finding(Some("one"), "live", &[]),
            finding(Some("one"), "dead", &[]),
            finding(Some("one"), "both", &[]),
            finding(Some("two"), "both", &[]),
            Finding { rivals: vec!["two".into()], ..finding(Some("one"), "rival", &[]) },
            finding(Some("one"), "pair", &[]),
            finding(Some("one"), "pair", &[("user", "me")]),
            finding(Some("mute"), "mute", &[]),
            finding(None, "none", &[]),
        ];
        let judged = validate(findings, &registry, &Options { parallel: 3 });
        let active = || Verdict::Active { identity: None, scopes: Vec::new() };
        let unknown = |why: &str| Verdict::Unknown { why: why.to_owned() };
        let ambiguous = || unknown("ambiguous: it may be of one or two");
        let want = [
            active(),
            active(),
            Verdict::Inactive,
            ambiguous(),
            ambiguous(),
            ambiguous(),
            active(),
            active(),
            unknown("no validator"),
            unknown("no provider is known for it"),
        ];
        let got: Vec<Verdict> = judged.into_iter().map(|judged| judged.verdict.unwrap()).collect();
        assert_eq!(got, want);
        assert_eq!(canned.sent().len(), 3);
    }

    #[test]
    fn nothing_found_is_nothing_asked() {
        assert!(validate(Vec::new(), &Registry::default(), &Options::default()).is_empty());
    }
}
