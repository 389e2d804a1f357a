//! What is known at once about a finding: the first event of its incident.

use super::{Place, exposure};
use crate::detect::Finding;
use crate::rotate::Reach;
use jiff::Timestamp;

/// The places of a finding, earliest first.
pub fn places(finding: &Finding) -> Vec<Place> {
    let mut places: Vec<Place> = finding
        .occurrences
        .iter()
        .map(|occurrence| {
            let commit = occurrence.provenance.commit();
            Place {
                path: occurrence.provenance.path(),
                line: occurrence.start.line,
                commit: commit.map(|commit| commit.id.clone()),
                author: commit.map(|commit| commit.author.clone()),
                date: commit.map(|commit| commit.date),
            }
        })
        .collect();
    places.sort_by_key(|place| (place.date.is_none(), place.date));
    places
}

/// Who may have seen it: what somebody told who knows (a webhook), else what the repository's remotes tell.
pub fn reach(told: Option<(Reach, String)>, remotes: &[String]) -> (Reach, String) {
    told.unwrap_or_else(|| exposure::reach(remotes))
}

/// When it was introduced: not later than it was detected, whatever a commit's date claims.
pub fn introduced(places: &[Place], detected: Timestamp) -> Option<Timestamp> {
    exposure::since(places).map(|since| since.min(detected))
}
