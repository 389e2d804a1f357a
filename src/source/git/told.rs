//! What a history says of objects that it could not read: in one place, so that every way of walking says the same.

use super::id::Id;
use super::object::Absent;
use crate::source::{SkipReason, Skipped};
use crate::text::terminal::printable;

/// Missing files that are named one by one; of a partial clone, which lacks thousands, the others are counted.
const NAMED: u64 = 20;

/// A commit that was asked for.
pub(super) fn commit(id: Id, absent: Absent) -> Skipped {
    absent.skipped(format!("commit {id}"))
}

/// A commit whose parents were not fetched.
pub(super) fn shallow(id: Id) -> Skipped {
    let why = "the commits before it were not fetched (git fetch --unshallow fetches them)";
    Skipped::asked(format!("commit {id}"), SkipReason::Shallow, why)
}

/// A folder.
pub(super) fn tree(id: Id, path: &[u8], absent: Absent) -> Skipped {
    absent.skipped(format!("tree {id} at {}", printable(path)))
}

/// A repository of its own inside this one.
pub(super) fn submodule(id: Id, path: &[u8]) -> Skipped {
    Skipped::passed(printable(path), SkipReason::Submodule, format!("at commit {id}"))
}

/// An object that nothing leads to.
pub(super) fn loose_end(id: Id, absent: Absent) -> Skipped {
    absent.skipped(format!("object {id}"))
}

/// Files that are not here: the first of them are named, the others counted.
#[derive(Debug, Default)]
pub(super) struct Files {
    missing: u64,
}

impl Files {
    /// One more; `None` when it is only counted.
    pub fn absent(&mut self, id: Id, path: &[u8], absent: Absent) -> Option<Skipped> {
        let missing = absent.why == SkipReason::Missing;
        self.missing += u64::from(missing);
        let named = !missing || self.missing <= NAMED;
        named.then(|| absent.skipped(format!("{} (blob {id})", printable(path))))
    }

    /// How many were only counted.
    pub fn others(&self) -> Option<Skipped> {
        let more = self.missing.checked_sub(NAMED).filter(|more| *more > 0)?;
        let why = "not among the objects here: this is a partial clone, or a damaged one";
        Some(Skipped::asked(format!("{more} more blobs"), SkipReason::Missing, why))
    }
}
