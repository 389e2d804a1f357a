//! Secrets as they lie encoded in real files, through the built program: found, told by their layers and their place in the
//! file, and shown in no format; and what looks encoded and holds nothing.

use crate::world::{World, alnum, token};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const FORMATS: [&str; 5] = ["text", "json", "jsonl", "sarif", "gitleaks"];

/// A file with a secret in it.
struct Carrier {
    name: &'static str,
    text: String,
    layers: &'static [&'static str],
    line: u64,
}

fn each(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect()
}

fn wrapped(text: &str) -> String {
    let code = STANDARD.encode(text);
    code.as_bytes().chunks(76).map(|line| format!("{}\r\n", String::from_utf8_lossy(line))).collect()
}

fn kubernetes(token: &str) -> Carrier {
    let code = STANDARD.encode(format!("[service]\ntoken = {token}\n"));
    let text =
        format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ntype: Opaque\ndata:\n  settings.ini: {code}\n");
    Carrier { name: "secret.yaml", text, layers: &["base64"], line: 7 }
}

fn docker(token: &str) -> Carrier {
    let auths = json!({ "auths": { "registry.example.org": { "auth": STANDARD.encode(format!("robot:{token}")) } } });
    let text = format!("kind: Secret\ndata:\n  .dockerconfigjson: {}\n", STANDARD.encode(auths.to_string()));
    Carrier { name: "pull.yaml", text, layers: &["base64", "base64"], line: 3 }
}

fn mail(token: &str) -> Carrier {
    let body = format!("Hello,\r\n\r\nthe new key of the service is\r\n{token}\r\nPlease keep it.\r\n");
    let head = "From: a@example.org\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    Carrier { name: "mail.eml", text: format!("{head}{}", wrapped(&body)), layers: &["base64"], line: 5 }
}

fn printable_mail(token: &str) -> Carrier {
    let (start, rest) = token.split_at(20);
    let head = "From: a@example.org\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
    let words = "The key of the service, that all of us use, is now it";
    let text = format!("{head}{words} {start}=\r\n{rest} =E2=80=93 keep it.\r\n");
    Carrier { name: "printable.eml", text, layers: &["quoted-printable"], line: 4 }
}

fn assigned_mail(token: &str) -> Carrier {
    let text =
        format!("Content-Transfer-Encoding: quoted-printable\r\n\r\n<a href=3D\"x\">SERVICE_KEY=3D{token}</a>\r\n");
    Carrier { name: "assigned.eml", text, layers: &["quoted-printable"], line: 3 }
}

fn url(token: &str) -> Carrier {
    let text = format!(
        "10.0.0.1 - - \"GET /login?next=https%3A%2F%2Fapp.corp.io%2Fcb%3Ftoken%3D{token}%26x%3D1 HTTP/1.1\" 302 0\n"
    );
    Carrier { name: "access.log.txt", text, layers: &["percent-encoding"], line: 1 }
}

fn log_line(token: &str) -> Carrier {
    let first = format!("\\u{:04x}", token.as_bytes()[0]);
    let inner = json!({ "event": "start", "env": "HOME=/root\nKEY=X" }).to_string();
    let outer = json!({ "level": "info", "message": inner }).to_string();
    let text = format!("{{}}\n{}\n", outer.replace('X', &format!("\\{first}{}", &token[1..])));
    Carrier { name: "app.jsonl", text, layers: &["json", "json"], line: 2 }
}

fn html(token: &str) -> Carrier {
    let config = each(&format!("{{\"key\":\"{token}\"}}"), |byte| format!("&#x{byte:X};"));
    let text = format!("<!doctype html>\n<body>\n  <div id=app data-config=\"{config}\"></div>\n</body>\n");
    Carrier { name: "page.html", text, layers: &["html"], line: 3 }
}

fn hex(token: &str) -> Carrier {
    let code = each(&format!("Authorization: Bearer {token}\n"), |byte| format!("{byte:02x}"));
    Carrier { name: "capture.txt", text: format!("payload = \"{code}\"\n"), layers: &["hex"], line: 1 }
}

fn python(token: &str) -> Carrier {
    let code = each(token, |byte| format!("\\x{byte:02x}"));
    Carrier { name: "key.py", text: format!("import os\nKEY = b'{code}'\n"), layers: &["escapes"], line: 2 }
}

fn carriers() -> Vec<(Carrier, String)> {
    let all: [fn(&str) -> Carrier; 10] =
        [kubernetes, docker, mail, printable_mail, assigned_mail, url, log_line, html, hex, python];
    all.iter().enumerate().map(|(seed, _)| token(900 + seed as u64)).zip(all).map(|(t, make)| (make(&t), t)).collect()
}

#[test]
fn what_is_encoded_in_real_files_is_found_and_told_with_its_layers() {
    let world = World::new();
    for (carrier, token) in carriers() {
        world.write(carrier.name, &carrier.text);
        let ended = world.stanch(&["scan", carrier.name, "--format", "json"]);
        assert_eq!(ended.code, 1, "{}: {}", carrier.name, carrier.text);
        let report = ended.json();
        let [finding] = &report["findings"].as_array().unwrap()[..] else { panic!("{report:#}") };
        assert_eq!(finding["redacted"], format!("{}…({})", &token[..4], token.len()));
        let [here] = &finding["occurrences"].as_array().unwrap()[..] else { panic!("{report:#}") };
        assert_eq!(here["encodings"], json!(carrier.layers), "{}", carrier.name);
        assert_eq!(here["start"]["line"], carrier.line, "{}", carrier.name);
        let encoded = encoded(here, &carrier.text);
        let lines = encoded.lines().map(str::trim).filter(|line| line.len() >= 12);
        let parts: Vec<&str> = lines.map(|line| &line[line.len() / 2..]).chain([&token[9..]]).collect();
        for format in FORMATS {
            let ended = world.stanch(&["scan", carrier.name, "--format", format, "--explain"]);
            for part in &parts {
                assert!(!ended.stdout.contains(part), "{format} of {} shows {part}: {}", carrier.name, ended.stdout);
            }
        }
        let text = world.stanch(&["scan", carrier.name]).stdout;
        assert!(text.contains(&format!("in {}", carrier.layers.join(" > "))), "{text}");
        let sarif = world.stanch(&["scan", carrier.name, "--format", "sarif"]).json();
        assert_eq!(sarif["runs"][0]["results"][0]["properties"]["encodings"], json!(carrier.layers));
    }
}

/// The bytes of the file that a place covers.
fn encoded<'t>(here: &Value, text: &'t str) -> &'t str {
    let at = |place: &Value| {
        let line = place["line"].as_u64().unwrap() as usize - 1;
        let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        before + place["column"].as_u64().unwrap() as usize - 1
    };
    let span = at(&here["start"])..at(&here["end"]) + 1;
    assert_eq!(here["offset"].as_u64().unwrap() as usize, span.start);
    &text[span]
}

#[test]
fn what_only_looks_encoded_holds_nothing() {
    let world = World::new();
    let noise: Vec<u8> = (0..30_000u32).flat_map(|at| (at.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect();
    let image = STANDARD.encode(&noise);
    world.write("page.css", format!("a {{ background: url(data:image/png;base64,{image}) }}\n"));
    world.write("image.eml", image.as_bytes().chunks(76).map(|l| [l, b"\r\n"].concat()).collect::<Vec<_>>().concat());
    let script =
        "var a=\"\\u00e9\\u00e8\\u2028\",b=/[\\u0041-\\u005a\\u0061-\\u007a]+/,c='\\x1b[0m',d=\"\\\"quoted\\\"\\n\";";
    world.write("app.min.js", script.repeat(500));
    let hashes: String = (0..500)
        .map(|seed| format!("{}  file-{seed}\n", each(&alnum(seed, 32), |b| format!("{:x}", b % 16))))
        .collect();
    world.write("SHA256SUMS", hashes);
    world.write(
        "bindata.go",
        format!("var data = \"{}\"\n", noise.iter().map(|b| format!("\\x{b:02x}")).collect::<String>()),
    );
    world.write("dump.hex", noise.iter().map(|b| format!("{b:02x}")).collect::<String>());
    let ended = world.stanch(&["scan", ".", "--format", "json", "--min-confidence", "low"]);
    assert_eq!((ended.code, ended.json()["dropped"]["count"].as_u64()), (0, Some(0)), "{}", ended.stdout);
}
