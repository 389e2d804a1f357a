//! Standard input, as one stream.

use super::archive::{Archives, Sink};
use super::{Provenance, SkipReason, Skipped, parts};
use std::io::{self, Read};
use std::sync::Arc;

/// Reads standard input, and opens what it is.
pub(super) fn read(archives: Option<&Archives>, sink: &dyn Sink) {
    let mut reader = io::stdin().lock();
    match archives {
        Some(archives) => archives.read(Provenance::Stdin, &mut reader, None, sink),
        None => plain(&mut reader, sink),
    }
}

fn plain(reader: &mut dyn Read, sink: &dyn Sink) {
    let provenance = Arc::new(Provenance::Stdin);
    if let Err(error) = parts::cut(reader, &provenance, &|| sink.spare(), &mut |blob| sink.look(blob)) {
        sink.skip(Skipped::asked(NAME, SkipReason::Unreadable, error));
    }
}

/// What a person calls it.
pub(super) const NAME: &str = "standard input";
