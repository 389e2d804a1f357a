//! Objects read from the database and taken apart.

use super::id::Id;
use crate::source::{self, SkipReason, Skipped};
use crate::text::terminal::printable;
use git2::{ErrorCode, ObjectType, Odb, Oid};
use jiff::Timestamp;
use std::path::PathBuf;

/// Bigger blobs are reported as skipped, for one is held in memory whole.
const LARGEST: usize = 512 << 20;

/// The object database.
pub(super) struct Objects(Odb<'static>);

/// A commit's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub tree: Id,
    pub parents: Vec<Id>,
    /// The committer's time, in seconds since 1970.
    pub time: i64,
}

/// What a tree's entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Why an object was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Absent {
    pub why: SkipReason,
    pub detail: String,
}

impl Absent {
    fn corrupt(detail: &str) -> Absent {
        Absent { why: SkipReason::Corrupt, detail: detail.to_owned() }
    }

    /// As a report has it.
    pub fn skipped(self, what: String) -> Skipped {
        Skipped::asked(what, self.why, self.detail)
    }
}

impl Objects {
    /// Opens the database in these `objects` folders and their alternates.
    pub fn open(folders: &[PathBuf]) -> Result<Objects, String> {
        // An object whose id does not fit its bytes is still bytes to be scanned; zlib's own checksum finds damage.
        git2::opts::strict_hash_verification(false);
        let odb = Odb::new().map_err(|error| error.message().to_owned())?;
        for folder in folders {
            let path = folder.to_str().ok_or("its path is not UTF-8")?;
            odb.add_disk_alternate(path).map_err(|error| error.message().to_owned())?;
        }
        Ok(Objects(odb))
    }

    /// Whether the object is here.
    pub fn has(&self, id: Id) -> bool {
        known(id).is_ok_and(|id| self.0.exists(id))
    }

    /// The object whose id starts with these hexadecimal digits, when there is just one.
    pub fn by_prefix(&self, digits: &str) -> Option<Id> {
        let padded = format!("{digits:0<40}");
        self.0.exists_prefix(padded.parse().ok()?, digits.len()).ok().and_then(|found| Id::new(found.as_bytes()))
    }

    /// What kind of object it is.
    pub fn kind(&self, id: Id) -> Result<ObjectType, Absent> {
        self.0.read_header(known(id)?).map(|(_, kind)| kind).map_err(absent)
    }

    /// A blob's bytes.
    pub fn blob(&self, id: Id) -> Result<Vec<u8>, Absent> {
        let (size, _) = self.0.read_header(known(id)?).map_err(absent)?;
        if size > LARGEST {
            return Err(Absent { why: SkipReason::TooLarge, detail: format!("{size} bytes") });
        }
        self.read(id, ObjectType::Blob)
    }

    /// A tree as it is stored.
    pub fn tree_bytes(&self, id: Id) -> Result<Vec<u8>, Absent> {
        self.read(id, ObjectType::Tree)
    }

    /// A tree's entries, in its order.
    pub fn tree(&self, id: Id) -> Result<Vec<Entry>, Absent> {
        entries(&self.read(id, ObjectType::Tree)?).ok_or_else(|| Absent::corrupt("not a tree"))
    }

    /// A commit's header.
    pub fn header(&self, id: Id) -> Result<Header, Absent> {
        header(&self.read(id, ObjectType::Commit)?).ok_or_else(|| Absent::corrupt("not a commit"))
    }

    /// A commit as a report has it, and its message as it is.
    pub fn commit(&self, id: Id) -> Result<(source::Commit, Vec<u8>), Absent> {
        let bytes = self.read(id, ObjectType::Commit)?;
        let (head, message) = split(&bytes);
        Ok((commit(id, head, message), message.to_vec()))
    }

    /// What an annotated tag names, and its message.
    pub fn tag(&self, id: Id) -> Result<(Id, Vec<u8>), Absent> {
        let bytes = self.read(id, ObjectType::Tag)?;
        let (head, message) = split(&bytes);
        let target = field(head, b"object").and_then(oid).ok_or_else(|| Absent::corrupt("not a tag"))?;
        Ok((target, message.to_vec()))
    }

    fn read(&self, id: Id, kind: ObjectType) -> Result<Vec<u8>, Absent> {
        let object = self.0.read(known(id)?).map_err(absent)?;
        match object.kind() == kind {
            true => Ok(object.data().to_vec()),
            false => Err(Absent::corrupt(&format!("a {} where a {kind} was named", object.kind()))),
        }
    }
}

/// As libgit2 calls it: it knows SHA-1 only.
fn known(id: Id) -> Result<Oid, Absent> {
    Oid::from_bytes(id.as_bytes()).map_err(absent)
}

fn absent(error: git2::Error) -> Absent {
    match error.code() {
        ErrorCode::NotFound => Absent { why: SkipReason::Missing, detail: "not among the objects here".into() },
        _ => Absent::corrupt(error.message()),
    }
}

/// The lines of a header, and the message below the empty line.
fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
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

fn header(bytes: &[u8]) -> Option<Header> {
    let (head, _) = split(bytes);
    let tree = oid(field(head, b"tree")?)?;
    let parents = fields(head, b"parent").map(oid).collect::<Option<Vec<_>>>()?;
    let time = field(head, b"committer").map_or(0, |line| person(line).2);
    Some(Header { tree, parents, time })
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
fn entries(mut rest: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let space = rest.iter().position(|&b| b == b' ')?;
        let end = space + rest.get(space..)?.iter().position(|&b| b == 0)?;
        let kind = match rest.get(..space)? {
            b"40000" | b"040000" => Kind::Tree,
            b"160000" => Kind::Submodule,
            _ => Kind::Blob,
        };
        let name = rest.get(space + 1..end)?.to_vec();
        let id = Id::new(rest.get(end + 1..end + 21)?)?;
        entries.push(Entry { kind, name, id });
        rest = rest.get(end + 21..)?;
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
        assert_eq!(entries(b"100644 name\0short"), None);
        assert_eq!(entries(b""), Some(Vec::new()));
        assert_eq!(person(b"nobody"), (&b"nobody"[..], &b""[..], 0));
    }
}
