//! A provider in memory, a ledger that dies, and a clock that steps: a world in which every call can be the last.

use jiff::{SignedDuration, Timestamp};
use stanch::ledger::memory::MemoryLedger;
use stanch::ledger::{self, Body, Debt, Delivery, DeliveryInfo, Entry, Incident, IncidentId, Lease, Ledger, Mark};
use stanch::ledger::{NewDelivery, NewIncident, Opened, Status};
use stanch::provider::{Error, IssueRequest, Issued, KeyId, KeyInfo, Operations, Overlap, Profile, Provider, Verdict};
use stanch::secret::{Credential, Secret};
use stanch::workflow::clock::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Time that passes when somebody sleeps, and a millisecond at each look.
pub struct Steps(Mutex<Timestamp>);

impl Steps {
    pub fn new() -> Arc<Steps> {
        Arc::new(Steps(Mutex::new("2026-11-20T10:00:00Z".parse().unwrap())))
    }
}

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        let mut now = self.0.lock().unwrap();
        *now += SignedDuration::from_millis(1);
        *now
    }

    fn sleep(&self, duration: Duration) {
        *self.0.lock().unwrap() += SignedDuration::try_from(duration).unwrap();
    }
}

/// Dies at the n-th call that passes it, before or after the call acts; then nothing works any more.
pub struct Fuse {
    calls: AtomicU64,
    dies_at: u64,
    after: bool,
}

impl Fuse {
    pub fn new(dies_at: u64, after: bool) -> Arc<Fuse> {
        Arc::new(Fuse { calls: AtomicU64::new(0), dies_at, after })
    }

    pub fn never() -> Arc<Fuse> {
        Fuse::new(u64::MAX, false)
    }

    pub fn blown(&self) -> bool {
        self.calls.load(Ordering::SeqCst) >= self.dies_at
    }

    fn pass<T, E>(&self, dead: impl Fn() -> E, act: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if call > self.dies_at || (call == self.dies_at && !self.after) {
            return Err(dead());
        }
        let result = act();
        if call == self.dies_at { Err(dead()) } else { result }
    }
}

/// One key of the forge.
#[derive(Clone)]
pub struct Key {
    pub id: KeyId,
    pub label: Option<String>,
    pub secret: String,
    pub enabled: bool,
    /// From when on the data plane knows it, and from when on it refuses it.
    lives: Timestamp,
    dies: Option<Timestamp>,
}

/// Looks at the world in the middle of it.
type Watch = Box<dyn Fn(&Account) + Send>;

/// What the account holds. Outlives every responder.
pub struct Account {
    pub keys: Mutex<Vec<Key>>,
    pub gone: Mutex<Vec<Key>>,
    clock: Arc<Steps>,
    settle: Duration,
    made: AtomicU64,
    /// Answers of `issue` that get lost, though it acted.
    pub lose_issues: AtomicU64,
    /// Whose the keys are.
    pub owner: Mutex<String>,
    /// Looked at before each change of a key.
    pub watch: Mutex<Option<Watch>>,
}

impl Account {
    pub fn new(clock: Arc<Steps>) -> Arc<Account> {
        Arc::new(Account {
            keys: Mutex::default(),
            gone: Mutex::default(),
            clock,
            settle: Duration::from_millis(400),
            made: AtomicU64::new(0),
            owner: Mutex::new("acct_1".into()),
            lose_issues: AtomicU64::new(0),
            watch: Mutex::default(),
        })
    }

    /// Makes a key, as a person would.
    pub fn make(&self, label: Option<String>) -> Key {
        let number = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        let lives = self.after_settling();
        let (id, secret) = (KeyId(format!("key_{number}")), format!("forge-{number}-{}", "s3cr3t".repeat(4)));
        let key = Key { id, label, secret, enabled: true, lives, dies: None };
        self.keys.lock().unwrap().push(key.clone());
        key
    }

    /// Whether the data plane accepts it now.
    pub fn accepts(&self, secret: &str) -> bool {
        let now = self.clock.now();
        let (keys, gone) = (self.keys.lock().unwrap(), self.gone.lock().unwrap());
        let mut known = keys.iter().chain(gone.iter()).filter(|key| key.secret == secret);
        known.any(|key| key.lives <= now && key.dies.is_none_or(|dies| now < dies))
    }

    pub fn ids(&self) -> Vec<KeyId> {
        self.keys.lock().unwrap().iter().map(|key| key.id.clone()).collect()
    }

    fn after_settling(&self) -> Timestamp {
        self.clock.now() + SignedDuration::try_from(self.settle).unwrap()
    }

    fn look(&self) {
        if let Some(watch) = &*self.watch.lock().unwrap() {
            watch(self);
        }
    }
}

/// The provider, as one process sees it.
pub struct Forge {
    account: Arc<Account>,
    fuse: Arc<Fuse>,
    profile: Profile,
}

impl Forge {
    pub fn open(account: Arc<Account>, fuse: Arc<Fuse>, change: impl FnOnce(&mut Profile)) -> Arc<dyn Provider> {
        let can = Operations {
            validate: true,
            identify: true,
            issue: true,
            list: true,
            disable: true,
            enable: true,
            revoke: true,
            revoke_by_possession: false,
            last_used: false,
        };
        let mut profile = Profile {
            title: "Forge".into(),
            can,
            knows: can,
            overlap: Overlap::Multi,
            settle: account.settle,
            limit: Some(5),
            survives: vec!["Sessions that were opened with the key live on for an hour.".into()],
            by_hand: Some("https://forge.example/keys".into()),
            source: "the test itself".into(),
        };
        change(&mut profile);
        Arc::new(Forge { account, fuse, profile })
    }

    fn call<T>(&self, act: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        self.fuse.pass(|| lost("any"), act)
    }

    fn kill(&self, key: &KeyId, gone: bool) -> Result<(), Error> {
        self.call(|| {
            self.account.look();
            let dies = self.account.after_settling();
            let mut keys = self.account.keys.lock().unwrap();
            let Some(at) = keys.iter().position(|known| known.id == *key) else { return Ok(()) };
            keys[at].enabled = false;
            keys[at].dies = keys[at].dies.or(Some(dies));
            if gone {
                let key = keys.remove(at);
                self.account.gone.lock().unwrap().push(key);
            }
            Ok(())
        })
    }
}

fn lost(operation: &'static str) -> Error {
    Error::Lost { provider: "forge".into(), operation, why: "no answer came".into() }
}

#[expect(clippy::disallowed_methods, reason = "the forge looks its keys up by their secrets")]
fn text(credential: &Credential) -> String {
    String::from_utf8(credential.secret.expose().to_vec()).unwrap()
}

impl Provider for Forge {
    fn id(&self) -> &str {
        "forge"
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn validate(&self, credential: &Credential) -> Verdict {
        let asked = self.call(|| Ok(self.account.accepts(&text(credential))));
        match asked {
            Ok(true) => Verdict::Active {
                identity: Some(self.account.owner.lock().unwrap().clone()),
                scopes: vec!["all".into()],
            },
            Ok(false) => Verdict::Inactive,
            Err(error) => Verdict::Unknown { why: error.to_string() },
        }
    }

    fn identify(&self, credential: &Credential) -> Result<KeyId, Error> {
        self.call(|| {
            let keys = self.account.keys.lock().unwrap();
            let found = keys.iter().find(|key| key.secret == text(credential)).map(|key| key.id.clone());
            found.ok_or_else(|| Error::Refused {
                provider: "forge".into(),
                operation: "identify",
                status: "404".into(),
                detail: String::new(),
            })
        })
    }

    fn issue(&self, request: &IssueRequest) -> Result<Issued, Error> {
        self.call(|| {
            let key = self.account.make(Some(request.label.clone()));
            if self.account.lose_issues.load(Ordering::SeqCst) > 0 {
                self.account.lose_issues.fetch_sub(1, Ordering::SeqCst);
                return Err(lost("issue"));
            }
            Ok(Issued { key: key.id, credential: Credential::new(Secret::new(key.secret)) })
        })
    }

    fn list(&self) -> Result<Vec<KeyInfo>, Error> {
        self.call(|| {
            let keys = self.account.keys.lock().unwrap();
            let info = |key: &Key| KeyInfo {
                id: key.id.clone(),
                label: key.label.clone(),
                enabled: key.enabled,
                created: None,
                last_used: None,
            };
            Ok(keys.iter().map(info).collect())
        })
    }

    fn disable(&self, key: &KeyId) -> Result<(), Error> {
        self.kill(key, false)
    }

    fn enable(&self, _key: &KeyId) -> Result<(), Error> {
        panic!("a leaked key must not be switched on again")
    }

    fn revoke(&self, key: Option<&KeyId>, credential: Option<&Credential>) -> Result<(), Error> {
        match (key, credential) {
            (Some(key), _) => self.kill(key, true),
            (None, Some(credential)) => {
                let id = self.account.keys.lock().unwrap().iter().find(|key| key.secret == text(credential)).cloned();
                id.map_or(Ok(()), |key| self.kill(&key.id, true))
            }
            (None, None) => Err(lost("revoke")),
        }
    }

    fn last_used(&self, _key: &KeyId) -> Result<Option<Timestamp>, Error> {
        Ok(None)
    }
}

/// A ledger that is cut off when its process dies.
pub struct Mortal {
    inner: Arc<MemoryLedger>,
    fuse: Arc<Fuse>,
    leases: Mutex<BTreeMap<IncidentId, Lease>>,
}

impl Mortal {
    pub fn new(inner: Arc<MemoryLedger>, fuse: Arc<Fuse>) -> Arc<Mortal> {
        Arc::new(Mortal { inner, fuse, leases: Mutex::default() })
    }

    /// What the operating system does when the process is gone.
    pub fn bury(&self) {
        for (_, lease) in std::mem::take(&mut *self.leases.lock().unwrap()) {
            self.inner.release(lease).unwrap();
        }
    }

    fn call<T>(&self, act: impl FnOnce() -> Result<T, ledger::Error>) -> Result<T, ledger::Error> {
        self.fuse.pass(|| ledger::Error::Failed("the process died".into()), act)
    }

    fn read<T>(&self, act: impl FnOnce() -> Result<T, ledger::Error>) -> Result<T, ledger::Error> {
        match self.fuse.blown() {
            true => Err(ledger::Error::Failed("the process died".into())),
            false => act(),
        }
    }
}

impl Ledger for Mortal {
    fn open(&self, incident: &NewIncident, first: &Body) -> Result<Opened, ledger::Error> {
        self.call(|| self.inner.open(incident, first))
    }

    fn incidents(&self) -> Result<Vec<Incident>, ledger::Error> {
        self.read(|| self.inner.incidents())
    }

    fn incident(&self, prefix: &str) -> Result<Incident, ledger::Error> {
        self.read(|| self.inner.incident(prefix))
    }

    fn append(&self, lease: &Lease, at: Timestamp, body: &Body, status: Status) -> Result<Entry, ledger::Error> {
        self.call(|| self.inner.append(lease, at, body, status))
    }

    fn events(&self, incident: &IncidentId) -> Result<Vec<Entry>, ledger::Error> {
        self.read(|| self.inner.events(incident))
    }

    fn lease(&self, incident: &IncidentId, at: Timestamp) -> Result<Lease, ledger::Error> {
        self.call(|| {
            let lease = self.inner.lease(incident, at)?;
            self.leases.lock().unwrap().insert(incident.clone(), lease.clone());
            Ok(lease)
        })
    }

    fn renew(&self, lease: &Lease, at: Timestamp) -> Result<(), ledger::Error> {
        self.call(|| self.inner.renew(lease, at))
    }

    fn release(&self, lease: Lease) -> Result<(), ledger::Error> {
        self.call(|| {
            self.leases.lock().unwrap().remove(&lease.incident);
            self.inner.release(lease)
        })
    }

    fn seal(&self, incident: &IncidentId, name: &str, secret: &Secret) -> Result<(), ledger::Error> {
        self.call(|| self.inner.seal(incident, name, secret))
    }

    fn unseal(&self, incident: &IncidentId, name: &str) -> Result<Option<Secret>, ledger::Error> {
        self.read(|| self.inner.unseal(incident, name))
    }

    fn wipe(&self, incident: &IncidentId, prefix: &str) -> Result<(), ledger::Error> {
        self.call(|| self.inner.wipe(incident, prefix))
    }

    fn keep_postmortem(&self, incident: &IncidentId, markdown: &str, json: &str) -> Result<(), ledger::Error> {
        self.call(|| self.inner.keep_postmortem(incident, markdown, json))
    }

    fn postmortem(&self, incident: &IncidentId) -> Result<Option<(String, String)>, ledger::Error> {
        self.read(|| self.inner.postmortem(incident))
    }

    fn owe(&self, debt: &Debt) -> Result<(), ledger::Error> {
        self.call(|| self.inner.owe(debt))
    }

    fn settle(&self, incident: &IncidentId, kind: &str) -> Result<(), ledger::Error> {
        self.call(|| self.inner.settle(incident, kind))
    }

    fn debts(&self, due_at: Option<Timestamp>) -> Result<Vec<Debt>, ledger::Error> {
        self.read(|| self.inner.debts(due_at))
    }

    fn deliver(&self, delivery: &NewDelivery) -> Result<bool, ledger::Error> {
        self.inner.deliver(delivery)
    }

    fn take(&self, at: Timestamp, patience: u64) -> Result<Option<Delivery>, ledger::Error> {
        self.inner.take(at, patience)
    }

    fn mark(&self, id: &str, mark: Mark, note: &str) -> Result<(), ledger::Error> {
        self.inner.mark(id, mark, note)
    }

    fn deliveries(&self) -> Result<Vec<DeliveryInfo>, ledger::Error> {
        self.inner.deliveries()
    }
}
