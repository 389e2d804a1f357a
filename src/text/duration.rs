//! Durations as people write and read them.

use std::time::Duration;

/// Reads `250ms`, `5s`, `10m`, `24h`, `7d`, and sums such as `1h30m`. `0` alone is zero.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = Duration::ZERO;
    let mut any = false;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit_end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let millis = match rest.get(..unit_end)? {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        rest = rest.get(unit_end..)?;
        total = total.checked_add(Duration::from_millis(number.checked_mul(millis)?))?;
        any = true;
    }
    any.then_some(total)
}

/// A duration for a person: `84 ms`, `2.3 s`, `4 min 10 s`, `3 h 5 min`, `12 d 4 h`.
pub fn human(duration: Duration) -> String {
    let ms = duration.as_millis();
    let s = duration.as_secs();
    match s {
        0 => format!("{ms} ms"),
        1..60 => format!("{:.1} s", duration.as_secs_f64()),
        60..3600 => format!("{} min {} s", s / 60, s % 60),
        3600..172_800 if s % 3600 < 60 => format!("{} h", s / 3600),
        3600..172_800 => format!("{} h {} min", s / 3600, s % 3600 / 60),
        _ => format!("{} d {} h", s / 86_400, s % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, ms) in [("250ms", 250), ("5s", 5_000), ("1h30m", 5_400_000), ("7d", 604_800_000), ("0", 0)] {
            assert_eq!(parse(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "5", "s", "5 s", "-1s", "1y", "99999999999999999999d"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn writes_what_people_read() {
        for (ms, text) in
            [(84, "84 ms"), (2_300, "2.3 s"), (250_000, "4 min 10 s"), (11_100_000, "3 h 5 min"), (86_400_000, "24 h")]
        {
            assert_eq!(human(Duration::from_millis(ms)), text);
        }
    }
}
