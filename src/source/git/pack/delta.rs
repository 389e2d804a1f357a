//! Deltas: an object as copies from another one and bytes of its own (gitformat-pack(5), "Deltified representation").

use super::{Absent, LARGEST};

/// Copied runs shorter than this are not told: most copies are tiny, and what is near a run's ends is looked at again anyhow.
pub const SHORTEST_RUN: usize = 64;

/// Bytes that were copied unchanged from the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Where they begin in the base.
    pub base: usize,
    /// Where they begin in the object.
    pub at: usize,
    /// How many there are.
    pub len: usize,
}

/// The sizes of base and result at the begin of a delta, and the instructions behind them.
pub fn sizes(delta: &[u8]) -> Option<(u64, u64, &[u8])> {
    let (base, rest) = number(delta)?;
    let (result, rest) = number(rest)?;
    Some((base, result, rest))
}

/// Seven bits a byte, the lowest first.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * u32::try_from(at).ok()?;
        number |= bits.checked_shl(shift).filter(|more| more >> shift == bits)?;
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(at + 1..)?));
        }
    }
    None
}

/// Builds the object in `out` (emptied first), and in `runs` (too) what of it was copied: contiguous copies as one.
pub fn apply(base: &[u8], delta: &[u8], out: &mut Vec<u8>, runs: &mut Vec<Run>) -> Result<(), Absent> {
    out.clear();
    runs.clear();
    match sizes(delta) {
        Some((_, size, _)) if size > LARGEST as u64 => Err(Absent::too_large(size)),
        _ => follow(base, delta, out, runs).map_err(Absent::corrupt),
    }
}

fn follow(base: &[u8], delta: &[u8], out: &mut Vec<u8>, runs: &mut Vec<Run>) -> Result<(), &'static str> {
    let (from, to, mut rest) = sizes(delta).ok_or("its delta has no sizes")?;
    if from != base.len() as u64 {
        return Err("its delta is for a base of another size");
    }
    let to = usize::try_from(to).map_err(|_| "its delta makes too large an object")?;
    out.reserve_exact(to);
    let mut run = Run { base: 0, at: 0, len: 0 };
    while let Some((&op, tail)) = rest.split_first() {
        let room = to - out.len();
        if op & 0x80 == 0 {
            let len = usize::from(op);
            let (own, tail) = tail.split_at_checked(len).ok_or("its delta ends in the middle of bytes")?;
            if len == 0 || len > room {
                return Err("its delta has an instruction that cannot be");
            }
            out.extend_from_slice(own);
            rest = tail;
            continue;
        }
        let (offset, len, tail) = copy(op, tail).ok_or("its delta ends in the middle of a copy")?;
        let copied = base.get(offset..offset + len).filter(|_| len <= room);
        let copied = copied.ok_or("its delta copies what is not there")?;
        if offset == run.base + run.len && out.len() == run.at + run.len {
            run.len += len;
        } else {
            if run.len >= SHORTEST_RUN {
                runs.push(run);
            }
            run = Run { base: offset, at: out.len(), len };
        }
        out.extend_from_slice(copied);
        rest = tail;
    }
    if run.len >= SHORTEST_RUN {
        runs.push(run);
    }
    if out.len() == to { Ok(()) } else { Err("its delta makes fewer bytes than it says") }
}

/// The offset and length that a copy's flags announce: up to four and three bytes, the lowest first; what is left out is 0.
fn copy(op: u8, mut rest: &[u8]) -> Option<(usize, usize, &[u8])> {
    let mut take = |flag: u32| -> Option<usize> {
        if op >> flag & 1 == 0 {
            return Some(0);
        }
        let (&byte, tail) = rest.split_first()?;
        rest = tail;
        Some(usize::from(byte))
    };
    let offset = take(0)? | take(1)? << 8 | take(2)? << 16 | take(3)? << 24;
    let len = take(4)? | take(5)? << 8 | take(6)? << 16;
    Some((offset, if len == 0 { 0x10000 } else { len }, rest))
}
