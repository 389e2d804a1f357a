//! Reasons to drop a match: each is a function with a name, and `--explain` shows which one it was.
//!
//! A filter looks at the match and its line only, so that what it says does not depend on where a file was cut.

use crate::rule::Rule;
use crate::rule::digest::Class;
use crate::secret::{Fingerprint, FingerprintKey};
use std::fmt;
use std::sync::LazyLock;

/// Why a match is no finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the sentences of `Display` say it")]
pub enum Reason {
    Placeholder,
    DocumentedExample,
    ExampleHost,
    Repeated,
    Sequential,
    Template,
    LowEntropy,
    AllowedValue,
    AllowedPath,
    WrongChecksum,
    /// A part that the rule needs is not near.
    Missing(String),
    /// A comment on the line, with what it says.
    Comment(String),
    /// A more specific rule found the same bytes.
    Overlapped(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Placeholder => f.write_str("a placeholder, not a value"),
            Reason::DocumentedExample => f.write_str("an example from a vendor's documentation"),
            Reason::ExampleHost => f.write_str("for a host that is reserved for examples"),
            Reason::Repeated => f.write_str("the same few characters over and over"),
            Reason::Sequential => f.write_str("characters in their order"),
            Reason::Template => f.write_str("a reference to a variable"),
            Reason::LowEntropy => f.write_str("less mixed than the rule asks for"),
            Reason::AllowedValue => f.write_str("a value that the rule allows"),
            Reason::AllowedPath => f.write_str("in a path that the rule allows"),
            Reason::WrongChecksum => f.write_str("its checksum does not hold"),
            Reason::Missing(part) => write!(f, "no {part} near, which the rule needs"),
            Reason::Comment(text) if text.is_empty() => f.write_str("allowed by a comment on its line"),
            Reason::Comment(text) => write!(f, "allowed by a comment on its line: {text}"),
            Reason::Overlapped(rule) => write!(f, "{rule} found the same and knows it better"),
        }
    }
}

/// What a filter sees of a match.
pub struct Seen<'b> {
    /// The rule that matched.
    pub rule: &'b Rule,
    /// The secret.
    pub secret: &'b [u8],
    /// Its Shannon entropy, in bits a byte.
    pub entropy: f64,
    /// A few bytes before it.
    pub before: &'b [u8],
    /// A few bytes after it.
    pub after: &'b [u8],
    /// The part named `host`, when there is one.
    pub host: Option<&'b [u8]>,
    /// The path.
    pub path: &'b [u8],
}

/// The first reason to drop, if there is any.
pub fn reason(seen: &Seen<'_>) -> Option<Reason> {
    let (_, reason) = FILTERS.iter().find(|(drops, _)| drops(seen))?;
    Some(reason.clone())
}

type Filter = fn(&Seen<'_>) -> bool;

/// All filters in the order in which they are asked.
const FILTERS: &[(Filter, Reason)] = &[
    (allowed_value, Reason::AllowedValue),
    (allowed_path, Reason::AllowedPath),
    (template, Reason::Template),
    (documented_example, Reason::DocumentedExample),
    (placeholder, Reason::Placeholder),
    (example_host, Reason::ExampleHost),
    (repeated, Reason::Repeated),
    (sequential, Reason::Sequential),
    (wrong_checksum, Reason::WrongChecksum),
    (low_entropy, Reason::LowEntropy),
];

/// The rule itself allows this secret.
fn allowed_value(seen: &Seen<'_>) -> bool {
    seen.rule.allow.values.iter().any(|pattern| pattern.matches(seen.secret))
}

/// The rule itself allows this path.
fn allowed_path(seen: &Seen<'_>) -> bool {
    seen.rule.allow.paths.iter().any(|pattern| pattern.matches(seen.path))
}

/// The secret is a reference that something else fills in: `${X}`, `{{ x }}`, `$(x)`, `#{x}`, `<%= x %>`, `%(x)s`, `<X>`.
fn template(seen: &Seen<'_>) -> bool {
    let opens = |pair: &[u8]| matches!(pair, b"${" | b"{{" | b"$(" | b"#{" | b"%{" | b"<%" | b"%(" | b"$[");
    let before = seen.before.trim_ascii_end().last_chunk::<2>();
    let inside = seen.secret.windows(2).any(opens) || before.is_some_and(|pair| opens(pair));
    let whole = |open: u8, close: u8| seen.secret.first() == Some(&open) && seen.secret.last() == Some(&close);
    let around = seen.before.last() == Some(&b'<') && seen.after.first() == Some(&b'>');
    let name = |text: &[u8]| !text.is_empty() && text.iter().all(|b| b.is_ascii_uppercase() || *b == b'_');
    let shell = match seen.secret.strip_prefix(b"$") {
        Some(rest) => name(rest),
        None => seen.before.last() == Some(&b'$') && name(seen.secret),
    };
    inside || around || shell || whole(b'<', b'>') || whole(b'{', b'}') || whole(b'%', b'%') || whole(b'[', b']')
}

/// Vendors end the keys of their documentation in EXAMPLE (AWS: "AWS security credentials", read 2026-11-20); others are
/// known by their fingerprints under the published key, so that they need not be written here.
fn documented_example(seen: &Seen<'_>) -> bool {
    const KNOWN: [&str; 3] = [
        // jwt.io's debugger, and the one it had before 2018.
        "97bdd7836443cd76b8ee93adc25fd812",
        "e90f2f97409ee86c275def20ea62669c",
        // Stripe's test key in docs.stripe.com/keys.
        "08ea6a231a5798fa1849e346cb2fd68b",
    ];
    // What these begin with: nothing else needs to be hashed.
    const HEADS: [&[u8]; 2] = [b"eyJ", b"sk_test_"];
    let marked = seen.secret.ends_with(b"EXAMPLE") || seen.secret.ends_with(b"EXAMPLEKEY");
    let head = HEADS.iter().any(|head| seen.secret.starts_with(head));
    static PUBLIC: LazyLock<FingerprintKey> = LazyLock::new(FingerprintKey::public);
    static PRINTS: LazyLock<Vec<Fingerprint>> = LazyLock::new(|| KNOWN.iter().flat_map(|text| text.parse()).collect());
    marked || (head && PRINTS.contains(&PUBLIC.fingerprint_bytes(seen.secret)))
}

/// The secret holds a word that people write where a value belongs, or is nothing but such a word.
fn placeholder(seen: &Seen<'_>) -> bool {
    const WHOLE: [&[u8]; 20] = [
        b"password",
        b"passwd",
        b"passphrase",
        b"pass",
        b"pwd",
        b"pw",
        b"secret",
        b"token",
        b"apikey",
        b"api_key",
        b"api-key",
        b"user",
        b"username",
        b"null",
        b"none",
        b"undefined",
        b"hidden",
        b"dummy",
        b"xxx",
        b"***",
    ];
    if seen.secret.len() > 256 {
        return false;
    }
    let secret = seen.secret.to_ascii_lowercase();
    let holds = (0..secret.len()).any(|at| {
        let rest = secret.get(at..).unwrap_or_default();
        placeholders(rest).iter().any(|word| rest.starts_with(word))
    });
    holds || WHOLE.contains(&secret.as_slice())
}

/// The words that stand where a value belongs and begin as `rest` does. They are long enough that a random secret of 256
/// characters holds one with a chance below 1 in 100,000.
fn placeholders(rest: &[u8]) -> &'static [&'static [u8]] {
    match rest.first() {
        Some(b'e') => &[b"example"],
        Some(b'p') => &[b"placeholder"],
        Some(b'c') => &[b"changeme", b"change_me", b"change-me"],
        Some(b'r') => &[b"redacted", b"replaceme", b"replace_me", b"replace-me"],
        Some(b'y') => &[b"your_", b"your-", b"yourtoken", b"yourapi", b"yoursecret", b"yourpass"],
        Some(b'i') => &[b"insert_", b"insert-"],
        Some(b'n') => &[b"not-a-real", b"not_a_real"],
        Some(b'x') => &[b"xxxxxx"],
        Some(b'*') => &[b"******"],
        Some(b'.') => &[b"......"],
        _ => &[],
    }
}

/// The host beside the secret is one of those reserved for documentation (RFC 2606, RFC 6761).
fn example_host(seen: &Seen<'_>) -> bool {
    const DOMAINS: [&str; 6] = ["example.com", "example.org", "example.net", "example", "invalid", "test"];
    let Some(host) = seen.host else { return false };
    let host = String::from_utf8_lossy(host).to_ascii_lowercase();
    let under = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    DOMAINS.into_iter().any(under)
}

/// A third of the secret is one character in a row, or it is made of four characters or fewer.
fn repeated(seen: &Seen<'_>) -> bool {
    let run = longest_run(seen.secret, |a, b| a == b);
    let kinds = seen.secret.iter().fold(Class::default(), |kinds, byte| kinds.or(&Class::of(*byte)));
    (run >= 5 && run * 3 >= seen.secret.len()) || (seen.secret.len() >= 12 && kinds.bytes().take(5).count() <= 4)
}

/// Eight characters or more stand in the order of the alphabet or of the digits, or half of a short secret does.
fn sequential(seen: &Seen<'_>) -> bool {
    let follows = |a: u8, b: u8| {
        a.is_ascii_alphanumeric() && (b == a.wrapping_add(1) || (a, b) == (b'9', b'0') || (a, b) == (b'9', b'a'))
    };
    let run = longest_run(seen.secret, follows);
    run >= 8 || (run >= 5 && run * 2 >= seen.secret.len())
}

/// The rule asks for a checksum that holds, and it does not.
fn wrong_checksum(seen: &Seen<'_>) -> bool {
    seen.rule.checksum_required && seen.rule.checksum.is_some_and(|checksum| !checksum.holds(seen.secret))
}

/// The secret is less mixed than the rule asks for.
fn low_entropy(seen: &Seen<'_>) -> bool {
    seen.rule.entropy.is_some_and(|least| seen.entropy < least)
}

/// The most bytes in a row of which each `follows` the one before.
fn longest_run(bytes: &[u8], follows: impl Fn(u8, u8) -> bool) -> usize {
    let (mut longest, mut run, mut last) = (0, 0, None);
    for &byte in bytes {
        run = if last.is_some_and(|last| follows(last, byte)) { run + 1 } else { 1 };
        longest = longest.max(run);
        last = Some(byte);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::File;
    use crate::detect::entropy;
    use crate::rule::RuleSet;
    use crate::rule::example::Recipe;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    const RULE: &str = "\
provider: x
title: X
rules:
  - id: x
    description: X
    keywords: [xxx]
    pattern: 'xxx'
    entropy: 2.5
    allow: { values: ['^allowed'], paths: ['^skip/'] }
    examples: { match: ['a'], no-match: ['b'] }
";

    /// `before[secret]after` in a path, for a host.
    fn check(text: &str, host: Option<&str>, path: &str, want: Option<Reason>) {
        static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::of(&[File::new("x.yaml", RULE)]).unwrap());
        let (before, rest) = text.split_once('⟨').unwrap();
        let (secret, after) = rest.split_once('⟩').unwrap();
        let (before, secret, after) = (before.as_bytes(), secret.as_bytes(), after.as_bytes());
        let (host, path) = (host.map(str::as_bytes), path.as_bytes());
        let entropy = entropy::shannon(secret);
        let seen = Seen { rule: &RULES.rules()[0], secret, entropy, before, after, host, path };
        assert_eq!(reason(&seen), want, "{text}");
    }

    #[test]
    fn each_reason_has_its_cases() {
        let random = Recipe::parse("{{ alnum(36) }}").unwrap().make(11);
        for (text, want) in [
            (format!("k=⟨{random}⟩"), None),
            (format!("k=⟨allowed{random}⟩"), Some(Reason::AllowedValue)),
            ("k=⟨${DB_PASSWORD}⟩".into(), Some(Reason::Template)),
            ("k=${⟨DB_PASSWORD⟩}".into(), Some(Reason::Template)),
            ("k={{ ⟨vault.password⟩ }}".into(), Some(Reason::Template)),
            ("k=⟨$DB_PASSWORD⟩".into(), Some(Reason::Template)),
            ("//u:$⟨PASSWORD⟩@".into(), Some(Reason::Template)),
            ("k=⟨<token of yours>⟩".into(), Some(Reason::Template)),
            ("k=<⟨token of yours⟩>".into(), Some(Reason::Template)),
            ("<k>⟨tr0ub4dor&3⟩</k>".into(), None),
            ("k=⟨ABCIOSFODNN7EXAMPLE⟩".into(), Some(Reason::DocumentedExample)),
            ("k=⟨your_api_key_here⟩".into(), Some(Reason::Placeholder)),
            ("k=⟨abc_xxxxxxxxxxxxxxx⟩".into(), Some(Reason::Placeholder)),
            ("//u:⟨Password⟩@".into(), Some(Reason::Placeholder)),
            ("//u:⟨Password7!q⟩@".into(), None),
            (format!("k=⟨ab_{}⟩", "Q".repeat(20)), Some(Reason::Repeated)),
            (format!("k=⟨{}⟩", "ab12".repeat(8)), Some(Reason::Repeated)),
            ("k=⟨q9_0123456789abcdefzk⟩".into(), Some(Reason::Sequential)),
            ("k=⟨ab_CDEFGHIJKLMNOPQ⟩".into(), Some(Reason::Sequential)),
            ("k=⟨aabbccddaee⟩".into(), Some(Reason::LowEntropy)),
        ] {
            check(&text, None, "src/a", want);
        }
    }

    /// jwt.io signs with the key that it shows: nothing of it needs to be written here.
    #[test]
    fn the_example_of_jwt_io_is_known() {
        let part = |text: &str| Recipe::parse(&format!("{{{{ encode64url({text:?}) }}}}")).unwrap().make(0);
        let claims = r#"{"sub":"1234567890","name":"John Doe","iat":1516239022}"#;
        let text = format!("{}.{}", part(r#"{"alg":"HS256","typ":"JWT"}"#), part(claims));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"your-256-bit-secret").unwrap();
        mac.update(text.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        check(&format!("k=⟨{text}.{signature}⟩"), None, "src/a", Some(Reason::DocumentedExample));
    }

    #[test]
    fn hosts_and_paths() {
        let text = "//u:⟨tr0ub4dor&3⟩@";
        for (host, want) in [
            ("db.corp.io", None),
            ("notexample.com", None),
            ("db.Example.com", Some(Reason::ExampleHost)),
            ("example.org", Some(Reason::ExampleHost)),
            ("db.test", Some(Reason::ExampleHost)),
        ] {
            check(text, Some(host), "src/a", want);
        }
        check(text, None, "skip/a", Some(Reason::AllowedPath));
    }

    #[test]
    fn what_is_random_is_not_dropped() {
        let recipe = Recipe::parse("{{ alnum(40) }}").unwrap();
        let key = Recipe::parse("{{ base64(1600) }}").unwrap();
        for seed in 0..2000 {
            check(&format!("k=⟨{}⟩", recipe.make(seed)), None, "src/a", None);
            if seed % 20 == 0 {
                check(&format!("k=⟨{}⟩", key.make(seed)), None, "src/a", None);
            }
        }
    }
}
