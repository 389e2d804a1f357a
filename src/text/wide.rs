//! Text whose characters take two or four bytes: UTF-16 and UTF-32 of either byte order, known by its mark or by how its first
//! few KB lie.

/// How much of a text without a mark is looked at, in bytes.
pub const SAMPLE: usize = 4096;
/// Fewest units without a mark that are believed to be text.
const FEWEST: usize = 8;

/// How characters are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Wide {
    Utf16(Order),
    Utf32(Order),
}

/// Which byte of a unit comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Order {
    Little,
    Big,
}

impl Wide {
    /// Bytes of a unit.
    pub fn unit(self) -> usize {
        match self {
            Wide::Utf16(_) => 2,
            Wide::Utf32(_) => 4,
        }
    }
}

/// How the characters of `bytes` are written and where the first one starts; `None` when this is no wide text. (Marks: The
/// Unicode Standard 16.0, section 23.8; that of UTF-32 starts as that of UTF-16 does.)
pub fn of(bytes: &[u8]) -> Option<(Wide, usize)> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some((Wide::Utf32(Order::Little), 4)),
        [0, 0, 0xfe, 0xff, ..] => Some((Wide::Utf32(Order::Big), 4)),
        [0xff, 0xfe, ..] => Some((Wide::Utf16(Order::Little), 2)),
        [0xfe, 0xff, ..] => Some((Wide::Utf16(Order::Big), 2)),
        _ => guess(bytes).map(|wide| (wide, 0)),
    }
}

/// Mostly Latin text has zeros in the other bytes of its units, and hardly any in the lowest one.
fn guess(bytes: &[u8]) -> Option<Wide> {
    let sample = bytes.get(..SAMPLE).unwrap_or(bytes);
    memchr::memchr(0, sample)?;
    let (pairs, _) = sample.as_chunks::<2>();
    let zeros = |at: fn(&[u8; 2]) -> u8| pairs.iter().filter(|pair| at(pair) == 0).count();
    let (even, odd) = (zeros(|pair| pair[0]), zeros(|pair| pair[1]));
    let (most, few) = (pairs.len() * 7 / 10, pairs.len() / 20);
    if pairs.len() < FEWEST {
        None
    } else if odd > most && even <= few {
        Some(Wide::Utf16(Order::Little))
    } else if even > most && odd <= few {
        Some(Wide::Utf16(Order::Big))
    } else {
        let (quads, _) = sample.as_chunks::<4>();
        let latin = |at: fn(&[u8; 4]) -> [u8; 4]| {
            let of = |quad: &&[u8; 4]| matches!(at(quad), [b' '..|b'\t'| b'\r' | b'\n', 0, 0, 0]);
            quads.len() >= FEWEST && quads.iter().filter(of).count() > quads.len() * 7 / 10
        };
        let reversed = |quad: &[u8; 4]| [quad[3], quad[2], quad[1], quad[0]];
        let order = if latin(|quad| *quad) { Some(Order::Little) } else { latin(reversed).then_some(Order::Big) };
        // What is no character at all is no text.
        let all = |order| quads.iter().all(|quad| char(*quad, order).is_some());
        order.filter(|order| all(*order)).map(Wide::Utf32)
    }
}

/// The character of a unit of UTF-32.
pub fn char(quad: [u8; 4], order: Order) -> Option<char> {
    char::from_u32(match order {
        Order::Little => u32::from_le_bytes(quad),
        Order::Big => u32::from_be_bytes(quad),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_mark_and_by_how_it_lies() {
        let text = "password = é and more";
        for mark in ["", "\u{feff}"] {
            let marked = format!("{mark}{text}");
            for order in [Order::Little, Order::Big] {
                let units = marked.encode_utf16();
                let narrow: Vec<u8> = match order {
                    Order::Little => units.flat_map(u16::to_le_bytes).collect(),
                    Order::Big => units.flat_map(u16::to_be_bytes).collect(),
                };
                let chars = marked.chars().map(u32::from);
                let wide: Vec<u8> = match order {
                    Order::Little => chars.flat_map(u32::to_le_bytes).collect(),
                    Order::Big => chars.flat_map(u32::to_be_bytes).collect(),
                };
                let first = mark.chars().count();
                assert_eq!(of(&narrow), Some((Wide::Utf16(order), 2 * first)));
                assert_eq!(of(&wide), Some((Wide::Utf32(order), 4 * first)));
            }
        }
    }

    #[test]
    fn other_bytes_are_none() {
        for bytes in [
            &b"plain text, long enough to look at"[..],
            &[0; 64],
            &[0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3],
            &[1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0],
            b"a\0",
        ] {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
    }
}
