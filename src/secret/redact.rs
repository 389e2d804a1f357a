//! What may be shown of a secret, and taking secrets out of text that came from elsewhere.

use super::Secret;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// Secrets shorter than this are masked whole: a prefix would give too much of them away.
const SHOWS_PREFIX_FROM: usize = 20;
/// Leading characters shown of a long secret: enough to see `ghp_`, `AKIA`, `xoxb`.
const PREFIX: usize = 4;

/// A secret as it may be shown: at most its first four characters and its length, such as `ghp_…(40)`.
#[expect(clippy::disallowed_methods, reason = "shows at most the first four characters, of long secrets only")]
pub fn mask(secret: &Secret) -> String {
    let head: String = match secret.len() >= SHOWS_PREFIX_FROM {
        true => secret.expose().iter().take(PREFIX).filter(|b| b.is_ascii_graphic()).map(|&b| char::from(b)).collect(),
        false => String::new(),
    };
    format!("{head}…({})", secret.len())
}

/// `text` with every appearance of the secrets replaced by their masks: as they are, in base64 (both alphabets),
/// percent-encoded and JSON-escaped. Text from a provider, a command or a file passes here before anybody sees it.
pub fn scrub<'a>(text: &str, secrets: impl IntoIterator<Item = &'a Secret>) -> String {
    let mut clean = text.to_owned();
    for secret in secrets {
        if secret.is_empty() {
            continue;
        }
        let mask = mask(secret);
        for form in forms(secret) {
            if clean.contains(&form) {
                clean = clean.replace(&form, &mask);
            }
        }
    }
    clean
}

/// The ways in which an answer may echo a secret, the longest first.
#[expect(clippy::disallowed_methods, reason = "builds the forms to look for; they live no longer than the call")]
fn forms(secret: &Secret) -> Vec<String> {
    let bytes = secret.expose();
    let mut forms = vec![
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        percent(bytes),
    ];
    if let Ok(text) = std::str::from_utf8(bytes) {
        forms.push(text.to_owned());
        if let Ok(json) = serde_json::to_string(text) {
            forms.push(json.trim_matches('"').to_owned());
        }
        // PEM and other many-line secrets: an answer may quote one line only.
        forms.extend(text.lines().map(str::trim).filter(|line| line.len() >= SHOWS_PREFIX_FROM).map(str::to_owned));
    }
    forms.retain(|form| !form.is_empty());
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms.dedup();
    forms
}

fn percent(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_secrets_show_nothing() {
        assert_eq!(mask(&Secret::new("hunter2")), "…(7)");
        assert_eq!(mask(&Secret::new("abcd".repeat(10))), "abcd…(40)");
    }

    #[test]
    fn scrub_finds_every_form() {
        let secret = Secret::new("p@ss\"word/with+odd=chars");
        for form in forms(&secret) {
            let clean = scrub(&format!("before {form} after"), [&secret]);
            assert!(!clean.contains(&form), "left in: {clean}");
            assert!(clean.starts_with("before ") && clean.ends_with(" after"));
        }
    }

    #[test]
    fn an_empty_secret_changes_nothing() {
        assert_eq!(scrub("text", [&Secret::new("")]), "text");
    }
}
