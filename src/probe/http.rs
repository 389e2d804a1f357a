//! A page that says whether all is well: its status, a value in its JSON, a text in its body.
//!
//! The person who wrote the inventory named the URL, so it may lie on this machine or in a private network.

use super::{Evidence, Probe};
use crate::http::{Client, Request, Response, Transport};
use crate::secret::{Secret, redact};
use crate::text::{duration, terminal};
use crate::yaml::{Fields, Node};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long an answer may take, when the inventory does not say.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest value told, in characters.
const WIDTH: usize = 80;

/// A URL that is asked, and what its answer must be. Facts fill `{{ name }}` in `equals` and `contains`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    url: String,
    status: u16,
    json: Option<(String, Value)>,
    contains: Option<String>,
    timeout: Duration,
}

impl Http {
    /// Reads `{ url, status, json: { pointer, equals }, contains, timeout }`.
    pub fn read_spec(fields: &mut Fields<'_>) -> Option<Http> {
        let url = fields.required("url").and_then(|node| {
            let url = node.string()?;
            if !url.starts_with("http://") && !url.starts_with("https://") {
                node.mistake("expected a URL that starts with http:// or https://");
            }
            Some(url)
        });
        let status = fields.optional("status").and_then(|node| {
            let status = node.u64().and_then(|status| u16::try_from(status).ok());
            if !status.is_some_and(|status| (100..600).contains(&status)) {
                node.mistake("an HTTP status lies between 100 and 599");
            }
            status
        });
        let json = fields.optional("json").and_then(|node| read_json(&node));
        let contains = fields.optional("contains").and_then(|node| super::text(&node));
        let timeout = fields.optional("timeout").map(|node| node.duration()).unwrap_or(Some(TIMEOUT));
        Some(Http { url: url?, status: status.unwrap_or(200), json, contains, timeout: timeout? })
    }

    /// The probe with what it asks by.
    pub fn over(&self, transport: impl Transport + 'static) -> Box<dyn Probe> {
        Box::new(Asking { http: self.clone(), transport: Box::new(transport) })
    }

    /// The probe over the network.
    pub fn open(&self) -> Box<dyn Probe> {
        self.over(Client::new())
    }

    fn request(&self) -> Request {
        Request {
            method: "GET".to_owned(),
            url: Secret::new(self.url.as_str()),
            headers: Vec::new(),
            body: None,
            label: format!("GET {}", shown_url(&self.url)),
            timeout: self.timeout,
            allow_private: true,
        }
    }

    /// What is wrong with an answer, if anything.
    fn wrong(&self, response: &Response, facts: &BTreeMap<String, String>) -> Option<String> {
        if response.status != self.status {
            return Some(format!("{}, not {}", response.status, self.status));
        }
        #[expect(clippy::disallowed_methods, reason = "looks into a page; what is told of it is scrubbed")]
        let body = response.body.expose();
        if let Some((pointer, wanted)) = &self.json {
            let json: Value = serde_json::from_slice(body).unwrap_or_default();
            let wanted = match wanted {
                Value::String(text) => Value::String(super::filled(text, facts)),
                other => other.clone(),
            };
            let found = json.pointer(pointer);
            if found != Some(&wanted) {
                let found = found.map_or("nothing".to_owned(), |found| shown(&found.to_string()));
                return Some(format!("{pointer} is {found}, not {wanted}"));
            }
        }
        let contains = self.contains.as_ref().map(|text| super::filled(text, facts))?;
        let there = String::from_utf8_lossy(body).contains(&contains);
        (!there).then(|| format!("{contains:?} is not in it"))
    }
}

/// A probe and what it asks by.
struct Asking {
    http: Http,
    transport: Box<dyn Transport>,
}

impl Probe for Asking {
    fn describe(&self) -> String {
        let http = &self.http;
        let mut text = format!("GET {} is {}", shown_url(&http.url), http.status);
        if let Some((pointer, wanted)) = &http.json {
            let wanted = wanted.to_string();
            let named = wanted.replace("\"{{ new_key }}\"", "the new key").replace("\"{{ old_key }}\"", "the old key");
            text.push_str(&format!(", {pointer} is {named}"));
        }
        if let Some(contains) = &http.contains {
            text.push_str(&format!(", with {contains:?} in it"));
        }
        text
    }

    fn look(&self, facts: &BTreeMap<String, String>) -> Evidence {
        let begun = Instant::now();
        let answer = self.transport.send(&self.http.request());
        let took = duration::human(begun.elapsed());
        match answer {
            Err(error) => Evidence { good: false, seen: error.to_string() },
            Ok(response) => match self.http.wrong(&response, facts) {
                None => Evidence { good: true, seen: format!("{} in {took}", response.status) },
                Some(wrong) => Evidence { good: false, seen: format!("{wrong} (in {took})") },
            },
        }
    }
}

fn read_json(node: &Node<'_>) -> Option<(String, Value)> {
    let mut fields = node.fields()?;
    let pointer = fields.required("pointer").and_then(|node| {
        let pointer = node.string()?;
        if !pointer.starts_with('/') {
            node.mistake("a JSON pointer starts with /");
        }
        Some(pointer)
    });
    let wanted = fields.required("equals").and_then(|node| {
        let wanted = node.scalar()?;
        if wanted.is_string() {
            super::text(&node)?;
        }
        Some(wanted)
    });
    fields.finish();
    Some((pointer?, wanted?))
}

/// A value of a page as it may be told.
fn shown(text: &str) -> String {
    terminal::ellipsis(&terminal::printable(redact::scrub_unknown(text).as_bytes()), WIDTH)
}

/// The URL without its query, which may hold a token.
fn shown_url(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::canned::Canned;
    use crate::yaml::Document;

    const URL: &str = "http://127.0.0.1:1/health";

    fn read(yaml: &str) -> Result<Http, String> {
        let document = Document::parse("p.yaml", yaml).unwrap();
        let mut fields = document.root().fields().unwrap();
        let http = Http::read_spec(&mut fields);
        fields.finish();
        document.finish(http).map_err(|mistakes| mistakes.to_string())
    }

    fn look(yaml: &str, canned: Canned) -> Evidence {
        let facts = BTreeMap::from([("new_key".to_owned(), "key_2".to_owned())]);
        read(&format!("url: {URL}\n{yaml}")).unwrap().over(canned).look(&facts)
    }

    #[test]
    fn status_json_and_text_are_looked_at() {
        let page = |status, body: &str| Canned::new().on(&format!("GET {URL}"), status, body);
        let key = "json: { pointer: /key, equals: '{{ new_key }}' }";
        assert!(look("", page(200, "")).seen.starts_with("200 in "));
        assert!(look("status: 204", page(204, "")).good);
        assert!(look(key, page(200, r#"{"key": "key_2"}"#)).good);
        assert!(look("contains: 'is {{ new_key }}'", page(200, "it is key_2.")).good);
        assert!(look("json: { pointer: /n, equals: 3 }", page(200, r#"{"n": 3}"#)).good);
        for (yaml, canned, want) in [
            ("", page(503, ""), "503, not 200 (in"),
            (key, page(200, r#"{"key": "key_1"}"#), "/key is \"key_1\", not \"key_2\" (in"),
            (key, page(200, "<html>"), "/key is nothing, not"),
            ("contains: ok", page(200, "no"), "\"ok\" is not in it (in"),
            ("", Canned::new().lost(&format!("GET {URL}")), "read the answer to GET http://127.0.0.1:1/health: "),
        ] {
            let evidence = look(yaml, canned);
            assert!(!evidence.good && evidence.seen.starts_with(want), "{yaml}: {}", evidence.seen);
        }
    }

    #[test]
    fn it_says_what_it_looks_for() {
        let http =
            read("url: 'https://h/x?token=1'\nstatus: 200\njson: { pointer: /key, equals: '{{ new_key }}' }").unwrap();
        assert_eq!(http.open().describe(), "GET https://h/x is 200, /key is the new key");
    }

    #[test]
    fn mistakes_are_said() {
        for (yaml, want) in [
            ("url: h", "expected a URL"),
            ("url: http://h\nstatus: 20", "between 100 and 599"),
            ("url: http://h\njson: { pointer: key, equals: 1 }", "starts with /"),
            ("url: http://h\njson: { pointer: /key, equals: '{{ newkey }}' }", "`newkey` is no fact"),
            ("url: http://h\ncontains: '{{ new_key'", "without its"),
        ] {
            let found = read(yaml).unwrap_err();
            assert!(found.contains(want), "{yaml}: {found}");
        }
    }
}
