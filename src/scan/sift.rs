//! What of all that was found is reported: what people decided to live with is taken out, and what is not sure enough;
//! never without a word.

use super::Options;
use crate::detect::{self, Confidence, Finding, Merged, Occurrence};
use crate::report::{Accepted, Dropped};
use std::sync::Arc;

/// What is reported, what is not and why, and what else is to be said.
#[derive(Debug, Default)]
pub(super) struct Sifted {
    pub findings: Vec<Finding>,
    pub dropped: Vec<Dropped>,
    pub notes: Vec<String>,
}

/// Sorts all that was found.
pub(super) fn sift(merged: Merged, options: &Options) -> Sifted {
    let mut sifted = Sifted { dropped: merged.dropped.into_iter().map(by_filter).collect(), ..Sifted::default() };
    let mut unsure = 0;
    for finding in merged.findings {
        if finding.confidence < options.least {
            unsure += 1;
            sifted.drop(&finding, &finding.occurrences, &unsure_reason(finding.confidence), None);
            continue;
        }
        if options.baseline.holds(finding.fingerprint) {
            sifted.drop(&finding, &finding.occurrences, "in the baseline", Some(Known(true)));
            continue;
        }
        let as_found = finding.clone();
        let (left, taken) = options.allow.apply(finding, options.at);
        for (entry, places) in taken {
            sifted.drop(&as_found, &places, &entry.describe(), Some(Known(false)));
        }
        sifted.findings.extend(left);
    }
    if unsure > 0 {
        sifted.notes.push(unsure_note(unsure, options.least));
    }
    let expired = options.allow.expired(options.at);
    sifted.notes.extend(expired.map(|entry| format!("the allow-list entry for {} has expired", entry.covered())));
    sifted
}

/// People decided to live with it: whether by a baseline.
#[derive(Clone, Copy)]
struct Known(bool);

impl Sifted {
    fn drop(&mut self, finding: &Finding, places: &[Occurrence], reason: &str, accepted: Option<Known>) {
        self.dropped.extend(places.iter().map(|place| Dropped {
            rule: finding.rule.clone(),
            place: shown(place),
            redacted: finding.redacted.clone(),
            reason: reason.to_owned(),
            accepted: accepted.map(|Known(known)| {
                let finding = Finding { occurrences: vec![place.clone()], ..finding.clone() };
                Accepted { finding: Arc::new(finding), known }
            }),
        }));
    }
}

fn by_filter(dropped: detect::Dropped) -> Dropped {
    Dropped {
        place: shown(&dropped.occurrence),
        reason: dropped.reason.to_string(),
        rule: dropped.rule,
        redacted: dropped.redacted,
        accepted: None,
    }
}

fn unsure_reason(confidence: Confidence) -> String {
    format!("only of {} confidence", confidence.label())
}

fn unsure_note(count: usize, least: Confidence) -> String {
    let what = if count == 1 { "1 finding is".to_owned() } else { format!("{count} findings are") };
    format!("{what} less sure than {} and not shown: --min-confidence low shows all", least.label())
}

/// `path:line:column`.
fn shown(place: &Occurrence) -> String {
    format!("{}:{}:{}", place.provenance.path(), place.start.line, place.start.column)
}
