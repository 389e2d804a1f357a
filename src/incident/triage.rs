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
                date: commit.map(|commit| commit.date).or(occurrence.at),
            }
        })
        .collect();
    let known = |here: &Place| {
        let same = |there: &Place| there.line == here.line && is_end(&here.path, &there.path);
        here.commit.is_none() && places.iter().any(|there| there.commit.is_some() && same(there))
    };
    let again: Vec<bool> = places.iter().map(known).collect();
    let mut again = again.into_iter();
    places.retain(|_| !again.next().unwrap_or(false));
    places.sort_by_key(|place| (place.date.is_none(), place.date));
    places
}

/// Whether a path of the work tree is that path of the history: what lies in both is one place.
fn is_end(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|before| before.is_empty() || before.ends_with('/'))
}

/// Who may have seen it: what somebody told who knows (a webhook), else what the repository's remotes tell.
pub fn reach(told: Option<(Reach, String)>, remotes: &[String]) -> (Reach, String) {
    told.unwrap_or_else(|| exposure::reach(remotes))
}

/// When it was introduced: not later than it was detected, whatever a commit's date claims.
pub fn introduced(places: &[Place], detected: Timestamp) -> Option<Timestamp> {
    exposure::since(places).map(|since| since.min(detected))
}
