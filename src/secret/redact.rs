//! What may be shown of a secret, and taking secrets out of text that came from elsewhere.

use super::Secret;
use crate::text::percent;
use aho_corasick::AhoCorasick;
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

/// Takes many secrets out of many texts, most of which hold none.
pub struct Scrubber<'s> {
    /// How the forms of the secrets begin; `None` when these are too many to be looked for.
    begins: Option<AhoCorasick>,
    /// Of each begin whose it is.
    whose: Vec<&'s Secret>,
}

impl<'s> Scrubber<'s> {
    /// Of a form so many bytes are looked for before anything is replaced.
    const BEGIN: usize = 8;

    /// Takes out these.
    pub fn new(secrets: &[&'s Secret]) -> Scrubber<'s> {
        let (mut begins, mut whose) = (Vec::new(), Vec::new());
        for secret in secrets.iter().copied() {
            for form in forms(secret) {
                begins.push(form.as_bytes().iter().copied().take(Self::BEGIN).collect::<Vec<u8>>());
                whose.push(secret);
            }
        }
        Scrubber { begins: AhoCorasick::new(begins).ok(), whose }
    }

    /// The text without the secrets, as by [`scrub`]; `None` when it holds none.
    pub fn scrubbed(&self, text: &str) -> Option<String> {
        let of = |place: usize| self.whose.get(place).copied();
        let mut met: Vec<(usize, &Secret)> = match &self.begins {
            Some(begins) => begins.find_overlapping_iter(text).map(|begin| begin.pattern().as_usize()).collect(),
            None => (0..self.whose.len()).collect::<Vec<usize>>(),
        }
        .into_iter()
        .filter_map(|place| Some((place, of(place)?)))
        .collect();
        met.sort_unstable_by_key(|(place, _)| *place);
        met.dedup_by(|(_, one), (_, other)| std::ptr::eq(*one, *other));
        let clean = scrub(text, met.into_iter().map(|(_, secret)| secret));
        (clean != text).then_some(clean)
    }
}

/// `text` with every word that looks like a token masked: for text that came from where nobody knows the secrets (what a
/// command printed). A word of at least 16 letters and digits, both of them in it, is one too many to be shown.
pub fn scrub_unknown(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '=' | '/' | '.' | '~');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        match looks_like_a_token(run) {
            true => out.push_str(&format!("…({})", run.len())),
            false => out.push_str(run),
        }
        rest = after;
    }
    out
}

/// Sixteen characters or more with letters and digits between the signs that also part words, paths and hosts.
fn looks_like_a_token(run: &str) -> bool {
    const FROM: usize = 16;
    run.split(['/', '.']).any(|part| {
        let digits = part.bytes().filter(u8::is_ascii_digit).count();
        let letters = part.bytes().filter(u8::is_ascii_alphabetic).count();
        part.len() >= FROM && digits > 0 && letters > 0
    })
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
        percent::encode(bytes, b""),
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
    fn a_scrubber_leaves_what_holds_none() {
        let secret = Secret::new("p@ss\"word/with+odd=chars");
        let scrubber = Scrubber::new(&[&secret]);
        for form in forms(&secret) {
            let text = format!("before {form} after");
            assert_eq!(scrubber.scrubbed(&text), Some(scrub(&text, [&secret])));
            let cut = text.replacen(&form, form.split_at(form.len() - 4).0, 1);
            assert_eq!(scrubber.scrubbed(&cut), None, "nothing is in {cut}");
        }
        assert_eq!(Scrubber::new(&[]).scrubbed("text"), None);
    }

    #[test]
    fn tokens_are_masked_where_nobody_knows_them() {
        let token = format!("tok_{}", "a1b2c3d4".repeat(3));
        for (text, want) in [
            (format!("got {token}, bye"), "got …(28), bye".to_owned()),
            (format!("key={token}\n"), "…(32)\n".to_owned()),
            (format!("https://h/{token}/x"), "https:…(34)".to_owned()),
            ("restarted app.service at /usr/lib/systemd/user on 10.0.0.1".into(), String::new()),
            ("failed: exit-status 255, see journalctl --unit=authentication-service".into(), String::new()),
        ] {
            let want = if want.is_empty() { text.clone() } else { want };
            assert_eq!(scrub_unknown(&text), want);
        }
    }

    #[test]
    fn an_empty_secret_changes_nothing() {
        assert_eq!(scrub("text", [&Secret::new("")]), "text");
    }
}
