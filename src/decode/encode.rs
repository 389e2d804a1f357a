//! The other way round, for tests: a text as others write it.

use ::base64::Engine;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// A way to write a text.
pub type Encode = fn(&str) -> String;

/// Every way that is decoded, with how it is told.
pub const ALL: [(&str, Encode); 16] = [
    ("base64", |text| STANDARD.encode(text)),
    ("base64", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64", |text| wrapped(&STANDARD.encode(text), "\n")),
    ("base64", |text| wrapped(&STANDARD.encode(text), "\r\n")),
    ("hex", |text| each(text, |byte| format!("{byte:02x}"))),
    ("hex", |text| format!("0x{}", each(text, |byte| format!("{byte:02X}")))),
    ("percent-encoding", |text| other_than(text, b"-_.", |byte| format!("%{byte:02X}"))),
    ("percent-encoding", |text| each(text, |byte| format!("%{byte:02x}"))),
    ("json", |text| serde_json::to_string(text).unwrap_or_default()),
    ("json", |text| serde_json::to_string(text).unwrap_or_default().replace('/', "\\/")),
    ("json", |text| each(text, |byte| format!("\\u{byte:04x}"))),
    ("escapes", |text| each(text, |byte| format!("\\x{byte:02x}"))),
    ("escapes", |text| each(text, |byte| format!("\\{byte:03o}"))),
    ("html", |text| other_than(text, b" -_.:/", |byte| format!("&#x{byte:x};"))),
    ("html", |text| text.replace('&', "&amp;").replace('"', "&quot;").replace('\'', "&#39;").replace('<', "&lt;")),
    ("quoted-printable", |text| soft(&text.replace('=', "=3D"))),
];

fn each(text: &str, code: impl Fn(u8) -> String) -> String {
    text.bytes().map(code).collect()
}

/// `text` with all bytes but letters, digits and these as `code` says.
fn other_than(text: &str, but: &[u8], code: impl Fn(u8) -> String) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || but.contains(byte);
    each(text, |byte| if plain(&byte) { char::from(byte).to_string() } else { code(byte) })
}

/// Lines of 76 digits.
fn wrapped(code: &str, end: &str) -> String {
    let lines = code.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line));
    format!("{end}{}{end}", lines.collect::<Vec<_>>().join(end))
}

/// Lines of 75 bytes and a soft line break.
fn soft(text: &str) -> String {
    let mut broken = String::from("\n");
    for line in text.lines() {
        let mut rest = line;
        while rest.len() > 76 {
            let at = (70..=75).rev().find(|at| !rest.as_bytes()[at - 3..*at].contains(&b'=')).unwrap_or(75);
            broken += &rest[..at];
            broken += "=\r\n";
            rest = &rest[at..];
        }
        broken += rest;
        broken += "\r\n";
    }
    broken
}
