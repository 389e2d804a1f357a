//! The canary: a marked secret goes through every verb at trace level, and is looked for in everything that stanch
//! wrote or said, and in every process's arguments meanwhile.

use crate::stage::{self, Part};
use crate::world::{Ended, World};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn a_marked_secret_is_seen_nowhere() {
    let mut scene = Scene::set();
    let leaked = scene.leaked.clone();
    let watch = Watch::start(vec![leaked.clone()]);

    scene.scans();
    scene.responds();
    scene.hooks_and_ci();

    let live = scene.live_key();
    assert_ne!(live, leaked, "the key was rotated, so the whole path was walked");
    let seen_in_arguments = watch.stop();
    assert!(seen_in_arguments.is_empty(), "in a process's arguments: {seen_in_arguments:?}");
    for (name, secret) in [("leaked", leaked.as_str()), ("new", &live), ("admin", &scene.admin)] {
        let found = scene.places_of(secret);
        assert!(found.is_empty(), "the {name} secret is in: {found:#?}");
    }
}

#[test]
fn the_search_itself_finds() {
    let secret = format!("canary{}", crate::world::alnum(7, 30));
    for form in forms(secret.as_bytes()) {
        let noise = [b"before ".as_slice(), &form, b" after"].concat();
        assert!(holds(&noise, secret.as_bytes()));
    }
    assert!(!holds(b"nothing here", secret.as_bytes()));
}

/// A repository with the leaked key, a sandbox that issued it, and a configuration that knows where it is used.
struct Scene {
    world: World,
    leaked: String,
    admin: String,
    /// Everything that was said, by the command that said it.
    said: BTreeMap<String, Vec<u8>>,
    _sandbox: Part,
}

impl Scene {
    fn set() -> Scene {
        let world = World::repository();
        let admin = format!("adm{}", crate::world::alnum(std::process::id().into(), 40));
        world.write(".secrets/admin", &admin);
        let mut sandbox = stage::stanch();
        sandbox.args(["drill", "sandbox", "--settle", "50ms", "--admin-token-file"]).arg(world.path(".secrets/admin"));
        let sandbox = Part::start(&mut sandbox);
        let (_, key) =
            stage::call("POST", &format!("{}/v1/keys", sandbox.address), &admin, &json!({ "label": "canary" }));
        let leaked = key["secret"].as_str().unwrap().to_owned();
        world.write("app/.env", format!("# the service's settings\nSANDBOX_KEY={leaked}\nOTHER=1\n"));
        world.write("app/app.log", format!("GET /v1/work with {leaked}\n"));
        world.write("app/encoded.txt", encoded(&leaked));
        world.write(".gitignore", ".secrets\napp\n.state\nout\nstanch.yaml\n.stanch\npostmortems\n");
        world.write("config/settings.py", format!("KEY = \"{leaked}\"\n"));
        world.git(&["add", "config", ".gitignore"]);
        world.commit("Settings for the payment service");
        world.write("config/settings.py", "KEY = os.environ['SANDBOX_KEY']\n");
        world.git(&["add", "config"]);
        world.commit("Take the key from the environment");
        world.write("stanch.yaml", config(&sandbox.address));
        std::fs::create_dir_all(world.path("out")).unwrap();
        Scene { world, leaked, admin, said: BTreeMap::new(), _sandbox: sandbox }
    }

    fn scans(&mut self) {
        for format in ["text", "json", "jsonl", "sarif", "gitleaks"] {
            self.run(&["history", "--format", format], b"", 1);
        }
        self.run(&["history", "--explain", "--output", "out/history.sarif", "--format", "sarif"], b"", 1);
        self.run(&["--config", "stanch.yaml", "history", "--validate"], b"", 1);
        for format in ["text", "json", "jsonl", "sarif", "gitleaks"] {
            self.run(&["scan", "app", "--format", format, "--explain"], b"", 1);
        }
        self.run(&["logs", "app/app.log"], b"", 1);
        let line = format!("token={}\n", self.leaked);
        self.run(&["scan", "-"], line.as_bytes(), 1);
        self.run(&["logs", "-"], line.as_bytes(), 1);
        self.run(&["history", "--write-baseline", "out/baseline.json"], b"", 1);
        self.run(&["rules", "list"], b"", 0);
        self.run(&["rules", "show", "sandbox-api-key"], b"", 0);
    }

    fn hooks_and_ci(&mut self) {
        self.world.stage("again.txt", format!("key: {}\n", self.leaked));
        self.run(&["staged"], b"", 1);
        self.run(&["hook", "pre-commit"], b"", 1);
        let head = self.world.git(&["rev-parse", "HEAD"]);
        let env = [("GITLAB_CI", "true"), ("CI_COMMIT_SHA", head.as_str()), ("CI_COMMIT_BEFORE_SHA", NO_COMMIT)];
        let ended = self.world.fed(&["-vvv", "ci", "--sarif", "out/ci.sarif"], b"", &env);
        self.keep("ci", &ended, 1);
    }

    fn responds(&mut self) {
        let leaked = self.leaked.clone();
        self.run(&["--config", "stanch.yaml", "respond", "sandbox-canary", "--plan"], b"", 0);
        self.run(&["--config", "stanch.yaml", "respond", "-", "--yes"], leaked.as_bytes(), 0);
        self.run(&["--config", "stanch.yaml", "incident", "list", "--all"], b"", 0);
        let incidents = self.run(&["--config", "stanch.yaml", "incident", "list", "--all", "--format", "json"], b"", 0);
        let incidents: serde_json::Value = serde_json::from_str(&incidents).unwrap();
        let id = find_id(&incidents).unwrap_or_else(|| panic!("no incident in {incidents}"));
        for verb in [&["show"][..], &["postmortem"], &["postmortem", "--format", "json"], &["verify"]] {
            let args = ["--config", "stanch.yaml", "incident", verb[0], &id];
            let args: Vec<&str> = args.into_iter().chain(verb[1..].iter().copied()).collect();
            self.run(&args, b"", 0);
        }
    }

    /// Runs stanch at trace level, checks how it ended, and keeps all it said.
    fn run(&mut self, args: &[&str], input: &[u8], code: i32) -> String {
        let loud: Vec<&str> = std::iter::once("-vvv").chain(args.iter().copied()).collect();
        let ended = self.world.stanch_fed(&loud, input);
        self.keep(&args.join(" "), &ended, code);
        ended.stdout
    }

    fn keep(&mut self, name: &str, ended: &Ended, code: i32) {
        assert_eq!(ended.code, code, "stanch {name}: {}\n{}", ended.stdout, ended.stderr);
        assert!(
            name.starts_with("rules") || !ended.stdout.is_empty() || !ended.stderr.is_empty(),
            "{name} says something"
        );
        self.said.insert(format!("stdout of {name}"), ended.stdout.clone().into_bytes());
        self.said.insert(format!("stderr of {name}"), ended.stderr.clone().into_bytes());
    }

    fn live_key(&self) -> String {
        let env = std::fs::read_to_string(self.world.path("app/.env")).unwrap();
        let line = env.lines().find(|line| line.starts_with("SANDBOX_KEY=")).unwrap();
        line["SANDBOX_KEY=".len()..].trim_matches('"').to_owned()
    }

    /// Everything said, and every file but those that held a secret from the start or must hold the new one.
    fn places_of(&self, secret: &str) -> Vec<String> {
        let mut places: Vec<String> =
            self.said.iter().filter(|(_, b)| holds(b, secret.as_bytes())).map(|(n, _)| n.clone()).collect();
        let known = ["app/.env", "app/app.log", "app/encoded.txt", ".secrets/admin", "again.txt"]
            .map(|name| self.world.path(name));
        for (path, bytes) in self.world.snapshot(".") {
            let path: PathBuf = path.components().filter(|part| part.as_os_str() != ".").collect();
            if !known.contains(&path) && !path.starts_with(self.world.path(".git")) && holds(&bytes, secret.as_bytes())
            {
                places.push(path.display().to_string());
            }
        }
        places
    }
}

/// The secret in every encoding and in two at once, several to a line, and on a last line that does not end.
fn encoded(secret: &str) -> String {
    let wrap = |code: String| format!("data: {code} # and {code}\nlast: \"{code}\"");
    let escape = |text: &str, form: &dyn Fn(u8) -> String| text.bytes().map(form).collect::<String>();
    let once: Vec<String> = vec![
        STANDARD.encode(format!("token={secret}\n")),
        escape(&format!("token={secret}\n"), &|byte| format!("{byte:02x}")),
        format!("token%3D{}", escape(secret, &|byte| format!("%{byte:02X}"))),
        format!("{{\\\"token\\\":\\\"{}\\\"}}", escape(secret, &|byte| format!("\\u{byte:04x}"))),
        escape(&format!("token={secret}"), &|byte| format!("&#x{byte:x};")),
    ];
    let twice = once.iter().map(|code| STANDARD.encode(format!("first line\n{code}\n")));
    once.iter().cloned().chain(twice).map(wrap).collect::<Vec<_>>().join("\n")
}

/// The ids under which an incident list may be written: the first text that starts with `inc-`.
fn find_id(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => text.starts_with("inc-").then(|| text.clone()),
        serde_json::Value::Array(items) => items.iter().find_map(find_id),
        serde_json::Value::Object(fields) => fields.values().find_map(find_id),
        _ => None,
    }
}

const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

fn config(url: &str) -> String {
    format!(
        "version: 1
ledger: .stanch/ledger.db
postmortems: postmortems
providers:
  sandbox:
    base: {url}
    allow-private: true
    admin: {{ token: {{ file: .secrets/admin }} }}
credentials:
  - id: sandbox-canary
    provider: sandbox
    environment: test
    owner: canary
    tier: 3
    stores:
      - dotenv: {{ path: app/.env, name: SANDBOX_KEY }}
    consumers:
      - command: {{ run: [\"true\"], timeout: 5s }}
    probes:
      - command: {{ run: [\"true\"], timeout: 5s, within: 5s }}
    policy: {{ strategy: overlap, quiet: 100ms, grace: 0s }}
"
    )
}

/// Reads the arguments of every process again and again.
struct Watch {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<String>>,
}

impl Watch {
    fn start(secrets: Vec<String>) -> Watch {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut seen = Vec::new();
            while !until.load(Ordering::Relaxed) {
                let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
                for arguments in processes.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok()) {
                    if secrets.iter().any(|secret| holds(&arguments, secret.as_bytes())) {
                        seen.push(String::from_utf8_lossy(&arguments).into_owned());
                    }
                }
                std::thread::sleep(std::time::Duration::from_millis(3));
            }
            seen
        });
        Watch { stop, thread }
    }

    fn stop(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn holds(bytes: &[u8], secret: &[u8]) -> bool {
    forms(secret).iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_slice()))
}

/// A secret as it may be written: as it is, its second half alone, in hexadecimal, in base64.
fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let escaped = |form: &dyn Fn(&u8) -> String| secret[secret.len() / 2..].iter().map(form).collect::<String>();
    let mut forms = vec![
        secret.to_vec(),
        secret[secret.len() / 2..].to_vec(),
        hex.to_uppercase().into_bytes(),
        hex.as_bytes()[hex.len() / 2..].to_vec(),
        hex.into_bytes(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        escaped(&|byte| format!("%{byte:02X}")).into_bytes(),
        escaped(&|byte| format!("\\u{byte:04x}")).into_bytes(),
        escaped(&|byte| format!("&#x{byte:x};")).into_bytes(),
    ];
    // Base64 of a secret inside something longer: what does not depend on what stands before and behind, wherever it is.
    forms.extend((0..3).map(|skip| STANDARD.encode(&secret[skip..][..(secret.len() - skip) / 3 * 3]).into_bytes()));
    forms
}
