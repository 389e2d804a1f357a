//! How many bytes a second one thread sweeps: lines of an access log, the same with a token every KB (with and without all
//! that is said of a hit), base64 of text and of what is none, and blobs that differ little from their base, as in a history.
//! A file that is named is measured too: `cargo bench --bench sweep -- FILE`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use measure::{Chance, PLAIN, take, text};
use stanch::decode;
use stanch::detect::Detector;
use stanch::rule::RuleSet;
use stanch::rule::example::Recipe;
use stanch::secret::FingerprintKey;
use stanch::source::git::pack::Run;
use stanch::source::{Blob, Provenance};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const TEXT: usize = 8 << 20;
/// Bytes of a file that is edited, and how often.
const EDITED: usize = 24 << 10;
const EDITS: usize = 200;

fn main() {
    if !measure::wanted() {
        return;
    }
    let detector = Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
    let budget = Duration::from_secs(2);
    let named = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let mut texts: Vec<(String, Vec<u8>)> = vec![
        ("access log".into(), log(usize::MAX).into_bytes()),
        ("access log, a token every KB".into(), log(1000).into_bytes()),
        ("base64 of text, wrapped".into(), wrapped(text(PLAIN, TEXT * 3 / 4, &mut Chance(3)).as_bytes())),
        ("base64 of text, one line".into(), STANDARD.encode(text(PLAIN, TEXT * 3 / 4, &mut Chance(3))).into_bytes()),
        ("base64 of noise, wrapped".into(), wrapped(&noise())),
        ("base64 of noise, one line".into(), STANDARD.encode(noise()).into_bytes()),
    ];
    texts.extend(named.map(|path| (path.clone(), std::fs::read(path).unwrap())));
    for (what, bytes) in texts {
        let mut views = 0;
        let taken = take(budget, || {
            views = 0;
            decode::base64(&bytes, 0..bytes.len(), &mut |view| {
                views += 1;
                drop(black_box(view));
            });
        });
        taken.print_rate(&format!("{what}: {views} views"), bytes.len());
        let found = detector.sweep(&bytes).candidates().count();
        let taken = take(budget, || drop(black_box(detector.sweep(&bytes))));
        taken.print_rate(&format!("{what}: sweep, {found} found"), bytes.len());
        let blob = Blob::whole(bytes, Arc::new(Provenance::Stdin));
        let taken = take(budget, || drop(black_box(detector.scan(&blob))));
        taken.print_rate(&format!("{what}: scan"), blob.bytes.len());
    }
    edits(&detector, budget);
}

/// A file that changes a little, again and again.
fn edits(detector: &Detector, budget: Duration) {
    let mut chance = Chance(5);
    let mut versions = vec![(text(PLAIN, EDITED, &mut chance).into_bytes(), Vec::new())];
    for _ in 0..EDITS {
        let (last, _) = versions.last().unwrap();
        let at = chance.below(last.len() - 200);
        let (left, new) = (chance.below(120), text(PLAIN, 80, &mut chance));
        let bytes = [&last[..at], new.as_bytes(), &last[at + left..]].concat();
        let rest = Run { base: at + left, at: at + new.len(), len: last.len() - at - left };
        let runs = [Run { base: 0, at: 0, len: at }, rest].into_iter().filter(|run| run.len >= 64).collect();
        versions.push((bytes, runs));
    }
    let total = versions.iter().map(|(bytes, _)| bytes.len()).sum();
    let whole = take(budget, || {
        for (bytes, _) in &versions {
            black_box(detector.sweep(bytes));
        }
    });
    whole.print_rate("versions of a file: each as a whole", total);
    let derived = take(budget, || {
        let mut sweep = detector.sweep(&versions[0].0);
        for pair in versions.windows(2) {
            sweep = detector.sweep_delta(&sweep, pair[0].0.len(), &pair[1].0, &pair[1].1);
        }
        black_box(sweep);
    });
    derived.print_rate("versions of a file: each from the last", total);
}

/// Lines as a web server writes them, with a token after so many bytes.
fn log(apart: usize) -> String {
    let mut chance = Chance(1);
    let (mut log, mut next) = (String::with_capacity(TEXT + 1000), apart);
    let paths = [
        "/",
        "/assets/app-3f9c0b12.js",
        "/api/v2/orders/118232/items",
        "/static/fonts/inter-latin-400.woff2",
        "/login",
    ];
    let agents = [
        "curl/8.5.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
    ];
    let recipe = Recipe::parse("{{ \"ghp_\" }}{{ alnum(36) }}").unwrap();
    while log.len() < TEXT {
        let mut ip = || chance.below(256).to_string();
        let ip = [ip(), ip(), ip(), ip()].join(".");
        let (path, agent) = (paths[chance.below(paths.len())], agents[chance.below(agents.len())]);
        let (second, size) = (chance.below(86400), chance.below(90000));
        log.push_str(&format!(
            "{ip} - - [20/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET {path} HTTP/1.1\" 200 {size} \"-\" \"{agent}\"\n",
            second / 3600,
            second / 60 % 60,
            second % 60,
        ));
        if log.len() >= next {
            log.pop();
            log.push_str(&format!(" \"{}\"\n", recipe.make(chance.below(100_000) as u64)));
            next += apart;
        }
    }
    log
}

fn noise() -> Vec<u8> {
    let mut chance = Chance(4);
    (0..TEXT * 3 / 4).map(|_| chance.below(256) as u8).collect()
}

fn wrapped(bytes: &[u8]) -> Vec<u8> {
    let code = STANDARD.encode(bytes);
    code.as_bytes().chunks(76).flat_map(|line| line.iter().chain(b"\n")).copied().collect()
}
