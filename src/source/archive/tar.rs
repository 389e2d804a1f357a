//! tar, as a stream: the blocks of POSIX.1-2024's pax ("ustar Interchange Format", "pax Header Block") and of the manual of
//! GNU tar 1.35 ("Basic Tar Format"), read 2026-11-20.
//!
//! Members are read as they lie: holes of sparse ones are not put back, for nothing is in them. Links, folders and devices
//! have no content. What stands behind the mark of the end is read too, be it a second tar or anything else.

use super::ahead::{Ahead, Exactly};
use super::{At, Gives, Opener, Stop, Watched};
use std::io::{self, ErrorKind, Read};

/// Everything in a tar lies in such blocks.
pub(super) const BLOCK: usize = 512;
/// Bytes of a name, or of a list of properties, that are kept; the rest is passed over.
const MOST: u64 = 64 << 10;

/// Reads every member.
pub(super) fn read(opener: &Opener<'_>, at: &At, ahead: &mut Ahead<&mut dyn Read>) -> Result<(), Stop> {
    let fails = |error: io::Error| opener.fails(at, &error);
    let (mut properties, mut ended, mut image) = (Properties::default(), false, None);
    loop {
        let block = ahead.peek(BLOCK).map_err(fails)?;
        if block.is_empty() {
            return Ok(());
        }
        let blank = block.iter().all(|byte| *byte == 0);
        let (length, header) = (block.len() as u64, Header::parse(block));
        if header.is_none() && !blank {
            opener.between(at, ahead)?;
            let damaged = io::Error::new(ErrorKind::InvalidData, "after a member comes what is none");
            return if ended { Ok(()) } else { Err(fails(damaged)) };
        }
        ended = header.is_none();
        ahead.pass(length).map_err(fails)?;
        match header {
            Some(header) if header.is_about_next() => properties.learn(&header, ahead).map_err(fails)?,
            Some(header) => {
                let header = header.with(std::mem::take(&mut properties));
                let image = image.get_or_insert_with(|| opener.image(at, &header.name));
                let layer = image.as_ref().and_then(|image| image.layer(&header.name));
                let inside = at.member(&header.name);
                let inside = match layer {
                    Some(layer) => inside.of_layer(layer),
                    None => inside,
                };
                member(opener, [at, &inside], ahead, &header)?;
            }
            None => {}
        }
    }
}

/// Reads a member of what lies at `at`.
fn member(
    opener: &Opener<'_>,
    [at, inside]: [&At; 2],
    ahead: &mut Ahead<&mut dyn Read>,
    header: &Header,
) -> Result<(), Stop> {
    let mut sparse = header.sparse;
    while sparse {
        // More of the list of where the bytes lie (GNU): its last byte but seven says whether there is still more.
        let block = ahead.take_array::<BLOCK>().map_err(|error| opener.fails(at, &error))?;
        sparse = block.get(504).is_some_and(|more| *more != 0);
    }
    let size = header.content();
    let mut member = Exactly { inner: &mut *ahead, left: size };
    if size > 0 || header.is_file() {
        let mut watched = Watched { opener, at, inner: &mut member, gives: Gives::Stored };
        opener.content(inside, &mut watched)?;
    }
    let left = member.left;
    ahead.pass(left + padding(size)).map_err(|error| opener.fails(at, &error))
}

/// Bytes from the end of a member to the next block.
pub(super) fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// Whether a file starts as tar does.
pub(super) fn starts(first: &[u8]) -> bool {
    Header::parse(first).is_some()
}

/// What a header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub name: Vec<u8>,
    size: u64,
    kind: u8,
    /// Blocks with more places of a sparse file follow.
    sparse: bool,
}

impl Header {
    /// A header whose check sum holds.
    pub fn parse(block: &[u8]) -> Option<Header> {
        let block: &[u8; BLOCK] = block.first_chunk()?;
        let field = |at: usize, length: usize| block.get(at..at + length).unwrap_or_default();
        // Cheap, and false for nearly all that is no tar.
        if !field(148, 8).iter().all(|byte| matches!(byte, b'0'..=b'7' | b' ' | 0)) {
            return None;
        }
        let wanted = number(field(148, 8))?;
        let bytes = block.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte });
        let (plain, signed) =
            bytes.fold((0i64, 0i64), |(a, b), byte| (a + i64::from(byte), b + i64::from(byte.cast_signed())));
        // Old tars on some machines summed signed bytes.
        let wanted = i64::try_from(wanted).ok()?;
        if wanted != plain && wanted != signed {
            return None;
        }
        let (name, prefix) = (text(field(0, 100)), text(field(345, 155)));
        let ustar = field(257, 6) == b"ustar\0" && !prefix.is_empty();
        let name = if ustar { [prefix, b"/", name].concat() } else { name.to_vec() };
        let kind = block.get(156).copied()?;
        let sparse = kind == b'S' && block.get(482).is_some_and(|more| *more != 0);
        Some(Header { name, size: number(field(124, 12))?, kind, sparse })
    }

    /// Whether it says something of the member to come.
    fn is_about_next(&self) -> bool {
        matches!(self.kind, b'L' | b'K' | b'x' | b'g' | b'X')
    }

    fn is_file(&self) -> bool {
        !matches!(self.kind, b'1'..=b'6' | b'V')
    }

    /// Bytes of content that follow.
    pub fn content(&self) -> u64 {
        if self.is_file() { self.size } else { 0 }
    }

    fn with(self, properties: Properties) -> Header {
        let Properties { name, size } = properties;
        Header { name: name.unwrap_or(self.name), size: size.unwrap_or(self.size), ..self }
    }
}

/// What was said of the member to come.
#[derive(Debug, Default)]
struct Properties {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

impl Properties {
    fn learn(&mut self, header: &Header, ahead: &mut Ahead<&mut dyn Read>) -> io::Result<()> {
        let mut bytes = Vec::new();
        let kept = Exactly { inner: ahead, left: header.size.min(MOST) }.read_to_end(&mut bytes)?;
        ahead.pass(header.size - kept as u64 + padding(header.size))?;
        match header.kind {
            b'L' => self.name = Some(text(&bytes).to_vec()),
            b'x' | b'X' => self.pax(&bytes),
            _ => {}
        }
        Ok(())
    }

    /// Records of the form `length key=value\n`.
    fn pax(&mut self, mut bytes: &[u8]) {
        while let Some((length, rest)) = record(bytes) {
            let (whole, next) = bytes.split_at_checked(length).unwrap_or((bytes, b""));
            bytes = next;
            let record = whole.get(rest..).unwrap_or_default();
            let Some(equals) = memchr::memchr(b'=', record) else { continue };
            let (key, value) = record.split_at_checked(equals).unwrap_or_default();
            let value = value.get(1..).unwrap_or_default();
            let value = value.strip_suffix(b"\n").unwrap_or(value);
            match key {
                b"path" | b"GNU.sparse.name" => self.name = Some(value.to_vec()),
                b"size" => self.size = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()),
                _ => {}
            }
        }
    }
}

/// How long the first record is, and where its key starts.
fn record(bytes: &[u8]) -> Option<(usize, usize)> {
    let space = memchr::memchr(b' ', bytes.get(..20).unwrap_or(bytes))?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    (length > space).then_some((length, space + 1))
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Octal digits, with blanks around; or, when the first bit is set, a number of base 256 (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first @ 0x80.., rest)) = field.split_first() {
        let start = u64::from(first & 0x7f);
        return rest.iter().try_fold(start, |sum, byte| Some(sum.checked_mul(256)? + u64::from(*byte)));
    }
    let digits = text(field).trim_ascii();
    digits.iter().try_fold(0u64, |sum, digit| match digit {
        b'0'..=b'7' => Some(sum.checked_mul(8)? + u64::from(digit - b'0')),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_kinds() {
        for (field, want) in [
            (&b"0000644\0"[..], Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0", Some(0)),
            (b"0009", None),
            (&[0x80, 0, 0, 1, 0], Some(256)),
            (&[0xff; 12], None),
        ] {
            assert_eq!(number(field), want, "{field:?}");
        }
    }

    #[test]
    fn properties_of_pax() {
        let mut properties = Properties::default();
        properties.pax(b"16 path=a=b/c\nX\n12 size=400\n99999999999999999999 x=y\n");
        assert_eq!((properties.name.as_deref(), properties.size), (Some(&b"a=b/c\nX"[..]), Some(400)));
        for bad in [&b"0 \n"[..], b"2 \n", b"x y=z\n", b"12", b""] {
            Properties::default().pax(bad);
        }
    }

    #[test]
    fn text_is_no_tar() {
        assert!(!starts(&[b'0'; BLOCK]));
        assert!(!starts(&[b' '; BLOCK]));
        assert!(!starts(&[0; BLOCK]), "nor is nothing");
    }
}
