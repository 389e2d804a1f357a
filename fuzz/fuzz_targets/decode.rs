//! Bytes that anybody may have written are decoded in time, to views whose places lie in them, in order; and the sweep of what
//! was derived from others is that of the whole. The first two bytes say what of the base is kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::catalog::File;
use stanch::decode::{self, Chunk};
use stanch::detect::Detector;
use stanch::rule::RuleSet;
use stanch::secret::FingerprintKey;
use stanch::source::git::pack::Run;
use std::sync::{Arc, LazyLock};

/// Rules that match often: a fuzzer does not find keywords.
const RULES: &str = r#"
provider: odd
title: Odd
rules:
  - id: odd-key
    description: A key
    keywords: ["k1", "key"]
    pattern: '(?i)\bk(?:ey|1)[ =:"]{0,3}([0-9a-z_]{3,40})\b'
    examples: &none { match: ['a'], no-match: ['b'] }
  - id: odd-line
    description: A line
    keywords: ["k2"]
    pattern: '(?m)^k2[a-z=]{2,90}$'
    examples: *none
"#;

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::of(&[File::new("odd.yaml", RULES)]).expect("the rules are right");
    Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()))
});

fuzz_target!(|data: &[u8]| {
    let [head, tail, base @ ..] = data else { return };
    let mut views = Vec::new();
    decode::within(base, &mut |view| views.push(view));
    views.iter().for_each(|view| is_mapped(view, base.len()));
    let all: usize = views.iter().map(|view| view.bytes.len()).sum();
    // One way of grouping digits of base64, four of a long run; each kind of escape, and what two regions share.
    assert!(all <= 20 * base.len() + 64, "{all} of {}", base.len());

    let (head, tail) = (usize::from(*head) * base.len() / 256, usize::from(*tail) * base.len() / 256);
    let (before, after) = (head.min(tail), head.max(tail));
    let bytes = [&base[..before], &base[after..]].concat();
    let runs = [Run { base: 0, at: 0, len: before }, Run { base: after, at: before, len: base.len() - after }];
    let runs: Vec<Run> = runs.into_iter().filter(|run| run.len > 0).collect();
    let derived = DETECTOR.sweep_delta(&DETECTOR.sweep(base), base.len(), &bytes, &runs);
    assert!(derived == DETECTOR.sweep(&bytes));
});

/// Every byte of a view comes from somewhere, and none from before the one before it.
fn is_mapped(view: &Chunk<'_>, length: usize) {
    let mut last = 0;
    for at in 0..view.bytes.len() {
        let span = view.span(&(at..at + 1));
        assert!(last <= span.start && span.start < span.end && span.end <= length, "{at}: {span:?} of {length}");
        last = span.start;
    }
    assert!(view.block.start <= view.span(&(0..view.bytes.len())).start && view.block.end <= length);
}
