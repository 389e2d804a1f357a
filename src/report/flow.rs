//! A report that comes one finding after another, as long as somebody looks: in the forms that a reader can take so.

use super::{Format, Options, Report, jsonl, text};
use crate::detect::Seen;
use crate::secret::Fingerprint;
use crate::validate::Judged;
use jiff::Timestamp;

/// Whether findings of this form can be told one by one.
pub fn flows(format: Format) -> bool {
    matches!(format, Format::Text | Format::Jsonl)
}

/// One finding, the `number`th.
pub fn finding(number: usize, judged: &Judged, now: Timestamp, format: Format, options: &Options) -> Vec<u8> {
    match format {
        Format::Jsonl => jsonl::one(judged, options),
        _ => text::one(number, judged, now, options),
    }
}

/// A finding that was told and was seen again: how often in all, and when.
pub fn again(fingerprint: Fingerprint, rule: &str, seen: Seen, format: Format) -> Vec<u8> {
    match format {
        Format::Jsonl => jsonl::again(fingerprint, rule, seen),
        _ => Vec::new(),
    }
}

/// What comes last: so many findings were told, at so many places. `report` has none of them.
pub fn end(report: &Report, findings: u64, places: u64, format: Format, options: &Options) -> Vec<u8> {
    match format {
        Format::Jsonl => jsonl::end(report, findings, options),
        _ => text::end(report, findings, places, options),
    }
}
