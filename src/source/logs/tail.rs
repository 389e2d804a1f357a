//! Logs that are followed while they are written, as `tail -F` does, and further.
//!
//! [`Tail::poll`] looks once: which files the names stand for now, and what of them is new. It polls rather than being
//! notified: a poll sees the same on every file system (a network's and a container's tell nobody), needs no limit raised,
//! loses nothing when a queue is full, and costs a `stat` for each log.
//!
//! A log is its file, not its name ([`Id`]), and what follows must follow what was read (the bytes before it still stand):
//!
//! - **renamed**: read on under its old file until it grows no more; the name's new file is read from its start;
//! - **emptied** (`copytruncate`, or `>`): what was written between the last look and the emptying is in the copy, which is
//!   found by its bytes beside the log, and read from there; then the log is read from its start;
//! - **a copy** that a pattern leads to is no log of its own as long as it holds nothing else; one that is packed neither;
//! - **removed**: read to its end; a file of the name that comes later is another.
//!
//! Memory: a kilobyte for each log.

use super::followed::{CHUNK, Followed, Step, open, shape};
use super::identity::{HEAD, Id, Mark, bytes_at};
use super::names::Name;
use super::{no_source, older, shown, written};
use crate::secret::FingerprintKey;
use crate::source::{Error, SkipReason, Skipped, unpack};
use crate::text::lines::Position;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How long a log that no name leads to must not have grown before it is let go: whoever writes it is told of the rotation
/// by then.
const LET_GO: Duration = Duration::from_secs(60);
/// How long a file must not have changed before it is closed, or unpacked.
const REST: Duration = Duration::from_secs(5);
/// How long a file may hold more than the log that it is a copy of.
const AHEAD: Duration = Duration::from_secs(2);
/// Logs without a name that are read on at most, and logs of the past whose beginnings are remembered.
const LOOSE: usize = 64;
const REMEMBERED: usize = 256;

/// What comes of a poll.
#[derive(Debug)]
pub enum Event<'e> {
    /// A log is read from here on, under this number.
    Begin {
        /// Its number: every log has its own.
        log: u64,
        /// Its name.
        path: &'e Path,
        /// The first byte that will come.
        from: u64,
        /// Where that lies as a person counts.
        first: Position,
    },
    /// What follows in it.
    Bytes(u64, &'e [u8]),
    /// Nothing more will come of it.
    End(u64),
    /// Something that was asked for and cannot be read, or need not be.
    Skipped(Skipped),
}

/// How far a log is read, to go on from there in another process. Holds no text of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name, as it is shown.
    pub path: String,
    id: Id,
    /// What must be looked at again from here on.
    pub from: u64,
    /// Where that lies as a person counts.
    pub first: Position,
    /// Bytes that were read.
    read: u64,
    /// It was read as a whole, and is not looked at again unless it changes.
    done: bool,
    /// How it begins, and what stands before the place that was read to.
    marks: [Mark; 2],
}

/// Logs that are followed.
pub struct Tail {
    names: Vec<Name>,
    key: Arc<FingerprintKey>,
    since: Option<Timestamp>,
    logs: Vec<Followed>,
    /// Logs that are no more, the last one last.
    past: VecDeque<Followed>,
    /// Files that are copies: of which log, and what they looked like then.
    copies: Vec<Copy>,
    /// Packed files that may still be written to.
    pending: Vec<(Id, Instant, u64)>,
    next: u64,
    told: BTreeSet<(String, String)>,
    /// Names that a file was met by.
    met: BTreeSet<PathBuf>,
}

/// A file that begins as a log does and holds nothing else.
struct Copy {
    path: PathBuf,
    id: Id,
    of: u64,
    seen: Option<(u64, SystemTime)>,
    /// It holds more than was read of the log, since then: it was made just now, or it is a log of its own that begins
    /// alike.
    more: bool,
    since: Instant,
}

/// Who is given what comes.
type Sink<'s> = dyn FnMut(Event<'_>) + 's;

impl Tail {
    /// Follows what these names stand for; files that were last written before `since` are not read.
    pub fn new(names: Vec<PathBuf>, since: Option<Timestamp>, key: Arc<FingerprintKey>) -> Result<Tail, Error> {
        if let Some(stdin) = names.iter().find(|name| name.as_os_str() == "-") {
            return Err(no_source(stdin, "it has no place to go on from: name files"));
        }
        let names = names.into_iter().map(Name::new).collect();
        Ok(Tail {
            names,
            key,
            since,
            logs: Vec::new(),
            past: VecDeque::new(),
            copies: Vec::new(),
            pending: Vec::new(),
            next: 0,
            told: BTreeSet::new(),
            met: BTreeSet::new(),
        })
    }

    /// Looks once; whether something was read.
    pub fn poll(&mut self, now: Instant, sink: &mut Sink<'_>) -> bool {
        self.discover(now, sink);
        let mut any = false;
        for at in 0..self.logs.len() {
            let Some(place) = self.logs.get_mut(at) else { break };
            let stand_in = place.stand_in();
            let log = mem::replace(place, stand_in);
            let (log, read) = self.advance(log, now, sink);
            any |= read;
            if let Some(place) = self.logs.get_mut(at) {
                *place = log;
            }
        }
        self.let_go(now, sink);
        any
    }

    /// How far each log is read; `again` says of its number from where it must be looked at again, and where that lies as
    /// a person counts.
    pub fn places(&self, again: &dyn Fn(u64) -> Option<(u64, Position)>) -> Vec<(u64, Place)> {
        let place = |log: &Followed| {
            let (path, id, read, done) = (shown(&log.path), log.id, log.read, log.done);
            let (from, first) = again(log.number).unwrap_or((read, Position::FIRST));
            (log.number, Place { path, id, from, first, read, done, marks: log.marks(&self.key) })
        };
        self.logs.iter().filter(|log| log.done || again(log.number).is_some()).map(place).collect()
    }

    /// Whether the log of this number has not grown for a while, and a name leads to it.
    pub fn rests(&self, number: u64, now: Instant) -> bool {
        let Some(log) = self.logs.iter().find(|log| log.number == number) else { return false };
        log.named && log.parked.is_none() && now.duration_since(log.grown) >= REST
    }

    /// Lets the log of this number rest: when it grows, its bytes come again from `from` on.
    pub fn park(&mut self, number: u64, from: u64) {
        if let Some(log) = self.logs.iter_mut().find(|log| log.number == number) {
            (log.parked, log.file) = (Some(from), None);
        }
    }

    /// Files that were named and never were there.
    pub fn missing(&self) -> impl Iterator<Item = Skipped> {
        let missing = self.names.iter().filter(|name| !self.met.contains(name.path()) && !name.is_pattern());
        missing.map(|name| Skipped::asked(shown(name.path()), SkipReason::Absent, "it was never there"))
    }

    /// Tells once.
    fn skip(&mut self, path: &Path, why: SkipReason, detail: &str, sink: &mut Sink<'_>) {
        if self.told.insert((shown(path), detail.to_owned())) {
            sink(Event::Skipped(Skipped::asked(shown(path), why, detail)));
        }
    }

    /// Which files the names stand for now.
    fn discover(&mut self, now: Instant, sink: &mut Sink<'_>) {
        let known = self.next;
        self.logs.iter_mut().for_each(|log| log.named = false);
        let mut files = BTreeSet::new();
        for found in self.names.iter().map(Name::expand).collect::<Vec<_>>() {
            for (path, error) in found.unread {
                self.skip(&path, SkipReason::Unreadable, &error.to_string(), sink);
            }
            files.extend(found.files);
        }
        for path in files {
            let Ok(found) = fs::metadata(&path) else { continue };
            if !found.is_file() {
                self.skip(&path, SkipReason::Special, "only files are followed", sink);
                continue;
            }
            if self.names.iter().any(|name| name.path() == path) {
                self.met.insert(path.clone());
            }
            let id = Id::of(&found);
            self.logs.retain(|log| !(log.id == id && log.done && log.read != found.len()));
            match self.logs.iter_mut().find(|log| log.id == id) {
                Some(log) => {
                    log.named = true;
                    if log.path != path {
                        log.path = path;
                    }
                }
                None if self.copies.iter().any(|copy| copy.id == id && copy.seen == shape(&found) && !copy.more) => {}
                None => {
                    if let Err(error) = self.meet(&path, known, now, sink) {
                        self.skip(&path, SkipReason::Unreadable, &error.to_string(), sink);
                    }
                }
            }
        }
    }

    /// A file that was not known. `known` is the number of the first log that this poll began.
    fn meet(&mut self, path: &Path, known: u64, now: Instant, sink: &mut Sink<'_>) -> io::Result<()> {
        let (file, found) = open(path)?;
        let (id, len) = (Id::of(&found), found.len());
        if let Some((_, written)) = self.since.zip(written(&found)).filter(|(since, written)| written < since) {
            if self.told.insert((shown(path), "older".into())) {
                sink(Event::Skipped(older(path, written)));
            }
            return Ok(());
        }
        let head = bytes_at(&file, 0, HEAD)?;
        if head.is_empty() {
            // Nobody can say yet whether it is a log of its own or a copy that is being made.
            return Ok(());
        }
        let before = self.copies.iter().position(|copy| copy.id == id).map(|at| self.copies.swap_remove(at));
        if let Some(kind) = unpack::kind_of(&head) {
            return self.meet_packed(path, kind, (file, id, len), known, now, sink);
        }
        let mut logs = self.logs.iter().chain(self.past.iter().rev()).filter(|log| log.number < known);
        if let Some(of) = logs.find(|log| log.is_begun_by(&file, len, &head)) {
            let (of, more) = (of.number, len > of.read);
            let since =
                before.filter(|before| before.of == of && before.more && more).map_or(now, |before| before.since);
            if !more && self.past.iter().any(|log| log.number == of) {
                self.is_done(path.to_owned(), &file, id, len, now);
                return Ok(());
            }
            if !more || now.duration_since(since) < AHEAD {
                self.copies.push(Copy { path: path.to_owned(), id, of, seen: shape(&found), more, since });
                return Ok(());
            }
        }
        let log = Followed::new(self.number(), path.to_owned(), id, Some(file), now);
        sink(Event::Begin { log: log.number, path, from: 0, first: Position::FIRST });
        self.logs.push(log);
        Ok(())
    }

    /// A packed file comes as a whole, once it is written; one that begins as a log does is that log, packed.
    fn meet_packed(
        &mut self,
        path: &Path,
        kind: unpack::Kind,
        (file, id, len): (File, Id, u64),
        known: u64,
        now: Instant,
        sink: &mut Sink<'_>,
    ) -> io::Result<()> {
        if known > 0 {
            let waits = match self.pending.iter_mut().find(|(other, _, _)| *other == id) {
                Some((_, since, before)) if *before == len => now.duration_since(*since) < REST,
                Some(pending) => {
                    *pending = (id, now, len);
                    true
                }
                None => {
                    self.pending.push((id, now, len));
                    true
                }
            };
            if waits {
                return Ok(());
            }
            self.pending.retain(|(other, _, _)| *other != id);
        }
        let mut log = Followed::new(self.number(), path.to_owned(), id, None, now);
        log.done = true;
        let (number, result) = (log.number, log.stand(&file, len));
        let mut unpacked = unpack::reader(kind, BufReader::with_capacity(64 << 10, file));
        let mut head = Vec::new();
        let read = unpacked.by_ref().take(HEAD as u64).read_to_end(&mut head);
        let begun = |log: &&Followed| log.number < known && log.head.len() == head.len().min(HEAD) && log.head == head;
        if read.is_ok() && !head.is_empty() && self.logs.iter().chain(&self.past).any(|log| begun(&log)) {
            let packed = "packed, of a log that was followed";
            sink(Event::Skipped(Skipped::passed(shown(path), SkipReason::Ignored, packed)));
        } else {
            sink(Event::Begin { log: number, path, from: 0, first: Position::FIRST });
            sink(Event::Bytes(number, &head));
            let read = read.and_then(|_| all_of(&mut unpacked, &mut |bytes| sink(Event::Bytes(number, bytes))));
            sink(Event::End(number));
            if let Err(error) = read {
                self.skip(path, SkipReason::Damaged, &error.to_string(), sink);
            }
        }
        self.logs.push(log);
        result
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Reads what is new of a log; what is followed in its place from now on, and whether there was something.
    fn advance(&mut self, mut log: Followed, now: Instant, sink: &mut Sink<'_>) -> (Followed, bool) {
        let number = log.number;
        let step = match log.done {
            true => Ok(Step::Same),
            false => log.advance(now, &mut |bytes| sink(Event::Bytes(number, bytes))),
        };
        match step {
            Ok(Step::Same) => (log, false),
            Ok(Step::Grown) => (log, true),
            Ok(Step::Other(last)) => (self.emptied(log, &last, now, sink), true),
            Err(error) => {
                self.skip(&log.path, SkipReason::Unreadable, &error.to_string(), sink);
                (log, false)
            }
        }
    }

    /// A log's file was emptied: what was not read of it is in a copy, if anywhere. `last` was read while it happened.
    fn emptied(&mut self, mut log: Followed, last: &[u8], now: Instant, sink: &mut Sink<'_>) -> Followed {
        let number = log.number;
        if !self.finish_in_copy(&mut log, now, sink) {
            sink(Event::Bytes(number, last));
        }
        sink(Event::End(number));
        let fresh = log.anew(self.number(), now);
        sink(Event::Begin { log: fresh.number, path: &fresh.path, from: 0, first: Position::FIRST });
        self.remember(log, now);
        fresh
    }

    /// Reads the rest of a log in a copy of it; whether there is one.
    fn finish_in_copy(&mut self, log: &mut Followed, now: Instant, sink: &mut Sink<'_>) -> bool {
        let copies = self.copies.iter().filter(|copy| copy.of == log.number).map(|copy| copy.path.clone());
        let paths: Vec<PathBuf> = copies.chain(beside(&log.path)).collect();
        for path in paths {
            let Ok((file, found)) = open(&path) else { continue };
            let id = Id::of(&found);
            if id == log.id || self.logs.iter().any(|other| other.id == id) || !log.goes_on_in(&file, found.len()) {
                continue;
            }
            let mut rest = log.read;
            while let Ok(bytes) = bytes_at(&file, rest, CHUNK)
                && !bytes.is_empty()
            {
                sink(Event::Bytes(log.number, &bytes));
                log.take(&bytes);
                rest += bytes.len() as u64;
            }
            // From now on the copy is that log.
            self.copies.retain(|copy| copy.id != id);
            self.is_done(path, &file, id, rest, now);
            return true;
        }
        false
    }

    /// Remembers that all of this file was read, also for who goes on from here.
    fn is_done(&mut self, path: PathBuf, file: &File, id: Id, read: u64, now: Instant) {
        let mut log = Followed::new(self.number(), path, id, None, now);
        log.done = true;
        if log.stand(file, read).is_ok() {
            self.logs.push(log);
        }
    }

    fn remember(&mut self, log: Followed, now: Instant) {
        let (own, others): (Vec<Copy>, Vec<Copy>) =
            mem::take(&mut self.copies).into_iter().partition(|copy| copy.of == log.number && !copy.more);
        self.copies = others;
        for copy in own {
            let Ok((file, found)) = open(&copy.path) else { continue };
            if Id::of(&found) == copy.id && shape(&found) == copy.seen {
                self.is_done(copy.path, &file, copy.id, found.len(), now);
            }
        }
        self.past.push_back(Followed { file: None, ..log });
        if self.past.len() > REMEMBERED {
            self.past.pop_front();
        }
        let known = |of: u64| self.past.iter().chain(&self.logs).any(|log| log.number == of);
        let kept: Vec<bool> = self.copies.iter().map(|copy| known(copy.of)).collect();
        let mut kept = kept.into_iter();
        self.copies.retain(|_| kept.next().unwrap_or(true));
    }

    /// Lets go of logs that no name leads to and that grow no more.
    fn let_go(&mut self, now: Instant, sink: &mut Sink<'_>) {
        let loose = self.logs.iter().filter(|log| !log.named).count();
        let mut over = loose.saturating_sub(LOOSE);
        let mut at = 0;
        while let Some(log) = self.logs.get(at) {
            if log.named || (over == 0 && log.file.is_some() && now.duration_since(log.grown) < LET_GO) {
                at += 1;
                continue;
            }
            over = over.saturating_sub(1);
            let mut log = self.logs.remove(at);
            // A copy may have been made of it before it was removed.
            if !log.done && fs::metadata(&log.path).is_err() {
                self.finish_in_copy(&mut log, now, sink);
            }
            sink(Event::End(log.number));
            self.remember(log, now);
        }
    }

    /// Goes on where another process stopped: finds the file, whatever its name is by now.
    pub fn resume(&mut self, place: &Place, now: Instant, sink: &mut Sink<'_>) {
        let asked = self.names.iter().any(|name| name.may_be(Path::new(&place.path)));
        if asked && !self.resume_one(place, now, sink) {
            let why = format!("its file is gone: what was written behind its first {} bytes was not read", place.read);
            self.skip(Path::new(&place.path), SkipReason::Absent, &why, sink);
        }
    }

    fn resume_one(&mut self, place: &Place, now: Instant, sink: &mut Sink<'_>) -> bool {
        let [head, tail] = &place.marks;
        let named = PathBuf::from(&place.path);
        let expanded = self.names.iter().flat_map(|name| name.expand().files);
        let mut paths: Vec<PathBuf> = [named.clone()].into_iter().chain(beside(&named)).chain(expanded).collect();
        // The same file first, a copy of it when that is another by now.
        let is_same = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| Id::of(&found) == place.id);
        paths.sort_by_cached_key(|path| !is_same(path));
        for path in paths {
            let Ok((file, found)) = open(&path) else { continue };
            let holds = found.len() >= place.read
                && head.holds(&file, 0, &self.key)
                && place.read.checked_sub(tail.bytes).is_some_and(|start| tail.holds(&file, start, &self.key));
            if !holds || self.logs.iter().any(|log| log.id == Id::of(&found)) {
                continue;
            }
            // By the name that was asked for, so that it is known again by it.
            let mut log = Followed::new(self.number(), named, Id::of(&found), None, now);
            log.done = place.done;
            // How it begins and where it is to be read on.
            let stands = log.stand(&file, place.read);
            if stands.and_then(|()| if place.done { Ok(()) } else { log.stand(&file, place.from) }).is_err() {
                return false;
            }
            if !place.done {
                log.file = Some(file);
                sink(Event::Begin { log: log.number, path: &path, from: place.from, first: place.first });
            }
            self.logs.push(log);
            return true;
        }
        false
    }
}

/// Files in the same folder whose names begin as this one's does up to its first dot: `app.log` has `app.log.1` and
/// `app-20261120.log`.
fn beside(path: &Path) -> Vec<PathBuf> {
    // Where a link leads to is where the log is rotated.
    let path = &fs::canonicalize(path).ok().filter(|_| path.is_symlink()).unwrap_or_else(|| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let stem = name.split(|b| *b == b'.').find(|part| !part.is_empty()).unwrap_or(name);
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    let like = |found: &Path| {
        let found = found.file_name().unwrap_or_default().as_encoded_bytes();
        found != name && found.starts_with(stem)
    };
    let mut paths: Vec<PathBuf> = paths.filter(|found| like(found) && found.is_file()).collect();
    paths.sort();
    paths
}

/// Hands over all that a stream has.
fn all_of(stream: &mut dyn Read, give: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    let mut room = vec![0; CHUNK];
    loop {
        match stream.read(&mut room) {
            Ok(0) => return Ok(()),
            Ok(read) => give(room.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
