//! The entries of an index in order: those of one file, or of the two of a split index together.

use super::file::{Cursor, File};
use super::{Entry, Shared};
use std::cmp::Ordering;

/// A place in an index's entries, at the first one to begin with.
#[derive(Debug, Clone)]
pub struct Entries<'i> {
    /// Of a split index: what it adds.
    own: Cursor<'i>,
    below: Option<Below<'i>>,
    /// Where the entry here comes from.
    from: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Below,
    /// Both have it: the upper one counts.
    Both,
}

/// The file that a split index stands on.
#[derive(Debug, Clone)]
struct Below<'i> {
    shared: &'i Shared,
    cursor: Cursor<'i>,
    number: u32,
    /// At the entry that stands for the next one that is replaced.
    replacing: Cursor<'i>,
}

impl<'i> Entries<'i> {
    pub(super) fn new(file: &'i File, shared: Option<&'i Shared>) -> Entries<'i> {
        let own = Cursor::new(file);
        let below = shared.map(|shared| {
            let mut below = Below { shared, cursor: Cursor::new(&shared.file), number: 0, replacing: own.clone() };
            below.settle();
            below
        });
        let mut entries = Entries { own, below, from: Side::Own };
        for _ in 0..shared.map_or(0, |shared| shared.replaced.ones()) {
            entries.own.advance();
        }
        entries.choose();
        entries
    }

    /// The entry here; `None` behind the last one.
    pub fn current(&self) -> Option<Entry<'_>> {
        match &self.below {
            Some(below) if self.from == Side::Below => below.entry(),
            _ => self.own.entry(),
        }
    }

    /// Just its path.
    pub fn path(&self) -> Option<&[u8]> {
        match &self.below {
            Some(below) if self.from == Side::Below => below.cursor.path(),
            _ => self.own.path(),
        }
    }

    /// To the next entry.
    pub fn advance(&mut self) {
        if self.from != Side::Below {
            self.own.advance();
        }
        if let Some(below) = self.below.as_mut().filter(|_| self.from != Side::Own) {
            below.advance();
        }
        self.choose();
    }

    /// So many entries on.
    pub fn pass(&mut self, entries: u32) {
        match self.below {
            None => self.own.pass(entries),
            Some(_) => {
                for _ in 0..entries {
                    if self.current().is_none() {
                        break;
                    }
                    self.advance();
                }
            }
        }
    }

    fn choose(&mut self) {
        let Some(below) = &self.below else { return };
        self.from = match (self.own.entry(), below.entry()) {
            (_, None) => Side::Own,
            (None, Some(_)) => Side::Below,
            (Some(own), Some(below)) => match (own.path, own.stage).cmp(&(below.path, below.stage)) {
                Ordering::Less => Side::Own,
                Ordering::Equal => Side::Both,
                Ordering::Greater => Side::Below,
            },
        };
    }
}

impl Below<'_> {
    fn entry(&self) -> Option<Entry<'_>> {
        let entry = self.cursor.entry()?;
        match self.shared.replaced.has(self.number) {
            true => Some(Entry { path: entry.path, ..self.replacing.entry()? }),
            false => Some(entry),
        }
    }

    fn advance(&mut self) {
        self.pass();
        self.settle();
    }

    /// Passes what is removed.
    fn settle(&mut self) {
        while self.number < self.shared.file.count() && self.shared.removed.has(self.number) {
            self.pass();
        }
    }

    fn pass(&mut self) {
        if self.shared.replaced.has(self.number) {
            self.replacing.advance();
        }
        self.number += 1;
        self.cursor.advance();
    }
}
