//! One credential that was found, and every place where it lies.

use super::Hit;
use super::filter::Reason;
use crate::decode::Layers;
use crate::rule::Confidence;
use crate::secret::{Credential, Fingerprint, redact};
use crate::source::Provenance;
use crate::text::lines::Position;
use jiff::Timestamp;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One credential, with all its occurrences. Holds the secret itself, so it is not `Serialize`: reports choose fields.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule that found it (the most specific, when several did).
    pub rule: String,
    /// What it is: the rule's description.
    pub description: String,
    /// The provider that issued it, when the rule names one.
    pub provider: Option<String>,
    /// Other providers whose rules, as sure as this one, claim the same secret: it may be of any of them.
    pub rivals: Vec<String>,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// The keyed name of the secret.
    pub fingerprint: Fingerprint,
    /// The secret and its other parts.
    pub credential: Credential,
    /// The secret as it may be shown.
    pub redacted: String,
    /// Shannon entropy of the secret, in bits a byte.
    pub entropy: f64,
    /// How sure it is that this is a secret.
    pub confidence: Confidence,
    /// What raised or lowered that, for a person: `checksum holds`, `in a test file`.
    pub reasons: Vec<String>,
    /// Where it lies, in the order of paths, commits' dates and positions. Never empty.
    pub occurrences: Vec<Occurrence>,
    /// How often and when it was seen, also where that is not told one by one.
    pub seen: Seen,
}

/// How often and when a credential was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Places where it lies: those of [`Finding::occurrences`], and those that a log has more of.
    pub places: u64,
    /// When the earliest line of a log that holds it was written, as far as lines say so.
    pub first: Option<Timestamp>,
    /// When the latest was.
    pub last: Option<Timestamp>,
}

impl Seen {
    /// What these places say.
    pub fn of(occurrences: &[Occurrence]) -> Seen {
        let mut seen = Seen::default();
        occurrences.iter().for_each(|here| seen.add(here.at));
        seen
    }

    /// One more place.
    pub fn add(&mut self, at: Option<Timestamp>) {
        self.join(&Seen { places: 1, first: at, last: at });
    }

    /// What others have seen.
    pub fn join(&mut self, other: &Seen) {
        self.places += other.places;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
    }
}

/// One place where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Occurrence {
    /// Which file, commit, log.
    pub provenance: Arc<Provenance>,
    /// First byte of the secret.
    pub start: Position,
    /// Its last byte.
    pub end: Position,
    /// The first column and the one past the last, from 1, as editors count: in UTF-16 code units. `None` where the line is
    /// no UTF-8, or begins too far before.
    pub units: Option<(u64, u64)>,
    /// Offset of the first byte in the whole file, in bytes.
    pub offset: u64,
    /// When its line was written, if it is of a log and says so.
    pub at: Option<Timestamp>,
    /// The line (or the match, when it spans lines), secrets masked, control characters shown, at most 200 characters.
    pub line: String,
    /// How the bytes were decoded in which it was found.
    pub layers: Layers,
}

impl Occurrence {
    /// Paths, then the dates of commits, then positions; the rest only makes the order total.
    fn order(&self) -> impl Ord + '_ {
        let commit = self.provenance.commit().map(|commit| commit.date);
        (self.provenance.raw_path(), commit, self.offset, self)
    }
}

/// A match that is no finding, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The rule that matched.
    pub rule: String,
    /// The keyed name of what matched.
    pub fingerprint: Fingerprint,
    /// What matched, as it may be shown.
    pub redacted: String,
    /// Why it is no finding.
    pub reason: Reason,
    /// Where.
    pub occurrence: Occurrence,
}

/// What all hits come to.
#[derive(Debug, Clone, Default)]
pub struct Merged {
    /// In the order of their first occurrences.
    pub findings: Vec<Finding>,
    /// In the order of places.
    pub dropped: Vec<Dropped>,
}

/// One finding for each secret, whatever the order of the hits.
pub fn merge(hits: Vec<Hit>) -> Merged {
    let (dropped, kept): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(|hit| hit.dropped.is_some());
    let mut dropped: Vec<Dropped> = dropped.into_iter().filter_map(drop_hit).collect();
    let claims = claims(&kept);
    let mut by_secret: BTreeMap<Fingerprint, Vec<Hit>> = BTreeMap::new();
    for (hit, better) in rivals(kept) {
        match better {
            None => by_secret.entry(hit.fingerprint).or_default().push(hit),
            Some(rule) => dropped.extend(drop_hit(Hit { dropped: Some(Reason::Overlapped(rule)), ..hit })),
        }
    }
    let mut findings: Vec<Finding> = by_secret.into_values().filter_map(|hits| one_finding(hits, &claims)).collect();
    findings.sort_by(|a, b| {
        let (a, b) = (a.occurrences.first(), b.occurrences.first());
        a.map(Occurrence::order).cmp(&b.map(Occurrence::order))
    });
    dropped.sort_by(|a, b| (a.occurrence.order(), &a.rule, &a.reason).cmp(&(b.occurrence.order(), &b.rule, &b.reason)));
    dropped.dedup();
    Merged { findings, dropped }
}

/// Who claims a secret, and how surely.
type Claims = BTreeMap<Fingerprint, BTreeSet<(Confidence, String)>>;

/// The claims of all rules that name a provider, also of those that another rule wins against.
fn claims(hits: &[Hit]) -> Claims {
    let mut claims = Claims::new();
    for hit in hits {
        let claim = hit.rule.provider.clone().map(|provider| (hit.rule.confidence, provider));
        claims.entry(hit.fingerprint).or_default().extend(claim);
    }
    claims
}

/// Each hit with the rule that knows the same bytes better, if there is one.
fn rivals(mut hits: Vec<Hit>) -> Vec<(Hit, Option<String>)> {
    hits.sort_by(|a, b| {
        let (x, y) = (&a.occurrence, &b.occurrence);
        (&x.provenance, x.offset, a.past, &a.rule.id).cmp(&(&y.provenance, y.offset, b.past, &b.rule.id))
    });
    let mut out = Vec::with_capacity(hits.len());
    let mut group: Vec<Hit> = Vec::new();
    let mut past = 0;
    for hit in hits {
        let apart = group.last().is_none_or(|last| last.occurrence.provenance != hit.occurrence.provenance);
        if apart || hit.occurrence.offset >= past {
            out.extend(settle(std::mem::take(&mut group)));
            past = 0;
        }
        past = past.max(hit.past);
        group.push(hit);
    }
    out.extend(settle(group));
    out
}

/// Which of hits that hang together are places of a finding, whatever else was found elsewhere.
pub fn winners(group: &[Hit]) -> Vec<bool> {
    let kept = || group.iter().filter(|hit| hit.dropped.is_none());
    if kept().count() < 2 {
        return group.iter().map(|hit| hit.dropped.is_none()).collect();
    }
    let settled = settle(kept().cloned().collect());
    let won: Vec<_> = settled.iter().filter(|(_, better)| better.is_none()).map(|(hit, _)| key(hit)).collect();
    group.iter().map(|hit| hit.dropped.is_none() && won.contains(&key(hit))).collect()
}

/// What tells hits of one blob apart.
fn key(hit: &Hit) -> (u64, u64, &str) {
    (hit.occurrence.offset, hit.past, &hit.rule.id)
}

/// Of hits that hang together, the better ones win what they cover: first the surest rule as it is declared, then one that
/// names a provider, then the longer secret, then the one with more parts, then the earlier.
fn settle(mut group: Vec<Hit>) -> Vec<(Hit, Option<String>)> {
    group.sort_by_key(|hit| {
        let (rule, length, parts) = (&hit.rule, hit.past - hit.occurrence.offset, hit.credential.parts.len());
        (Reverse((rule.confidence, rule.provider.is_some(), length, parts)), hit.occurrence.offset, rule.id.clone())
    });
    let mut settled: Vec<(Hit, Option<String>)> = Vec::with_capacity(group.len());
    for hit in group {
        let overlaps = |other: &Hit| hit.occurrence.offset < other.past && other.occurrence.offset < hit.past;
        let mut winners = settled.iter().filter(|(_, lost)| lost.is_none()).map(|(winner, _)| winner);
        let better = winners.find(|winner| overlaps(winner)).map(|winner| winner.rule.id.clone());
        settled.push((hit, better));
    }
    settled
}

/// The finding of all hits of one secret.
fn one_finding(hits: Vec<Hit>, claims: &Claims) -> Option<Finding> {
    let rank = |hit: &&Hit| {
        let rule = &hit.rule;
        let parts = hit.credential.parts.len();
        (
            hit.confidence,
            rule.confidence,
            rule.provider.is_some(),
            parts,
            Reverse((rule.id.clone(), hit.reasons.clone())),
        )
    };
    let best = hits.iter().max_by_key(rank)?.clone();
    let others = claims.get(&best.fingerprint).into_iter().flatten();
    let others =
        others.filter(|(sure, other)| *sure >= best.rule.confidence && best.rule.provider.as_ref() != Some(other));
    let rivals: BTreeSet<String> = others.map(|(_, other)| other.clone()).collect();
    let mut occurrences: Vec<Occurrence> = hits.into_iter().map(|hit| hit.occurrence).collect();
    occurrences.sort_by(|a, b| a.order().cmp(&b.order()));
    occurrences.dedup_by(|a, b| a.provenance == b.provenance && a.offset == b.offset);
    Some(Finding {
        rule: best.rule.id.clone(),
        description: best.rule.description.clone(),
        provider: best.rule.provider.clone(),
        rivals: rivals.into_iter().collect(),
        tags: best.rule.tags.clone(),
        fingerprint: best.fingerprint,
        redacted: redact::mask(&best.credential.secret),
        credential: best.credential,
        entropy: best.entropy,
        confidence: best.confidence,
        reasons: best.reasons,
        seen: Seen::of(&occurrences),
        occurrences,
    })
}

fn drop_hit(hit: Hit) -> Option<Dropped> {
    Some(Dropped {
        rule: hit.rule.id.clone(),
        fingerprint: hit.fingerprint,
        redacted: redact::mask(&hit.credential.secret),
        reason: hit.dropped?,
        occurrence: hit.occurrence,
    })
}
