//! One file of an index: its header, its entries one behind the other, its extensions.

use super::{Broken, Entry};
use crate::source::git::id::{Hash, Id};

/// `DIRC`, the version, the number of entries.
const HEADER: usize = 12;
/// What stat(2) said of the file: times, device, inode, mode, owner, size.
const STAT: usize = 40;
/// Where the mode stands in it.
const MODE: usize = 24;
/// The flag that two more bytes of flags follow (version 3 and later).
const EXTENDED: u16 = 0x4000;
/// Of these: intent-to-add.
const ANNOUNCED: u16 = 0x2000;
/// Of these: skip-worktree.
const ABSENT: u16 = 0x4000;
/// The length of a path that is too long for its 12 bits.
const LONG: u16 = 0x0fff;
/// Entries from one mark to the next.
const EVERY: u32 = 64;

/// Longest path of version 4, in bytes: there a path can be longer than what is written of it.
const LONGEST: usize = 1 << 16;

/// A file's bytes, which were walked over once: its entries are where they should be.
#[derive(Debug)]
pub(super) struct File {
    bytes: Vec<u8>,
    hash: Hash,
    version: u32,
    count: u32,
    /// Where the entries end.
    end: usize,
    /// The first entry that does not stand behind the one before it.
    unordered: Option<u32>,
    /// Where every so many entries one starts ([`EVERY`]). Of version 4, where an entry needs those before it, none.
    marks: Vec<usize>,
}

/// An extension.
pub(super) struct Extension<'f> {
    pub name: [u8; 4],
    pub bytes: &'f [u8],
}

impl File {
    pub fn parse(bytes: Vec<u8>, hash: Hash) -> Result<File, Broken> {
        let version = match bytes.strip_prefix(b"DIRC").and_then(number) {
            None => return Err(Broken::NoIndex),
            Some(version @ 2..=4) => version,
            Some(version) => return Err(Broken::Version(version)),
        };
        let count = bytes.get(8..).and_then(number).ok_or(Broken::NoIndex)?;
        if bytes.len() < HEADER + hash.width() {
            return Err(Broken::NoIndex);
        }
        let mut file = File { bytes, hash, version, count, end: HEADER, unordered: None, marks: Vec::new() };
        let mut cursor = Cursor { checks: true, ..Cursor::start(&file) };
        let (mut at, mut unordered, mut marks) = (0, None, Vec::new());
        loop {
            if at % EVERY == 0 && version < 4 {
                marks.push(cursor.next);
            }
            match cursor.step() {
                Step::At { ordered } => {
                    if !ordered && unordered.is_none() {
                        unordered = Some(at);
                    }
                    at += 1;
                }
                Step::End => break,
                Step::Broken => return Err(Broken::Entry(at)),
            }
        }
        let end = cursor.next;
        (file.end, file.unordered, file.marks) = (end, unordered, marks);
        Ok(file)
    }

    pub fn hash(&self) -> Hash {
        self.hash
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    pub fn unordered(&self) -> Option<u32> {
        self.unordered
    }

    /// The bytes without the checksum.
    fn body(&self) -> &[u8] {
        let end = self.bytes.len().saturating_sub(self.hash.width());
        self.bytes.get(..end).unwrap_or_default()
    }

    /// What stands behind the entries: a name, a length, so many bytes.
    pub fn extensions(&self) -> Result<Vec<Extension<'_>>, Broken> {
        let mut rest = self.body().get(self.end..).unwrap_or_default();
        let mut found = Vec::new();
        while let Some((name, after)) = rest.split_first_chunk::<4>() {
            let broken = || Broken::Extension("(the last one)");
            let length = number(after).ok_or_else(broken)? as usize;
            let bytes = after.get(4..).and_then(|after| after.get(..length)).ok_or_else(broken)?;
            found.push(Extension { name: *name, bytes });
            rest = after.get(4 + length..).unwrap_or_default();
        }
        match rest.is_empty() {
            true => Ok(found),
            false => Err(Broken::Extension("(the last one)")),
        }
    }
}

/// A place in a file's entries. The entry is one of the bytes; only the paths of version 4, which share their beginnings,
/// are put together.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'f> {
    bytes: &'f [u8],
    width: usize,
    version: u32,
    left: u32,
    /// Where the next entry starts.
    next: usize,
    now: Option<Fixed<'f>>,
    span: &'f [u8],
    built: Vec<u8>,
    count: u32,
    marks: &'f [usize],
    /// Whether it looks at the order.
    checks: bool,
}

/// What stands before an entry's path.
#[derive(Debug, Clone, Copy)]
struct Fixed<'f> {
    mode: u32,
    id: &'f [u8],
    flags: u16,
    more: u16,
}

enum Step {
    At { ordered: bool },
    End,
    Broken,
}

impl<'f> Cursor<'f> {
    /// Before the first entry.
    fn start(file: &'f File) -> Cursor<'f> {
        Cursor {
            bytes: file.body(),
            width: file.hash.width(),
            version: file.version,
            left: file.count,
            next: HEADER,
            now: None,
            span: b"",
            built: Vec::new(),
            count: file.count,
            marks: &file.marks,
            checks: false,
        }
    }

    /// At the first entry.
    pub fn new(file: &'f File) -> Cursor<'f> {
        let mut cursor = Cursor::start(file);
        cursor.advance();
        cursor
    }

    /// The entry here; `None` behind the last one.
    pub fn entry(&self) -> Option<Entry<'_>> {
        let now = self.now.as_ref()?;
        Some(Entry {
            path: self.last_path(),
            id: Id::new(now.id)?,
            mode: now.mode,
            stage: stage(now.flags),
            announced: now.more & ANNOUNCED != 0,
            absent: now.more & ABSENT != 0,
        })
    }

    /// Its path.
    pub fn path(&self) -> Option<&[u8]> {
        self.now.as_ref()?;
        Some(self.last_path())
    }

    fn last_path(&self) -> &[u8] {
        if self.version == 4 { &self.built } else { self.span }
    }

    /// To the next entry.
    pub fn advance(&mut self) {
        if let Step::Broken = self.step() {
            // Walked over once already, so not here; an end is an end all the same.
            (self.now, self.left) = (None, 0);
        }
    }

    /// So many entries on.
    pub fn pass(&mut self, entries: u32) {
        let Some(here) = self.count.checked_sub(self.left + 1) else { return };
        let there = here.saturating_add(entries);
        let mut here = here;
        if there / EVERY > here / EVERY
            && let Some(mark) = self.marks.get((there / EVERY) as usize)
        {
            here = there / EVERY * EVERY;
            (self.next, self.left) = (*mark, self.count.saturating_sub(here));
            self.advance();
        }
        for _ in here..there {
            if self.now.is_none() {
                break;
            }
            self.advance();
        }
    }

    fn step(&mut self) -> Step {
        let before = self.now;
        self.now = None;
        let Some(left) = self.left.checked_sub(1) else { return Step::End };
        self.left = left;
        match self.read(before) {
            Some(ordered) => Step::At { ordered },
            None => Step::Broken,
        }
    }

    /// Reads the entry at `next`, and says whether it stands behind the one before.
    fn read(&mut self, before: Option<Fixed<'f>>) -> Option<bool> {
        let entry = self.bytes.get(self.next..)?;
        let (stat, rest) = entry.split_first_chunk::<STAT>()?;
        let (id, rest) = rest.split_at_checked(self.width)?;
        let (flags, mut rest) = rest.split_first_chunk::<2>()?;
        let flags = u16::from_be_bytes(*flags);
        let mut more = 0;
        if flags & EXTENDED != 0 {
            let (bytes, after) = rest.split_first_chunk::<2>()?;
            (more, rest) = (u16::from_be_bytes(*bytes), after);
            // What an unknown flag would mean is not known either; git refuses it too.
            if more & !(ANNOUNCED | ABSENT) != 0 {
                return None;
            }
        }
        let last = before.map(|before| stage(before.flags));
        let behind = |order: std::cmp::Ordering| match last {
            None => true,
            Some(last) => order.then(stage(flags).cmp(&last)).is_gt(),
        };
        let fixed = entry.len() - rest.len();
        let ordered;
        if self.version == 4 {
            let (drop, after) = varint(rest)?;
            let keep = self.built.len().checked_sub(drop)?;
            let length = after.iter().position(|byte| *byte == 0)?;
            let tail = after.get(..length)?;
            ordered = !self.checks || behind(tail.cmp(self.built.get(keep..)?));
            self.built.truncate(keep);
            if keep + length > LONGEST {
                return None;
            }
            self.built.extend_from_slice(tail);
            self.next = self.bytes.len() - after.len() + length + 1;
        } else {
            let length = match flags & LONG {
                LONG => rest.iter().position(|byte| *byte == 0)?,
                length => usize::from(length),
            };
            let path = rest.get(..length)?;
            // 1 to 8 zeros to the next multiple of 8.
            let size = (fixed + length + 8) & !7;
            if *entry.get(fixed + length..size)?.first()? != 0 {
                return None;
            }
            ordered = !self.checks || behind(path.cmp(self.span));
            self.span = path;
            self.next += size;
        }
        let mode = stat.get(MODE..).and_then(number)?;
        self.now = Some(Fixed { mode, id, flags, more });
        Some(ordered && !self.last_path().is_empty())
    }
}

fn stage(flags: u16) -> u8 {
    ((flags >> 12) & 3) as u8
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.first_chunk()?))
}

/// A number of 7 bits a byte, the highest first, with one added at each byte that goes on (gitformat-pack(5)).
fn varint(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0usize;
    for (at, byte) in bytes.iter().enumerate().take(4) {
        value |= usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(at + 1..)?));
        }
        value = (value + 1) << 7;
    }
    None
}
