//! Each event as one sentence.

use super::Evidence;
use crate::incident::{Entry, Event, Outcome};
use crate::provider::Verdict;
use crate::rotate::{Plan, Receipt};
use crate::text::duration::human;
use crate::workflow::StepId;
use crate::workflow::event::{Event as Run, Outcome as End};
use std::time::Duration;

/// The timeline: every event that a reader may want to see, in order.
pub(super) fn tell(entries: &[Entry], last: Option<&Plan>) -> Vec<Evidence> {
    let mut plan = None;
    let mut lines = Vec::new();
    for entry in entries {
        if let Event::Decided { plan: made, .. } = &entry.event {
            plan = Some(&**made);
        }
        let what = sentence(&entry.event, plan.or(last));
        lines.extend(what.map(|what| Evidence { event: entry.seq, at: entry.at, what }));
    }
    lines
}

/// One event as a sentence; `None` for those that only the machine needs.
fn sentence(event: &Event, plan: Option<&Plan>) -> Option<String> {
    Some(match event {
        Event::Opened(opened) => {
            let places = opened.occurrences.len();
            let lay = match places {
                0 => String::new(),
                1 => ", found in 1 place".to_owned(),
                more => format!(", found in {more} places"),
            };
            format!("Opened by {}: {}{lay}", opened.source, opened.redacted)
        }
        Event::Asked { strategy, approval } => {
            let waits = if *approval { ", and that the plan waits for an approval" } else { "" };
            format!("Asked for: {}{waits}", strategy.word())
        }
        Event::Validated { verdict } => match verdict {
            Verdict::Active { identity: Some(identity), .. } => {
                format!("The provider says that it works, as {identity}")
            }
            Verdict::Active { identity: None, .. } => "The provider says that it works".into(),
            Verdict::Inactive => "The provider refuses it already".into(),
            Verdict::Unknown { why } => format!("Whether it works could not be learned: {why}"),
        },
        Event::Decided { plan, approval } => {
            let waits = if *approval { "; it waits for an approval" } else { "" };
            format!("Planned: {}, {} steps{waits}", plan.strategy, plan.steps.len())
        }
        Event::Approved { by } => format!("Approved by {by}"),
        Event::Measured { cutover } => {
            format!("Measured by {}: {} of {} requests failed", cutover.by, cutover.failed, cutover.requests)
        }
        Event::Withdrawn { by, reason } => format!("{by} ended the incident: {reason}"),
        Event::Noted { by, text } => format!("{by}: {text}"),
        Event::Closed { outcome } => match outcome {
            Outcome::Rotated => "Closed: the leaked key is dead and a new one took its place".into(),
            Outcome::Killed => "Closed: the leaked key is dead".into(),
            Outcome::NothingToDo => "Closed: it was dead already and no store named it".into(),
            Outcome::Aborted => "Closed by a person: the leaked key is as it was".into(),
            Outcome::Abandoned => "Closed by a person where it stood".into(),
        },
        Event::Filed => return None,
        Event::Workflow { run } => return running(run, plan),
    })
}

fn running(run: &Run, plan: Option<&Plan>) -> Option<String> {
    Some(match run {
        Run::Done { step, receipt, probed } => {
            let what = Receipt::read(receipt).map_or_else(|| label(*step, plan), |read| self::receipt(&read));
            if *probed { format!("{what} (learned by looking, after a crash or a lost answer)") } else { what }
        }
        Run::Stuck { why, instructions, .. } => format!("A person is needed: {why}. {instructions}"),
        Run::Resumed { by } => format!("Resumed by {by}"),
        Run::Finished { outcome: End::Completed } => "Every step is done".into(),
        Run::Finished { outcome: End::Undone } => "Every started step was taken back".into(),
        run => return trouble(run, plan),
    })
}

/// What did not go straight.
pub(super) fn trouble(run: &Run, plan: Option<&Plan>) -> Option<String> {
    Some(match run {
        Run::Started { step, attempt } if *attempt > 1 => format!("Try {attempt}: {}", label(*step, plan)),
        Run::Failed { step, why, again: true, .. } => {
            format!("Failed, to be tried again: {}: {why}", label(*step, plan))
        }
        Run::Failed { step, why, again: false, .. } => format!("Failed: {}: {why}", label(*step, plan)),
        Run::Lost { step, why } => format!("The answer was lost: {}: {why}", label(*step, plan)),
        Run::NotDone { step } => format!("Looked, and it was not done: {}", label(*step, plan)),
        Run::Unprobed { step, why, .. } => format!("Could not look whether it was done: {}: {why}", label(*step, plan)),
        Run::Aborting { why } => format!("Taking everything back: {why}"),
        Run::Undone { step } => format!("Taken back: {}", label(*step, plan)),
        Run::UndoFailed { step, why, .. } => format!("Could not be taken back: {}: {why}", label(*step, plan)),
        _ => return None,
    })
}

/// A step's result as a sentence.
pub(super) fn receipt(receipt: &Receipt) -> String {
    match receipt {
        Receipt::Issued { key, label, .. } => {
            let made = if label.is_some() { "Issued" } else { "Took in" };
            key.as_ref().map_or_else(|| format!("{made} a new key"), |key| format!("{made} the new key {}", key.0))
        }
        Receipt::Verified { identity, .. } => match identity {
            Some(identity) => format!("The provider accepts the new key, as {identity}"),
            None => "The provider accepts the new key".into(),
        },
        Receipt::Deployed { store, .. } => format!("Deployed to {store}"),
        Receipt::Restarted { consumer } => format!("Restarted: {consumer}"),
        Receipt::Probed { probe, seen, .. } => format!("Seen: {probe}: {seen}"),
        Receipt::Quiet { last_used, watched_ms, waived: false } => {
            let last = last_used.map_or("never used".to_owned(), |at| format!("last used {at:.0}"));
            format!("The old key is quiet: {last}, watched for {}", human(Duration::from_millis(*watched_ms)))
        }
        Receipt::Quiet { waived: true, .. } => "The old key's further use was waived by a person".into(),
        Receipt::Forgotten => "Every store holds the new key; our own copy is wiped".into(),
        Receipt::Disabled { key } => format!("Disabled the old key {}", key.0),
        Receipt::Revoked { key, by_possession, swept } => {
            let which = key.as_ref().map_or("the leaked key".to_owned(), |key| format!("the old key {}", key.0));
            let how = if *by_possession { " by possession" } else { "" };
            let orphans = match swept.len() {
                0 => String::new(),
                some => format!("; swept {some} left over from unfinished tries"),
            };
            format!("Revoked {which}{how} for good{orphans}")
        }
        Receipt::KilledByHand => "The leaked key was ended by hand".into(),
        Receipt::Refused { asked, took_ms, .. } => {
            let first = match took_ms {
                0 => "refused from the first".to_owned(),
                ms => format!("first refused after {}", human(Duration::from_millis(*ms))),
            };
            format!("Proven: the provider refuses the old value (asked {asked} times, {first})")
        }
    }
}

fn label(step: StepId, plan: Option<&Plan>) -> String {
    let found = plan.and_then(|plan| plan.steps.get(step.0 as usize));
    found.map_or_else(|| format!("step {}", step.0), |step| step.spec.label.clone())
}
