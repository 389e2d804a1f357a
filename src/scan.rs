//! The first sentence of the product: a source is read, decoded and looked at on all cores, and what was found comes out
//! in an order of its own.
//!
//! A source reads with all threads and lets them look ([`Source::read`], [`watch`]); what is in flight is a few buffers for
//! each. Every byte that was asked for is read or accounted for as skipped: [`Scan::complete`] says which. Results are the
//! same, and in the same order, for any number of threads.
//!
//! What people decided to live with, and what is not sure enough, is set apart with the reason ([`sift`]).
//!
//! In a history a secret is reported where it was brought: a blob whose version before, at the same path, held the same
//! secret brings nothing new. But when that version is held less firmly (a log of what was squashed has it, and a branch has
//! this one), both are reported: who rewrites a history must know of the one that a branch leads to.

pub mod checkpoint;
mod flood;
pub mod follow;
mod history;
mod limit;
mod often;
mod sift;
pub mod sightings;
mod stamp;
mod watch;

pub use limit::Limit;

use crate::detect::{self, AllowList, Baseline, Confidence, Detector, Finding, Hit};
use crate::report::{Accounting, Dropped};
use crate::source::{self, Skipped, Source};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;
use watch::Watch;

/// Bytes in flight at most, unless [`Options::memory`] says otherwise.
pub const MEMORY: usize = 512 << 20;

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

/// How a whole history is read and looked at. Both say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Pack by pack, each object once, of a blob only what its delta base does not have.
    #[default]
    Delta,
    /// Commit by commit, every blob whole: slow and plain, to check the other by.
    Full,
}

/// How to scan.
#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that read and look; 0 for as many as there are cores.
    pub threads: usize,
    /// How a whole history is read and looked at.
    pub engine: Engine,
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
    /// What is in lines of logs that were written before is not told. Of a line that does not say when it was, nobody knows:
    /// it is.
    pub since: Option<Timestamp>,
    /// When to end, whatever is left. A whole history that is read pack by pack goes on to its end.
    pub limit: Option<Arc<Limit>>,
}

impl Options {
    /// Nothing is allowed or known; findings of medium confidence and more are reported. Low is for rules that know only
    /// a neighbourhood (`password = ...`): shown unasked they would bury the rest, so they are counted and named.
    pub fn at(at: Timestamp) -> Options {
        let (allow, baseline) = (AllowList::default(), Baseline::default());
        Options {
            threads: 0,
            engine: Engine::Delta,
            memory: MEMORY,
            least: Confidence::Medium,
            allow,
            baseline,
            at,
            since: None,
            limit: None,
        }
    }
}

/// Who wants to know how far it is. Called from many threads.
pub trait Progress: Sync {
    /// How many commits there are in all.
    fn commits(&self, total: u64);
    /// One of them was walked.
    fn commit(&self);
    /// So many more bytes were looked at.
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
    /// A mistake of this program's: what was found until then is not the whole.
    #[error("scan {what}: an internal error, told above; please report it")]
    Internal {
        /// What was being looked at.
        what: String,
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
    let asked = source.describe();
    let whole = source.whole(options.memory);
    let looked = match whole.filter(|_| options.engine == Engine::Delta) {
        Some(whole) => history::look(whole, detector, options, progress)?,
        None => {
            let watch = Watch::new(detector, options, progress);
            watch.read(&mut *source)?;
            let mut ended = watch.end(|blob| source.was_there(blob))?;
            if let Some(whole) = source.whole(options.memory) {
                history::locate(whole, &mut ended);
            }
            ended.looked()
        }
    };
    let accounting = Accounting { elapsed: started.elapsed(), ..looked.accounting };
    let mut scan = finish(asked, looked.hits, looked.skipped, accounting, options);
    scan.findings.iter_mut().for_each(|finding| looked.repeated.complete(finding));
    scan.notes.extend(looked.notes);
    if scan.accounting.blobs == 0 {
        scan.notes.push(nothing_read(&scan.skipped).to_owned());
    }
    Ok(scan)
}

/// Nobody is to take a scan that read nothing for one that found nothing.
fn nothing_read(skipped: &[Skipped]) -> &'static str {
    match skipped {
        [] => "nothing was read: there was nothing in what was asked for",
        _ => "nothing was read: all that was asked for was skipped or left out",
    }
}

/// What all the looking came to.
struct Looked {
    /// In the order of their places; in a history only those that something brought.
    hits: Vec<Hit>,
    /// In the order of the walk.
    skipped: Vec<Skipped>,
    /// What was read, without the time.
    accounting: Accounting,
    /// What logs have more of.
    repeated: often::Ended,
    /// What else is to be said.
    notes: Vec<String>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;
    use crate::secret::FingerprintKey;
    use crate::source::{Blob, Item, Provenance, SkipReason};
    use std::time::Duration;

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

    /// Fails once something was looked at, in whatever thread.
    struct Fails;

    impl Progress for Fails {
        fn commits(&self, _: u64) {}
        fn commit(&self) {}
        fn blob(&self, _: u64) {
            panic!("as it was told to");
        }
    }

    #[test]
    fn a_panic_in_a_thread_is_an_error_and_no_thread_waits_for_ever() {
        let detector = Detector::new(Arc::new(RuleSet::default()), Arc::new(FingerprintKey::public()));
        for threads in [1, 2, 7] {
            let options = Options { threads, ..Options::at(Timestamp::UNIX_EPOCH) };
            let many = Many { blobs: 500, bytes: 100_000, skipped: None };
            let scanned = scan(Box::new(many), &detector, &options, &Fails);
            assert!(matches!(scanned, Err(Error::Internal { .. })), "{threads}: {scanned:?}");
        }
    }
    #[test]
    fn what_is_not_read_in_time_is_told() {
        let detector = Detector::new(Arc::new(RuleSet::default()), Arc::new(FingerprintKey::public()));
        let ends = |limit: Instant| {
            let limit = Some(Arc::new(Limit::new(limit)));
            let options = Options { limit, ..Options::at(Timestamp::UNIX_EPOCH) };
            let many = Many { blobs: 50, bytes: 10, skipped: None };
            scan(Box::new(many), &detector, &options, &()).unwrap()
        };
        let in_time = ends(Instant::now() + Duration::from_secs(600));
        assert!(in_time.complete && in_time.skipped.is_empty());
        let late = ends(Instant::now());
        assert!(!late.complete && late.accounting.blobs == 0, "{late:?}");
        assert!(late.skipped.iter().all(|one| one.asked && one.why == SkipReason::OutOfTime), "{late:?}");
    }

    /// A history that takes its time.
    struct Slow(Arc<Limit>);

    impl Source for Slow {
        fn describe(&self) -> String {
            "slow".into()
        }

        fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), source::Error> {
            sink(Item::Commits(10));
            assert!((0..3).all(|_| sink(Item::Commit)), "there is time yet");
            while !self.0.is_over() {
                std::thread::sleep(Duration::from_millis(5));
            }
            let blob = |name: &str| Blob::whole(b"text".to_vec(), Arc::new(Provenance::File { path: name.into() }));
            assert!(!sink(Item::Blob(blob("late"))), "a walk is told to stop");
            Ok(())
        }
    }

    #[test]
    fn commits_that_are_left_are_counted() {
        let detector = Detector::new(Arc::new(RuleSet::default()), Arc::new(FingerprintKey::public()));
        let limit = Arc::new(Limit::new(Instant::now() + Duration::from_millis(1500)));
        let options = Options { limit: Some(Arc::clone(&limit)), ..Options::at(Timestamp::UNIX_EPOCH) };
        let scan = scan(Box::new(Slow(limit)), &detector, &options, &()).unwrap();
        let told: Vec<&str> = scan.skipped.iter().map(|one| one.what.as_str()).collect();
        assert_eq!((told, scan.complete), (vec!["7 of 10 commits, the newest,", "late"], false));
    }
}
