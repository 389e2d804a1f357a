//! Where bytes come from, and what is known of where they lay.
//!
//! A [`Source`] walks what it was asked to read and hands over each [`Blob`], or says why it could not
//! ([`Item::Skipped`]): nothing asked for disappears silently. Knows nothing of rules or secrets.

pub mod archive;
mod bytes;
mod crew;
mod file;
pub mod files;
pub mod git;
pub mod joined;
pub mod logs;
mod parts;
mod ranges;
mod stdin;
pub mod unpack;

pub use bytes::Bytes;
pub use crew::Crew;
#[cfg(test)]
pub(crate) use parts::cut_by;
pub use parts::{CONTEXT, IN_FLIGHT};

use crate::text::lines::{self, Position};
use crate::text::terminal;
use crate::text::wide::{self, Wide};
use jiff::Timestamp;
use joined::Joined;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// Something to be scanned.
pub trait Source: Send {
    /// What progress and reports call it: `history of /srv/app`.
    fn describe(&self) -> String;

    /// Hands every blob to `sink`, in a fixed order, from the calling thread; stops early when `sink` answers `false`.
    /// An error is for what makes the whole walk senseless (no such repository); a part that cannot be read is an
    /// [`Item::Skipped`].
    fn walk(&mut self, sink: &mut dyn FnMut(Item) -> bool) -> Result<(), Error>;

    /// Reads the same with all threads of `crew`, and lets them look. What is looked at is what [`Source::walk`] hands
    /// over, in any order; a big file may be cut otherwise.
    fn read(&mut self, crew: &dyn Crew) -> Result<(), Error> {
        crew::hand_over(crew, |sink| self.walk(sink))
    }

    /// Whether a blob that was handed over (by its id) is nothing new all the same: it was there before the part that was
    /// asked for. Asked only when something was found in it, for finding out may cost more than the walk did.
    fn was_there(&mut self, _blob: &str) -> bool {
        false
    }

    /// The same as a whole history, when it is one: it can be read pack by pack. Holds about `memory` bytes of objects
    /// that others are made of.
    fn whole(&mut self, _memory: usize) -> Option<git::whole::Whole<'_>> {
        None
    }
}

/// What a source hands over.
#[derive(Debug)]
pub enum Item {
    /// Bytes.
    Blob(Blob),
    /// Bytes that were asked for and not read.
    Skipped(Skipped),
    /// A commit all of whose new blobs were handed over.
    Commit,
    /// How many commits there will be in all, when it is known early enough for a progress bar.
    Commits(u64),
}

/// Bytes, and where they lay. A big file comes as several blobs that overlap, so that what a cut would split is seen
/// whole from one side: each place of the file is [`Blob::own`] of exactly one of them.
pub struct Blob {
    /// The bytes.
    pub bytes: Bytes,
    /// Where the first byte lies in the whole, in bytes.
    pub offset: u64,
    /// Where the first byte lies as a person counts.
    pub first: Position,
    /// A match is this blob's when it starts here; the bytes around are context that a neighbour owns.
    pub own: Range<usize>,
    /// Where it lay. Shared by the parts of one file.
    pub provenance: Arc<Provenance>,
    /// When given, only matches that touch one of these byte ranges of `bytes` are reported: what a change added.
    pub touched: Option<Vec<Range<usize>>>,
    /// How the file's characters are written, when they take more than a byte and this is not the part that shows it.
    pub wide: Option<Wide>,
    /// In a history: ids of the blobs that lay at the same path in the commit's parents. What one of them held already
    /// was not brought by this one.
    pub before: Vec<String>,
    /// When the bytes were put together from several places of those that `offset`, `first` and `own` speak of: where each
    /// of them lay.
    pub joined: Option<Arc<Joined>>,
}

impl Blob {
    /// A blob that is the whole of what lay there.
    pub fn whole(bytes: impl Into<Bytes>, provenance: Arc<Provenance>) -> Blob {
        let bytes = bytes.into();
        let own = 0..bytes.len();
        let (touched, wide, before, joined) = (None, None, Vec::new(), None);
        Blob { bytes, offset: 0, first: Position::FIRST, own, provenance, touched, wide, before, joined }
    }

    /// Whether a match of these bytes is this blob's to report: it starts in [`Blob::own`] and touches what a change added.
    pub fn reports(&self, span: &Range<usize>) -> bool {
        self.owns(span.start) && self.touches(span)
    }

    /// Whether what starts at this byte is this blob's, and not a neighbour's.
    pub fn owns(&self, at: usize) -> bool {
        self.own.contains(&self.joined.as_ref().map_or(at, |joined| joined.raw(at)))
    }

    /// Whether what a change added touches these bytes; anything does where no change is looked at.
    pub fn touches(&self, span: &Range<usize>) -> bool {
        let touches = |added: &Range<usize>| span.start < added.end && added.start < span.end;
        self.touched.as_ref().is_none_or(|added| added.iter().any(touches))
    }

    /// How the text in it is written, when its characters take more than a byte, and where the first one starts.
    pub fn wide(&self) -> Option<(Wide, usize)> {
        let Some(wide) = self.wide else { return wide::of(&self.bytes) };
        let unit = wide.unit() as u64;
        Some((wide, usize::try_from(self.offset.next_multiple_of(unit) - self.offset).unwrap_or_default()))
    }

    /// Where the byte at `at` lies in the whole file, as a person counts.
    pub fn position(&self, at: usize) -> Position {
        lines::position(&self.bytes, at).within(self.first)
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes at {} of {:?})", self.bytes.len(), self.offset, self.provenance)
    }
}

/// Where bytes lay. Paths are bytes: shown only through [`crate::text::terminal::printable`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provenance {
    /// A file on disk.
    File {
        /// Its path, as walked.
        path: Vec<u8>,
    },
    /// A file in a layer of an image of containers.
    Layer {
        /// Its path, from the image's own on.
        path: Vec<u8>,
        /// The layer.
        layer: Arc<archive::Layer>,
    },
    /// Standard input.
    Stdin,
    /// A log file (or standard input as a log, with the path `-`).
    Log {
        /// Its path.
        path: Vec<u8>,
    },
    /// A blob of a repository's history.
    History {
        /// Its path where it was first brought.
        path: Vec<u8>,
        /// The blob's id, in hexadecimal.
        blob: String,
        /// The commit that first brought it; `None` when no commit that was walked holds it.
        commit: Option<Arc<Commit>>,
        /// Where else it lay and what still leads to it, when the whole history was asked.
        whereabouts: Option<Arc<Whereabouts>>,
    },
    /// A blob of the index.
    Staged {
        /// Its path.
        path: Vec<u8>,
        /// The blob's id, in hexadecimal.
        blob: String,
    },
}

impl Provenance {
    /// The path, printable; `-` for standard input, `(no path)` for an object that nothing leads to.
    pub fn path(&self) -> String {
        match self.raw_path() {
            b"" => "(no path)".to_owned(),
            path => crate::text::terminal::printable(path),
        }
    }

    /// The path's own bytes.
    pub fn raw_path(&self) -> &[u8] {
        match self {
            Provenance::File { path }
            | Provenance::Layer { path, .. }
            | Provenance::Log { path }
            | Provenance::History { path, .. }
            | Provenance::Staged { path, .. } => path,
            Provenance::Stdin => b"-",
        }
    }

    /// The layer of an image that it lies in.
    pub fn layer(&self) -> Option<&archive::Layer> {
        match self {
            Provenance::Layer { layer, .. } => Some(layer),
            _ => None,
        }
    }

    /// Where else it lay and what leads to it, when that is known.
    pub fn whereabouts(&self) -> Option<&Whereabouts> {
        match self {
            Provenance::History { whereabouts, .. } => whereabouts.as_deref(),
            _ => None,
        }
    }

    /// The commit, when there is one.
    pub fn commit(&self) -> Option<&Commit> {
        match self {
            Provenance::History { commit, .. } => commit.as_deref(),
            _ => None,
        }
    }
}

/// Where an object of a history lay, and what still leads to it: what is to be cleaned when the history is rewritten.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whereabouts {
    /// How the repository holds it.
    pub held: Held,
    /// Names that lead to a commit which holds it, the most telling first, printable: refs when it is
    /// [`Held::Reachable`], else the stash or the names of the logs. Of what is staged the indexes. A few of them.
    pub refs: Vec<String>,
    /// There are more names.
    pub more_refs: bool,
    /// Every path it ever lay at, the first one first. A few of them.
    pub paths: Vec<Vec<u8>>,
    /// How many paths there are beyond those in `paths`.
    pub other_paths: u32,
    /// There are more paths even than those that were counted.
    pub more_paths: bool,
}

/// How a repository holds an object, the firmest hold first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// A ref or the HEAD of a work tree leads to it.
    Reachable,
    /// Only notes do (`refs/notes/`), which a push or a fetch leaves where they are.
    Notes,
    /// Only a stash does.
    Stash,
    /// Only what a ref was does, by its log or ORIG_HEAD and its like: it was amended, reset or rebased away.
    Reflog,
    /// Only the index of a work tree names it: it is staged.
    Index,
    /// It lies in an object store that this repository borrows from, and nothing here leads to it.
    Shared,
    /// Nothing does. It stays until git removes it (`git gc --prune`).
    #[default]
    Unreachable,
}

/// A commit, as a report needs it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Commit {
    /// Its id, in hexadecimal.
    pub id: String,
    /// The author's name, printable.
    pub author: String,
    /// The author's address, printable.
    pub email: String,
    /// The author's date.
    pub date: Timestamp,
    /// The message's first line, printable.
    pub summary: String,
    /// The whole message, printable line by line (`\n` kept).
    pub message: String,
}

/// Something asked for that was not read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Skipped {
    /// What, printable: a path, an object id.
    pub what: String,
    /// Why.
    pub why: SkipReason,
    /// More about it, printable.
    pub detail: String,
    /// Whether it was asked for, so that the scan is incomplete without it.
    pub asked: bool,
}

impl Skipped {
    /// Something asked for, so that the scan is incomplete without it.
    pub fn asked(what: impl Into<String>, why: SkipReason, detail: impl std::fmt::Display) -> Skipped {
        let detail = terminal::printable(detail.to_string().as_bytes());
        Skipped { what: what.into(), why, detail, asked: true }
    }

    /// Something that lay on the way and is not what was asked for.
    pub fn passed(what: impl Into<String>, why: SkipReason, detail: impl std::fmt::Display) -> Skipped {
        Skipped { asked: false, ..Skipped::asked(what, why, detail) }
    }
}

/// Why something was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it; `label` has the sentences")]
pub enum SkipReason {
    Unreadable,
    Missing,
    Corrupt,
    TooLarge,
    Special,
    Submodule,
    Unmerged,
    Shallow,
    Damaged,
    Ignored,
    Flooded,
    Older,
    Absent,
    Encrypted,
    Unsupported,
    TooDeep,
    OutOfTime,
}

impl SkipReason {
    /// The sentence: `<what> <label>`.
    pub fn label(self) -> &'static str {
        match self {
            SkipReason::Unreadable => "could not be read",
            SkipReason::Missing => "is missing from the repository",
            SkipReason::Corrupt => "is corrupt",
            SkipReason::TooLarge => "is too large",
            SkipReason::Special => "is not a regular file",
            SkipReason::Submodule => "is a submodule, a repository of its own",
            SkipReason::Unmerged => "is unmerged",
            SkipReason::Shallow => "is where a shallow clone ends",
            SkipReason::Damaged => "is damaged, read up to there",
            SkipReason::Ignored => "is ignored",
            SkipReason::Older => "was last written before what was asked for",
            SkipReason::Absent => "is not there",
            SkipReason::Encrypted => "is encrypted",
            SkipReason::Unsupported => "is packed in a way that is not read",
            SkipReason::TooDeep => "lies in as many archives as are opened",
            SkipReason::Flooded => "has more of something than is looked at",
            SkipReason::OutOfTime => "could not be read in time",
        }
    }
}

/// Why a walk could not be done at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such file, folder or repository.
    #[error("read {what}: {why}")]
    NoSource {
        /// As asked.
        what: String,
        /// The cause.
        why: String,
    },
    /// A revision or range that the repository does not have.
    #[error("read the range {range}: {why}")]
    BadRange {
        /// As asked.
        range: String,
        /// The cause.
        why: String,
    },
}
