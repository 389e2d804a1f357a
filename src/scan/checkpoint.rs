//! What a scan of a history left behind, so that the next one reads only what came since.
//!
//! A small file of JSON that names the tips whose commits were looked at, the packs whose objects were, and by which
//! rules. With other rules, or another version of the program, all of it is looked at again. What could not be read is
//! remembered as a number: a later scan is no more complete than the ones it builds on.

use crate::file::{self, Readers};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The version of the file that this program writes and reads.
const VERSION: u64 = 1;

/// How far a history was scanned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    version: u64,
    /// What the rules were, and who applied them: [`crate::catalog::digest`].
    pub rules: String,
    /// Commits, by their ids: they and what they reach were looked at. Sorted.
    pub tips: Vec<String>,
    /// Packs, by the names of their files: every object in them was looked at. Sorted.
    pub packs: Vec<String>,
    /// How many things that were asked for could not be read.
    pub unread: u64,
}

impl Checkpoint {
    /// Of a scan by these rules.
    pub fn new(rules: String, mut tips: Vec<String>, mut packs: Vec<String>, unread: u64) -> Checkpoint {
        for names in [&mut tips, &mut packs] {
            names.sort();
            names.dedup();
        }
        Checkpoint { version: VERSION, rules, tips, packs, unread }
    }

    /// Reads the file at `path`; `None` when there is none yet.
    pub fn load(path: &Path) -> Result<Option<Checkpoint>, Error> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Read { path: path.to_owned(), source }),
        };
        let broken = |source| Error::Broken { path: path.to_owned(), source };
        let read: Checkpoint = serde_json::from_str(&text).map_err(broken)?;
        match read.version {
            VERSION => Ok(Some(read)),
            version => Err(Error::Version { path: path.to_owned(), version }),
        }
    }

    /// Writes the file at `path`, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let written = text.and_then(|text| file::save(path, (text + "\n").as_bytes(), Readers::Owner));
        written.map_err(|source| Error::Write { path: path.to_owned(), source })
    }
}

/// Why a checkpoint could not be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("read the checkpoint {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("read the checkpoint {path}: it is damaged; delete it to scan everything again")]
    Broken { path: PathBuf, source: serde_json::Error },
    #[error("read the checkpoint {path}: version {version} is newer than this program")]
    Version { path: PathBuf, version: u64 },
    #[error("write the checkpoint {path}")]
    Write { path: PathBuf, source: io::Error },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_not_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        assert_eq!(Checkpoint::load(&path).unwrap(), None);
        let tips = ["b", "a", "b"].map(str::to_owned).to_vec();
        let checkpoint = Checkpoint::new("r".into(), tips, vec!["pack-1".into()], 3);
        checkpoint.save(&path).unwrap();
        assert_eq!(Checkpoint::load(&path).unwrap(), Some(checkpoint.clone()));
        assert_eq!(checkpoint.tips, ["a", "b"]);
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap().replace(": 1,", ": 2,")).unwrap();
        assert!(matches!(Checkpoint::load(&path), Err(Error::Version { version: 2, .. })));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Checkpoint::load(&path), Err(Error::Broken { .. })));
    }
}
