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
    // `+ 0.0` so that nothing is never -0.
    counts.into_iter().filter(|&count| count > 0).map(bits).sum::<f64>() + 0.0
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
