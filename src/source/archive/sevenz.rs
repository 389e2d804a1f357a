//! 7z: blocks of members packed together, and a header at the end that says which. 7zFormat.txt of the LZMA SDK 24.09, read
//! 2026-11-20.
//!
//! The header is sought, so a 7z file within something else is held in memory, when it is not bigger than [`HELD`]. What a
//! block holds is read as one stream, in which each member is the bytes behind the last one.

mod header;

use super::ahead::{Ahead, Exactly};
use super::checked::Checked;
use super::{At, Gives, Opener, SkipReason, Stop, Watched};
use crate::source::unpack;
use header::{Block, Coder, Header, Stream};
use std::io::{self, BufReader, Cursor, ErrorKind, Read, Seek, SeekFrom};

/// Bytes of a 7z file that lies in something else, and of a header, at most.
const HELD: u64 = 16 << 20;
/// Bytes before the first block.
const START: u64 = 32;

/// Reads every member.
pub(super) fn read(opener: &Opener<'_>, at: &At, ahead: &mut Ahead<&mut dyn Read>) -> Result<(), Stop> {
    if let Some(file) = opener.file.filter(|_| at.level == 0) {
        let whole = file.metadata().map_or(0, |found| found.len());
        opener.read.set(whole);
        return SevenZip { opener, at, source: BufReader::new(file) }.read();
    }
    let mut bytes = Vec::new();
    ahead.take(HELD + 1).read_to_end(&mut bytes).map_err(|error| opener.fails(at, &error))?;
    if bytes.len() as u64 > HELD {
        opener.tell(at, SkipReason::TooLarge, format!("of a 7z file in something else, {HELD} bytes are held at most"));
        return Ok(());
    }
    SevenZip { opener, at, source: Cursor::new(bytes) }.read()
}

struct SevenZip<'z, 'o, S> {
    opener: &'z Opener<'o>,
    at: &'z At,
    source: S,
}

impl<S: Read + Seek> SevenZip<'_, '_, S> {
    fn read(&mut self) -> Result<(), Stop> {
        let header = match self.header() {
            Ok(Ok(header)) => header,
            Ok(Err(unread)) => {
                self.opener.tell(self.at, unread.why, unread.detail);
                return Ok(());
            }
            Err(error) => return Err(self.opener.fails(self.at, &error)),
        };
        let mut streams = header.streams.into_iter();
        for block in &header.blocks {
            let members: Vec<Stream> = streams.by_ref().take(block.members).collect();
            self.block(block, &members)?;
        }
        Ok(())
    }

    /// The header, which may be packed itself.
    fn header(&mut self) -> io::Result<Result<Header, Unread>> {
        let mut start = [0; START as usize];
        self.source.seek(SeekFrom::Start(0))?;
        self.source.read_exact(&mut start)?;
        let number = |at: usize| start.get(at..).and_then(<[u8]>::first_chunk).copied().map_or(0, u64::from_le_bytes);
        let (place, size) = (number(12), number(20));
        let mut bytes = Vec::new();
        if size > HELD {
            return Err(io::Error::new(ErrorKind::OutOfMemory, "its header is too large"));
        }
        self.source.seek(SeekFrom::Start(START.saturating_add(place)))?;
        Exactly { inner: &mut self.source, left: size }.read_to_end(&mut bytes)?;
        // Packed once as a rule; more is not forbidden.
        for _ in 0..4 {
            match header::parse(&bytes)? {
                header::Parsed::Plain(header) => return Ok(Ok(header)),
                header::Parsed::Packed(block) => {
                    let size = block.size().min(HELD + 1);
                    let mut unpacked = match self.stream(&block)? {
                        Ok(unpacked) => unpacked,
                        Err(unread) => return Ok(Err(unread)),
                    };
                    bytes.clear();
                    unpacked.by_ref().take(size).read_to_end(&mut bytes)?;
                    if bytes.len() as u64 > HELD {
                        return Err(io::Error::new(ErrorKind::OutOfMemory, "its header is too large"));
                    }
                }
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    /// Reads the members of a block.
    fn block(&mut self, block: &Block, members: &[Stream]) -> Result<(), Stop> {
        let (opener, at) = (self.opener, self.at);
        let mut unpacked = match self.stream(block) {
            Ok(Ok(unpacked)) => unpacked,
            Ok(Err(Unread { why, detail })) => {
                members.iter().for_each(|one| opener.tell(&at.member(&one.name), why, &detail));
                return Ok(());
            }
            Err(error) => {
                members.iter().for_each(|one| opener.tell(&at.member(&one.name), reason(&error), &error));
                return Ok(());
            }
        };
        for (number, one) in members.iter().enumerate() {
            let within = at.member(&one.name);
            let mut exactly = Exactly { inner: &mut unpacked, left: one.size };
            let mut checked = Checked::new(&mut exactly, one.sum);
            let mut watched = Watched { opener, at: &within, inner: &mut checked, gives: Gives::Unpacked };
            opener.content(&within, &mut watched)?;
            if io::copy(&mut exactly, &mut io::sink()).is_err() {
                let lost = members.len() - number - 1;
                if lost > 0 {
                    let detail = format!("{lost} members are packed behind one that cannot be unpacked");
                    opener.tell(at, SkipReason::Damaged, detail);
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// What a block unpacks to.
    fn stream(&mut self, block: &Block) -> io::Result<Result<Box<dyn Read + '_>, Unread>> {
        let Some(coders) = block.chain() else {
            return Ok(Err(Unread::unsupported("streams of a block that run together (BCJ2)")));
        };
        if let Some(unread) = coders.iter().find_map(|(coder, _)| unread(coder)) {
            return Ok(Err(unread));
        }
        coders.iter().for_each(|(coder, _)| self.opener.widen(window(coder)));
        self.source.seek(SeekFrom::Start(START.saturating_add(block.place)))?;
        let mut stream: Box<dyn Read + '_> = Box::new(Exactly { inner: &mut self.source, left: block.packed });
        for (coder, size) in coders {
            stream = decoder(coder, size, stream)?;
        }
        Ok(Ok(stream))
    }
}

fn reason(error: &io::Error) -> SkipReason {
    if error.kind() == ErrorKind::OutOfMemory { SkipReason::TooLarge } else { SkipReason::Damaged }
}

/// Why a block is not read.
struct Unread {
    why: SkipReason,
    detail: String,
}

impl Unread {
    fn unsupported(what: impl std::fmt::Display) -> Unread {
        Unread { why: SkipReason::Unsupported, detail: what.to_string() }
    }
}

/// The names of the coders (Methods.txt of the LZMA SDK 24.09).
const COPY: &[u8] = &[0];
const DELTA: &[u8] = &[3];
const X86_NEW: &[u8] = &[4];
const ARM64: &[u8] = &[0xa];
const LZMA2: &[u8] = &[0x21];
const LZMA: &[u8] = &[3, 1, 1];
const X86: &[u8] = &[3, 3, 1, 3];
const DEFLATE: &[u8] = &[4, 1, 8];
const BZIP2: &[u8] = &[4, 2, 2];
const AES: &[u8] = &[6, 0xf1, 7, 1];

fn unread(coder: &Coder) -> Option<Unread> {
    match coder.name.as_slice() {
        COPY | DELTA | X86_NEW | ARM64 | LZMA2 | LZMA | X86 | DEFLATE | BZIP2 => None,
        AES => Some(Unread { why: SkipReason::Encrypted, detail: String::new() }),
        other => Some(Unread::unsupported(format_args!("method {other:x?} of 7z"))),
    }
}

fn window(coder: &Coder) -> u64 {
    match (coder.name.as_slice(), coder.properties.as_slice()) {
        (LZMA2, [property, ..]) => unpack::lzma2_window(*property),
        (LZMA, &[a, b, c, d, e, ..]) => unpack::lzma_window([a, b, c, d, e]),
        _ => 0,
    }
}

fn decoder<'r>(coder: &Coder, size: u64, packed: Box<dyn Read + 'r>) -> io::Result<Box<dyn Read + 'r>> {
    match (coder.name.as_slice(), coder.properties.as_slice()) {
        (COPY, _) => Ok(packed),
        (LZMA2, [property]) => unpack::lzma2(packed, *property),
        (LZMA, &[a, b, c, d, e]) => unpack::lzma(packed, Some(size), [a, b, c, d, e]),
        (DEFLATE, _) => Ok(unpack::deflate(BufReader::new(packed))),
        (BZIP2, _) => Ok(unpack::bzip2(packed)),
        (X86 | X86_NEW, _) => Ok(unpack::x86(packed)),
        (ARM64, _) => Ok(unpack::arm64(packed)),
        (DELTA, [distance]) => Ok(unpack::delta(packed, usize::from(*distance) + 1)),
        _ => Err(ErrorKind::InvalidData.into()),
    }
}
