//! The proof of a kill: the old value is asked about until it is refused, and refused again.

use super::sealed::LEAKED;
use super::{Receipt, Rotation, again, ledger};
use crate::provider::Verdict;
use crate::workflow::action::Failure;
use jiff::Timestamp;

/// Refusals in a row that count as proof: one may come from the first of several replicas that learned of the kill.
const IN_A_ROW: u32 = 2;

/// Asks with the leaked value itself until the provider refuses it.
pub(super) fn run(rotation: &Rotation<'_>) -> Result<Receipt, Failure> {
    let provider = rotation.provider()?;
    let Some(leaked) = rotation.sealed().get(LEAKED).map_err(ledger)? else { return Err(unknown(rotation)) };
    let start = rotation.clock.now();
    let (mut asked, mut row, mut first, mut last) = (0, 0, start, Verdict::Inactive);
    let proven = rotation.poll(rotation.window(), rotation.every(), || {
        asked += 1;
        last = provider.validate(&leaked.credential);
        match (&last, row) {
            (Verdict::Inactive, 0) => (row, first) = (1, rotation.clock.now()),
            (Verdict::Inactive, _) => row += 1,
            // An answer that says nothing proves nothing, and takes nothing back.
            (Verdict::Unknown { .. }, _) => {}
            (Verdict::Active { .. }, _) => row = 0,
        }
        (row >= IN_A_ROW).then_some(())
    });
    match (proven, last) {
        (Some(()), _) => Ok(Receipt::Refused { at: first, asked, took_ms: millis(start, first) }),
        (None, Verdict::Unknown { why }) => Err(again(format!("the old key could not be asked about: {why}"))),
        (None, _) => Err(again("the old key is still accepted")),
    }
}

fn unknown(rotation: &Rotation<'_>) -> Failure {
    Failure::Person {
        why: "the leaked value is not at hand, so its refusal cannot be proven".into(),
        instructions: format!(
            "Hand it in once more on standard input (stanch respond -), which goes on with {}.",
            rotation.incident
        ),
    }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_millis()).unwrap_or(0)
}
