//! What every ledger must do: the contract of [`Ledger`], run against each of them.

use super::*;
use crate::secret::FingerprintKey;
use serde_json::json;

/// Runs every case against a ledger of its own.
pub(super) fn check(make: impl Fn() -> Box<dyn Ledger>) {
    let cases: [fn(&dyn Ledger); 9] = [
        one_open_incident_per_credential,
        incidents_are_found_by_prefix,
        events_are_chained,
        a_lease_is_the_sole_right,
        what_is_sealed_comes_back_until_it_is_wiped,
        debts_come_when_they_are_due,
        post_mortems_are_kept,
        a_delivery_is_dealt_with_once,
        a_delivery_comes_again,
    ];
    for case in cases {
        case(&*make());
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::new(1_790_000_000 + second, 123_456_789).unwrap()
}

pub(super) fn new_incident(id: &str, secret: &str) -> NewIncident {
    let fingerprint = FingerprintKey::public().fingerprint(&Secret::new(secret));
    NewIncident { id: IncidentId(id.into()), fingerprint, title: "sandbox-prod".into(), at: at(0) }
}

pub(super) fn body(kind: &str) -> Body {
    Body { kind: kind.into(), data: json!({"why": kind, "n": 0.1, "a": [1, null, "é\u{1b}"]}) }
}

pub(super) fn opened(ledger: &dyn Ledger, id: &str) -> IncidentId {
    assert_eq!(ledger.open(&new_incident(id, id), &body("opened")).unwrap(), Opened::New);
    IncidentId(id.into())
}

fn delivery(id: &str, second: i64) -> NewDelivery {
    let (source, event) = ("github".into(), "secret_scanning_alert".into());
    NewDelivery { id: id.into(), source, event, body: Secret::new(format!("body of {id}")), at: at(second) }
}

fn one_open_incident_per_credential(ledger: &dyn Ledger) {
    let id = opened(ledger, "inc-1");
    let second = NewIncident { id: IncidentId("inc-2".into()), ..new_incident("inc-2", "inc-1") };
    assert_eq!(ledger.open(&second, &body("opened")).unwrap(), Opened::Already(id.clone()));
    assert_eq!(ledger.events(&second.id).unwrap(), []);

    let lease = ledger.lease(&id, at(1)).unwrap();
    ledger.append(&lease, at(1), &body("closed"), Status::Closed).unwrap();
    assert_eq!(ledger.open(&second, &body("opened")).unwrap(), Opened::New, "a closed one does not stand in the way");
    assert!(ledger.open(&new_incident("inc-1", "other"), &body("opened")).is_err(), "an id is used once");
}

fn incidents_are_found_by_prefix(ledger: &dyn Ledger) {
    for id in ["inc-1", "inc-12", "inc-2", "x%_"] {
        opened(ledger, id);
    }
    assert_eq!(ledger.incident("inc-1").unwrap().id.0, "inc-1", "a whole id is itself");
    assert_eq!(ledger.incident("inc-12").unwrap().title, "sandbox-prod");
    assert_eq!(ledger.incident("x").unwrap().id.0, "x%_");
    assert!(matches!(ledger.incident("inc-"), Err(Error::ManyIncidents { count: 3, .. })));
    for none in ["inc-3", "", "%", "_"] {
        assert!(matches!(ledger.incident(none), Err(Error::NoIncident(_))), "{none}");
    }
    let ids: Vec<_> = ledger.incidents().unwrap().into_iter().map(|incident| incident.id.0).collect();
    assert_eq!(ids, ["x%_", "inc-2", "inc-12", "inc-1"], "newest first");
}

fn events_are_chained(ledger: &dyn Ledger) {
    let id = opened(ledger, "inc-1");
    let lease = ledger.lease(&id, at(1)).unwrap();
    let appended: Vec<_> = (2..5)
        .map(|second| ledger.append(&lease, at(second), &body("step-started"), Status::Contained).unwrap())
        .collect();
    let events = ledger.events(&id).unwrap();
    assert_eq!(events[1..], appended);
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(events[1].body.data["a"], body("").data["a"]);
    assert_eq!(chain::verify(&id, &events), Ok(events[3].hash.clone()));
    let incident = ledger.incident(&id.0).unwrap();
    assert_eq!((incident.status, incident.opened, incident.updated), (Status::Contained, at(0), at(4)));
}

fn a_lease_is_the_sole_right(ledger: &dyn Ledger) {
    let id = opened(ledger, "inc-1");
    let other = opened(ledger, "inc-2");
    let none = IncidentId("inc-3".into());
    assert!(matches!(ledger.lease(&none, at(0)), Err(Error::NoIncident(_))));

    let first = ledger.lease(&id, at(1)).unwrap();
    assert!(matches!(ledger.lease(&id, at(2)), Err(Error::Leased { .. })));
    assert!(matches!(ledger.lease(&id, at(10_000)), Err(Error::Leased { .. })), "its holder is seen to live");
    ledger.lease(&other, at(2)).unwrap();
    ledger.renew(&first, at(3)).unwrap();
    ledger.release(first.clone()).unwrap();

    let second = ledger.lease(&id, at(4)).unwrap();
    assert!(second.fence > first.fence);
    let lost = |result: Result<(), Error>| assert!(matches!(result, Err(Error::LeaseLost(_))), "{result:?}");
    lost(ledger.append(&first, at(5), &body("late"), Status::Open).map(drop));
    lost(ledger.renew(&first, at(5)));
    ledger.release(first).unwrap();
    ledger.append(&second, at(6), &body("ours"), Status::Open).unwrap();
    assert_eq!(ledger.events(&id).unwrap().len(), 2);
}

fn what_is_sealed_comes_back_until_it_is_wiped(ledger: &dyn Ledger) {
    let (id, other) = (opened(ledger, "inc-1"), opened(ledger, "inc-2"));
    let seal = |id, name: &str, text: &str| ledger.seal(id, name, &Secret::new(text)).unwrap();
    seal(&id, "new/1", "replaced");
    seal(&id, "new/1", "one");
    seal(&id, "old", "two");
    seal(&other, "new/1", "three");
    let open = |id, name| ledger.unseal(id, name).unwrap();
    assert_eq!(open(&id, "new/1"), Some(Secret::new("one")));
    assert_eq!(open(&id, "new"), None);

    ledger.wipe(&id, "new/").unwrap();
    ledger.wipe(&id, "new/").unwrap();
    assert_eq!(open(&id, "new/1"), None);
    assert_eq!(open(&id, "old"), Some(Secret::new("two")));
    ledger.wipe(&id, "").unwrap();
    assert_eq!(open(&id, "old"), None);
    assert_eq!(open(&other, "new/1"), Some(Secret::new("three")));
    assert!(ledger.seal(&IncidentId("none".into()), "x", &Secret::new("x")).is_err());
}

fn debts_come_when_they_are_due(ledger: &dyn Ledger) {
    let id = opened(ledger, "inc-1");
    let debt = |kind: &str, due| Debt { incident: id.clone(), kind: kind.into(), what: format!("{kind} it"), due };
    let whole_second = Timestamp::from_second(at(5).as_second()).unwrap();
    for one in [debt("resume", at(50)), debt("probe", at(5)), debt("sweep", whole_second), debt("resume", at(20))] {
        ledger.owe(&one).unwrap();
    }
    let all = vec![debt("sweep", whole_second), debt("probe", at(5)), debt("resume", at(20))];
    assert_eq!(ledger.debts(None).unwrap(), all);
    assert_eq!(ledger.debts(Some(at(5))).unwrap(), all[..2]);
    assert_eq!(ledger.debts(Some(at(4))).unwrap(), []);
    ledger.settle(&id, "probe").unwrap();
    ledger.settle(&id, "probe").unwrap();
    assert_eq!(ledger.debts(Some(at(20))).unwrap(), [all[0].clone(), all[2].clone()]);
}

fn post_mortems_are_kept(ledger: &dyn Ledger) {
    let id = opened(ledger, "inc-1");
    assert_eq!(ledger.postmortem(&id).unwrap(), None);
    ledger.keep_postmortem(&id, "# first", "{}").unwrap();
    ledger.keep_postmortem(&id, "# second", "{}").unwrap();
    assert_eq!(ledger.postmortem(&id).unwrap(), Some(("# second".into(), "{}".into())));
}

fn a_delivery_is_dealt_with_once(ledger: &dyn Ledger) {
    for (id, second, new) in [("b", 2, true), ("a", 1, true), ("b", 3, false)] {
        assert_eq!(ledger.deliver(&delivery(id, second)).unwrap(), new);
    }
    assert!(ledger.take(at(0), 60).unwrap().is_none(), "its time has not come");
    let first = ledger.take(at(5), 60).unwrap().unwrap();
    assert_eq!((&*first.id, first.attempts, first.received), ("a", 0, at(1)));
    assert_eq!(first.body, Secret::new("body of a"));
    let second = ledger.take(at(5), 60).unwrap().unwrap();
    assert_eq!(second.id, "b");
    assert!(ledger.take(at(5), 60).unwrap().is_none());

    ledger.mark("a", Mark::Done, "rotated").unwrap();
    ledger.mark("b", Mark::GivenUp, "unreadable").unwrap();
    assert!(ledger.take(at(10_000), 60).unwrap().is_none());
    assert!(!ledger.deliver(&delivery("a", 9)).unwrap(), "also when it was dealt with");
    let all = ledger.deliveries().unwrap();
    let seen: Vec<_> = all.iter().map(|one| (&*one.id, &*one.state, one.attempts, &*one.note)).collect();
    assert_eq!(seen, [("b", "given-up", 1, "unreadable"), ("a", "done", 1, "rotated")]);
    assert!(ledger.mark("none", Mark::Done, "").is_err());
}

fn a_delivery_comes_again(ledger: &dyn Ledger) {
    ledger.deliver(&delivery("a", 0)).unwrap();
    assert!(ledger.take(at(1), 60).unwrap().is_some());
    assert!(ledger.take(at(60), 60).unwrap().is_none(), "it is being worked on");
    assert_eq!(ledger.take(at(61), 60).unwrap().unwrap().attempts, 1, "its taker had its time");
    ledger.mark("a", Mark::Again(at(100)), "throttled").unwrap();
    assert!(ledger.take(at(99), 60).unwrap().is_none());
    assert_eq!(ledger.take(at(100), 60).unwrap().unwrap().attempts, 2);
}
