//! A delta that anybody may have written is applied or refused, as a plain reading of gitformat-pack(5) does it; what is
//! said to be copied from the base is there, in order. The first two bytes say how long the base is.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::source::git::pack::{SHORTEST_RUN, delta};

fuzz_target!(|data: &[u8]| {
    let [low, high, rest @ ..] = data else { return };
    let (base, delta) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
    let (mut out, mut runs) = (Vec::new(), Vec::new());
    let applied = delta::apply(base, delta, &mut out, &mut runs);
    assert_eq!(applied.is_ok().then_some(&out), plainly(base, delta).as_ref());
    if applied.is_err() {
        return;
    }
    let mut end = 0;
    for run in &runs {
        assert!(run.len >= SHORTEST_RUN && run.at >= end);
        assert_eq!(base[run.base..run.base + run.len], out[run.at..run.at + run.len]);
        end = run.at + run.len;
    }
});

/// The object, by the letter of the format.
fn plainly(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = delta.iter().copied();
    let mut size = || {
        let (mut size, mut shift) = (0u128, 0);
        loop {
            let byte = bytes.next()?;
            size |= u128::from(byte & 127) << shift;
            shift += 7;
            match byte & 128 {
                // Ten groups at most, and 64 bits.
                0 if shift <= 70 && size <= u128::from(u64::MAX) => return Some(size),
                0 => return None,
                _ if shift >= 70 => return None,
                _ => {}
            }
        }
    };
    let (from, to) = (size()?, size()?);
    if from != base.len() as u128 {
        return None;
    }
    let mut out = Vec::new();
    while let Some(op) = bytes.next() {
        if op == 0 {
            return None;
        }
        if op & 128 == 0 {
            for _ in 0..op {
                out.push(bytes.next()?);
            }
        } else {
            let (mut at, mut len) = (0, 0);
            for bit in 0..7 {
                if op >> bit & 1 == 1 {
                    let byte = usize::from(bytes.next()?);
                    if bit < 4 { at |= byte << (8 * bit) } else { len |= byte << (8 * (bit - 4)) }
                }
            }
            let len = if len == 0 { 0x10000 } else { len };
            out.extend_from_slice(base.get(at..at + len)?);
        }
        if out.len() as u128 > to {
            return None;
        }
    }
    (out.len() as u128 == to).then_some(out)
}
