//! Amounts of bytes as people write them: `512MB`, `2GiB`, `65536`.

/// Units by their names: decimal ones of the SI, binary ones of IEC 80000-13.
const UNITS: [(&str, u64); 10] = [
    ("", 1),
    ("b", 1),
    ("k", 1_000),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tb", 1_000_000_000_000),
];

/// So many bytes; `None` for what is no amount.
pub fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim().to_ascii_lowercase();
    let (_, bytes) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        for (text, want) in [
            ("0", Some(0)),
            ("65536", Some(65_536)),
            ("512MB", Some(512_000_000)),
            ("512 mb", Some(512_000_000)),
            ("2GiB", Some(2 << 30)),
            ("1.5GB", None),
            ("MB", None),
            ("-1", None),
            ("9 weeks", None),
            ("99999999999TB", None),
        ] {
            assert_eq!(parse(text), want, "{text}");
        }
    }
}
