//! Git's index, read as a file: what the next commit will hold (gitformat-index(5), git 2.47).
//!
//! Versions 2, 3 and 4, names of 20 and 32 bytes, split indexes and sparse ones. Nothing is copied per entry: an
//! [`Entry`] is a view of the file's bytes, walked in order ([`Entries`]). The cache-tree ([`CacheTree`]) names the trees
//! that whole folders of the index are equal to; who compares an index with a commit passes such a folder over unread.
//!
//! Extensions that only help git (resolve-undo, untracked cache, file system monitor, offset tables) are passed over. One
//! that changes what the entries mean (its name starts with a small letter) and is not known here is refused by its name.
//!
//! The checksum at the end is not verified. What is committed is what git reads from these bytes, and git itself verifies
//! it only in `git fsck`; SHA-1 of the 10 MB that 100,000 files take costs 5 to 20 ms, more than all the rest. Whatever
//! the bytes are, reading ends: each number in them is checked against the bytes that are there, and no more is allocated
//! than a small multiple of them.

mod cache;
mod ewah;
mod file;
mod merged;

pub use cache::{CacheTree, Node};
pub use merged::Entries;

use super::id::{Hash, Id};
use super::regular;
use crate::text::terminal::printable;
use ewah::Bits;
use file::File;
use std::io;
use std::path::Path;

/// Largest index that is read, in bytes: ten million files.
const LARGEST: u64 = 2 << 30;

/// What an entry's mode says it is (`S_IFMT` of it).
pub(super) const KIND: u32 = 0o170_000;
/// A submodule (git: `S_IFGITLINK`).
pub(super) const SUBMODULE: u32 = 0o160_000;
/// A folder of a sparse index.
const FOLDER: u32 = 0o040_000;

/// An index.
#[derive(Debug)]
pub struct Index {
    file: File,
    shared: Option<Shared>,
    tree: Option<CacheTree>,
}

/// The file that a split index stands on, and what of it no longer holds.
#[derive(Debug)]
struct Shared {
    file: File,
    removed: Bits,
    /// Entries that stand anew in the upper file, in the same order, without their paths.
    replaced: Bits,
}

/// One entry: a file, a submodule, or a folder of a sparse index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'i> {
    /// From the top of the work tree, with slashes; that of a folder ends in one.
    pub path: &'i [u8],
    /// The blob, the submodule's commit, or the folder's tree.
    pub id: Id,
    /// Type and permissions.
    pub mode: u32,
    /// 0 for an entry that is ready, 1 to 3 for the sides of a conflict.
    pub stage: u8,
    /// It is only announced (`git add -N`) and holds nothing yet.
    pub announced: bool,
    /// A sparse checkout leaves it out of the work tree.
    pub absent: bool,
}

impl Entry<'_> {
    /// Whether it is a submodule.
    pub fn is_submodule(&self) -> bool {
        self.mode & KIND == SUBMODULE
    }

    /// Whether it is a folder of a sparse index.
    pub fn is_folder(&self) -> bool {
        self.mode & KIND == FOLDER
    }
}

/// Why an index was not read.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The file is there and cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
    /// It does not start as an index does, or is shorter than the shortest one.
    #[error("it is no index")]
    NoIndex,
    /// A version that this reader does not know.
    #[error("it is of version {0}, and only 2, 3 and 4 are known")]
    Version(u32),
    /// An entry is cut short, or its numbers do not fit the bytes that are there.
    #[error("its entry {0} is broken")]
    Entry(u32),
    /// An entry stands where it should not: a commit of it would not be what git says it is.
    #[error("its entry {0} is out of order")]
    Order(u32),
    /// An extension that must be understood is not.
    #[error("it needs the extension `{0}`, which this reader does not know")]
    Unknown(String),
    /// An extension's bytes are not what its name promises.
    #[error("its extension `{0}` is broken")]
    Extension(&'static str),
    /// The file that a split index stands on.
    #[error("it stands on sharedindex.{0}: {1}")]
    Shared(Id, String),
}

impl Index {
    /// Reads the index at `path`; the file that a split one stands on lies in `folder`, which is git's for the work tree.
    /// `None` when there is no index yet.
    pub fn open(path: &Path, folder: &Path, hash: Hash) -> Result<Option<Index>, Broken> {
        let bytes = match regular::read(path, LARGEST) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let mut shared = |id: &Id| regular::read(&folder.join(format!("sharedindex.{id}")), LARGEST);
        Index::parse(bytes, hash, &mut shared).map(Some)
    }

    /// Reads an index from its bytes; `shared` gives those of the file that a split one stands on.
    ///
    /// # Errors
    /// Whatever the bytes are, they are read or refused.
    pub fn parse(
        bytes: Vec<u8>,
        hash: Hash,
        shared: &mut dyn FnMut(&Id) -> io::Result<Vec<u8>>,
    ) -> Result<Index, Broken> {
        let file = File::parse(bytes, hash)?;
        let (mut tree, mut link) = (None, None);
        for extension in file.extensions()? {
            match &extension.name {
                b"TREE" => tree = Some(CacheTree::parse(extension.bytes, hash).ok_or(Broken::Extension("TREE"))?),
                b"link" => link = Some(extension.bytes),
                // It only says that entries may be folders; each of those says so itself.
                b"sdir" => {}
                [b'A'..=b'Z', ..] => {}
                name => return Err(Broken::Unknown(printable(name))),
            }
        }
        let shared = match link {
            Some(bytes) => Shared::parse(bytes, &file, shared)?,
            None => None,
        };
        let index = Index { file, shared, tree };
        index.check()?;
        Ok(index)
    }

    /// Its entries, by path and then by stage.
    pub fn entries(&self) -> Entries<'_> {
        Entries::new(&self.file, self.shared.as_ref())
    }

    /// The trees that are known already.
    pub fn tree(&self) -> Option<&CacheTree> {
        self.tree.as_ref()
    }

    /// Refuses what is out of order. The parts of a split index each have their own order, so the whole is looked at.
    fn check(&self) -> Result<(), Broken> {
        if self.shared.is_none() {
            return self.file.unordered().map_or(Ok(()), |number| Err(Broken::Order(number)));
        }
        let (mut entries, mut number) = (self.entries(), 0);
        let mut last: Option<(Vec<u8>, u8)> = None;
        while let Some(entry) = entries.current() {
            if entry.path.is_empty()
                || last.as_ref().is_some_and(|(p, s)| (p.as_slice(), *s) >= (entry.path, entry.stage))
            {
                return Err(Broken::Order(number));
            }
            let (path, stage) = last.get_or_insert_default();
            path.clear();
            path.extend_from_slice(entry.path);
            *stage = entry.stage;
            entries.advance();
            number += 1;
        }
        Ok(())
    }
}

impl Shared {
    /// The extension `link`: the name of the file below, and two bitmaps over its entries. A name of zeros means that
    /// there is no such file.
    fn parse(
        bytes: &[u8],
        upper: &File,
        shared: &mut dyn FnMut(&Id) -> io::Result<Vec<u8>>,
    ) -> Result<Option<Shared>, Broken> {
        const BROKEN: Broken = Broken::Extension("link");
        let (name, maps) = bytes.split_at_checked(upper.hash().width()).ok_or(BROKEN)?;
        if name.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let id = Id::new(name).ok_or(BROKEN)?;
        let refuse = |why: String| Broken::Shared(id, why);
        let below = shared(&id).map_err(|error| refuse(error.to_string()))?;
        let file = File::parse(below, upper.hash()).map_err(|error| refuse(error.to_string()))?;
        if let Some(number) = file.unordered() {
            return Err(refuse(Broken::Order(number).to_string()));
        }
        if file.extensions()?.iter().any(|extension| extension.name == *b"link") {
            return Err(refuse("it is a split index itself".to_owned()));
        }
        let (removed, replaced) = match maps.is_empty() {
            true => (Bits::default(), Bits::default()),
            false => {
                let (removed, rest) = Bits::parse(maps, file.count()).ok_or(BROKEN)?;
                let (replaced, rest) = Bits::parse(rest, file.count()).ok_or(BROKEN)?;
                if !rest.is_empty() || replaced.ones() > u64::from(upper.count()) {
                    return Err(BROKEN);
                }
                (removed, replaced)
            }
        };
        Ok(Some(Shared { file, removed, replaced }))
    }
}
