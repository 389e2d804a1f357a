//! Logs that are looked at while they are written: what is found is told as it comes, once.
//!
//! [`Follow::round`] looks once at what is new ([`crate::source::logs::tail`]) and hands over each credential the first time
//! that it is seen; when it is seen again that is counted, with the time ([`Follow::end`] tells how often). Who calls decides
//! when to look again and when to stop. Memory is bounded: a window for each log that grows, and a few bytes for each
//! credential, of which the last [`KNOWN`] are remembered.
//!
//! [`Follow::state`] is how far all logs were followed. Saved after what was found was told, it lets another process go on
//! as if there had been none.

mod state;
mod window;

pub use state::{Error as StateError, State};

use super::flood;
use super::sift;
use super::stamp::Stamps;
use super::{Error, Options};
use crate::detect::{self, Detector, Finding, Hit, Seen};
use crate::report::Accounting;
use crate::secret::{Fingerprint, FingerprintKey};
use crate::source::logs::tail::{Event, Tail};
use crate::source::{self, Skipped};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use window::{Told, Window};

/// Credentials that are remembered as told. When there are more, those that were not seen for longest are told anew.
const KNOWN: usize = 100_000;
/// Places of a credential that are told when it is first seen.
const PLACES: usize = 25;
/// Reasons and things not read that are remembered.
const MOST: usize = 1000;

/// Looks at logs while they are written.
pub struct Follow<'f> {
    detector: &'f Detector,
    options: &'f Options,
    /// Away only while it calls back.
    tail: Option<Tail>,
    windows: HashMap<u64, Window>,
    known: HashMap<Fingerprint, Known>,
    /// Counts looks.
    clock: u64,
    started: Instant,
    told: u64,
    places: u64,
    read: Accounting,
    older: u64,
    dropped: u64,
    forgot: u64,
    skipped: BTreeSet<Skipped>,
    notes: BTreeSet<String>,
}

/// A credential that was told.
struct Known {
    rule: Arc<str>,
    seen: Seen,
    /// The look that saw it last.
    clock: u64,
}

/// A credential that was told, and how often it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// Its keyed name.
    pub fingerprint: Fingerprint,
    /// The rule that found it.
    pub rule: String,
    /// How often and when.
    pub seen: Seen,
}

/// What following came to.
#[derive(Debug)]
pub struct Followed {
    /// Credentials that were told.
    pub told: u64,
    /// Places where they were seen.
    pub places: u64,
    /// Those that were seen more often than that was told.
    pub again: Vec<Again>,
    /// What was read.
    pub accounting: Accounting,
    /// What was not read.
    pub skipped: Vec<Skipped>,
    /// What else is to be said.
    pub notes: Vec<String>,
    /// Whether everything that was asked for was read.
    pub complete: bool,
}

impl<'f> Follow<'f> {
    /// Follows the logs that these names stand for, from where `state` says.
    pub fn new(
        names: Vec<PathBuf>,
        state: Option<&State>,
        key: Arc<FingerprintKey>,
        detector: &'f Detector,
        options: &'f Options,
        now: Instant,
    ) -> Result<Follow<'f>, Error> {
        let window = detector.max_window();
        if window > source::CONTEXT {
            return Err(Error::Window { window, most: source::CONTEXT });
        }
        let mut follow = Follow {
            detector,
            options,
            tail: Some(Tail::new(names, options.since, key)?),
            windows: HashMap::new(),
            known: HashMap::new(),
            clock: 0,
            started: now,
            told: 0,
            places: 0,
            read: Accounting::default(),
            older: 0,
            dropped: 0,
            forgot: 0,
            skipped: BTreeSet::new(),
            notes: BTreeSet::new(),
        };
        for log in state.iter().flat_map(|state| state.logs()) {
            let told = log.told();
            follow.with_tail(|follow, tail| {
                tail.resume(&log.place, now, &mut |event| follow.take(event, &told, &mut |_| ()));
            });
        }
        Ok(follow)
    }

    /// Looks once at what is new; whether anything was.
    pub fn round(&mut self, now: Instant, tell: &mut dyn FnMut(Finding)) -> bool {
        self.with_tail(|follow, tail| {
            let any = tail.poll(now, &mut |event| follow.take(event, &Told::new(), tell));
            for (log, window) in &mut follow.windows {
                if tail.rests(*log, now) && window.is_looked_at() {
                    tail.park(*log, window.offset);
                    window.rest();
                }
            }
            any
        })
        .unwrap_or(false)
    }

    /// How far all logs were followed.
    pub fn state(&self) -> State {
        let places = self
            .tail
            .iter()
            .flat_map(|tail| tail.places(&|log| self.windows.get(&log).map(|window| (window.offset, window.first))));
        let none = Told::new();
        let told = |log: u64| self.windows.get(&log).map_or(&none, |window| &window.told);
        State::new(places.map(|(log, place)| state::Log::new(place, told(log))).collect())
    }

    /// Ends. With `all` also lines that are not ended are looked at: nobody will go on from here.
    pub fn end(&mut self, all: bool, tell: &mut dyn FnMut(Finding)) -> Followed {
        if all {
            let mut logs: Vec<u64> = self.windows.keys().copied().collect();
            logs.sort_unstable();
            logs.into_iter().for_each(|log| self.look(log, true, tell));
        }
        self.with_tail(|follow, tail| tail.missing().for_each(|one| follow.skip(one)));
        let elapsed = self.started.elapsed();
        let mut again: Vec<Again> = self
            .known
            .iter()
            .filter(|(_, known)| known.seen.places > 1)
            .map(|(fingerprint, known)| Again {
                fingerprint: *fingerprint,
                rule: known.rule.to_string(),
                seen: known.seen,
            })
            .collect();
        again.sort_by_key(|one| (std::cmp::Reverse(one.seen.places), one.fingerprint));
        let skipped: Vec<Skipped> = std::mem::take(&mut self.skipped).into_iter().collect();
        let complete = !skipped.iter().any(|one| one.asked);
        let accounting = Accounting { elapsed, ..self.read };
        Followed { told: self.told, places: self.places, again, accounting, skipped, notes: self.sentences(), complete }
    }

    fn sentences(&self) -> Vec<String> {
        let mut notes: Vec<String> = self.notes.iter().cloned().collect();
        notes.extend(self.options.since.and_then(|since| super::watch::untold(self.older, since)));
        let dropped = self.dropped;
        notes.extend((dropped > 0).then(|| format!("{dropped} matches that looked like credentials were dropped")));
        let forgot = self.forgot;
        let few =
            format!("of more than {KNOWN} credentials those seen last are remembered; {forgot} may be told twice");
        notes.extend((forgot > 0).then_some(few));
        notes
    }

    /// The tail calls back while it is borrowed.
    fn with_tail<T>(&mut self, act: impl FnOnce(&mut Self, &mut Tail) -> T) -> Option<T> {
        let mut tail = self.tail.take()?;
        let result = act(self, &mut tail);
        self.tail = Some(tail);
        Some(result)
    }

    fn take(&mut self, event: Event<'_>, told: &Told, tell: &mut dyn FnMut(Finding)) {
        match event {
            Event::Begin { log, path, from, first } => {
                let path = path.as_os_str().as_encoded_bytes().to_vec();
                self.read.blobs += 1;
                self.windows.insert(log, Window::new(path, from, first, told.clone()));
            }
            Event::Bytes(log, bytes) => {
                self.read.bytes += bytes.len() as u64;
                if let Some(window) = self.windows.get_mut(&log) {
                    window.push(bytes);
                    self.look(log, false, tell);
                }
            }
            Event::End(log) => {
                self.look(log, true, tell);
                self.windows.remove(&log);
            }
            Event::Skipped(one) => self.skip(one),
        }
    }

    fn skip(&mut self, one: Skipped) {
        if self.skipped.len() < MOST {
            self.skipped.insert(one);
        }
    }

    /// Looks at what was added to a log.
    fn look(&mut self, log: u64, all: bool, tell: &mut dyn FnMut(Finding)) {
        let Some(look) = self.windows.get_mut(&log).and_then(|window| window.look(self.detector, all)) else { return };
        self.clock += 1;
        if !look.floods.is_empty() {
            self.skip(flood::told(look.blob.provenance.path(), &look.floods));
        }
        let mut hits = look.hits.clone();
        let mut stamps = Stamps::new(&look.blob, self.options.at);
        hits.iter_mut().for_each(|hit| hit.occurrence.at = stamps.at(hit.occurrence.offset));
        let is_older =
            |hit: &Hit| self.options.since.is_some_and(|since| hit.occurrence.at.is_some_and(|at| at < since));
        let (older, hits): (Vec<Hit>, Vec<Hit>) = hits.into_iter().partition(is_older);
        let dropped: Vec<u64> =
            hits.iter().filter(|hit| hit.dropped.is_some()).map(|hit| hit.occurrence.offset).collect();
        let found = if hits.is_empty() { Vec::new() } else { self.sift(hits) };
        for finding in found {
            self.tell(log, finding, tell);
        }
        let Some(window) = self.windows.get_mut(&log) else { return };
        window.slide(look);
        let settled = window.settled();
        self.dropped += dropped.iter().filter(|at| **at < settled).count() as u64;
        self.older += older.iter().filter(|hit| hit.occurrence.offset < settled).count() as u64;
        self.forget();
    }

    fn sift(&mut self, hits: Vec<Hit>) -> Vec<Finding> {
        let sifted = sift::sift(detect::merge(hits), self.options);
        if self.notes.len() < MOST {
            self.notes.extend(sifted.notes);
        }
        sifted.findings
    }

    /// Tells a finding of a look, unless all its places or the credential were told.
    fn tell(&mut self, log: u64, mut finding: Finding, tell: &mut dyn FnMut(Finding)) {
        let Some(window) = self.windows.get_mut(&log) else { return };
        let fingerprint = finding.fingerprint;
        finding.occurrences.retain(|here| window.tell(here.offset, fingerprint));
        let seen = Seen::of(&finding.occurrences);
        if seen.places == 0 {
            return;
        }
        self.places += seen.places;
        if let Some(known) = self.known.get_mut(&fingerprint) {
            known.seen.join(&seen);
            known.clock = self.clock;
            return;
        }
        let rule = Arc::from(finding.rule.as_str());
        self.known.insert(fingerprint, Known { rule, seen, clock: self.clock });
        self.told += 1;
        finding.occurrences.truncate(PLACES);
        tell(Finding { seen, ..finding });
    }

    /// Keeps no more than are remembered.
    fn forget(&mut self) {
        if self.known.len() > KNOWN {
            let mut clocks: Vec<u64> = self.known.values().map(|known| known.clock).collect();
            let (_, middle, _) = clocks.select_nth_unstable(KNOWN / 2);
            let middle = *middle;
            let before = self.known.len();
            self.known.retain(|_, known| known.clock > middle);
            self.forgot += (before - self.known.len()) as u64;
        }
    }
}
