//! The eyes of a responder: what lies in a repository, in its history and its work tree.

use jiff::Timestamp;
use stanch::detect::{Confidence, Detector, Finding};
use stanch::respond::Eyes;
use stanch::scan::{self, Scan};
use stanch::secret::Secret;
use stanch::source::files::Files;
use stanch::source::git::{self, History};
use stanch::source::{Blob, Provenance, Source};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Eyes on one repository or folder: its history and what lies in it now.
pub struct Place {
    /// Where to look; `None` sees nothing.
    place: Option<PathBuf>,
    detector: Detector,
    seen: OnceLock<Result<Vec<Finding>, String>>,
}

impl Place {
    /// Looks at `place`, or at the repository that holds the current folder when there is one.
    pub fn new(detector: Detector, place: Option<PathBuf>) -> Place {
        let here = || History::open(None).is_ok().then(|| PathBuf::from("."));
        Place { place: place.or_else(here), detector, seen: OnceLock::new() }
    }

    fn look(&self) -> Result<Vec<Finding>, String> {
        let Some(place) = &self.place else { return Ok(Vec::new()) };
        let mut found = match History::open(Some(place)) {
            Ok(history) => self.scan(Box::new(history))?,
            Err(_) => Vec::new(),
        };
        let tree = Files::new(std::slice::from_ref(place), false).map_err(|error| error.to_string())?;
        for finding in self.scan(Box::new(tree))? {
            match found.iter_mut().find(|known| known.fingerprint == finding.fingerprint) {
                Some(known) => known.occurrences.extend(finding.occurrences),
                None => found.push(finding),
            }
        }
        Ok(found)
    }

    /// Everything, also what an allow-list or a baseline would hide, and what is not sure: somebody asks for it by name.
    fn scan(&self, source: Box<dyn Source>) -> Result<Vec<Finding>, String> {
        let options = scan::Options { least: Confidence::Low, ..scan::Options::at(Timestamp::now()) };
        let Scan { findings, .. } =
            scan::scan(source, &self.detector, &options, &()).map_err(|error| error.to_string())?;
        Ok(findings)
    }
}

impl Eyes for Place {
    fn findings(&self) -> Result<Vec<Finding>, String> {
        self.seen.get_or_init(|| self.look()).clone()
    }

    fn recognise(&self, secret: &Secret) -> Option<Finding> {
        let blob = Blob::whole(exposed(secret), Arc::new(Provenance::Stdin));
        let hits = self.detector.scan(&blob);
        stanch::detect::merge(hits).findings.into_iter().next()
    }

    fn remotes(&self) -> Vec<String> {
        self.place.as_deref().map(|place| git::remotes(Some(place))).unwrap_or_default()
    }
}

#[expect(clippy::disallowed_methods, reason = "the detector looks at bytes, in this process")]
fn exposed(secret: &Secret) -> Vec<u8> {
    secret.expose().to_vec()
}
