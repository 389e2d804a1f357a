//! How many bytes a second one thread looks at when a text was made to cost much: for each built-in rule its examples cut
//! short, its literals alone and with what may follow them, over and over. The slowest are told, with the rule.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use stanch::catalog;
use stanch::detect::Detector;
use stanch::rule::example::{Recipe, seed};
use stanch::rule::{Rule, RuleSet, options};
use stanch::secret::FingerprintKey;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a text.
const TEXT: usize = 256 << 10;
/// How many are told.
const TOLD: usize = 12;

fn main() {
    if !measure::wanted() {
        return;
    }
    let rules = RuleSet::load(&[]).unwrap();
    let detector = Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
    let mut examples: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in catalog::builtin() {
        let document = file.parse().unwrap();
        for example in options::examples(&document).iter().filter(|example| example.matches) {
            let made = Recipe::parse(example.recipe).unwrap().make(seed(&example.rule, true, example.index));
            examples.entry(example.rule.clone()).or_default().push(made);
        }
    }
    let mut slowest = Vec::new();
    for rule in rules.rules() {
        let texts = texts(rule, examples.get(&rule.id).map(Vec::as_slice).unwrap_or_default());
        let rate = |piece: &[u8]| {
            let text = piece.repeat(TEXT.div_ceil(piece.len()));
            let start = Instant::now();
            black_box(detector.sweep(&text));
            text.len() as f64 / start.elapsed().as_secs_f64() / 1e6
        };
        let worst = texts.iter().map(|piece| (rate(piece), piece)).min_by(|a, b| a.0.total_cmp(&b.0));
        slowest.extend(
            worst.map(|(rate, piece)| (rate, rule.id.clone(), piece.len(), piece[..piece.len().min(24)].to_vec())),
        );
    }
    slowest.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (rate, rule, len, head) in slowest.iter().take(TOLD) {
        println!("{rate:8.1} MB/s  {rule} ({len} bytes over and over: {:?})", String::from_utf8_lossy(head));
    }
}

/// Pieces that nearly match.
fn texts(rule: &Rule, examples: &[String]) -> Vec<Vec<u8>> {
    let mut texts = Vec::new();
    for example in examples {
        let bytes = example.as_bytes();
        for cut in [1, bytes.len() / 4, bytes.len() / 2, 3 * bytes.len() / 4] {
            texts.push(bytes[..bytes.len() - cut.min(bytes.len() - 1)].to_vec());
        }
    }
    for lead in rule.digest.leads.iter().take(4) {
        texts.push(lead.bytes.to_vec());
        texts.push([&lead.bytes, b" ".as_slice()].concat());
        for (byte, count) in [(b'a', 19), (b'A', 40), (b'0', 64), (b'a', 300), (b' ', 30), (b'=', 8)] {
            texts.push([&lead.bytes, vec![byte; count].as_slice(), b"!"].concat());
            texts.push([vec![byte; count].as_slice(), &lead.bytes, b" "].concat());
        }
    }
    for keyword in rule.keywords.iter().take(3) {
        for byte in *b"aA0_" {
            texts.push([keyword.as_bytes(), b" ", &[byte; 60]].concat());
        }
    }
    texts
}
