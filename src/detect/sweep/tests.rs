//! The sweep of what was derived is the sweep of the whole, whatever was edited.

use super::*;
use crate::catalog::File;
use crate::decode::encode;
use crate::rule::RuleSet;
use crate::rule::example::{Recipe, seed};
use crate::rule::options;
use crate::secret::FingerprintKey;
use crate::source::git::pack::Run;
use crate::source::{Blob, Provenance};
use ::base64::Engine;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

/// Windows from a few bytes to thousands, at the edges of words, lines and files.
const RULES: &str = r#"
provider: odd
title: Odd
rules:
  - id: odd-tiny
    description: Tiny
    keywords: ["k12", "zzq"]
    pattern: '\bk[0-9]{2}\b'
    examples: &none { match: ['a'], no-match: ['b'] }
  - id: odd-edge
    description: First and last
    keywords: ["edge"]
    pattern: '(?:^|;)edge[0-9a-f]{4,8}(?:;|$)'
    examples: *none
  - id: odd-line
    description: A line
    keywords: ["line"]
    pattern: '(?m)^line=([a-z0-9]{4,30})$'
    examples: *none
  - id: odd-huge
    description: Huge
    keywords: ["<<<"]
    pattern: '(?s)<<<(.{40,3000}?)>>>'
    examples: *none
  - id: odd-greedy
    description: Greedy
    keywords: ["key", "secret"]
    pattern: '(?i)(?:key|secret)[ =:]{1,3}([0-9a-zA-Z_]{8,40})'
    needs:
      - { part: id, pattern: 'ID[0-9]{4}', lines: 2, required: true }
    examples: *none
  - id: odd-end-of-code
    description: Begins with what a code of colour ends with
    keywords: ["mzz"]
    pattern: 'mzz[0-9]{3}'
    examples: *none
  - id: odd-far
    description: Far from its keyword
    keywords: ["vendor-of-a-long-name"]
    pattern: '\b([a-f0-9]{32})\b'
    examples: *none
"#;

static ODD: LazyLock<Detector> = LazyLock::new(|| {
    let rules = RuleSet::of(&[File::new("odd.yaml", RULES)]).unwrap_or_else(|e| panic!("\n{e}"));
    Detector::new(Arc::new(rules), Arc::new(FingerprintKey::public()))
});
static BUILT_IN: LazyLock<Detector> =
    LazyLock::new(|| Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public())));

/// Something that every built-in rule finds.
static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut tokens = Vec::new();
    for file in crate::catalog::builtin() {
        let document = file.parse().unwrap();
        for example in options::examples(&document).iter().filter(|example| example.matches) {
            tokens.push(Recipe::parse(example.recipe).unwrap().make(seed(&example.rule, true, example.index)));
        }
    }
    tokens
});

fn made(recipe: &str, seed: u64) -> String {
    Recipe::parse(recipe).unwrap().make(seed)
}

/// A piece of a file: text with and without something to be found, in every view.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let seed = any::<u64>();
    let token = any::<prop::sample::Index>().prop_map(|at| at.get(&TOKENS).clone());
    let words = (1..60usize, any::<u64>()).prop_map(|(count, seed)| {
        let words = [
            "key", "the", "k12", "edge", "line=", "\n", "secret", " ", "= ", "ID1234", "client", "/", "zzq", "k34", "k",
        ];
        (0..count).map(|at| words[(seed >> (at % 60)) as usize % words.len()]).collect::<String>()
    });
    prop_oneof![
        6 => words,
        4 => token.clone(),
        1 => token.clone().prop_map(|text| STANDARD.encode(format!("{text} and some more"))),
        1 => token.clone().prop_map(|text| URL_SAFE_NO_PAD.encode(text)),
        1 => (token.clone(), prop_oneof![Just("\n"), Just("\r\n")], 60..80usize).prop_map(|(text, end, width)| {
            let code = STANDARD.encode(format!("{text}\n{text}\n# {text}"));
            let lines: Vec<_> = code.as_bytes().chunks(width / 4 * 4).map(|line| str::from_utf8(line).unwrap()).collect();
            format!("\n{}{end}", lines.join(end))
        }),
        4 => (token.clone(), prop::collection::vec(0..encode::ALL.len(), 1..4)).prop_map(|(text, ways)| {
            ways.into_iter().fold(format!("key=\"\n{text}\n\"; more=1"), |text, way| (encode::ALL[way].1)(&text))
        }),
        1 => token.prop_map(|text| format!("\x1b[31m{text}\x1b[0m")),
        1 => prop_oneof![Just("\\"), Just("\\n"), Just("\\\""), Just("%3D"), Just("=\n"), Just("&quot;"), Just("\\u0041")]
            .prop_map(str::to_owned),
        1 => (0..45usize).prop_map(|count| format!("\x1b[{}", "1;".repeat(count))),
        1 => Just("m\x1b[K".to_owned()),
        1 => seed.prop_map(|seed| made("<<<{{ lower(900) }}>>>", seed)),
        1 => seed.prop_map(|seed| made("vendor-of-a-long-name {{ hex(32) }} {{ hex(32) }}", seed)),
        1 => seed.prop_map(|seed| made("{{ alnum(700) }}", seed)),
        1 => seed.prop_map(|seed| made(";edge{{ hex(6) }};", seed)),
        1 => seed.prop_map(|seed| made("\nline={{ lower(12) }}\n", seed)),
        1 => Just(">>>".to_owned()),
        1 => Just("\0\0".to_owned()),
    ]
    .prop_map(String::into_bytes)
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(piece(), 0..12).prop_map(|pieces| pieces.concat())
}

/// One instruction of a delta, as git has them.
#[derive(Debug, Clone)]
enum Op {
    /// Goes on in the base after some bytes that are left out.
    Next {
        left: usize,
        take: usize,
    },
    /// From anywhere.
    Copy {
        from: prop::sample::Index,
        take: usize,
    },
    Insert(Vec<u8>),
    /// All that is left.
    Rest,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (0..40usize, 1..2000usize).prop_map(|(left, take)| Op::Next { left, take }),
        2 => (any::<prop::sample::Index>(), 1..900usize).prop_map(|(from, take)| Op::Copy { from, take }),
        1 => (any::<prop::sample::Index>(), 1..20usize).prop_map(|(from, take)| Op::Copy { from, take }),
        2 => piece().prop_map(Op::Insert),
        2 => prop::collection::vec(any::<u8>(), 0..3).prop_map(Op::Insert),
        1 => Just(Op::Insert(vec![b'k'])),
        3 => Just(Op::Rest),
    ]
}

/// What the instructions make of `base`, and the runs of at least `least` bytes.
fn apply(base: &[u8], ops: &[Op], least: usize) -> (Vec<u8>, Vec<Run>) {
    let (mut bytes, mut runs, mut next) = (Vec::new(), Vec::<Run>::new(), 0);
    for op in ops {
        let (from, take) = match op {
            Op::Insert(new) => {
                bytes.extend(new);
                continue;
            }
            Op::Next { left, take } => (next + left, *take),
            Op::Copy { from, take } => (from.index(base.len().max(1)), *take),
            Op::Rest => (next, usize::MAX),
        };
        let from = from.min(base.len());
        let len = take.min(base.len() - from);
        next = from + len;
        if len == 0 {
            continue;
        }
        match runs.last_mut() {
            Some(last) if last.base + last.len == from && last.at + last.len == bytes.len() => last.len += len,
            _ => runs.push(Run { base: from, at: bytes.len(), len }),
        }
        bytes.extend(&base[from..from + len]);
    }
    runs.retain(|run| run.len >= least);
    (bytes, runs)
}

/// Follows a chain of deltas; every sweep on the way is that of the whole.
fn follow(detector: &Detector, base: &[u8], chain: &[Vec<Op>], least: usize) -> Result<(), TestCaseError> {
    let mut base = base.to_vec();
    let mut sweep = detector.sweep(&base);
    for ops in chain {
        let (bytes, runs) = apply(&base, ops, least);
        let derived = detector.sweep_delta(&sweep, base.len(), &bytes, &runs);
        let whole = detector.sweep(&bytes);
        prop_assert!(
            derived == whole,
            "{derived:#?}\n{whole:#?}\n{runs:?} of {}: {:?}",
            base.len(),
            bytes.escape_ascii().to_string()
        );
        (base, sweep) = (bytes, derived);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn with_odd_rules(
        base in file(),
        chain in prop::collection::vec(prop::collection::vec(op(), 0..8), 1..4),
        least in prop_oneof![Just(1usize), Just(64)],
    ) {
        follow(&ODD, &base, &chain, least)?;
    }

    #[test]
    fn with_the_built_in_rules(
        base in file(),
        chain in prop::collection::vec(prop::collection::vec(op(), 0..8), 1..4),
    ) {
        follow(&BUILT_IN, &base, &chain, 64)?;
    }

    #[test]
    fn a_sweep_has_what_a_scan_hits(bytes in file()) {
        let blob = Blob::whole(bytes.clone(), Arc::new(Provenance::Stdin));
        let mut hits: Vec<_> = BUILT_IN.scan(&blob).into_iter().map(|hit| (hit.occurrence.offset as u32, hit.fingerprint)).collect();
        let sweep = BUILT_IN.sweep(&bytes);
        let mut found: Vec<_> = sweep.candidates().map(|one| (one.secret.start, one.fingerprint)).collect();
        hits.sort();
        found.sort();
        // What is found as it is and decoded as well, is one hit; two rules may say the same.
        hits.dedup();
        found.dedup();
        prop_assert_eq!(hits, found);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn along_a_chain_of_twenty(
        base in file(),
        chain in prop::collection::vec(prop::collection::vec(op(), 1..8), 20),
    ) {
        follow(&ODD, &base, &chain, 64)?;
        follow(&BUILT_IN, &base, &chain, 64)?;
    }
}

#[test]
fn nothing_takes_no_memory() {
    let sweep = BUILT_IN.sweep(b"nothing to be seen");
    assert_eq!((sweep.is_empty(), sweep.memory()), (true, size_of::<Sweep>()));
}

/// What is cut from the base, or new.
enum Part<'p> {
    Kept(&'p [u8]),
    New(&'p [u8]),
}
use Part::{Kept, New};

/// The sweep of what is made of parts is that of the whole, both ways.
fn derived(base: &[u8], parts: &[Part<'_>]) -> [Sweep; 2] {
    let (mut bytes, mut runs) = (Vec::new(), Vec::new());
    for part in parts {
        let (Kept(part) | New(part)) = part;
        if let Some(at) = base.windows(part.len()).position(|window| window == *part) {
            runs.push(Run { base: at, at: bytes.len(), len: part.len() });
        }
        bytes.extend(*part);
    }
    let back: Vec<Run> = {
        let mut back: Vec<Run> = runs.iter().map(|run| Run { base: run.at, at: run.base, len: run.len }).collect();
        back.sort_by_key(|run| run.at);
        back
    };
    let (before, after) = (ODD.sweep(base), ODD.sweep(&bytes));
    assert!(ODD.sweep_delta(&before, base.len(), &bytes, &runs) == after, "{:?}", bytes.escape_ascii().to_string());
    assert!(ODD.sweep_delta(&after, bytes.len(), base, &back) == before, "{:?}", base.escape_ascii().to_string());
    [before, after]
}

#[test]
fn a_code_of_colour_reaches_as_far_as_it_is_long() {
    let code = format!("[{}mzz123{}", "1;".repeat(20), " and so on".repeat(30));
    let before = "some text ".repeat(30);
    let base = format!("{before}\x1b{code}");
    let [codes, plain] = derived(base.as_bytes(), &[Kept(before.as_bytes()), New(b"!"), Kept(code.as_bytes())]);
    assert_eq!((codes.candidates().count(), plain.candidates().count()), (0, 1));
}

#[test]
fn what_is_taken_for_utf_16_is_another_text() {
    let wide: Vec<u8> = " k12 and more of it".bytes().flat_map(|byte| [byte, 0]).collect();
    let rest: Vec<u8> = b" k12 ".repeat(400);
    let text = [&wide[..], &rest].concat();
    let [narrow, marked] = derived(&text, &[New(b"\xff\xfe"), Kept(&text)]);
    assert!(narrow.candidates().all(|one| one.layers.is_plain()));
    assert!(marked.candidates().any(|one| one.layers == Layers::default().with(Layer::Utf16)));
}

#[test]
fn where_a_blob_begins_and_ends_is_new_unless_both_do() {
    let middle = "edge1234;".to_owned() + &" text".repeat(100) + ";edge5678";
    let [within, alone] = derived(format!("x{middle}y").as_bytes(), &[Kept(middle.as_bytes())]);
    assert_eq!((within.candidates().count(), alone.candidates().count()), (0, 2));
    let [_, all] = derived(middle.as_bytes(), &[Kept(middle.as_bytes())]);
    assert_eq!(all, alone);
}

#[test]
fn what_is_too_dense_hands_nothing_down() {
    let (dense, tail) = ("k12 ".repeat(4096), "k12 and then some text without any ".repeat(20));
    let [dense, sparse] = derived(format!("{dense}\n{tail}").as_bytes(), &[Kept(tail.as_bytes())]);
    assert!(dense.whole && dense.anchors.is_empty() && !dense.is_empty());
    assert!(!sparse.whole && !sparse.anchors.is_empty());
}

#[test]
fn floods_are_told_and_not_inherited() {
    let text = "mzz123".repeat(MOST_MATCHES as usize + 1);
    let (some, rest) = text.split_at(60_000);
    let [flood, few] = derived(text.as_bytes(), &[Kept(some.as_bytes())]);
    assert_eq!((flood.floods().len(), few.floods().len()), (1, 0));
    let [_, flood] = derived(some.as_bytes(), &[Kept(some.as_bytes()), New(rest.as_bytes())]);
    assert_eq!(flood.floods().len(), 1);
}

#[test]
fn runs_that_do_not_fit_are_not_believed() {
    let text = b" k12 and k34 ".repeat(20);
    let (sweep, len) = (ODD.sweep(&text), text.len());
    let run = |base, at, len| Run { base, at, len };
    for runs in [
        vec![run(0, 0, len + 1)],
        vec![run(1, 0, len)],
        vec![run(usize::MAX, 0, 2)],
        vec![run(0, usize::MAX, 2)],
        vec![run(0, 0, 100), run(90, 90, 100)],
        vec![run(100, 100, 50), run(0, 0, 50)],
        vec![run(0, 0, 0)],
    ] {
        assert!(ODD.sweep_delta(&sweep, len, &text, &runs) == sweep, "{runs:?}");
    }
}
