//! Standard input, as one stream.

use super::crew::{self, Crew, Hand, How};
use super::{Bytes, Error, Item, Provenance, SkipReason, Skipped, Source, parts};
use std::io::{self, Read};
use std::sync::Arc;

/// Standard input.
pub struct Stdin;

impl Source for Stdin {
    fn describe(&self) -> String {
        "standard input".into()
    }

    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error> {
        stream(&mut io::stdin().lock(), sink);
        Ok(())
    }

    fn read(&mut self, crew: &dyn Crew) -> Result<(), Error> {
        crew::run(crew, How::few(crew, false), std::iter::once(0), read);
        Ok(())
    }
}

/// Hands a stream over; `false` when the sink wants no more.
pub(super) fn stream(reader: &mut dyn Read, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    let provenance = Arc::new(Provenance::Stdin);
    match parts::cut(reader, &provenance, &Bytes::default, &mut |blob| sink(Item::Blob(blob))) {
        Ok(more) => more,
        Err(error) => sink(Item::Skipped(unreadable(&error))),
    }
}

/// Reads it, and gives it to whoever is idle.
pub(super) fn read(hand: &Hand<'_>, order: u64) {
    let provenance = Arc::new(Provenance::Stdin);
    if let Err(error) = parts::cut(&mut io::stdin().lock(), &provenance, &|| hand.buffer(), &mut |blob| hand.pass(blob))
    {
        hand.crew().skip(order, unreadable(&error));
    }
}

fn unreadable(error: &io::Error) -> Skipped {
    Skipped::asked("standard input", SkipReason::Unreadable, error)
}
