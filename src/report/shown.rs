//! What every format shows of a finding: the one place of the voice that can read a secret, and does so only when asked.

use super::Options;
use crate::detect::{Finding, Occurrence, Seen};
use crate::source::{Commit, Held, Provenance, SkipReason, Whereabouts};
use crate::text::terminal::printable;
use serde::Serialize;

/// The secret itself when it was asked for, its mask otherwise.
pub fn secret(finding: &Finding, options: &Options) -> String {
    match options.reveal {
        true => revealed(finding),
        false => finding.redacted.clone(),
    }
}

/// The line of an occurrence: masked, or with the secret in the place of its mask when that was asked for.
pub fn line(finding: &Finding, here: &Occurrence, options: &Options) -> String {
    match options.reveal {
        true => here.line.replace(&finding.redacted, &revealed(finding)),
        false => here.line.clone(),
    }
}

#[expect(clippy::disallowed_methods, reason = "--reveal: a person asked to see it")]
fn revealed(finding: &Finding) -> String {
    String::from_utf8_lossy(finding.credential.secret.expose()).into_owned()
}

/// The earliest commit that brought the credential, when it was found in a history.
pub fn first_commit(finding: &Finding) -> Option<&Commit> {
    let commits = finding.occurrences.iter().filter_map(|here| here.provenance.commit());
    commits.min_by_key(|commit| (commit.date, &commit.id))
}

/// How often and when it was seen, when that is more than its places tell: in a log.
pub fn seen(finding: &Finding) -> Option<Seen> {
    let more = finding.seen.places > finding.occurrences.len() as u64;
    (more || finding.seen.last.is_some()).then_some(finding.seen)
}

/// All places of it, told one by one or not.
pub fn places_of(finding: &Finding) -> u64 {
    finding.seen.places.max(finding.occurrences.len() as u64)
}

/// What still leads to the credential, by the occurrence that is held most firmly; `None` outside of a whole history.
pub fn held(finding: &Finding) -> Option<String> {
    let known = finding.occurrences.iter().filter_map(|here| here.provenance.whereabouts());
    let Whereabouts { held, refs, more_refs, .. } = known.min_by_key(|known| known.held)?;
    let names = format!("{}{}", refs.join(", "), if *more_refs { " and more" } else { "" });
    Some(match held {
        Held::Reachable => format!("by {names}"),
        Held::Notes => format!("only by notes: {names}"),
        Held::Stash => format!("only by the stash: {names}"),
        Held::Reflog => format!("only by the log of {names}"),
        Held::Index => format!("only by what is staged: {names}"),
        Held::Shared => {
            "by nothing here: it lies in a shared object store that this repository borrows from".to_owned()
        }
        Held::Unreachable => "by nothing: it stays in the repository until `git gc` removes it".to_owned(),
    })
}

/// Where an object of a history lay and what leads to it, as JSON has it.
#[derive(Debug, Serialize)]
pub struct WhereaboutsView<'a> {
    held: Held,
    refs: &'a [String],
    more_refs: bool,
    paths: Vec<String>,
    other_paths: u32,
    more_paths: bool,
}

/// What is known of an occurrence in a whole history.
pub fn whereabouts(provenance: &Provenance) -> Option<WhereaboutsView<'_>> {
    let known = provenance.whereabouts()?;
    Some(WhereaboutsView {
        held: known.held,
        refs: &known.refs,
        more_refs: known.more_refs,
        paths: known.paths.iter().map(|path| printable(path)).collect(),
        other_paths: known.other_paths,
        more_paths: known.more_paths,
    })
}

/// What kind of place an occurrence is: `file`, `layer`, `stdin`, `log`, `history`, `staged`.
pub fn kind(provenance: &Provenance) -> &'static str {
    match provenance {
        Provenance::File { .. } => "file",
        Provenance::Layer { .. } => "layer",
        Provenance::Stdin => "stdin",
        Provenance::Log { .. } => "log",
        Provenance::History { .. } => "history",
        Provenance::Staged { .. } => "staged",
    }
}

/// The one word for why something was not read, as in JSON.
pub fn word(why: SkipReason) -> String {
    serde_json::to_value(why).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The path as people write it: without a leading `./`.
pub fn path(provenance: &Provenance) -> String {
    let path = provenance.path();
    path.strip_prefix("./").map(str::to_owned).unwrap_or(path)
}

/// The first seven digits of a commit's or blob's id.
pub fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}

/// A number with its digits in threes: `1,234,567`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes for a person, in powers of ten: `812 B`, `45.6 MB`.
pub fn size(bytes: u64) -> String {
    let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match units.into_iter().find(|(_, one)| bytes >= *one) {
        Some((unit, one)) => format!("{:.1} {unit}", bytes as f64 / one as f64),
        None => format!("{bytes} B"),
    }
}

/// `1 file`, `2 files`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        for (number, want) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), want);
        }
        for (bytes, want) in [(812, "812 B"), (45_600_000, "45.6 MB"), (1_500, "1.5 kB"), (2_000_000_000, "2.0 GB")] {
            assert_eq!(size(bytes), want);
        }
        assert_eq!(count(1, "file", "files"), "1 file");
    }
}
