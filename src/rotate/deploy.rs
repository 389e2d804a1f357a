//! Putting the new value into a store, by compare-and-set, and the old one back when all is undone.

use super::issue::new;
use super::receipt::issued;
use super::sealed::{LEAKED, NEW};
use super::{Receipt, Rotation, again, ledger, refused, restart};
use crate::secret::Fingerprint;
use crate::store::{Error, Store};
use crate::workflow::action::{Failure, Receipts};

/// Replaces the leaked value by the new one.
pub(super) fn run(rotation: &Rotation<'_>, name: &str) -> Result<Receipt, Failure> {
    let store = rotation.store(name)?;
    let new = new(rotation)?.credential.secret;
    store.replace(&new, rotation.plan.leaked, rotation.key).map_err(failure)?;
    Ok(receipt(rotation, name, rotation.key.fingerprint(&new)))
}

/// Whether the store holds the new value already.
pub(super) fn look(rotation: &Rotation<'_>, name: &str) -> Result<Option<Receipt>, Failure> {
    let held = held(rotation, rotation.store(name)?)?;
    let new = rotation.key.fingerprint(&new(rotation)?.credential.secret);
    match held {
        held if held == new => Ok(Some(receipt(rotation, name, new))),
        held if held == rotation.plan.leaked => Ok(None),
        _ => Err(refused(format!(
            "{name} holds a value that is neither the leaked nor the new one; somebody changed it"
        ))),
    }
}

/// Puts the old value back and has every consumer take it up, since the new key is about to be swept. The old key still
/// lives: the first kill is the pivot, and nothing is undone past it.
pub(super) fn undo(rotation: &Rotation<'_>, name: &str, receipts: &Receipts) -> Result<(), Failure> {
    let store = rotation.store(name)?;
    let held = held(rotation, store)?;
    let sealed = rotation.sealed().get(NEW).map_err(ledger)?;
    let new = issued(receipts).map(|(_, print)| print);
    let new = new.or_else(|| sealed.map(|kept| rotation.key.fingerprint(&kept.credential.secret)));
    if Some(held) == new {
        let leaked = rotation.sealed().get(LEAKED).map_err(ledger)?.ok_or_else(|| missing(rotation, name))?;
        store.replace(&leaked.credential.secret, held, rotation.key).map_err(failure)?;
    } else if held != rotation.plan.leaked {
        // Somebody else's value: not ours to overwrite, and it names no key of ours.
        return Ok(());
    }
    restart::all(rotation)
}

fn held(rotation: &Rotation<'_>, store: &dyn Store) -> Result<Fingerprint, Failure> {
    store.read().map(|secret| rotation.key.fingerprint(&secret)).map_err(failure)
}

fn receipt(rotation: &Rotation<'_>, name: &str, to: Fingerprint) -> Receipt {
    Receipt::Deployed { store: name.to_owned(), from: rotation.plan.leaked, to }
}

fn missing(rotation: &Rotation<'_>, name: &str) -> Failure {
    Failure::Person {
        why: format!("the old value of {name} is no longer kept here"),
        instructions: format!(
            "Put a working key into {name} and restart who uses it, then resume {}; the new key is swept after that.",
            rotation.incident
        ),
    }
}

/// A compare-and-set may be repeated, so an unreachable store is simply tried again.
fn failure(error: Error) -> Failure {
    match error {
        Error::Unreachable { .. } => again(error.to_string()),
        Error::NoEntry { .. } | Error::Changed { .. } | Error::Unfit { .. } => refused(error.to_string()),
    }
}
