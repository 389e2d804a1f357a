//! The responder against a provider in memory: both strategies, every ending, and a death at every call.

mod forge;

use forge::{Account, Forge, Fuse, Mortal, Steps};
use stanch::config;
use stanch::detect::Finding;
use stanch::incident::{Cutover, Outcome, PostMortem};
use stanch::inventory::Wanted;
use stanch::ledger::memory::MemoryLedger;
use stanch::ledger::{IncidentId, Ledger, Status};
use stanch::provider::{Profile, Registry};
use stanch::respond::{Ended, Error, Eyes, Options, Responder, Target};
use stanch::secret::{FingerprintKey, Secret};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A team's house: a store, a service that has loaded what is in it, an account at the forge.
struct House {
    dir: tempfile::TempDir,
    clock: Arc<Steps>,
    account: Arc<Account>,
    ledger: Arc<MemoryLedger>,
    leaked: forge::Key,
    policy: &'static str,
    restart: &'static str,
    change: fn(&mut Profile),
}

/// Sees nothing: the tests name what they mean.
struct Blind;

impl Eyes for Blind {
    fn findings(&self) -> Result<Vec<Finding>, String> {
        Ok(Vec::new())
    }

    fn recognise(&self, _: &Secret) -> Option<Finding> {
        None
    }

    fn remotes(&self) -> Vec<String> {
        Vec::new()
    }
}

impl House {
    fn new() -> House {
        let clock = Steps::new();
        let account = Account::new(clock.clone());
        let leaked = account.make(Some("made by hand".into()));
        let house = House {
            dir: tempfile::tempdir().unwrap(),
            clock,
            account,
            ledger: Arc::new(MemoryLedger::new()),
            leaked,
            policy: "grace: 0",
            restart: "cp, .env, loaded",
            change: |_| {},
        };
        house.clock_past_settling();
        house.write(".env", &format!("# the key\nKEY={}\nOTHER=1\n", house.leaked.secret));
        house.write("loaded", &format!("# the key\nKEY={}\nOTHER=1\n", house.leaked.secret));
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A process of its own: dies when its fuse says so.
    fn process(&self, fuse: Arc<Fuse>) -> (Responder, Arc<Mortal>) {
        let ledger = Mortal::new(self.ledger.clone(), fuse.clone());
        let written = format!(
            "version: 1\ncredentials:\n  - id: payments\n    provider: forge\n    owner: team\n    tier: 1\n    \
             stores: [{{ dotenv: {{ path: ./.env, name: KEY }} }}]\n    \
             consumers: [{{ command: {{ run: [{}], timeout: 10s }} }}]\n    policy: {{ {} }}\n",
            self.restart, self.policy
        );
        self.write("stanch.yaml", &written);
        let settings = config::load(Some(&self.path("stanch.yaml")), self.dir.path()).unwrap();
        let responder = Responder {
            ledger: ledger.clone(),
            registry: Registry::of([Forge::open(self.account.clone(), fuse, self.change)]),
            inventory: settings.inventory,
            admins: Vec::new(),
            clock: self.clock.clone(),
            key: Arc::new(FingerprintKey::public()),
            options: Options { postmortems: self.path("postmortems"), patience: Duration::from_secs(60) },
        };
        (responder, ledger)
    }

    fn living(&self) -> Responder {
        self.process(Fuse::never()).0
    }

    /// Everything that `stanch respond payments --yes` does.
    fn respond(&self, responder: &Responder, wanted: Wanted) -> Result<(IncidentId, Ended), Error> {
        let target = Target::Secret(Secret::new(self.leaked.secret.as_str()));
        let leak = responder.resolve(target, &Blind, "a test")?;
        let id = responder.open(&leak)?;
        responder.plan(&id, wanted, false)?;
        let ended = responder.run(&id, &mut ())?;
        Ok((id, ended))
    }

    fn key_in(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        text.lines().find_map(|line| line.strip_prefix("KEY=")).unwrap().trim_matches('"').to_owned()
    }

    /// What must hold when it is over, however often the responder died.
    fn is_rotated(&self, what: &str) {
        let keys = self.account.keys.lock().unwrap().clone();
        assert_eq!(keys.len(), 1, "{what}: one key, no orphan: {:?}", keys.iter().map(|k| &k.id).collect::<Vec<_>>());
        assert!(keys[0].enabled && keys[0].id != self.leaked.id, "{what}");
        assert!(self.account.accepts(&keys[0].secret), "{what}: the new key works");
        assert!(!self.account.accepts(&self.leaked.secret), "{what}: the old one is refused");
        for place in [".env", "loaded"] {
            assert_eq!(self.key_in(place), keys[0].secret, "{what}: {place} has the new key");
        }
        let incident = self.ledger.incident("inc").unwrap();
        assert_eq!(incident.status, Status::Closed, "{what}");
        let (_, told) = self.ledger.postmortem(&incident.id).unwrap().unwrap();
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!((&told["status"], &told["outcome"]), (&"closed".into(), &"rotated".into()), "{what}");
        assert_eq!(told["old_key_refused"], true, "{what}");
        assert_eq!(told["stores"].as_array().unwrap().len(), 1, "{what}");
        assert_eq!(told["replacement"]["key"].as_str(), Some(keys[0].id.0.as_str()), "{what}");
        assert!(told["times"]["to_contain_ms"].is_u64() && told["times"]["to_revoke_and_prove_ms"].is_u64(), "{what}");
        for name in ["leaked", "new"] {
            assert!(self.ledger.unseal(&incident.id, name).unwrap().is_none(), "{what}: {name} is wiped");
        }
        assert!(self.ledger.debts(None).unwrap().is_empty(), "{what}: nothing is owed");
        assert!(!told.to_string().contains(&self.leaked.secret), "{what}");
        let path = self.path(&format!("postmortems/2026-11-20-{}.md", incident.id));
        assert!(std::fs::read_to_string(path).unwrap().starts_with("# payments leaked: rotated"), "{what}");
    }
}

/// Dies at every call, before and after it acts, then resumes; until a run passes without dying.
fn dies_everywhere(wanted: Wanted, watch: bool) {
    let mut deaths = 0;
    for call in 1.. {
        let mut died = false;
        for after in [false, true] {
            let house = House::new();
            if watch {
                no_dead_key_is_named(&house);
            }
            let fuse = Fuse::new(call, after);
            let (responder, ledger) = house.process(fuse.clone());
            let result = house.respond(&responder, wanted);
            ledger.bury();
            let what = format!("{wanted:?}, died {} call {call}", if after { "after" } else { "before" });
            if fuse.blown() {
                died = true;
                let living = house.living();
                for _ in 0..3 {
                    match house.ledger.incidents().unwrap().first() {
                        None => _ = house.respond(&living, wanted).unwrap(),
                        Some(one) if one.status == Status::Closed => {
                            // A debt that is not due yet would be paid when it is.
                            _ = living.run(&one.id, &mut ()).unwrap();
                            break;
                        }
                        Some(one) => _ = living.resume(&one.id, "a test", None, &mut ()).unwrap(),
                    }
                }
            } else {
                assert!(
                    matches!(result, Ok((_, Ended::Closed { outcome: Outcome::Rotated, .. }))),
                    "{what}: {result:?}"
                );
            }
            house.is_rotated(&what);
            let (story, _) = house.living().story(&house.ledger.incident("inc").unwrap().id).unwrap();
            if story.asked.0 == wanted {
                let strategy = story.plan.map(|plan| plan.strategy.to_string());
                assert_eq!(strategy.as_deref(), Some(wanted.word()), "{what}: what was asked for outlives a death");
            } else {
                assert!(deaths < 10, "{what}: what was asked for is written down early");
            }
        }
        if !died {
            break;
        }
        deaths += 1;
    }
    assert!(deaths > 50, "it died {deaths} times: too few to be every call");
}

/// Before each change of a key: what the store and the service name is accepted.
fn no_dead_key_is_named(house: &House) {
    let root = house.dir.path().to_owned();
    let watch = move |account: &Account| {
        for name in [".env", "loaded"] {
            let text = std::fs::read_to_string(root.join(name)).unwrap();
            let key = text.lines().find_map(|line| line.strip_prefix("KEY=")).unwrap().to_owned();
            assert!(account.accepts(&key), "{name} names a dead key");
        }
    };
    *house.account.watch.lock().unwrap() = Some(Box::new(watch));
}

#[test]
fn overlap_survives_death_at_every_call_and_never_names_a_dead_key() {
    dies_everywhere(Wanted::Overlap, true);
}

#[test]
fn contain_survives_death_at_every_call() {
    dies_everywhere(Wanted::Contain, false);
}

#[test]
fn a_lost_answer_leaves_no_orphan() {
    for wanted in [Wanted::Overlap, Wanted::Contain] {
        let house = House::new();
        house.account.lose_issues.store(2, Ordering::SeqCst);
        let ended = house.respond(&house.living(), wanted).unwrap().1;
        assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{ended:?}");
        house.is_rotated("two answers were lost");
        let told = house.living().postmortem(&house.ledger.incident("inc").unwrap().id).unwrap();
        assert!(told.troubles.iter().any(|trouble| trouble.what.starts_with("The answer was lost")), "it is told");
    }
}

#[test]
fn what_fails_before_the_kill_is_taken_back_and_can_be_tried_again() {
    let house = House::new();
    // The service cannot be restarted: `cp` cannot write over a folder.
    std::fs::remove_file(house.path("loaded")).unwrap();
    std::fs::create_dir_all(house.path("loaded/.env/x")).unwrap();
    let (id, ended) = house.respond(&house.living(), Wanted::Overlap).unwrap();
    let Ended::Person { step, .. } = ended else { panic!("{ended:?}") };
    assert!(step.contains("deploy"), "taking back tells the consumers too, and cannot: {step}");
    assert_eq!(house.key_in(".env"), house.leaked.secret, "the old value is back");
    assert!(house.account.accepts(&house.leaked.secret));
    std::fs::remove_dir_all(house.path("loaded")).unwrap();
    let ended = house.living().resume(&id, "a test", None, &mut ()).unwrap();
    assert!(matches!(ended, Ended::Undone { .. }), "{ended:?}");
    assert_eq!(house.account.ids(), std::slice::from_ref(&house.leaked.id), "the new key is swept");
    assert_eq!(house.ledger.incident("inc").unwrap().status, Status::Stuck, "the leaked key still works");
    let ended = house.living().run(&id, &mut ()).unwrap();
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{ended:?}");
    house.is_rotated("at the second try");
}

#[test]
fn what_a_person_put_right_in_the_inventory_is_taken_up() {
    for (wanted, twice) in [(Wanted::Overlap, true), (Wanted::Contain, false)] {
        let mut house = House::new();
        house.restart = "cp, .env, no-such-folder/loaded";
        let (id, ended) = house.respond(&house.living(), wanted).unwrap();
        assert!(matches!(&ended, Ended::Person { why, .. } if why.contains("ended with 1")), "{wanted:?}: {ended:?}");
        house.restart = "cp, .env, loaded";
        let mut ended = house.living().resume(&id, "Ada", None, &mut ()).unwrap();
        if twice {
            assert!(matches!(ended, Ended::Undone { .. }), "first everything is taken back: {ended:?}");
            assert_eq!(house.account.ids(), [house.leaked.id.clone()]);
            ended = house.living().run(&id, &mut ()).unwrap();
        }
        assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{wanted:?}: {ended:?}");
        house.is_rotated("with the consumer as it should be");
    }
}

#[test]
fn a_store_that_somebody_changed_is_left_alone() {
    let house = House::new();
    let living = house.living();
    let target = Target::Named("payments".into());
    let id = living.open(&living.resolve(target, &Blind, "a test").unwrap()).unwrap();
    living.plan(&id, Wanted::Overlap, false).unwrap();
    house.write(".env", "KEY=somebody-elses\n");
    let ended = living.run(&id, &mut ()).unwrap();
    assert!(matches!(&ended, Ended::Undone { why, .. } if why.contains("somebody changed it")), "{ended:?}");
    assert_eq!(house.key_in(".env"), "somebody-elses");
    assert_eq!(house.account.ids(), std::slice::from_ref(&house.leaked.id));
}

#[test]
fn a_key_that_is_somebody_elses_by_now_is_not_killed() {
    for wanted in [Wanted::Overlap, Wanted::Contain] {
        let house = House::new();
        let living = house.living();
        let id = living.open(&living.resolve(Target::Named("payments".into()), &Blind, "a test").unwrap()).unwrap();
        living.plan(&id, wanted, false).unwrap();
        *house.account.owner.lock().unwrap() = "acct_2".into();
        let ended = living.run(&id, &mut ()).unwrap();
        let said = "belongs to acct_2 now, the plan was made for acct_1";
        assert!(matches!(&ended, Ended::Person { why, .. } if why.contains(said)), "{wanted:?}: {ended:?}");
        assert!(house.account.accepts(&house.leaked.secret), "{wanted:?}: it is not killed");
        // The person has seen to it: it is theirs to let the run go on.
        *house.account.owner.lock().unwrap() = "acct_1".into();
        let ended = living.resume(&id, "Ada", None, &mut ()).unwrap();
        assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{wanted:?}: {ended:?}");
        house.is_rotated("with its owner back");
    }
}

#[test]
fn abort_takes_back_and_closes() {
    let mut house = House::new();
    house.policy = "approval: required, grace: 0";
    let living = house.living();
    let (id, ended) = house.respond(&living, Wanted::Auto).unwrap();
    assert_eq!(ended, Ended::Approval);
    assert_eq!(house.ledger.incident("inc").unwrap().status, Status::Waiting);
    let ended = living.abort(&id, "a test", "a false alarm", &mut ()).unwrap();
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Aborted, .. }), "{ended:?}");
    assert!(matches!(living.abort(&id, "a test", "again", &mut ()), Err(Error::Closed(_))));
    assert!(house.account.accepts(&house.leaked.secret));
}

#[test]
fn an_approval_lets_it_run() {
    let mut house = House::new();
    house.policy = "approval: required, grace: 0";
    let living = house.living();
    let (id, _) = house.respond(&living, Wanted::Auto).unwrap();
    assert!(living.due().unwrap().is_empty());
    living.approve(&id, "Ada").unwrap();
    assert_eq!(living.due().unwrap(), std::slice::from_ref(&id));
    assert!(matches!(living.approve(&id, "Ada"), Err(Error::NotWaiting(_))));
    living.run(&id, &mut ()).unwrap();
    house.is_rotated("approved");
    assert_eq!(living.postmortem(&id).unwrap().decided.unwrap().approved_by.as_deref(), Some("Ada"));
}

#[test]
fn a_grace_is_a_debt() {
    let mut house = House::new();
    house.policy = "grace: 24h";
    let living = house.living();
    let (id, ended) = house.respond(&living, Wanted::Auto).unwrap();
    let Ended::Waiting { until, step, .. } = ended else { panic!("{ended:?}") };
    assert!(step.starts_with("revoke"), "{step}");
    assert_eq!(house.ledger.incident("inc").unwrap().status, Status::Contained);
    assert!(!house.account.accepts(&house.leaked.secret), "disabled and proven");
    let debts = house.ledger.debts(None).unwrap();
    assert_eq!((debts.len(), debts[0].due), (1, until));
    use stanch::workflow::clock::Clock;
    house.clock.sleep(Duration::from_secs(24 * 60 * 60));
    assert_eq!(living.due().unwrap(), std::slice::from_ref(&id));
    living.run(&id, &mut ()).unwrap();
    house.is_rotated("after the grace");
}

#[test]
fn no_issue_by_api_asks_a_person_for_the_key() {
    let mut house = House::new();
    house.change = |profile| profile.can.issue = false;
    let living = house.living();
    let (id, ended) = house.respond(&living, Wanted::Auto).unwrap();
    let Ended::Person { instructions, .. } = ended else { panic!("{ended:?}") };
    assert!(instructions.contains("https://forge.example/keys") && instructions.contains("--new-secret -"));
    let leaked = Secret::new(house.leaked.secret.as_str());
    assert!(matches!(living.resume(&id, "Ada", Some(leaked), &mut ()), Err(Error::SameSecret)));
    let by_hand = house.account.make(Some("by Ada".into()));
    let secret = Secret::new(by_hand.secret.as_str());
    let ended = living.resume(&id, "Ada", Some(secret), &mut ()).unwrap();
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{ended:?}");
    house.is_rotated("by hand");
}

#[test]
fn a_credential_that_nobody_names_is_killed_only() {
    let house = House::new();
    let stray = house.account.make(None);
    let living = house.living();
    house.clock_past_settling();
    let leak = living.resolve(Target::Secret(Secret::new(stray.secret.as_str())), &Blind, "a test").unwrap();
    let leak = stanch::respond::Leak { provider: Some("forge".into()), ..leak };
    let id = living.open(&leak).unwrap();
    let ended = living.run(&id, &mut ()).unwrap();
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Killed, .. }), "{ended:?}");
    assert!(!house.account.accepts(&stray.secret));
    assert_eq!(house.account.ids(), std::slice::from_ref(&house.leaked.id), "the others are left alone");
    let told = living.postmortem(&id).unwrap();
    assert!(told.skipped.iter().any(|why| why.contains("nobody is known to use it")), "{:?}", told.skipped);
}

#[test]
fn what_nobody_can_kill_from_here_calls_a_person() {
    let mut house = House::new();
    house.change = |profile| {
        profile.can.disable = false;
        profile.can.revoke = false;
    };
    let living = house.living();
    let (id, ended) = house.respond(&living, Wanted::Contain).unwrap();
    assert!(matches!(&ended, Ended::Person { instructions, .. } if instructions.contains("key_1")), "{ended:?}");
    house.account.keys.lock().unwrap().retain(|key| key.id != house.leaked.id);
    let ended = living.resume(&id, "Ada", None, &mut ()).unwrap();
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{ended:?}");
    house.is_rotated("killed by hand");
}

#[test]
fn a_dead_key_is_replaced_where_a_store_names_it() {
    let house = House::new();
    house.account.keys.lock().unwrap().clear();
    let ended = house.respond(&house.living(), Wanted::Auto).unwrap().1;
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{ended:?}");
    assert!(house.account.accepts(&house.key_in(".env")));
    house.write(".env", "KEY=another\n");
    let gone = Target::Secret(Secret::new("forge-0-dead"));
    let living = house.living();
    let leak = living.resolve(gone, &Blind, "a test").unwrap();
    let id = living.open(&stanch::respond::Leak { provider: Some("forge".into()), ..leak }).unwrap();
    let ended = living.run(&id, &mut ()).unwrap();
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::NothingToDo, .. }), "{ended:?}");
}

#[test]
fn a_full_account_is_contained_by_revoking_first() {
    let mut house = House::new();
    house.change = |profile| profile.limit = Some(1);
    let living = house.living();
    let refused = house.respond(&living, Wanted::Overlap).unwrap_err().to_string();
    assert_eq!(
        refused,
        "plan an overlap: Forge allows 1 keys and has 1: there is no room for another beside the old one."
    );
    let ended = house.respond(&living, Wanted::Auto).unwrap().1;
    assert!(matches!(ended, Ended::Closed { outcome: Outcome::Rotated, .. }), "{ended:?}");
    house.is_rotated("revoked first");
}

#[test]
fn what_was_measured_is_told_after_the_close() {
    let house = House::new();
    let living = house.living();
    let (id, _) = house.respond(&living, Wanted::Auto).unwrap();
    let cutover = Cutover { by: "the test".into(), requests: 100, failed: 0 };
    let path = living.measure(&id, cutover).unwrap();
    assert!(std::fs::read_to_string(path).unwrap().contains("0 of 100 requests failed, measured by the test."));
    house.is_rotated("measured");
}

#[test]
fn every_beginning_of_a_story_can_be_told() {
    let house = House::new();
    let living = house.living();
    let (id, _) = house.respond(&living, Wanted::Auto).unwrap();
    let (_, entries) = living.story(&id).unwrap();
    for end in 1..=entries.len() {
        let told = PostMortem::tell(&id.0, "payments", &entries[..end]).unwrap();
        assert_eq!(told.chain.event, end as u64);
        let page = stanch::report::postmortem::markdown(&told);
        assert!(page.contains("## Timeline") && !page.contains(&house.leaked.secret));
    }
}

#[test]
fn a_name_that_is_half_rotated_goes_on_and_does_not_rotate_twice() {
    let house = House::new();
    // Dies with the new key deployed: by its name, the credential is the new one now.
    let deployed = (1..).find(|call| {
        let house = House::new();
        let (responder, _) = house.process(Fuse::new(*call, true));
        _ = house.respond(&responder, Wanted::Overlap);
        house.key_in(".env") != house.leaked.secret
    });
    let (responder, ledger) = house.process(Fuse::new(deployed.unwrap(), true));
    assert!(house.respond(&responder, Wanted::Overlap).is_err());
    ledger.bury();
    let living = house.living();
    let leak = living.resolve(Target::Named("payments".into()), &Blind, "a test").unwrap();
    let id = living.open(&leak).unwrap();
    living.plan(&id, Wanted::Auto, false).unwrap();
    living.run(&id, &mut ()).unwrap();
    house.is_rotated("once");
    assert_eq!(house.ledger.incidents().unwrap().len(), 1);
}

#[test]
fn names_are_told_apart() {
    let house = House::new();
    let living = house.living();
    let resolve = |name: &str| living.resolve(Target::Named(name.into()), &Blind, "a test");
    assert_eq!(resolve("payments").unwrap().entry.as_deref(), Some("payments"));
    let print = FingerprintKey::public().fingerprint(&Secret::new(house.leaked.secret.as_str()));
    assert_eq!(resolve(&print.short()).unwrap().entry.as_deref(), Some("payments"));
    assert!(matches!(resolve("nobody"), Err(Error::Nothing(_))));
    assert!(matches!(resolve("0123456789"), Err(Error::NoFinding(_))));
}

impl House {
    fn clock_past_settling(&self) {
        use stanch::workflow::clock::Clock;
        self.clock.sleep(Duration::from_secs(1));
    }
}
