//! When a line of a log was written, as the line itself says.
//!
//! Read only of lines in which something was found. Forms that are known, the first one in a line wins:
//!
//! - RFC 3339, and what is nearly that: `2026-11-20T12:00:00.5+01:00`, `2026-11-20 12:00:00,123` (Python, Java, PostgreSQL),
//!   `2026/11/20 12:00:00` (nginx' errors, Go). Syslog by RFC 5424 has it after its number.
//! - The Common Log Format, `[20/Nov/2026:12:00:00 +0000]` (Apache, nginx).
//! - `Nov 20 12:00:00` (syslog by RFC 3164, section 4.1.2), `Fri Nov 20 12:00:00.5 2026` (Apache's errors, C's `asctime`),
//!   `I1120 12:00:00.5` (klog). The first and the last have no year: it is the one that makes them not later than tomorrow.
//! - In JSON a string of these, or a number of seconds, milli-, micro- or nanoseconds since 1970, by the name of its field.
//! - `__REALTIME_TIMESTAMP=` of the journal (systemd's "Journal Export Formats", read 2026-11-20): microseconds.
//!
//! A time without a zone is taken for UTC: a log does not say which one its machine had.

use super::duration;
use jiff::Timestamp;
use memchr::memmem;

/// Bytes at the start of a line among which its time is looked for: before it there are a host, a user, a level.
const HEAD: usize = 256;
/// Names that fields of JSON give to a time, the surest first.
const FIELDS: &[&str] = &[
    "\"time\":",
    "\"timestamp\":",
    "\"@timestamp\":",
    "\"ts\":",
    "\"__REALTIME_TIMESTAMP\":",
    "\"datetime\":",
    "\"date\":",
    "\"eventTime\":",
    "\"asctime\":",
    "\"t\":",
];
/// The journal's own field.
const JOURNAL: &[u8] = b"__REALTIME_TIMESTAMP=";
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
const DAY: i64 = 86_400;

/// When `line` was written, if it says so. `now` tells the year where the line does not.
pub fn of_line(line: &[u8], now: Timestamp) -> Option<Timestamp> {
    if let Some(number) = line.strip_prefix(JOURNAL) {
        return epoch(number);
    }
    let json = line.trim_ascii_start().starts_with(b"{").then(|| of_json(line, now)).flatten();
    json.or_else(|| in_head(line, now))
}

/// The moment that a person means: `2h` ago, `2026-11-01` (its beginning, UTC), a moment by RFC 3339.
pub fn since(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(ago) = duration::parse(text) {
        return now.checked_sub(jiff::SignedDuration::try_from(ago).ok()?).ok();
    }
    let day = format!("{text}T00:00:00Z");
    let whole = match text.len() {
        10 => &day,
        _ => text,
    };
    whole.parse().ok()
}

fn of_json(line: &[u8], now: Timestamp) -> Option<Timestamp> {
    FIELDS.iter().find_map(|field| {
        let at = memmem::find(line, field.as_bytes())?;
        let value = line.get(at + field.len()..)?.trim_ascii_start();
        match value.strip_prefix(b"\"") {
            Some(text) => {
                let text = text.get(..memchr::memchr(b'"', text)?)?;
                epoch(text).filter(|_| text.iter().all(u8::is_ascii_digit)).or_else(|| in_head(text, now))
            }
            None => epoch(value),
        }
    })
}

/// The first time in the head of a line.
fn in_head(line: &[u8], now: Timestamp) -> Option<Timestamp> {
    let head = line.get(..HEAD).unwrap_or(line);
    let mut before = b' ';
    for (at, &byte) in head.iter().enumerate() {
        let apart = !before.is_ascii_alphanumeric();
        before = byte;
        if !apart || !byte.is_ascii_alphanumeric() {
            continue;
        }
        // The end of a time may lie behind the head.
        let rest = line.get(at..).unwrap_or_default();
        let found = match byte {
            b'0'..=b'9' => numeric(rest).or_else(|| common(rest)),
            _ => named(rest, now).or_else(|| klog(rest, now)),
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

/// `2026-11-20T12:00:00.5Z` and the like.
fn numeric(text: &[u8]) -> Option<Timestamp> {
    let mut text = Cursor(text);
    let year = text.number(4)?;
    let separator = text.one(b"-/")?;
    let month = text.number(2)?;
    text.one(&[separator])?;
    let day = text.number(2)?;
    text.one(b"Tt _")?;
    let time = text.clock()?;
    let zone = text.zone();
    stamp([year, month, day], time, zone)
}

/// `20/Nov/2026:12:00:00 +0000`, and `20 Nov 2026 12:00:00`.
fn common(text: &[u8]) -> Option<Timestamp> {
    let mut text = Cursor(text);
    let day = text.number(2)?;
    let separator = text.one(b"/ -")?;
    let month = text.month()?;
    text.one(&[separator])?;
    let year = text.number(4)?;
    text.one(b": ")?;
    let time = text.clock()?;
    let zone = text.zone();
    stamp([year, month, day], time, zone)
}

/// `Nov 20 12:00:00`, with the year behind it when there is one.
fn named(text: &[u8], now: Timestamp) -> Option<Timestamp> {
    let mut text = Cursor(text);
    let month = text.month()?;
    text.one(b" ")?;
    let day = text.padded()?;
    text.one(b" ")?;
    let time = text.clock()?;
    let mut behind = Cursor(text.0);
    match behind
        .one(b" ")
        .and_then(|_| behind.number(4))
        .filter(|_| !behind.0.first().is_some_and(u8::is_ascii_alphanumeric))
    {
        Some(year) if (1970..=2999).contains(&year) => stamp([year, month, day], time, 0),
        _ => without_year([month, day], time, now),
    }
}

/// `I1120 12:00:00.5`, as Kubernetes' own programs write.
fn klog(text: &[u8], now: Timestamp) -> Option<Timestamp> {
    let mut text = Cursor(text);
    text.one(b"IWEF")?;
    let (month, day) = (text.number(2)?, text.number(2)?);
    text.one(b" ")?;
    let time = text.clock()?;
    without_year([month, day], time, now)
}

/// The latest such time that is not later than tomorrow.
fn without_year([month, day]: [i64; 2], time: (i64, i32), now: Timestamp) -> Option<Timestamp> {
    let tomorrow = now.as_second() + DAY;
    let year = 1970 + now.as_second().div_euclid(365 * DAY + DAY / 4) + 1;
    let mut years = (0..10).filter_map(|back| stamp([year - back, month, day], time, 0));
    years.find(|at| at.as_second() <= tomorrow)
}

/// Seconds since 1970, or thousandths, millionths, billionths of them: by their size.
fn epoch(text: &[u8]) -> Option<Timestamp> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    let whole: i64 = std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok()?;
    let fraction = text.get(digits..).and_then(|rest| rest.strip_prefix(b".")).unwrap_or_default();
    match digits {
        9 | 10 => Timestamp::new(whole, Cursor(fraction).nanoseconds()).ok(),
        12 | 13 => Timestamp::from_millisecond(whole).ok(),
        15 | 16 => Timestamp::from_microsecond(whole).ok(),
        18 | 19 => Timestamp::from_nanosecond(i128::from(whole)).ok(),
        _ => None,
    }
}

/// The moment of a day of the Gregorian calendar, a time of day and a zone, both in seconds.
fn stamp([year, month, day]: [i64; 3], (second, nano): (i64, i32), zone: i64) -> Option<Timestamp> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1970..=9998).contains(&year) {
        return None;
    }
    // Days since 1970 of a year that begins with March, so that the day of a leap is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    Timestamp::new(days * DAY + second - zone, nano).ok()
}

/// What is left of a text.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn one(&mut self, of: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first().filter(|(first, _)| of.contains(first))?;
        self.0 = rest;
        Some(first)
    }

    /// A number of so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        let add = |sum: i64, b: &u8| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0'));
        let number = number.iter().try_fold(0, add)?;
        self.0 = rest;
        Some(number)
    }

    /// A number of two digits of which the first may be a space, or of one.
    fn padded(&mut self) -> Option<i64> {
        let _ = self.one(b" ");
        self.number(2).or_else(|| self.number(1))
    }

    fn month(&mut self) -> Option<i64> {
        let name = self.0.first_chunk::<3>()?;
        let month = (1..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
        self.0 = self.0.get(3..)?;
        Some(month)
    }

    /// A time of day: seconds and nanoseconds.
    fn clock(&mut self) -> Option<(i64, i32)> {
        let hour = self.number(2)?;
        self.one(b":")?;
        let minute = self.number(2)?;
        let second = match self.one(b":") {
            Some(_) => self.number(2)?,
            None => 0,
        };
        // A leap second counts as the one after it.
        let holds = hour < 24 && minute < 60 && second <= 60;
        let nano = if self.0.get(1).is_some_and(u8::is_ascii_digit) && self.one(b".,").is_some() {
            self.nanoseconds()
        } else {
            0
        };
        holds.then_some((hour * 3600 + minute * 60 + second, nano))
    }

    /// Digits behind a point.
    fn nanoseconds(&mut self) -> i32 {
        let (mut nano, mut unit) = (0, 100_000_000);
        while let Some(digit) = self.number(1) {
            nano += i32::try_from(digit).unwrap_or_default() * unit;
            unit /= 10;
        }
        nano
    }

    /// Seconds that the zone is before UTC; 0 when none is named.
    fn zone(&mut self) -> i64 {
        let _ = self.one(b" ");
        let sign = match self.one(b"+-") {
            Some(b'+') => 1,
            Some(_) => -1,
            None => return 0,
        };
        let Some(hours) = self.number(2) else { return 0 };
        let _ = self.one(b":");
        let minutes = self.number(2).unwrap_or_default();
        if hours > 18 || minutes > 59 { 0 } else { sign * (hours * 3600 + minutes * 60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, want: Option<&str>) {
        let now: Timestamp = "2026-11-20T12:30:00Z".parse().unwrap();
        let want: Option<Timestamp> = want.map(|want| want.parse().unwrap());
        assert_eq!(of_line(line.as_bytes(), now), want, "{line}");
    }

    #[test]
    fn the_forms_of_logs() {
        let noon = Some("2026-11-20T12:00:00Z");
        for line in [
            "2026-11-20T12:00:00Z GET /",
            "2026-11-20T13:00:00+01:00 GET /",
            "<34>1 2026-11-20T12:00:00Z host app - - -",
            "2026-11-20 12:00:00,000 INFO root: x",
            "[2026-11-20 12:00:00] x",
            "2026/11/20 12:00:00 [error] 7#7: *1 x",
            "level=info ts=2026-11-20T12:00:00Z msg=x",
            r#"10.0.0.1 - - [20/Nov/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 1"#,
            r#"10.0.0.1 - bob [20/Nov/2026:07:00:00 -0500] "GET / HTTP/1.1" 200 1"#,
            "Nov 20 12:00:00 host sshd[1]: x",
            "[Fri Nov 20 12:00:00 2026] [error] x",
            "I1120 12:00:00 1 main.go:7] x",
            r#"{"level":"info","ts":1795176000,"msg":"x"}"#,
            r#"{"ts":1795176000.0}"#,
            r#"{"time":1795176000000,"msg":"x"}"#,
            r#"{"timestamp": "2026-11-20T12:00:00Z"}"#,
            r#"{"log":"x\n","stream":"stdout","time":"2026-11-20T12:00:00Z"}"#,
            r#"{"__REALTIME_TIMESTAMP":"1795176000000000"}"#,
            "__REALTIME_TIMESTAMP=1795176000000000",
            "2026-11-20T12:00:00Z stdout F x",
        ] {
            check(line, noon);
        }
        check("2026-11-20 12:00:00.25 x", Some("2026-11-20T12:00:00.25Z"));
        check("[Fri Nov 20 12:00:00.5 2026] x", Some("2026-11-20T12:00:00.5Z"));
        check(r#"{"ts":1795176000.5}"#, Some("2026-11-20T12:00:00.5Z"));
    }

    #[test]
    fn a_year_that_is_not_said_is_not_in_the_future() {
        check("Nov 21 12:00:00 h x", Some("2026-11-21T12:00:00Z"));
        check("Nov 22 12:00:00 h x", Some("2025-11-22T12:00:00Z"));
        check("Dec  1 12:00:00 h x", Some("2025-12-01T12:00:00Z"));
        check("Jan 31 00:00:01 h x", Some("2026-01-31T00:00:01Z"));
    }

    #[test]
    fn since_when_people_mean() {
        let now: Timestamp = "2026-11-20T12:30:00Z".parse().unwrap();
        for (text, want) in [
            ("2h", Some("2026-11-20T10:30:00Z")),
            ("7d", Some("2026-11-13T12:30:00Z")),
            ("2026-11-01", Some("2026-11-01T00:00:00Z")),
            ("2026-11-01T12:00:00+02:00", Some("2026-11-01T10:00:00Z")),
            ("yesterday", None),
            ("2026-13-01", None),
            ("", None),
        ] {
            assert_eq!(since(text, now), want.map(|want| want.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_time() {
        for line in [
            "",
            "x",
            "10.0.0.1",
            "2026-13-20T12:00:00Z",
            "2026-11-20",
            "1.2026-11-20",
            "Nov 20",
            "    at a.b(C.java:12)",
        ] {
            check(line, None);
        }
        check(r#"{"ts":12}"#, None);
        check(r#"{"ts":"#, None);
    }
}
