//! The first sentence of the product: a source is read, decoded and looked at on all cores, and what was found comes out
//! in an order of its own.
//!
//! The calling thread walks the source; each blob is a task of the pool. At most [`Options::memory`] bytes are under
//! way at once, whatever the source gives (one bigger blob goes alone). Results carry the number of their blob and are put in
//! order at the end, so they are the same for any number of threads. Every byte that was asked for is read or accounted
//! for as skipped: [`Scan::complete`] says which.
//!
//! What people decided to live with, and what is not sure enough, is set apart with the reason ([`sift`]).
//!
//! In a history a secret is reported where it was brought: a blob whose version before, at the same path, held the same
//! secret brings nothing new.

pub mod checkpoint;
mod sift;

use crate::detect::{self, AllowList, Baseline, Confidence, Detector, Finding, Hit};
use crate::report::{Accounting, Dropped};
use crate::secret::Fingerprint;
use crate::source::{self, Blob, Item, Provenance, Skipped, Source};
use jiff::Timestamp;
use rayon::ThreadPoolBuilder;
use std::collections::HashSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Bytes in flight at most, unless [`Options::memory`] says otherwise.
pub const MEMORY: usize = 512 << 20;
/// Bytes of blobs that wait or are being looked at: more makes nothing faster.
const IN_FLIGHT: usize = 64 << 20;

/// What a scan came to.
#[derive(Debug)]
pub struct Scan {
    /// What was scanned, as a person would say it.
    pub asked: String,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What looked like a secret and is not reported, each with its reason.
    pub dropped: Vec<Dropped>,
    /// What else a reader must know, a sentence each.
    pub notes: Vec<String>,
    /// What was not read, in the order of the walk.
    pub skipped: Vec<Skipped>,
    /// What was read.
    pub accounting: Accounting,
    /// Whether everything that was asked for was read.
    pub complete: bool,
}

/// How to scan.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that look at blobs; 0 for as many as there are cores.
    pub threads: usize,
    /// Bytes that may be in flight at once: read and not yet looked at, or kept because others are made of them.
    pub memory: usize,
    /// Findings less sure than this are set apart.
    pub least: Confidence,
    /// What people decided to live with.
    pub allow: AllowList,
    /// What was known before.
    pub baseline: Baseline,
    /// Now: entries of the allow-list end.
    pub at: Timestamp,
}

impl Options {
    /// Nothing is allowed or known; findings of medium confidence and more are reported. Low is for rules that know only
    /// a neighbourhood (`password = ...`): shown unasked they would bury the rest, so they are counted and named.
    pub fn at(at: Timestamp) -> Options {
        let (allow, baseline) = (AllowList::default(), Baseline::default());
        Options { threads: 0, memory: MEMORY, least: Confidence::Medium, allow, baseline, at }
    }
}

/// Who wants to know how far it is. Called from many threads.
pub trait Progress: Sync {
    /// How many commits there are in all.
    fn commits(&self, total: u64);
    /// One of them was walked.
    fn commit(&self);
    /// A blob of so many bytes was looked at.
    fn blob(&self, bytes: u64);
}

/// Nobody wants to know.
impl Progress for () {
    fn commits(&self, _: u64) {}
    fn commit(&self) {}
    fn blob(&self, _: u64) {}
}

/// Why a scan could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to read.
    #[error(transparent)]
    Source(#[from] source::Error),
    /// A rule looks further around than the parts of a big file overlap.
    #[error("scan with these rules: one of them looks at {window} bytes around, more than the {most} that are kept")]
    Window {
        /// What the rule asks for.
        window: usize,
        /// What a part of a file carries.
        most: usize,
    },
    /// No threads could be had.
    #[error("start the threads of a scan")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}

/// Reads everything that the source gives.
pub fn scan(
    mut source: Box<dyn Source>,
    detector: &Detector,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Scan, Error> {
    let window = detector.max_window();
    if window > source::CONTEXT {
        return Err(Error::Window { window, most: source::CONTEXT });
    }
    let started = Instant::now();
    tracing::info!(asked = source.describe(), threads = options.threads, "scan begins");
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let (results, room) = (Mutex::new(Vec::new()), Room::new(options.memory.min(IN_FLIGHT)));
    let (mut skipped, mut read, mut parts) = (Vec::new(), Accounting::default(), 0);
    pool.in_place_scope(|scope| {
        source.walk(&mut |item| {
            match item {
                Item::Blob(blob) => {
                    let number = parts;
                    parts += 1;
                    // A big file comes in parts, and is one file.
                    read.blobs += u64::from(blob.offset == 0 && blob.own.start == 0);
                    read.bytes += blob.own.len() as u64;
                    let held = room.take(blob.bytes.len());
                    let results = &results;
                    scope.spawn(move |_| {
                        let held = held;
                        let hits = detector.scan(&blob);
                        progress.blob(blob.own.len() as u64);
                        if !hits.is_empty() {
                            lock(results).push(Looked::new(number, blob, hits));
                        }
                        drop(held);
                    });
                }
                Item::Skipped(one) => skipped.push(one),
                Item::Commit => {
                    read.commits += 1;
                    progress.commit();
                }
                Item::Commits(total) => progress.commits(total),
            }
            true
        })
    })?;
    let hits = brought(results.into_inner().unwrap_or_else(PoisonError::into_inner));
    let accounting = Accounting { elapsed: started.elapsed(), ..read };
    Ok(finish(source.describe(), hits, skipped, accounting, options))
}

/// What a scan comes to that found these hits, whoever read and looked: hits of one secret become one finding, and what
/// is not reported is set apart with its reason. The order of `hits` does not matter; `skipped` stays in its order.
pub fn finish(asked: String, hits: Vec<Hit>, skipped: Vec<Skipped>, accounting: Accounting, options: &Options) -> Scan {
    tracing::info!(accounting.blobs, accounting.bytes, accounting.commits, skipped = skipped.len(), "source is read");
    let sifted = sift::sift(detect::merge(hits), options);
    Scan {
        asked,
        findings: sifted.findings,
        dropped: sifted.dropped,
        notes: sifted.notes,
        complete: !skipped.iter().any(|one| one.asked),
        skipped,
        accounting,
    }
}

/// A blob in which something was found, without its bytes.
struct Looked {
    number: u64,
    /// Its id in a history.
    id: Option<String>,
    before: Vec<String>,
    hits: Vec<Hit>,
}

impl Looked {
    fn new(number: u64, blob: Blob, hits: Vec<Hit>) -> Looked {
        let id = match &*blob.provenance {
            Provenance::History { blob, .. } => Some(blob.clone()),
            _ => None,
        };
        Looked { number, id, before: blob.before, hits }
    }
}

/// All hits in the order of their blobs, without those that the version before held already.
fn brought(mut looked: Vec<Looked>) -> Vec<Hit> {
    looked.sort_by_key(|one| one.number);
    let mut held: HashSet<(String, Fingerprint)> = HashSet::new();
    let mut brought = Vec::new();
    for Looked { id, before, hits, .. } in looked {
        for hit in hits {
            if let Some(id) = &id {
                held.insert((id.clone(), hit.fingerprint));
            }
            if !before.iter().any(|before| held.contains(&(before.clone(), hit.fingerprint))) {
                brought.push(hit);
            }
        }
    }
    brought
}

/// Room for so many bytes; taking more waits until there is room, or until nobody else has any.
struct Room {
    most: usize,
    taken: Mutex<usize>,
    freed: Condvar,
}

impl Room {
    fn new(most: usize) -> Room {
        Room { most, taken: Mutex::new(0), freed: Condvar::new() }
    }

    fn take(&self, bytes: usize) -> Held<'_> {
        let full = |taken: &mut usize| *taken > 0 && *taken + bytes > self.most;
        let mut taken = self.freed.wait_while(lock(&self.taken), full).unwrap_or_else(PoisonError::into_inner);
        *taken += bytes;
        Held { room: self, bytes }
    }
}

/// Taken room, given back on drop, also when the task that held it panics.
struct Held<'r> {
    room: &'r Room,
    bytes: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *lock(&self.room.taken) -= self.bytes;
        self.room.freed.notify_all();
    }
}

/// A panic elsewhere does not make what was counted wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;
    use crate::secret::FingerprintKey;
    use crate::source::SkipReason;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Many blobs, and nothing in them.
    struct Many {
        blobs: usize,
        bytes: usize,
        skipped: Option<Skipped>,
    }

    impl Source for Many {
        fn describe(&self) -> String {
            "many".into()
        }

        fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), source::Error> {
            for _ in 0..self.blobs {
                sink(Item::Blob(Blob::whole(vec![b'x'; self.bytes], Arc::new(Provenance::Stdin))));
            }
            if let Some(one) = self.skipped.take() {
                sink(Item::Skipped(one));
            }
            Ok(())
        }
    }

    fn run(source: Many) -> Scan {
        let detector = Detector::new(Arc::new(RuleSet::default()), Arc::new(FingerprintKey::public()));
        scan(Box::new(source), &detector, &Options::at(Timestamp::UNIX_EPOCH), &()).unwrap()
    }

    #[test]
    fn counts_what_it_read_and_what_it_did_not() {
        let scan = run(Many { blobs: 1000, bytes: 10, skipped: None });
        assert_eq!((scan.accounting.blobs, scan.accounting.bytes, scan.complete), (1000, 10_000, true));
        let passed = Skipped::passed("link", SkipReason::Special, "");
        assert!(run(Many { blobs: 0, bytes: 0, skipped: Some(passed) }).complete);
        let asked = Skipped::asked("file", SkipReason::Unreadable, "");
        assert!(!run(Many { blobs: 0, bytes: 0, skipped: Some(asked) }).complete);
    }

    #[test]
    fn one_blob_bigger_than_the_room_goes_alone() {
        let room = Room::new(10);
        drop(room.take(11));
        drop(room.take(11));
        assert_eq!(*room.taken.lock().unwrap(), 0);
    }

    #[test]
    fn never_more_under_way_than_there_is_room_for() {
        let (room, most, now) = (Room::new(100), AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _held = room.take(30);
                        most.fetch_max(now.fetch_add(30, Ordering::SeqCst) + 30, Ordering::SeqCst);
                        now.fetch_sub(30, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(*room.taken.lock().unwrap(), 0);
    }
}
