//! A value that a log repeats: of each, the first [`TOLD`] places of a log are told, and how many more there are.
//!
//! A client sends its token with every request, and a gigabyte of log has it a million times. Nobody mends a log line by
//! line: that it is there, where it begins, and how often, is all that there is to say. Memory stays flat by it.
//!
//! Matches that overlap stay together, so that of two rules the one that knows better still wins at each place. What is told
//! does not depend on the order in which parts come: a place goes early only when as many before it are known for sure, and
//! the rest goes at the end, in the order of places.

use crate::detect::Hit;
use crate::secret::Fingerprint;
use crate::source::{Blob, Provenance};
use crate::text::terminal;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Places of one value that are told, of each log.
const TOLD: usize = 25;
/// Bytes at the start of a part in which nothing goes early: what a match that began in the part before may reach.
const REACHED: u64 = 16 << 10;

/// What was seen of one log.
#[derive(Default)]
struct Log {
    /// Of each value, the first places.
    first: HashMap<Fingerprint, BinaryHeap<u64>>,
    /// Matches that were let go.
    gone: u64,
}

/// All logs, by path.
#[derive(Default)]
pub(super) struct Often(BTreeMap<Vec<u8>, Log>);

impl Often {
    /// Takes from a part's hits, which are in the order of places, those that will not be told.
    pub fn early(&mut self, blob: &Blob, hits: &mut Vec<Hit>) {
        let Provenance::Log { path } = &*blob.provenance else { return };
        let log = match self.0.get_mut(path) {
            Some(log) => log,
            None => self.0.entry(path.clone()).or_default(),
        };
        let own = blob.offset + blob.own.start as u64..blob.offset + blob.own.end as u64;
        let from = if blob.offset == 0 { 0 } else { own.start + REACHED };
        log.gone += retain(hits, |group| {
            let (start, past) = extent(group);
            let known = group.iter().all(|hit| log.is_late(hit.fingerprint, start));
            group.iter().for_each(|hit| log.see(hit.fingerprint, start));
            !known || start < from || past >= own.end
        });
    }

    /// Takes the others, from the hits of all logs in any order; a sentence for each log that has more.
    pub fn end(mut self, hits: &mut Vec<Hit>) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        hits.sort_by(|a, b| {
            let (x, y) = (&a.occurrence, &b.occurrence);
            (&x.provenance, x.offset, a.past, &a.rule.id).cmp(&(&y.provenance, y.offset, b.past, &b.rule.id))
        });
        let (mut at, mut seen): (Vec<u8>, HashMap<Fingerprint, usize>) = Default::default();
        retain(hits, |group| {
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
                self.0.entry(path.clone()).or_default().gone += group.len() as u64;
            }
            !late
        });
        self.0.into_iter().filter(|(_, log)| log.gone > 0).map(|(path, log)| note(&path, log.gone)).collect()
    }
}

impl Log {
    /// Whether as many places of this value as are told lie before this one.
    fn is_late(&self, value: Fingerprint, at: u64) -> bool {
        let Some(first) = self.first.get(&value) else { return false };
        first.len() == TOLD && first.peek().is_some_and(|last| *last < at)
    }

    fn see(&mut self, value: Fingerprint, at: u64) {
        let first = self.first.entry(value).or_default();
        if first.len() < TOLD {
            first.push(at);
        } else if let Some(mut last) = first.peek_mut().filter(|last| **last > at) {
            *last = at;
        }
    }
}

/// Keeps the groups of overlapping hits that `keep` says; how many hits went.
fn retain(hits: &mut Vec<Hit>, mut keep: impl FnMut(&[Hit]) -> bool) -> u64 {
    let mut past = 0;
    let mut kept = Vec::with_capacity(hits.len());
    for group in hits.chunk_by(|a, b| {
        past = a.past.max(past);
        let same = a.occurrence.provenance == b.occurrence.provenance && b.occurrence.offset < past;
        if !same {
            past = 0;
        }
        same
    }) {
        let stays = keep(group);
        kept.extend(group.iter().map(|_| stays));
    }
    let before = hits.len();
    let mut kept = kept.into_iter();
    hits.retain(|_| kept.next().unwrap_or(true));
    (before - hits.len()) as u64
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
    format!("{path} repeats itself: of each value the first {TOLD} places are told, and {what} of them are not")
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
    fn left(order: &[u64], early: bool) -> (Vec<u64>, Vec<String>) {
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
                often.early(&blob, &mut hits);
            } else {
                often.0.entry(b"a.log".to_vec()).or_default();
            }
            assert!(hits.len() <= before);
            all.extend(hits);
        }
        let notes = often.end(&mut all);
        (all.into_iter().map(|hit| hit.occurrence.offset).collect(), notes)
    }

    #[test]
    fn what_is_told_does_not_depend_on_the_order_of_parts() {
        let (places, notes) = left(&[0, 1, 2, 3], false);
        assert_eq!((places.len() / TOLD, places.len() % TOLD, notes.len()), (1, 0, 1), "{notes:?}");
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            assert_eq!(left(&order, true), (places.clone(), notes.clone()), "{order:?}");
        }
    }
}
