//! Standard input, as one stream.

use super::{Error, Item, Provenance, SkipReason, Skipped, Source, parts};
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
}

/// Hands a stream over; `false` when the sink wants no more.
pub(super) fn stream(reader: &mut dyn Read, sink: &mut dyn FnMut(Item) -> bool) -> bool {
    match parts::cut(reader, &Arc::new(Provenance::Stdin), sink) {
        Ok(more) => more,
        Err(error) => sink(Item::Skipped(Skipped::asked("standard input", SkipReason::Unreadable, error))),
    }
}
