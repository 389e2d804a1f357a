//! The webhook door, from outside: a real `stanch serve`, a sandbox whose key leaks, and a GitHub of our own.

use crate::stage::{Part, Stage, exchange, until, written};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{DerSignature, SigningKey};
use p256::pkcs8::{EncodePublicKey, LineEnding};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What webhooks are signed with.
const SECRET: &str = "a webhook's secret, made up for a test";
/// Who we are at our GitHub.
const TOKEN: &str = "a token of our own GitHub";

/// Answers of GitHub's API by path, until dropped with the test.
struct GitHub {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl GitHub {
    fn start(answers: Vec<(String, Value)>) -> GitHub {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let path = lines.next().unwrap().unwrap().split(' ').nth(1).unwrap().to_owned();
                let headers: Vec<String> = lines.map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let known = headers.iter().any(|line| line == &format!("authorization: Bearer {TOKEN}"));
                log.lock().unwrap().push(path.clone());
                let answer = answers.iter().find(|(at, _)| *at == path).filter(|_| known || path.starts_with("/meta/"));
                let (status, body) = answer.map_or(("404 Not Found", json!({})), |(_, body)| ("200 OK", body.clone()));
                let body = body.to_string();
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        GitHub { address, asked }
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// The end of a stanch.yaml that serves.
fn configuration(github: &str, action: &str) -> String {
    format!(
        r#"respond:
  - {{ match: {{ provider: sandbox, environment: production }}, action: {action} }}
serve:
  listen: 127.0.0.1:0
  github: {{ secret: {{ env: TEST_WEBHOOK_SECRET }}, api: "{github}", token: {{ env: TEST_GITHUB_TOKEN }}, allow-private: true }}
  partner: {{ keys-url: "{github}/meta/public_keys/secret_scanning", allow-private: true }}
  mirrors: {{ "octo/app": ./mirror }}
"#
    )
}

fn serve(stage: &Stage) -> Command {
    let mut command = stage.stanch(&["serve", "-v"]);
    let log = std::fs::File::options().create(true).append(true).open(stage.path("serve.log")).unwrap();
    command.env("TEST_WEBHOOK_SECRET", SECRET).env("TEST_GITHUB_TOKEN", TOKEN).stderr(log);
    command
}

fn signed(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(body);
    let digest = mac.finalize().into_bytes();
    format!("sha256={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

fn webhook(server: &str, event: &str, id: &str, signature: &str, body: &[u8]) -> (u16, Value) {
    let headers = [("x-github-event", event), ("x-github-delivery", id), ("x-hub-signature-256", signature)];
    let (status, answer) = exchange("POST", &format!("{server}/github"), &headers, body);
    (status, serde_json::from_str(&answer).unwrap_or_default())
}

fn alert(action: &str) -> Vec<u8> {
    let alert = json!({ "number": 7, "secret_type": "sandbox_key", "publicly_leaked": false });
    json!({ "action": action, "alert": alert, "repository": { "full_name": "octo/app" } }).to_string().into_bytes()
}

/// A GitHub whose alert 7 shows the stage's leaked key.
fn github(secret: &str) -> GitHub {
    GitHub::start(vec![(
        "/repos/octo/app/secret-scanning/alerts/7".to_owned(),
        json!({ "number": 7, "secret": secret }),
    )])
}

/// A stage that serves, and a GitHub that knows of its key. The stage must be there before its key is known.
fn stage_with_alert(action: &str) -> (Stage, GitHub) {
    let mut stage = Stage::new(50, "");
    let github = github(&stage.leaked.1);
    stage.configure(&configuration(&github.address, action));
    (stage, github)
}

fn terminate(mut server: Part) -> std::process::ExitStatus {
    let id = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    let start = Instant::now();
    loop {
        match server.child.try_wait().unwrap() {
            Some(status) => return status,
            None => assert!(start.elapsed() < Duration::from_secs(10), "it does not stop"),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_signed_alert_ends_in_a_rotated_key_with_nobody_involved() {
    let (stage, github) = stage_with_alert("respond");
    let server = Part::start(&mut serve(&stage));
    assert_eq!(exchange("GET", &format!("{}/healthz", server.address), &[], b"").0, 200);
    let body = alert("created");
    let (status, said) = webhook(&server.address, "secret_scanning_alert", "d-1", &signed(&body), &body);
    assert_eq!((status, &said["known"]), (202, &json!(false)));
    stage.until_rotated();
    let told = &stage.postmortems()[0];
    assert_eq!(told["found"]["by"], "github secret_scanning_alert");
    // The same delivery again is known, and another about the same key finds nothing to do.
    assert_eq!(webhook(&server.address, "secret_scanning_alert", "d-1", &signed(&body), &body).1["known"], true);
    let keys = stage.stats()["keys"].as_array().unwrap().len();
    assert_eq!(github.asked(), 1);
    assert!(terminate(server).success());
    assert_eq!(stage.stats()["keys"].as_array().unwrap().len(), keys);
    assert!(stage.unrotated().is_none());
}

#[test]
fn a_wrong_signature_is_refused_and_leaves_nothing_behind() {
    let (stage, github) = stage_with_alert("respond");
    let server = Part::start(&mut serve(&stage));
    let body = alert("created");
    let marked = "x-mark-7f3c";
    let other = signed(b"another body");
    for signature in ["", "sha256=", &other, &signed(&body)[..40], &signed(&body).replace("sha256", "sha1")] {
        assert_eq!(webhook(&server.address, "secret_scanning_alert", marked, signature, &body).0, 401, "{signature}");
    }
    let partner =
        |headers: &[(&str, &str)]| exchange("POST", &format!("{}/github/partner", server.address), headers, &body).0;
    assert_eq!(partner(&[]), 401);
    assert!(terminate(server).success());
    stage.assert_untouched();
    assert_eq!(github.asked(), 0);
    assert!(!stage.path("postmortems").exists());
    for (path, bytes) in written(stage.folder.path()) {
        let held = bytes.windows(marked.len()).any(|window| window == marked.as_bytes());
        assert!(!held, "{} holds the refused delivery's id", path.display());
    }
}

#[test]
fn events_and_bodies_that_are_not_ours_are_answered_and_forgotten() {
    let (stage, github) = stage_with_alert("respond");
    let server = Part::start(&mut serve(&stage));
    let send = |event: &str, id: &str, body: &[u8]| webhook(&server.address, event, id, &signed(body), body);
    assert_eq!(send("ping", "d-0", b"{}").1["kept"], false);
    assert_eq!(send("secret_scanning_alert", "", b"{}").0, 400);
    assert_eq!(send("secret_scanning_alert", "d-1", &alert("resolved")).0, 202);
    assert_eq!(
        send("secret_scanning_alert", "d-2", b"no json").0,
        202,
        "signed and kept; a worker finds it unreadable"
    );
    assert_eq!(exchange("POST", &format!("{}/github", server.address), &[], &vec![b'x'; 26 << 20]).0, 413);
    assert!(terminate(server).success());
    assert_eq!(github.asked(), 0);
    stage.assert_untouched();
}

#[test]
fn a_kill_between_the_answer_and_the_work_loses_nothing_and_does_nothing_twice() {
    let mut stage = Stage::new(50, "");
    // A GitHub that takes the question and never answers it: the work cannot begin.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    stage.configure(&configuration(&format!("http://{}", silent.local_addr().unwrap()), "respond"));
    let server = Part::start(&mut serve(&stage));
    let body = alert("created");
    assert_eq!(webhook(&server.address, "secret_scanning_alert", "d-1", &signed(&body), &body).0, 202);
    let asking = silent.accept().unwrap();
    // Killed: a part is killed when it is dropped.
    drop(server);
    drop(asking);
    stage.assert_untouched();
    let github = github(&stage.leaked.1);
    stage.configure(&configuration(&github.address, "respond"));
    // Each call to the provider takes a while, so that the kills fall into the midst of the work.
    stage.order(&json!({ "delay_ms": 60 }));
    for milliseconds in [150, 300, 450] {
        let server = Part::start(&mut serve(&stage));
        std::thread::sleep(Duration::from_millis(milliseconds));
        drop(server);
    }
    stage.order(&json!({ "delay_ms": 0 }));
    let server = Part::start(&mut serve(&stage));
    stage.until_rotated();
    assert!(terminate(server).success());
    assert!(stage.unrotated().is_none());
    assert_eq!(stage.app()["failed"], 0);
}

#[test]
fn an_approval_is_waited_for_and_a_record_is_only_kept() {
    for (action, status) in [("approve", "waiting"), ("record", "open")] {
        let (stage, _github) = stage_with_alert(action);
        let server = Part::start(&mut serve(&stage));
        let body = alert("created");
        assert_eq!(webhook(&server.address, "secret_scanning_alert", "d-1", &signed(&body), &body).0, 202);
        let list = || {
            let output = stage.stanch(&["incident", "list", "--format", "json"]).output().unwrap();
            serde_json::from_slice::<Value>(&output.stdout).unwrap_or_default()
        };
        until("the incident stands as it should", || list().to_string().contains(&format!("\"status\":\"{status}\"")));
        stage.assert_untouched();
        if action == "approve" {
            let id = incident_id(&list());
            let output = stage.stanch(&["incident", "approve", &id]).output().unwrap();
            assert!(output.status.success(), "{}", crate::stage::said(&output));
            stage.until_rotated();
        }
        assert!(terminate(server).success());
    }
}

fn incident_id(list: &Value) -> String {
    let text = list.to_string();
    let at = text.find("inc-").unwrap();
    text[at..].split('"').next().unwrap().to_owned()
}

#[test]
fn a_post_of_the_partner_programme_is_checked_and_acted_upon() {
    let mut stage = Stage::new(50, "");
    let key = SigningKey::from_slice(&[7; 32]).unwrap();
    let pem = key.verifying_key().to_public_key_pem(LineEnding::LF).unwrap();
    let keys = json!({ "public_keys": [{ "key_identifier": "test-key", "key": pem, "is_current": true }] });
    let github = GitHub::start(vec![("/meta/public_keys/secret_scanning".to_owned(), keys)]);
    stage.configure(&configuration(&github.address, "respond"));
    let server = Part::start(&mut serve(&stage));
    let post = |id: &str, signature: &str, body: &str| {
        let headers = [("github-public-key-identifier", id), ("github-public-key-signature", signature)];
        exchange("POST", &format!("{}/github/partner", server.address), &headers, body.as_bytes()).0
    };
    let body = json!([{ "token": stage.leaked.1, "type": "sandbox_key", "url": "", "source": "commit" }]).to_string();
    let signature: DerSignature = key.sign(body.as_bytes());
    let signature = STANDARD.encode(signature.as_bytes());
    assert_eq!(post("test-key", &signature, &format!("{body} ")), 401, "another body");
    assert_eq!(post("unknown", &signature, &body), 401, "nobody's key");
    assert_eq!(post("unknown", &signature, &body), 401);
    assert_eq!(github.asked(), 1, "unknown keys are not asked about again and again");
    stage.assert_untouched();
    assert_eq!(post("test-key", &signature, &body), 202);
    assert_eq!(post("test-key", &signature, &body), 202, "the same post again");
    stage.until_rotated();
    let told = &stage.postmortems()[0];
    assert_eq!((&told["found"]["reach"], &told["decided"]["strategy"]), (&json!("public"), &json!("contain")));
    assert!(terminate(server).success());
}

#[test]
fn a_push_is_read_from_the_mirror() {
    let (stage, _github) = stage_with_alert("respond");
    let mirror = stage.path("mirror");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]).args(args).current_dir(&mirror);
        let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    std::fs::create_dir(&mirror).unwrap();
    git(&["init", "-q", "-b", "main", "."]);
    let commit = |text: &str| {
        std::fs::write(mirror.join("settings.env"), text).unwrap();
        git(&["add", "."]);
        git(&["commit", "-qm", "settings"]);
        git(&["rev-parse", "HEAD"])
    };
    let before = commit("PORT=1\n");
    let after = commit(&format!("PORT=1\nSANDBOX_KEY={}\n", stage.leaked.1));
    let server = Part::start(&mut serve(&stage));
    let push = |before: &str, after: &str, id: &str| {
        let repository = json!({ "full_name": "octo/app", "default_branch": "main" });
        let body = json!({ "ref": "refs/heads/main", "before": before, "after": after, "repository": repository });
        let body = body.to_string().into_bytes();
        assert_eq!(webhook(&server.address, "push", id, &signed(&body), &body).0, 202);
    };
    push(&"0".repeat(40), &before, "d-1");
    push(&before, &after, "d-2");
    stage.until_rotated();
    let told = &stage.postmortems()[0];
    assert_eq!((&told["found"]["by"], &told["found"]["places"][0]["path"]), (&json!("push"), &json!("settings.env")));
    assert!(terminate(server).success());
}

#[test]
fn what_cannot_be_served_is_said() {
    let stage = Stage::new(0, "");
    let failed = |mut command: Command| {
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", crate::stage::said(&output));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(failed(stage.stanch(&["serve"])).contains("no door is configured"));
    let mut stage = stage;
    stage.configure(&configuration("http://127.0.0.1:1", "respond"));
    assert!(failed(stage.stanch(&["serve"])).contains("TEST_WEBHOOK_SECRET"), "its secret is not set");
    stage
        .configure(&configuration("http://127.0.0.1:1", "respond").replace("listen: 127.0.0.1:0", "listen: 0.0.0.0:0"));
    let mut outside = serve(&stage);
    outside.stderr(std::process::Stdio::piped());
    assert!(failed(outside).contains("--listen 0.0.0.0:0"));
}
