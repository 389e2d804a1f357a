//! The detector as a whole, with a few rules of its own.

use super::*;
use crate::catalog::File;
use crate::decode::encode;
use crate::rule::example::Recipe;
use crate::secret::Secret;
use crate::source::{Blob, Provenance};
use crate::text::lines::{Position, position};
use ::base64::Engine;
use ::base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::sync::LazyLock;

const RULES: &str = r#"
provider: acme
title: Acme
rules:
  - id: acme-key
    description: Acme key
    keywords: ["ak_"]
    pattern: '\b(ak_[0-9a-zA-Z]{24})\b'
    confidence: high
    checksum: crc32-base62
    examples: &none { match: ['a'], no-match: ['b'] }
  - id: acme-strict
    description: Acme strict key
    keywords: ["as_"]
    pattern: '\bas_[0-9a-zA-Z]{24}\b'
    checksum: crc32-base62
    checksum-required: true
    entropy: 3
    examples: *none
  - id: acme-pair
    description: Acme pair
    keywords: ["acme_secret"]
    pattern: '(?i)acme_secret["'' ]{0,2}[:=] {0,2}["'']?(?P<secret>[0-9a-zA-Z]{20,60})\b'
    needs:
      - { part: key_id, pattern: '\b(AC[0-9A-F]{8})\b', lines: 2, required: true }
    examples: *none
  - id: acme-note
    description: Acme many lines
    keywords: ["=== begin"]
    pattern: '=== begin\n([a-z0-9\n]{40,400})=== end'
    allow: { values: ['^allowed'], paths: ['^skip/'] }
    examples: *none
"#;
const GENERIC: &str = r#"
provider: generic
title: Generic
rules:
  - id: generic-assignment
    description: Something secret
    keywords: ["key", "secret"]
    pattern: '(?i)(?:key|secret)["'' ]{0,2}[:=] {0,2}["'']?([0-9a-zA-Z_]{16,40})\b'
    confidence: low
    examples: { match: ['a'], no-match: ['b'] }
  - id: generic-url
    description: Password in a URL
    keywords: ["://"]
    pattern: '://(?P<user>[a-z]{1,20}):(?P<secret>[^\s@/:]{3,40})@(?P<host>[a-z0-9.-]{1,60})'
    examples: { match: ['a'], no-match: ['b'] }
"#;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let file = |(name, text): (&str, &str)| File::new(name, text.to_owned());
    let rules = RuleSet::of(&[("acme.yaml", RULES), ("generic.yaml", GENERIC)].map(file));
    let rules = rules.unwrap_or_else(|e| panic!("\n{e}"));
    Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()))
});

fn made(recipe: &str, seed: u64) -> String {
    Recipe::parse(recipe).unwrap().make(seed)
}

fn key(seed: u64) -> String {
    made(r#"{{ checksum("crc32-base62", "ak_", alnum(18)) }}"#, seed)
}

fn file(path: &str, text: &str) -> Blob {
    Blob::whole(text.as_bytes().to_vec(), Arc::new(Provenance::File { path: path.into() }))
}

fn scan(path: &str, text: &str) -> Merged {
    merge(DETECTOR.scan(&file(path, text)))
}

/// What was found and dropped: `rule` or `rule: why not`.
fn said(merged: &Merged) -> Vec<String> {
    let found = merged.findings.iter().map(|finding| finding.rule.clone());
    let dropped = merged.dropped.iter().map(|dropped| format!("{}: {}", dropped.rule, dropped.reason));
    found.chain(dropped).collect()
}

#[test]
fn where_what_and_how_sure() {
    let key = key(1);
    let merged = scan("src/a.rs", &format!("one\n  token = '{key}'; // x\n"));
    let [finding] = &merged.findings[..] else { panic!("{merged:?}") };
    assert_eq!((finding.rule.as_str(), finding.provider.as_deref()), ("acme-key", Some("acme")));
    assert_eq!((finding.confidence, &finding.reasons), (Confidence::High, &vec!["checksum holds".to_owned()]));
    assert_eq!(finding.fingerprint, FingerprintKey::public().fingerprint(&Secret::new(key.as_str())));
    let at = &finding.occurrences[0];
    assert_eq!((at.start, at.end), (Position { line: 2, column: 12 }, Position { line: 2, column: 38 }));
    assert_eq!((at.offset, at.line.as_str()), (15, format!("token = '{}'; // x", finding.redacted).as_str()));
    assert!(!format!("{merged:?}").contains(&key[4..]));
}

#[test]
fn a_checksum_that_fails_lowers_and_only_drops_when_the_rule_says_so() {
    let wrong = |prefix: &str| made(&format!(r#"{{{{ "{prefix}" }}}}{{{{ alnum(24) }}}}"#), 3);
    let merged = scan("a", &wrong("ak_"));
    assert_eq!(merged.findings[0].confidence, Confidence::Low);
    assert_eq!(merged.findings[0].reasons, ["checksum does not hold"]);
    assert_eq!(said(&scan("a", &wrong("as_"))), ["acme-strict: its checksum does not hold"]);
    let right = made(r#"{{ checksum("crc32-base62", "as_", alnum(18)) }}"#, 3);
    assert_eq!(said(&scan("a", &right)), ["acme-strict"]);
}

#[test]
fn a_needed_part_is_the_nearest_one_and_without_it_there_is_nothing() {
    let secret = made("{{ alnum(40) }}", 5);
    let text = |key: &str| format!("id = AC00000001\n\nid = {key}\nacme_secret = {secret}\n");
    let merged = scan("a", &text("AC0000BEEF"));
    assert_eq!(said(&merged), ["acme-pair", "generic-assignment: acme-pair found the same and knows it better"]);
    assert_eq!(merged.findings[0].credential.parts["key_id"], Arc::new(Secret::new("AC0000BEEF")));
    let far = format!("id = AC0000BEEF\n\n\nacme_secret = {secret}\n");
    let want = ["generic-assignment", "acme-pair: no key_id near, which the rule needs"];
    assert_eq!(said(&scan("a", &far)), want);
}

#[test]
fn the_surer_rule_wins_the_bytes() {
    let merged = scan("a", &format!("secret_key: {}\n", key(1)));
    assert_eq!(said(&merged), ["acme-key", "generic-assignment: acme-key found the same and knows it better"]);
}

#[test]
fn one_finding_for_one_secret_with_every_place() {
    let key = key(1);
    let blobs = [file("b", &format!("\n{key} {key}")), file("a", &key), file("tests/c", &key)];
    let hits = |order: &[usize]| merge(order.iter().flat_map(|&at| DETECTOR.scan(&blobs[at])).collect());
    let merged = hits(&[0, 1, 2]);
    let places: Vec<_> = merged.findings[0].occurrences.iter().map(|at| (at.provenance.path(), at.offset)).collect();
    assert_eq!(places, [("a".into(), 0), ("b".into(), 1), ("b".into(), 29), ("tests/c".into(), 0)]);
    assert_eq!(merged.findings[0].confidence, Confidence::High, "sure where it is not in a test");
    assert_eq!(format!("{:?}", hits(&[2, 1, 0])), format!("{merged:?}"), "whatever the order");
    assert_eq!(scan("tests/c", &key).findings[0].reasons, ["checksum holds", "in a test"]);
}

#[test]
fn comments_rules_and_hosts_allow() {
    let (key, other) = (key(1), key(2));
    let why = |path: &str, text: &str| said(&scan(path, text)).join("; ");
    assert_eq!(
        why("a", &format!("{key} # stanch:allow a test key\n")),
        "acme-key: allowed by a comment on its line: a test key"
    );
    let line = format!("{other} <!-- gitleaks:allow -->\n{key}\n");
    assert_eq!(why("a", &line), "acme-key; acme-key: allowed by a comment on its line", "that line only");
    let note = |first: &str| format!("=== begin\n{first}{}\n=== end", made("{{ lower(60) }}", 9));
    assert_eq!(why("a", &note("")), "acme-note");
    assert_eq!(why("a", &note("allowed")), "acme-note: a value that the rule allows");
    assert_eq!(why("skip/a", &note("")), "acme-note: in a path that the rule allows");
    let url = |host: &str| made(&format!("https://bob:{{{{ alnum(9) }}}}@{host}/x"), 4);
    assert_eq!(why("a", &url("db.corp.io")), "generic-url");
    assert_eq!(why("a", &url("db.example.com")), "generic-url: for a host that is reserved for examples");
}

#[test]
fn only_what_a_change_touched() {
    let (old, new) = (key(1), key(2));
    let mut blob = file("a", &format!("{old}\n{new}\n"));
    blob.touched = Some(std::iter::once(30..31).collect());
    let merged = merge(DETECTOR.scan(&blob));
    assert_eq!(merged.findings.len(), 1);
    assert_eq!(merged.findings[0].occurrences[0].start.line, 2);
}

#[test]
fn views_are_looked_at_too() {
    let key = key(1);
    let text = format!("x\nk={key}; y\n");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|b| [b, 0])).collect();
    let blob = Blob::whole(wide, Arc::new(Provenance::Stdin));
    let merged = merge(DETECTOR.scan(&blob));
    assert_eq!((merged.findings[0].reasons[1].as_str(), merged.findings[0].occurrences[0].offset), ("in UTF-16", 10));
    assert_eq!(merged.findings[0].occurrences[0].line, format!("k={}; y", merged.findings[0].redacted));
    let packed = made(&format!(r#"data: {{{{ encode64("token={key} and more text around it") }}}}"#), 0);
    let merged = scan("a", &packed);
    assert_eq!((merged.findings[0].rule.as_str(), merged.findings[0].reasons[1].as_str()), ("acme-key", "in base64"));
}

/// `text` in parts that own what lies between `cuts`, with the context that the detector asks for.
fn parts(text: &str, cuts: &[usize]) -> Vec<Blob> {
    let provenance = Arc::new(Provenance::File { path: b"a".to_vec() });
    let window = DETECTOR.max_window();
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).chain([0, text.len()]).collect();
    cuts.sort_unstable();
    let part = |own: &[usize]| {
        let from = own[0].saturating_sub(window);
        let to = text.len().min(own[1] + window);
        let mut blob = Blob::whole(text.as_bytes()[from..to].to_vec(), provenance.clone());
        blob.offset = from as u64;
        blob.first = position(text.as_bytes(), from);
        blob.own = own[0] - from..own[1] - from;
        blob
    };
    cuts.windows(2).map(part).collect()
}

fn prose(seed: u64) -> String {
    made("{{ chars(\"abc xyz=;\\n\", 6000) }}", seed)
}

fn wrapped(text: &str) -> String {
    let code = STANDARD.encode(text);
    let lines = code.as_bytes().chunks(76).flat_map(|line| line.iter().chain(b"\n"));
    lines.map(|&byte| char::from(byte)).collect()
}

fn fragment() -> impl Strategy<Value = String> {
    let seed = any::<u64>();
    prop_oneof![
        seed.prop_map(key),
        seed.prop_map(|seed| made(r#"{{ "ak_" }}{{ alnum(24) }}"#, seed)),
        seed.prop_map(|seed| made("acme_secret = {{ alnum(30) }}\n", seed)),
        seed.prop_map(|seed| made("key: {{ alnum(24) }} secret='{{ alnum(40) }}", seed)),
        seed.prop_map(|seed| made("=== begin\n{{ lower(200) }}\n=== end", seed)),
        seed.prop_map(|seed| made("AC{{ HEX(8) }} ", seed)),
        seed.prop_map(|seed| made("https://bob:{{ alnum(9) }}@db.corp.io ", seed)),
        seed.prop_map(|seed| made("{{ alnum(900) }}", seed)),
        seed.prop_map(|seed| made("{{ chars(\"ab \\n\", 700) }}", seed)),
        seed.prop_map(|seed| STANDARD.encode(format!("token={} and more text around it", key(seed)))),
        (seed, prop::collection::vec(0..encode::ALL.len(), 1..4)).prop_map(|(seed, ways)| {
            // Most are short, a few longer than what is decoded from its first digit.
            let around = if seed % 8 == 0 { 2500 } else { 100 };
            let text = format!("{}\nkey=\"{}\"\n{}", &prose(seed)[..around], key(seed), &prose(!seed)[..around]);
            ways.into_iter().fold(text, |text, way| (encode::ALL[way].1)(&text))
        }),
        seed.prop_map(|seed| wrapped(&format!("{}\nk={}\n{}", prose(seed), key(seed), prose(!seed)))),
        seed.prop_map(|seed| STANDARD.encode(format!("{}\nk={}\n{}", prose(seed), key(seed), prose(!seed)))),
        Just(" # stanch:allow x\n".to_owned()),
        Just("\n".to_owned()),
        Just("ak_as_key=".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_does_not_matter_where_a_file_is_cut(
        fragments in prop::collection::vec(fragment(), 1..80),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let text = fragments.concat();
        let whole = scan("a", &text);
        let cut = merge(parts(&text, &cuts).iter().flat_map(|part| DETECTOR.scan(part)).collect());
        prop_assert_eq!(format!("{whole:#?}"), format!("{cut:#?}"));
    }

    #[test]
    fn no_text_that_a_hit_carries_holds_a_secret(fragments in prop::collection::vec(fragment(), 1..30)) {
        let text = fragments.concat();
        let hits = DETECTOR.scan(&file("a", &text));
        for hit in hits.iter().filter(|hit| hit.dropped.is_none()) {
            // Of what is encoded, the whole run; of that a half, when that is long enough to be no chance.
            let run = &text[hit.occurrence.offset as usize..hit.past as usize];
            let part = if run.len() >= 60 { &run[run.len() / 2..] } else { run };
            prop_assert!(!hits.iter().any(|other| other.occurrence.line.contains(part)), "{}", hit.rule.id);
        }
    }
}

#[test]
fn who_else_is_as_sure_is_told() {
    let rule = |provider: &str, confidence: &str| {
        let text = format!(
            "provider: {provider}\ntitle: T\nrules:\n  - id: {provider}-key\n    description: A key\n    keywords: [\"token_\"]\n    \
             pattern: '\\b(token_[0-9a-z]{{20}})\\b'\n    confidence: {confidence}\n    examples: {{ match: ['a'], no-match: ['b'] }}\n"
        );
        File::new(format!("{provider}.yaml"), text)
    };
    let rivals = |confidences: [&str; 2]| {
        let files = [rule("one", confidences[0]), rule("two", confidences[1])];
        let rules = RuleSet::of(&files).unwrap_or_else(|e| panic!("\n{e}"));
        let detector = Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()));
        let text = format!("x {}", made(r#"{{ "token_" }}{{ chars("abcdefgh01234567", 20) }}"#, 5));
        let mut findings = merge(detector.scan(&file("a", &text))).findings;
        assert_eq!(findings.len(), 1);
        let finding = findings.remove(0);
        (finding.provider.unwrap(), finding.rivals)
    };
    assert_eq!(rivals(["medium", "medium"]), ("one".into(), vec!["two".into()]));
    assert_eq!(rivals(["medium", "high"]), ("two".into(), Vec::new()));
}
