//! What a CI shows of a report beside its log: annotations on lines, and the summary of the job.
//!
//! Facts: workflow commands,
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>, read 2026-11-20. A runner obeys
//! every line of a log that starts with `::`, wherever it comes from: a report, which quotes lines of the repository, is
//! printed between [`stop`] and [`resume`] only.

use stanch::report::Report;
use stanch::source::Provenance;
use stanch::text::percent;
use stanch::validate::{Judged, Verdict};
use std::fmt::Write;

/// Places that get an annotation (GitHub shows ten errors of a step; the log shows these), and rows of the summary.
const PLACES: usize = 50;

/// From here on the runner obeys nothing, until [`resume`] with the same token.
pub fn stop(token: &str) -> String {
    format!("::stop-commands::{token}\n")
}

/// The runner obeys again.
pub fn resume(token: &str) -> String {
    format!("::{token}::\n")
}

/// A token that no repository can have guessed.
pub fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A command for each place that a person should look at.
pub fn annotations(report: &Report) -> String {
    let mut out = String::new();
    for (judged, here) in places(report).take(PLACES) {
        let finding = &judged.finding;
        let path = here.provenance.path();
        let (start, end) = (here.start, here.end);
        let title = format!("{}{}", finding.description, lives(judged));
        let text = format!(
            "{} {}. Rotate it: stanch respond {}",
            finding.description,
            finding.redacted,
            finding.fingerprint.short()
        );
        let level = if matches!(judged.verdict, Some(Verdict::Inactive)) { "notice" } else { "error" };
        // Columns make sense on one line only.
        let columns = match start.line == end.line {
            true => format!(",col={},endColumn={}", start.column, end.column + 1),
            false => String::new(),
        };
        let _ = writeln!(
            out,
            "::{level} file={},line={},endLine={}{columns},title={}::{}",
            property(path.strip_prefix("./").unwrap_or(&path)),
            start.line,
            end.line,
            property(&title),
            data(&text)
        );
    }
    if !report.complete {
        let _ = writeln!(out, "::warning title=The scan is incomplete::{}", data(&incomplete(report)));
    }
    out
}

/// The summary of the job, in Markdown. `blob` is where files of a commit are shown: `https://github.com/o/r/blob/`.
pub fn summary(report: &Report, blob: Option<&str>) -> String {
    let mut out = String::from("## stanch\n\n");
    let number = report.findings.len();
    let found = match number {
        0 => "No credential found".to_owned(),
        1 => "**1 credential found**".to_owned(),
        _ => format!("**{number} credentials found**"),
    };
    let _ = writeln!(out, "{found} in {}.\n", markdown(&report.asked));
    if number > 0 {
        out.push_str("| what | where | by | confidence | lives | next |\n| --- | --- | --- | --- | --- | --- |\n");
    }
    for (judged, here) in places(report).take(PLACES) {
        let finding = &judged.finding;
        let path = here.provenance.path();
        let place = format!("{}:{}", markdown(path.strip_prefix("./").unwrap_or(&path)), here.start.line);
        let commit = here.provenance.commit();
        let place = match (blob, commit) {
            (Some(blob), Some(commit)) if is_file(&here.provenance) => {
                let path = percent::encode(here.provenance.raw_path(), b"/");
                format!("[{place}]({blob}{}/{path}#L{})", commit.id, here.start.line)
            }
            _ => place,
        };
        let by = commit.map(|commit| {
            let day = commit.date.strftime("%Y-%m-%d");
            format!("{}, {day}, {}", markdown(&commit.author), commit.id.get(..7).unwrap_or_default())
        });
        let verdict = match &judged.verdict {
            Some(Verdict::Active { .. }) => "**yes**",
            Some(Verdict::Inactive) => "no",
            Some(Verdict::Unknown { .. }) => "not known",
            None => "not asked",
        };
        let _ = writeln!(
            out,
            "| {} {} | {place} | {} | {} | {verdict} | `stanch respond {}` |",
            markdown(&finding.description),
            markdown(&finding.redacted),
            by.unwrap_or_default(),
            finding.confidence.label(),
            finding.fingerprint.short()
        );
    }
    let hidden = places(report).count().saturating_sub(PLACES);
    if hidden > 0 {
        let _ = writeln!(out, "\nand {hidden} more places, in the SARIF file.");
    }
    if !report.complete {
        let _ = writeln!(out, "\n> [!WARNING]\n> {}", markdown(&incomplete(report)));
    }
    for note in &report.notes {
        let _ = writeln!(out, "\n- {}", markdown(note));
    }
    out.push('\n');
    out
}

fn places(report: &Report) -> impl Iterator<Item = (&Judged, &stanch::detect::Occurrence)> {
    report.findings.iter().flat_map(|judged| judged.finding.occurrences.iter().map(move |here| (judged, here)))
}

/// Whether the forge can show it: the text of a commit or a tag lies in no file.
fn is_file(provenance: &Provenance) -> bool {
    !provenance.raw_path().starts_with(b"(")
}

fn lives(judged: &Judged) -> &'static str {
    match judged.verdict {
        Some(Verdict::Active { .. }) => ", and it works",
        Some(Verdict::Inactive) => ", which no longer works",
        Some(Verdict::Unknown { .. }) | None => "",
    }
}

/// What was not read, at most three of it.
fn incomplete(report: &Report) -> String {
    let asked: Vec<_> = report.skipped.iter().filter(|one| one.asked).collect();
    let shown = asked.iter().take(3).map(|one| format!("{} {}", one.what, one.why.label()));
    let mut text = format!("The scan is incomplete: {}", shown.collect::<Vec<_>>().join(", "));
    if asked.len() > 3 {
        let _ = write!(text, " and {} more", asked.len() - 3);
    }
    text
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Text that Markdown and HTML show as it is.
fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_end_a_command_or_begin_one() {
        assert_eq!(property("a,b:c\n::error::%"), "a%2Cb%3Ac%0A%3A%3Aerror%3A%3A%25");
        assert_eq!(data("100%\r\nx: y, z"), "100%25%0D%0Ax: y, z");
    }

    #[test]
    fn text_stays_in_its_cell() {
        assert_eq!(markdown("a|b <script> `x`\n[l](u)"), "a\\|b &lt;script&gt; \\`x\\` \\[l\\](u)");
    }

    #[test]
    fn tokens_differ() {
        assert_ne!(token().unwrap(), token().unwrap());
    }
}
