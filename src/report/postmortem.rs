//! A post-mortem as Markdown for people and as JSON for machines. Decides nothing: every word stands in the record.

use crate::incident::postmortem::{Evidence, Times};
use crate::incident::{Outcome, PostMortem};
use crate::rotate::Reach;
use crate::text::duration::human;
use crate::validate::Verdict;
use jiff::Timestamp;
use std::time::Duration;

/// The record as JSON, with a line end.
pub fn json(told: &PostMortem) -> String {
    // Plain data with text keys: nothing in it refuses to be written.
    let mut text = serde_json::to_string_pretty(told).unwrap_or_default();
    text.push('\n');
    text
}

/// The record as Markdown.
pub fn markdown(told: &PostMortem) -> String {
    let mut page = Page(String::new());
    page.line(&format!("# {} leaked: {}", cell(&told.title), ended(told)));
    page.line("");
    page.line(&summary(told));
    page.table("At a glance", &["", ""], &glance(told));
    page.table("How long it took", &["From", "To", "Time"], &times(&told.times));
    found(&mut page, told);
    decided(&mut page, told);
    changed(&mut page, told);
    page.evidence("The end of the old key", &told.kills);
    page.evidence("Evidence that the new key works", &told.evidence);
    if let Some(cutover) = &told.cutover {
        page.heading("Impact on callers");
        let line =
            format!("{} of {} requests failed, measured by {}.", cutover.failed, cutover.requests, cell(&cutover.by));
        page.line(&line);
    }
    page.evidence("What did not go straight", &told.troubles);
    page.evidence("By hand", &told.manual);
    page.list("Not done, and why", &told.skipped);
    page.list("What outlives the kill", &told.survives);
    page.evidence("Timeline", &told.timeline);
    for question in &told.questions {
        page.heading(&question.heading);
        page.line(&format!("_{}_", question.ask));
        page.line("");
        page.line("- ");
    }
    footer(&mut page, told);
    page.0
}

fn ended(told: &PostMortem) -> &'static str {
    match (told.outcome, told.status) {
        (Some(Outcome::Rotated), _) => "rotated",
        (Some(Outcome::Killed), _) => "ended",
        (Some(Outcome::NothingToDo), _) => "dead already",
        (Some(Outcome::Aborted), _) => "left as it was",
        (Some(Outcome::Abandoned), _) => "left where it stood",
        (None, "contained") => "contained",
        (None, _) => "still open",
    }
}

fn summary(told: &PostMortem) -> String {
    let mut text = format!("A credential ({}) ", code(&told.credential.redacted));
    match told.found.places.as_slice() {
        [] => text.push_str("leaked; where is not known."),
        [first] => text.push_str(&format!("lay in {}.", code(&place(&first.path, first.line)))),
        [first, rest @ ..] => {
            text.push_str(&format!("lay in {} and {} more places.", code(&place(&first.path, first.line)), rest.len()));
        }
    }
    let ended = match (&told.confirmed.as_ref().map(|confirmed| &confirmed.verdict), told.old_key_refused) {
        (Some(Verdict::Inactive), _) => " Its provider refused it already when it was found.",
        (_, true) => " Its provider is proven to refuse it now.",
        (_, false) => " It is **not** proven that its provider refuses it.",
    };
    text.push_str(ended);
    if let Some(ms) = told.times.to_contain_ms {
        text.push_str(&format!(" From found to refused it took **{}**.", span(ms)));
    }
    text
}

fn glance(told: &PostMortem) -> Vec<Vec<String>> {
    let leaked = &told.credential;
    let mut rows = vec![
        row("Incident", &code(&told.incident)),
        row("Status", &format!("{}, {}", told.status, ended(told))),
        row("Severity", &told.severity.to_string()),
        row("Fingerprint", &code(&leaked.fingerprint)),
    ];
    let optional = [
        ("Rule", leaked.rule.clone()),
        ("Provider", leaked.provider.clone()),
        ("Credential", leaked.id.clone()),
        ("Owner", leaked.owner.clone()),
        ("Environment", leaked.environment.clone()),
        ("Tier", leaked.tier.map(|tier| tier.to_string())),
        ("Identity", leaked.identity.clone()),
        ("Scopes", Some(leaked.scopes.join(", ")).filter(|scopes| !scopes.is_empty())),
        ("Old key", leaked.key.clone()),
        ("New key", told.replacement.as_ref().map(|new| new.key.clone().unwrap_or_else(|| new.redacted.clone()))),
    ];
    rows.extend(optional.into_iter().filter_map(|(name, value)| Some(row(name, &cell(&value?)))));
    rows.push(row("Old value refused", if told.old_key_refused { "yes, proven" } else { "**not proven**" }));
    rows
}

fn times(times: &Times) -> Vec<Vec<String>> {
    let known = [
        ("introduced", "found", times.to_detect_ms),
        ("found", "old value refused", times.to_contain_ms),
        ("found", "old key revoked, and proven", times.to_revoke_and_prove_ms),
        ("found", "new key everywhere, and working", times.to_replace_ms),
        ("introduced", "old value refused (the exposure)", times.exposure_ms),
        ("new key issued", "old value refused (the overlap)", times.overlap_ms),
        ("first step", "last step", times.run_ms),
    ];
    let line = |(from, to, ms): (&str, &str, Option<u64>)| {
        vec![from.to_owned(), to.to_owned(), ms.map_or_else(|| "not known".to_owned(), span)]
    };
    known.into_iter().map(line).collect()
}

fn found(page: &mut Page, told: &PostMortem) {
    let rows: Vec<Vec<String>> = told
        .found
        .places
        .iter()
        .map(|spot| {
            let commit = spot.commit.as_ref().map(|id| code(&id.chars().take(12).collect::<String>()));
            vec![
                code(&place(&spot.path, spot.line)),
                commit.unwrap_or_default(),
                cell(spot.author.as_deref().unwrap_or_default()),
                spot.date.map(day).unwrap_or_default(),
            ]
        })
        .collect();
    page.heading("Where it lay");
    let reach = match told.found.reach {
        Reach::Public => "Public",
        Reach::Private => "Private",
        Reach::Unknown => "Not known to be public",
    };
    page.line(&format!(
        "{reach}: {}. Found by {} at {}.",
        told.found.reach_known_by,
        told.found.by,
        time(told.found.at)
    ));
    page.rows(&["Place", "Commit", "Author", "Since"], &rows);
}

fn decided(page: &mut Page, told: &PostMortem) {
    let Some(decided) = &told.decided else { return };
    page.heading("What was decided");
    let by = match &decided.approved_by {
        Some(by) => format!("approved by {}", cell(by)),
        None => "by policy or on the command line; nobody's approval was asked for".to_owned(),
    };
    page.line(&format!("**{}** (event {}), {by}.", decided.strategy, decided.event));
    page.line("");
    decided.reasons.iter().for_each(|reason| page.line(&format!("- {}", cell(reason))));
}

fn changed(page: &mut Page, told: &PostMortem) {
    let rows: Vec<Vec<String>> = told
        .stores
        .iter()
        .map(|at| vec![cell(&at.store), code(&at.from), code(&at.to), time(at.at), at.event.to_string()])
        .collect();
    page.table("Stores", &["Store", "From", "To", "At", "Event"], &rows);
}

fn footer(page: &mut Page, told: &PostMortem) {
    page.line("");
    page.line("---");
    let mut versions = format!("Opened by stanch {}", told.tool.opened_by);
    if told.tool.opened_by != told.tool.written_by {
        versions.push_str(&format!(", told by stanch {}", told.tool.written_by));
    }
    page.line(&format!(
        "Computed from {} recorded events and from nothing else. The chain ends with {} \
         (`stanch incident verify {}` checks it). {versions}.",
        told.chain.event,
        code(&told.chain.hash),
        told.incident
    ));
}

/// Markdown in the making.
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(&format!("## {text}"));
        self.line("");
    }

    fn list(&mut self, heading: &str, items: &[String]) {
        if !items.is_empty() {
            self.heading(heading);
            items.iter().for_each(|item| self.line(&format!("- {}", cell(item))));
        }
    }

    fn evidence(&mut self, heading: &str, items: &[Evidence]) {
        let rows: Vec<Vec<String>> =
            items.iter().map(|item| vec![time(item.at), cell(&item.what), item.event.to_string()]).collect();
        self.table(heading, &["Time (UTC)", "What", "Event"], &rows);
    }

    fn table(&mut self, heading: &str, names: &[&str], rows: &[Vec<String>]) {
        if !rows.is_empty() {
            self.heading(heading);
            self.rows(names, rows);
        }
    }

    fn rows(&mut self, names: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        if !self.0.ends_with("\n\n") {
            self.line("");
        }
        self.line(&format!("| {} |", names.join(" | ")));
        self.line(&format!("|{}", "---|".repeat(names.len())));
        rows.iter().for_each(|row| self.line(&format!("| {} |", row.join(" | "))));
    }
}

fn row(name: &str, value: &str) -> Vec<String> {
    vec![name.to_owned(), value.to_owned()]
}

fn place(path: &str, line: u64) -> String {
    format!("{path}:{line}")
}

/// Text from outside, such that it stays text in a Markdown table. An underscore inside a word means nothing to
/// Markdown and stays readable.
fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        match c {
            '_' if inside => out.push('_'),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '#' => out.extend(['\\', c]),
            '\n' | '\r' => out.push(' '),
            c => out.push(c),
        }
        before = c;
    }
    out
}

/// Text from outside as code: no backtick can end it early, no pipe a cell.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|").replace(['\n', '\r'], " "))
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn span(ms: u64) -> String {
    human(Duration::from_millis(ms))
}
