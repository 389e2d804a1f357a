//! The whole story of an incident, computed from its events and from nothing else.
//!
//! What a machine can know stands here with the number of the event that shows it; what only people can know is asked,
//! without blame, in [`PostMortem::questions`].

mod timeline;

use super::{Cutover, Entry, Error, Event, Outcome, Place, Severity, Story, severity};
use crate::provider::Verdict;
use crate::rotate::{Reach, Receipt, StepKind, Strategy};
use crate::workflow::event::Event as Run;
use jiff::Timestamp;
use serde::Serialize;

/// An incident, told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PostMortem {
    /// The form of this record.
    pub version: u32,
    /// The incident's id.
    pub incident: String,
    /// What it is called: the inventory's id, or the rule.
    pub title: String,
    /// Where it stands: `open`, `contained`, `closed`.
    pub status: &'static str,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How bad it is.
    pub severity: Severity,
    /// What leaked.
    pub credential: Leaked,
    /// Where and how it was found.
    pub found: Found,
    /// How it was confirmed.
    pub confirmed: Option<Confirmed>,
    /// What was decided, and by whom.
    pub decided: Option<Decided>,
    /// What took its place.
    pub replacement: Option<Replacement>,
    /// Each store: what it held, what it holds.
    pub stores: Vec<Deployed>,
    /// What was seen to work, and who was told.
    pub evidence: Vec<Evidence>,
    /// Each kill, and each proof that the old value is refused.
    pub kills: Vec<Evidence>,
    /// Whether the last word about the old value is a proven refusal.
    pub old_key_refused: bool,
    /// What was measured.
    pub times: Times,
    /// What callers felt, when somebody measured it.
    pub cutover: Option<Cutover>,
    /// What was tried again, lost, or taken back.
    pub troubles: Vec<Evidence>,
    /// What people did or must do.
    pub manual: Vec<Evidence>,
    /// What one could expect and was not done, with the reason.
    pub skipped: Vec<String>,
    /// What the kill does not end.
    pub survives: Vec<String>,
    /// Everything that happened.
    pub timeline: Vec<Evidence>,
    /// What people must add.
    pub questions: Vec<Question>,
    /// The end of the chain of events, so that a later change shows.
    pub chain: ChainHead,
    /// The stanch that opened the incident, and the one that wrote this.
    pub tool: Tool,
}

/// What leaked. Never the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Leaked {
    pub fingerprint: String,
    pub redacted: String,
    pub rule: Option<String>,
    pub provider: Option<String>,
    pub id: Option<String>,
    pub key: Option<String>,
    pub owner: Option<String>,
    pub environment: Option<String>,
    pub tier: Option<u64>,
    pub identity: Option<String>,
    pub scopes: Vec<String>,
}

/// Where and how it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Found {
    pub by: String,
    pub at: Timestamp,
    pub introduced: Option<Timestamp>,
    pub reach: Reach,
    pub reach_known_by: String,
    pub places: Vec<Place>,
}

/// How it was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Confirmed {
    pub event: u64,
    pub at: Timestamp,
    pub verdict: Verdict,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Decided {
    pub event: u64,
    pub at: Timestamp,
    pub strategy: Strategy,
    pub reasons: Vec<String>,
    pub approved_by: Option<String>,
}

/// What took the leaked one's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Replacement {
    pub event: u64,
    pub at: Timestamp,
    pub key: Option<String>,
    pub fingerprint: String,
    pub redacted: String,
}

/// One store's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Deployed {
    pub event: u64,
    pub at: Timestamp,
    pub store: String,
    pub from: String,
    pub to: String,
}

/// Something that happened, and the event that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Evidence {
    pub event: u64,
    pub at: Timestamp,
    pub what: String,
}

/// Durations in milliseconds; `None` where an end is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Times {
    /// Introduced until found.
    pub to_detect_ms: Option<u64>,
    /// Found until the old value was first proven refused.
    pub to_contain_ms: Option<u64>,
    /// Found until the old key was ended as far as the plan ends it, and that was proven.
    pub to_revoke_and_prove_ms: Option<u64>,
    /// Introduced until the first proven refusal.
    pub exposure_ms: Option<u64>,
    /// Found until every store held the new key and all evidence was good.
    pub to_replace_ms: Option<u64>,
    /// The new key's issue until the old one's first proven refusal: how long both lived.
    pub overlap_ms: Option<u64>,
    /// The first step until the end.
    pub run_ms: Option<u64>,
}

/// What a person must add.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Question {
    pub heading: String,
    pub ask: String,
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct ChainHead {
    pub event: u64,
    pub hash: String,
}

/// Which stanch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Tool {
    pub opened_by: String,
    pub written_by: String,
}

impl PostMortem {
    /// Tells the incident that these events are.
    pub fn tell(incident: &str, title: &str, entries: &[Entry]) -> Result<PostMortem, Error> {
        let story = Story::read(entries)?;
        let facts = Facts::gather(entries, &story);
        let last = entries.last().ok_or(Error::NoBeginning)?;
        let (opened, plan) = (&story.opened, story.plan.as_ref());
        let verdict = facts.confirmed.as_ref().map(|confirmed| confirmed.verdict.clone());
        let (identity, scopes) = match &verdict {
            Some(Verdict::Active { identity, scopes }) => (identity.clone(), scopes.clone()),
            _ => (None, Vec::new()),
        };
        let doubt = Verdict::Unknown { why: "nobody was asked".into() };
        let mut skipped = plan.map(|plan| plan.skipped.clone()).unwrap_or_default();
        if opened.credential.is_none() {
            skipped.push(
                "No new key was made: the inventory does not name this credential, so nobody is known to use it."
                    .into(),
            );
        }
        Ok(PostMortem {
            version: VERSION,
            incident: incident.to_owned(),
            title: title.to_owned(),
            status: status(&story),
            outcome: story.outcome,
            severity: severity::rate(verdict.as_ref().unwrap_or(&doubt), opened.reach, opened.tier),
            credential: Leaked {
                fingerprint: opened.fingerprint.to_string(),
                redacted: opened.redacted.clone(),
                rule: opened.rule.clone(),
                provider: opened.provider.clone(),
                id: opened.credential.clone(),
                key: plan.and_then(|plan| plan.old.as_ref()).map(|key| key.0.clone()),
                owner: opened.owner.clone(),
                environment: opened.environment.clone(),
                tier: opened.tier,
                identity,
                scopes,
            },
            found: Found {
                by: opened.source.clone(),
                at: opened.detected,
                introduced: opened.introduced,
                reach: opened.reach,
                reach_known_by: opened.reach_known_by.clone(),
                places: opened.occurrences.clone(),
            },
            old_key_refused: facts.refused_last || verdict == Some(Verdict::Inactive),
            times: facts.times(&story, entries),
            confirmed: facts.confirmed,
            decided: facts.decided,
            replacement: facts.replacement,
            stores: facts.stores,
            evidence: facts.evidence,
            kills: facts.kills,
            cutover: facts.cutover,
            troubles: facts.troubles,
            manual: facts.manual,
            skipped,
            survives: plan.map(|plan| plan.survives.clone()).unwrap_or_default(),
            timeline: timeline::tell(entries, plan),
            questions: questions(&story),
            chain: ChainHead { event: last.seq, hash: last.hash.clone() },
            tool: Tool { opened_by: opened.version.clone(), written_by: env!("CARGO_PKG_VERSION").to_owned() },
        })
    }
}

/// What the events show, sorted.
#[derive(Default)]
struct Facts {
    confirmed: Option<Confirmed>,
    decided: Option<Decided>,
    replacement: Option<Replacement>,
    stores: Vec<Deployed>,
    evidence: Vec<Evidence>,
    kills: Vec<Evidence>,
    troubles: Vec<Evidence>,
    manual: Vec<Evidence>,
    cutover: Option<Cutover>,
    first_step: Option<Timestamp>,
    first_refusal: Option<Timestamp>,
    last_refusal: Option<Timestamp>,
    /// All stores written and all evidence good.
    replaced: Option<Timestamp>,
    refused_last: bool,
}

impl Facts {
    fn gather(entries: &[Entry], story: &Story) -> Facts {
        let mut facts = Facts::default();
        // A plan that was made anew starts its run anew; what an undone run brought is told as trouble only.
        let from = entries.iter().rposition(|entry| matches!(entry.event, Event::Decided { .. })).unwrap_or(0);
        for (at, entry) in entries.iter().enumerate() {
            let shows = |what: String| Evidence { event: entry.seq, at: entry.at, what };
            match &entry.event {
                Event::Validated { verdict } => {
                    facts.confirmed = Some(Confirmed { event: entry.seq, at: entry.at, verdict: verdict.clone() });
                }
                Event::Decided { plan, .. } => {
                    facts.decided = Some(Decided {
                        event: entry.seq,
                        at: entry.at,
                        strategy: plan.strategy,
                        reasons: plan.reasons.clone(),
                        approved_by: None,
                    });
                }
                Event::Approved { by } => {
                    facts.manual.push(shows(format!("{by} approved the plan")));
                    if let Some(decided) = &mut facts.decided {
                        decided.approved_by = Some(by.clone());
                    }
                }
                Event::Measured { cutover } => facts.cutover = Some(cutover.clone()),
                Event::Noted { by, text } => facts.manual.push(shows(format!("{by}: {text}"))),
                Event::Withdrawn { by, reason } => {
                    facts.manual.push(shows(format!("{by} ended the incident: {reason}")))
                }
                Event::Workflow { run } => facts.run(run, entry, story, at >= from),
                Event::Opened(_) | Event::Asked { .. } | Event::Closed { .. } | Event::Filed => {}
            }
        }
        facts
    }

    fn run(&mut self, run: &Run, entry: &Entry, story: &Story, current: bool) {
        let shows = |what: String| Evidence { event: entry.seq, at: entry.at, what };
        match run {
            Run::Started { .. } => self.first_step = self.first_step.or(Some(entry.at)),
            Run::Done { receipt, .. } if current => {
                if let Some(receipt) = Receipt::read(receipt) {
                    self.done(receipt, entry);
                }
            }
            Run::Resumed { by } => self.manual.push(shows(format!("{by} resumed the run"))),
            Run::Stuck { why, instructions, .. } => {
                self.manual.push(shows(format!("A person was called: {why}. {instructions}")));
            }
            run => self.troubles.extend(timeline::trouble(run, story.plan.as_ref()).map(shows)),
        }
    }

    fn done(&mut self, receipt: Receipt, entry: &Entry) {
        let (event, at) = (entry.seq, entry.at);
        let what = timeline::receipt(&receipt);
        match receipt {
            Receipt::Issued { key, fingerprint, redacted, .. } => {
                let (key, fingerprint) = (key.map(|key| key.0), fingerprint.to_string());
                self.replacement = Some(Replacement { event, at, key, fingerprint, redacted });
            }
            Receipt::Deployed { store, from, to } => {
                self.stores.push(Deployed { event, at, store, from: from.short(), to: to.short() });
            }
            Receipt::Verified { .. } | Receipt::Restarted { .. } | Receipt::Probed { .. } | Receipt::Quiet { .. } => {
                self.evidence.push(Evidence { event, at, what });
            }
            Receipt::Forgotten => self.replaced = Some(at),
            Receipt::Disabled { .. } | Receipt::Revoked { .. } | Receipt::KilledByHand => {
                self.kills.push(Evidence { event, at, what });
                self.refused_last = false;
            }
            Receipt::Refused { at: refused, .. } => {
                self.kills.push(Evidence { event, at: refused, what });
                self.first_refusal = self.first_refusal.or(Some(refused));
                self.last_refusal = Some(refused);
                self.refused_last = true;
            }
        }
    }

    fn times(&self, story: &Story, entries: &[Entry]) -> Times {
        let (found, introduced) = (story.opened.detected, story.opened.introduced);
        let run_end = entries.iter().rev().find(|entry| matches!(entry.event, Event::Workflow { .. }));
        let all_proven = story.run.outcome().is_some() && self.refused_last;
        Times {
            to_detect_ms: introduced.map(|start| millis(start, found)),
            to_contain_ms: self.first_refusal.map(|end| millis(found, end)),
            to_revoke_and_prove_ms: self.last_refusal.filter(|_| all_proven).map(|end| millis(found, end)),
            exposure_ms: introduced.zip(self.first_refusal).map(|(start, end)| millis(start, end)),
            to_replace_ms: self.replaced.map(|end| millis(found, end)),
            overlap_ms: self.overlap(),
            run_ms: self.first_step.zip(run_end).map(|(start, end)| millis(start, end.at)),
        }
    }

    fn overlap(&self) -> Option<u64> {
        let (issued, refused) = (self.replacement.as_ref()?.at, self.first_refusal?);
        (issued < refused).then(|| millis(issued, refused))
    }
}

fn status(story: &Story) -> &'static str {
    match (story.outcome, story.contained) {
        (Some(_), _) => "closed",
        (None, Some(_)) => "contained",
        (None, None) => "open",
    }
}

/// What only people can know. About systems and habits, not about who.
fn questions(story: &Story) -> Vec<Question> {
    let what = story.opened.credential.as_deref().unwrap_or("this credential");
    let mut questions = vec![
        ("Impact", format!("What could be done with {what}, and what do the access logs of the exposure window show?")),
        ("Root cause", "What made writing the credential there the easiest thing to do?".into()),
        (
            "Contributing factors",
            "Which check, default or habit could have caught it earlier, and why did it not?".into(),
        ),
        ("What went well", "What worked, and should be kept?".into()),
        ("Where we got lucky", "What went right only by chance?".into()),
        (
            "Action items",
            "Which changes prevent, detect or mitigate the next one? Each with an owner and a date.".into(),
        ),
    ];
    if story.opened.reach != Reach::Private {
        questions.insert(
            1,
            ("Reach", "Who had access to the places where it lay: forks, clones, packages, images, mirrors?".into()),
        );
    }
    if story.plan.as_ref().is_some_and(|plan| plan.steps.iter().any(|step| step.kind == StepKind::KillByHand)) {
        questions.push(("By hand", "What would let a machine end this key the next time?".into()));
    }
    questions.into_iter().map(|(heading, ask)| Question { heading: heading.into(), ask }).collect()
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}

/// The form of the JSON. Grows when a field changes its meaning or goes away.
const VERSION: u32 = 1;
