//! zip, as a stream: each member where it lies, by the header before it, so that nothing needs to be sought and what the
//! directory at the end leaves out is seen all the same. APPNOTE.TXT 6.3.10, read 2026-11-20; sections are named below.
//!
//! Bytes between members are read as they are (a loader before them, a signature behind them, a comment). The directory is
//! compared: what it names and was not met is told, for it may lie in what was taken for something else.

use super::ahead::{Ahead, Exactly, Until};
use super::checked::{Broken, Checked};
use super::{At, Gives, Opener, SkipReason, Stop, Watched};
use crate::source::unpack;
use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read};

/// Marks of a member (4.3.7), of what may follow it (4.3.9), of an entry of the directory (4.3.12), of its end (4.3.16), and
/// of the same for big files (4.3.14, 4.3.15).
const MEMBER: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";

/// Members whose places are kept to compare them with the directory; with more, it is not compared.
const COMPARED: usize = 1 << 20;

/// Reads every member.
pub(super) fn read(opener: &Opener<'_>, at: &At, ahead: &mut Ahead<&mut dyn Read>) -> Result<(), Stop> {
    let mut zip = Zip { opener, at, ahead, met: BTreeSet::new(), shift: None, ended: false };
    while zip.next()? {}
    match zip.ended {
        true => Ok(()),
        false => Err(zip.fails(&io::Error::new(ErrorKind::UnexpectedEof, "it ends before its directory does"))),
    }
}

struct Zip<'z, 'o, 'r> {
    opener: &'z Opener<'o>,
    at: &'z At,
    ahead: &'z mut Ahead<&'r mut dyn Read>,
    /// Where members start.
    met: BTreeSet<u64>,
    /// How far behind where the directory says the members lie: something was put before them.
    shift: Option<u64>,
    /// The end of the directory was met.
    ended: bool,
}

impl Zip<'_, '_, '_> {
    /// Reads what comes next; `false` at the end.
    fn next(&mut self) -> Result<bool, Stop> {
        let place = self.ahead.passed;
        let mark = self.ahead.peek(MEMBER.len()).map_err(|error| self.opener.fails(self.at, &error))?;
        match <[u8; 4]>::try_from(mark) {
            Ok(MEMBER) => {
                if self.met.len() <= COMPARED {
                    self.met.insert(place);
                }
                self.member()?;
            }
            Ok(ENTRY) => self.entry()?,
            Ok(END) => self.end()?,
            Ok(END_64) => self.end_64()?,
            Ok(LOCATOR_64) => self.pass(20)?,
            _ if mark.is_empty() => return Ok(false),
            _ => self.gap()?,
        }
        Ok(true)
    }

    /// Reads one member.
    fn member(&mut self) -> Result<(), Stop> {
        let header = Header::read(self.ahead).map_err(|error| self.fails(&error))?;
        let at = self.at.member(&header.name);
        match header.unread() {
            None => self.content(&at, &header),
            Some((why, detail)) => {
                self.opener.tell(&at, why, detail);
                self.leave(&header, header.packed)
            }
        }
    }

    /// Unpacks a member, and goes to where the next starts.
    fn content(&mut self, at: &At, header: &Header) -> Result<(), Stop> {
        let opener = self.opener;
        // How many bytes of a member are left, when its header says how many there are.
        let left = match header.packed {
            Some(packed) => {
                let mut exactly = Exactly { inner: &mut *self.ahead, left: packed };
                let mut stored = Watched { opener, at: self.at, inner: &mut exactly, gives: Gives::Stored };
                unpacked(opener, at, header, &mut Ahead::new(&mut stored))?;
                Some(exactly.left)
            }
            None if header.method == STORED => {
                let ends = |seen: &[u8], count| describes(seen, count);
                let mut until = Until { inner: &mut *self.ahead, mark: &DESCRIPTOR, ends, count: 0, ended: false };
                unpacked(opener, at, header, &mut Ahead::new(&mut until))?;
                None
            }
            None => {
                unpacked(opener, at, header, self.ahead)?;
                None
            }
        };
        self.leave(header, left)
    }

    /// Passes over what is left of a member, and what follows it.
    fn leave(&mut self, header: &Header, left: Option<u64>) -> Result<(), Stop> {
        if let Some(left) = left {
            self.pass(left)?;
        }
        if !header.described {
            return Ok(());
        }
        let next = self.ahead.peek(28).map_err(|error| self.opener.fails(self.at, &error))?;
        let length = descriptor(next);
        self.pass(length)
    }

    /// Bytes that are of no member: read as they are, up to the next mark.
    fn gap(&mut self) -> Result<(), Stop> {
        let ends = |seen: &[u8], _| [MEMBER, ENTRY, END, END_64].iter().any(|mark| seen.starts_with(mark));
        let mut until = Until { inner: &mut *self.ahead, mark: b"PK", ends, count: 0, ended: false };
        self.opener.between(self.at, &mut until)
    }

    /// An entry of the directory: whether its member was met.
    fn entry(&mut self) -> Result<(), Stop> {
        let fixed = self.take::<46>()?;
        let [name, extra, comment] = [28, 30, 32].map(|at| u64::from(short(&fixed, at)));
        let name = self.bytes(name)?;
        let extra = self.bytes(extra)?;
        let mut place = u64::from(long(&fixed, 42));
        if place == u64::from(u32::MAX) {
            // Its place is the last of those numbers that did not fit (4.5.3), before that of the disk.
            let before = [20, 24].iter().filter(|at| long(&fixed, **at) == u32::MAX).count();
            place = field(&extra, 1).and_then(|wide| quad(wide, before * 8)).unwrap_or(place);
        }
        let shift = *self.shift.get_or_insert_with(|| self.met.first().map_or(0, |first| first.saturating_sub(place)));
        if self.met.len() <= COMPARED && !self.met.contains(&place.saturating_add(shift)) {
            let what = self.at.member(&name);
            self.opener.tell(&what, SkipReason::Damaged, "the directory names it, and it is not where that says");
        }
        self.comment(comment)
    }

    /// The end of the directory, and the comment behind it.
    fn end(&mut self) -> Result<(), Stop> {
        self.ended = true;
        let fixed = self.take::<22>()?;
        self.comment(u64::from(short(&fixed, 20)))
    }

    /// A comment, which is read as it is.
    fn comment(&mut self, length: u64) -> Result<(), Stop> {
        if length == 0 {
            return Ok(());
        }
        let mut comment = Exactly { inner: &mut *self.ahead, left: length };
        let mut watched = Watched { opener: self.opener, at: self.at, inner: &mut comment, gives: Gives::Stored };
        self.opener.between(self.at, &mut watched)
    }

    fn end_64(&mut self) -> Result<(), Stop> {
        let fixed = self.take::<12>()?;
        let length = quad(&fixed, 4).unwrap_or_default();
        self.pass(length)
    }

    fn bytes(&mut self, length: u64) -> Result<Vec<u8>, Stop> {
        let mut bytes = Vec::new();
        let read = Exactly { inner: &mut *self.ahead, left: length }.read_to_end(&mut bytes);
        read.map_err(|error| self.fails(&error))?;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        self.ahead.take_array().map_err(|error| self.opener.fails(self.at, &error))
    }

    fn pass(&mut self, count: u64) -> Result<(), Stop> {
        self.ahead.pass(count).map_err(|error| self.opener.fails(self.at, &error))
    }

    fn fails(&self, error: &io::Error) -> Stop {
        self.opener.fails(self.at, error)
    }
}

/// What stands before a member (4.3.7).
struct Header {
    name: Vec<u8>,
    method: u16,
    encrypted: bool,
    /// Sizes and check sum stand behind it (4.4.4, bit 3).
    described: bool,
    /// LZMA says itself where it ends (4.4.4, bit 1).
    marked: bool,
    sum: Option<u32>,
    /// Bytes that it takes here, when that is said.
    packed: Option<u64>,
    /// Bytes that it unpacks to, when that is said.
    size: Option<u64>,
}

const STORED: u16 = 0;
const DEFLATE: u16 = 8;
const LZMA: u16 = 14;
/// What encrypts as WinZip does (appendix E).
const AES: u16 = 99;

impl Header {
    fn read<R: Read>(ahead: &mut Ahead<R>) -> io::Result<Header> {
        let fixed = ahead.take_array::<30>()?;
        let [name, extra] = [26, 28].map(|at| u64::from(short(&fixed, at)));
        let (mut bytes, mut more) = (Vec::new(), Vec::new());
        Exactly { inner: &mut *ahead, left: name }.read_to_end(&mut bytes)?;
        Exactly { inner: &mut *ahead, left: extra }.read_to_end(&mut more)?;
        let (flags, method, sum) = (short(&fixed, 6), short(&fixed, 8), long(&fixed, 14));
        let [packed, size] = sizes(long(&fixed, 18), long(&fixed, 22), &more);
        let described = flags & 8 != 0;
        // Some write the sizes before it all the same.
        let known = !described || packed > 0;
        Ok(Header {
            name: bytes,
            method,
            encrypted: flags & 0x2041 != 0 || method == AES,
            described,
            marked: flags & 2 != 0,
            sum: (!described || sum != 0).then_some(sum),
            packed: known.then_some(packed),
            size: (known && (!described || size > 0)).then_some(size),
        })
    }

    /// Why it is not read.
    fn unread(&self) -> Option<(SkipReason, String)> {
        match self.method {
            _ if self.encrypted => Some((SkipReason::Encrypted, String::new())),
            STORED | DEFLATE => None,
            method if method != LZMA && stream(method).is_none() => {
                Some((SkipReason::Unsupported, format!("method {method} of zip")))
            }
            _ if self.packed.is_none() => {
                Some((SkipReason::Unsupported, "it is not said before it how long it is".to_owned()))
            }
            _ => None,
        }
    }
}

/// The methods that are streams of their own (4.4.5).
fn stream(method: u16) -> Option<unpack::Kind> {
    match method {
        12 => Some(unpack::Kind::Bzip2),
        93 => Some(unpack::Kind::Zstd),
        95 => Some(unpack::Kind::Xz),
        _ => None,
    }
}

/// Unpacks a member and looks at it.
fn unpacked<R: Read>(opener: &Opener<'_>, at: &At, header: &Header, packed: &mut Ahead<R>) -> Result<(), Stop> {
    let gives = if header.method == STORED { Gives::Stored } else { Gives::Unpacked };
    let decoder: io::Result<Box<dyn Read + '_>> = match (header.method, stream(header.method)) {
        (STORED, _) => Ok(Box::new(packed)),
        (LZMA, _) => lzma(opener, header, packed),
        (_, Some(kind)) => opener.decoder(kind, packed),
        _ => Ok(unpack::deflate(packed)),
    };
    let mut decoder = decoder.unwrap_or_else(|error| Box::new(Broken(Some(error))));
    let mut checked = Checked::new(&mut *decoder, header.sum);
    opener.content(at, &mut Watched { opener, at, inner: &mut checked, gives })
}

/// LZMA as it lies in a zip (5.8.8): a version, the length of the properties, the properties.
fn lzma<'r, R: Read>(opener: &Opener<'_>, header: &Header, packed: &'r mut Ahead<R>) -> io::Result<Box<dyn Read + 'r>> {
    let [_, _, 5, 0, properties @ ..] = packed.take_array::<9>()? else {
        return Err(ErrorKind::InvalidData.into());
    };
    let size = header.size.filter(|_| !header.marked);
    opener.widen(unpack::lzma_window(properties));
    unpack::lzma(packed, size, properties)
}

/// Sizes that do not fit stand in a field of their own (4.5.3), in this order.
fn sizes(packed: u32, size: u32, extra: &[u8]) -> [u64; 2] {
    let wide = field(extra, 1).unwrap_or_default();
    let full = |short: u32, at: usize| match short {
        u32::MAX => quad(wide, at).unwrap_or(u64::from(short)),
        short => u64::from(short),
    };
    let size_is_wide = usize::from(size == u32::MAX);
    [full(packed, 8 * size_is_wide), full(size, 0)]
}

/// One of the extra fields (4.5.1).
fn field(mut extra: &[u8], wanted: u16) -> Option<&[u8]> {
    while let [a, b, c, d, rest @ ..] = extra {
        let (field, next) = rest.split_at_checked(usize::from(u16::from_le_bytes([*c, *d])))?;
        if u16::from_le_bytes([*a, *b]) == wanted {
            return Some(field);
        }
        extra = next;
    }
    None
}

/// How long what stands behind a member is (4.3.9), by what comes next: its mark is optional, its sizes are of 4 or 8 bytes.
fn descriptor(next: &[u8]) -> u64 {
    let marked = next.starts_with(&DESCRIPTOR);
    let ends = |at: usize| next.get(at..).is_some_and(|next| next.starts_with(b"PK"));
    match marked {
        true if !ends(16) && ends(24) => 24,
        true => 16,
        false if ends(0) => 0,
        false if ends(12) => 12,
        false if ends(20) => 20,
        false => 0,
    }
}

/// Whether this stands behind a member of `count` bytes that lay as they are.
fn describes(seen: &[u8], count: u64) -> bool {
    let narrow = u64::from(long(seen, 8)) == count && long(seen, 12) == long(seen, 8);
    let wide = quad(seen, 8) == Some(count) && quad(seen, 16) == Some(count);
    narrow || wide
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u32::from_le_bytes)
}

fn quad(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().map(u64::from_le_bytes)
}
