//! A property of parts: what is found in a file does not depend on how it is cut.

use super::Detector;
use crate::rule::RuleSet;
use crate::rule::example::Recipe;
use crate::secret::FingerprintKey;
use crate::source::{self, Blob, Bytes, Provenance};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = Arc::new(RuleSet::load(&[]).unwrap());
    Detector::new(rules, Arc::new(FingerprintKey::public()))
});

/// A secret of its own for each seed, as it is, quoted, or in base64.
fn secret(seed: u64, how: u8) -> String {
    let recipe = Recipe::parse(r#"{{ checksum("crc32-base62", "sbx_live_", alnum(30)) }}"#).unwrap();
    let key = recipe.make(seed);
    match how % 4 {
        0 => format!(" {key} "),
        1 => format!("\nkey = \"{key}\"\r\n"),
        2 => format!("\"{}\"", STANDARD.encode(format!("user:{key}"))),
        _ => format!("https://example.org/?token={key}&x=1"),
    }
}

fn written(text: &str, how: u8) -> Vec<u8> {
    let marked = format!("\u{feff}{text}");
    match how % 6 {
        0 => marked.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        2 => marked.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        _ => text.as_bytes().to_vec(),
    }
}

/// Everything that is found when the file comes in parts: where, what, and what is said of it.
fn found(bytes: &[u8], sizes: [usize; 2]) -> Vec<String> {
    let (provenance, mut found) = (Arc::new(Provenance::Stdin), Vec::new());
    let mut look = |blob: Blob| {
        for hit in DETECTOR.scan(&blob) {
            let here = &hit.occurrence;
            let place = (here.offset, hit.past, here.start, here.end);
            found.push((
                here.offset,
                format!("{place:?} {} {:?} {:?} {:?}", hit.rule.id, hit.fingerprint, hit.dropped, hit.reasons),
            ));
        }
        true
    };
    source::cut_by(&mut &*bytes, &provenance, sizes, &Bytes::default, &mut look).unwrap();
    found.sort();
    found.into_iter().map(|(_, hit)| hit).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_does_not_depend_on_how_a_file_is_cut(
        pieces in prop::collection::vec((0u8..4, 0usize..6000), 1..10),
        how in 0u8..6,
        part in 4000usize..40_000,
    ) {
        let text: String = (0..).zip(&pieces).map(|(seed, (how, filler))| {
            let filler: String = ["words, ", "and\n", "äöü "].iter().cycle().take(*filler).copied().collect();
            secret(seed, *how) + &filler
        }).collect();
        let bytes = written(&text, how);
        let whole = found(&bytes, [bytes.len() + 1, 0]);
        prop_assert!(whole.len() >= pieces.len());
        let context = DETECTOR.max_window();
        for part in [part, part / 2 * 2 + 1] {
            prop_assert_eq!(&found(&bytes, [part, context]), &whole, "parts of {} of {}", part, bytes.len());
        }
    }
}
