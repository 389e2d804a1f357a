//! What a tool packs comes out again, in any pieces; what is hostile or cut off is an error.

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use lzma_rust2::{XzOptions, XzWriter};
use std::io::Write;

const KINDS: [Kind; 4] = [Kind::Gzip, Kind::Zstd, Kind::Bzip2, Kind::Xz];

fn pack(kind: Kind, text: &[u8]) -> Vec<u8> {
    match kind {
        Kind::Gzip => {
            let mut writer = GzEncoder::new(Vec::new(), Compression::default());
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        }
        Kind::Zstd => ruzstd::encoding::compress_to_vec(text, ruzstd::encoding::CompressionLevel::Fastest),
        Kind::Bzip2 => {
            let mut writer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        }
        Kind::Xz => {
            let mut writer = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
            writer.write_all(text).unwrap();
            writer.finish().unwrap()
        }
    }
}

fn unpack(kind: Kind, packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    reader(kind, packed).read_to_end(&mut text).map(|_| text)
}

fn text() -> Vec<u8> {
    (0..300_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 27) as u8 + b'a').collect()
}

#[test]
fn each_kind_is_known_and_unpacked() {
    let text = text();
    for kind in KINDS {
        for text in [&text[..], b"", b"x"] {
            let packed = pack(kind, text);
            assert_eq!(kind_of(&packed), Some(kind));
            assert_eq!(unpack(kind, &packed).unwrap(), text, "{kind:?}");
            assert!(window(kind, &packed) <= SMALL, "{kind:?}");
            let twice = [packed.clone(), packed.clone()].concat();
            assert_eq!(unpack(kind, &twice).unwrap(), [text, text].concat(), "{kind:?} twice");
        }
    }
    for other in [&b""[..], b"BZh is how some texts start", b"\x1f\x8b\x07", b"PK\x03\x04"] {
        assert_eq!(kind_of(other), None, "{other:?}");
    }
}

#[test]
fn what_is_cut_off_or_changed_is_an_error() {
    let text = text();
    for kind in KINDS {
        let packed = pack(kind, &text);
        let cut = unpack(kind, &packed[..packed.len() / 2]).unwrap_err();
        assert_ne!(cut.kind(), ErrorKind::OutOfMemory, "{kind:?}: {cut}");
        let mut wrong = packed.clone();
        let at = packed.len() * 2 / 3;
        wrong[at] ^= 0x55;
        assert!(unpack(kind, &wrong).is_err(), "{kind:?}");
    }
}

#[test]
fn a_huge_window_is_refused_and_told_apart() {
    // A frame with a window of 2 GiB (RFC 8878, 3.1.1.1.2) and one empty last block.
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    assert_eq!(super::zstd::window(&zstd), Some(2 << 30));
    assert_eq!(window(Kind::Zstd, &zstd), WINDOW);
    assert_eq!(unpack(Kind::Zstd, &zstd).unwrap_err().kind(), ErrorKind::OutOfMemory);
    let mut xz = pack(Kind::Xz, b"x");
    // The dictionary's size stands behind the id of the filter; the header's check sum behind that.
    let at = xz.windows(2).position(|pair| pair == [0x21, 1]).unwrap() + 2;
    xz[at] = 36;
    let end = 12 + usize::from(xz[12]) * 4;
    let sum = crc32fast::hash(&xz[12..end]).to_le_bytes();
    xz[end..end + 4].copy_from_slice(&sum);
    assert_eq!(window(Kind::Xz, &xz), WINDOW);
    assert_eq!(xz_dictionary(&xz), Some(1 << 30));
    assert_eq!(unpack(Kind::Xz, &xz).unwrap_err().kind(), ErrorKind::OutOfMemory);
}

#[test]
fn frames_to_be_skipped_are_skipped() {
    let mut packed = vec![0x51, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    packed.extend(pack(Kind::Zstd, b"text"));
    assert_eq!(kind_of(&packed), Some(Kind::Zstd));
    assert_eq!(unpack(Kind::Zstd, &packed).unwrap(), b"text");
    assert!(unpack(Kind::Zstd, &packed[..10]).is_err());
}
