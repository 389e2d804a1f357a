//! Secrets that are written otherwise: found in each encoding and in each within each, told where they lie, never shown.

use super::*;
use crate::decode::encode::{self, Encode};
use crate::rule::example::Recipe;
use crate::secret::Secret;
use crate::source::{Blob, Provenance};
use std::sync::LazyLock;

static DETECTOR: LazyLock<Detector> =
    LazyLock::new(|| Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public())));

fn token(seed: u64) -> String {
    Recipe::parse(r#"{{ checksum("crc32-base62", "sbx_live_", alnum(30)) }}"#).unwrap().make(seed)
}

fn scan(text: &str) -> Vec<Hit> {
    DETECTOR.scan(&Blob::whole(text.as_bytes().to_vec(), Arc::new(Provenance::Stdin)))
}

/// The one finding of the token in `text`, its place there and how it was decoded.
fn found(text: &str, token: &str) -> (Occurrence, std::ops::Range<usize>) {
    let print = FingerprintKey::public().fingerprint(&Secret::new(token));
    let hits: Vec<Hit> = scan(text).into_iter().filter(|hit| hit.fingerprint == print).collect();
    let [hit] = &hits[..] else { panic!("{} hits in {text}", hits.len()) };
    assert!(hit.dropped.is_none(), "{:?}", hit.dropped);
    (hit.occurrence.clone(), hit.occurrence.offset as usize..hit.past as usize)
}

/// Whether a third of what is never to be shown is: less may stand elsewhere by chance.
fn shows(line: &str, encoded: &str) -> bool {
    encoded.as_bytes().windows(encoded.len() / 3).any(|part| line.contains(&*String::from_utf8_lossy(part)))
}

fn check(ways: &[(&str, Encode)], seed: u64) {
    let token = token(seed);
    let text = format!("# settings of a service\nname=\"service\"\ntoken=\n{token}\n\nuser=\"somebody\"\n");
    let text = ways.iter().fold(text, |text, (_, encode)| encode(&text));
    let text = format!("before it\ndata: \"{text}\"\nafter it\n");
    let (occurrence, span) = found(&text, &token);
    // The innermost way was applied first.
    let want: Vec<&str> = ways.iter().rev().map(|(name, _)| *name).collect();
    let got: Vec<&str> = occurrence.layers.labels().collect();
    // Escapes that do not touch one another may be taken in either order.
    let turned: Vec<&str> = got.iter().rev().copied().collect();
    assert!(is_within(&got, &want) || is_within(&turned, &want), "{got:?} of {want:?} in {text}");
    assert!(!shows(&occurrence.line, &text[span]), "{} of {text}", occurrence.line);
}

/// Whether `some` are of `all`, in order: a way that leaves the token and what is beside it alone is not told.
fn is_within(some: &[&str], all: &[&str]) -> bool {
    let mut all = all.iter();
    some.iter().all(|one| all.any(|other| one == other))
}

#[test]
fn in_each_encoding() {
    for (seed, way) in encode::ALL.into_iter().enumerate() {
        check(&[way], seed as u64);
    }
}

#[test]
fn in_each_encoding_within_each() {
    for (seed, outer) in encode::ALL.into_iter().enumerate() {
        for inner in encode::ALL {
            check(&[inner, outer], seed as u64);
        }
    }
}

#[test]
fn to_a_depth_of_three() {
    let [base64, hex, json] = [0, 4, 8].map(|at| encode::ALL[at]);
    check(&[json, base64, hex], 1);
    check(&[base64, json, base64], 2);
    check(&[hex, base64, base64], 3);
    let four = [base64; 4].iter().fold(token(4), |text, (_, encode)| encode(&text));
    assert!(scan(&four).is_empty());
}

#[test]
fn its_place_is_that_of_what_is_encoded() {
    let token = token(5);
    for (code, want) in [
        (format!(r"\n{token}"), token.clone()),
        (format!("%0A{token}%0A"), token.clone()),
        (encode::ALL[9].1(&format!("{token}\n"))[1..].replace("sbx", r"\u0073bx"), format!(r"\u0073{}", &token[1..])),
    ] {
        let text = format!("one\n  value: {code} two\n");
        let (occurrence, span) = found(&text, &token);
        assert_eq!(text[span.clone()], want, "{text}");
        assert_eq!((occurrence.start.line, occurrence.start.column), (2, span.start as u64 - 3));
        assert_eq!((occurrence.end.line, occurrence.end.column), (2, span.end as u64 - 4));
    }
}

#[test]
fn encoded_and_as_it_is_are_one_finding_with_two_places_and_one_place_is_one() {
    let token = token(6);
    let hits =
        scan(&format!("a = \"{token}\"\nb = {}\nc = \"{{\\\"k\\\":\\\"{token}\\\"}}\"\n", encode::ALL[0].1(&token)));
    let merged = merge(hits);
    assert_eq!((merged.findings.len(), merged.dropped.len()), (1, 0), "{merged:#?}");
    let layers: Vec<String> = merged.findings[0].occurrences.iter().map(|one| one.layers.to_string()).collect();
    assert_eq!(layers, ["", "base64", ""]);
}

#[test]
fn a_comment_beside_what_is_encoded_allows_it() {
    let code = encode::ALL[0].1(&token(7));
    let hits = scan(&format!("key: {code} # stanch:allow a test key\n"));
    assert_eq!(hits[0].dropped, Some(Reason::Comment("a test key".into())));
}

#[test]
fn in_utf_16_as_well() {
    let token = token(8);
    let code = encode::ALL[0].1(&format!("token={token}\n"));
    let text = format!("first\nkey: {code}; rest\n");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.bytes().flat_map(|byte| [byte, 0])).collect();
    let hits = DETECTOR.scan(&Blob::whole(wide, Arc::new(Provenance::Stdin)));
    let [hit] = &hits[..] else { panic!("{hits:?}") };
    assert_eq!(hit.occurrence.layers.to_string(), "UTF-16 > base64");
    assert!(
        hit.occurrence.line.starts_with("key: ") && hit.occurrence.line.contains("; rest"),
        "{}",
        hit.occurrence.line
    );
    assert!(!shows(&hit.occurrence.line, &code[12..]), "{}", hit.occurrence.line);
}

#[test]
fn what_is_decoded_of_what_was_decoded_is_bounded_and_told() {
    // Layers of escapes, each of which may be decoded in many ways.
    let bomb = "%25255C%255Cu0041abcdefgh%5C%5C%22&amp;amp;quot;abcdefghijkl=3D3Dabcdefghijk".repeat(400);
    let blob = Blob::whole(bomb.into_bytes(), Arc::new(Provenance::Stdin));
    let (_, floods) = DETECTOR.scan_telling(&blob);
    assert_eq!(floods, ["decoding"]);
}
