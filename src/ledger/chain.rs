//! The hash chain of an incident's events.
//!
//! An event's hash covers the hash of the event before it, the incident's id, and everything the event says; so nothing
//! in the middle can be changed, taken out or put in without every later hash being wrong. What a chain cannot show by
//! itself is that its *end* was cut off: whoever needs that keeps the head that [`verify`] gives, as a post-mortem does.

use super::{Body, Entry, IncidentId};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What stands before the first event: no hash at all.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Told apart from any other use of SHA-256, and from a later form of the chain.
const DOMAIN: &str = "stanch event v1";

/// Rounds after which a number that changes by being written and read again is given up (it takes one).
const ROUNDS: usize = 4;

/// The entry that follows `previous` (the hash of the one before, or [`START`]).
pub fn link(incident: &IncidentId, seq: u64, at: Timestamp, body: &Body, previous: &str) -> Entry {
    let body = Body { kind: body.kind.clone(), data: settled(&body.data) };
    let hash = hash(incident, seq, at, &body, previous);
    Entry { seq, at, body, previous: previous.to_owned(), hash }
}

/// Whether `entries` are what was appended, in order and without a gap: the last hash, or the first entry that is not.
pub fn verify(incident: &IncidentId, entries: &[Entry]) -> Result<String, Broken> {
    let mut head = START.to_owned();
    for (seq, entry) in (1..).zip(entries) {
        let sound = entry.seq == seq
            && entry.previous == head
            && entry.hash == hash(incident, seq, entry.at, &entry.body, &entry.previous);
        if !sound {
            return Err(Broken { seq });
        }
        head.clone_from(&entry.hash);
    }
    Ok(head)
}

/// The place from which on a chain is not what was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("verify the events: number {seq} is not what was appended")]
pub struct Broken {
    /// Of the first entry that does not fit.
    pub seq: u64,
}

/// A time as the ledger writes it: of fixed width, so that text sorts as time does.
pub(super) fn time(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// JSON with its keys in order and nothing between: one text for one value.
pub(super) fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

/// Each field with its length before it, so that no two events write the same bytes.
fn hash(incident: &IncidentId, seq: u64, at: Timestamp, body: &Body, previous: &str) -> String {
    let mut hasher = Sha256::new();
    let fields = [DOMAIN, previous, &incident.0, &seq.to_string(), &time(at), &body.kind, &canonical(&body.data)];
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value as it comes back from a ledger: a fraction may be read as its neighbour, and the hash must not notice.
fn settled(value: &Value) -> Value {
    let mut text = canonical(value);
    for _ in 0..ROUNDS {
        let read = serde_json::from_str(&text).unwrap_or(Value::Null);
        let again = canonical(&read);
        if again == text {
            return read;
        }
        text = again;
    }
    Value::String(text)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| name.as_str());
            fields.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entries() -> (IncidentId, Vec<Entry>) {
        let id = IncidentId("inc-1".into());
        let mut entries: Vec<Entry> = Vec::new();
        for seq in 1..=4u64 {
            let previous = entries.last().map_or(START, |entry| &entry.hash).to_owned();
            let body = Body { kind: "kind".into(), data: json!({"z": seq, "a": [0.1, {"y": null, "b": "é"}]}) };
            entries.push(link(&id, seq, Timestamp::UNIX_EPOCH, &body, &previous));
        }
        (id, entries)
    }

    #[test]
    fn what_was_appended_holds() {
        let (id, entries) = entries();
        assert_eq!(verify(&id, &entries), Ok(entries[3].hash.clone()));
        assert_eq!(verify(&id, &[]), Ok(START.into()));
    }

    #[test]
    fn any_change_is_found_where_it_is() {
        let (id, good) = entries();
        type Change = fn(&mut Vec<Entry>);
        let changes: [(u64, Change); 7] = [
            (2, |e| e[1].body.data["z"] = json!(9)),
            (3, |e| e[2].body.kind = "other".into()),
            (1, |e| e[0].at = Timestamp::MAX),
            (2, |e| drop(e.remove(1))),
            (2, |e| e.swap(1, 2)),
            (4, |e| e[3].hash = START.into()),
            (5, |e| e.push(e[3].clone())),
        ];
        for (seq, change) in changes {
            let mut entries = good.clone();
            change(&mut entries);
            assert_eq!(verify(&id, &entries), Err(Broken { seq }));
        }
        assert_eq!(verify(&IncidentId("inc-2".into()), &good), Err(Broken { seq: 1 }), "bound to its incident");
    }

    #[test]
    fn the_order_of_keys_says_nothing() {
        let (one, two) = (r#"{"b": 1, "a": {"d": 2, "c": 3}}"#, r#"{"a": {"c": 3, "d": 2}, "b": 1}"#);
        let [one, two] = [one, two].map(|text| canonical(&serde_json::from_str(text).unwrap()));
        assert_eq!(one, two);
        assert_eq!(one, r#"{"a":{"c":3,"d":2},"b":1}"#);
    }

    proptest::proptest! {
        /// Also for fractions, which JSON libraries read with an error of one last digit.
        #[test]
        fn written_and_read_again_is_the_same(number: f64, text: String) {
            let id = IncidentId("inc-1".into());
            let body = Body { kind: text.clone(), data: json!({ text.clone(): number, "n": [text] }) };
            let entry = link(&id, 1, Timestamp::UNIX_EPOCH, &body, START);
            let read: Value = serde_json::from_str(&canonical(&entry.body.data)).unwrap();
            let entry = Entry { body: Body { data: read, ..entry.body }, ..entry };
            assert!(verify(&id, &[entry]).is_ok());
        }
    }
}
