//! From the matches in a blob to hits: what is to be said of each, where it lies, how its line is shown.
//!
//! Costs only where something matched: lines are counted up to the last hit, masks are made for what was found, and of bytes
//! that hold nothing nothing is asked.

use super::candidate::Candidate;
use super::excerpt::Masks;
use super::filter::{self, Reason, Seen};
use super::sweep::Anchors;
use super::{Confidence, Detector, Hit, Occurrence, entropy, matcher, place};
use crate::decode::{Chunk, Layer};
use crate::rule::Rule;
use crate::secret::{Credential, Secret};
use crate::source::Blob;
use crate::text::lines::Position;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a line that are counted in characters.
const LONGEST_LINE: usize = 4096;
/// Bytes before and after a secret that filters see.
const BESIDE: usize = 32;

impl Detector {
    /// Every hit that is the blob's to report, in the order of places.
    pub fn scan(&self, blob: &Blob) -> Vec<Hit> {
        self.scan_telling(blob).0
    }

    /// The same, and the rules of which there are more matches than are looked at.
    pub fn scan_telling(&self, blob: &Blob) -> (Vec<Hit>, Vec<Arc<Rule>>) {
        let mut found = Vec::new();
        let judge = Judge { detector: self, blob, doubt: OnceCell::new() };
        let looked =
            self.look(&blob.bytes, Anchors::Promising, &mut |view, matches, _| judge.weigh(view, matches, &mut found));
        found.sort_by(|a, b| (a.span.start, a.span.end, &a.rule.id).cmp(&(b.span.start, b.span.end, &b.rule.id)));
        let mut floods = looked.floods;
        floods.sort_unstable();
        floods.dedup();
        let floods = floods.iter().filter_map(|&at| self.rules.rules().get(usize::from(at)).cloned());
        (self.hits(blob, found), floods.collect())
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
                units: units(blob, &span),
                offset: blob.offset + span.start as u64,
                at: None,
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

/// Judges the matches of one blob.
struct Judge<'j> {
    detector: &'j Detector,
    blob: &'j Blob,
    /// What the path says, once it was asked for.
    doubt: OnceCell<Option<&'static str>>,
}

impl<'j> Judge<'j> {
    /// Adds the matches of one view, judged when they are the blob's to report.
    fn weigh(&self, view: &Chunk<'_>, matches: &[matcher::Found], found: &mut Vec<Found<'j>>) {
        let secret = |one: &matcher::Found| {
            let span = one.secret.start as usize..one.secret.end as usize;
            Arc::new(Secret::new(view.bytes.get(span).unwrap_or_default()))
        };
        let secrets: Vec<Arc<Secret>> = matches.iter().map(secret).collect();
        let spans = matches.iter().map(|one| one.secret.start as usize..one.secret.end as usize);
        // In UTF-16 a person reads the view, not the bytes of the file.
        let wide = (view.layer == Layer::Utf16).then(|| Masks::new(spans.zip(secrets.iter().map(|secret| &**secret))));
        for (one, secret) in matches.iter().zip(secrets) {
            let Some(rule) = self.detector.rules.rules().get(usize::from(one.rule)) else { continue };
            let whole = view.span(&(one.whole.start as usize..one.whole.end as usize));
            let span = one.secret.start as usize..one.secret.end as usize;
            let line = wide.as_ref().map(|masks| masks.excerpt(&view.bytes, &span));
            let judged = self.blob.reports(&whole).then(|| {
                let candidate = Candidate { rule, found: one.capture(rule, &view.bytes) };
                self.judge(&candidate, &view.bytes, view.layer)
            });
            found.push(Found { rule, span: view.span(&span), line, judged, secret });
        }
    }

    /// What is to be said of a candidate, from its view.
    fn judge(&self, candidate: &Candidate<'_>, view: &[u8], layer: Layer) -> Judged {
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
        let entropy = entropy::shannon(secret);
        let seen = Seen {
            rule,
            secret,
            entropy,
            before: cut(&(found.secret.start.saturating_sub(BESIDE)..found.secret.start)),
            after: cut(&(found.secret.end..view.len().min(found.secret.end + BESIDE))),
            host: parts.get("host").map(cut),
            path: self.blob.provenance.raw_path(),
        };
        let dropped =
            missing.or_else(|| filter::reason(&seen)).or_else(|| candidate.comment(view).map(Reason::Comment));
        let doubt = *self.doubt.get_or_init(|| place::doubt(self.blob.provenance.raw_path()));
        let (confidence, reasons) = confidence(rule, secret, layer, doubt);
        let parts = parts.iter().map(|(name, span)| (name.clone(), Arc::new(Secret::new(cut(span))))).collect();
        Judged { parts, dropped, confidence, reasons, entropy }
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
fn confidence(rule: &Rule, secret: &[u8], layer: Layer, doubt: Option<&str>) -> (Confidence, Vec<String>) {
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
    if let Some(doubt) = doubt {
        confidence = confidence.lower();
        reasons.push(doubt.to_owned());
    }
    reasons.extend(layer.label().map(str::to_owned));
    (confidence, reasons)
}

/// The columns of a span, in UTF-16 code units.
fn units(blob: &Blob, span: &Range<usize>) -> Option<(u64, u64)> {
    let before = blob.bytes.get(..span.start)?;
    let near = before.get(before.len().saturating_sub(LONGEST_LINE)..)?;
    let prefix = match memchr::memrchr(b'\n', near) {
        Some(end) => near.get(end + 1..)?,
        // A part of a big file may begin amid a line.
        None if near.len() == before.len() && blob.offset == 0 => near,
        None => return None,
    };
    let count = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
        Some(text.encode_utf16().count() as u64)
    };
    let secret = blob.bytes.get(span.clone())?;
    let (start, length) = (1 + count(prefix)?, count(secret)?);
    let end = match memchr::memrchr(b'\n', secret) {
        Some(last) => 1 + count(secret.get(last + 1..)?)?,
        None => start + length,
    };
    Some((start, end))
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
    let newlines = memchr::memchr_iter(b'\n', bytes).count() as u64;
    let column = match memchr::memrchr(b'\n', bytes) {
        Some(last) => (bytes.len() - last) as u64,
        None => from.column + bytes.len() as u64,
    };
    Position { line: from.line + newlines, column }
}
