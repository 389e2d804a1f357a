//! `stanch.yaml`: what it says, every mistake of it at its line, and what a found file may not do.

use crate::world::World;
use stanch::config::{self, Error, Origin, Settings};
use stanch::detect::Covers;
use stanch::inventory::Wanted;
use stanch::inventory::response::Action;
use stanch::secret::SecretRef;
use std::path::Path;
use std::time::Duration;

/// The example of the manual, whole.
const WHOLE: &str = r#"
version: 1
rules: [./our-rules]
allow:
  - { fingerprint: "00112233445566778899aabbccddeeff", reason: "a key of the test bench", owner: team-x, expires: 2027-01-01 }
  - { path: "tests/fixtures/**", reason: made up }
baseline: .stanch-baseline.json
fingerprint-key: { env: STANCH_FINGERPRINT_KEY }
ledger: .stanch/ledger.db
seal-key: { file: /run/seal }
postmortems: docs/postmortems
providers:
  sandbox:
    base: http://127.0.0.1:4077
    allow-private: true
    admin: { token: { file: admin-token } }
credentials:
  - id: sandbox-prod
    provider: sandbox
    environment: production
    owner: payments
    tier: 1
    key: key_abc
    issue: { scopes: "read write" }
    stores:
      - dotenv: { path: ./app/.env, name: SANDBOX_KEY }
    consumers:
      - signal: { pid-file: ./app/app.pid, signal: HUP }
      - command: { run: ["systemctl", "restart", "app"], timeout: 30s }
    probes:
      - http: { url: "http://127.0.0.1:8080/health", status: 200, timeout: 5s, within: 30s }
    policy: { strategy: auto, overlap: true, quiet: 5s, grace: 24h, approval: required }
respond:
  - { match: { provider: sandbox, environment: production }, action: respond }
  - { action: record }
serve:
  listen: 127.0.0.1:8797
  github: { secret: { env: GITHUB_WEBHOOK_SECRET }, token: { env: GITHUB_TOKEN } }
  partner: {}
  mirrors: { "octo/app": mirrors/app.git }
"#;

fn load(world: &World, text: &str) -> Result<Settings, Error> {
    world.write("stanch.yaml", text);
    config::load(Some(&world.path("stanch.yaml")), Path::new("/"))
}

/// The mistakes without the file's name.
fn mistakes(text: &str) -> Vec<String> {
    let world = World::new();
    match load(&world, text) {
        Err(Error::Written(found)) => found.0.iter().map(|d| format!("{}:{}: {}", d.line, d.column, d.text)).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing wrong with it: {text}"),
    }
}

#[test]
fn the_whole_file_means_what_it_says() {
    let world = World::new();
    let got = load(&world, WHOLE).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(got.origin, Origin::Named(world.path("stanch.yaml")));
    assert_eq!(got.rules, [world.path("our-rules")]);
    assert_eq!(got.baseline, Some(world.path(".stanch-baseline.json")));
    assert_eq!(got.ledger, world.path(".stanch/ledger.db"));
    assert_eq!(got.seal_key, Some(SecretRef::File("/run/seal".into())));
    assert_eq!(got.seal_key_file(), world.path(".stanch/ledger.db.key"));
    assert_eq!(got.postmortems, world.path("docs/postmortems"));
    assert_eq!(got.fingerprint_key, Some(SecretRef::Env("STANCH_FINGERPRINT_KEY".into())));

    let [first, second] = &got.allow.entries[..] else { panic!("two entries") };
    assert_eq!(first.expires, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(first.describe(), "allowed: a key of the test bench (team-x)");
    assert!(matches!(&second.what, Covers::Path(glob) if glob.covers(b"tests/fixtures/a")));

    let sandbox = &got.providers["sandbox"];
    assert!(sandbox.allow_private);
    assert_eq!(sandbox.admin["token"], SecretRef::File(world.path("admin-token")));

    let entry = got.inventory.get("sandbox-prod").unwrap();
    assert_eq!(entry.describe(), "sandbox-prod (sandbox, production, payments)");
    assert_eq!((entry.tier, entry.issue["scopes"].as_str()), (Some(1), "read write"));
    assert_eq!((entry.stores.len(), entry.consumers.len(), entry.probes.len()), (1, 2, 1));
    let policy = &entry.policy;
    assert_eq!((policy.strategy, policy.overlap, policy.approval), (Wanted::Auto, true, true));
    assert_eq!(policy.grace, Duration::from_secs(86_400));

    assert_eq!(got.responses.action(None, Some(entry)), Action::Respond);
    assert_eq!(got.responses.action(Some("sandbox"), None), Action::Record);
    assert_eq!(got.serve.listen.port(), 8797);
    let github = got.serve.github.unwrap();
    assert_eq!((github.api.as_str(), github.allow_private), ("https://api.github.com", false));
    assert!(got.serve.partner.unwrap().keys_url.ends_with("/meta/public_keys/secret_scanning"));
    assert_eq!(got.serve.mirrors["octo/app"], world.path("mirrors/app.git"));
}

#[test]
fn what_is_not_said_has_a_default() {
    let world = World::new();
    let got = load(&world, "version: 1\ncredentials: [{ id: x-key, provider: sandbox }]\n").unwrap();
    assert!(got.ledger.ends_with("stanch/ledger.db"), "{:?}", got.ledger);
    assert_eq!(got.postmortems, world.path("postmortems"));
    assert_eq!(got.serve, Default::default());
    assert_eq!(got.inventory.entries[0].policy.quiet, Duration::from_secs(5));
}

#[test]
fn every_mistake_at_its_line() {
    let text = "version: 2\nbaselin: x\nallow:\n  - { path: '**', reason: r }\n  - { fingerprint: abc, reason: r }\n  \
                - { path: a/b }\n  - { path: a/b, fingerprint: \"00112233445566778899aabbccddeeff\", reason: r }\n\
                credentials:\n  - { id: abcdef12, provider: s }\n  - { id: a, provider: s }\n  - { id: a, provider: s }\n\
                seal-key: hunter2\nserve: { listen: here }\n";
    let want = [
        "1:10: this stanch reads version 1",
        "2:1: unknown key `baselin` (did you mean `baseline`?)",
        "4:13: this would allow everything",
        "5:20: a fingerprint is 32 hexadecimal digits (put it in quotes), as reports show it",
        "6:5: `reason` is missing",
        "7:5: expected either `fingerprint` or `path`",
        "9:11: an id of hexadecimal digits alone would be taken for a fingerprint",
        "11:5: there is another credential with the id `a`",
        "12:11: a secret is not written here: name its place, { env: NAME } or { file: PATH }",
        "13:18: expected an address and a port, such as 127.0.0.1:8797",
    ];
    assert_eq!(mistakes(text), want);
}

#[test]
fn a_policy_does_not_contradict_itself() {
    let text =
        "version: 1\ncredentials:\n  - id: k\n    provider: s\n    policy: { strategy: overlap, overlap: false }\n";
    assert_eq!(mistakes(text), ["5:13: `strategy: overlap` and `overlap: false` contradict each other"]);
}

#[test]
fn a_provider_that_is_not_known_is_said_at_its_line() {
    let world = World::new();
    let text = "version: 1\nproviders:\n  nobody: {}\ncredentials:\n  - { id: k, provider: noone }\n";
    let settings = load(&world, text).unwrap();
    let Err(Error::Written(found)) = settings.check(&Default::default()) else { panic!("both are unknown") };
    let found: Vec<String> = found.0.iter().map(|d| format!("{}:{}: {}", d.line, d.column, d.text)).collect();
    assert_eq!(found, ["3:11: there is no provider `nobody`", "5:24: there is no provider `noone`"]);
}

#[test]
fn a_found_file_narrows_but_does_not_say_where_secrets_are_sent() {
    let world = World::repository();
    world.write("stanch.yaml", WHOLE);
    world.write("src/deep/x", "");
    let found = config::load(None, &world.path("src/deep")).unwrap();
    assert_eq!(found.origin, Origin::Found(world.path("stanch.yaml")));
    assert_eq!(found.allow.entries.len(), 2);
    assert!(found.withholds_providers() && found.providers_to_ask().is_empty());
    let named = load(&world, WHOLE).unwrap();
    assert!(!named.withholds_providers() && named.providers_to_ask().contains_key("sandbox"));
}

#[test]
fn a_named_file_that_is_not_there_is_a_failure_and_no_file_is_none() {
    let world = World::repository();
    let error = config::load(Some(&world.path("no.yaml")), world.root()).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
    assert_eq!(config::load(None, world.root()).unwrap().origin, Origin::Nowhere);
}

#[test]
fn the_fingerprint_key_is_read_when_it_is_needed() {
    let world = World::new();
    let settings = load(&world, "version: 1\nfingerprint-key: { file: key }\n").unwrap();
    assert!(matches!(settings.fingerprint_key(), Err(Error::Secret(_))));
    world.write("key", "short");
    assert!(matches!(settings.fingerprint_key(), Err(Error::Key(_))));
    world.write("key", "0123456789abcdef0123456789abcdef\n");
    assert!(settings.fingerprint_key().is_ok());
}

#[test]
fn a_store_says_which_credential_is_ours() {
    let world = World::new();
    let settings = load(&world, WHOLE).unwrap();
    let key = settings.fingerprint_key().unwrap_or_else(|_| stanch::secret::FingerprintKey::public());
    let print = key.fingerprint(&stanch::secret::Secret::new("this one"));
    assert_eq!(settings.inventory.holding(print, &key).unread.len(), 1, "there is no such file yet");
    world.write("app/.env", "OTHER=x\nSANDBOX_KEY='this one'\n");
    let holding = settings.inventory.holding(print, &key);
    assert_eq!(holding.entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), ["sandbox-prod"]);
    assert!(holding.unread.is_empty());
}

#[test]
fn a_path_is_allowed_from_wherever_the_scan_starts() {
    let world = World::repository();
    world.write("stanch.yaml", "version: 1\nallow: [{ path: 'tests/fixtures/**', reason: made up }]\n");
    world.write("tests/fixtures/a.env", format!("KEY={}\n", crate::world::token(4)));
    let below = world.path("tests");
    let stanch = |folder: &Path, path: &str| {
        let mut stanch = world.command(env!("CARGO_BIN_EXE_stanch"));
        let output = stanch.current_dir(folder).args(["scan", path]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    for (folder, path) in [(world.root(), "."), (world.root(), "tests"), (&below, "."), (&below, "../tests/fixtures")] {
        let (code, shown) = stanch(folder, path);
        assert_eq!(code, Some(0), "{path}: {shown}");
        assert!(shown.contains("1 allowed: made up"), "it is counted: {shown}");
    }
    let copied = world.stanch(&["scan", "--no-config", "."]);
    assert_eq!(copied.code, 1, "no config, no allow-list");
}
