//! Every object once: down the trees of deltas, each entry inflated once with its base at hand.
//!
//! A worker takes a tree and keeps a list of what is still to be done, each with the base that it rests on. What is light
//! is done first and the heaviest child last, when nobody else needs the base: so no more than about the logarithm of a
//! family's size is held, however long its chains are. A worker with nothing to do is given the upper end of another's list.

use super::ahead::Ahead;
use super::delta::{self, Run};
use super::entry::{Base, Entry};
use super::forest::{Forest, Packed, Rank};
use super::inflate::Inflater;
use super::{Absent, Kind, LARGEST, Object, Store, loose};
use crate::source::SkipReason;
use rayon::prelude::*;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Roots that a worker takes at once.
const ROOTS: usize = 16;
/// Bytes of the biggest buffer that is used again, and how many there are for each worker.
const SPARE: usize = 1 << 20;
const SPARES: usize = 8;

/// What a walk came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// Numbers of objects that were not seen, sorted. Of one whose base is broken the kind is not known: it is told always.
    pub problems: Vec<(u32, Absent)>,
    /// Numbers of blobs that are too big to be shown ([`Visitor::biggest`]), sorted.
    pub big: Vec<u32>,
    /// Objects seen that count.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Who looks at the objects. Called from several threads, in an order that may be another every time; an object always
/// with the state that its base gave.
pub trait Visitor: Sync {
    /// Kept while the object is a base of others.
    type State: Send + Sync;

    /// An object that rests on no other.
    fn whole(&self, object: &Seen<'_>) -> Self::State;

    /// An object that was made from another one of `base_len` bytes. `runs` are the bytes copied unchanged, in order of
    /// [`Run::at`]; everything else is its own.
    fn delta(&self, object: &Seen<'_>, base: &Self::State, base_len: usize, runs: &[Run]) -> Self::State;

    /// Bytes of the biggest blob that is shown although it rests on no other and none rests on it.
    fn biggest(&self) -> u64 {
        u64::MAX
    }

    /// Whether to stop soon.
    fn stop(&self) -> bool {
        false
    }
}

/// An object that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'o> {
    /// Its number in the store.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub bytes: &'o [u8],
    /// `false`: a copy of an object that is seen elsewhere, here only as a base of others.
    pub first: bool,
    /// Nothing is made from it: its state is dropped at once.
    pub leaf: bool,
}

impl Store {
    /// Shows every object of these kinds to the visitor, once each, on the threads of the current pool. About `memory`
    /// bytes of bases are held at most.
    pub fn walk<V: Visitor>(&self, kinds: &[Kind], memory: usize, visitor: &V) -> Walked {
        let forest = self.forest.get_or_init(|| {
            let mut forest = Forest::of(self);
            let heads = forest.parts().par_iter().map(|part| forest.heads(self, part)).collect();
            rayon::join(|| forest.grow(self, heads), || self.packs.iter().for_each(|pack| pack.idx.refine()));
            forest
        });
        let threads = rayon::current_num_threads();
        let walk = Walk {
            store: self,
            forest,
            roots: forest.roots(kinds),
            kinds,
            visitor,
            memory,
            held: AtomicUsize::new(0),
            next_root: AtomicUsize::new(0),
            shared: Mutex::new(Shared { jobs: Vec::new(), working: 0 }),
            more: Condvar::new(),
            waiting: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            walked: Mutex::new(Walked::default()),
        };
        rayon::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|_| walk.work());
            }
            walk.work();
        });
        let mut walked = walk.walked.into_inner().unwrap_or_else(PoisonError::into_inner);
        walked.problems.extend_from_slice(&forest.problems);
        walked.problems.sort_by_key(|(number, _)| *number);
        walked.big.sort_unstable();
        if !walk.stopped.into_inner() {
            self.try_again(kinds, visitor, &mut walked);
        }
        walked
    }

    /// What failed in the walk may be there in another copy.
    fn try_again<V: Visitor>(&self, kinds: &[Kind], visitor: &V, walked: &mut Walked) {
        for (number, absent) in std::mem::take(&mut walked.problems) {
            let id = self.id(number);
            if self.number(&id) != Some(number) {
                continue;
            }
            match self.read(&id).ok().filter(|object| super::read::names(&id, object)) {
                Some(Object { kind, bytes }) if kinds.contains(&kind) => {
                    visitor.whole(&Seen { number, kind, bytes: &bytes, first: true, leaf: true });
                    walked.objects += 1;
                    walked.bytes += bytes.len() as u64;
                }
                Some(_) => {}
                None => walked.problems.push((number, absent)),
            }
        }
    }
}

/// An object that others rest on.
struct Node<S> {
    rank: Rank,
    kind: Kind,
    len: usize,
    /// Nothing when there was no room for them: they are built again for each that needs them.
    bytes: Option<Vec<u8>>,
    state: S,
}

/// An object to be looked at, and its base.
struct Job<S> {
    rank: Rank,
    base: Option<Arc<Node<S>>>,
}

struct Shared<S> {
    jobs: Vec<Job<S>>,
    /// Workers that have something to do.
    working: usize,
}

/// One walk under way.
struct Walk<'w, V: Visitor> {
    store: &'w Store,
    forest: &'w Forest,
    /// The ranks at which it begins.
    roots: Vec<Rank>,
    kinds: &'w [Kind],
    visitor: &'w V,
    /// Bytes of bases that may wait, and that do.
    memory: usize,
    held: AtomicUsize,
    next_root: AtomicUsize,
    shared: Mutex<Shared<V::State>>,
    more: Condvar,
    /// Workers that have nothing to do.
    waiting: AtomicUsize,
    stopped: AtomicBool,
    walked: Mutex<Walked>,
}

/// What a worker uses again and again.
struct Worker {
    inflater: Inflater,
    ahead: Ahead,
    delta: Vec<u8>,
    runs: Vec<Run>,
    /// Buffers for objects.
    spare: Vec<Vec<u8>>,
    walked: Walked,
}

impl<V: Visitor> Walk<'_, V> {
    fn work(&self) {
        let mut worker = Worker {
            inflater: Inflater::new(),
            ahead: Ahead::new(),
            delta: Vec::new(),
            runs: Vec::new(),
            spare: Vec::new(),
            walked: Walked::default(),
        };
        let mut jobs = Vec::new();
        self.locked().working += 1;
        while self.find_work(&mut jobs) {
            while let Some(job) = jobs.pop() {
                if self.visitor.stop() {
                    self.stopped.store(true, Ordering::Relaxed);
                    self.more.notify_all();
                }
                if self.stopped.load(Ordering::Relaxed) {
                    jobs.clear();
                    break;
                }
                self.node(&mut worker, job, &mut jobs);
                if self.waiting.load(Ordering::Relaxed) > 0 && jobs.len() > 1 {
                    self.give(&mut jobs);
                }
            }
        }
        let mut walked = self.walked.lock().unwrap_or_else(PoisonError::into_inner);
        walked.problems.append(&mut worker.walked.problems);
        walked.big.append(&mut worker.walked.big);
        walked.objects += worker.walked.objects;
        walked.bytes += worker.walked.bytes;
    }

    fn locked(&self) -> MutexGuard<'_, Shared<V::State>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills a worker's empty list; `false` when there is nothing left in the whole walk.
    fn find_work(&self, jobs: &mut Vec<Job<V::State>>) -> bool {
        let first = self.next_root.fetch_add(ROOTS, Ordering::Relaxed);
        let roots = self.roots.get(first..).unwrap_or_default();
        jobs.extend(roots.iter().take(ROOTS).rev().map(|rank| Job { rank: *rank, base: None }));
        if self.stopped.load(Ordering::Relaxed) {
            jobs.clear();
        }
        if !jobs.is_empty() {
            return true;
        }
        let mut shared = self.locked();
        shared.working -= 1;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        loop {
            let stopped = self.stopped.load(Ordering::Relaxed);
            if let Some(job) = shared.jobs.pop().filter(|_| !stopped) {
                jobs.push(job);
                shared.working += 1;
                break;
            }
            if stopped || shared.working == 0 {
                self.more.notify_all();
                break;
            }
            shared = self.more.wait(shared).unwrap_or_else(PoisonError::into_inner);
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        !jobs.is_empty()
    }

    /// Gives the upper half of a list, which has the heaviest trees, to those who wait.
    fn give(&self, jobs: &mut Vec<Job<V::State>>) {
        let half = jobs.len() / 2;
        self.locked().jobs.extend(jobs.drain(..half));
        self.more.notify_all();
    }

    /// Looks at an object and at all that rest on it and have nothing resting on them; lists the others.
    fn node(&self, worker: &mut Worker, job: Job<V::State>, jobs: &mut Vec<Job<V::State>>) {
        let children = self.forest.children(job.rank);
        let mut bytes = worker.spare.pop().unwrap_or_default();
        let seen = self.see(worker, job.rank, job.base.as_deref(), &mut bytes);
        self.release(worker, job.base);
        let (kind, state) = match seen {
            Ok(Some(seen)) if !children.is_empty() => seen,
            Ok(_) => return worker.keep(bytes),
            Err(absent) => return self.broken(worker, job.rank, absent),
        };
        let mut node = Node { rank: job.rank, kind, len: bytes.len(), bytes: Some(bytes), state };
        let mut rest = Vec::new();
        for child in children {
            if !self.forest.children(*child).is_empty() {
                rest.push(*child);
                continue;
            }
            let mut bytes = worker.spare.pop().unwrap_or_default();
            if let Err(absent) = self.see(worker, *child, Some(&node), &mut bytes) {
                self.broken(worker, *child, absent);
            }
            worker.keep(bytes);
        }
        let held = self.held.fetch_add(node.len, Ordering::Relaxed);
        if rest.is_empty() || (rest.len() > 1 && held.saturating_add(node.len) > self.memory) {
            self.held.fetch_sub(node.len, Ordering::Relaxed);
            node.bytes.take().into_iter().for_each(|bytes| worker.keep(bytes));
        }
        let node = Arc::new(node);
        jobs.extend(rest.iter().rev().map(|child| Job { rank: *child, base: Some(Arc::clone(&node)) }));
    }

    /// Takes back the bytes of a base that nobody needs any more.
    fn release(&self, worker: &mut Worker, base: Option<Arc<Node<V::State>>>) {
        if let Some(bytes) = base.and_then(Arc::into_inner).and_then(|base| base.bytes) {
            self.held.fetch_sub(bytes.len(), Ordering::Relaxed);
            worker.keep(bytes);
        }
    }

    /// Builds an object in `bytes` and shows it. `None`: it is of another kind.
    fn see(
        &self,
        worker: &mut Worker,
        rank: Rank,
        base: Option<&Node<V::State>>,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<(Kind, V::State)>, Absent> {
        let packed = self.forest.packed(self.store, rank);
        if base.is_none() && self.is_big(packed.as_ref(), rank) {
            if self.forest.counts(rank) {
                worker.walked.big.push(self.forest.number(rank));
            }
            return Ok(None);
        }
        let Some(packed) = packed else {
            let object = self.loose(worker, rank)?;
            *bytes = object.bytes;
            return Ok(self.show(worker, rank, object.kind, bytes, None));
        };
        let again = match base {
            Some(Node { bytes: None, rank, .. }) => Some(self.again(worker, *rank)?),
            _ => None,
        };
        let below = base.and_then(|base| base.bytes.as_ref()).or(again.as_deref());
        let kind = worker.unpack(&packed, below.map(Vec::as_slice), bytes)?;
        Ok(match (kind, base) {
            (Some(kind), _) => self.show(worker, rank, kind, bytes, None),
            (None, Some(base)) => self.show(worker, rank, base.kind, bytes, Some(base)),
            (None, None) => None,
        })
    }

    /// Whether it is a blob that is too big to be shown.
    fn is_big(&self, packed: Option<&Packed<'_>>, rank: Rank) -> bool {
        let most = self.visitor.biggest();
        if most == u64::MAX || !self.forest.children(rank).is_empty() {
            return false;
        }
        match packed {
            Some(packed) => packed.pack.has_big(packed.offset, packed.end, most),
            None => self.store.loose_is_big(self.forest.number(rank), most),
        }
    }

    /// The bytes of a base that were let go.
    fn again(&self, worker: &mut Worker, rank: Rank) -> Result<Arc<Vec<u8>>, Absent> {
        match self.forest.packed(self.store, rank) {
            Some(packed) => Ok(self.store.build(packed.pack, packed.offset)?.1),
            None => Ok(Arc::new(self.loose(worker, rank)?.bytes)),
        }
    }

    /// An object that lay in no pack when the store was opened; it may lie in one by now.
    fn loose(&self, worker: &mut Worker, rank: Rank) -> Result<Object, Absent> {
        let (id, folder) = self.store.loose_at(self.forest.number(rank)).ok_or_else(Absent::missing)?;
        let path = self.store.folders.get(usize::from(folder)).map(|folder| loose::path(folder, &id));
        match path.map(|path| loose::object(&path, &mut worker.inflater)) {
            Some(Ok(Some(object))) => Ok(object),
            _ => self.store.read(&id),
        }
    }

    fn show(
        &self,
        worker: &mut Worker,
        rank: Rank,
        kind: Kind,
        bytes: &[u8],
        base: Option<&Node<V::State>>,
    ) -> Option<(Kind, V::State)> {
        if !self.kinds.contains(&kind) {
            return None;
        }
        let first = self.forest.counts(rank);
        let leaf = self.forest.children(rank).is_empty();
        let seen = Seen { number: self.forest.number(rank), kind, bytes, first, leaf };
        worker.walked.objects += u64::from(first);
        worker.walked.bytes += if first { bytes.len() as u64 } else { 0 };
        let state = match base {
            Some(base) => self.visitor.delta(&seen, &base.state, base.len, &worker.runs),
            None => self.visitor.whole(&seen),
        };
        Some((kind, state))
    }

    /// Tells an object that cannot be built, and all that rest on it.
    fn broken(&self, worker: &mut Worker, rank: Rank, absent: Absent) {
        let number = self.forest.number(rank);
        let base = Absent {
            why: SkipReason::Corrupt,
            detail: format!("its delta's base {} cannot be read", self.store.id(number)),
        };
        worker.walked.problems.push((number, absent));
        let mut rest = self.forest.children(rank).to_vec();
        while let Some(rank) = rest.pop() {
            worker.walked.problems.push((self.forest.number(rank), base.clone()));
            rest.extend_from_slice(self.forest.children(rank));
        }
    }
}

impl Worker {
    /// Keeps a buffer for another object, unless it is a big one or there are enough.
    fn keep(&mut self, buffer: Vec<u8>) {
        if buffer.capacity() <= SPARE && self.spare.len() < SPARES {
            self.spare.push(buffer);
        }
    }

    /// Inflates an entry: an object, whose kind is returned, or a delta, which is applied to `base`.
    fn unpack(&mut self, packed: &Packed<'_>, base: Option<&[u8]>, out: &mut Vec<u8>) -> Result<Option<Kind>, Absent> {
        if self.delta.capacity() > SPARE {
            self.delta = Vec::new();
        }
        let bytes = self.ahead.read(packed)?;
        if packed.crc.is_some_and(|crc| crc32fast::hash(bytes) != crc) {
            return Err(Absent::corrupt("its packed bytes are not those that the index has the checksum of"));
        }
        let entry =
            Entry::parse(bytes, packed.pack.idx.hash()).ok_or_else(|| Absent::corrupt("no entry begins there"))?;
        let size = usize::try_from(entry.size).ok().filter(|size| *size <= LARGEST);
        let size = size.ok_or_else(|| Absent::too_large(entry.size))?;
        let stream = bytes.get(entry.head..).unwrap_or_default();
        match (entry.base, base) {
            (Base::Whole(kind), _) => {
                self.runs.clear();
                self.inflater.whole(stream, size, out).map_err(Absent::corrupt)?;
                Ok(Some(kind))
            }
            (_, Some(base)) => {
                self.inflater.whole(stream, size, &mut self.delta).map_err(Absent::corrupt)?;
                delta::apply(base, &self.delta, out, &mut self.runs)?;
                Ok(None)
            }
            (_, None) => Err(Absent::corrupt("its delta has no base")),
        }
    }
}
