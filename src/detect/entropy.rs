//! How mixed the bytes of a secret are.

/// Shannon entropy of `bytes`, in bits a byte: 0 for one byte repeated, at most 8.
pub fn shannon(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = bytes.len() as f64;
    let bits = |count: u32| {
        let share = f64::from(count) / total;
        -share * share.log2()
    };
    // In a token most bytes come as often as some other: the logarithm is taken once for each of the small counts.
    let few: [f64; 6] = std::array::from_fn(|count| bits(u32::try_from(count).unwrap_or_default()));
    let bits = |count: u32| few.get(count as usize).copied().unwrap_or_else(|| bits(count));
    // `+ 0.0` so that nothing is never -0.
    let used = counts.as_chunks::<8>().0.iter().filter(|eight| **eight != [0; 8]).flatten();
    used.filter(|count| **count > 0).map(|count| bits(*count)).sum::<f64>() + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        for (text, bits) in [("", 0.0), ("aaaa", 0.0), ("abab", 1.0), ("abcd", 2.0), ("aabc", 1.5)] {
            assert!((shannon(text.as_bytes()) - bits).abs() < 1e-9, "{text}");
        }
    }
}
