//! A reftable that anybody may have written is read or refused. Names stand in order, each one is found again, and its
//! logs have names of its kind. The first byte says what kind of names it has, and whether its footer's copy of the
//! header and its checksum are made right, so that what lies between is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::source::git::id::Hash;
use stanch::source::git::reftable::Table;
use std::ops::ControlFlow;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let hash = if kind & 1 == 0 { Hash::Sha1 } else { Hash::Sha256 };
    let mut bytes = data.to_vec();
    if kind & 2 == 0 {
        right(&mut bytes);
    }
    let Ok(table) = Table::parse(bytes, hash) else { return };
    let (mut last, mut known) = (Vec::new(), Vec::new());
    let read = table.refs(&mut |name, value| {
        assert!(!name.is_empty() && last.as_slice() < name);
        last = name.to_vec();
        if known.len() < 1000 {
            known.push((name.to_vec(), value));
        }
        ControlFlow::Continue(())
    });
    if read.is_ok() {
        for (name, value) in known {
            assert_eq!(table.find(&name), Ok(Some(value)));
        }
    }
    let mut last = Vec::new();
    let _ = table.logs(&mut |entry| {
        let key = [entry.name, b"\0", &entry.number.to_be_bytes()].concat();
        assert!(last < key);
        last = key;
        assert!(entry.change.is_none_or(|(old, new)| old.hash() == hash && new.hash() == hash));
        ControlFlow::Continue(())
    });
});

/// Makes the footer fit the header and its own bytes.
fn right(bytes: &mut [u8]) {
    let header = if bytes.get(4) == Some(&2) { 28 } else { 24 };
    let Some(foot) = bytes.len().checked_sub(header + 44).filter(|foot| *foot >= header) else { return };
    bytes.copy_within(..header, foot);
    let end = bytes.len() - 4;
    let sum = crc32fast::hash(&bytes[foot..end]);
    bytes[end..].copy_from_slice(&sum.to_be_bytes());
}
