//! The threads that read a source, and how work gets to them.
//!
//! A [`Crew`] looks at blobs and takes notes; it is called from any thread. What a source has to read is a list of tasks:
//! [`run`] hands them to as many threads as the crew may have, one at a time. A task reads into buffers of the pool and
//! looks at once ([`Hand::look`]), or, when it makes bytes faster than one thread can look at them (a stream, a walk of git
//! objects), gives them away ([`Hand::give`]) to whoever is idle.
//!
//! The calling thread works too, and others are started only when there is enough for them: starting a thread costs as
//! much as looking at 200 KB. Bytes that wait are bounded: a task that would give away more looks at its bytes itself, so
//! nobody ever waits for room, and what is in flight is a few buffers for each thread.

use super::parts::LARGEST;
use super::{Blob, Bytes, Error, Item, Skipped};
use crate::text::lines::Position;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes that must wait before other threads are started for them.
const ENOUGH_BYTES: usize = 256 << 10;
/// Blobs that must wait before other threads are started for them; as many tasks are worth it, too.
pub(super) const ENOUGH: usize = 32;
/// Bytes of blobs that were walked and wait, at most.
const WAITING: usize = 64 << 20;
/// Buffers that are kept for each thread: what it reads into, and what waits for it.
const KEPT: usize = 4;

/// Who looks at what a source reads. Called from many threads.
pub trait Crew: Sync {
    /// How many threads may work at once, at least 1.
    fn threads(&self) -> usize;

    /// Bytes that may be in flight.
    fn memory(&self) -> usize;

    /// A number that no other blob of the scan has. Numbers of blobs that one thread hands over grow.
    fn number(&self) -> u64;

    /// Looks at a blob; whether something was found in it.
    fn look(&self, number: u64, blob: &Blob) -> bool;

    /// The blob of this number was looked at as if its first byte were the first of its file; it lies here.
    fn placed(&self, number: u64, first: Position);

    /// Something that was not read. They are told by `order`, then by path.
    fn skip(&self, order: u64, skipped: Skipped);

    /// How many commits there are in all.
    fn commits(&self, total: u64);

    /// One of them was handed over.
    fn commit(&self);

    /// Whether it is senseless to go on.
    fn stopped(&self) -> bool;
}

/// How tasks are done.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// There is enough for all threads from the start.
    pub worth: bool,
    /// Bytes that may wait at most; a quarter of the crew's memory, when that is less.
    pub waiting: usize,
}

impl How {
    /// Few blobs are enough to wait: who reads is as fast as who looks, or the buffers are big.
    pub fn few(crew: &dyn Crew, worth: bool) -> How {
        How { worth, waiting: 2 * crew.threads() * LARGEST }
    }
}

/// Does every task, on as many threads as there is work for. Tasks are begun in their order.
pub(super) fn run<T>(
    crew: &dyn Crew,
    how: How,
    tasks: impl Iterator<Item = T> + Send,
    work: impl Fn(&Hand<'_>, T) + Sync,
) {
    let pool = Pool::new(crew, how.waiting);
    let tasks = Mutex::new(tasks);
    thread::scope(|scope| {
        let start = || {
            for _ in 1..crew.threads() {
                let helper = || pool.work(&tasks, &work, &|| ());
                // Without another thread this one does all.
                if thread::Builder::new().spawn_scoped(scope, helper).is_err() {
                    break;
                }
            }
        };
        if how.worth {
            pool.bring_up(&start);
        }
        pool.work(&tasks, &work, &start);
    });
}

/// Reads a source that hands over one after another: the calling thread walks, whoever is idle looks.
pub(super) fn hand_over(
    crew: &dyn Crew,
    walk: impl FnOnce(&mut dyn FnMut(Item) -> bool) -> Result<(), Error> + Send,
) -> Result<(), Error> {
    let (how, result) = (How { worth: false, waiting: WAITING }, Mutex::new(Ok(())));
    run(crew, how, std::iter::once(walk), |hand, walk| {
        let mut order = 0;
        let walked = walk(&mut |item| {
            match item {
                Item::Blob(blob) => hand.give(blob),
                Item::Skipped(one) => {
                    crew.skip(order, one);
                    order += 1;
                }
                Item::Commit => crew.commit(),
                Item::Commits(total) => crew.commits(total),
            }
            !crew.stopped()
        });
        *lock(&result) = walked;
    });
    result.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What a task works with.
pub(super) struct Hand<'h> {
    pool: &'h Pool<'h>,
    start: &'h dyn Fn(),
}

impl<'h> Hand<'h> {
    /// The crew.
    pub fn crew(&self) -> &'h dyn Crew {
        self.pool.crew
    }

    /// A buffer, to be given back with [`Hand::look`], [`Hand::give`] or [`Hand::back`].
    pub fn buffer(&self) -> Bytes {
        lock(&self.pool.state).spare.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub fn back(&self, buffer: Bytes) {
        self.pool.keep(buffer);
    }

    /// Looks at a blob here and now; its number when something was found.
    pub fn look(&self, blob: Blob) -> Option<u64> {
        let number = self.crew().number();
        let found = self.crew().look(number, &blob);
        self.back(blob.bytes);
        found.then_some(number)
    }

    /// Gives a blob to whoever is idle, and looks at it here when too much waits already.
    pub fn give(&self, blob: Blob) {
        let number = self.crew().number();
        if let Some(blob) = self.pool.put(number, blob, self.start) {
            self.crew().look(number, &blob);
            self.back(blob.bytes);
        }
    }

    /// Gives a blob away; whether more is wanted.
    pub fn pass(&self, blob: Blob) -> bool {
        self.give(blob);
        !self.crew().stopped()
    }
}

struct Pool<'c> {
    crew: &'c dyn Crew,
    state: Mutex<State>,
    /// Something waits, or nobody is busy any more.
    changed: Condvar,
    brought_up: AtomicBool,
    /// Bytes that may wait.
    most: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Blob)>,
    /// Bytes of them.
    bytes: usize,
    spare: Vec<Bytes>,
    /// Threads that do something, and may give more.
    busy: usize,
    /// Threads that wait.
    idle: usize,
    /// There are no more tasks.
    ended: bool,
}

/// What a thread does next.
enum Next<T> {
    Look(u64, Blob),
    Task(T),
}

impl<'c> Pool<'c> {
    fn new(crew: &'c dyn Crew, waiting: usize) -> Pool<'c> {
        let most = waiting.min(crew.memory() / 4);
        Pool { crew, state: Mutex::default(), changed: Condvar::new(), brought_up: AtomicBool::new(false), most }
    }

    /// Starts the other threads, once.
    fn bring_up(&self, start: &dyn Fn()) {
        if !self.brought_up.swap(true, Ordering::Relaxed) {
            start();
        }
    }

    /// Works until nothing is left and nobody can give more.
    fn work<T>(
        &self,
        tasks: &Mutex<impl Iterator<Item = T> + Send>,
        work: &(impl Fn(&Hand<'_>, T) + Sync),
        start: &dyn Fn(),
    ) {
        while let Some(next) = self.next(tasks) {
            // Also when a task panics, the others do not wait for it.
            let _busy = Busy(self);
            match next {
                Next::Look(number, blob) => {
                    self.crew.look(number, &blob);
                    self.keep(blob.bytes);
                }
                Next::Task(task) => work(&Hand { pool: self, start }, task),
            }
        }
    }

    /// Keeps a buffer for the next who needs one; big ones, and more than a few, are let go.
    fn keep(&self, buffer: Bytes) {
        let mut state = lock(&self.state);
        if buffer.len() <= LARGEST && state.spare.len() < KEPT * self.crew.threads() {
            state.spare.push(buffer);
        }
    }

    fn next<T>(&self, tasks: &Mutex<impl Iterator<Item = T> + Send>) -> Option<Next<T>> {
        let mut state = lock(&self.state);
        loop {
            if let Some((number, blob)) = state.waiting.pop_front() {
                state.bytes -= blob.bytes.len();
                state.busy += 1;
                return Some(Next::Look(number, blob));
            }
            if !state.ended && !self.crew.stopped() {
                match lock(tasks).next() {
                    Some(task) => {
                        state.busy += 1;
                        return Some(Next::Task(task));
                    }
                    None => state.ended = true,
                }
            }
            if state.busy == 0 {
                self.changed.notify_all();
                return None;
            }
            state.idle += 1;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Lets a blob wait; gives it back when too much waits already, or nobody else is there.
    fn put(&self, number: u64, blob: Blob, start: &dyn Fn()) -> Option<Blob> {
        if self.crew.threads() == 1 {
            return Some(blob);
        }
        let mut state = lock(&self.state);
        let bytes = state.bytes + blob.bytes.len();
        if bytes > self.most && !(state.waiting.is_empty() && state.idle > 0) {
            return Some(blob);
        }
        state.bytes = bytes;
        state.waiting.push_back((number, blob));
        let enough = bytes >= ENOUGH_BYTES || state.waiting.len() >= ENOUGH;
        let idle = state.idle > 0;
        drop(state);
        if enough {
            self.bring_up(start);
        }
        if idle {
            self.changed.notify_one();
        }
        None
    }
}

/// A thread is busy as long as this lives.
struct Busy<'p, 'c>(&'p Pool<'c>);

impl Drop for Busy<'_, '_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.busy -= 1;
        if state.busy == 0 {
            self.0.changed.notify_all();
        }
    }
}

/// A panic elsewhere does not make what is counted here wrong.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
