//! Compressed bitmaps (EWAH, gitformat-bitmap(5), appendix A): runs of equal words and words as they are.

/// Which of the entries of a file are meant.
#[derive(Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// Reads a bitmap over `most` things from the beginning of `bytes`, and gives what follows it: the number of bits,
    /// the number of words, the words, where the last marker stands.
    pub fn parse(bytes: &[u8], most: u32) -> Option<(Bits, &[u8])> {
        let (_, rest) = bytes.split_first_chunk::<4>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let length = (u32::from_be_bytes(*count) as usize).checked_mul(8)?;
        let (words, rest) = rest.split_at_checked(length)?;
        let (_, rest) = rest.split_first_chunk::<4>()?;

        let room = most.div_ceil(64) as usize;
        let mut bits = Vec::new();
        let mut words = words.as_chunks::<8>().0.iter().map(|word| u64::from_be_bytes(*word));
        while let Some(marker) = words.next() {
            let run = usize::try_from((marker >> 1) & 0xffff_ffff).ok()?;
            let plain = usize::try_from(marker >> 33).ok()?;
            if marker & 1 == 1 {
                let end = bits.len().checked_add(run).filter(|end| *end <= room)?;
                bits.resize(end, u64::MAX);
            } else {
                // Zeros may go on behind the last thing.
                bits.resize(bits.len().saturating_add(run).min(room), 0);
            }
            for _ in 0..plain {
                match (words.next()?, bits.len() < room) {
                    (word, true) => bits.push(word),
                    (0, false) => {}
                    (_, false) => return None,
                }
            }
        }
        let beyond = bits.get(most as usize / 64).is_some_and(|word| word >> (most % 64) != 0);
        (!beyond).then_some((Bits(bits), rest))
    }

    /// Whether this one is meant.
    pub fn has(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// How many are meant.
    pub fn ones(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(words: &[u64]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 0];
        bytes.extend((words.len() as u32).to_be_bytes());
        words.iter().for_each(|word| bytes.extend(word.to_be_bytes()));
        bytes.extend([0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn runs_and_words() {
        // One word of ones, one as it is; then two words of zeros, one as it is.
        let bytes = bitmap(&[1 | 1 << 1 | 1 << 33, 0b101, 2 << 1 | 1 << 33, 1]);
        let (bits, rest) = Bits::parse(&bytes, 300).unwrap();
        assert!(rest.is_empty());
        let set: Vec<u32> = (0..300).filter(|n| bits.has(*n)).collect();
        assert_eq!(set, (0..65).chain([66, 256]).collect::<Vec<_>>());
        assert_eq!(bits.ones(), 67);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for words in [&[1 | 2 << 1][..], &[1 << 33], &[1 << 33, 1 << 63], &[1 | 0xffff_ffff << 1]] {
            assert!(Bits::parse(&bitmap(words), 63).is_none(), "{words:?}");
        }
        assert!(Bits::parse(&bitmap(&[0xffff_ffff << 1]), 63).is_some(), "zeros are nothing");
        assert!(Bits::parse(&bitmap(&[])[..10], 63).is_none());
    }
}
