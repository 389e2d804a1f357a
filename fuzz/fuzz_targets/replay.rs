//! A journal that anybody may have written (one event in JSON a line) is taken in or refused, and what is decided after
//! each event can itself be written; the chain over it holds, and does not after a change.
#![no_main]

use jiff::{SignedDuration, Timestamp};
use libfuzzer_sys::fuzz_target;
use stanch::ledger::{Body, IncidentId, chain};
use stanch::workflow::event::Event;
use stanch::workflow::state::{Command, State};

fuzz_target!(|data: &[u8]| {
    let (mut state, mut chained) = (State::new(), Vec::new());
    let incident = IncidentId("inc-fuzz".into());
    for (second, line) in (0..).zip(data.split(|&byte| byte == b'\n')) {
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let at = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second);
        let previous = chained.last().map_or(chain::START, |entry: &stanch::ledger::Entry| entry.hash.as_str());
        let body = Body { kind: "fuzz".into(), data: value.clone() };
        chained.push(chain::link(&incident, chained.len() as u64 + 1, at, &body, previous));

        let Ok(event) = serde_json::from_value::<Event>(value) else { continue };
        let before = state.clone();
        if state.apply(&event, at).is_err() {
            assert_eq!(state, before);
        }
        if let Command::Record(event) = state.decide(at) {
            assert!(state.clone().apply(&event, at).is_ok());
        }
    }
    assert!(chain::verify(&incident, &chained).is_ok());
    if let Some(last) = chained.last_mut() {
        last.body.kind.push('!');
        assert!(chain::verify(&incident, &chained).is_err());
    }
});
