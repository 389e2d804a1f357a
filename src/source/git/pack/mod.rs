//! Git's object storage, read by us: packs, loose objects and alternates, each object once.
//!
//! A pack is an index of what is the same: most blobs are kept as a delta to another version. So a history is read as a walk
//! over the trees of deltas ([`Store::walk`]): every entry is inflated once, its base at hand, and the reader is told which
//! bytes were copied from it. A single object is found by its name ([`Store::read`]).
//!
//! What is read may be anybody's. Every size, copy, chain and table is bounded or checked before it is believed; what is
//! broken is told and the rest is read. Packs are read with positioned reads ([`bytes`]).
//!
//! The formats: gitformat-pack(5), gitformat-loose(5) and gitrepository-layout(5) of git 2.47.

mod ahead;
pub mod bytes;
pub mod delta;
pub mod entry;
mod folders;
mod forest;
pub mod idx;
pub(super) mod inflate;
mod loose;
mod midx;
mod names;
mod read;
mod stream;
mod walk;

pub use delta::{Run, SHORTEST_RUN};
pub use stream::Stream;
pub use walk::{Seen, Visitor, Walked};

use super::id::{Hash, Id};
use crate::source::{SkipReason, Skipped};
use bytes::{Bytes, exactly};
use idx::Idx;
use midx::Midx;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// Bytes of the biggest object that is read, for one is held in memory whole.
pub const LARGEST: usize = 512 << 20;

/// In place of a folder: the object is in a pack that came after the store was opened.
const NO_FOLDER: u16 = u16::MAX;

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

/// An object as it was when its name was made of it, without its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Kind {
    /// As git writes it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }
}

/// Why an object was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    /// In a word.
    pub why: SkipReason,
    /// More about it.
    pub detail: String,
}

impl Absent {
    pub(super) fn corrupt(detail: &str) -> Absent {
        Absent { why: SkipReason::Corrupt, detail: detail.to_owned() }
    }

    pub(super) fn missing() -> Absent {
        Absent { why: SkipReason::Missing, detail: "not among the objects here".to_owned() }
    }

    pub(super) fn too_large(size: u64) -> Absent {
        Absent { why: SkipReason::TooLarge, detail: format!("{size} bytes") }
    }

    pub(super) fn unreadable(error: &std::io::Error) -> Absent {
        Absent { why: SkipReason::Unreadable, detail: error.to_string() }
    }

    /// As a report has it.
    pub fn skipped(self, what: String) -> Skipped {
        Skipped::asked(what, self.why, self.detail)
    }
}

/// A pack and its index.
struct Pack {
    /// Without its `.pack`; of one in memory nothing.
    path: PathBuf,
    bytes: Box<dyn Bytes>,
    idx: Idx,
    /// Where its entries end and its checksum begins.
    end: u64,
}

impl Pack {
    /// Checks that both are whole as far as a glance shows, and belong together.
    fn open(path: PathBuf, bytes: Box<dyn Bytes>, idx: Box<dyn Bytes>, hash: Hash) -> Result<Pack, &'static str> {
        let idx = Idx::open(idx, hash)?;
        let head = exactly(&*bytes, 0, 12).ok_or("the pack is shorter than its head")?;
        let version = head.strip_prefix(b"PACK").and_then(|rest| bytes::u32_at(rest, 0));
        if !matches!(version, Some(2 | 3)) {
            return Err("not a pack of a version that is known");
        }
        let end = bytes.size().checked_sub(hash.width() as u64).filter(|end| *end >= 12);
        let end = end.ok_or("the pack is shorter than its checksum")?;
        let checksum = exactly(&*bytes, end, hash.width());
        if checksum.is_none() || checksum != idx.pack_checksum() {
            return Err("its index is of another pack");
        }
        Ok(Pack { path, bytes, idx, end })
    }
}

/// The objects of a repository. They are numbered `0..count`: packs in the order of their folders and names, in a pack by
/// name, then loose objects. What comes later in the same repository is found by name, and has no number.
pub struct Store {
    hash: Hash,
    folders: Vec<PathBuf>,
    packs: Vec<Arc<Pack>>,
    midxs: Vec<Midx>,
    /// Where the numbers of each pack begin; last, where those of loose objects do.
    starts: Vec<u32>,
    /// Loose objects by name, and which folder has one, and what is in packs that came late; listed when first asked for.
    loose: OnceLock<Vec<(Id, u16)>>,
    /// What is a delta to what; made when all objects are asked for.
    forest: OnceLock<forest::Forest>,
    problems: Vec<Skipped>,
    late: read::Late,
    cache: read::Cache,
}

impl Store {
    /// Opens these `objects` folders and their alternates. What cannot be used is told by [`Store::problems`].
    pub fn open(folders: &[PathBuf], hash: Hash) -> Store {
        let mut problems = Vec::new();
        let folders = folders::with_alternates(folders, &mut problems);
        let late = read::Late::of(&folders);
        let mut packs = Vec::new();
        for folder in &folders {
            let (opened, wrong) = folders::open_all(folder, hash);
            packs.extend(opened);
            problems.extend(wrong);
        }
        let midxs = if packs.len() > 1 { folders::midxs(&folders, hash, &mut problems) } else { Vec::new() };
        Store { folders, late, midxs, ..Store::new(hash, packs, problems) }
    }

    /// Packs in memory, each with its index: for fuzzing and tests.
    pub fn of_memory(packs: Vec<(Vec<u8>, Vec<u8>)>, hash: Hash) -> Store {
        let (mut opened, mut problems) = (Vec::new(), Vec::new());
        for (number, (pack, idx)) in packs.into_iter().enumerate() {
            match Pack::open(PathBuf::new(), Box::new(pack), Box::new(idx), hash) {
                Ok(pack) => opened.push(pack),
                Err(why) => problems.push(Skipped::asked(format!("pack {number}"), SkipReason::Corrupt, why)),
            }
        }
        Store::new(hash, opened, problems)
    }

    fn new(hash: Hash, all: Vec<Pack>, mut problems: Vec<Skipped>) -> Store {
        let (mut starts, mut packs) = (vec![0u32], Vec::new());
        for pack in all {
            let start = starts.last().copied().unwrap_or(0);
            // Room for a billion loose objects stays.
            match start.checked_add(pack.idx.count()).filter(|end| *end < 3 << 30) {
                Some(end) => {
                    starts.push(end);
                    packs.push(Arc::new(pack));
                }
                None => problems.push(Skipped::asked("a pack", SkipReason::TooLarge, "too many objects for one scan")),
            }
        }
        Store {
            hash,
            folders: Vec::new(),
            packs,
            midxs: Vec::new(),
            starts,
            loose: OnceLock::new(),
            forest: OnceLock::new(),
            problems,
            late: read::Late::default(),
            cache: read::Cache::default(),
        }
    }

    /// Packs, indexes and alternates that cannot be used.
    pub fn problems(&self) -> &[Skipped] {
        &self.problems
    }

    /// How its objects are named.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Numbers of objects are below this.
    pub fn count(&self) -> u32 {
        self.first_loose().saturating_add(u32::try_from(self.loose().len()).unwrap_or(u32::MAX))
    }

    /// The packs by the names of their files without `.pack`, each with the numbers of what is in it.
    pub fn packs(&self) -> impl Iterator<Item = (String, Range<u32>)> {
        let ranges = self.starts.iter().zip(self.starts.iter().skip(1)).map(|(start, end)| *start..*end);
        let name = |pack: &Arc<Pack>| pack.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.packs.iter().map(name).zip(ranges)
    }

    /// The one number of an object: several packs may have it; the one that a multi-pack-index names counts, or else the
    /// first.
    pub fn number(&self, id: &Id) -> Option<u32> {
        let named = self.named(id).and_then(|at| Some((self.packs.get(at)?, self.starts.get(at)?)));
        let mut packs = named.into_iter().chain(self.packs.iter().zip(&self.starts));
        let packed = packs.find_map(|(pack, start)| Some(start + pack.idx.position(id)?));
        let loose = || {
            let at = self.loose().binary_search_by(|(other, _)| other.cmp(id)).ok()?;
            self.first_loose().checked_add(u32::try_from(at).ok()?)
        };
        packed.or_else(loose)
    }

    /// The name of the object of this number; of a number that is none, a name of zeros.
    pub fn id(&self, number: u32) -> Id {
        let packed = || {
            let (pack, position) = self.place(number)?;
            pack.idx.id(position)
        };
        let loose = || Some(self.loose_at(number)?.0);
        packed().or_else(loose).unwrap_or_else(|| Id::nothing(self.hash))
    }

    /// The one object whose name begins with these hexadecimal digits.
    pub fn by_prefix(&self, digits: &str) -> Option<Id> {
        read::by_prefix(self, digits)
    }

    /// The pack that a multi-pack-index says has the object.
    fn named(&self, id: &Id) -> Option<usize> {
        let path = self.midxs.iter().find_map(|midx| midx.pack(id))?;
        self.packs.iter().position(|pack| pack.path == path)
    }

    /// The pack of a number, and its position there.
    fn place(&self, number: u32) -> Option<(&Arc<Pack>, u32)> {
        let at = self.starts.partition_point(|start| *start <= number).checked_sub(1)?;
        Some((self.packs.get(at)?, number - self.starts.get(at)?))
    }

    fn loose_at(&self, number: u32) -> Option<(Id, u16)> {
        self.loose().get(usize::try_from(number.checked_sub(self.first_loose())?).ok()?).copied()
    }

    fn first_loose(&self) -> u32 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn loose(&self) -> &[(Id, u16)] {
        self.loose.get_or_init(|| {
            let mut all = Vec::new();
            for (folder, at) in self.folders.iter().zip(0..) {
                all.extend(loose::list(folder, self.hash).into_iter().map(|id| (id, at)));
            }
            // What went from loose files to a pack meanwhile is there: git writes the pack first.
            for pack in self.look_again_for_all() {
                let ids = (0..pack.idx.count()).filter_map(|at| pack.idx.id(at));
                all.extend(
                    ids.filter(|id| !self.packs.iter().any(|known| known.idx.position(id).is_some()))
                        .map(|id| (id, NO_FOLDER)),
                );
            }
            all.sort_unstable();
            all.dedup_by_key(|(id, _)| *id);
            all.truncate(1 << 30);
            all
        })
    }
}
