//! Each operation against recorded exchanges.

use super::*;
use crate::catalog::File;
use crate::http::canned::Canned;
use crate::provider::{Overlap, Registry};
use crate::secret::SecretRef;
use std::collections::BTreeMap;
use std::time::Duration;

const BASE: &str = "https://api.example.com";

const API: &str = r#"
provider: example
title: Example
api:
  source: https://example.com/docs
  read: 2026-11-20
  base: https://api.example.com
  overlap: multi
  settle: 10s
  limit: 5
  survives: ["Sessions go on."]
  by-hand: https://example.com/keys
  validate:
    request: { method: GET, path: /me, headers: { authorization: 'Bearer {{ secret }}' } }
    answers:
      - { status: [200], json: { pointer: /ok, equals: false }, verdict: inactive }
      - { status: [200], verdict: active, identity: /user, scopes: 'header:x-scopes' }
      - { status: [401], verdict: inactive }
      - { status: [403], contains: suspended, verdict: unknown, why: the account is suspended }
  identify:
    request: { method: POST, path: /lookup, headers: { authorization: 'Bearer {{ admin.token }}' }, body: '{"t": {{ json secret }}}' }
    key: /id
  issue:
    request: { method: POST, path: /keys, headers: { authorization: 'Bearer {{ admin.token }}' }, body: '{"name": {{ json label }}, "like": {{ json like? }}, "scopes": {{ list with.scopes? }}}' }
    done: [201]
    key: /id
    secret: /token
    parts: { host: /host }
  list:
    request: { method: GET, path: '/keys?limit=2', headers: { authorization: 'Bearer {{ admin.token }}' } }
    items: /keys
    id: /id
    label: /name
    enabled: { pointer: /status, equals: active }
    created: /created
    last-used: /used
    next: { pointer: /next, parameter: after }
  disable:
    request: { method: POST, path: '/keys/{{ key }}/off', headers: { authorization: 'Bearer {{ admin.token }}' } }
    gone: [404]
  enable:
    request: { method: POST, path: '/keys/{{ key }}/on', headers: { authorization: 'Bearer {{ admin.token }}' } }
    gone: [404]
  revoke:
    request: { method: DELETE, path: '/keys/{{ key }}', headers: { authorization: 'Bearer {{ admin.token }}' } }
    done: [204]
    gone: [404]
"#;

/// A provider with its transport and the file that holds the administrator's credential.
struct Bench {
    provider: Arc<dyn Provider>,
    canned: Arc<Canned>,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Bench {
    type Target = dyn Provider;

    fn deref(&self) -> &Self::Target {
        &*self.provider
    }
}

fn provider(yaml: &str, canned: Canned) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "admin-token-0123456789\n").unwrap();
    let admin = BTreeMap::from([("token".to_owned(), SecretRef::File(token))]);
    let settings = BTreeMap::from([("example".to_owned(), Settings { admin, ..Settings::default() })]);
    let canned = Arc::new(canned);
    let file = File::new("example.yaml", yaml.to_owned());
    let registry = Registry::load(&[file], settings, canned.clone()).unwrap_or_else(|e| panic!("{e}"));
    Bench { provider: registry.get("example").unwrap(), canned, _folder: folder }
}

fn example(canned: Canned) -> Bench {
    provider(API, canned)
}

fn leaked() -> Credential {
    Credential::new(Secret::new("leaked-secret-0123456789"))
}

fn at(method_and_path: &str) -> String {
    let (method, path) = method_and_path.split_once(' ').unwrap();
    format!("{method} {BASE}{path}")
}

fn key() -> KeyId {
    KeyId("k1".into())
}

fn request() -> IssueRequest {
    IssueRequest { label: "stanch-1".into(), like: None, with: BTreeMap::from([("scopes".into(), "a b".into())]) }
}

#[test]
fn the_profile_says_what_is_known_and_what_can_be_done() {
    let configured = example(Canned::new());
    let profile = configured.profile();
    assert_eq!(profile.can, profile.knows);
    assert!(profile.can.issue && profile.can.last_used && !profile.can.revoke_by_possession);
    assert_eq!((profile.overlap, profile.settle, profile.limit), (Overlap::Multi, Duration::from_secs(10), Some(5)));
    assert_eq!(profile.source, "https://example.com/docs, read 2026-11-20");

    let file = File::new("example.yaml", API);
    let bare = Registry::load(&[file], BTreeMap::new(), Arc::new(Canned::new())).unwrap();
    let bare = bare.get("example").unwrap();
    assert_eq!(bare.profile().knows, profile.knows);
    assert_eq!(bare.profile().can, Operations { validate: true, ..Operations::default() });
    assert!(matches!(bare.disable(&key()), Err(Error::Unsupported { why, .. }) if why.contains("admin.token")));
}

#[test]
fn validate_takes_the_first_answer_that_fits() {
    let verdict = |status, body: &str| {
        let canned = Canned::new().on(&at("GET /me"), status, body).header("X-Scopes", "repo, gist");
        example(canned).validate(&leaked())
    };
    let scopes = vec!["repo".to_owned(), "gist".to_owned()];
    let active = Verdict::Active { identity: Some("leak…(24)".into()), scopes };
    assert_eq!(verdict(200, r#"{"ok": true, "user": "leaked-secret-0123456789"}"#), active, "an echo is scrubbed");
    assert_eq!(verdict(200, r#"{"ok": false}"#), Verdict::Inactive);
    assert_eq!(verdict(401, ""), Verdict::Inactive);
    for (status, body, want) in [
        (403, "account suspended", "the account is suspended"),
        (403, "", "Example answered 403, which says nothing"),
        (429, "", "throttled"),
        (502, "<html>", "Example fails (502)"),
    ] {
        assert_eq!(verdict(status, body), Verdict::Unknown { why: want.into() });
    }
    let unsent = example(Canned::new().not_sent(&at("GET /me"))).validate(&leaked());
    assert_eq!(unsent, Verdict::Unknown { why: format!("send GET {BASE}/me: connection refused") });
}

#[test]
fn issue_gives_the_key_and_sends_the_label() {
    let body = r#"{"id": 17, "token": "new-secret-0123456789", "host": "h1"}"#;
    let example = provider(API, Canned::new().on(&at("POST /keys"), 201, body));
    let issued = example.issue(&request()).unwrap();
    assert_eq!(issued.key, KeyId("17".into()));
    assert_eq!(*issued.credential.secret, Secret::new("new-secret-0123456789"));
    assert_eq!(*issued.credential.parts["host"], Secret::new("h1"));
    let sent = &example.canned.sent()[0];
    assert!(sent.ends_with(r#"{"name": "stanch-1", "like": null, "scopes": ["a","b"]}"#), "{sent}");
    assert!(sent.contains("authorization: Bearer admin-token-0123456789\n"), "{sent}");
}

#[test]
fn an_issue_that_may_have_happened_is_lost() {
    let url = at("POST /keys");
    let lost = |canned: Canned| match example(canned).issue(&request()) {
        Err(Error::Lost { .. }) => true,
        Err(error) => panic!("{error}"),
        Ok(_) => false,
    };
    assert!(lost(Canned::new().lost(&url)));
    for (status, body) in [(500, ""), (502, ""), (503, ""), (408, ""), (200, "{}"), (201, "{}"), (201, "<html>")] {
        assert!(lost(Canned::new().on(&url, status, body)), "{status}");
    }
    let same = r#"{"id": "new-secret-0123456789", "token": "new-secret-0123456789", "host": "h"}"#;
    assert!(lost(Canned::new().on(&url, 201, same)), "an id that is the secret is no id");
}

#[test]
fn an_issue_that_did_not_happen_says_whether_to_try_again() {
    let url = at("POST /keys");
    let again = |canned: Canned| match example(canned).issue(&request()) {
        Err(Error::TryAgain { after, .. }) => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(again(Canned::new().not_sent(&url)), None);
    assert_eq!(again(Canned::new().on(&url, 429, "").header("retry-after", "7")), Some(Duration::from_secs(7)));
    assert_eq!(again(Canned::new().on(&url, 503, "").header("retry-after", "99999")), Some(Duration::from_secs(3600)));
    let past = "Wed, 21 Oct 2015 07:28:00 GMT";
    assert_eq!(again(Canned::new().on(&url, 429, "").header("retry-after", past)), Some(Duration::ZERO));
}

#[test]
fn a_refusal_gives_its_reason_without_secrets() {
    let body = r#"{"error": {"message": "admin-token-0123456789 may not; see https://example.com"}}"#;
    for status in [301, 400, 401, 403, 409, 422] {
        let canned = Canned::new().on(&at("POST /keys"), status, body);
        let error = example(canned).issue(&request()).unwrap_err();
        let want = format!("issue at example: refused with {status}: admi…(22) may not; see https://example.com");
        assert_eq!(error.to_string(), want);
    }
}

#[test]
fn list_reads_every_page() {
    let first =
        r#"{"keys": [{"id": 1, "name": "a", "status": "active", "created": "2026-01-02T00:00:00Z"}], "next": "p 2"}"#;
    let second = r#"{"keys": [{"id": "2", "status": "off", "used": 1767312000}], "next": null}"#;
    let pages =
        || Canned::new().on(&at("GET /keys?limit=2"), 200, first).on(&at("GET /keys?limit=2&after=p%202"), 200, second);
    let keys = example(pages()).list().unwrap();
    let brief: Vec<_> = keys.iter().map(|key| (key.id.0.as_str(), key.enabled, key.label.as_deref())).collect();
    assert_eq!(brief, [("1", true, Some("a")), ("2", false, None)]);
    assert_eq!(keys[0].created, Some("2026-01-02T00:00:00Z".parse().unwrap()));
    let used = Some("2026-01-02T00:00:00Z".parse().unwrap());
    assert_eq!(keys[1].last_used, used);
    assert_eq!(example(pages()).last_used(&KeyId("2".into())).unwrap(), used);
    assert_eq!(example(pages()).last_used(&KeyId("1".into())).unwrap(), None);

    let broken = example(Canned::new().on(&at("GET /keys?limit=2"), 200, "{}")).list().unwrap_err();
    assert!(matches!(broken, Error::Misanswered { .. }));
    let flaky = example(Canned::new().on(&at("GET /keys?limit=2"), 500, "")).list().unwrap_err();
    assert!(matches!(flaky, Error::TryAgain { .. }), "reading may be done again");
}

#[test]
fn what_is_gone_is_off_and_revoked_but_not_on() {
    let off = |status| example(Canned::new().on(&at("POST /keys/k1/off"), status, "")).disable(&key());
    let on = |status| example(Canned::new().on(&at("POST /keys/k1/on"), status, "")).enable(&key());
    let end = |status| example(Canned::new().on(&at("DELETE /keys/k1"), status, "")).revoke(Some(&key()), None);
    assert!(off(200).is_ok() && off(404).is_ok() && on(200).is_ok() && end(204).is_ok() && end(404).is_ok());
    assert!(matches!(on(404), Err(Error::Refused { .. })));
    assert!(matches!(off(500), Err(Error::Lost { .. })));
    assert!(matches!(end(403), Err(Error::Refused { .. })));
    let unknown = example(Canned::new()).revoke(None, Some(&leaked()));
    assert!(matches!(unknown, Err(Error::Unsupported { why, .. }) if why.contains("key's id")));
}

#[test]
fn a_key_is_identified_by_asking_or_by_looking() {
    let asked = example(Canned::new().on(&at("POST /lookup"), 200, r#"{"id": "k1"}"#)).identify(&leaked());
    assert_eq!(asked.unwrap(), key());
    let echo = r#"{"id": "leaked-secret-0123456789"}"#;
    let echoed = example(Canned::new().on(&at("POST /lookup"), 200, echo)).identify(&leaked());
    assert!(matches!(echoed, Err(Error::Misanswered { .. })), "a secret is no id");

    let split = API.replace("  limit: 5\n", "  limit: 5\n  key-id: { from: secret, split: '-', index: 1 }\n");
    assert_eq!(provider(&split, Canned::new()).identify(&leaked()).unwrap(), KeyId("secret".into()));
    let part = API.replace("  limit: 5\n", "  limit: 5\n  key-id: { from: part.key_id }\n");
    let mut credential = leaked();
    credential.parts.insert("key_id".into(), Arc::new(Secret::new("AK1")));
    assert_eq!(provider(&part, Canned::new()).identify(&credential).unwrap(), KeyId("AK1".into()));
}

#[test]
fn revoking_by_possession_needs_the_credential_only() {
    let start = API.find("  revoke:").unwrap();
    let yaml = format!(
        "{}  revoke:\n    by-possession: true\n    request: {{ method: POST, path: /revoke, body: '{{\"t\": {{{{ json secret }}}}}}' }}\n    done: [202]\n",
        &API[..start]
    );
    let example = provider(&yaml, Canned::new().on(&at("POST /revoke"), 202, ""));
    assert!(example.profile().can.revoke_by_possession);
    assert!(matches!(example.revoke(Some(&key()), None), Err(Error::Unsupported { .. })));
    example.revoke(None, Some(&leaked())).unwrap();
    assert!(example.canned.sent()[0].ends_with(r#"{"t": "leaked-secret-0123456789"}"#));
}

#[test]
fn mistakes_are_all_shown_at_their_lines() {
    let yaml = "provider: x\ntitle: X\napi:\n  source: s\n  read: yesterday\n  base: example.com\n  overlap: some\n";
    let load = |yaml: &str| {
        let file = File::new("x.yaml", yaml.to_owned());
        Registry::load(&[file], BTreeMap::new(), Arc::new(Canned::new())).map(|_| ()).unwrap_err().to_string()
    };
    assert!(load(yaml).contains("x.yaml:6:9: expected a URL"), "{}", load(yaml));
    let found = load(&yaml.replace("example.com", "https://example.com"));
    for want in ["x.yaml:5:9: expected a date", "x.yaml:7:12: expected one of", "`settle` is missing"] {
        assert!(found.contains(want), "{want} in\n{found}");
    }
    let found = load(&API.replace("{{ key }}/off", "{{ secret }}/off").replace("gone: [404]", "gnoe: [404]"));
    assert!(found.contains("`secret` is neither") && found.matches("unknown key `gnoe`").count() == 3, "{found}");
}

#[test]
fn a_refusal_by_one_of_many_homes_proves_nothing_until_ours_is_named() {
    let yaml = API.replace("  overlap: multi\n", "  homes: many\n  overlap: multi\n");
    let refused = || Canned::new().on(&at("GET /me"), 401, "");
    let verdict = provider(&yaml, refused()).validate(&leaked());
    assert!(matches!(&verdict, Verdict::Unknown { why } if why.contains("providers.example.base")), "{verdict:?}");

    let settings = Settings { base: Some(BASE.to_owned()), ..Settings::default() };
    let settings = BTreeMap::from([("example".to_owned(), settings)]);
    let file = File::new("example.yaml", yaml);
    let named = Registry::load(&[file], settings, Arc::new(refused())).unwrap().get("example").unwrap();
    assert_eq!(named.validate(&leaked()), Verdict::Inactive);
}

#[test]
fn settings_for_nobody_are_a_mistake() {
    let settings = BTreeMap::from([("nobody".to_owned(), Settings::default())]);
    let error = Registry::load(&[], settings, Arc::new(Canned::new())).map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("providers.nobody:"), "{error}");
}

#[test]
fn every_built_in_api_loads() {
    let registry = Registry::load(&crate::catalog::builtin(), BTreeMap::new(), Arc::new(Canned::new()));
    registry.unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

/// Whatever the values are, every built-in request can be made of its template, and goes where its file says.
#[test]
fn every_built_in_request_can_be_made() {
    for file in crate::catalog::builtin() {
        let document = file.parse().unwrap();
        let Some(node) = crate::catalog::top(&document).and_then(|top| top.api) else { continue };
        let api = Api::read(&node, &Settings::default()).unwrap();
        let calls = [
            api.identify.as_ref().map(|(call, _)| call),
            api.issue.as_ref().map(|issue| &issue.call),
            api.list.as_ref().map(|list| &list.call),
            api.disable.as_ref(),
            api.enable.as_ref(),
            api.revoke.as_ref().map(|(call, _)| call),
            api.last_used.as_ref().map(|(call, _)| call),
        ];
        let templates = calls.into_iter().flatten().map(|call| &call.template);
        for template in templates.chain(api.validate.iter().map(|validate| &validate.template)) {
            let awkward = |name: &str| shared(if name.starts_with("part.") { "ab" } else { "a/b?c" });
            let values = template.needs().into_iter().map(|name| (name.to_owned(), awkward(name))).collect();
            let made = template.render(&values).map(|request| request.label);
            let label = made.unwrap_or_else(|error| panic!("{}: {}: {error}", file.name, template.label()));
            assert!(file.name == "rules/sandbox.yaml" || label.contains(" https://"), "{}: {label}", file.name);
        }
    }
}
