//! How far logs were followed, so that another process goes on from there: neither a line is missed nor one told twice.
//!
//! A small file of JSON for its owner alone. Of a log it holds the number, how many bytes were read, keyed prints of how it
//! begins and of what stands before that place, and which secrets were told last, by their keyed names: nothing of its text.

use super::window::Told;
use crate::secret::Fingerprint;
use crate::source::logs::tail::Place;
use serde::{Deserialize, Serialize};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The version of the file that this program writes and reads.
const VERSION: u64 = 1;

/// How far logs were followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    version: u64,
    logs: Vec<Log>,
}

/// How far one was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Log {
    pub place: Place,
    /// What was told of what will be looked at again: where, and what.
    told: Vec<(u64, Fingerprint)>,
}

impl Log {
    pub fn new(place: Place, told: &Told) -> Log {
        let told = told.iter().flat_map(|(at, what)| what.iter().map(|what| (*at, *what))).collect();
        Log { place, told }
    }

    pub fn told(&self) -> Told {
        let mut told = Told::new();
        self.told.iter().for_each(|(at, what)| {
            told.entry(*at).or_default().insert(*what);
        });
        told
    }
}

impl State {
    pub(super) fn new(logs: Vec<Log>) -> State {
        State { version: VERSION, logs }
    }

    pub(super) fn logs(&self) -> &[Log] {
        &self.logs
    }

    /// Reads the file at `path`; `None` when there is none yet.
    pub fn load(path: &Path) -> Result<Option<State>, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
        };
        let read: State =
            serde_json::from_str(&text).map_err(|source| Error::Broken { path: path.to_owned(), source })?;
        match read.version {
            VERSION => Ok(Some(read)),
            version => Err(Error::Version { path: path.to_owned(), version }),
        }
    }

    /// Writes the file at `path`, whole or not at all, readable by its owner alone.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let write = || -> io::Result<()> {
            // What `tempfile` makes is its owner's alone.
            let mut file = tempfile::Builder::new().tempfile_in(folder)?;
            serde_json::to_writer(&mut file, self)?;
            file.write_all(b"\n")?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|source| Error::Write { path: path.to_owned(), source })
    }
}

/// Why a state could not be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("read the state {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("read the state {path}: it is damaged; delete it to read everything again")]
    Broken { path: PathBuf, source: serde_json::Error },
    #[error("read the state {path}: version {version} is newer than this program")]
    Version { path: PathBuf, version: u64 },
    #[error("write the state {path}")]
    Write { path: PathBuf, source: io::Error },
}
