//! The plan: which steps, in which order, and how each may be treated. Pure: the same facts give the same plan.

use super::strategy::{self, Strategy};
use super::survey::{Facts, Known};
use crate::inventory::Wanted;
use crate::provider::{KeyId, Operations, Verdict};
use crate::secret::Fingerprint;
use crate::workflow::{Class, StepSpec};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is going to be done, as it is shown, approved, recorded and run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// In which order.
    pub strategy: Strategy,
    /// Why so, as sentences.
    pub reasons: Vec<String>,
    /// The provider's id.
    pub provider: String,
    /// The provider's name.
    pub title: String,
    /// The inventory's id of the credential, when it has one.
    pub credential: Option<String>,
    /// The leaked value's name.
    pub leaked: Fingerprint,
    /// The leaked value as it may be shown.
    pub redacted: String,
    /// The provider's id of the leaked key, when it is known.
    pub old: Option<KeyId>,
    /// Whose the leaked credential is, as the provider said when the plan was made.
    #[serde(default)]
    pub identity: Option<String>,
    /// What the old key may do: the new one must not do less.
    pub scopes: Vec<String>,
    /// The provider's settle time.
    pub settle: Duration,
    /// Where a person does by hand what cannot be done from here.
    pub by_hand: Option<String>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What one could expect and is not in the plan, with the reason.
    pub skipped: Vec<String>,
    /// What the kill does not end.
    pub survives: Vec<String>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What it does.
    pub kind: StepKind,
    /// How it may be treated.
    pub spec: StepSpec,
}

/// What a step does. Places are named as they describe themselves, so that a changed inventory is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are the places' own descriptions")]
pub enum StepKind {
    /// Make a new key.
    Issue,
    /// Have a person make it.
    IssueByHand,
    /// See that the provider accepts the new key.
    Verify,
    /// Put it into a store.
    Deploy { store: String },
    /// Have a consumer take it up.
    Restart { consumer: String },
    /// See that the service works.
    Probe { probe: String },
    /// Wipe the new secret from the ledger.
    Forget,
    /// See that nobody uses the old key.
    Observe { quiet: Duration },
    /// Switch the old key off.
    Disable,
    /// End it for good.
    Revoke,
    /// Have a person end it.
    KillByHand,
    /// See that the old value is refused.
    Prove,
}

impl StepKind {
    /// Whether it ends the old key's life, for now or for good.
    pub fn kills(&self) -> bool {
        matches!(self, StepKind::Disable | StepKind::Revoke | StepKind::KillByHand)
    }
}

impl Plan {
    /// The stores that the plan writes.
    pub fn stores(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Deploy { store } => Some(store.as_str()),
            _ => None,
        })
    }

    /// The consumers that the plan restarts.
    pub fn consumers(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().filter_map(|step| match &step.kind {
            StepKind::Restart { consumer } => Some(consumer.as_str()),
            _ => None,
        })
    }

    /// How long it should take when nothing goes wrong, without the grace before the deletion; and that grace.
    pub fn expected(&self) -> (Duration, Duration) {
        let each = |step: &Step| match &step.kind {
            StepKind::Prove => self.settle + Duration::from_millis(200),
            StepKind::Observe { quiet } => *quiet,
            StepKind::Restart { .. } | StepKind::Probe { .. } => Duration::from_secs(1),
            StepKind::Verify => step.spec.hold + Duration::from_millis(200),
            _ => Duration::from_millis(200),
        };
        let work = self.steps.iter().map(each).sum();
        (work, self.steps.iter().filter(|step| step.kind == StepKind::Revoke).map(|step| step.spec.hold).sum())
    }

    /// Whether a person's hand is part of it.
    pub fn needs_a_person(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.kind, StepKind::IssueByHand | StepKind::KillByHand))
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was asked for cannot be done.
    #[error("plan an overlap: {0}")]
    NoOverlap(String),
}

/// Makes the plan.
pub fn make(facts: &Facts, asked: Wanted) -> Result<Plan, Error> {
    let (strategy, reasons) = strategy::choose(facts, asked).map_err(Error::NoOverlap)?;
    let mut draft = Draft::new(facts, strategy);
    match (strategy, &facts.entry) {
        (Strategy::Overlap, Some(entry)) => draft.overlap(entry),
        (Strategy::Contain, entry) => draft.contain(entry.as_ref().filter(|entry| entry.stores.iter().any(|s| s.1))),
        (Strategy::Overlap, None) => {}
    }
    let (identity, scopes) = match &facts.verdict {
        Verdict::Active { identity, scopes } => (identity.clone(), scopes.clone()),
        Verdict::Inactive | Verdict::Unknown { .. } => (None, Vec::new()),
    };
    let profile = facts.profile.as_ref();
    Ok(Plan {
        strategy,
        reasons,
        provider: facts.provider.clone(),
        title: facts.title.clone(),
        credential: facts.entry.as_ref().map(|entry| entry.id.clone()),
        leaked: facts.leaked,
        redacted: facts.redacted.clone(),
        old: facts.old.clone(),
        identity,
        scopes,
        settle: draft.settle,
        by_hand: profile.and_then(|profile| profile.by_hand.clone()),
        skipped: draft.skipped.clone(),
        survives: profile.map(|profile| profile.survives.clone()).unwrap_or_default(),
        steps: draft.settled(),
    })
}

/// A plan in the making.
struct Draft<'f> {
    facts: &'f Facts,
    strategy: Strategy,
    can: Operations,
    settle: Duration,
    steps: Vec<Step>,
    skipped: Vec<String>,
}

impl<'f> Draft<'f> {
    fn new(facts: &'f Facts, strategy: Strategy) -> Self {
        let can = facts.profile.as_ref().map(|profile| profile.can).unwrap_or_default();
        let settle = facts.profile.as_ref().map(|profile| profile.settle).unwrap_or_default();
        Draft { facts, strategy, can, settle, steps: Vec::new(), skipped: Vec::new() }
    }

    fn overlap(&mut self, entry: &Known) {
        self.replace(entry);
        self.observe(entry);
        match self.can.disable && self.facts.old.is_some() {
            true => {
                self.push(StepKind::Disable);
                self.prove();
                self.delete(entry);
            }
            false => self.kill(),
        }
    }

    /// `entry` is the inventory's when one of its stores still names the leaked key.
    fn contain(&mut self, entry: Option<&Known>) {
        let dead = self.facts.verdict == Verdict::Inactive;
        let by_id = self.can.disable && self.facts.old.is_some();
        match entry {
            Some(entry) if dead => {
                self.replace(entry);
                self.delete(entry);
            }
            Some(entry) if by_id && !self.full() => {
                self.push(StepKind::Disable);
                self.prove();
                self.replace(entry);
                self.delete(entry);
            }
            Some(entry) => {
                self.kill();
                self.replace(entry);
            }
            None if dead => {}
            None => self.kill(),
        }
    }

    /// The new key, from its making to the wiping of our copy.
    fn replace(&mut self, entry: &Known) {
        self.push(if self.can.issue { StepKind::Issue } else { StepKind::IssueByHand });
        match self.can.validate {
            true => self.push(StepKind::Verify),
            false => self.skip("The new key is not verified at its provider: no way to ask is described."),
        }
        for (store, holds) in &entry.stores {
            match holds {
                true => self.push(StepKind::Deploy { store: store.clone() }),
                false => self.skip(&format!("{store} does not hold the leaked value and is left alone.")),
            }
        }
        for consumer in &entry.consumers {
            self.push(StepKind::Restart { consumer: consumer.clone() });
        }
        for probe in &entry.probes {
            self.push(StepKind::Probe { probe: probe.clone() });
        }
        if entry.consumers.is_empty() {
            self.skip("Nobody is restarted: the inventory names no consumer.");
        }
        if entry.probes.is_empty() {
            self.skip("No probe looks at the service: the inventory names none.");
        }
        self.push(StepKind::Forget);
    }

    fn observe(&mut self, entry: &Known) {
        match self.can.last_used && self.facts.old.is_some() {
            true => self.push(StepKind::Observe { quiet: entry.quiet }),
            false => self.skip(&format!(
                "The old key is not watched for further use: {} does not say when a key was last used.",
                self.facts.title
            )),
        }
    }

    /// After a disabled key's grace.
    fn delete(&mut self, entry: &Known) {
        if !self.can.revoke || self.facts.old.is_none() {
            return self.skip("The disabled key is not deleted: that cannot be done from here.");
        }
        let grace = if self.facts.verdict == Verdict::Inactive { Duration::ZERO } else { entry.grace };
        self.push(StepKind::Revoke);
        if let Some(step) = self.steps.last_mut() {
            step.spec.hold = grace;
        }
        self.prove();
    }

    /// For good and at once: where there is no way to switch it off, or nobody to wait for.
    fn kill(&mut self) {
        let revoke = (self.can.revoke && self.facts.old.is_some()) || self.can.revoke_by_possession;
        match (revoke, self.can.disable && self.facts.old.is_some()) {
            (true, _) => self.push(StepKind::Revoke),
            (false, true) => self.push(StepKind::Disable),
            (false, false) => {
                if let Some(why) = &self.facts.unknown {
                    self.skip(&format!("The leaked key is not ended from here, since its id is not known: {why}."));
                }
                self.push(StepKind::KillByHand);
            }
        }
        self.prove();
    }

    fn prove(&mut self) {
        match self.can.validate {
            true => self.push(StepKind::Prove),
            false => self.skip("The refusal of the old value is not proven: no way to ask is described."),
        }
    }

    fn full(&self) -> bool {
        let limit = self.facts.profile.as_ref().and_then(|profile| profile.limit);
        limit.zip(self.facts.keys).is_some_and(|(limit, keys)| keys >= limit)
    }

    fn skip(&mut self, why: &str) {
        if !self.skipped.iter().any(|said| said == why) {
            self.skipped.push(why.to_owned());
        }
    }

    fn push(&mut self, kind: StepKind) {
        let spec = self.spec(&kind);
        self.steps.push(Step { kind, spec });
    }

    fn spec(&self, kind: &StepKind) -> StepSpec {
        let class = match kind {
            StepKind::Issue => Class::UnsafeCreate,
            StepKind::Deploy { .. } => Class::Keyed,
            _ => Class::Idempotent,
        };
        // Only what lives at the provider or in a store needs taking back; telling and looking leave nothing.
        let undoable = matches!(kind, StepKind::Issue | StepKind::Deploy { .. });
        let tries = match kind {
            // Each try of a proof asks for up to 20 s: enough of them to outlast the settle time.
            StepKind::Prove | StepKind::Verify => 3 + u32::try_from(self.settle.as_secs() / 20).unwrap_or(u32::MAX - 3),
            StepKind::Restart { .. } | StepKind::Probe { .. } => 3,
            _ => 6,
        };
        let hold = match kind {
            // A new key holds everywhere only after the settle time; in overlap nobody gets it before.
            StepKind::Verify if self.strategy == Strategy::Overlap => self.settle,
            StepKind::Observe { quiet } if *quiet > super::observe::WATCHED => *quiet,
            _ => Duration::ZERO,
        };
        let label = label(kind, &self.facts.title, self.facts.old.as_ref());
        StepSpec { label, class, undoable, pivot: false, tries, pause: PAUSE, hold }
    }

    /// With the pivot marked: the first kill; or the first step, when the old key is dead and there is no way back.
    fn settled(mut self) -> Vec<Step> {
        let dead = self.facts.verdict == Verdict::Inactive;
        if let Some(step) = self.steps.iter_mut().find(|step| dead || step.kind.kills()) {
            step.spec.pivot = true;
        }
        self.steps
    }
}

fn label(kind: &StepKind, title: &str, old: Option<&KeyId>) -> String {
    let old = old.map_or_else(|| "the leaked key".to_owned(), |key| format!("the old key {}", key.0));
    match kind {
        StepKind::Issue => format!("issue a new key at {title}"),
        StepKind::IssueByHand => format!("get a new key, made by hand at {title}"),
        StepKind::Verify => format!("verify that {title} accepts the new key"),
        StepKind::Deploy { store } => format!("deploy the new key to {store}"),
        StepKind::Restart { consumer } => format!("restart by {consumer}"),
        StepKind::Probe { probe } => format!("verify that {probe}"),
        StepKind::Forget => "wipe the new secret from the ledger".into(),
        StepKind::Observe { quiet } => {
            format!("observe that {old} is quiet for {}", crate::text::duration::human(*quiet))
        }
        StepKind::Disable => format!("disable {old} at {title}"),
        StepKind::Revoke => format!("revoke {old} at {title} for good"),
        StepKind::KillByHand => format!("have {old} revoked by hand at {title}"),
        StepKind::Prove => format!("prove that {title} refuses the old value"),
    }
}

/// First wait between two tries of a step.
const PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Overlap, Profile};
    use crate::rotate::Reach;
    use crate::secret::{FingerprintKey, Secret};

    fn facts() -> Facts {
        let can = Operations {
            validate: true,
            identify: true,
            issue: true,
            list: true,
            disable: true,
            enable: true,
            revoke: true,
            revoke_by_possession: false,
            last_used: true,
        };
        let profile = Profile {
            title: "Forge".into(),
            can,
            knows: can,
            overlap: Overlap::Multi,
            settle: Duration::from_secs(1),
            limit: None,
            survives: Vec::new(),
            by_hand: None,
            source: "test".into(),
        };
        let entry = Known {
            id: "payments".into(),
            tier: Some(1),
            strategy: Wanted::Auto,
            overlap: true,
            quiet: Duration::from_secs(5),
            grace: Duration::from_secs(3600),
            stores: vec![("env".into(), true)],
            consumers: vec!["app".into()],
            probes: vec!["health".into()],
        };
        Facts {
            provider: "forge".into(),
            title: "Forge".into(),
            profile: Some(profile),
            verdict: Verdict::Active { identity: None, scopes: Vec::new() },
            reach: Reach::Unknown,
            leaked: FingerprintKey::public().fingerprint(&Secret::new("x")),
            redacted: "…(1)".into(),
            old: Some(KeyId("key_1".into())),
            unknown: None,
            keys: Some(1),
            entry: Some(entry),
        }
    }

    /// The strategy and the steps by one letter each; the pivot's is large.
    fn check(what: &str, want: &str, change: impl FnOnce(&mut Facts)) {
        let mut facts = facts();
        change(&mut facts);
        let plan = make(&facts, Wanted::Auto).unwrap();
        let letter = |step: &Step| {
            let letter = match step.kind {
                StepKind::Issue => 'i',
                StepKind::IssueByHand => 'j',
                StepKind::Verify => 'v',
                StepKind::Deploy { .. } => 'd',
                StepKind::Restart { .. } => 'r',
                StepKind::Probe { .. } => 'p',
                StepKind::Forget => 'f',
                StepKind::Observe { .. } => 'o',
                StepKind::Disable => 'x',
                StepKind::Revoke => 'k',
                StepKind::KillByHand => 'h',
                StepKind::Prove => 'q',
            };
            if step.spec.pivot { letter.to_ascii_uppercase() } else { letter }
        };
        let steps: String = plan.steps.iter().map(letter).collect();
        assert_eq!(format!("{} {steps}", plan.strategy), want, "{what}");
        assert!(plan.reasons.iter().all(|reason| reason.ends_with('.')), "{what}: {:?}", plan.reasons);
    }

    #[test]
    fn what_is_known_makes_the_plan() {
        let can = |facts: &mut Facts, change: fn(&mut Operations)| {
            change(&mut facts.profile.as_mut().unwrap().can);
        };
        check("a private leak", "overlap ivdrpfoXqkq", |_| {});
        check("a public leak", "contain Xqivdrpfkq", |facts| {
            facts.reach = Reach::Public;
        });
        check("no last use", "overlap ivdrpfXqkq", |facts| can(facts, |can| can.last_used = false));
        check("no switch", "overlap ivdrpfoKq", |facts| can(facts, |can| can.disable = false));
        check("no issue", "overlap jvdrpfoXqkq", |facts| can(facts, |can| can.issue = false));
        check("no question", "overlap idrpfoXk", |facts| can(facts, |can| can.validate = false));
        check("no kill", "overlap ivdrpfoHq", |facts| {
            can(facts, |can| (can.disable, can.revoke) = (false, false));
        });
        check("nobody knows the key's id", "overlap ivdrpfHq", |facts| facts.old = None);
        check("one at a time", "contain Xqivdrpfkq", |facts| {
            facts.profile.as_mut().unwrap().overlap = Overlap::None;
        });
        check("a full account", "contain Kqivdrpf", |facts| facts.profile.as_mut().unwrap().limit = Some(1));
        check("dead, and named by a store", "contain Ivdrpfkq", |facts| facts.verdict = Verdict::Inactive);
        check("dead, and named by none", "contain ", |facts| {
            facts.verdict = Verdict::Inactive;
            facts.entry.as_mut().unwrap().stores = vec![("env".into(), false)];
        });
        check("nobody's", "contain Kq", |facts| facts.entry = None);
        check("an unknown provider's", "contain H", |facts| {
            (facts.entry, facts.profile) = (None, None);
        });
    }

    #[test]
    fn overlap_that_cannot_be_is_refused() {
        let mut facts = facts();
        facts.entry.as_mut().unwrap().overlap = false;
        let refused = make(&facts, Wanted::Overlap).unwrap_err().to_string();
        assert_eq!(refused, "plan an overlap: The inventory's policy forbids an overlap.");
        assert_eq!(make(&facts, Wanted::Contain).unwrap().strategy, Strategy::Contain);
    }

    #[test]
    fn nobody_gets_a_new_key_before_it_has_settled() {
        let plan = make(&facts(), Wanted::Overlap).unwrap();
        let verify = plan.steps.iter().find(|step| step.kind == StepKind::Verify).unwrap();
        assert_eq!(verify.spec.hold, Duration::from_secs(1));
        assert_eq!(plan.expected().1, Duration::from_secs(3600));
    }
}
