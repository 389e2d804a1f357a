//! Records of logs put together, from any bytes: what is put together lies in the bytes it is said to lie in, whatever they
//! are, and what a line says of its time is read without fail.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use stanch::source::logs::records;
use stanch::source::{Blob, Provenance};
use stanch::text::{lines, moment};
use std::sync::Arc;

fuzz_target!(|data: &[u8]| {
    for line in data.split(|b| *b == b'\n') {
        let _ = moment::of_line(line, Timestamp::UNIX_EPOCH);
    }
    let blob = Blob::whole(data.to_vec(), Arc::new(Provenance::Stdin));
    let Some(joined) = records::joined(&blob) else { return };
    let map = joined.joined.as_ref().expect("it was put together");
    for at in 0..joined.bytes.len() {
        let (start, end, raw) = map.lies(&(at..at + 1));
        assert!(raw.start <= raw.end && raw.end <= data.len(), "{raw:?}");
        assert_eq!(start, lines::position(data, raw.start));
        assert!(end >= start);
        // What is one byte here and there is the same byte.
        let inside = raw.len() == 1 && map.lies(&(at..(at + 2).min(joined.bytes.len()))).2.len() == 2;
        assert!(!inside || data[raw.start] == joined.bytes[at] || data[raw.start].is_ascii_digit());
    }
});
