//! Objects read from the database and taken apart.

use super::commit_graph::CommitGraph;
use super::id::{Hash, Id};
pub(super) use super::pack::Absent;
use super::pack::{self, Store};
use super::tree;
use crate::source::{self, Blob, Provenance};
use crate::text::lines::Position;
use crate::text::terminal::printable;
use jiff::Timestamp;
use memchr::{memchr, memmem};
use std::path::PathBuf;
use std::sync::Arc;

/// The object database.
pub(super) struct Objects {
    store: Store,
    /// Folders that are the repository's own: not those of stores that it borrows from.
    own: Vec<PathBuf>,
}

/// A commit's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub tree: Id,
    pub parents: Vec<Id>,
    /// The committer's time, in seconds since 1970.
    pub time: i64,
}

/// What is read of an object, and where it begins in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The bytes.
    pub bytes: Vec<u8>,
    offset: u64,
    first: Position,
}

impl Text {
    /// All of it.
    pub(super) fn whole(bytes: Vec<u8>) -> Text {
        Text { bytes, offset: 0, first: Position::FIRST }
    }

    /// Of a commit or a tag what people wrote: [`written`].
    pub(super) fn of_message(mut bytes: Vec<u8>) -> Text {
        let (skipped, lines) = unwritten(&bytes);
        bytes.drain(..skipped);
        Text { bytes, offset: skipped as u64, first: Position { line: 1 + lines, column: 1 } }
    }

    /// As it is looked at: places are those in the whole object (`git cat-file -p` shows it).
    pub fn blob(self, provenance: Provenance) -> Blob {
        Blob { offset: self.offset, first: self.first, ..Blob::whole(self.bytes, Arc::new(provenance)) }
    }
}

/// What a tree's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Blob,
    Tree,
    Submodule,
}

/// One entry of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub kind: Kind,
    pub name: Vec<u8>,
    pub id: Id,
}

impl Objects {
    /// Opens the database in its `own` folders, in `others`, and in the alternates of all of them.
    pub fn open(own: Vec<PathBuf>, others: Vec<PathBuf>, hash: Hash) -> Objects {
        let folders = [own.as_slice(), &others].concat();
        Objects { store: Store::open(&folders, hash), own }
    }

    /// Whether the object lies only in a store that others have too.
    pub fn is_borrowed(&self, id: Id) -> bool {
        !self.own.iter().any(|folder| self.store.lies_in(&id, folder))
    }

    /// Our own reader, for whoever reads many.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What git's commit-graph knows; a graph that borrowed objects come with is not looked for.
    pub fn graph(&self) -> CommitGraph {
        self.own.first().map(|folder| CommitGraph::open(folder, self.store.hash())).unwrap_or_default()
    }

    /// Whether the object is here.
    pub fn has(&self, id: Id) -> bool {
        self.store.has(&id)
    }

    /// The object whose id starts with these hexadecimal digits, when there is just one.
    pub fn by_prefix(&self, digits: &str) -> Option<Id> {
        self.store.by_prefix(digits)
    }

    /// Every object that is here, by id.
    pub fn all(&self) -> Vec<Id> {
        let mut ids: Vec<Id> = (0..self.store.count()).map(|number| self.store.id(number)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What kind of object it is.
    pub fn kind(&self, id: Id) -> Result<pack::Kind, Absent> {
        self.store.header(&id).map(|(kind, _)| kind)
    }

    /// A blob's bytes.
    pub fn blob(&self, id: Id) -> Result<Vec<u8>, Absent> {
        self.read(id, pack::Kind::Blob)
    }

    /// A tree as it is stored.
    pub fn tree_bytes(&self, id: Id) -> Result<Vec<u8>, Absent> {
        self.read(id, pack::Kind::Tree)
    }

    /// A tree's entries, in its order.
    pub fn tree(&self, id: Id) -> Result<Vec<Entry>, Absent> {
        let bytes = self.read(id, pack::Kind::Tree)?;
        entries(&bytes, id.hash()).ok_or_else(|| Absent::corrupt("not a tree"))
    }

    /// A commit's header.
    pub fn header(&self, id: Id) -> Result<Header, Absent> {
        header(&self.read(id, pack::Kind::Commit)?).ok_or_else(|| Absent::corrupt("not a commit"))
    }

    /// A commit as a report has it, and its text.
    pub fn commit(&self, id: Id) -> Result<(source::Commit, Text), Absent> {
        let bytes = self.read(id, pack::Kind::Commit)?;
        let (head, message) = split(&bytes);
        Ok((commit(id, head, message), Text::of_message(bytes)))
    }

    /// The text of a commit or a tag.
    pub fn message(&self, id: Id) -> Result<Text, Absent> {
        let kind = self.kind(id)?;
        self.read(id, kind).map(Text::of_message)
    }

    /// What an annotated tag names, and its text.
    pub fn tag(&self, id: Id) -> Result<(Id, Text), Absent> {
        let bytes = self.read(id, pack::Kind::Tag)?;
        let target = target(&bytes).ok_or_else(|| Absent::corrupt("not a tag"))?;
        Ok((target, Text::of_message(bytes)))
    }

    fn read(&self, id: Id, kind: pack::Kind) -> Result<Vec<u8>, Absent> {
        let object = self.store.read(&id)?;
        match object.kind == kind {
            true => Ok(object.bytes),
            false => Err(Absent::corrupt(&format!("a {} where a {} was named", object.kind.name(), kind.name()))),
        }
    }
}

/// What people wrote of a commit or a tag: its header but for the names of objects, and its message.
pub(super) fn written(bytes: &[u8]) -> &[u8] {
    bytes.get(unwritten(bytes).0..).unwrap_or_default()
}

/// How many bytes there are before that, and how many lines.
fn unwritten(bytes: &[u8]) -> (usize, u64) {
    let (mut at, mut lines) = (0, 0);
    while let Some(rest) = bytes.get(at..) {
        let Some(end) = memchr(b'\n', rest) else { break };
        let (word, value) = rest.split_at(memchr(b' ', rest).unwrap_or(end).min(end));
        let value = value.get(1..end - word.len()).unwrap_or_default();
        let plain = match word {
            b"tree" | b"parent" | b"object" => value.iter().all(u8::is_ascii_hexdigit) && value.len() <= 64,
            b"type" => matches!(value, b"commit" | b"tree" | b"blob" | b"tag"),
            _ => false,
        };
        if !plain {
            break;
        }
        (at, lines) = (at + end + 1, lines + 1);
    }
    (at, lines)
}

/// The lines of a header, and the message below the empty line.
pub(super) fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = memmem::find(bytes, b"\n\n");
    match end.and_then(|end| Some((bytes.get(..end)?, bytes.get(end + 2..)?))) {
        Some(halves) => halves,
        None => (bytes, b""),
    }
}

fn fields<'h>(head: &'h [u8], name: &'h [u8]) -> impl Iterator<Item = &'h [u8]> {
    head.split(|&b| b == b'\n').filter_map(move |line| line.strip_prefix(name)?.strip_prefix(b" "))
}

fn field<'h>(head: &'h [u8], name: &'h [u8]) -> Option<&'h [u8]> {
    fields(head, name).next()
}

fn oid(digits: &[u8]) -> Option<Id> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// A commit's header, from its bytes.
/// The lines that matter come first, up to the committer's, and nothing behind it is looked at.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let (mut tree, mut parents, mut time) = (None, Vec::new(), 0);
    let mut rest = bytes;
    loop {
        let (line, after) = rest.split_at(memchr(b'\n', rest).unwrap_or(rest.len()));
        if line.is_empty() {
            break;
        }
        if let Some(digits) = line.strip_prefix(b"tree ") {
            tree = tree.or(Some(digits));
        } else if let Some(digits) = line.strip_prefix(b"parent ") {
            parents.push(oid(digits)?);
        } else if let Some(line) = line.strip_prefix(b"committer ") {
            time = person(line).2;
            break;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    Some(Header { tree: oid(tree?)?, parents, time })
}

/// What an annotated tag names, from its bytes.
pub(super) fn target(bytes: &[u8]) -> Option<Id> {
    field(split(bytes).0, b"object").and_then(oid)
}

/// `Name <address> seconds zone`, as far as it is that.
fn person(line: &[u8]) -> (&[u8], &[u8], i64) {
    let open = line.iter().position(|&b| b == b'<').unwrap_or(line.len());
    let close = line.iter().rposition(|&b| b == b'>').unwrap_or(line.len()).max(open);
    let name = line.get(..open).unwrap_or_default().trim_ascii();
    let email = line.get(open + 1..close).unwrap_or_default();
    let rest = line.get(close + 1..).unwrap_or_default();
    let seconds = rest.split(|&b| b == b' ').find(|word| !word.is_empty());
    let seconds = seconds.and_then(|word| std::str::from_utf8(word).ok()?.parse().ok()).unwrap_or(0);
    (name, email, seconds)
}

fn commit(id: Id, head: &[u8], message: &[u8]) -> source::Commit {
    let (author, email, seconds) = person(field(head, b"author").unwrap_or_default());
    let lines: Vec<String> = message.trim_ascii().split(|&b| b == b'\n').map(printable).collect();
    source::Commit {
        id: id.to_string(),
        author: printable(author),
        email: printable(email),
        date: Timestamp::from_second(seconds).unwrap_or_default(),
        summary: lines.first().cloned().unwrap_or_default(),
        message: lines.join("\n"),
    }
}

/// `mode name NUL id`, again and again.
fn entries(mut rest: &[u8], hash: Hash) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let (line, tail) = tree::first(rest, hash.width())?;
        entries.push(Entry { kind: line.kind, name: line.name.to_vec(), id: line.id });
        rest = tail;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_taken_apart() {
        let id = "1".repeat(40);
        let text = format!(
            "tree {id}\nparent {id}\nparent {id}\nauthor A <B <a@b.c> 86400 +0200\ncommitter C <> 7 +0000\ngpgsig x\n y\n\n\x1bOne\n\ntwo\n"
        );
        let head = header(text.as_bytes()).unwrap();
        assert_eq!((head.parents.len(), head.time), (2, 7));
        let (head, message) = split(text.as_bytes());
        let commit = commit(id.parse().unwrap(), head, message);
        assert_eq!((commit.author.as_str(), commit.email.as_str()), ("A", "B <a@b.c"));
        assert_eq!(commit.date.to_string(), "1970-01-02T00:00:00Z");
        assert_eq!((commit.summary.as_str(), commit.message.as_str()), ("\\x1bOne", "\\x1bOne\n\ntwo"));
    }

    #[test]
    fn what_is_broken_is_said() {
        assert_eq!(header(b"tree zz\n\n"), None);
        assert_eq!(entries(b"100644 name\0short", Hash::Sha1), None);
        assert_eq!(entries(b"", Hash::Sha1), Some(Vec::new()));
        assert_eq!(person(b"nobody"), (&b"nobody"[..], &b""[..], 0));
    }
}
