//! What was there when a team began: fingerprints that are known and not reported again.
//!
//! A file of JSON that merges well: sorted, one fingerprint a line, no dates, no line numbers.

use crate::file::{self, Readers};
use crate::secret::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// The version of the file that this program writes and reads.
const VERSION: u64 = 1;

/// Fingerprints that are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Baseline(pub BTreeSet<Fingerprint>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u64,
    fingerprints: BTreeSet<Fingerprint>,
}

impl Baseline {
    /// Whether `fingerprint` is known.
    pub fn holds(&self, fingerprint: Fingerprint) -> bool {
        self.0.contains(&fingerprint)
    }

    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Baseline, Error> {
        let failed = |source| Error::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let broken = |source| Error::Broken { path: path.to_owned(), source };
        let written: Written = serde_json::from_str(&text).map_err(broken)?;
        match written.version {
            VERSION => Ok(Baseline(written.fingerprints)),
            version => Err(Error::Version { path: path.to_owned(), version }),
        }
    }

    /// Writes the file at `path`, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        // Others read it too: it holds no secret and is kept in the repository.
        let written = self.to_json().and_then(|text| file::save(path, text.as_bytes(), Readers::All));
        written.map_err(|source| Error::Write { path: path.to_owned(), source })
    }

    fn to_json(&self) -> io::Result<String> {
        let written = Written { version: VERSION, fingerprints: self.0.clone() };
        Ok(serde_json::to_string_pretty(&written)? + "\n")
    }
}

/// Why a baseline could not be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("read the baseline {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("read the baseline {path}: it is damaged")]
    Broken { path: PathBuf, source: serde_json::Error },
    #[error("read the baseline {path}: version {version} is newer than this program")]
    Version { path: PathBuf, version: u64 },
    #[error("write the baseline {path}")]
    Write { path: PathBuf, source: io::Error },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{FingerprintKey, Secret};

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.json");
        let print = |text: &str| FingerprintKey::public().fingerprint(&Secret::new(text));
        let baseline = Baseline([print("a"), print("b"), print("c")].into());
        baseline.save(&path).unwrap();
        assert_eq!(Baseline::load(&path).unwrap(), baseline);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 3 + 5, "one a line:\n{text}");
        assert!(Baseline::load(&path).unwrap().holds(print("a")) && !baseline.holds(print("d")));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.json");
        assert!(matches!(Baseline::load(&path), Err(Error::Read { .. })));
        std::fs::write(&path, "{").unwrap();
        assert!(matches!(Baseline::load(&path), Err(Error::Broken { .. })));
        std::fs::write(&path, r#"{"version":2,"fingerprints":[]}"#).unwrap();
        assert!(matches!(Baseline::load(&path), Err(Error::Version { version: 2, .. })));
    }
}
