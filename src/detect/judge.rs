//! From the matches in a blob to hits: what is to be said of each, where it lies, how its line is shown.
//!
//! Costs only where something matched: lines are counted up to the last hit, masks are made for what was found, and of bytes
//! that hold nothing nothing is asked.

use super::candidate::{Candidate, comment};
use super::excerpt::Masks;
use super::filter::{self, Reason, Seen};
use super::sweep::Anchors;
use super::{Confidence, Detector, Hit, Occurrence, entropy, matcher, place};
use crate::decode::{Layers, View};
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

    /// The same, and of what there is more than is looked at: see [`Detector::flooded`].
    pub fn scan_telling(&self, blob: &Blob) -> (Vec<Hit>, Vec<String>) {
        let mut found = Vec::new();
        let mut judge = Judge { detector: self, blob, doubt: OnceCell::new(), wide: None };
        let looked = self.look((&blob.bytes, blob.wide()), Anchors::Promising, &mut |view, matches, _| {
            judge.weigh(view, matches, &mut found)
        });
        let place = |one: &Found<'_>| (one.span.start, one.span.end);
        found.sort_by(|a, b| (place(a), &a.rule.id, a.layers).cmp(&(place(b), &b.rule.id, b.layers)));
        // What reads the same decoded and as it is, is one.
        found.dedup_by(|a, b| place(a) == place(b) && a.rule.id == b.rule.id && a.secret == b.secret);
        let mut floods = looked.floods;
        floods.sort_unstable();
        floods.dedup();
        let wide = judge.wide.take();
        (self.hits(blob, wide, found), self.flooded(&floods))
    }

    /// Hits for what is the blob's own; the others are only masked.
    fn hits(&self, blob: &Blob, wide: Option<Vec<u8>>, found: Vec<Found<'_>>) -> Vec<Hit> {
        let masks = Masks::new(found.iter().map(|found| (found.span.clone(), &*found.secret)));
        // In UTF-16 a person reads the text, not the bytes of the file.
        let read = found.iter().filter_map(|found| Some((found.read.clone()?, &*found.secret)));
        let (wide, wide_masks) = (wide.unwrap_or_default(), Masks::new(read));
        let mut places = Places::new(blob);
        let mut hits = Vec::new();
        for Found { rule, span, read, layers, secret, judged } in found {
            let Some(judged) = judged else { continue };
            let line = match read {
                Some(read) => wide_masks.excerpt(&wide, &read),
                None => masks.excerpt(&blob.bytes, &span),
            };
            let fingerprint = self.key.fingerprint(&secret);
            let (start, end, lies) = match &blob.joined {
                None => (places.at(span.start), places.end(&span), span.clone()),
                Some(joined) => joined.lies(&span),
            };
            let occurrence = Occurrence {
                provenance: blob.provenance.clone(),
                start,
                end,
                units: units(blob, &span).filter(|_| blob.joined.is_none()),
                offset: blob.offset + lies.start as u64,
                at: None,
                line,
                layers,
            };
            hits.push(Hit {
                rule: rule.clone(),
                fingerprint,
                credential: Credential { secret, parts: judged.parts },
                entropy: judged.entropy,
                confidence: judged.confidence,
                reasons: judged.reasons,
                occurrence,
                past: blob.offset + lies.end as u64,
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
    /// The text of a blob in UTF-16 in which something was found.
    wide: Option<Vec<u8>>,
}

impl<'j> Judge<'j> {
    /// Adds the matches of one view, judged when they are the blob's to report.
    fn weigh(&mut self, view: &View<'_>, matches: &[matcher::Found], found: &mut Vec<Found<'j>>) {
        for one in matches {
            let Some(rule) = self.detector.rules.rules().get(usize::from(one.rule)) else { continue };
            let whole = one.whole.start as usize..one.whole.end as usize;
            let secret = one.secret.start as usize..one.secret.end as usize;
            let (span, layers) = (view.span(&secret), view.layers(&whole));
            let candidate = || Candidate { rule, found: one.capture(rule, view.bytes()) };
            let place = view.span(&whole);
            let reports = self.blob.reports(&place) || self.is_completed(view, rule, &place, &candidate);
            let judged = reports.then(|| self.judge(&candidate(), view.bytes(), &span, layers));
            let read = view.text().map(|text| {
                self.wide.get_or_insert_with(|| text.to_vec());
                view.read(&secret)
            });
            let secret = Arc::new(Secret::new(view.bytes().get(secret).unwrap_or_default()));
            found.push(Found { rule, span, read, layers, secret, judged });
        }
    }

    /// Whether a change added what makes a credential of a secret that lay there: a part that it needs.
    fn is_completed<'r>(
        &self,
        view: &View<'_>,
        rule: &Rule,
        whole: &Range<usize>,
        candidate: &dyn Fn() -> Candidate<'r>,
    ) -> bool {
        if self.blob.touched.is_none() || !self.blob.owns(whole.start) {
            return false;
        }
        let mut needs = rule.needs.iter().filter(|need| need.required);
        needs.any(|need| candidate().part(need, view.bytes()).is_some_and(|part| self.blob.touches(&view.span(&part))))
    }

    /// What is to be said of a candidate, from its view.
    fn judge(&self, candidate: &Candidate<'_>, view: &[u8], span: &Range<usize>, layers: Layers) -> Judged {
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
        let comment = || {
            // Nobody writes a comment into what is encoded.
            let here = (!layers.is_plain()).then(|| comment(&self.blob.bytes, span)).flatten();
            candidate.comment(view).or(here).map(Reason::Comment)
        };
        let dropped = missing.or_else(|| filter::reason(&seen)).or_else(comment);
        let doubt = *self.doubt.get_or_init(|| place::doubt(self.blob.provenance.raw_path()));
        let (confidence, reasons) = confidence(rule, secret, layers, doubt);
        let parts = parts.iter().map(|(name, span)| (name.clone(), Arc::new(Secret::new(cut(span))))).collect();
        Judged { parts, dropped, confidence, reasons, entropy }
    }
}

/// A candidate with its place in the blob.
struct Found<'r> {
    rule: &'r Arc<Rule>,
    span: Range<usize>,
    /// Its place in the text of the blob, when that is in UTF-16.
    read: Option<Range<usize>>,
    layers: Layers,
    secret: Arc<Secret>,
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
fn confidence(rule: &Rule, secret: &[u8], layers: Layers, doubt: Option<&str>) -> (Confidence, Vec<String>) {
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
    reasons.extend((!layers.is_plain()).then(|| format!("in {layers}")));
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
