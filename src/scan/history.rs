//! A whole history in four steps: every blob is swept where it lies in its pack, of each only what its delta base does not
//! have; so are the messages; what holds something that looks like a secret is attributed to the commit that brought it;
//! and what brings a secret that its version before did not hold is read again and looked at like any other blob.
//!
//! So the last step sees what [`Engine::Full`](super::Engine::Full) sees, and says the same of it, but for a few hundred
//! blobs out of hundreds of thousands.

use super::watch::Ended;
use super::{Error, Looked, Options, Progress, flood};
use crate::detect::{Candidate, Detector, Hit, Sweep};
use crate::report::Accounting;
use crate::secret::Fingerprint;
use crate::source::git::attribute::{Hits, Origin};
use crate::source::git::id::Id;
use crate::source::git::pack::{Absent, Run, Seen, Visitor};
use crate::source::git::whole::{Read, Whole};
use crate::source::{Blob, Commit, Provenance, Skipped};
use crate::text::terminal::printable;
use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of the biggest blob that is swept in one piece: the sweep of a bigger one cannot be inherited.
const BIGGEST: u64 = 32 << 20;

/// The fingerprints in an object, each once, in order.
type Prints = Arc<[Fingerprint]>;

/// Reads all of it.
pub(super) fn look(
    whole: Whole<'_>,
    detector: &Detector,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Looked, Error> {
    let pool = ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    Ok(pool.install(|| in_pool(whole, detector, progress)))
}

fn in_pool(whole: Whole<'_>, detector: &Detector, progress: &dyn Progress) -> Looked {
    let sweeps = Sweeps {
        detector,
        progress,
        found: Mutex::default(),
        floods: Mutex::default(),
        blobs: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
    };
    let mut walked = whole.blobs(&sweeps);
    for &number in &walked.big {
        if let Err(absent) = sweeps.big(&whole, number) {
            walked.problems.push((number, absent));
        }
    }
    let mut read = whole.messages(|number, text| sweeps.message(number, text));
    tracing::info!(
        objects = walked.objects,
        bytes = walked.bytes,
        unread = walked.problems.len(),
        "the packs are read"
    );
    let mut prints: BTreeMap<u32, Prints> = std::mem::take(&mut *lock(&sweeps.found)).into_iter().collect();
    let unread = walked.problems.iter().chain(&read.walked.problems).map(|(number, _)| *number).collect();
    let attributed = read.attribute(&Hits { objects: prints.keys().copied().collect(), unread });
    // What could be read only by its name was not swept yet.
    for origin in &attributed.origins {
        if !prints.contains_key(&origin.number)
            && let Ok(text) = read.text(origin.id, origin.message)
        {
            sweeps.count(text.bytes.len());
            let sweep = detector.sweep(&text.bytes);
            sweeps.flooded(origin.number, &sweep);
            prints.insert(origin.number, printed(&sweep));
        }
    }
    let by_id = attributed.origins.iter().filter_map(|origin| {
        let firm = origin.whereabouts.held;
        Some((origin.id, (prints.get(&origin.number)?, firm)))
    });
    let by_id: HashMap<_, _> = by_id.collect();
    let held = |origin: &Origin, print: &Fingerprint| {
        let mut before = origin.before.iter().filter_map(|id| by_id.get(id));
        before.any(|(prints, firm)| *firm <= origin.whereabouts.held && prints.binary_search(print).is_ok())
    };
    let brings = |origin: &&Origin| {
        let mut prints = by_id.get(&origin.id).into_iter().flat_map(|(prints, _)| prints.iter());
        prints.any(|print| !held(origin, print))
    };
    let bringing: Vec<&Origin> = attributed.origins.iter().filter(brings).collect();
    tracing::info!(with_candidates = prints.len(), bringing = bringing.len(), "what was found is attributed");
    let is_big = |origin: &Origin| walked.big.binary_search(&origin.number).is_ok();
    let commits = Commits { read: &read, known: Mutex::default() };
    let looked: Vec<_> = bringing.par_iter().map(|origin| again(origin, is_big(origin), &commits, detector)).collect();
    let (mut hits, mut skipped) = (Vec::new(), attributed.skipped);
    for (origin, looked) in bringing.iter().zip(looked) {
        match looked {
            Ok(found) => hits.extend(found.into_iter().filter(|hit| !held(origin, &hit.fingerprint))),
            Err(one) => skipped.push(one),
        }
    }
    let floods: HashMap<u32, Vec<u16>> = std::mem::take(&mut *lock(&sweeps.floods)).into_iter().collect();
    let floods = attributed.origins.iter().filter_map(|origin| {
        Some(flood::told(printable(&origin.path), &detector.flooded(floods.get(&origin.number)?)))
    });
    skipped.extend(flood::in_order(floods.collect()));
    let accounting = Accounting {
        blobs: sweeps.blobs.into_inner(),
        bytes: sweeps.bytes.into_inner(),
        commits: attributed.commits,
        ..Accounting::default()
    };
    Looked { hits, skipped, accounting, repeated: super::often::Ended::default(), notes: Vec::new() }
}

/// Tells of hits that were found otherwise where else they lie and what leads to them.
pub(super) fn locate(whole: Whole<'_>, ended: &mut Ended) {
    let id = |hit: &Hit| match &*hit.occurrence.provenance {
        Provenance::History { blob, .. } => blob.parse::<Id>().ok(),
        _ => None,
    };
    let numbers = ended.hits().filter_map(|hit| whole.number(id(hit)?));
    let asked = Hits { objects: numbers.collect(), unread: Vec::new() };
    let origins = whole.messages(|_, _| ()).attribute(&asked).origins;
    let by_id: HashMap<String, _> = origins.into_iter().map(|one| (one.id.to_string(), one.whereabouts)).collect();
    for hit in ended.hits() {
        if let Provenance::History { path, blob, commit, .. } = &*hit.occurrence.provenance
            && let Some(known) = by_id.get(blob)
        {
            let (path, blob, commit) = (path.clone(), blob.clone(), commit.clone());
            let whereabouts = Some(known.clone());
            hit.occurrence.provenance = Arc::new(Provenance::History { path, blob, commit, whereabouts });
        }
    }
}

/// Sweeps what it is shown.
struct Sweeps<'s> {
    detector: &'s Detector,
    progress: &'s dyn Progress,
    /// By number, of objects in which something was found.
    found: Mutex<Vec<(u32, Prints)>>,
    /// By number, of objects that have more matches than are looked at: of which rules, by place.
    floods: Mutex<Vec<(u32, Vec<u16>)>>,
    blobs: AtomicU64,
    bytes: AtomicU64,
}

/// A panic elsewhere does not make what was noted wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A blob that was swept, kept while others are made of it.
struct Swept {
    sweep: Sweep,
    prints: Option<Prints>,
}

impl Sweeps<'_> {
    fn message(&self, number: u32, text: &[u8]) {
        self.count(text.len());
        let sweep = self.detector.sweep(text);
        self.flooded(number, &sweep);
        if !sweep.is_empty() {
            lock(&self.found).push((number, printed(&sweep)));
        }
    }

    fn flooded(&self, number: u32, sweep: &Sweep) {
        let mut rules = sweep.floods().to_vec();
        rules.sort_unstable();
        rules.dedup();
        if !rules.is_empty() {
            lock(&self.floods).push((number, rules));
        }
    }

    fn count(&self, bytes: usize) {
        self.blobs.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.progress.blob(bytes as u64);
    }

    /// Notes what was found. What is the same as in the base is held once.
    fn note(&self, object: &Seen<'_>, sweep: Sweep, base: Option<&Prints>) -> Swept {
        if object.first {
            self.count(object.bytes.len());
            self.flooded(object.number, &sweep);
        }
        if sweep.is_empty() {
            return Swept { sweep, prints: None };
        }
        let new = printed(&sweep);
        let prints = base.filter(|base| **base == new).cloned().unwrap_or(new);
        if object.first {
            lock(&self.found).push((object.number, prints.clone()));
        }
        Swept { sweep, prints: Some(prints) }
    }
}

impl Sweeps<'_> {
    /// Sweeps a blob that is too big to be held, part by part, all threads at once.
    fn big(&self, whole: &Whole<'_>, number: u32) -> Result<(), Absent> {
        let (mut parts, mut prints, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut look = |parts: &mut Vec<Blob>| {
            let looked: Vec<_> = parts.par_drain(..).map(|part| (self.detector.sweep(&part.bytes), part.own)).collect();
            for (sweep, own) in looked {
                self.flooded(number, &sweep);
                let begins = |one: &&Candidate| own.contains(&(one.whole.start as usize));
                prints.extend(sweep.candidates().filter(begins).map(|one| one.fingerprint));
            }
        };
        let at_once = 2 * rayon::current_num_threads();
        whole.parts(number, &mut |part| {
            bytes += part.own.len();
            parts.push(part);
            if parts.len() == at_once {
                look(&mut parts);
            }
            true
        })?;
        look(&mut parts);
        self.count(bytes);
        if !prints.is_empty() {
            lock(&self.found).push((number, in_order(prints)));
        }
        Ok(())
    }
}

impl Visitor for Sweeps<'_> {
    type State = Swept;

    fn biggest(&self) -> u64 {
        BIGGEST
    }

    fn whole(&self, object: &Seen<'_>) -> Swept {
        self.note(object, self.detector.sweep(object.bytes), None)
    }

    fn delta(&self, object: &Seen<'_>, base: &Swept, base_len: usize, runs: &[Run]) -> Swept {
        let sweep = self.detector.sweep_delta(&base.sweep, base_len, object.bytes, runs);
        self.note(object, sweep, base.prints.as_ref())
    }
}

fn printed(sweep: &Sweep) -> Prints {
    in_order(sweep.fingerprints().collect())
}

fn in_order(mut prints: Vec<Fingerprint>) -> Prints {
    prints.sort_unstable();
    prints.dedup();
    prints.into()
}

/// Commits as a report has them, each read once.
struct Commits<'r> {
    read: &'r Read<'r>,
    known: Mutex<HashMap<Id, Arc<Commit>>>,
}

impl Commits<'_> {
    fn get(&self, id: Id) -> Option<Arc<Commit>> {
        if let Some(known) = lock(&self.known).get(&id) {
            return Some(known.clone());
        }
        let commit = Arc::new(self.read.commit(id).ok()?);
        Some(lock(&self.known).entry(id).or_insert(commit).clone())
    }
}

/// Looks at an object as at any other blob.
fn again(origin: &Origin, is_big: bool, commits: &Commits<'_>, detector: &Detector) -> Result<Vec<Hit>, Skipped> {
    let skipped = |absent: Absent| absent.skipped(format!("{} ({})", printable(&origin.path), origin.id));
    let provenance = Provenance::History {
        path: origin.path.clone(),
        blob: origin.id.to_string(),
        commit: origin.commit.and_then(|id| commits.get(id)),
        whereabouts: Some(origin.whereabouts.clone()),
    };
    if is_big {
        let mut hits = Vec::new();
        let mut look = |part: Blob| {
            hits.extend(detector.scan(&part));
            true
        };
        commits.read.parts(origin.id, provenance, &mut look).map_err(skipped)?;
        return Ok(hits);
    }
    let text = commits.read.text(origin.id, origin.message).map_err(skipped)?;
    Ok(detector.scan(&text.blob(provenance)))
}
