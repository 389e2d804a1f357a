//! What a drill is played on: the sandbox, a service that uses its key, a repository that leaked it, and the inventory
//! that knows of both. Everything lies in one temporary folder.

use super::child::Part;
use super::repository;
use crate::cli::Error;
use serde_json::{Value, json};
use stanch::http::{Client, Request, TIMEOUT, Transport};
use stanch::secret::Secret;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long the old key must be seen unused before it is killed: 60 requests of the service.
const QUIET: &str = "300ms";
/// Longest wait for a part to become what it should be.
const READY: Duration = Duration::from_secs(10);

/// The stage. Dropping it stops the parts, then removes the folder unless it was kept.
pub struct Stage {
    app: Part,
    /// The sandbox, as its administrator sees it.
    pub sandbox: Sandbox,
    /// The key that leaked.
    pub leaked: Key,
    folder: tempfile::TempDir,
}

/// A key of the sandbox.
pub struct Key {
    /// Its id.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
}

impl Stage {
    /// Sets the stage and waits until the service works.
    pub fn set() -> Result<Stage, Error> {
        let folder = tempfile::Builder::new().prefix("stanch-drill-").tempdir()?;
        let place = folder.path();
        let repository = place.join("repository");
        std::fs::create_dir(&repository)?;
        std::fs::create_dir(place.join("app"))?;
        let sandbox = Sandbox::start(place)?;
        let leaked = sandbox.issue("the first key")?;
        wait("the first key to work", || sandbox.key_of(&leaked.secret).map(|id| id == Some(leaked.id.clone())))?;
        put_secret(&place.join("app/.env"), &leaked.secret)?;
        let app = start_app(place, &sandbox.part.address)?;
        std::fs::write(place.join("stanch.yaml"), configuration(&sandbox.part.address, &app.address))?;
        repository::make(&repository, &leaked.secret)?;
        let stage = Stage { app, sandbox, leaked, folder };
        wait("the service to work", || Ok(stage.app()?.get("ok") == Some(&json!(true))))?;
        Ok(stage)
    }

    /// The service's own counts.
    pub fn app(&self) -> Result<Value, Error> {
        let (status, body) = self.sandbox.send("GET", &format!("{}/health", self.app.address), None, None)?;
        if status != 200 {
            return Err(Error::new(format!("ask the service for its health: the answer is {status}")));
        }
        Ok(body)
    }

    /// What the store holds now.
    pub fn stored(&self) -> Result<Secret, Error> {
        let text = std::fs::read(self.path("app/.env"))?;
        Ok(Secret::new(text.trim_ascii().strip_prefix(b"SANDBOX_KEY=").unwrap_or_default()))
    }

    /// A path on the stage.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Leaves the folder where it is when the drill is over.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

/// The sandbox's provider with its administrator's token.
pub struct Sandbox {
    part: Part,
    token: Secret,
    client: Client,
}

impl Sandbox {
    fn start(place: &Path) -> Result<Sandbox, Error> {
        let mut bytes = [0u8; 16];
        getrandom::fill(&mut bytes).map_err(|error| Error::new(format!("make a token: {error}")))?;
        let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let file = place.join("admin.token");
        std::fs::write(&file, &token)?;
        let args = [OsStr::new("--admin-token-file"), file.as_os_str()];
        Ok(Sandbox { part: Part::start("sandbox", &args)?, token: Secret::new(token), client: Client::new() })
    }

    fn issue(&self, label: &str) -> Result<Key, Error> {
        let (status, body) = self.manage("POST", "/v1/keys", Some(&json!({ "label": label })))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        match (status, text("id"), text("secret")) {
            (201, Some(id), Some(secret)) => Ok(Key { id, secret: Secret::new(secret) }),
            _ => Err(Error::new(format!("issue a sandbox key: the answer is {status}"))),
        }
    }

    /// What the sandbox counted.
    pub fn stats(&self) -> Result<Value, Error> {
        let (status, body) = self.manage("GET", "/control/stats", None)?;
        if status != 200 {
            return Err(Error::new(format!("ask the sandbox for its counts: the answer is {status}")));
        }
        Ok(body)
    }

    /// Which key the data plane takes this secret for; `None` when it refuses it.
    pub fn key_of(&self, secret: &Secret) -> Result<Option<String>, Error> {
        let (status, body) = self.send("GET", &format!("{}/v1/me", self.part.address), Some(secret), None)?;
        match status {
            200 => Ok(body.get("key").and_then(Value::as_str).map(str::to_owned)),
            401 => Ok(None),
            _ => Err(Error::new(format!("ask the sandbox about a key: the answer is {status}"))),
        }
    }

    fn manage(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u16, Value), Error> {
        self.send(method, &format!("{}{path}", self.part.address), Some(&self.token), body)
    }

    #[expect(clippy::disallowed_methods, reason = "the token goes into a header; the answer is parsed")]
    fn send(
        &self,
        method: &str,
        url: &str,
        bearer: Option<&Secret>,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Error> {
        let mut headers = vec![("content-type".to_owned(), Secret::new("application/json"))];
        if let Some(bearer) = bearer {
            let value = Secret::new([b"Bearer ".as_slice(), bearer.expose()].concat());
            headers.push(("authorization".to_owned(), value));
        }
        let request = Request {
            method: method.to_owned(),
            url: Secret::new(url),
            headers,
            body: body.map(|body| Secret::new(body.to_string())),
            label: format!("{method} {url}"),
            timeout: TIMEOUT,
            allow_private: true,
        };
        let response = self.client.send(&request)?;
        Ok((response.status, serde_json::from_slice(response.body.expose()).unwrap_or_default()))
    }
}

/// The dotenv file as the service's owner wrote it.
#[expect(clippy::disallowed_methods, reason = "writes the drill's own key into the drill's own store")]
fn put_secret(path: &Path, secret: &Secret) -> Result<(), Error> {
    let text = Secret::new([b"SANDBOX_KEY=".as_slice(), secret.expose(), b"\n"].concat());
    Ok(std::fs::write(path, text.expose())?)
}

fn start_app(place: &Path, provider: &str) -> Result<Part, Error> {
    let [env_file, pid_file, stats] = ["app/.env", "app/app.pid", "app/stats.json"].map(|name| place.join(name));
    let args: [&OsStr; 8] = [
        OsStr::new("--env-file"),
        env_file.as_os_str(),
        OsStr::new("--provider"),
        OsStr::new(provider),
        OsStr::new("--pid-file"),
        pid_file.as_os_str(),
        OsStr::new("--stats"),
        stats.as_os_str(),
    ];
    Part::start("app", &args)
}

/// Asks until it is so.
fn wait(what: &str, mut is_so: impl FnMut() -> Result<bool, Error>) -> Result<(), Error> {
    let until = Instant::now() + READY;
    while Instant::now() < until {
        if is_so()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(Error::new(format!("wait for {what}: nothing came of it in {} s", READY.as_secs())))
}

/// The stage's stanch.yaml.
fn configuration(provider: &str, app: &str) -> String {
    format!(
        r#"# Written by `stanch drill`: a whole configuration of a small team, to read and to copy from.
version: 1
ledger: ledger.db
postmortems: postmortems
providers:
  sandbox:
    base: {provider}
    allow-private: true
    admin: {{ token: {{ file: ./admin.token }} }}
credentials:
  - id: payments-sandbox
    provider: sandbox
    environment: production
    owner: payments
    tier: 1
    stores:
      - dotenv: {{ path: ./app/.env, name: SANDBOX_KEY }}
    consumers:
      - signal: {{ pid-file: ./app/app.pid, signal: HUP }}
    probes:
      - http:
          url: {app}/health
          status: 200
          json: {{ pointer: /key, equals: "{{{{ new_key }}}}" }}
          timeout: 2s
          within: 10s
    policy: {{ strategy: auto, overlap: true, quiet: {QUIET}, grace: 0s, approval: none }}
"#
    )
}
