//! What an answer holds: found by JSON pointer or header, compared, turned into words, ids and times.
//!
//! An answer may echo a secret, and one of them *is* a new secret: nothing leaves here raw. What was parsed is wiped.

use crate::http::Response;
use crate::secret::{Secret, redact};
use crate::text::terminal;
use crate::yaml::{Fields, Node};
use jiff::Timestamp;
use serde_json::Value;
use zeroize::Zeroize;

/// Longest text taken over from an answer, in characters.
const LONGEST: usize = 200;
/// Where the common shapes of errors hold their reason.
const REASONS: &[&str] = &[
    "/message",
    "/error/message",
    "/error_description",
    "/errors/0/message",
    "/errors/0/detail",
    "/errors/0",
    "/error",
    "/detail",
    "/reason",
    "/msg",
];

/// An answer, its body parsed when it is JSON.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    headers: Vec<(String, String)>,
    json: Value,
    text: String,
}

impl Answer {
    /// Takes an answer apart.
    #[expect(clippy::disallowed_methods, reason = "parses the body; what it holds leaves as secrets or scrubbed")]
    pub fn new(response: Response) -> Answer {
        let body = response.body.expose();
        let json = serde_json::from_slice(body).unwrap_or_default();
        let text = String::from_utf8_lossy(body).into_owned();
        Answer { status: response.status, headers: response.headers, json, text }
    }

    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The reason that it gives, scrubbed of `secrets`.
    pub fn reason<'a>(&self, place: Option<&str>, secrets: impl IntoIterator<Item = &'a Secret>) -> Option<String> {
        let mut places = place.into_iter().chain(REASONS.iter().copied());
        let found = places.find_map(|place| self.json.pointer(place).and_then(Value::as_str))?;
        let found = found.trim();
        (!found.is_empty()).then(|| shown(found, secrets))
    }

    /// The parsed body.
    pub fn json(&self) -> &Value {
        &self.json
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.text.zeroize();
        wipe(&mut self.json);
    }
}

/// Where in an answer something lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A JSON pointer (RFC 6901) into the body.
    Pointer(String),
    /// A header, by its lower-case name.
    Header(String),
}

impl Place {
    /// Reads `/pointer` or `header:name`.
    pub fn read(node: &Node<'_>) -> Option<Place> {
        let text = node.str()?;
        if let Some(name) = text.strip_prefix("header:") {
            return Some(Place::Header(name.trim().to_ascii_lowercase()));
        }
        pointer(node).map(Place::Pointer)
    }

    /// The words that lie there: the items of a list, or a text split at spaces and commas.
    pub fn words(&self, answer: &Answer, secrets: &[&Secret]) -> Vec<String> {
        let shown = |word: &str| shown(word, secrets.iter().copied());
        let split = |text: &str| text.split([' ', ',']).filter(|word| !word.is_empty()).map(shown).collect();
        match self {
            Place::Header(name) => answer.header(name).map(split).unwrap_or_default(),
            Place::Pointer(pointer) => match answer.json.pointer(pointer) {
                Some(Value::Array(items)) => items.iter().filter_map(text).map(|word| shown(&word)).collect(),
                Some(Value::Object(entries)) => entries.keys().map(|word| shown(word)).collect(),
                Some(value) => text(value).as_deref().map(split).unwrap_or_default(),
                None => Vec::new(),
            },
        }
    }

    /// The text that lies there, scrubbed of `secrets`.
    pub fn text<'a>(&self, answer: &Answer, secrets: impl IntoIterator<Item = &'a Secret>) -> Option<String> {
        let found = match self {
            Place::Header(name) => answer.header(name).map(str::to_owned),
            Place::Pointer(pointer) => answer.json.pointer(pointer).and_then(text),
        };
        found.map(|found| shown(&found, secrets)).filter(|found| !found.is_empty())
    }
}

/// What an answer must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pointer: String,
    wanted: Wanted,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    OneOf(Vec<Value>),
    Exists(bool),
}

impl Check {
    /// Reads one check or a list of them.
    pub fn read_all(node: &Node<'_>) -> Vec<Check> {
        match node.is_sequence() {
            true => node.items().iter().filter_map(Check::read).collect(),
            false => Check::read(node).into_iter().collect(),
        }
    }

    /// Reads a flag: `/enabled` (is it true?), or a whole check.
    pub fn read_flag(node: &Node<'_>) -> Option<Check> {
        match node.is_mapping() {
            true => Check::read(node),
            false => Some(Check { pointer: pointer(node)?, wanted: Wanted::OneOf(vec![Value::Bool(true)]) }),
        }
    }

    fn read(node: &Node<'_>) -> Option<Check> {
        let mut fields = node.fields()?;
        let pointer = fields.required("pointer").and_then(|node| pointer(&node));
        let wanted = Check::read_wanted(&mut fields);
        fields.finish();
        Some(Check { pointer: pointer?, wanted: wanted? })
    }

    fn read_wanted(fields: &mut Fields<'_>) -> Option<Wanted> {
        let equals = fields.optional("equals").map(|node| node.scalar().map(|value| Wanted::OneOf(vec![value])));
        let one_of = fields.optional("in").map(|node| {
            let values = node.items().iter().filter_map(Node::scalar).collect();
            Some(Wanted::OneOf(values))
        });
        let exists = fields.optional("exists").map(|node| node.bool().map(Wanted::Exists));
        let mut given = [equals, one_of, exists].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(wanted), None) => wanted,
            _ => {
                fields.node().mistake("expected exactly one of `equals`, `in`, `exists`");
                None
            }
        }
    }

    /// Whether `json` holds it.
    pub fn holds(&self, json: &Value) -> bool {
        let found = json.pointer(&self.pointer).filter(|value| !value.is_null());
        match &self.wanted {
            Wanted::Exists(wanted) => found.is_some() == *wanted,
            Wanted::OneOf(wanted) => found.is_some_and(|found| wanted.contains(found)),
        }
    }
}

/// Whether a text lies in the body.
pub fn contains(answer: &Answer, text: &str) -> bool {
    answer.text.contains(text)
}

/// Reads a JSON pointer.
pub fn pointer(node: &Node<'_>) -> Option<String> {
    let text = node.string()?;
    if !text.starts_with('/') {
        node.mistake("a JSON pointer starts with /");
    }
    text.starts_with('/').then_some(text)
}

/// A text or a number as text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A time in any of the usual forms: RFC 3339, a date, RFC 2822, seconds or milliseconds since 1970.
pub fn time(value: &Value) -> Option<Timestamp> {
    /// Seconds since 1970 reach this in the year 5138; milliseconds did in 1973.
    const MILLISECONDS_FROM: i64 = 100_000_000_000;
    let number = |number: i64| match number.abs() < MILLISECONDS_FROM {
        true => Timestamp::from_second(number).ok(),
        false => Timestamp::from_millisecond(number).ok(),
    };
    let Value::String(text) = value else { return value.as_i64().and_then(number) };
    let utc = |local: jiff::civil::DateTime| local.to_zoned(jiff::tz::TimeZone::UTC).map(|at| at.timestamp()).ok();
    let local = || text.parse().ok().and_then(utc);
    let mail = || jiff::fmt::rfc2822::parse(text).map(|at| at.timestamp()).ok();
    text.parse().ok().or_else(local).or_else(mail).or_else(|| text.parse().ok().and_then(number))
}

/// Text of an answer as it may be shown: scrubbed, printable, short.
fn shown<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let clean = terminal::printable(redact::scrub(text, secrets).as_bytes());
    terminal::ellipsis(&clean, LONGEST)
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Document;
    use serde_json::json;

    fn answer(body: &Value) -> Answer {
        let headers = vec![("x-scopes".to_owned(), "repo, gist".to_owned())];
        Answer::new(Response { status: 200, headers, body: Secret::new(body.to_string()) })
    }

    #[test]
    fn times_in_every_form() {
        let want: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        for value in [
            json!("2026-11-20T10:00:00Z"),
            json!("2026-11-20T11:00:00+01:00"),
            json!("2026-11-20T10:00:00"),
            json!("Fri, 20 Nov 2026 10:00:00 +0000"),
            json!(want.as_second()),
            json!(want.as_millisecond()),
            json!(want.as_second().to_string()),
        ] {
            assert_eq!(time(&value), Some(want), "{value}");
        }
        assert_eq!(time(&json!("2026-11-20")), Some("2026-11-20T00:00:00Z".parse().unwrap()));
        for none in [json!(null), json!("never"), json!(true), json!({})] {
            assert_eq!(time(&none), None, "{none}");
        }
    }

    #[test]
    fn words_from_lists_texts_and_headers() {
        let answer = answer(&json!({"list": ["a", 1, null], "text": "a, b c", "map": {"read": true}}));
        let words = |place: &Place| place.words(&answer, &[]);
        assert_eq!(words(&Place::Pointer("/list".into())), ["a", "1"]);
        assert_eq!(words(&Place::Pointer("/text".into())), ["a", "b", "c"]);
        assert_eq!(words(&Place::Pointer("/map".into())), ["read"]);
        assert_eq!(words(&Place::Header("x-scopes".into())), ["repo", "gist"]);
    }

    #[test]
    fn checks_hold_or_not() {
        let check = |yaml: &str, body: &Value| {
            let document = Document::parse("c.yaml", yaml).unwrap();
            let checks = Check::read_all(&document.root());
            document.finish(Some(())).unwrap_or_else(|e| panic!("{e}"));
            checks.iter().all(|check| check.holds(body))
        };
        let body = json!({"ok": false, "error": "invalid_auth", "n": 3, "none": null});
        for (yaml, want) in [
            ("{ pointer: /ok, equals: false }", true),
            ("{ pointer: /ok, equals: true }", false),
            ("{ pointer: /n, equals: 3 }", true),
            ("{ pointer: /error, in: [invalid_auth, token_revoked] }", true),
            ("[{ pointer: /ok, equals: false }, { pointer: /error, equals: x }]", false),
            ("{ pointer: /none, exists: false }", true),
            ("{ pointer: /gone, exists: true }", false),
        ] {
            assert_eq!(check(yaml, &body), want, "{yaml}");
        }
    }

    #[test]
    fn reasons_are_scrubbed_and_short() {
        let secret = Secret::new("0123456789abcdef0123456789");
        let long = "x".repeat(400);
        let body = json!({"error": {"message": format!("bad key 0123456789abcdef0123456789\u{1b}[2J {long}")}});
        let reason = answer(&body).reason(None, [&secret]).unwrap();
        assert!(reason.starts_with("bad key 0123…(26)\\x1b[2J x") && reason.ends_with('…'), "{reason}");
        assert_eq!(answer(&json!({"why": "so"})).reason(Some("/why"), []), Some("so".into()));
        assert_eq!(answer(&json!([])).reason(None, []), None);
    }
}
