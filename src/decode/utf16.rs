//! UTF-16 of either byte order, by its mark or by how its bytes lie, as UTF-8.

use super::{Chunk, Layer, Rate, Run};
use std::borrow::Cow;

/// How much of a blob without a mark is looked at, in bytes.
const SAMPLE: usize = 4096;
/// Fewest units without a mark that are believed to be text.
const FEWEST: usize = 8;

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// The text of a blob that is UTF-16. A unit that is half of nothing is U+FFFD, an odd last byte is left out.
pub(super) fn decode(bytes: &[u8]) -> Option<Chunk<'static>> {
    let (order, start) = order(bytes)?;
    let mut text = String::with_capacity(bytes.len() / 2);
    let mut runs: Vec<Run> = Vec::new();
    let units = bytes.get(start..)?.as_chunks::<2>().0.iter().map(|&pair| match order {
        Order::Little => u16::from_le_bytes(pair),
        Order::Big => u16::from_be_bytes(pair),
    });
    let mut blob = start;
    for unit in char::decode_utf16(units) {
        let c = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
        let rate = Rate::Character { view: c.len_utf8(), blob: c.len_utf16() * 2 };
        if runs.last().is_none_or(|run| run.rate != rate) {
            runs.push(Run { view: text.len(), blob, rate });
        }
        text.push(c);
        blob += c.len_utf16() * 2;
    }
    let block = 0..bytes.len();
    Some(Chunk { bytes: Cow::Owned(text.into_bytes()), layer: Layer::Utf16, block, runs })
}

/// The byte order and where the text starts; `None` when this is not UTF-16.
pub(super) fn order(bytes: &[u8]) -> Option<(Order, usize)> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => None, // UTF-32's mark
        [0xff, 0xfe, ..] => Some((Order::Little, 2)),
        [0xfe, 0xff, ..] => Some((Order::Big, 2)),
        _ => guess(bytes).map(|order| (order, 0)),
    }
}

/// Mostly Latin text has a zero in every other byte, and hardly any in the bytes between.
fn guess(bytes: &[u8]) -> Option<Order> {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    memchr::memchr(0, sample)?;
    let (pairs, _) = sample.as_chunks::<2>();
    let zeros = |at: fn(&[u8; 2]) -> u8| pairs.iter().filter(|pair| at(pair) == 0).count();
    let (even, odd) = (zeros(|pair| pair[0]), zeros(|pair| pair[1]));
    let (most, few) = (pairs.len() * 7 / 10, pairs.len() / 20);
    if pairs.len() < FEWEST {
        None
    } else if odd > most && even <= few {
        Some(Order::Little)
    } else if even > most && odd <= few {
        Some(Order::Big)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str, order: Order) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if order == Order::Little { unit.to_le_bytes() } else { unit.to_be_bytes() })
            .collect()
    }

    #[test]
    fn with_a_mark_and_without() {
        let text = "password = é𝄞 and more\r\n";
        for order in [Order::Little, Order::Big] {
            for mark in ["", "\u{feff}"] {
                let blob = encode(&format!("{mark}{text}"), order);
                let view = decode(&blob).unwrap();
                assert_eq!(view.bytes, text.as_bytes());
                for (at, c) in text.char_indices() {
                    let there = view.span(&(at..at + c.len_utf8()));
                    assert_eq!(blob[there], encode(&c.to_string(), order)[..], "{c:?} of {order:?}");
                }
                assert_eq!(view.span(&(0..text.len())), mark.encode_utf16().count() * 2..blob.len());
            }
        }
    }

    #[test]
    fn other_bytes_are_left_alone() {
        for bytes in [
            &b"plain text, long enough to look at"[..],
            &[0; 64],
            &[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3],
            b"a\0",
        ] {
            assert!(decode(bytes).is_none(), "{bytes:?}");
        }
    }
}
