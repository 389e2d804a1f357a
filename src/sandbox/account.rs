//! The sandbox's state: one account with its keys. Pure but for the chance in new tokens: time comes in as an argument.

use super::token;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stanch::secret::Secret;
use std::io;

/// How many keys the account may have at once, disabled ones included.
const LIMIT: usize = 5;

/// The account.
pub struct Account {
    id: String,
    settle: SignedDuration,
    keys: Vec<Key>,
    work_requests: u64,
    work_failed: u64,
}

/// One key. A deleted one stays, so that the data plane can go on accepting it until the deletion has settled.
struct Key {
    id: String,
    label: String,
    scopes: Vec<String>,
    secret: Secret,
    enabled: bool,
    deleted: bool,
    created: Timestamp,
    last_used: Option<Timestamp>,
    refused: u64,
    /// What the data plane thinks, from when on.
    plane: Vec<(Timestamp, bool)>,
}

/// What a new key is asked to be.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// What lists call it.
    #[serde(default)]
    label: String,
    /// What it may do.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// The key whose scopes it takes over.
    #[serde(default)]
    like: Option<String>,
}

/// Why the account did not do it.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such key.
    NoKey,
    /// [`LIMIT`] keys are there.
    Full,
    /// No randomness.
    Broken,
}

impl Account {
    /// An account without keys, whose changes reach the data plane after `settle`.
    pub fn new(settle: SignedDuration) -> io::Result<Account> {
        Ok(Account { id: token::id("acct")?, settle, keys: Vec::new(), work_requests: 0, work_failed: 0 })
    }

    /// Makes a key. Only this answer holds its secret.
    #[expect(clippy::disallowed_methods, reason = "the provider's one answer that holds the new key's secret")]
    pub fn create(&mut self, now: Timestamp, wish: Wish) -> Result<Value, Refusal> {
        if self.keys.iter().filter(|key| !key.deleted).count() >= LIMIT {
            return Err(Refusal::Full);
        }
        let like = match wish.like.as_deref() {
            None | Some("") => None,
            Some(id) => Some(self.get(id).ok_or(Refusal::NoKey)?.scopes.clone()),
        };
        let key = Key {
            id: token::id("key").map_err(|_| Refusal::Broken)?,
            label: wish.label,
            scopes: wish
                .scopes
                .filter(|scopes| !scopes.is_empty())
                .or(like)
                .unwrap_or_else(|| vec!["read".to_owned(), "write".to_owned()]),
            secret: Secret::new(token::secret().map_err(|_| Refusal::Broken)?),
            enabled: true,
            deleted: false,
            created: now,
            last_used: None,
            refused: 0,
            plane: vec![(now.saturating_add(self.settle).unwrap_or(now), true)],
        };
        let secret = String::from_utf8_lossy(key.secret.expose());
        let answer = json!({ "id": key.id, "secret": secret, "label": key.label, "scopes": key.scopes });
        self.keys.push(key);
        Ok(answer)
    }

    /// All keys, without their secrets.
    pub fn list(&self) -> Value {
        json!({ "keys": self.keys.iter().filter(|key| !key.deleted).map(Key::shown).collect::<Vec<_>>() })
    }

    /// One key.
    pub fn show(&self, id: &str) -> Result<Value, Refusal> {
        self.get(id).map(Key::shown).ok_or(Refusal::NoKey)
    }

    /// The id of the key that has this secret.
    pub fn lookup(&self, secret: &Secret) -> Result<Value, Refusal> {
        let key = self.keys.iter().find(|key| !key.deleted && key.secret == *secret).ok_or(Refusal::NoKey)?;
        Ok(json!({ "id": key.id }))
    }

    /// Switches a key on or off.
    pub fn switch(&mut self, now: Timestamp, id: &str, on: bool) -> Result<Value, Refusal> {
        let settled = now.saturating_add(self.settle).unwrap_or(now);
        let key = self.get_mut(id).ok_or(Refusal::NoKey)?;
        if key.enabled != on {
            key.enabled = on;
            key.plane.push((settled, on));
        }
        Ok(key.shown())
    }

    /// Ends a key for good.
    pub fn delete(&mut self, now: Timestamp, id: &str) -> Result<(), Refusal> {
        let settled = now.saturating_add(self.settle).unwrap_or(now);
        let key = self.get_mut(id).ok_or(Refusal::NoKey)?;
        if key.enabled {
            key.plane.push((settled, false));
        }
        key.enabled = false;
        key.deleted = true;
        Ok(())
    }

    /// What the data plane says of a secret: introspection, which is no use of the key.
    pub fn introspect(&mut self, now: Timestamp, secret: &Secret) -> Option<Value> {
        let account = self.id.clone();
        let key = self.accepted(now, secret)?;
        Some(json!({ "key": key.id, "account": account, "scopes": key.scopes }))
    }

    /// Uses a key; whether the data plane took it.
    pub fn work(&mut self, now: Timestamp, secret: &Secret) -> bool {
        self.work_requests += 1;
        let taken = match self.accepted(now, secret) {
            Some(key) => {
                key.last_used = Some(now);
                true
            }
            None => false,
        };
        self.work_failed += u64::from(!taken);
        taken
    }

    /// What a drill and a test look at in the end.
    pub fn stats(&self, (management_calls, introspections): (u64, u64)) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(Key::counted).collect();
        json!({
            "management_calls": management_calls,
            "introspections": introspections,
            "work_requests": self.work_requests,
            "work_failed": self.work_failed,
            "live_keys": self.keys.iter().filter(|key| key.enabled).count(),
            "keys": keys,
        })
    }

    fn get(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| !key.deleted && key.id == id)
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Key> {
        self.keys.iter_mut().find(|key| !key.deleted && key.id == id)
    }

    fn accepted(&mut self, now: Timestamp, secret: &Secret) -> Option<&mut Key> {
        let key = self.keys.iter_mut().find(|key| key.secret == *secret)?;
        let on = key.plane.iter().rev().find(|(since, _)| *since <= now).is_some_and(|(_, on)| *on);
        key.refused += u64::from(!on);
        on.then_some(key)
    }
}

impl Key {
    fn shown(&self) -> Value {
        json!({
            "id": self.id,
            "label": self.label,
            "scopes": self.scopes,
            "enabled": self.enabled,
            "created_at": self.created,
            "last_used_at": self.last_used,
        })
    }

    fn counted(&self) -> Value {
        json!({
            "id": self.id,
            "label": self.label,
            "enabled": self.enabled,
            "deleted": self.deleted,
            "refused": self.refused,
            "created_at": self.created,
            "last_used_at": self.last_used,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    fn account_with_key() -> (Account, String, Secret) {
        let mut account = Account::new(SignedDuration::from_millis(100)).unwrap();
        let made = account.create(at(0), Wish::default()).unwrap();
        let text = |field: &str| made[field].as_str().unwrap().to_owned();
        (account, text("id"), Secret::new(text("secret")))
    }

    #[test]
    fn changes_reach_the_data_plane_after_the_settle_time() {
        let (mut account, id, secret) = account_with_key();
        assert!(!account.work(at(99), &secret), "new, not yet known there");
        assert!(account.work(at(100), &secret));
        account.switch(at(200), &id, false).unwrap();
        assert!(account.work(at(299), &secret), "off, not yet known there");
        assert!(!account.work(at(300), &secret));
        account.switch(at(400), &id, true).unwrap();
        assert!(account.work(at(500), &secret));
        account.delete(at(600), &id).unwrap();
        assert!(account.work(at(699), &secret));
        assert!(!account.work(at(700), &secret));
        assert_eq!(account.delete(at(800), &id), Err(Refusal::NoKey));
        assert_eq!(account.stats((0, 0))["live_keys"], 0);
        assert_eq!(account.stats((0, 0))["work_failed"], 3);
    }

    #[test]
    fn introspection_is_no_use() {
        let (mut account, id, secret) = account_with_key();
        assert!(account.introspect(at(100), &secret).is_some());
        assert!(account.show(&id).unwrap()["last_used_at"].is_null());
        account.work(at(100), &secret);
        assert!(account.show(&id).unwrap()["last_used_at"].is_string());
    }

    #[test]
    fn a_new_key_takes_over_the_scopes_of_another_until_the_account_is_full() {
        let (mut account, ..) = account_with_key();
        let narrow = Wish { scopes: Some(vec!["read".into()]), ..Wish::default() };
        let narrow = account.create(at(0), narrow).unwrap();
        let like = Wish { like: narrow["id"].as_str().map(str::to_owned), ..Wish::default() };
        assert_eq!(account.create(at(0), like).unwrap()["scopes"], json!(["read"]));
        let nobody = Wish { like: Some("key_none".into()), ..Wish::default() };
        assert_eq!(account.create(at(0), nobody), Err(Refusal::NoKey));
        for _ in 0..2 {
            account.create(at(0), Wish::default()).unwrap();
        }
        assert_eq!(account.create(at(0), Wish::default()), Err(Refusal::Full));
    }
}
