//! A value that a log repeats: of each, the first [`TOLD`] places of a log are told and the last one, and how many there are.
//!
//! A client sends its token with every request, and a gigabyte of log has it a million times. Nobody mends a log line by
//! line: that it is there, where it begins and ends, since when and how often, is all that there is to say. Memory stays
//! flat by it.
//!
//! Matches that overlap stay together, so that of two rules the one that knows better still wins at each place. What is told
//! does not depend on the order in which parts come: a place goes early only when as many before it are known for sure, and
//! the rest goes at the end, in the order of places.

use crate::detect::{Finding, Hit, Occurrence, Seen, winners};
use crate::secret::Fingerprint;
use crate::source::{Blob, Provenance};
use crate::text::lines::Position;
use crate::text::terminal;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Places of one value that are told, of each log.
const TOLD: usize = 25;
/// Bytes at the start of a part in which nothing goes early: what a match that began in the part before may reach.
const REACHED: u64 = 16 << 10;

/// All logs, by path.
#[derive(Default)]
pub(super) struct Often(BTreeMap<Vec<u8>, Log>);

/// What was seen of one log.
#[derive(Default)]
struct Log {
    values: HashMap<Fingerprint, Value>,
    /// Matches that were let go.
    gone: u64,
}

/// What was seen of one value in one log.
#[derive(Default)]
struct Value {
    /// The first places.
    first: BinaryHeap<u64>,
    /// How often and when it was seen at places that were let go.
    gone: Seen,
    /// The last of these.
    last: Option<Last>,
}

/// A place, and in which blob: where that one lies may be known later.
struct Last {
    blob: u64,
    here: Occurrence,
}

impl Often {
    /// Takes from a part's hits, which are in the order of places, those that will not be told. `number` is the blob's.
    /// Whether it must be said where the blob lies ([`Often::placed`]).
    pub fn early(&mut self, number: u64, blob: &Blob, hits: &mut Vec<Hit>) -> bool {
        let Provenance::Log { path } = &*blob.provenance else { return false };
        let log = match self.0.get_mut(path) {
            Some(log) => log,
            None => self.0.entry(path.clone()).or_default(),
        };
        let own = blob.offset + blob.own.start as u64..blob.offset + blob.own.end as u64;
        let from = if blob.offset == 0 { 0 } else { own.start + REACHED };
        let mut goes = Goes::default();
        let stay = decide(hits, |first, group| {
            let (start, past) = extent(group);
            let known = group.iter().all(|hit| log.is_late(hit.fingerprint, start));
            group.iter().for_each(|hit| log.see(hit.fingerprint, start));
            let stays = !known || start < from || past >= own.end;
            if !stays {
                goes.add(first, group);
            }
            stays
        });
        let is_last = log.take(number, &goes, hits);
        retain(hits, stay);
        is_last
    }

    /// A blob that was looked at as if its first byte were the first of its file lies here.
    pub fn placed(&mut self, number: u64, first: Position) {
        for value in self.0.values_mut().flat_map(|log| log.values.values_mut()) {
            if let Some(last) = value.last.as_mut().filter(|last| last.blob == number) {
                last.here.start = last.here.start.within(first);
                last.here.end = last.here.end.within(first);
            }
        }
    }

    /// Takes the others, from the hits of all logs in any order.
    pub fn end(mut self, hits: &mut Vec<Hit>) -> Ended {
        if self.0.is_empty() {
            return Ended::default();
        }
        hits.sort_by(|a, b| {
            let (x, y) = (&a.occurrence, &b.occurrence);
            (&x.provenance, x.offset, a.past, &a.rule.id).cmp(&(&y.provenance, y.offset, b.past, &b.rule.id))
        });
        let mut going: BTreeMap<Vec<u8>, Goes> = BTreeMap::new();
        let (mut at, mut seen): (Vec<u8>, HashMap<Fingerprint, usize>) = Default::default();
        let stay = decide(hits, |first, group| {
            let Some(Provenance::Log { path }) = group.first().map(|hit| &*hit.occurrence.provenance) else {
                return true;
            };
            if at != *path {
                at.clone_from(path);
                seen.clear();
            }
            let mut late = true;
            for hit in group {
                let before = seen.entry(hit.fingerprint).or_default();
                late &= *before >= TOLD;
                *before += 1;
            }
            if late {
                going.entry(path.clone()).or_default().add(first, group);
            }
            !late
        });
        for (path, goes) in going {
            self.0.entry(path).or_default().take(u64::MAX, &goes, hits);
        }
        retain(hits, stay);
        Ended(self.0)
    }
}

impl Log {
    /// Whether as many places of this value as are told lie before this one.
    fn is_late(&self, value: Fingerprint, at: u64) -> bool {
        let Some(first) = self.values.get(&value).map(|value| &value.first) else { return false };
        first.len() == TOLD && first.peek().is_some_and(|last| *last < at)
    }

    fn see(&mut self, value: Fingerprint, at: u64) {
        let first = &mut self.values.entry(value).or_default().first;
        if first.len() < TOLD {
            first.push(at);
        } else if let Some(mut last) = first.peek_mut().filter(|last| **last > at) {
            *last = at;
        }
    }

    /// Remembers what goes of these hits; whether one of them is the last place now.
    fn take(&mut self, number: u64, goes: &Goes, hits: &[Hit]) -> bool {
        let mut is_last = false;
        self.gone += goes.matches;
        for (fingerprint, (seen, at)) in &goes.values {
            let value = self.values.entry(*fingerprint).or_default();
            value.gone.join(seen);
            let Some(here) = hits.get(*at).map(|hit| &hit.occurrence) else { continue };
            if value.last.as_ref().is_none_or(|last| last.here.offset < here.offset) {
                value.last = Some(Last { blob: number, here: here.clone() });
                is_last = true;
            }
        }
        is_last
    }
}

/// What a log has more of than is told.
#[derive(Default)]
pub(super) struct Ended(BTreeMap<Vec<u8>, Log>);

impl Ended {
    /// A sentence for each log that has more.
    pub fn notes(&self) -> Vec<String> {
        self.0.iter().filter(|(_, log)| log.gone > 0).map(|(path, log)| note(path, log.gone)).collect()
    }

    /// Adds to a finding what was let go of it in the logs that it still lies in.
    pub fn complete(&self, finding: &mut Finding) {
        let mut more = Vec::new();
        for (path, log) in &self.0 {
            let lies = |here: &Occurrence| matches!(&*here.provenance, Provenance::Log { path: log } if log == path);
            let Some(value) = log.values.get(&finding.fingerprint) else { continue };
            if finding.occurrences.iter().any(lies) {
                finding.seen.join(&value.gone);
                more.extend(value.last.as_ref().map(|last| last.here.clone()));
            }
        }
        for here in more {
            // Behind the other places in the same log.
            let places = &finding.occurrences;
            let past = places.iter().rposition(|other| other.provenance == here.provenance).map_or(0, |at| at + 1);
            finding.occurrences.insert(past, here);
        }
    }
}

/// What of a list of hits goes.
#[derive(Default)]
struct Goes {
    matches: u64,
    /// Of each value how often and when, and which hit is the last.
    values: HashMap<Fingerprint, (Seen, usize)>,
}

impl Goes {
    /// A group of overlapping hits of which the first is at `first` in the list.
    fn add(&mut self, first: usize, group: &[Hit]) {
        self.matches += group.len() as u64;
        let mut before = None;
        for ((at, hit), wins) in (first..).zip(group).zip(winners(group)) {
            let place = (hit.occurrence.offset, hit.fingerprint);
            if wins && before != Some(place) {
                let (seen, last) = self.values.entry(hit.fingerprint).or_default();
                seen.add(hit.occurrence.at);
                *last = at;
                before = Some(place);
            }
        }
    }
}

/// Which hits stay, as `keep` says of each group of overlapping ones and the place of its first.
fn decide(hits: &[Hit], mut keep: impl FnMut(usize, &[Hit]) -> bool) -> Vec<bool> {
    let mut past = 0;
    let mut stay = Vec::with_capacity(hits.len());
    for group in hits.chunk_by(|a, b| {
        past = a.past.max(past);
        let same = a.occurrence.provenance == b.occurrence.provenance && b.occurrence.offset < past;
        if !same {
            past = 0;
        }
        same
    }) {
        let stays = keep(stay.len(), group);
        stay.extend(group.iter().map(|_| stays));
    }
    stay
}

fn retain(hits: &mut Vec<Hit>, stay: Vec<bool>) {
    let mut stay = stay.into_iter();
    hits.retain(|_| stay.next().unwrap_or(true));
}

/// Where a group of hits lies.
fn extent(group: &[Hit]) -> (u64, u64) {
    let start = group.iter().map(|hit| hit.occurrence.offset).min().unwrap_or_default();
    (start, group.iter().map(|hit| hit.past).max().unwrap_or_default())
}

fn note(path: &[u8], gone: u64) -> String {
    let path = terminal::printable(path);
    let path = if path == "-" { "standard input" } else { &path };
    let what = if gone == 1 { "1 more place".to_owned() } else { format!("{gone} more places") };
    format!(
        "{path} repeats itself: of each value the first {TOLD} places are told and the last, and of {what} the number"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Detector;
    use crate::rule::RuleSet;
    use crate::rule::example::Recipe;
    use crate::secret::FingerprintKey;
    use std::sync::Arc;

    /// Hits of parts of 20 kB, and what is left of them when the parts come in this order.
    fn left(order: &[u64], early: bool) -> (Vec<u64>, Vec<u64>, Vec<String>) {
        let detector = Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
        let recipe = Recipe::parse(r#"{{ checksum("crc32-base62", "sbx_live_", alnum(30)) }}"#).unwrap();
        let line = format!("GET /?token={} HTTP/1.1\n", recipe.make(1));
        let text = line.repeat(20_000 / line.len());
        let provenance = Arc::new(Provenance::Log { path: b"a.log".to_vec() });
        let (mut often, mut all) = (Often::default(), Vec::new());
        for part in order {
            let whole = Blob::whole(text.clone().into_bytes(), provenance.clone());
            let blob = Blob { offset: part * text.len() as u64, ..whole };
            let mut hits = detector.scan(&blob);
            assert!(hits.len() > 100, "{}", hits.len());
            let before = hits.len();
            if early {
                often.early(*part, &blob, &mut hits);
            } else {
                often.0.entry(b"a.log".to_vec()).or_default();
            }
            assert!(hits.len() <= before);
            all.extend(hits);
        }
        let ended = often.end(&mut all);
        let mut findings = crate::detect::merge(all).findings;
        findings.iter_mut().for_each(|finding| ended.complete(finding));
        let counts = findings.iter().map(|finding| finding.seen.places).collect();
        let places = findings.iter().flat_map(|finding| &finding.occurrences).map(|here| here.offset);
        (places.collect(), counts, ended.notes())
    }

    #[test]
    fn what_is_told_does_not_depend_on_the_order_of_parts() {
        let (places, counts, notes) = left(&[0, 1, 2, 3], false);
        let [count] = counts[..] else { panic!("one value, not {counts:?}") };
        assert_eq!((places.len(), notes.len()), (TOLD + 1, 1), "{notes:?}");
        assert!(count > 400 && places[TOLD] > 3 * places[TOLD - 1], "{count} {places:?}");
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            assert_eq!(left(&order, true), (places.clone(), counts.clone(), notes.clone()), "{order:?}");
        }
    }
}
