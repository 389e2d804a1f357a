//! How many bytes a second one thread looks at, with all built-in rules: text that says nothing of keys, text that does,
//! and text with a token every 4 KiB (the examples of all rules in turn, made from their recipes).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use measure::{Chance, PLAIN, TELLING, take, text};
use stanch::catalog;
use stanch::detect::Detector;
use stanch::rule::example::{Recipe, seed};
use stanch::rule::{RuleSet, options};
use stanch::secret::FingerprintKey;
use stanch::source::{Blob, Provenance};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a text, and of a blob: files of a source tree are about so big.
const TEXT: usize = 4 << 20;
const BLOB: usize = 16 << 10;
/// Bytes between two tokens.
const APART: usize = 4 << 10;

fn main() {
    if !measure::wanted() {
        return;
    }
    let rules = RuleSet::load(&[]).unwrap();
    let detector = Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()));
    let telling: Vec<&str> = PLAIN.iter().chain(TELLING).copied().collect();
    let texts = [
        ("text without keywords", text(PLAIN, TEXT, &mut Chance(1))),
        ("text with keywords, no token", text(&telling, TEXT, &mut Chance(2))),
        ("text with a token every 4 KiB", with_tokens()),
    ];
    for (what, text) in texts {
        let blob = |bytes: &[u8]| Blob::whole(bytes.to_vec(), Arc::new(Provenance::Stdin));
        let blobs: Vec<Blob> = text.as_bytes().chunks(BLOB).map(blob).collect();
        let hits: usize = blobs.iter().map(|blob| detector.scan(blob).len()).sum();
        let taken = take(Duration::from_secs(5), || {
            for blob in &blobs {
                black_box(detector.scan(blob));
            }
        });
        taken.print_rate(&format!("{what} ({hits} hits)"), text.len());
    }
}

fn with_tokens() -> String {
    let mut tokens = Vec::new();
    for file in catalog::builtin() {
        let document = file.parse().unwrap();
        for example in options::examples(&document).iter().filter(|example| example.matches) {
            let seed = seed(&example.rule, true, example.index);
            tokens.push(Recipe::parse(example.recipe).unwrap().make(seed));
        }
    }
    let (mut made, mut chance) = (String::with_capacity(TEXT), Chance(3));
    for at in 0..TEXT / APART {
        made.push_str(&text(PLAIN, APART - 100, &mut chance));
        made.push_str(&tokens[at % tokens.len()]);
        made.push('\n');
    }
    made
}
