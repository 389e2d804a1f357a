//! Whether secrets are still in use, as logs tell: how often each was seen in them, and when last.
//!
//! A probe of the world for whoever is about to kill an old key. An allow-list or a baseline hides nothing here, and what is
//! not sure is looked at too: somebody asks for it by name.

use super::{Error, Options, Scan, scan};
use crate::detect::{Confidence, Detector, Occurrence, Seen};
use crate::secret::Fingerprint;
use crate::source::Skipped;
use crate::source::logs::Logs;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What logs say of secrets.
#[derive(Debug)]
pub struct Sightings {
    /// Of each that was seen. One that is not here was not seen in what was read.
    pub seen: BTreeMap<Fingerprint, Sighting>,
    /// What was not read: a secret may have been seen there.
    pub skipped: Vec<Skipped>,
    /// Whether everything that was asked for was read.
    pub complete: bool,
}

/// What logs say of one.
#[derive(Debug)]
pub struct Sighting {
    /// How often it was seen, first and last.
    pub seen: Seen,
    /// The place whose line is the latest, of those that are told.
    pub last: Occurrence,
}

/// Looks for secrets by their keyed names in logs (files, folders, patterns), in lines written since `since`, as of `now`.
pub fn sightings(
    logs: Vec<PathBuf>,
    wanted: &BTreeSet<Fingerprint>,
    since: Option<Timestamp>,
    detector: &Detector,
    now: Timestamp,
) -> Result<Sightings, Error> {
    let options = Options { least: Confidence::Low, since, ..Options::at(now) };
    let Scan { findings, skipped, complete, .. } = scan(Box::new(Logs::new(logs, since)?), detector, &options, &())?;
    let wanted = findings.into_iter().filter(|finding| wanted.contains(&finding.fingerprint));
    let seen = wanted.filter_map(|finding| {
        // Of lines without a time the last one in the order of places.
        let last = finding.occurrences.into_iter().max_by_key(|here| here.at)?;
        Some((finding.fingerprint, Sighting { seen: finding.seen, last }))
    });
    Ok(Sightings { seen: seen.collect(), skipped, complete })
}
