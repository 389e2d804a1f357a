//! The second sentence of the product: from a leaked credential to a rotated one and a post-mortem.
//!
//! A [`Responder`] is what the command line, the server's workers and the drill all call, in the same order:
//! [`Responder::resolve`] (what is meant?), [`Responder::open`] (the incident, durable, with the leaked value sealed),
//! [`Responder::plan`] (ask the provider, look at the world, decide), [`Responder::run`] (do it). A run that stands still
//! says why ([`Ended`]); [`Responder::resume`] goes on after a crash, a wait or a person's help, and is the same run.
//!
//! Crashes: every method may end at any point. An incident is open before its secret is sealed; a seal that is missing is
//! made good from a store that still holds the value, or from the next call that brings it. While a run is under way the
//! ledger owes a `resume`, due in a while: `stanch incident resume --due` and the server find what a dead process left.
//! After the end a finish that can be repeated wipes what was sealed and writes the post-mortem; only then is it closed.
//!
//! Knows nothing of terminals and networks; what it must see of repositories it is told through [`Eyes`].

mod case;
mod close;
mod hands;
mod resolve;

pub use resolve::{Eyes, Leak, Target};

use crate::incident::{self, Cutover, Event, Opened, Outcome, PostMortem, Story, triage};
use crate::inventory::{Inventory, Wanted};
use crate::ledger::{self, Debt, IncidentId, Ledger, NewIncident};
use crate::provider::{Registry, Verdict};
use crate::rotate::sealed::{Kept, LEAKED, NEW, Sealed};
use crate::rotate::{self, Plan, Rotation, StepKind, survey};
use crate::secret::{Credential, Fingerprint, FingerprintKey, Secret, SecretRef, redact};
use crate::workflow;
use crate::workflow::clock::Clock;
use crate::workflow::event::Outcome as RunOutcome;
use crate::workflow::runner::{self, Observer, Runner};
use crate::workflow::state::{Command, Stuck};
use case::Case;
use jiff::{SignedDuration, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Responds to leaks. Cheap to share: workers of a server use one through an `Arc`.
pub struct Responder {
    /// What must outlive a crash.
    pub ledger: Arc<dyn Ledger>,
    /// The providers.
    pub registry: Registry,
    /// The credentials we own.
    pub inventory: Inventory,
    /// Where the administrators' own credentials are, so that they are never killed.
    pub admins: Vec<SecretRef>,
    /// Time.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Makes fingerprints.
    pub key: Arc<FingerprintKey>,
    /// The rest.
    pub options: Options,
}

/// How to respond.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the post-mortems.
    pub postmortems: PathBuf,
    /// Longest wait that is slept through; a longer one becomes a debt.
    pub patience: Duration,
}

/// Where a run stands still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The incident is closed.
    Closed {
        /// How it ended.
        outcome: Outcome,
        /// The post-mortem, as Markdown; the JSON lies beside it.
        postmortem: PathBuf,
    },
    /// Nothing is to be done before a time: the grace of a disabled key, for the most part.
    Waiting {
        /// Until when.
        until: Timestamp,
        /// For what: the step's label.
        step: String,
        /// The post-mortem so far.
        postmortem: PathBuf,
    },
    /// The plan waits for a person's approval.
    Approval,
    /// A person is needed.
    Person {
        /// The step's label.
        step: String,
        /// The scrubbed cause.
        why: String,
        /// Who must do what.
        instructions: String,
        /// The post-mortem so far.
        postmortem: PathBuf,
    },
    /// A step failed for good before any kill, and everything was taken back: the leaked credential is as it was.
    Undone {
        /// The step that failed, and why.
        why: String,
        /// The post-mortem so far.
        postmortem: PathBuf,
    },
}

impl Responder {
    /// Opens the incident of a leak, or finds the one that is open already, and seals the leaked value in it.
    pub fn open(&self, leak: &Leak) -> Result<IncidentId, Error> {
        let fingerprint = self.key.fingerprint(&leak.credential.secret);
        let now = self.clock.now();
        let new = NewIncident { id: name(now, fingerprint), fingerprint, title: leak.title(), at: now };
        let first = Event::Opened(Box::new(self.opening(leak, fingerprint, now))).body()?;
        let id = match self.ledger.open(&new, &first)? {
            ledger::Opened::New => new.id,
            ledger::Opened::Already(id) => id,
        };
        let sealed = Sealed { ledger: &*self.ledger, incident: &id };
        if sealed.get(LEAKED)?.is_none() {
            sealed.put(LEAKED, &Kept { key: None, credential: leak.credential.clone() })?;
        }
        Ok(id)
    }

    /// Asks the provider, looks at the world and decides. A run that is under way keeps its plan. `approval` makes the
    /// plan wait for a person even where the inventory's policy does not.
    pub fn plan(&self, id: &IncidentId, wanted: Wanted, approval: bool) -> Result<Plan, Error> {
        self.with(id, |case| {
            let ended = case.story.outcome.is_some();
            match &case.story.plan {
                Some(plan) if case.story.under_way() || (ended && !case.story.filed) => Ok(plan.clone()),
                _ if ended => Err(Error::Closed(id.clone())),
                _ => {
                    if case.story.asked != (wanted, approval) {
                        case.append(Event::Asked { strategy: wanted, approval })?;
                    }
                    self.decide(case)
                }
            }
        })
    }

    /// Carries the plan out, as far as it goes now. Makes one where there is none.
    pub fn run(&self, id: &IncidentId, observer: &mut dyn Observer) -> Result<Ended, Error> {
        self.with(id, |case| self.drive(case, observer))
    }

    /// Goes on after a person's help: lets a stuck step go on, and takes in the key that they made.
    pub fn resume(
        &self,
        id: &IncidentId,
        by: &str,
        new_secret: Option<Secret>,
        observer: &mut dyn Observer,
    ) -> Result<Ended, Error> {
        self.with(id, |case| {
            if let Some(secret) = new_secret {
                self.take_in(case, secret)?;
            }
            if case.story.run.stuck().is_some() {
                self.runner(case, observer, |runner, state| runner.resume(state, by))?;
            }
            self.drive(case, observer)
        })
    }

    /// Ends an incident by a person's word: everything is taken back and the leaked credential left as it was. Past the
    /// first kill only a run that is stuck can be ended, and stays as it stands.
    pub fn abort(&self, id: &IncidentId, by: &str, reason: &str, observer: &mut dyn Observer) -> Result<Ended, Error> {
        self.with(id, |case| {
            if case.story.outcome.is_some() {
                return Err(Error::Closed(id.clone()));
            }
            if case.story.under_way() && case.story.run.past_pivot() && case.story.run.stuck().is_none() {
                return Err(Error::PastPivot(id.clone()));
            }
            if !case.story.withdrawn {
                case.append(Event::Withdrawn { by: by.to_owned(), reason: reason.to_owned() })?;
            }
            self.drive(case, observer)
        })
    }

    /// Records a person's approval, and that the run is due.
    pub fn approve(&self, id: &IncidentId, by: &str) -> Result<(), Error> {
        self.with(id, |case| {
            if !case.story.unapproved {
                return Err(Error::NotWaiting(id.clone()));
            }
            self.owe(id, "the plan is approved and can run", self.clock.now())?;
            case.append(Event::Approved { by: by.to_owned() })
        })
    }

    /// Records what callers felt during the cutover, and tells the post-mortem anew.
    pub fn measure(&self, id: &IncidentId, cutover: Cutover) -> Result<PathBuf, Error> {
        self.with(id, |case| {
            case.append(Event::Measured { cutover })?;
            self.tell(case)
        })
    }

    /// The incidents whose resumption is due, earliest first.
    pub fn due(&self) -> Result<Vec<IncidentId>, Error> {
        let debts = self.ledger.debts(Some(self.clock.now()))?;
        Ok(debts.into_iter().filter(|debt| debt.kind == RESUME).map(|debt| debt.incident).collect())
    }

    /// An incident's story and events as they stand. Reads only.
    pub fn story(&self, id: &IncidentId) -> Result<(Story, Vec<incident::Entry>), Error> {
        let entries = incident::read(self.ledger.events(id)?)?;
        Ok((Story::read(&entries)?, entries))
    }

    /// The post-mortem as the events tell it now. Reads only.
    pub fn postmortem(&self, id: &IncidentId) -> Result<PostMortem, Error> {
        let title = self.ledger.incident(&id.0)?.title;
        let entries = incident::read(self.ledger.events(id)?)?;
        Ok(PostMortem::tell(&id.0, &title, &entries)?)
    }
}

/// What the verbs are made of.
impl Responder {
    /// Acts under the incident's lease, and gives it back whatever happened.
    fn with<T>(&self, id: &IncidentId, act: impl FnOnce(&mut Case<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut case = Case::open(&*self.ledger, &*self.clock, id)?;
        let result = act(&mut case);
        let released = case.release();
        let value = result?;
        released?;
        Ok(value)
    }

    fn opening(&self, leak: &Leak, fingerprint: Fingerprint, now: Timestamp) -> Opened {
        let entry = leak.entry.as_ref().and_then(|id| self.inventory.get(id));
        let detected = leak.detected.unwrap_or(now);
        Opened {
            credential: leak.entry.clone(),
            provider: leak.provider.clone(),
            rule: leak.rule.clone(),
            fingerprint,
            redacted: redact::mask(&leak.credential.secret),
            owner: entry.and_then(|entry| entry.owner.clone()),
            environment: entry.and_then(|entry| entry.environment.clone()),
            tier: entry.and_then(|entry| entry.tier),
            introduced: triage::introduced(&leak.places, detected),
            occurrences: leak.places.clone(),
            reach: leak.reach.0,
            reach_known_by: leak.reach.1.clone(),
            detected,
            source: leak.source.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn decide(&self, case: &mut Case<'_>) -> Result<Plan, Error> {
        let (wanted, approval) = case.story.asked;
        let entry = case.story.opened.credential.as_ref().and_then(|id| self.inventory.get(id));
        let hands = self.hands(entry, case.story.opened.provider.as_deref());
        if hands.admins.contains(&case.story.opened.fingerprint) {
            return Err(Error::OwnAdmin);
        }
        let leaked = self.leaked(case)?;
        let verdict = match (&hands.provider, &leaked) {
            (Some(provider), Some(leaked)) => provider.validate(leaked),
            (None, _) => Verdict::Unknown { why: "its provider is not described".into() },
            (_, None) => Verdict::Unknown { why: "the leaked value is not at hand".into() },
        };
        case.append(Event::Validated { verdict: verdict.clone() })?;
        let facts = self.facts(case, entry, &hands, verdict, wanted)?;
        let plan = rotate::plan::make(&facts, wanted)?;
        let approval = approval || entry.is_some_and(|entry| entry.policy.approval);
        case.append(Event::Decided { plan: Box::new(plan.clone()), approval })?;
        Ok(plan)
    }

    /// The leaked credential: sealed, or read once more from a store that still holds it.
    fn leaked(&self, case: &Case<'_>) -> Result<Option<Credential>, Error> {
        let sealed = Sealed { ledger: &*self.ledger, incident: &case.id };
        if let Some(kept) = sealed.get(LEAKED)? {
            return Ok(Some(kept.credential));
        }
        let opened = &case.story.opened;
        let entry = opened.credential.as_ref().and_then(|id| self.inventory.get(id));
        let stores = entry.map(|entry| entry.stores.as_slice()).unwrap_or_default();
        let values = stores.iter().filter_map(|spec| spec.open().read().ok());
        let found = values.into_iter().find(|secret| self.key.fingerprint(secret) == opened.fingerprint);
        let Some(secret) = found else { return Ok(None) };
        let credential = Credential::new(secret);
        sealed.put(LEAKED, &Kept { key: None, credential: credential.clone() })?;
        Ok(Some(credential))
    }

    /// From wherever the incident stands to where it stands still.
    fn drive(&self, case: &mut Case<'_>, observer: &mut dyn Observer) -> Result<Ended, Error> {
        if let Some(outcome) = case.story.outcome {
            return self.finish(case, outcome);
        }
        if case.story.withdrawn {
            return self.withdraw(case, observer);
        }
        let undone = case.story.run.outcome() == Some(RunOutcome::Undone);
        if case.story.plan.is_none() || undone {
            self.decide(case)?;
        }
        if case.story.unapproved {
            self.settle(&case.id)?;
            return Ok(Ended::Approval);
        }
        self.carry(case, observer)
    }

    fn withdraw(&self, case: &mut Case<'_>, observer: &mut dyn Observer) -> Result<Ended, Error> {
        if !case.story.under_way() {
            return self.close(case, Outcome::Aborted);
        }
        if case.story.run.aborting().is_none() {
            if case.story.run.may_abort().is_err() {
                return self.close(case, Outcome::Abandoned);
            }
            self.runner(case, observer, |runner, state| runner.abort(state, "a person ended the incident"))?;
        }
        self.carry(case, observer)
    }

    /// Runs the machine, and says how it ended.
    fn carry(&self, case: &mut Case<'_>, observer: &mut dyn Observer) -> Result<Ended, Error> {
        self.owe(
            &case.id,
            "the process that was responding ended before it was done",
            later(self.clock.now(), ORPHANED),
        )?;
        let plan = case.story.plan.iter().flat_map(|plan| &plan.steps);
        let steps = plan.map(|step| step.spec.clone()).collect();
        let ended = self.runner(case, observer, |runner, state| {
            if state.decide(runner.clock.now()) == Command::Plan {
                runner.plan(state, steps)?;
            }
            runner.run(state)
        })?;
        match ended {
            runner::Ended::Finished(RunOutcome::Completed) => {
                let outcome = outcome(&case.story);
                self.close(case, outcome)
            }
            runner::Ended::Finished(RunOutcome::Undone) if case.story.withdrawn => self.close(case, Outcome::Aborted),
            runner::Ended::Finished(RunOutcome::Undone) => {
                self.settle(&case.id)?;
                let why = case.story.run.aborting().unwrap_or_default().to_owned();
                Ok(Ended::Undone { why, postmortem: self.tell(case)? })
            }
            runner::Ended::Stuck(stuck) => self.called(case, stuck),
            runner::Ended::Waiting { step, until } => {
                let step = case.label(step);
                self.owe(&case.id, &step, until)?;
                Ok(Ended::Waiting { until, step, postmortem: self.tell(case)? })
            }
        }
    }

    fn called(&self, case: &mut Case<'_>, stuck: Stuck) -> Result<Ended, Error> {
        self.settle(&case.id)?;
        let postmortem = self.tell(case)?;
        let step = case.label(stuck.step);
        Ok(Ended::Person { step, why: stuck.why, instructions: stuck.instructions, postmortem })
    }
}

/// Small hands of the above.
impl Responder {
    /// Hands `act` the machine of the incident's run, with our actions and our journal.
    fn runner<T>(
        &self,
        case: &mut Case<'_>,
        observer: &mut dyn Observer,
        act: impl FnOnce(&mut Runner<'_>, &mut workflow::state::State) -> Result<T, runner::Error>,
    ) -> Result<T, Error> {
        let plan = case.story.plan.clone().ok_or(runner::Error::NoPlan)?;
        let opened = &case.story.opened;
        let entry = opened.credential.as_ref().and_then(|id| self.inventory.get(id));
        let hands = self.hands(entry, opened.provider.as_deref());
        let id = case.id.clone();
        let mut state = case.story.run.clone();
        let mut actions = Rotation {
            incident: &id,
            plan: &plan,
            hands: &hands,
            ledger: &*self.ledger,
            clock: &*self.clock,
            key: &self.key,
            issues: case.story.issues,
            waived: case.story.waived.clone(),
        };
        let patience = self.options.patience;
        let mut runner = Runner { actions: &mut actions, journal: case, clock: &*self.clock, observer, patience };
        Ok(act(&mut runner, &mut state)?)
    }

    /// Takes in the key that a person made, when the run asks for one.
    fn take_in(&self, case: &Case<'_>, secret: Secret) -> Result<(), Error> {
        let asks = |stuck: &Stuck| case.story.kind(stuck.step) == Some(&StepKind::IssueByHand);
        if !case.story.run.stuck().is_some_and(asks) {
            return Err(Error::NoSecretWanted(case.id.clone()));
        }
        if self.key.fingerprint(&secret) == case.story.opened.fingerprint {
            return Err(Error::SameSecret);
        }
        let credential = Credential::new(secret);
        let provider = case.story.opened.provider.as_deref().and_then(|id| self.registry.get(id));
        let key = provider.filter(|provider| provider.profile().can.identify);
        let key = key.and_then(|provider| provider.identify(&credential).ok());
        Sealed { ledger: &*self.ledger, incident: &case.id }.put(NEW, &Kept { key, credential })?;
        Ok(())
    }

    fn owe(&self, id: &IncidentId, what: &str, due: Timestamp) -> Result<(), Error> {
        let debt = Debt { incident: id.clone(), kind: RESUME.to_owned(), what: what.to_owned(), due };
        Ok(self.ledger.owe(&debt)?)
    }

    fn settle(&self, id: &IncidentId) -> Result<(), Error> {
        Ok(self.ledger.settle(id, RESUME)?)
    }
}

/// What a completed run has come to.
fn outcome(story: &Story) -> Outcome {
    let steps = || story.plan.iter().flat_map(|plan| &plan.steps);
    if steps().any(|step| matches!(step.kind, StepKind::Issue | StepKind::IssueByHand)) {
        Outcome::Rotated
    } else if steps().any(|step| step.kind.kills()) {
        Outcome::Killed
    } else {
        Outcome::NothingToDo
    }
}

/// An incident's name: it sorts by time, and ends with the first digits of the fingerprint.
fn name(at: Timestamp, fingerprint: Fingerprint) -> IncidentId {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let digit = |place: u32| ALPHABET.chars().nth((millis >> (5 * place)) as usize & 31).unwrap_or('0');
    let time: String = (0..10).rev().map(digit).collect();
    let print: String = fingerprint.to_string().chars().take(4).collect();
    IncidentId(format!("inc-{time}-{print}"))
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// Crockford's base 32: no letter that is read as a digit.
const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
/// The kind of debt that a resume pays.
const RESUME: &str = "resume";
/// After this long a run that is still owed was left by a process that died.
const ORPHANED: Duration = Duration::from_secs(90);

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    #[error(transparent)]
    Incident(#[from] incident::Error),
    #[error(transparent)]
    Run(#[from] runner::Error),
    #[error(transparent)]
    Survey(#[from] survey::Error),
    #[error(transparent)]
    Plan(#[from] rotate::plan::Error),
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(transparent)]
    Consumer(#[from] crate::consumer::Error),
    #[error("find {0}: it is neither a credential of the inventory nor the start of a finding's fingerprint")]
    Nothing(String),
    #[error(
        "find a finding whose fingerprint starts with {0}: no store of the inventory and nothing that was scanned holds it"
    )]
    NoFinding(String),
    #[error("tell which is meant by {asked}: {}", .candidates.join(", "))]
    Ambiguous { asked: String, candidates: Vec<String> },
    #[error("read the credential {0}: the inventory names no store for it")]
    NoStore(String),
    #[error("read the credential in {0}: its value there is empty")]
    EmptyStore(String),
    #[error("look for it: {0}")]
    Look(String),
    #[error("act on {0}: it is closed")]
    Closed(IncidentId),
    #[error("take {0} back: the old key is dead already, there is only the way forward")]
    PastPivot(IncidentId),
    #[error("replace the administrator's credential that stanch itself works with: it would lock itself out")]
    OwnAdmin,
    #[error("approve {0}: it does not wait for an approval")]
    NotWaiting(IncidentId),
    #[error("take in a new secret: {0} does not ask for one")]
    NoSecretWanted(IncidentId),
    #[error("take in a new secret: it is the leaked one")]
    SameSecret,
    #[error("write the post-mortem {path}")]
    PostMortem { path: PathBuf, source: std::io::Error },
}
