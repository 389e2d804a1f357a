//! Evidence that the new key works: at its provider before anybody gets it, and through the probes afterwards.

use super::issue::new;
use super::receipt::issued;
use super::{Look, Receipt, Rotation, StepKind, again, gone, refused};
use crate::provider::{KeyId, Verdict};
use crate::workflow::action::{Failure, Receipts};
use std::collections::BTreeMap;

/// The new key is accepted by its provider and may do all that the old one could.
pub(super) fn new_key(rotation: &Rotation<'_>) -> Result<Receipt, Failure> {
    let provider = rotation.provider()?;
    let credential = new(rotation)?.credential;
    let (mut asked, mut last) = (0, Verdict::Inactive);
    let active = rotation.poll(rotation.window(), rotation.every(), || {
        asked += 1;
        last = provider.validate(&credential);
        match &last {
            Verdict::Active { identity, scopes } => Some((identity.clone(), scopes.clone())),
            Verdict::Inactive | Verdict::Unknown { .. } => None,
        }
    });
    let Some((identity, scopes)) = active else {
        return Err(again(match last {
            Verdict::Unknown { why } => format!("the new key could not be verified: {why}"),
            _ => "the new key is refused by its provider".to_owned(),
        }));
    };
    let lacking: Vec<&str> = match scopes.is_empty() {
        true => Vec::new(),
        false => rotation.plan.scopes.iter().filter(|old| !scopes.contains(old)).map(String::as_str).collect(),
    };
    match lacking.as_slice() {
        [] => Ok(Receipt::Verified { identity, scopes, asked }),
        lacking => Err(refused(format!("the new key lacks what the old one may do: {}", lacking.join(", ")))),
    }
}

/// One probe sees what it should within its time.
pub(super) fn probe(rotation: &Rotation<'_>, name: &str, receipts: &Receipts) -> Result<Receipt, Failure> {
    let look = meant(rotation, name).ok_or_else(|| gone("probe", name))?;
    let new = issued(receipts).and_then(|(key, _)| key);
    let facts = rotation.facts(new.as_ref(), rotation.plan.old.as_ref());
    let (mut looks, mut seen) = (0, String::new());
    let good = rotation.poll(look.within, rotation.every(), || {
        looks += 1;
        let evidence = look.probe.look(&facts);
        seen = evidence.seen;
        evidence.good.then_some(())
    });
    match good {
        Some(()) => Ok(Receipt::Probed { probe: look.probe.describe(), seen, looks }),
        // The step's label names the probe already.
        None => Err(again(seen)),
    }
}

/// The probe of that name. Where the inventory no longer has it, one that stands there now and not in the plan: a person
/// put right what was wrong with it.
fn meant<'r>(rotation: &'r Rotation<'_>, name: &str) -> Option<&'r Look> {
    let planned =
        |probe: &str| rotation.plan.steps.iter().any(|step| step.kind == StepKind::Probe { probe: probe.into() });
    let looks = || rotation.hands.probes.iter();
    let named = looks().find(|look| look.probe.describe() == name);
    named.or_else(|| looks().find(|look| !planned(&look.probe.describe())))
}

impl Rotation<'_> {
    /// What probes may name in their own text.
    pub(super) fn facts(&self, new: Option<&KeyId>, old: Option<&KeyId>) -> BTreeMap<String, String> {
        let named = [("new_key", new), ("old_key", old)];
        let known = named.into_iter().filter_map(|(name, key)| Some((name.to_owned(), key?.0.clone())));
        known.chain([("incident".to_owned(), self.incident.to_string())]).collect()
    }
}
