//! Log files, plain or packed, and standard input as a log, in constant memory however big they are.
//!
//! A plain file is read in parts by all threads; of a packed one, or a pipe, one thread makes the parts and the others look
//! at them. Several packed ones are unpacked at the same time.

mod followed;
mod identity;
mod names;
pub mod records;
pub mod tail;

use super::crew::{self, Crew, ENOUGH, How};
use super::ranges::{self, Big, Part};
use super::{Blob, Bytes, Error, Item, Provenance, SkipReason, Skipped, Source, parts, unpack};
use crate::text::terminal::printable;
use jiff::Timestamp;
use names::{Found, Name};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes that are read of a packed file at once.
const READ: usize = 64 << 10;

/// Log files, in the order given; `-` is standard input.
pub struct Logs {
    /// As they were named.
    named: Vec<PathBuf>,
    paths: Vec<PathBuf>,
    /// What was not read because of how it was named, or when it was written.
    skipped: Vec<Skipped>,
}

impl Logs {
    /// Files, folders and patterns. Fails when one of them is not there or stands for nothing. Files that were last written
    /// before `since` are not read.
    pub fn new(named: Vec<PathBuf>, since: Option<Timestamp>) -> Result<Logs, Error> {
        let (mut paths, mut skipped) = (Vec::new(), Vec::new());
        for name in &named {
            if is_stdin(name) {
                paths.push(name.clone());
                continue;
            }
            let Found { files, unread } = Name::new(name.clone()).expand();
            if files.is_empty() && unread.is_empty() {
                return Err(no_source(name, "it stands for no file"));
            }
            let unread = unread.into_iter().map(|(path, error)| (shown(&path), error));
            skipped.extend(unread.map(|(path, error)| Skipped::asked(path, SkipReason::Unreadable, error)));
            for path in files {
                let found = fs::metadata(&path).map_err(|error| no_source(&path, &error.to_string()))?;
                match since.and_then(|since| Some((since, written(&found)?))) {
                    Some((since, written)) if written < since => skipped.push(older(&path, written)),
                    _ => paths.push(path),
                }
            }
        }
        Ok(Logs { named, paths, skipped })
    }
}

/// When a regular file was last written.
fn written(found: &fs::Metadata) -> Option<Timestamp> {
    Timestamp::try_from(found.modified().ok().filter(|_| found.is_file())?).ok()
}

fn older(path: &Path, written: Timestamp) -> Skipped {
    Skipped::passed(shown(path), SkipReason::Older, format!("on {}", written.strftime("%Y-%m-%d %H:%M:%S UTC")))
}

impl Source for Logs {
    fn describe(&self) -> String {
        match self.named.as_slice() {
            [path] => format!("log {}", shown(path)),
            paths => format!("{} logs", paths.len()),
        }
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        if !self.skipped.iter().all(|one| sink(Item::Skipped(one.clone()))) {
            return Ok(());
        }
        for path in &self.paths {
            let read = stream(path, &Bytes::default, &mut |blob| sink(Item::Blob(blob)));
            if !read.unwrap_or_else(|(why, error)| sink(Item::Skipped(Skipped::asked(shown(path), why, error)))) {
                break;
            }
        }
        Ok(())
    }

    fn read(&mut self, crew: &dyn Crew) -> Result<(), Error> {
        self.skipped.iter().for_each(|one| crew.skip(0, one.clone()));
        let tasks = (0..).zip(&self.paths).flat_map(|(order, path)| tasks(crew, order, path));
        // One packed log is unpacked by one thread, which brings up others for what it gives them.
        let worth = self.paths.len() > ENOUGH || self.paths.iter().any(|path| is_big(path));
        crew::run(crew, How::few(crew, worth), tasks, |hand, task| match task {
            Task::Part(part) => part.read(hand),
            Task::Stream { order, path } => {
                let read = stream(path, &|| hand.buffer(), &mut |blob| hand.pass(blob));
                if let Err((why, error)) = read {
                    crew.skip(order, Skipped::asked(shown(path), why, error));
                }
            }
        });
        Ok(())
    }
}

/// What one thread does at a time.
enum Task<'l> {
    Part(Part),
    Stream { order: u64, path: &'l Path },
}

/// A plain file is read in parts; what is packed, or has no length, as a stream, and opened by who reads it: opening a pipe
/// waits for its writer.
fn tasks<'l>(crew: &dyn Crew, order: u64, path: &'l Path) -> Box<dyn Iterator<Item = Task<'l>> + Send + 'l> {
    let stream = Box::new(iter::once(Task::Stream { order, path }));
    if is_stdin(path) || !fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > 0) {
        return stream;
    }
    match File::open(path).and_then(|file| Ok((file.metadata()?.len(), file))) {
        Ok((_, file)) if is_packed(&file) => stream,
        Ok((len, file)) => Box::new(Big::parts(file, len, provenance(path), (shown(path), order)).map(Task::Part)),
        Err(error) => {
            crew.skip(order, Skipped::asked(shown(path), SkipReason::Unreadable, error));
            Box::new(iter::empty())
        }
    }
}

/// Whether a regular file starts as a packed one; what cannot be read says so when it is read.
fn is_packed(file: &File) -> bool {
    let mut start = [0; unpack::HEAD];
    let read = ranges::read_at(file, &mut start, 0);
    read.is_ok_and(|read| start.get(..read).is_some_and(|start| unpack::kind_of(start).is_some()))
}

/// Whether it is a plain file of more than one part. A packed one is read by one thread, whatever its size. What is no
/// regular file is not opened: whoever writes to it would take that for its reader.
fn is_big(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() > parts::PART as u64)
        && File::open(path).is_ok_and(|file| !is_packed(&file))
}

fn provenance(path: &Path) -> Provenance {
    Provenance::Log { path: path.as_os_str().as_encoded_bytes().to_vec() }
}

/// Reads one log as a stream, unpacking it when it is packed whatever its name says.
fn stream(
    path: &Path,
    spare: &dyn Fn() -> Bytes,
    sink: &mut dyn FnMut(Blob) -> bool,
) -> Result<bool, (SkipReason, io::Error)> {
    let provenance = Arc::new(provenance(path));
    let unreadable = |error| (SkipReason::Unreadable, error);
    let mut reader: Box<dyn BufRead> = match is_stdin(path) {
        true => Box::new(io::stdin().lock()),
        false => Box::new(BufReader::with_capacity(READ, File::open(path).map_err(unreadable)?)),
    };
    let start = head(&mut *reader).map_err(unreadable)?;
    let kind = unpack::kind_of(&start);
    let mut whole = start.as_slice().chain(reader);
    match kind {
        Some(kind) => {
            let mut unpacked = unpack::reader(kind, whole);
            let damaged = |error: io::Error| match error.kind() {
                io::ErrorKind::OutOfMemory => (SkipReason::TooLarge, error),
                _ => (SkipReason::Damaged, error),
            };
            parts::cut(&mut unpacked, &provenance, spare, sink).map_err(damaged)
        }
        None => parts::cut(&mut whole, &provenance, spare, sink).map_err(unreadable),
    }
}

/// The first bytes of a stream, as many as tell whether it is packed; fewer when there are no more.
fn head(reader: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    reader.take(unpack::HEAD as u64).read_to_end(&mut start)?;
    Ok(start)
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn shown(path: &Path) -> String {
    if is_stdin(path) { "standard input".into() } else { printable(path.as_os_str().as_encoded_bytes()) }
}

fn no_source(path: &Path, why: &str) -> Error {
    Error::NoSource { what: shown(path), why: why.to_owned() }
}
