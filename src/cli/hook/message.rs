//! What a hook says: what it found or could not read, where, and how to go on.

use super::Hook;
use super::budget::{Budget, Policy};
use stanch::detect::Finding;
use stanch::report::Report;
use stanch::source::{Provenance, SkipReason};
use stanch::text::duration;
use stanch::text::terminal::printable;

/// Most places of one secret that are listed.
const PLACES: usize = 5;
/// Things that could not be read, told by name.
const SKIPPED: usize = 10;

/// What the person must know; nothing when all is well. `allowed` says that git goes on all the same.
pub fn of(hook: &Hook, budget: Budget, report: &Report, allowed: bool) -> Option<String> {
    if report.findings.is_empty() && report.complete {
        return None;
    }
    let mut lines = vec![headline(hook, budget, report, allowed), String::new()];
    for judged in &report.findings {
        lines.extend(finding(&judged.finding));
    }
    let skipped = || report.skipped.iter().filter(|one| one.asked);
    for one in skipped().take(SKIPPED) {
        let detail = if one.detail.is_empty() { String::new() } else { format!(": {}", one.detail) };
        lines.push(format!("  {} {}{detail}", one.what, one.why.label()));
    }
    if let Some(more) = skipped().count().checked_sub(SKIPPED).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.push(String::new());
    if !report.findings.is_empty() {
        lines.extend(advice(hook, report));
    }
    Some(lines.join("\n").trim_end().to_owned())
}

/// What is said when a scan had to be cut off: nothing is known but that.
pub fn cut_off(hook: &Hook, budget: Budget) -> String {
    let stays = "What it was reading could not be ended in time, so nothing of it can be told.";
    format!("{}\n\n  {stays}", out_of_time(hook, budget, budget.on_timeout == Policy::Allow))
}

fn what(hook: &Hook) -> &'static str {
    match hook {
        Hook::PreCommit { .. } => "commit",
        Hook::PrePush { .. } | Hook::PreReceive { .. } => "push",
    }
}

fn out_of_time(hook: &Hook, budget: Budget, allowed: bool) -> String {
    let what = what(hook);
    let given = budget.time_budget.map(duration::human).unwrap_or_default();
    match allowed {
        true => format!("stanch let this {what} through without having read all of it: its time ({given}) was over."),
        false => format!("stanch stopped this {what}: its time ({given}) was over before all of it was read."),
    }
}

fn headline(hook: &Hook, budget: Budget, report: &Report, allowed: bool) -> String {
    let late = report.skipped.iter().any(|one| one.why == SkipReason::OutOfTime);
    let what = what(hook);
    match report.findings.len() {
        0 if late => out_of_time(hook, budget, allowed),
        0 => format!("stanch stopped this {what}: a part of it could not be read, so nobody knows what is in it."),
        1 => format!("stanch stopped this {what}: it would give away a credential."),
        count => format!("stanch stopped this {what}: it would give away {count} credentials."),
    }
}

/// What it is and where it lies.
fn finding(finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("  {}  {}", finding.description, finding.redacted)];
    for place in finding.occurrences.iter().take(PLACES) {
        let commit = place.provenance.commit().map(|commit| {
            let short: String = commit.id.chars().take(9).collect();
            format!("  ({short}, {})", commit.author)
        });
        let path = place.provenance.path();
        lines.push(format!("    {path}:{}{}", place.start.line, commit.unwrap_or_default()));
    }
    if finding.occurrences.len() > PLACES {
        lines.push(format!("    and {} more", finding.occurrences.len() - PLACES));
    }
    lines
}

/// How to go on.
fn advice(hook: &Hook, report: &Report) -> Vec<String> {
    let findings = || report.findings.iter().map(|judged| &judged.finding);
    let mut lines = Vec::new();
    match hook {
        Hook::PreCommit { .. } => {
            let mut paths: Vec<String> = findings().flat_map(staged_paths).collect();
            paths.sort();
            paths.dedup();
            lines.push("Unstage it, take the secret out, and commit again:".to_owned());
            lines.push(format!("  git reset -q -- {}", paths.join(" ")));
        }
        Hook::PrePush { .. } | Hook::PreReceive { .. } => {
            lines.push(
                "Take it out of the commits named above (git rebase -i, or a fresh branch), and push again.".into(),
            );
        }
    }
    lines.push(String::new());
    lines.push("Not a secret? Say so in a comment on its line, `stanch:allow <reason>`,".into());
    lines.push("or in stanch.yaml:".into());
    lines.push("  allow:".into());
    lines.extend(
        findings().map(|finding| format!("    - {{ fingerprint: \"{}\", reason: \"...\" }}", finding.fingerprint)),
    );
    lines.push(String::new());
    lines.push("Was it ever anywhere else? Then it has leaked:".into());
    lines.extend(findings().map(|finding| format!("  stanch respond {}", finding.fingerprint.short())));
    lines
}

/// The staged paths of a finding, for a shell.
fn staged_paths(finding: &Finding) -> impl Iterator<Item = String> {
    let staged = finding.occurrences.iter().filter(|place| matches!(*place.provenance, Provenance::Staged { .. }));
    staged.map(|place| quoted(place.provenance.raw_path()))
}

/// A word for a shell: quoted when it holds more than plain characters, and with escapes (bash, zsh, ksh and since POSIX 2024
/// every shell have them) when it holds what a terminal must not be sent.
fn quoted(word: &[u8]) -> String {
    let shown = printable(word);
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(b);
    if shown.as_bytes() != word {
        let escaped = |b: &u8| if plain(b) || *b == b' ' { char::from(*b).to_string() } else { format!("\\x{b:02x}") };
        return format!("$'{}'", word.iter().map(escaped).collect::<String>());
    }
    if word.iter().all(plain) && !shown.starts_with('-') {
        shown
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted(b"a/b.env"), "a/b.env");
        assert_eq!(quoted(b"it's here"), r"'it'\''s here'");
        assert_eq!(quoted("\u{e9}t\u{e9} 1".as_bytes()), "'\u{e9}t\u{e9} 1'");
        assert_eq!(quoted(b"-rf"), "'-rf'");
        assert_eq!(quoted(b"a\n'\xff\x1b"), r"$'a\x0a\x27\xff\x1b'");
    }
}
