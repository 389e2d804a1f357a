//! Plans and ends as text for a person and as JSON for a program.

use crate::cli::{Console, Error, Exit};
use jiff::Timestamp;
use serde_json::{Value, json};
use stanch::incident::{Outcome, Place, PostMortem, Story};
use stanch::ledger::IncidentId;
use stanch::provider::Verdict;
use stanch::respond::{Ended, Responder};
use stanch::rotate::{Plan, Step};
use stanch::text::duration::human;
use std::path::Path;
use std::time::Duration;

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person
    Text,
    /// One JSON object
    Json,
}

/// The plan, and what it is for.
pub fn plan(id: &IncidentId, story: &Story, plan: &Plan, format: Format, width: usize) -> String {
    if format == Format::Json {
        let verdict = serde_json::to_value(&story.verdict).unwrap_or(Value::Null);
        let plan = serde_json::to_value(plan).unwrap_or(Value::Null);
        return pretty(&json!({ "incident": id, "verdict": verdict, "plan": plan }));
    }
    let mut text = Text { out: String::new(), width: width.min(WIDEST) };
    leaked(&mut text, id, story, plan);
    text.line("");
    text.line(&format!("Plan: {}", plan.strategy));
    plan.reasons.iter().for_each(|reason| text.wrapped("  ", "  ", reason));
    text.line("");
    steps(&mut text, &plan.steps);
    text.list("Left out:", &plan.skipped);
    text.list("What outlives the kill:", &plan.survives);
    text.line("");
    let (work, grace) = plan.expected();
    let later = if grace.is_zero() { String::new() } else { format!(", then {} until the deletion", human(grace)) };
    match (plan.steps.is_empty(), plan.needs_a_person()) {
        (true, _) => text.wrapped("", "", "There is nothing to do: the provider refuses it, and no store names it."),
        (false, true) => text.wrapped("", "", "A person is needed on the way."),
        (false, false) => text.wrapped("", "", &format!("Expected to take about {}{later}.", human(work))),
    }
    text.out
}

fn leaked(text: &mut Text, id: &IncidentId, story: &Story, plan: &Plan) {
    let opened = &story.opened;
    let what = opened.credential.clone().or_else(|| opened.rule.clone()).unwrap_or_else(|| "a secret".into());
    text.line(&format!("{what} leaked: {}", opened.redacted));
    let works = match &story.verdict {
        Some(Verdict::Active { identity: Some(identity), .. }) => format!("yes, as {identity}"),
        Some(Verdict::Active { identity: None, .. }) => "yes".into(),
        Some(Verdict::Inactive) => "no, the provider refuses it".into(),
        Some(Verdict::Unknown { why }) => format!("not known: {why}"),
        None => "not asked".into(),
    };
    let about = [&opened.owner, &opened.environment];
    let about: Vec<&str> = about.into_iter().flatten().map(String::as_str).collect();
    let rows = [
        ("provider", plan.title.clone()),
        ("old key", plan.old.as_ref().map(|key| key.0.clone()).unwrap_or_default()),
        ("used by", about.join(", ")),
        ("works", works),
        ("lay in", places(&opened.occurrences)),
        ("seen by", opened.reach_known_by.clone()),
        ("incident", id.to_string()),
    ];
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        text.wrapped(&format!("  {name:<9} "), "            ", value);
    }
}

fn places(places: &[Place]) -> String {
    let Some(first) = places.first() else { return "nobody knows where".into() };
    let since = first.date.map(|date| format!(" since {}", date.strftime("%Y-%m-%d"))).unwrap_or_default();
    let author = first.author.as_ref().map(|author| format!(" by {author}")).unwrap_or_default();
    let more = match places.len() - 1 {
        0 => String::new(),
        1 => ", and 1 more place".into(),
        more => format!(", and {more} more places"),
    };
    format!("{}:{}{since}{author}{more}", first.path, first.line)
}

fn steps(text: &mut Text, steps: &[Step]) {
    for (number, step) in (1..).zip(steps) {
        if step.spec.pivot {
            let word = "from here on there is no way back ";
            text.line(&format!("      ── {word}{}", "─".repeat(text.width.saturating_sub(word.len() + 10).min(24))));
        }
        let wait = match step.spec.hold {
            hold if hold.is_zero() => String::new(),
            hold => format!(", after {}", human(hold)),
        };
        text.wrapped(&format!("  {number:>2}  "), "      ", &format!("{}{wait}", step.spec.label));
    }
}

/// What became of it, and the exit code.
pub fn ended(
    responder: &Responder,
    id: &IncidentId,
    ended: &Ended,
    format: Format,
    console: &Console,
) -> Result<Exit, Error> {
    let exit = match ended {
        Ended::Closed { .. } | Ended::Waiting { .. } => Exit::Done,
        Ended::Approval | Ended::Person { .. } | Ended::Undone { .. } => Exit::Person,
    };
    let told = responder.postmortem(id)?;
    if format == Format::Json {
        let strategy = told.decided.as_ref().map(|decided| decided.strategy.to_string());
        let mut object = json!({
            "incident": id,
            "status": responder.ledger.incident(&id.0)?.status,
            "strategy": strategy,
            "old_key_refused": told.old_key_refused,
            "times": told.times,
        });
        merge(&mut object, ended_json(ended));
        console.out(pretty(&object).as_bytes())?;
        return Ok(exit);
    }
    let mut text = Text { out: String::new(), width: columns(console).min(WIDEST) };
    text.line("");
    match ended {
        Ended::Closed { outcome, postmortem } => {
            text.wrapped("", "", &closed(*outcome, &told));
            post_mortem(&mut text, postmortem);
        }
        Ended::Waiting { until, step, postmortem } => {
            text.wrapped("", "", &format!("Waiting until {} to {step}.", time(*until)));
            text.wrapped("  ", "  ", &format!("stanch incident resume {id}   goes on then, as does `stanch serve`"));
            post_mortem(&mut text, postmortem);
        }
        Ended::Approval => {
            text.wrapped("", "", "The plan waits for an approval.");
            text.line(&format!("  stanch incident approve {id}"));
        }
        Ended::Person { step, why, instructions, postmortem } => {
            text.wrapped("", "", &format!("A person is needed to {step}: {why}."));
            text.wrapped("  ", "  ", instructions);
            post_mortem(&mut text, postmortem);
        }
        Ended::Undone { why, postmortem } => {
            text.wrapped("", "", &format!("Everything was taken back: {why}. The leaked key STILL WORKS."));
            text.wrapped("  ", "  ", "Put right what stopped it, then:");
            text.line(&format!("  stanch incident resume {id}"));
            post_mortem(&mut text, postmortem);
        }
    }
    console.out(text.out.as_bytes())?;
    Ok(exit)
}

fn closed(outcome: Outcome, told: &PostMortem) -> String {
    let within =
        told.times.to_contain_ms.map(|ms| format!(", {} after it was found", human(Duration::from_millis(ms))));
    let within = within.unwrap_or_default();
    match outcome {
        Outcome::Rotated | Outcome::Killed if !told.old_key_refused => {
            "Done, but nobody could ask whether the old key is refused: look for yourself.".into()
        }
        Outcome::Rotated => format!("Rotated: the old key is proven to be refused{within}; the new one is in place."),
        Outcome::Killed => format!("Ended: the leaked key no longer works{within}. Nothing took its place."),
        Outcome::NothingToDo => "Nothing to do: the key was dead already, and no store names it.".into(),
        Outcome::Aborted => "Closed. The leaked key is as it was.".into(),
        Outcome::Abandoned => "Closed where it stood.".into(),
    }
}

fn ended_json(ended: &Ended) -> Value {
    match ended {
        Ended::Closed { outcome, postmortem } => {
            json!({ "ended": "closed", "outcome": outcome, "postmortem": postmortem })
        }
        Ended::Waiting { until, step, postmortem } => {
            json!({ "ended": "waiting", "until": until, "step": step, "postmortem": postmortem })
        }
        Ended::Approval => json!({ "ended": "approval" }),
        Ended::Person { step, why, instructions, postmortem } => {
            json!({ "ended": "person", "step": step, "why": why, "instructions": instructions, "postmortem": postmortem })
        }
        Ended::Undone { why, postmortem } => json!({ "ended": "undone", "why": why, "postmortem": postmortem }),
    }
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

fn post_mortem(text: &mut Text, path: &Path) {
    text.line(&format!("  post-mortem: {}", path.display()));
}

/// Columns to write in.
pub fn columns(console: &Console) -> usize {
    console.width().unwrap_or(WIDTH)
}

/// A next command to type.
pub fn next(console: &Console, id: &IncidentId, why: &str, verb: &str) {
    console.say(&format!("  stanch incident {verb} {id}   {why}"));
}

/// A JSON value over several lines.
pub fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

/// A time for a person.
pub fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Text in the making, wrapped at words.
pub struct Text {
    /// So far.
    pub out: String,
    /// Columns.
    pub width: usize,
}

impl Text {
    /// A line as it is.
    pub fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// A paragraph: `first` before its first line, `rest` before the others.
    pub fn wrapped(&mut self, first: &str, rest: &str, text: &str) {
        let mut line = first.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            let room = line.chars().count() + word.chars().count() + usize::from(!empty);
            if !empty && room > self.width {
                self.line(&std::mem::replace(&mut line, rest.to_owned()));
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
        }
        self.line(&line);
    }

    fn list(&mut self, heading: &str, items: &[String]) {
        if !items.is_empty() {
            self.line("");
            self.line(heading);
            items.iter().for_each(|item| self.wrapped("  - ", "    ", item));
        }
    }
}

/// Lines longer than this are hard to read, however wide the terminal.
const WIDEST: usize = 100;
/// Columns where nobody says how many there are.
const WIDTH: usize = 80;
