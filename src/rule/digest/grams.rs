//! The bytes by which a literal is met in a table: four at one offset, or the four at the next, so that one of the two stands
//! at an even place.

use super::Lead;

/// Four bytes that are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gram {
    /// The first three, the case of letters wiped out, the lowest first.
    pub first: u32,
    /// The lowest five bits of the fourth, as a set.
    pub fourths: u32,
    /// Where they stand, counted from the byte before the literal.
    pub at: u8,
}

/// Those of the four bytes at a literal's place and of the four at the next.
pub fn of(lead: &Lead) -> Vec<Gram> {
    let mut grams = Vec::new();
    for at in [lead.place, lead.place + 1] {
        let [one, two, three, four] = [0, 1, 2, 3].map(|offset| {
            let place = usize::from(at) + offset;
            let mask = if offset == 3 { 0x1f } else { 0xff };
            match place.checked_sub(1).and_then(|place| lead.bytes.get(place)) {
                // A known byte, of any case or not, is one byte folded.
                Some(byte) => vec![if offset == 3 { byte & mask } else { byte | 0x20 }],
                None => lead.bytes_at(place).folded(mask),
            }
        });
        let fourths = four.iter().fold(0, |bits, byte| bits | 1 << byte);
        for first in &one {
            for second in &two {
                for third in &three {
                    grams.push(Gram { first: u32::from_le_bytes([*first, *second, *third, 0]), fourths, at });
                }
            }
        }
    }
    grams
}
