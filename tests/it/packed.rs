//! Archives, packed streams and images of containers, made for tests. Zip and tar are written by hand, so that they can be
//! written wrong, too.

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use lzma_rust2::{XzOptions, XzWriter};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, EncoderConfiguration, EncoderMethod};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Write};

pub fn gzip(text: &[u8]) -> Vec<u8> {
    let mut writer = GzEncoder::new(Vec::new(), Compression::default());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

pub fn zstd(text: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest)
}

pub fn bzip2(text: &[u8]) -> Vec<u8> {
    let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

pub fn xz(text: &[u8]) -> Vec<u8> {
    let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

pub fn deflate(text: &[u8]) -> Vec<u8> {
    let mut writer = DeflateEncoder::new(Vec::new(), Compression::default());
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

/// A 7z file whose members are packed together, its header packed too.
pub fn seven(members: &[(&str, &[u8])], method: EncoderMethod) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new())).unwrap();
    writer.set_content_methods(vec![EncoderConfiguration::new(method)]);
    let entries = members.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
    let readers = members.iter().map(|(_, text)| sevenz_rust2::SourceReader::new(*text)).collect();
    writer.push_archive_entries(entries, readers).unwrap();
    writer.finish().unwrap().into_inner()
}

/// How a member of a zip is written.
#[derive(Clone, Copy, PartialEq)]
pub enum How {
    Stored,
    Deflated,
    /// Sizes and check sum behind it.
    StoredAsStream,
    DeflatedAsStream,
    /// As if it were encrypted.
    Encrypted,
    /// A method by its number, its bytes packed already.
    Method(u16),
}

/// A zip file.
pub fn zip(members: &[(&str, &[u8], How)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, text, how) in members {
        let place = out.len() as u32;
        let (method, packed) = match how {
            How::Stored | How::StoredAsStream | How::Encrypted => (0, text.to_vec()),
            How::Deflated | How::DeflatedAsStream => (8, deflate(text)),
            How::Method(method) => (*method, text.to_vec()),
        };
        let stream = matches!(how, How::StoredAsStream | How::DeflatedAsStream);
        let flags = u16::from(*how == How::Encrypted) | if stream { 8 } else { 0 };
        let sum = match how {
            How::Method(_) | How::Encrypted => 0,
            _ => crc32fast::hash(text),
        };
        let sizes = [sum, packed.len() as u32, text.len() as u32];
        let mut common = [20u16, flags, method, 0, 0].map(u16::to_le_bytes).concat();
        let known = if stream { [0; 3] } else { sizes };
        let named = [name.len() as u16, 0].map(u16::to_le_bytes).concat();
        out.extend(
            [b"PK\x03\x04", &common[..], &known.map(u32::to_le_bytes).concat(), &named, name.as_bytes()].concat(),
        );
        out.extend(&packed);
        if stream {
            out.extend([b"PK\x07\x08", &sizes.map(u32::to_le_bytes).concat()[..]].concat());
        }
        common.splice(0..0, 20u16.to_le_bytes());
        let rest = [0u16, 0, 0, 0, 0].map(u16::to_le_bytes).concat();
        directory
            .extend([b"PK\x01\x02", &common[..], &sizes.map(u32::to_le_bytes).concat(), &named[..2], &rest].concat());
        directory.extend([0, 0, 0, 0].iter().skip(2));
        directory.extend(place.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (place, count) = (out.len() as u32, members.len() as u16);
    out.extend(&directory);
    out.extend([b"PK\x05\x06", &[0; 4][..], &count.to_le_bytes(), &count.to_le_bytes()].concat());
    out.extend([(directory.len() as u32).to_le_bytes(), place.to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

/// One member of a tar with its padding.
pub fn tar_member(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = [&header[..], content].concat();
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

/// A tar file.
pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out: Vec<u8> = members.iter().flat_map(|(name, text)| tar_member(name, b'0', text)).collect();
    out.resize(out.len() + 1024, 0);
    out
}

pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
