//! Revisions and ranges as people type them: `main`, `v1.0~3`, `HEAD^2`, `a1b2c3d`, `A..B`.

use super::id::Id;
use super::place::Place;
use super::{refs, tips};
use crate::source::Error;

/// Fewest hexadecimal digits that are looked up as an abbreviated id (git's own minimum).
const FEWEST_DIGITS: usize = 4;

/// The commits that `range` asks for and the ones whose ancestors it leaves out: `A..B`, `A..`, `..B`, or `B` alone.
pub(super) fn range(place: &Place, range: &str) -> Result<(Vec<Id>, Vec<Id>), Error> {
    let bad = |why: String| Error::BadRange { range: range.to_owned(), why };
    if range.contains("...") {
        return Err(bad("three dots: name one side to leave out, as in `main..topic`".into()));
    }
    if matches!(range, "" | "..") {
        // Two variables that nobody set, for the most part: nothing would be scanned and all would look well.
        return Err(bad("it names neither side, as in `main..topic`".into()));
    }
    let resolve = |name: &str| {
        let name = if name.is_empty() { "HEAD" } else { name };
        commit(place, name).ok_or_else(|| bad(format!("{} has no commit `{name}`", place.name)))
    };
    match range.split_once("..") {
        Some((from, to)) => Ok((vec![resolve(to)?], vec![resolve(from)?])),
        None => Ok((vec![resolve(range)?], Vec::new())),
    }
}

/// The commit that a revision names.
pub(super) fn commit(place: &Place, text: &str) -> Option<Id> {
    peel(place, object(place, text)?)
}

/// The object that a revision names: an annotated tag, when it names one and goes no step from there.
pub(super) fn object(place: &Place, text: &str) -> Option<Id> {
    let end = text.find(['~', '^']).unwrap_or(text.len());
    let (name, mut steps) = text.split_at(end);
    let mut id = named(place, name)?;
    if !steps.is_empty() {
        id = peel(place, id)?;
    }
    while let Some(step) = steps.chars().next() {
        steps = steps.get(1..)?;
        if let Some(rest) = steps.strip_prefix("{commit}").or_else(|| steps.strip_prefix("{}")) {
            steps = rest;
            continue;
        }
        let digits = steps.find(|c: char| !c.is_ascii_digit()).unwrap_or(steps.len());
        let (number, rest) = steps.split_at(digits);
        let number: usize = if number.is_empty() { 1 } else { number.parse().ok()? };
        steps = rest;
        id = match step {
            '~' => (0..number).try_fold(id, |id, _| parent(place, id, 1))?,
            _ => parent(place, id, number)?,
        };
    }
    Some(id)
}

/// What a name without steps stands for, in git's order of precedence (gitrevisions(7)).
fn named(place: &Place, name: &str) -> Option<Id> {
    let name = if name == "@" { "HEAD" } else { name };
    let digits = 2 * place.objects.store().hash().width();
    let full = name.len() == digits && name.bytes().all(|b| b.is_ascii_hexdigit());
    if full {
        return name.parse().ok();
    }
    let forms = ["", "refs/", "refs/tags/", "refs/heads/", "refs/remotes/"];
    let by_ref = forms.iter().find_map(|form| refs::one(place, &format!("{form}{name}")));
    let remote = || refs::one(place, &format!("refs/remotes/{name}/HEAD"));
    let hexadecimal = name.len() >= FEWEST_DIGITS && name.len() < digits && name.bytes().all(|b| b.is_ascii_hexdigit());
    by_ref.or_else(remote).or_else(|| if hexadecimal { place.objects.by_prefix(name) } else { None })
}

/// The commit behind any number of annotated tags.
fn peel(place: &Place, id: Id) -> Option<Id> {
    tips::commit(&place.objects, id, |_| ())
}

fn parent(place: &Place, id: Id, number: usize) -> Option<Id> {
    match number.checked_sub(1) {
        Some(at) => place.objects.header(id).ok()?.parents.get(at).copied(),
        None => Some(id),
    }
}
