//! Everything that has a name in a repository, and what the names lead to.

use super::id::Id;
use super::object::{Absent, Objects};
use super::place::Place;
use super::{pack, refs};
use crate::source::{Held, Skipped};
use crate::text::terminal::printable;
use std::collections::{BTreeMap, HashSet};

/// Who knows what objects are. A walk that has seen them all knows it without reading them again.
pub(super) trait Look {
    /// What kind of object it is.
    fn kind(&self, id: Id) -> Result<pack::Kind, Absent>;
    /// What an annotated tag names.
    fn target(&self, id: Id) -> Result<Id, Absent>;
}

impl Look for Objects {
    fn kind(&self, id: Id) -> Result<pack::Kind, Absent> {
        Objects::kind(self, id)
    }

    fn target(&self, id: Id) -> Result<Id, Absent> {
        self.tag(id).map(|(target, _)| target)
    }
}

/// What has a name: every ref, HEAD of every work tree, and what the logs of refs name.
#[derive(Debug, Default)]
pub(super) struct Tips {
    /// Commits, and what could not be read.
    pub commits: Vec<Id>,
    /// What refs lead to that is no commit, annotated tags above all: by name.
    pub others: Vec<(String, Id)>,
    /// Refs that could not be read.
    pub broken: Vec<Skipped>,
    /// Every name of each, the most telling names first.
    pub names: Vec<(Name, Id)>,
}

/// A name, as telling as it is: the branch that is checked out, branches, those of remotes, tags, other refs, other heads,
/// notes, the stash, logs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    pub held: Held,
    class: u8,
    pub name: String,
}

/// All that has a name in the repository at `place`; just refs and heads when only those count there.
pub(super) fn all(place: &Place, look: &impl Look) -> Tips {
    let (mut known, mut broken) = refs::all(place);
    let mut heads = refs::heads(place);
    if place.only_refs {
        known.remove(STASH);
        heads.retain(|(name, _)| name == refs::HEAD);
    }
    let logged: Vec<(String, Id)> = if place.only_refs {
        Vec::new()
    } else {
        let mut have = HashSet::new();
        let (logged, mut unread) = refs::logged(place);
        broken.append(&mut unread);
        logged.into_iter().filter(|(_, id)| have.contains(id) || place.objects.has(*id) && have.insert(*id)).collect()
    };
    let names = names(place, &known, &heads, &logged);
    let mut tips = Tips { broken, names, ..Tips::default() };
    let mut seen = HashSet::new();
    for (name, id) in known.into_iter().chain(heads).chain(logged) {
        if seen.insert(id) {
            match look.kind(id) {
                Ok(pack::Kind::Commit) | Err(_) => tips.commits.push(id),
                Ok(_) => tips.others.push((name, id)),
            }
        }
    }
    tips
}

fn names(
    place: &Place,
    known: &BTreeMap<String, Id>,
    heads: &[(String, Id)],
    logged: &[(String, Id)],
) -> Vec<(Name, Id)> {
    let branch = refs::branch(place);
    let class = |name: &str| match name {
        _ if Some(name) == branch.as_deref() || name == STASH => 0,
        _ if name.starts_with("refs/heads/") => 1,
        _ if name.starts_with("refs/remotes/") => 2,
        _ if name.starts_with("refs/tags/") => 3,
        _ => 4,
    };
    let held = |otherwise: Held, name: &str| match name {
        STASH => Held::Stash,
        _ if name.starts_with(NOTES) => Held::Notes,
        _ => otherwise,
    };
    let mut names: Vec<(Name, Id)> = Vec::new();
    for (name, &id) in known {
        names.push((Name { held: held(Held::Reachable, name), class: class(name), name: name.clone() }, id));
    }
    // A head that stands on a ref adds nothing to it.
    let on_refs: HashSet<Id> = known.values().copied().collect();
    for (name, id) in heads.iter().filter(|(_, id)| !on_refs.contains(id)) {
        let held = if name == refs::HEAD { Held::Reachable } else { Held::Reflog };
        names.push((Name { held, class: 5, name: name.clone() }, *id));
    }
    for (name, id) in logged {
        let held = if name == STASH { Held::Stash } else { Held::Reflog };
        names.push((Name { held, class: 0, name: name.clone() }, *id));
    }
    names.sort();
    names.dedup();
    names
}

/// The ref of the newest stash, and the log that has the others.
const STASH: &str = "refs/stash";
/// Where refs of notes lie (git-notes(1)).
const NOTES: &str = "refs/notes/";

/// The commit that an object is, or that annotated tags lead to from it. `met` is told each tag on the way.
pub(super) fn commit(look: &impl Look, id: Id, met: impl FnMut(Id)) -> Option<Id> {
    match peel(look, "", id, met) {
        Ok((pack::Kind::Commit, id)) => Some(id),
        Ok(_) | Err(_) => None,
    }
}

/// Follows annotated tags from the ref `name` down to what they name. `met` is told each tag on the way.
pub(super) fn peel(
    look: &impl Look,
    name: &str,
    mut id: Id,
    mut met: impl FnMut(Id),
) -> Result<(pack::Kind, Id), Skipped> {
    let mut on_the_way = Vec::new();
    let absent = |absent: Absent| absent.skipped(printable(name.as_bytes()));
    loop {
        match look.kind(id).map_err(absent)? {
            pack::Kind::Tag if on_the_way.contains(&id) => {
                return Err(absent(Absent::corrupt("a tag that leads to itself")));
            }
            pack::Kind::Tag => {
                let target = look.target(id).map_err(absent)?;
                met(id);
                on_the_way.push(id);
                id = target;
            }
            kind => return Ok((kind, id)),
        }
    }
}
