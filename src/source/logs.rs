//! Log files, plain or gzip, and standard input as a log: streamed in constant memory however big they are.

use super::{Error, Item, Provenance, SkipReason, Skipped, Source, parts};
use crate::text::terminal::printable;
use flate2::bufread::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a gzip stream starts with (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Log files, in the order given; `-` is standard input.
pub struct Logs {
    paths: Vec<PathBuf>,
}

impl Logs {
    /// Fails when one of them is not there or is a folder.
    pub fn new(paths: Vec<PathBuf>) -> Result<Logs, Error> {
        for path in paths.iter().filter(|path| !is_stdin(path)) {
            let found = fs::metadata(path).map_err(|error| no_source(path, &error.to_string()))?;
            if found.is_dir() {
                return Err(no_source(path, "it is a folder: name its files, or use `stanch scan`"));
            }
        }
        Ok(Logs { paths })
    }
}

impl Source for Logs {
    fn describe(&self) -> String {
        match self.paths.as_slice() {
            [path] => format!("log {}", shown(path)),
            paths => format!("{} logs", paths.len()),
        }
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        for path in &self.paths {
            let more = match is_stdin(path) {
                true => read(&mut io::stdin().lock(), path, sink),
                false => match File::open(path) {
                    Ok(file) => read(&mut BufReader::with_capacity(1 << 16, file), path, sink),
                    Err(error) => sink(Item::Skipped(Skipped::asked(shown(path), SkipReason::Unreadable, error))),
                },
            };
            if !more {
                break;
            }
        }
        Ok(())
    }
}

/// Reads one log, unpacking it when it is gzip whatever its name says.
fn read(reader: &mut dyn BufRead, path: &Path, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    let provenance = Arc::new(Provenance::Log { path: path.as_os_str().as_encoded_bytes().to_vec() });
    let (result, why) = match magic(reader) {
        Ok(start) if start == GZIP => {
            let mut unpacked = MultiGzDecoder::new(start.as_slice().chain(reader));
            (parts::cut(&mut unpacked, &provenance, sink), SkipReason::Damaged)
        }
        Ok(start) => (parts::cut(&mut start.as_slice().chain(reader), &provenance, sink), SkipReason::Unreadable),
        Err(error) => (Err(error), SkipReason::Unreadable),
    };
    result.unwrap_or_else(|error| sink(Item::Skipped(Skipped::asked(shown(path), why, error))))
}

/// The first bytes of a stream, as many as gzip's mark has; fewer when there are no more.
fn magic(reader: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    reader.take(GZIP.len() as u64).read_to_end(&mut start)?;
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
