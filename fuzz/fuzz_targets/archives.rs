//! Archives that anybody may have written: reading ends, comes to the same twice, and gives no more than it may. The first
//! byte says what is made to fit, or else no input would come further than a check sum: the headers of a tar, the start of a
//! 7z file; or nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::source::Item;
use stanch::source::archive::{self, Limits};

const LIMITS: Limits = Limits { depth: 4, size: 1 << 20, ratio: 1100 };

fuzz_target!(|data: &[u8]| {
    let Some((how, rest)) = data.split_first() else { return };
    let bytes = match how % 3 {
        0 => rest.to_vec(),
        1 => tar(rest.to_vec()),
        _ => seven(rest),
    };
    let (first, second) = (read(&bytes), read(&bytes));
    assert_eq!(first, second);
    let (given, told) = first;
    // Each byte of the file may be given once as it is; what is unpacked is bounded, but for the last piece.
    assert!(given <= (LIMITS.size + (1 << 17)) * 2 + bytes.len() as u64 * 5, "{given} of {}", bytes.len());
    assert!(told.len() <= 101);
});

fn read(bytes: &[u8]) -> (u64, Vec<String>) {
    let (mut given, mut told) = (0, Vec::new());
    archive::open(bytes, b"x", LIMITS, &mut |item| {
        match item {
            Item::Blob(blob) => given += blob.own.len() as u64,
            Item::Skipped(one) => told.push(format!("{one:?}")),
            Item::Commit | Item::Commits(_) => {}
        }
        true
    });
    (given, told)
}

/// Makes the check sum of every header hold, as far as one follows the other.
fn tar(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512) {
        let size = u16::from_le_bytes([header[124], header[125]]);
        header[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        at += 512 + usize::from(size).next_multiple_of(512);
    }
    bytes
}

/// Puts a start before it: the first half is packed, the second the header.
fn seven(bytes: &[u8]) -> Vec<u8> {
    let (packed, header) = bytes.split_at(bytes.len() / 2);
    let mut start = (packed.len() as u64).to_le_bytes().to_vec();
    start.extend((header.len() as u64).to_le_bytes());
    start.extend(crc32fast::hash(header).to_le_bytes());
    [b"7z\xbc\xaf\x27\x1c\0\x04", &crc32fast::hash(&start).to_le_bytes()[..], &start, bytes].concat()
}
