//! The allow-list: findings and places that somebody looked at and answers for.
//!
//! Every entry has a reason, and may have an owner and a day on which it ends; an entry that has ended allows nothing
//! any more. What is allowed is not forgotten: it comes back with the words of its entry, to be counted and shown.

use super::{Finding, Occurrence};
use crate::secret::Fingerprint;
use crate::source::Provenance;
use crate::text::glob::Glob;
use jiff::Timestamp;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allow {
    /// What it covers.
    pub what: Covers,
    /// Why that is fine.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// From when on it covers nothing.
    pub expires: Option<Timestamp>,
}

/// What an entry covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Covers {
    /// One credential, wherever it lies.
    Fingerprint(Fingerprint),
    /// Every credential in these files.
    Path(Glob),
}

impl Allow {
    /// The entry's own words, for a report: `allowed: a test key (team-x)`.
    pub fn describe(&self) -> String {
        let owner = self.owner.as_ref().map(|owner| format!(" ({owner})")).unwrap_or_default();
        format!("allowed: {}{owner}", self.reason)
    }

    /// What it covers, for a report.
    pub fn covered(&self) -> String {
        match &self.what {
            Covers::Fingerprint(print) => print.to_string(),
            Covers::Path(glob) => glob.as_str().to_owned(),
        }
    }

    fn expired(&self, at: Timestamp) -> bool {
        self.expires.is_some_and(|end| end <= at)
    }
}

/// All entries, and the folder to which their paths are relative.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowList {
    /// The entries, in order.
    pub entries: Vec<Allow>,
    /// The folder of the file that they stand in, absolute: their paths are relative to it.
    pub base: PathBuf,
    /// The folder that relative paths of scanned files start from, absolute.
    pub here: PathBuf,
}

impl AllowList {
    /// Takes out of `finding` what is allowed at `at`: the finding that is left, if any, and each entry that took
    /// something with the places it took.
    pub fn apply(&self, mut finding: Finding, at: Timestamp) -> (Option<Finding>, Vec<(&Allow, Vec<Occurrence>)>) {
        let mut taken = Vec::new();
        for entry in self.entries.iter().filter(|entry| !entry.expired(at)) {
            let (covered, kept) = match &entry.what {
                Covers::Fingerprint(print) if *print == finding.fingerprint => (finding.occurrences, Vec::new()),
                Covers::Fingerprint(_) => continue,
                Covers::Path(glob) => {
                    finding.occurrences.into_iter().partition(|here| self.covers(glob, &here.provenance))
                }
            };
            finding.occurrences = kept;
            if !covered.is_empty() {
                taken.push((entry, covered));
            }
            if finding.occurrences.is_empty() {
                return (None, taken);
            }
        }
        (Some(finding), taken)
    }

    /// The entries that have ended by `at`.
    pub fn expired(&self, at: Timestamp) -> impl Iterator<Item = &Allow> {
        self.entries.iter().filter(move |entry| entry.expired(at))
    }

    /// Whether `glob` covers the path as it was walked, or as it is called from the list's own folder.
    fn covers(&self, glob: &Glob, provenance: &Provenance) -> bool {
        let path = provenance.raw_path();
        let absolute = match provenance {
            Provenance::File { .. } | Provenance::Layer { .. } | Provenance::Log { .. } => {
                // What a member of an archive is called does not lead out of it.
                let (file, member) = path.split_at(memchr::memmem::find(path, b"!/").unwrap_or(path.len()));
                let mut absolute = normal(&self.here.join(OsStr::from_bytes(file))).into_os_string();
                absolute.push(OsStr::from_bytes(member));
                absolute.into()
            }
            // These are relative to the top of the repository.
            Provenance::History { .. } | Provenance::Staged { .. } | Provenance::Stdin => PathBuf::new(),
        };
        let inside = absolute.strip_prefix(&self.base).ok().filter(|_| self.base.is_absolute());
        glob.covers(path) || inside.is_some_and(|path| glob.covers(path.as_os_str().as_bytes()))
    }
}

/// The path without `.` and `..`, by its names alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::{Confidence, Seen};
    use crate::secret::{Credential, FingerprintKey, Secret};
    use crate::text::lines::Position;
    use std::sync::Arc;

    fn finding(paths: &[&str]) -> Finding {
        let here = Position { line: 1, column: 1 };
        let occurrence = |path: &&str| Occurrence {
            provenance: Arc::new(Provenance::File { path: path.as_bytes().to_vec() }),
            start: here,
            end: here,
            units: None,
            offset: 0,
            at: None,
            line: String::new(),
            layers: Default::default(),
        };
        Finding {
            rule: "r".into(),
            description: "d".into(),
            provider: None,
            rivals: Vec::new(),
            tags: Vec::new(),
            fingerprint: FingerprintKey::public().fingerprint(&Secret::new("x")),
            credential: Credential::new(Secret::new("x")),
            redacted: "…".into(),
            entropy: 0.0,
            confidence: Confidence::High,
            reasons: Vec::new(),
            occurrences: paths.iter().map(occurrence).collect(),
            seen: Seen::default(),
        }
    }

    fn list(what: Covers, expires: Option<&str>) -> AllowList {
        let expires = expires.map(|text| text.parse().unwrap());
        let entry = Allow { what, reason: "a test key".into(), owner: Some("x".into()), expires };
        AllowList { entries: vec![entry], base: "/srv/app".into(), here: "/srv/app/tests".into() }
    }

    #[test]
    fn a_path_takes_its_places_only() {
        let list = list(Covers::Path(Glob::new("tests/**").unwrap()), None);
        let now = Timestamp::UNIX_EPOCH;
        let (left, taken) = list.apply(finding(&["tests/a", "../src/b", "/srv/app/tests/c", "./d"]), now);
        assert_eq!(left.unwrap().occurrences.len(), 1, "what is above the folder stays");
        assert_eq!((taken[0].0.describe().as_str(), taken[0].1.len()), ("allowed: a test key (x)", 3));
        assert!(list.apply(finding(&["tests/a"]), now).0.is_none());
    }

    #[test]
    fn an_entry_that_has_ended_allows_nothing() {
        let print = finding(&[]).fingerprint;
        let list = list(Covers::Fingerprint(print), Some("2026-01-01T00:00:00Z"));
        let before = "2025-12-31T23:59:59Z".parse().unwrap();
        let after = "2026-01-01T00:00:00Z".parse().unwrap();
        assert!(list.apply(finding(&["a"]), before).0.is_none());
        assert!(list.apply(finding(&["a"]), after).0.is_some());
        assert_eq!((list.expired(before).count(), list.expired(after).count()), (0, 1));
    }
}
