//! What a file is, by how it starts.

use super::tar;
use crate::source::unpack;

/// Bytes that are looked at: a block of a tar file.
pub(in crate::source) const HEAD: usize = 512;

/// Something that others lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::source) enum Kind {
    /// A packed stream.
    Packed(unpack::Kind),
    /// zip, and what is made of it: jar, war, docx, xlsx, apk, whl.
    Zip,
    Tar,
    SevenZip,
    /// Known, and not opened.
    Other(&'static str),
}

impl Kind {
    /// What a person calls it.
    pub fn label(self) -> &'static str {
        match self {
            Kind::Packed(kind) => kind.label(),
            Kind::Zip => "zip",
            Kind::Tar => "tar",
            Kind::SevenZip => "7z",
            Kind::Other(name) => name,
        }
    }
}

/// What starts like this; `first` are its first [`HEAD`] bytes, or all.
///
/// zip: APPNOTE.TXT 6.3.10, sections 4.3.7 (a member) and 4.3.16 (none). 7z: 7zFormat.txt of LZMA SDK 24.09. RAR: technote
/// of RAR 5.0. LZ4: frame format 1.6.4. lzip: its manual, "File format". All read 2026-11-20.
pub(in crate::source) fn kind_of(first: &[u8]) -> Option<Kind> {
    match first {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] if first.len() >= 22 => Some(Kind::Zip),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some(Kind::SevenZip),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Some(Kind::Other("RAR")),
        [4, 0x22, 0x4d, 0x18, ..] => Some(Kind::Other("LZ4")),
        [b'L', b'Z', b'I', b'P', 1, ..] => Some(Kind::Other("lzip")),
        _ => match unpack::kind_of(first) {
            Some(kind) => Some(Kind::Packed(kind)),
            None => tar::starts(first).then_some(Kind::Tar),
        },
    }
}
