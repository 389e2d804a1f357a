//! `stanch hook`: what git runs. Silent when there is nothing to say; any other end stops git.

use super::scanning::{self, Options};
use super::{Console, Error, Exit, Globals};
use stanch::detect::Finding;
use stanch::report::Report;
use stanch::scan;
use stanch::source::git::history::Without;
use stanch::source::git::{History, Staged};
use stanch::source::{Provenance, Source};
use std::io::Read;
use std::path::Path;

/// Most places of one secret that are listed.
const PLACES: usize = 5;
/// Things that could not be read, told by name.
const SKIPPED: usize = 10;

/// What `stanch hook` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    hook: Hook,
}

#[derive(Debug, clap::Subcommand)]
#[expect(clippy::enum_variant_names, reason = "the names are git's")]
enum Hook {
    /// Stop a commit that would add a credential
    PreCommit,
    /// Stop a push that would publish a credential
    PrePush {
        /// The remote's name, or its URL when it has none
        remote: String,
        /// The remote's URL
        url: Option<String>,
    },
    /// Refuse a push that brings a credential, on the server
    PreReceive,
}

/// Runs the verb.
pub fn run(args: &Args, globals: &Globals, console: &Console) -> Result<Exit, Error> {
    let source: Option<Box<dyn Source>> = match &args.hook {
        Hook::PreCommit => Some(Box::new(Staged::open(None)?)),
        Hook::PrePush { remote, .. } => pushed(&input()?, sent, &format!("refs/remotes/{remote}/"))?,
        Hook::PreReceive => pushed(&input()?, received, "refs/")?,
    };
    let Some(source) = source else { return Ok(Exit::Done) };
    let options = Options { min_confidence: "medium".into(), max_memory: scan::MEMORY, ..Options::default() };
    let report = scanning::report(source, Path::new("."), &options, globals, console)?;
    if let Some(text) = message(&args.hook, &report) {
        console.insist(&text);
    }
    Ok(scanning::exit(&report))
}

fn input() -> Result<String, Error> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| Error::new(format!("read what git says: {error}")))?;
    Ok(text)
}

/// What one line of git's says: the commit that comes, and the one that is there.
struct Update<'l> {
    new: &'l str,
    old: &'l str,
}

/// `<local ref> <local id> <remote ref> <remote id>` (githooks(5), pre-push).
fn sent(line: &str) -> Option<Update<'_>> {
    let mut words = line.split(' ').skip(1);
    let new = words.next()?;
    Some(Update { new, old: words.nth(1)? })
}

/// `<old id> <new id> <ref>` (githooks(5), pre-receive).
fn received(line: &str) -> Option<Update<'_>> {
    let mut words = line.split(' ');
    let old = words.next()?;
    Some(Update { new: words.next()?, old })
}

/// The commits that an update brings: what the new ids reach, and neither the old ones nor the refs below `known` do.
/// `None` when it only deletes.
fn pushed(
    text: &str,
    read: for<'l> fn(&'l str) -> Option<Update<'l>>,
    known: &str,
) -> Result<Option<Box<dyn Source>>, Error> {
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let update = read(line).ok_or_else(|| Error::new("read what git says: a line that is none of this hook's"))?;
        if is_commit(update.new) {
            new.push(update.new.to_owned());
        }
        if is_commit(update.old) {
            old.push(update.old.to_owned());
        }
    }
    if new.is_empty() {
        return Ok(None);
    }
    let without = [Without::Revisions(old), Without::Refs(known.to_owned())];
    Ok(Some(Box::new(History::open(None)?.pushed(&new, &without)?)))
}

/// Git names what is not there by zeros.
fn is_commit(id: &str) -> bool {
    id.bytes().any(|digit| digit != b'0')
}

/// What the person must know; nothing when all is well.
fn message(hook: &Hook, report: &Report) -> Option<String> {
    if report.findings.is_empty() && report.complete {
        return None;
    }
    let mut lines = vec![headline(hook, report), String::new()];
    for judged in &report.findings {
        lines.extend(finding(&judged.finding));
    }
    let skipped = || report.skipped.iter().filter(|one| one.asked);
    lines.extend(skipped().take(SKIPPED).map(|one| format!("  {} {}: {}", one.what, one.why.label(), one.detail)));
    if let Some(more) = skipped().count().checked_sub(SKIPPED).filter(|more| *more > 0) {
        lines.push(format!("  and {more} more"));
    }
    lines.push(String::new());
    if !report.findings.is_empty() {
        lines.extend(advice(hook, report));
    }
    Some(lines.join("\n").trim_end().to_owned())
}

fn headline(hook: &Hook, report: &Report) -> String {
    let what = match hook {
        Hook::PreCommit => "commit",
        Hook::PrePush { .. } | Hook::PreReceive => "push",
    };
    match report.findings.len() {
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
        Hook::PreCommit => {
            let mut paths: Vec<String> = findings().flat_map(staged_paths).collect();
            paths.sort();
            paths.dedup();
            lines.push("Unstage it, take the secret out, and commit again:".to_owned());
            lines.push(format!("  git reset -q -- {}", paths.join(" ")));
        }
        Hook::PrePush { .. } | Hook::PreReceive => {
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
    staged.map(|place| quoted(&place.provenance.path()))
}

/// A word for a shell: quoted when it holds more than plain characters.
fn quoted(word: &str) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(&b));
    if plain && !word.starts_with('-') { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_git() {
        let update = sent("refs/heads/a 11 refs/heads/b 22").unwrap();
        assert_eq!((update.new, update.old), ("11", "22"));
        let update = received("22 11 refs/heads/b").unwrap();
        assert_eq!((update.new, update.old), ("11", "22"));
        assert!(sent("nonsense").is_none());
        assert!(is_commit("0a") && !is_commit("000"));
    }

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted("a/b.env"), "a/b.env");
        assert_eq!(quoted("it's here"), r"'it'\''s here'");
    }
}
