//! UTF-16 and UTF-32 of either byte order, as UTF-8.

use super::{Chunk, Layer, Rate, Run};
use crate::text::wide::{self, Order, Wide};
use std::borrow::Cow;

/// The text of a blob that is written like this from `start` on. A unit that is half of nothing, or no character, is U+FFFD;
/// what is no whole unit at the end is left out.
pub(super) fn decode(bytes: &[u8], wide: Wide, start: usize) -> Chunk<'static> {
    let units = bytes.get(start..).unwrap_or_default();
    let mut text = Text { text: String::with_capacity(units.len() / wide.unit()), runs: Vec::new(), blob: start };
    let layer = match wide {
        Wide::Utf16(order) => {
            let units = units.as_chunks::<2>().0.iter().map(|&pair| match order {
                Order::Little => u16::from_le_bytes(pair),
                Order::Big => u16::from_be_bytes(pair),
            });
            for unit in char::decode_utf16(units) {
                let c = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
                text.push(c, c.len_utf16() * 2);
            }
            Layer::Utf16
        }
        Wide::Utf32(order) => {
            let units = units.as_chunks::<4>().0;
            units.iter().for_each(|&quad| text.push(wide::char(quad, order).unwrap_or(char::REPLACEMENT_CHARACTER), 4));
            Layer::Utf32
        }
    };
    Chunk { bytes: Cow::Owned(text.text.into_bytes()), layer, block: 0..bytes.len(), runs: text.runs }
}

/// Text as it comes.
struct Text {
    text: String,
    runs: Vec<Run>,
    /// Where the next character starts in the blob.
    blob: usize,
}

impl Text {
    /// Adds a character that takes `bytes` in the blob.
    fn push(&mut self, c: char, bytes: usize) {
        let rate = Rate::Character { view: c.len_utf8(), blob: bytes };
        if self.runs.last().is_none_or(|run| run.rate != rate) {
            self.runs.push(Run { view: self.text.len(), blob: self.blob, rate });
        }
        self.text.push(c);
        self.blob += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(text: &str, wide: Wide) -> Vec<u8> {
        let units = text.encode_utf16();
        match wide {
            Wide::Utf16(Order::Little) => units.flat_map(u16::to_le_bytes).collect(),
            Wide::Utf16(Order::Big) => units.flat_map(u16::to_be_bytes).collect(),
            Wide::Utf32(Order::Little) => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            Wide::Utf32(Order::Big) => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        }
    }

    #[test]
    fn with_a_mark_and_without() {
        let text = "password = é𝄞 and more\r\n";
        for order in [Order::Little, Order::Big] {
            for (wide, mark) in
                [Wide::Utf16(order), Wide::Utf32(order)].into_iter().flat_map(|wide| [(wide, ""), (wide, "\u{feff}")])
            {
                let blob = encode(&format!("{mark}{text}"), wide);
                let (found, start) = wide::of(&blob).unwrap();
                assert_eq!(found, wide, "{mark:?}");
                let view = decode(&blob, found, start);
                assert_eq!(view.bytes, text.as_bytes());
                for (at, c) in text.char_indices() {
                    let there = view.span(&(at..at + c.len_utf8()));
                    assert_eq!(blob[there], encode(&c.to_string(), wide)[..], "{c:?} of {wide:?}");
                }
                assert_eq!(view.span(&(0..text.len())), start..blob.len());
            }
        }
    }

    #[test]
    fn what_is_no_character_stays_in_its_place() {
        let view = decode(b"a\0\0\0\xff\xff\xff\xffb\0\0\0c", Wide::Utf32(Order::Little), 0);
        assert_eq!(view.bytes, "a\u{fffd}b".as_bytes());
        assert_eq!(view.span(&(4..5)), 8..12);
    }
}
