//! Git's commit-graph: the parents and times of commits without reading the commits (gitformat-commit-graph(5), git 2.47).
//!
//! `info/commit-graph`, or a chain of files named in `info/commit-graphs/commit-graph-chain`. A file that is broken, or
//! newer than this reader, is as good as none: what it says is only ever a short cut. Its checksum is not verified; who
//! uses it compares what matters with the commits themselves.
//!
//! Every number is checked against the bytes that are there, nothing is allocated but the files' bytes.

use super::id::{Hash, Id};
use super::regular;
use std::path::Path;

/// Most files of a chain (git merges them long before).
const LONGEST_CHAIN: usize = 64;
/// Largest file that is read, in bytes.
const LARGEST: u64 = 2 << 30;
/// Signature, version, kind of hash, number of chunks, number of files below.
const HEADER: usize = 8;
/// The name of a chunk and where it starts.
const CHUNK: usize = 12;
/// "No parent".
const NONE: u32 = 0x7000_0000;
/// Marks a list of parents, and the last one of such a list.
const MARK: u32 = 0x8000_0000;
/// A generation that says no more than "at least this".
const HIGHEST: u32 = 0x3fff_ffff;

/// What is known of the commits of a repository; it holds all ancestors of each commit that it holds.
#[derive(Debug, Default)]
pub struct CommitGraph {
    /// The lowest first.
    files: Vec<File>,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its tree.
    pub tree: Id,
    /// Its parents, in order.
    pub parents: Vec<Id>,
    /// The committer's time, in seconds since 1970.
    pub time: i64,
    /// More than any parent's; `None` when it was not computed.
    pub generation: Option<u32>,
}

#[derive(Debug)]
struct File {
    bytes: Vec<u8>,
    hash: Hash,
    /// Where the tables start in the bytes.
    fan: usize,
    ids: usize,
    data: usize,
    /// More parents than two.
    edges: Option<(usize, usize)>,
    count: u32,
    /// Commits in the files below.
    below: u32,
}

impl CommitGraph {
    /// The graph of this `objects` folder; an empty one when there is none that can be used.
    pub fn open(objects: &Path, hash: Hash) -> CommitGraph {
        let info = objects.join("info");
        if let Ok(bytes) = regular::read(&info.join("commit-graph"), LARGEST) {
            return CommitGraph::parse(vec![bytes], hash).unwrap_or_default();
        }
        let chain = info.join("commit-graphs");
        let names = regular::read(&chain.join("commit-graph-chain"), LARGEST).unwrap_or_default();
        let names = String::from_utf8(names).unwrap_or_default();
        let name = |line: &str| line.trim().parse::<Id>().ok().map(|id| format!("graph-{id}.graph"));
        let names: Option<Vec<String>> = names.lines().take(LONGEST_CHAIN + 1).map(name).collect();
        let files = names.filter(|names| names.len() <= LONGEST_CHAIN).and_then(|names| {
            names.iter().map(|name| regular::read(&chain.join(name), LARGEST).ok()).collect::<Option<Vec<_>>>()
        });
        files.and_then(|files| CommitGraph::parse(files, hash)).unwrap_or_default()
    }

    /// The graph in these files, the lowest of the chain first.
    pub fn parse(files: Vec<Vec<u8>>, hash: Hash) -> Option<CommitGraph> {
        let mut graph = CommitGraph::default();
        for (at, bytes) in files.into_iter().enumerate() {
            let below = graph.files.last().map_or(Some(0), |file| file.below.checked_add(file.count))?;
            graph.files.push(File::parse(bytes, hash, at, below)?);
        }
        Some(graph)
    }

    /// Whether it knows nothing.
    pub fn is_empty(&self) -> bool {
        self.files.iter().all(|file| file.count == 0)
    }

    /// What it knows of a commit.
    pub fn find(&self, id: &Id) -> Option<Known> {
        let (file, at) = self.files.iter().rev().find_map(|file| Some((file, file.position(id)?)))?;
        let width = file.hash.width();
        let record = file.bytes.get(file.data + at as usize * (width + 16)..)?.get(..width + 16)?;
        let (tree, numbers) = record.split_at_checked(width)?;
        let (first, second) = (number(numbers)?, number(numbers.get(4..)?)?);
        let (high, low) = (number(numbers.get(8..)?)?, number(numbers.get(12..)?)?);
        let mut parents = Vec::new();
        if first != NONE {
            parents.push(self.id(first)?);
        }
        match second {
            NONE => {}
            list if list & MARK != 0 => file.more_parents(list & !MARK, &mut |at| {
                parents.push(self.id(at)?);
                Some(())
            })?,
            at => parents.push(self.id(at)?),
        }
        let generation = Some(high >> 2).filter(|generation| (1..HIGHEST).contains(generation));
        let time = i64::from(high & 3) << 32 | i64::from(low);
        Some(Known { tree: Id::new(tree)?, parents, time, generation })
    }

    /// The id of a commit by its place in the whole chain.
    fn id(&self, at: u32) -> Option<Id> {
        let file = self.files.iter().rev().find(|file| at >= file.below)?;
        file.id(at - file.below)
    }
}

impl File {
    /// `at` files of the chain lie below this one, with `below` commits.
    fn parse(bytes: Vec<u8>, hash: Hash, at: usize, below: u32) -> Option<File> {
        let (header, table) = bytes.split_first_chunk::<HEADER>()?;
        let [b'C', b'G', b'P', b'H', 1, kind, chunks, bases] = *header else { return None };
        if kind != (if hash == Hash::Sha1 { 1 } else { 2 }) || usize::from(bases) != at {
            return None;
        }
        let end = bytes.len().checked_sub(hash.width())?;
        let (mut fan, mut ids, mut data, mut edges) = (None, None, None, None);
        for chunk in 0..usize::from(chunks) {
            let line = table.get(chunk * CHUNK..)?;
            let start = usize::try_from(long(line.get(4..)?)?).ok()?;
            let stop = usize::try_from(long(line.get(CHUNK + 4..)?)?).ok()?;
            let length = stop.checked_sub(start).filter(|_| stop <= end)?;
            let place = match line.get(..4)? {
                b"OIDF" => &mut fan,
                b"OIDL" => &mut ids,
                b"CDAT" => &mut data,
                b"EDGE" => &mut edges,
                _ => continue,
            };
            *place = Some((start, length));
        }
        let ((fan, fans), (ids, names), (data, records)) = (fan?, ids?, data?);
        let count = number(bytes.get(fan + 255 * 4..)?)?;
        let width = hash.width();
        let fits = fans == 256 * 4 && names == count as usize * width && records == count as usize * (width + 16);
        // Places of parents have 31 bits, and some of them mean something else.
        let total = below.checked_add(count)?;
        (fits && total < NONE).then_some(File { bytes, hash, fan, ids, data, edges, count, below })
    }

    fn id(&self, at: u32) -> Option<Id> {
        let width = self.hash.width();
        let at = Some(at as usize).filter(|_| at < self.count)?;
        Id::new(self.bytes.get(self.ids + at * width..)?.get(..width)?)
    }

    /// Where a commit stands, by the first byte of its id and then by halves.
    fn position(&self, id: &Id) -> Option<u32> {
        let wanted = id.as_bytes();
        let first = usize::from(*wanted.first()?);
        let fan = |byte: usize| number(self.bytes.get(self.fan + byte * 4..)?);
        let (mut low, mut high) = (if first == 0 { 0 } else { fan(first - 1)? }, fan(first)?.min(self.count));
        while low < high {
            let middle = low + (high - low) / 2;
            let width = self.hash.width();
            let other = self.bytes.get(self.ids + middle as usize * width..)?.get(..width)?;
            match other.cmp(wanted) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The second parent and those behind it, from a list that its last one ends.
    fn more_parents(&self, first: u32, give: &mut dyn FnMut(u32) -> Option<()>) -> Option<()> {
        let (start, length) = self.edges?;
        let list = self.bytes.get(start..)?.get(..length)?.get(first as usize * 4..)?;
        for word in list.as_chunks::<4>().0 {
            let word = u32::from_be_bytes(*word);
            give(word & !MARK)?;
            if word & MARK != 0 {
                return Some(());
            }
        }
        None
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

fn long(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.first_chunk()?))
}
