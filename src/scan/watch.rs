//! Looking at what a source reads, from all of its threads, and taking notes.
//!
//! Results carry the number of their blob and are put in order at the end, so they are the same for any number of threads.
//! A blob that makes the detector panic ends the scan as an error that names it: the other threads are told to stop, and
//! nobody takes what was found until then for the whole.

use super::limit::{Left, Limit};
use super::often::Often;
use super::stamp::Stamps;
use super::{Error, Looked, Options, Progress, flood};
use crate::detect::{Detector, Hit};
use crate::report::Accounting;
use crate::secret::Fingerprint;
use crate::source::logs::records;
use crate::source::{self, Blob, Crew, Held, Provenance, Skipped, Source};
use crate::text::lines::Position;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// Bytes that are looked at before who wants to know is told.
const TOLD: u64 = 256 << 10;

/// What a page of a hole reads as.
const ZEROS: [u8; 4096] = [0; 4096];

/// Looks, and takes notes.
pub(super) struct Watch<'w> {
    detector: &'w Detector,
    progress: &'w dyn Progress,
    threads: usize,
    memory: usize,
    /// Now, and since when what is in a log is told.
    at: Timestamp,
    since: Option<Timestamp>,
    number: AtomicU64,
    notes: Mutex<Notes>,
    blobs: AtomicU64,
    bytes: AtomicU64,
    commits: AtomicU64,
    /// How many there are in all.
    all_commits: AtomicU64,
    limit: Option<&'w Limit>,
    /// What is read, as a person would say it.
    asked: OnceLock<String>,
    /// The time was over before all was read.
    late: AtomicBool,
    /// Bytes that were looked at and not told of.
    untold: AtomicU64,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Notes {
    looked: Vec<Found>,
    /// Their blobs.
    kept: HashSet<u64>,
    placed: HashMap<u64, Position>,
    skipped: Vec<(u64, Skipped)>,
    often: Often,
    /// Hits in lines of logs that are older than what was asked for.
    older: u64,
    floods: Vec<Skipped>,
    /// What was handed over and not looked at any more.
    left: Left,
    /// What was looked at when the detector panicked.
    panicked: Option<String>,
}

impl<'w> Watch<'w> {
    pub fn new(detector: &'w Detector, options: &'w Options, progress: &'w dyn Progress) -> Watch<'w> {
        let threads = match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        Watch {
            detector,
            progress,
            // Fewer threads rather than more memory than was allowed.
            threads: threads.min(options.memory / source::IN_FLIGHT).max(1),
            memory: options.memory,
            at: options.at,
            since: options.since,
            number: AtomicU64::new(0),
            notes: Mutex::default(),
            blobs: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            all_commits: AtomicU64::new(0),
            limit: options.limit.as_deref(),
            asked: OnceLock::new(),
            late: AtomicBool::new(false),
            untold: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Reads all of a source. A panic of what reads, in whatever thread, ends the scan as one of what looks does.
    pub fn read(&self, source: &mut dyn Source) -> Result<(), Error> {
        let what = self.asked.get_or_init(|| source.describe()).clone();
        let read = panic::catch_unwind(AssertUnwindSafe(|| source.read(self)));
        Ok(read.map_err(|_| Error::Internal { what })??)
    }

    /// Everything that was noted, in its order.
    pub fn end(self, mut was_there: impl FnMut(&str) -> bool) -> Result<Ended, Error> {
        let Notes { mut looked, kept: _, placed, mut skipped, often, older, floods, left, panicked } =
            self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(what) = panicked {
            return Err(Error::Internal { what });
        }
        self.progress.blob(self.untold.into_inner());
        looked.retain(|one| !one.id.as_deref().is_some_and(&mut was_there));
        for one in &mut looked {
            if let Some(first) = placed.get(&one.number) {
                one.hits.iter_mut().for_each(|hit| place(hit, *first));
            }
        }
        looked.sort_by_key(|one| one.number);
        // By folders, as they are walked: what lies in `a` comes before `a-b`.
        skipped.sort_by(|(x, a), (y, b)| {
            x.cmp(y).then_with(|| a.what.split('/').cmp(b.what.split('/'))).then_with(|| a.cmp(b))
        });
        let accounting = Accounting {
            blobs: self.blobs.into_inner(),
            bytes: self.bytes.into_inner(),
            commits: self.commits.into_inner(),
            ..Accounting::default()
        };
        let left = match self.late.into_inner() {
            true => left.told(
                &self.asked.into_inner().unwrap_or_default(),
                accounting.commits,
                self.all_commits.into_inner(),
            ),
            false => Vec::new(),
        };
        let skipped = skipped.into_iter().map(|(_, one)| one).chain(flood::in_order(floods)).chain(left).collect();
        let older = self.since.and_then(|since| untold(older, since));
        Ok(Ended { found: looked, often, older, skipped, accounting })
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A panic here is the detector's; it has told standard error where it was.
    fn scan(&self, blob: &Blob) -> Vec<Hit> {
        let scanned = panic::catch_unwind(AssertUnwindSafe(|| self.detector.scan_telling(blob)));
        let (hits, floods) = scanned.unwrap_or_else(|_| {
            self.stopped.store(true, Ordering::Relaxed);
            self.notes().panicked = Some(blob.provenance.path());
            (Vec::new(), Vec::new())
        });
        if !floods.is_empty() {
            self.notes().floods.push(flood::told(blob.provenance.path(), &floods));
        }
        hits
    }
}

impl Watch<'_> {
    /// Says of what was found in a log when it was written there, and takes what is older than what was asked for: how many.
    fn stamp(&self, blob: &Blob, hits: &mut Vec<Hit>) -> u64 {
        let Provenance::Log { .. } = &*blob.provenance else { return 0 };
        let mut stamps = Stamps::new(blob, self.at);
        hits.iter_mut().for_each(|hit| hit.occurrence.at = stamps.at(hit.occurrence.offset));
        let Some(since) = self.since else { return 0 };
        let before = hits.len();
        hits.retain(|hit| hit.occurrence.at.is_none_or(|at| at >= since));
        (before - hits.len()) as u64
    }
}

/// What was noted, in its order; of a history also what was there already in the version before.
pub(super) struct Ended {
    found: Vec<Found>,
    often: Often,
    /// What is to be said of what is older than what was asked for.
    older: Option<String>,
    skipped: Vec<Skipped>,
    accounting: Accounting,
}

impl Ended {
    /// Every hit.
    pub fn hits(&mut self) -> impl Iterator<Item = &mut Hit> {
        self.found.iter_mut().flat_map(|one| &mut one.hits)
    }

    /// What is new.
    pub fn looked(self) -> Looked {
        let mut hits = brought(self.found);
        let repeated = self.often.end(&mut hits);
        let notes = repeated.notes().into_iter().chain(self.older).collect();
        Looked { hits, skipped: self.skipped, accounting: self.accounting, repeated, notes }
    }
}

impl Crew for Watch<'_> {
    fn threads(&self) -> usize {
        self.threads
    }

    fn memory(&self) -> usize {
        self.memory
    }

    fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn look(&self, number: u64, blob: &Blob) -> bool {
        if self.stopped() {
            self.notes().left.file(blob.provenance.path());
            return false;
        }
        let bytes = blob.own.len() as u64;
        // A big file comes in parts, and is one file.
        let of_history = matches!(*blob.provenance, Provenance::History { .. });
        if blob.own.start == 0 && (blob.offset == 0 || of_history) {
            self.blobs.fetch_add(1, Ordering::Relaxed);
        }
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let mut hits = if is_blank(&blob.bytes) { Vec::new() } else { self.scan(blob) };
        if let Provenance::Log { .. } = &*blob.provenance
            && let Some(joined) = records::joined(blob)
        {
            hits.extend(self.scan(&joined));
            hits.sort_by_key(|hit| (hit.occurrence.offset, hit.past));
        }
        if self.untold.fetch_add(bytes, Ordering::Relaxed) + bytes >= TOLD {
            self.progress.blob(self.untold.swap(0, Ordering::Relaxed));
        }
        if hits.is_empty() {
            return false;
        }
        let older = self.stamp(blob, &mut hits);
        let mut notes = self.notes();
        notes.older += older;
        let is_last = notes.often.early(number, blob, &mut hits);
        let found = !hits.is_empty();
        if found {
            self.limit.iter().for_each(|limit| limit.find());
            // Few may be left of many.
            hits.shrink_to_fit();
            notes.looked.push(Found::new(number, blob, hits));
            notes.kept.insert(number);
        }
        found || is_last
    }

    fn placed(&self, number: u64, first: Position) {
        let mut notes = self.notes();
        notes.often.placed(number, first);
        if notes.kept.contains(&number) {
            notes.placed.insert(number, first);
        }
    }

    fn skip(&self, order: u64, skipped: Skipped) {
        self.notes().skipped.push((order, skipped));
    }

    fn commits(&self, total: u64) {
        self.all_commits.store(total, Ordering::Relaxed);
        self.progress.commits(total);
    }

    fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.progress.commit();
    }

    fn stopped(&self) -> bool {
        let late = self.limit.is_some_and(Limit::is_over);
        if late {
            self.late.store(true, Ordering::Relaxed);
        }
        late || self.stopped.load(Ordering::Relaxed)
    }
}

/// Holes of a sparse file, and disk images: nothing can be found in zeros.
fn is_blank(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0) && bytes.chunks(ZEROS.len()).all(|chunk| ZEROS.starts_with(chunk))
}

/// What is said of matches in lines that are older than what was asked for.
pub(super) fn untold(older: u64, since: Timestamp) -> Option<String> {
    let what = if older == 1 { "1 match".to_owned() } else { format!("{older} matches") };
    (older > 0).then(|| format!("{what} in lines written before {since} are not told"))
}

/// Moves a hit from its part, which starts at `first`, to where it lies in the file.
fn place(hit: &mut Hit, first: Position) {
    hit.occurrence.start = hit.occurrence.start.within(first);
    hit.occurrence.end = hit.occurrence.end.within(first);
}

/// A blob in which something was found, without its bytes.
struct Found {
    number: u64,
    /// Its id in a history.
    id: Option<String>,
    before: Vec<String>,
    hits: Vec<Hit>,
}

impl Found {
    fn new(number: u64, blob: &Blob, hits: Vec<Hit>) -> Found {
        let id = match &*blob.provenance {
            Provenance::History { blob, .. } => Some(blob.clone()),
            _ => None,
        };
        Found { number, id, before: blob.before.clone(), hits }
    }
}

/// All hits in the order of their blobs, without those that the version before held already, and as firmly.
fn brought(looked: Vec<Found>) -> Vec<Hit> {
    let mut holds: HashMap<(String, Fingerprint), Option<Held>> = HashMap::new();
    let mut brought = Vec::new();
    for Found { id, before, hits, .. } in looked {
        for hit in hits {
            let held = hit.occurrence.provenance.whereabouts().map(|known| known.held);
            if let Some(id) = &id {
                holds.insert((id.clone(), hit.fingerprint), held);
            }
            let mut known = before.iter().filter_map(|before| holds.get(&(before.clone(), hit.fingerprint)));
            if !known.any(|before| *before <= held) {
                brought.push(hit);
            }
        }
    }
    brought
}
