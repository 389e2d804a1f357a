//! Every durable change of the ledger stands between two points at which a drill may end the process.

use jiff::Timestamp;
use serde_json::Value;
use stanch::failpoint;
use stanch::ledger::seal::KeySource;
use stanch::ledger::sqlite::SqliteLedger;
use stanch::ledger::{Body, Debt, IncidentId, Ledger, Mark, NewDelivery, NewIncident, Status};
use stanch::secret::{FingerprintKey, Secret};
use std::sync::Mutex;
use std::thread;

static PASSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[test]
fn every_durable_change_stands_between_two_points() {
    let this = thread::current().id();
    failpoint::install(move |name| {
        if thread::current().id() == this {
            PASSED.lock().unwrap().push(name.to_owned());
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let ledger = SqliteLedger::open(&folder.path().join("ledger.db"), &KeySource::Beside).unwrap();
    change_everything(&ledger);
    let names = [
        "open",
        "lease",
        "append",
        "renew",
        "seal",
        "wipe",
        "keep-postmortem",
        "owe",
        "settle",
        "deliver",
        "take",
        "mark",
        "release",
    ];
    let points = names.iter().flat_map(|name| [format!("before ledger {name}"), format!("after ledger {name}")]);
    assert_eq!(*PASSED.lock().unwrap(), Vec::from_iter(points));
}

fn change_everything(ledger: &dyn Ledger) {
    let (id, at) = (IncidentId("inc-1".into()), Timestamp::UNIX_EPOCH);
    let body = Body { kind: "opened".into(), data: Value::Null };
    let fingerprint = FingerprintKey::public().fingerprint(&Secret::new("x"));
    ledger.open(&NewIncident { id: id.clone(), fingerprint, title: "x".into(), at }, &body).unwrap();
    let lease = ledger.lease(&id, at).unwrap();
    ledger.append(&lease, at, &body, Status::Open).unwrap();
    ledger.renew(&lease, at).unwrap();
    ledger.seal(&id, "new", &Secret::new("x")).unwrap();
    ledger.wipe(&id, "").unwrap();
    ledger.keep_postmortem(&id, "", "").unwrap();
    ledger.owe(&Debt { incident: id.clone(), kind: "resume".into(), what: "x".into(), due: at }).unwrap();
    ledger.settle(&id, "resume").unwrap();
    let (source, event) = ("github".into(), "push".into());
    ledger.deliver(&NewDelivery { id: "d".into(), source, event, body: Secret::new("{}"), at }).unwrap();
    ledger.take(at, 60).unwrap().unwrap();
    ledger.mark("d", Mark::Done, "").unwrap();
    ledger.release(lease).unwrap();
}
