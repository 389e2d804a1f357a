//! A whole history, pack by pack: every object where it lies, then where it comes from.
//!
//! The reader asks in this order: all blobs, all messages, then [`Whole::attribute`] for the objects in which it found
//! something, then single objects again. Compare [`super::history`], which goes commit by commit.

use super::attribute::{self, Attributed, Commits, Hits};
use super::history::History;
use super::id::Id;
pub use super::object::Text;
use super::object::{self, Absent};
use super::pack::{Kind, Seen, Store, Visitor, Walked};
use super::place::Place;
use crate::source::{Blob, Bytes, Commit, Held, Provenance, parts};
use std::collections::HashSet;
use std::sync::Arc;

/// A history of which nothing is left out.
pub struct Whole<'h> {
    place: &'h Place,
    store: &'h Store,
    /// Bytes that may be held of objects others are made of.
    memory: usize,
}

/// A history whose commits were read.
pub struct Read<'h> {
    whole: Whole<'h>,
    commits: Commits,
    /// Commits and tags that could not be read.
    pub walked: Walked,
}

/// Those of `ids` that nothing leads to.
pub(super) fn unreachable(place: &Place, ids: &HashSet<Id>) -> HashSet<Id> {
    let store = place.objects.store();
    let hits = Hits { objects: ids.iter().filter_map(|id| store.number(id)).collect(), unread: Vec::new() };
    let mut commits = Commits::collect(store, MEMORY, |_| ()).0;
    let origins = attribute::attribute(place, &mut commits, &hits, MEMORY).origins;
    let ends = origins.into_iter().filter(|one| one.whereabouts.held == Held::Unreachable);
    ends.map(|one| one.id).collect()
}

/// Bytes that are held of what others are made of, when nobody says how many may be.
const MEMORY: usize = 64 << 20;

impl<'h> Whole<'h> {
    /// The whole history, when no part of it was asked for. Holds about `memory` bytes of what others are made of.
    pub(super) fn of(history: &'h History, memory: usize) -> Option<Whole<'h>> {
        let place = history.place();
        (!history.is_part()).then(|| Whole { place, store: place.objects.store(), memory })
    }

    /// The number of an object.
    pub fn number(&self, id: Id) -> Option<u32> {
        self.store.number(&id)
    }

    /// Shows every blob to `visitor`.
    pub fn blobs<V: Visitor>(&self, visitor: &V) -> Walked {
        self.store.walk(&[Kind::Blob], self.memory, visitor)
    }

    /// Hands a blob that is stored whole to `sink` part by part.
    pub fn parts(&self, number: u32, sink: &mut dyn FnMut(Blob) -> bool) -> Result<(), Absent> {
        parts_of(self.store, self.store.id(number), Provenance::Stdin, sink)
    }

    /// Shows the text of every commit and tag to `look`, by its number, from many threads.
    pub fn messages(self, look: impl Fn(u32, &[u8]) + Sync) -> Read<'h> {
        let text = |seen: &Seen<'_>| look(seen.number, object::written(seen.bytes));
        let (commits, walked) = Commits::collect(self.store, self.memory, text);
        Read { whole: self, commits, walked }
    }
}

impl Read<'_> {
    /// Tells where `hits` come from.
    pub fn attribute(&mut self, hits: &Hits) -> Attributed {
        let Whole { place, memory, .. } = self.whole;
        attribute::attribute(place, &mut self.commits, hits, memory)
    }

    /// Hands a blob that is stored whole to `sink` part by part.
    pub fn parts(&self, id: Id, provenance: Provenance, sink: &mut dyn FnMut(Blob) -> bool) -> Result<(), Absent> {
        parts_of(self.whole.store, id, provenance, sink)
    }

    /// A blob's bytes, or the text of a commit or tag.
    pub fn text(&self, id: Id, message: bool) -> Result<Text, Absent> {
        let objects = &self.whole.place.objects;
        match message {
            false => objects.blob(id).map(Text::whole),
            true => objects.message(id),
        }
    }

    /// A commit as a report has it.
    pub fn commit(&self, id: Id) -> Result<Commit, Absent> {
        self.whole.place.objects.commit(id).map(|(commit, _)| commit)
    }
}

fn parts_of(store: &Store, id: Id, provenance: Provenance, sink: &mut dyn FnMut(Blob) -> bool) -> Result<(), Absent> {
    let mut bytes = store.stream(&id)?.ok_or_else(Absent::missing)?;
    let done = parts::cut(&mut bytes, &Arc::new(provenance), &Bytes::default, sink);
    done.map(drop).map_err(|error| Absent::corrupt(&error.to_string()))
}
