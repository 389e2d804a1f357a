//! A small world to act in: a sandbox provider, a service that uses its key, and a stanch.yaml that knows of both. All
//! of it on loopback and in a temporary folder; everything stops when it is dropped.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// The administrator's token of every sandbox here.
const ADMIN: &str = "the administrator of a test";
/// Longest wait for something to become so.
const PATIENCE: Duration = Duration::from_secs(30);

/// The built program, not crashing unless told so.
pub fn stanch() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stanch"));
    command.env_remove("STANCH_CRASH_AT").env_remove("STANCH_CRASH_LOG").env_remove("STANCH_SEAL_KEY");
    command.stdin(Stdio::null());
    command
}

/// A part that runs beside the test and says where it listens. Killed when dropped.
pub struct Part {
    pub child: Child,
    pub address: String,
}

impl Part {
    pub fn start(command: &mut Command) -> Part {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{command:?} said {line:?}"));
        Part { child, address: said["listening"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A sandbox, a service and a configuration.
pub struct Stage {
    // Dropped in this order: the parts stop before their folder goes.
    app: Part,
    sandbox: Part,
    /// The leaked key's id and secret.
    pub leaked: (String, String),
    pub folder: tempfile::TempDir,
}

impl Stage {
    /// A stage whose sandbox settles within `settle` milliseconds, and whose rules say so. `more` is put at the end of its stanch.yaml.
    pub fn new(settle: u64, more: &str) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path();
        let (token, env) = (place.join("admin.token"), place.join(".env"));
        std::fs::write(&token, ADMIN).unwrap();
        let mut sandbox = stanch();
        sandbox.args(["drill", "sandbox", "--settle", &format!("{settle}ms"), "--admin-token-file"]).arg(&token);
        let sandbox = Part::start(&mut sandbox);
        let (status, key) = call("POST", &format!("{}/v1/keys", sandbox.address), ADMIN, &json!({ "label": "first" }));
        assert_eq!(status, 201);
        let leaked = (key["id"].as_str().unwrap().to_owned(), key["secret"].as_str().unwrap().to_owned());
        until("the first key works", || {
            call("GET", &format!("{}/v1/me", sandbox.address), &leaked.1, &Value::Null).0 == 200
        });
        std::fs::write(&env, format!("# the service's own\nOTHER=kept\nSANDBOX_KEY={}\n", leaked.1)).unwrap();
        std::fs::write(place.join("worker.env"), format!("export KEY='{}' # the worker's\n", leaked.1)).unwrap();
        let rules = include_str!("../../rules/sandbox.yaml").replace("settle: 200ms", &format!("settle: {settle}ms"));
        std::fs::create_dir(place.join("rules")).unwrap();
        std::fs::write(place.join("rules/sandbox.yaml"), rules).unwrap();
        let mut app = stanch();
        app.args(["drill", "app", "--provider", &sandbox.address, "--env-file"]).arg(&env);
        app.arg("--pid-file").arg(place.join("app.pid")).arg("--stats").arg(place.join("app.json"));
        let app = Part::start(&mut app);
        let configuration = configuration(&sandbox.address, &app.address);
        std::fs::write(place.join("stanch.yaml"), format!("{configuration}{more}")).unwrap();
        let stage = Stage { folder, sandbox, app, leaked };
        until("the service works", || stage.app()["ok"] == true);
        stage
    }

    /// Puts `more` at the end of the configuration, in place of what was put there before.
    pub fn configure(&mut self, more: &str) {
        let configuration = configuration(&self.sandbox.address, &self.app.address);
        std::fs::write(self.path("stanch.yaml"), format!("{configuration}{more}")).unwrap();
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A verb in this stage.
    pub fn stanch(&self, args: &[&str]) -> Command {
        let mut command = stanch();
        command.args(args).arg("--config").arg(self.path("stanch.yaml")).current_dir(self.folder.path());
        command
    }

    /// Posts an order to the sandbox to do something wrong.
    pub fn order(&self, order: &Value) {
        assert_eq!(call("POST", &format!("{}/control/faults", self.sandbox.address), ADMIN, order).0, 200);
    }

    /// What the sandbox counted.
    pub fn stats(&self) -> Value {
        call("GET", &format!("{}/control/stats", self.sandbox.address), ADMIN, &Value::Null).1
    }

    /// What the service counted.
    pub fn app(&self) -> Value {
        call("GET", &format!("{}/health", self.app.address), "", &Value::Null).1
    }

    /// Which key the provider takes a secret for.
    pub fn key_of(&self, secret: &str) -> Option<String> {
        let (status, body) = call("GET", &format!("{}/v1/me", self.sandbox.address), secret, &Value::Null);
        (status == 200).then(|| body["key"].as_str().unwrap().to_owned())
    }

    /// What the store holds.
    pub fn stored(&self) -> String {
        let text = std::fs::read_to_string(self.path(".env")).unwrap();
        assert!(text.contains("# the service's own\nOTHER=kept\n"), "the rest of the file stays");
        text.lines().find_map(|line| line.strip_prefix("SANDBOX_KEY=")).unwrap().to_owned()
    }

    /// What each store holds: the service's, and a second one that nobody reads meanwhile.
    pub fn stores(&self) -> [String; 2] {
        let text = std::fs::read_to_string(self.path("worker.env")).unwrap();
        let worker = text.strip_prefix("export KEY='").and_then(|rest| rest.strip_suffix("' # the worker's\n"));
        [self.stored(), worker.unwrap_or_else(|| panic!("the rest of the line stays: {text}")).to_owned()]
    }

    /// The post-mortems, as JSON.
    pub fn postmortems(&self) -> Vec<Value> {
        let Ok(entries) = std::fs::read_dir(self.path("postmortems")) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        let json = paths.filter(|path| path.extension().is_some_and(|end| end == "json"));
        json.map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
    }

    /// Why the stage is not one in which the leaked key was rotated and nothing was left behind, if it is not.
    pub fn unrotated(&self) -> Option<String> {
        let stats = self.stats();
        let keys = stats["keys"].as_array().unwrap();
        let there: Vec<&Value> = keys.iter().filter(|key| key["deleted"] == false).collect();
        if stats["live_keys"] != 1 || there.len() != 1 {
            return Some(format!("not exactly one key: {stats:#}"));
        }
        if self.key_of(&self.leaked.1).is_some() {
            return Some("the old key is accepted".into());
        }
        let live = there[0]["id"].as_str().unwrap();
        let stored = self.stores().map(|secret| self.key_of(&secret));
        if stored.iter().any(|key| key.as_deref() != Some(live)) || live == self.leaked.0 {
            return Some(format!("the stores hold {stored:?}, the live key is {live}"));
        }
        if self.app()["key"] != live {
            return Some(format!("the service uses another key: {}", self.app()));
        }
        match self.postmortems().as_slice() {
            [one] if one["status"] == "closed" && one["outcome"] == "rotated" && one["old_key_refused"] == true => None,
            others => Some(format!("not one whole post-mortem: {others:#?}")),
        }
    }

    /// Waits until the leaked key is rotated; says how things stand when it is not.
    pub fn until_rotated(&self) {
        let start = Instant::now();
        while let Some(why) = self.unrotated() {
            if start.elapsed() > PATIENCE {
                let list = said(&run(self.stanch(&["incident", "list", "--all", "--format", "json"])));
                let id = list.split('"').find(|word| word.starts_with("inc-")).unwrap_or("none");
                panic!("not rotated: {why}\n{list}\n{}", said(&run(self.stanch(&["incident", "show", id]))));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// That nothing was done to the key and nothing was written.
    pub fn assert_untouched(&self) {
        let stats = self.stats();
        assert_eq!(stats["keys"].as_array().unwrap().len(), 1, "{stats:#}");
        assert_eq!(stats["live_keys"], 1);
        assert_eq!(self.stored(), self.leaked.1);
    }
}

/// The configuration of a stage.
fn configuration(provider: &str, app: &str) -> String {
    format!(
        r#"version: 1
rules: [./rules]
ledger: ledger.db
postmortems: postmortems
providers:
  sandbox: {{ base: "{provider}", allow-private: true, admin: {{ token: {{ file: ./admin.token }} }} }}
credentials:
  - id: sandbox-prod
    provider: sandbox
    environment: production
    owner: payments
    tier: 1
    stores: [{{ dotenv: {{ path: ./.env, name: SANDBOX_KEY }} }}, {{ dotenv: {{ path: ./worker.env, name: KEY }} }}]
    consumers: [{{ signal: {{ pid-file: ./app.pid, signal: HUP }} }}]
    probes:
      - http:
          url: {app}/health
          status: 200
          json: {{ pointer: /key, equals: "{{{{ new_key }}}}" }}
          timeout: 2s
          within: 10s
    policy: {{ strategy: auto, overlap: true, quiet: 100ms, grace: 0s, approval: none }}
"#
    )
}

/// Waits until it is so.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a verb to its end.
pub fn run(mut command: Command) -> Output {
    command.output().unwrap()
}

/// What it wrote, for a message.
pub fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// One HTTP exchange with a bearer token and a JSON body.
pub fn call(method: &str, url: &str, bearer: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let (status, answer) = exchange(method, url, &[("authorization", &format!("Bearer {bearer}"))], body.as_bytes());
    (status, serde_json::from_str(&answer).unwrap_or_default())
}

/// One HTTP exchange over a connection of its own: status and body; status 0 when there was no answer.
pub fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let Ok(mut stream) = TcpStream::connect(host) else { return (0, String::new()) };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n", body.len());
    let _ = stream.write_all(&[request.as_bytes(), body].concat());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

/// Everything that was written below a folder, for looking for something in it.
pub fn written(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(written(&path)),
            false => found.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found
}
