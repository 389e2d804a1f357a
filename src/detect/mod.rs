//! Finding credentials in bytes.
//!
//! A [`Detector`] takes a [`Blob`], looks at it in each of its decoded views ([`crate::decode`]), tries each rule near its
//! keywords ([`matcher`]), asks why a match may be none ([`filter`]), says how sure it is ([`place`],
//! checksums, entropy), and gives [`Hit`]s. [`merge`] turns the hits of all blobs into findings: one credential with all
//! the places where it lies. What people decided to live with ([`AllowList`], [`Baseline`]) is taken out of those.
//!
//! Knows nothing of providers' answers, of networks, of incidents or of how a finding is shown.
//!
//! Invariants: what is found at a place depends only on [`Detector::max_window`] bytes on each side of it, so that it does
//! not matter how a file was cut or in which order blobs came; what is dropped is dropped by a named reason; whatever text
//! a hit carries has every candidate masked.

pub mod allow;
pub mod baseline;
pub mod candidate;
pub mod entropy;
pub mod examples;
mod excerpt;
pub mod filter;
pub mod finding;
pub mod matcher;
mod place;

pub use crate::rule::Confidence;
pub use allow::{Allow, AllowList, Covers};
pub use baseline::Baseline;
pub use filter::Reason;
pub use finding::{Dropped, Finding, Merged, Occurrence, merge};

use crate::decode::{self, Chunk, Layer};
use crate::rule::{Rule, RuleSet};
use crate::secret::{Credential, Fingerprint, FingerprintKey, Secret};
use crate::source::Blob;
use crate::text::lines::Position;
use candidate::Candidate;
use excerpt::Masks;
use filter::Seen;
use matcher::Matcher;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes before and after a secret that filters see.
const BESIDE: usize = 32;

/// Looks for credentials with one set of rules. Shared by all threads.
#[derive(Debug)]
pub struct Detector {
    rules: Arc<RuleSet>,
    key: Arc<FingerprintKey>,
    matcher: Matcher,
}

/// One secret at one place.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The rule that found it.
    pub rule: Arc<Rule>,
    /// The keyed name of the secret.
    pub fingerprint: Fingerprint,
    /// The secret and its parts.
    pub credential: Credential,
    /// Shannon entropy of the secret, in bits a byte.
    pub entropy: f64,
    /// How sure it is here.
    pub confidence: Confidence,
    /// What raised or lowered that.
    pub reasons: Vec<String>,
    /// Where.
    pub occurrence: Occurrence,
    /// Offset past the last byte in the whole file, in bytes.
    pub past: u64,
    /// Why it is no finding. What is dropped is handed on, to be counted and, with `--explain`, shown.
    pub dropped: Option<Reason>,
}

impl Detector {
    /// Prepares the rules.
    pub fn new(rules: Arc<RuleSet>, key: Arc<FingerprintKey>) -> Detector {
        let matcher = Matcher::new(rules.rules());
        Detector { rules, key, matcher }
    }

    /// The same with the plain matcher, to compare with: [`Matcher::plain`].
    pub fn plain(rules: Arc<RuleSet>, key: Arc<FingerprintKey>) -> Detector {
        let matcher = Matcher::plain(rules.rules());
        Detector { rules, key, matcher }
    }

    /// The rules in force.
    pub fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// How many bytes on each side of a place may have a say in what is found there: the context that the parts of a file
    /// need around what is their own.
    pub fn max_window(&self) -> usize {
        self.matcher.max_reach() + candidate::CONTEXT
    }

    /// Every hit that is the blob's to report, in the order of places.
    pub fn scan(&self, blob: &Blob) -> Vec<Hit> {
        let mut found = Vec::new();
        for view in decode::chunks(&blob.bytes) {
            found.extend(self.look(blob, &view));
        }
        found.sort_by(|a, b| (a.span.start, a.span.end, &a.rule.id).cmp(&(b.span.start, b.span.end, &b.rule.id)));
        self.hits(blob, found)
    }

    /// Every candidate of one view, judged when it is the blob's to report.
    fn look(&self, blob: &Blob, view: &Chunk<'_>) -> Vec<Found<'_>> {
        let candidates = candidate::all(self.rules.rules(), &self.matcher, &view.bytes);
        let secret = |candidate: &Candidate<'_>| view.bytes.get(candidate.found.secret.clone()).unwrap_or_default();
        let secrets: Vec<Arc<Secret>> = candidates.iter().map(|one| Arc::new(Secret::new(secret(one)))).collect();
        let spans = candidates.iter().map(|candidate| candidate.found.secret.clone());
        // In UTF-16 a person reads the view, not the bytes of the file.
        let wide = (view.layer == Layer::Utf16).then(|| Masks::new(spans.zip(secrets.iter().map(|secret| &**secret))));
        let mut found = Vec::with_capacity(candidates.len());
        for (candidate, secret) in candidates.iter().zip(secrets) {
            let own = blob.reports(&view.span(&candidate.found.whole));
            found.push(Found {
                rule: candidate.rule,
                span: view.span(&candidate.found.secret),
                line: wide.as_ref().map(|masks| masks.excerpt(&view.bytes, &candidate.found.secret)),
                judged: own.then(|| self.judge(candidate, &view.bytes, view.layer, blob)),
                secret,
            });
        }
        found
    }

    /// What is to be said of a candidate, from its view.
    fn judge(&self, candidate: &Candidate<'_>, view: &[u8], layer: Layer, blob: &Blob) -> Judged {
        let (rule, found) = (candidate.rule, &candidate.found);
        let named = found.parts.iter().map(|(name, span)| (name.clone(), span.clone()));
        let mut parts: BTreeMap<String, Range<usize>> = named.collect();
        let mut missing = None;
        for need in &rule.needs {
            match candidate.part(need, view) {
                Some(span) => drop(parts.insert(need.part.clone(), span)),
                None if need.required => missing = missing.or(Some(Reason::Missing(need.part.clone()))),
                None => {}
            }
        }
        let cut = |span: &Range<usize>| view.get(span.clone()).unwrap_or_default();
        let secret = cut(&found.secret);
        let seen = Seen {
            rule,
            secret,
            before: cut(&(found.secret.start.saturating_sub(BESIDE)..found.secret.start)),
            after: cut(&(found.secret.end..view.len().min(found.secret.end + BESIDE))),
            host: parts.get("host").map(cut),
            path: blob.provenance.raw_path(),
        };
        let dropped =
            missing.or_else(|| filter::reason(&seen)).or_else(|| candidate.comment(view).map(Reason::Comment));
        let (confidence, reasons) = confidence(rule, secret, layer, blob.provenance.raw_path());
        let entropy = entropy::shannon(secret);
        let parts = parts.iter().map(|(name, span)| (name.clone(), Arc::new(Secret::new(cut(span))))).collect();
        Judged { parts, dropped, confidence, reasons, entropy }
    }

    /// Hits for what is the blob's own; the others are only masked.
    fn hits(&self, blob: &Blob, found: Vec<Found<'_>>) -> Vec<Hit> {
        let masks = Masks::new(found.iter().map(|found| (found.span.clone(), &*found.secret)));
        let mut places = Places::new(blob);
        let mut hits = Vec::new();
        for Found { rule, span, secret, line, judged } in found {
            let Some(judged) = judged else { continue };
            let fingerprint = self.key.fingerprint(&secret);
            let occurrence = Occurrence {
                provenance: blob.provenance.clone(),
                start: places.at(span.start),
                end: places.end(&span),
                offset: blob.offset + span.start as u64,
                line: line.unwrap_or_else(|| masks.excerpt(&blob.bytes, &span)),
            };
            hits.push(Hit {
                rule: rule.clone(),
                fingerprint,
                credential: Credential { secret, parts: judged.parts },
                entropy: judged.entropy,
                confidence: judged.confidence,
                reasons: judged.reasons,
                occurrence,
                past: blob.offset + span.end as u64,
                dropped: judged.dropped,
            });
        }
        hits
    }
}

/// A candidate with its place in the blob.
struct Found<'r> {
    rule: &'r Arc<Rule>,
    span: Range<usize>,
    secret: Arc<Secret>,
    /// Its line, when that is not the blob's own bytes.
    line: Option<String>,
    /// `None` when it is a neighbour's to report.
    judged: Option<Judged>,
}

/// What is to be said of a candidate.
struct Judged {
    parts: BTreeMap<String, Arc<Secret>>,
    dropped: Option<Reason>,
    confidence: Confidence,
    reasons: Vec<String>,
    entropy: f64,
}

/// How sure a match is at a place, and why.
fn confidence(rule: &Rule, secret: &[u8], layer: Layer, path: &[u8]) -> (Confidence, Vec<String>) {
    let mut reasons = Vec::new();
    let mut confidence = rule.confidence;
    match rule.checksum.map(|checksum| checksum.holds(secret)) {
        Some(true) => {
            confidence = Confidence::High;
            reasons.push("checksum holds".to_owned());
        }
        Some(false) => {
            confidence = Confidence::Low;
            reasons.push("checksum does not hold".to_owned());
        }
        None => {}
    }
    if let Some(doubt) = place::doubt(path) {
        confidence = confidence.lower();
        reasons.push(doubt.to_owned());
    }
    reasons.extend(layer.label().map(str::to_owned));
    (confidence, reasons)
}

/// Positions of places that come in order, each byte counted once.
struct Places<'b> {
    bytes: &'b [u8],
    at: usize,
    position: Position,
}

impl<'b> Places<'b> {
    fn new(blob: &'b Blob) -> Places<'b> {
        Places { bytes: &blob.bytes, at: 0, position: blob.first }
    }

    /// The position of `at`, which does not lie before the last one asked for.
    fn at(&mut self, at: usize) -> Position {
        self.position = advance(self.position, self.bytes.get(self.at..at).unwrap_or_default());
        self.at = self.at.max(at);
        self.position
    }

    /// The position of the last byte of `span`, whose start was asked for just now.
    fn end(&self, span: &Range<usize>) -> Position {
        let last = span.end.saturating_sub(1).max(span.start);
        advance(self.position, self.bytes.get(span.start..last).unwrap_or_default())
    }
}

/// The position just past `bytes`, which start at `from`.
fn advance(from: Position, bytes: &[u8]) -> Position {
    let newlines = bytes.iter().filter(|&&b| b == b'\n').count() as u64;
    let column = match bytes.iter().rposition(|&b| b == b'\n') {
        Some(last) => (bytes.len() - last) as u64,
        None => from.column + bytes.len() as u64,
    };
    Position { line: from.line + newlines, column }
}

#[cfg(test)]
mod tests;
