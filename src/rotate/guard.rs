//! What must be so before a key is killed.

use super::receipt::issued;
use super::sealed::LEAKED;
use super::{Rotation, Strategy, again, ledger, refused};
use crate::provider::Verdict;
use crate::workflow::action::{Failure, Receipts};

/// Refuses a kill that would cut off the responder itself, somebody else than the plan named, the new key, or a store
/// that still names the old one.
pub(super) fn check(rotation: &Rotation<'_>, receipts: &Receipts) -> Result<(), Failure> {
    let plan = rotation.plan;
    if rotation.hands.admins.contains(&plan.leaked) {
        return Err(refused(
            "it is the administrator's credential that stanch itself works with; give stanch another one first",
        ));
    }
    if let (Some(planned), Some(now)) = (&plan.identity, owner(rotation)?)
        && *planned != now
    {
        return Err(refused(format!("the leaked value belongs to {now} now, the plan was made for {planned}")));
    }
    let new = issued(receipts).and_then(|(key, _)| key);
    if let Some(old) = plan.old.as_ref().filter(|old| new.as_ref() == Some(old)) {
        return Err(refused(format!("{} is the new key", old.0)));
    }
    let must_be_out = plan.strategy == Strategy::Overlap || issued(receipts).is_some();
    for name in plan.stores().filter(|_| must_be_out) {
        let held = rotation.store(name)?.read().map_err(|error| again(error.to_string()))?;
        if rotation.key.fingerprint(&held) == plan.leaked {
            return Err(refused(format!("{name} holds the old value again; somebody put it back")));
        }
    }
    Ok(())
}

/// Whose the leaked value is now, as far as the provider says. A dead one is nobody's.
fn owner(rotation: &Rotation<'_>) -> Result<Option<String>, Failure> {
    let leaked = rotation.sealed().get(LEAKED).map_err(ledger)?;
    Ok(match (&rotation.hands.provider, leaked) {
        (Some(provider), Some(kept)) => match provider.validate(&kept.credential) {
            Verdict::Active { identity, .. } => identity,
            Verdict::Inactive | Verdict::Unknown { .. } => None,
        },
        _ => None,
    })
}
