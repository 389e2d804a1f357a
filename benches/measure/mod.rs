//! What the benches share: a thing is done again and again, and the median is told.

#![allow(dead_code, reason = "each bench takes what it needs")]

use stanch::source::{Blob, Crew, Skipped};
use stanch::text::lines::Position;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Whether this is `cargo bench`; under `cargo test --all-targets` a bench does nothing.
pub fn wanted() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// The middle and the best of several runs.
pub struct Taken {
    pub median: Duration,
    pub best: Duration,
    pub runs: usize,
}

/// Does `once` as often as fits into `budget`, at least 5 times, after one run that does not count.
pub fn take(budget: Duration, mut once: impl FnMut()) -> Taken {
    once();
    let (started, mut times) = (Instant::now(), Vec::new());
    while times.len() < 5 || started.elapsed() < budget {
        let begin = Instant::now();
        once();
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    Taken { median: times[times.len() / 2], best: times[0], runs: times.len() }
}

impl Taken {
    /// A line for something that takes milliseconds.
    pub fn print(&self, what: &str) {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!("{what:44} median {:9.2} ms   best {:9.2} ms   {} runs", ms(self.median), ms(self.best), self.runs);
    }

    /// A line for something that goes through so many bytes.
    pub fn print_rate(&self, what: &str, bytes: usize) {
        let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
        println!(
            "{what:44} median {:9.1} MB/s best {:9.1} MB/s {} runs",
            rate(self.median),
            rate(self.best),
            self.runs
        );
    }
}

/// Reads and does not look: what reading alone costs.
pub struct Blind {
    threads: usize,
    number: AtomicU64,
    bytes: AtomicU64,
}

impl Blind {
    pub fn new(threads: usize) -> Blind {
        Blind { threads, number: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Bytes that were read.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Crew for Blind {
    fn threads(&self) -> usize {
        self.threads
    }

    fn memory(&self) -> usize {
        stanch::scan::MEMORY
    }

    fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    fn look(&self, _: u64, blob: &Blob) -> bool {
        self.bytes.fetch_add(blob.own.len() as u64, Ordering::Relaxed);
        false
    }

    fn placed(&self, _: u64, _: Position) {}

    fn skip(&self, _: u64, skipped: Skipped) {
        assert!(!skipped.asked, "{skipped:?}");
    }

    fn commits(&self, _: u64) {}

    fn commit(&self) {}

    fn stopped(&self) -> bool {
        false
    }
}

/// Numbers without rhyme, the same at every run (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }
}

/// About `bytes` of text in lines, made of `words`.
pub fn text(words: &[&str], bytes: usize, chance: &mut Chance) -> String {
    let mut text = String::with_capacity(bytes + 100);
    while text.len() < bytes {
        text.push_str(["", "    ", "        "][chance.below(3)]);
        for _ in 0..3 + chance.below(7) {
            text.push_str(words[chance.below(words.len())]);
            text.push([' ', ' ', ' ', '.', '(', ')', '='][chance.below(7)]);
        }
        text.push('\n');
    }
    text
}

/// Words of no rule's keywords.
pub const PLAIN: &[&str] = &[
    "fn", "let", "match", "return", "if", "else", "for", "in", "self", "count", "index", "buffer", "length", "width",
    "height", "path", "line", "column", "parser", "node", "tree", "walk", "merge", "split", "render", "window",
    "frame", "0", "1", "42", "None", "Some", "Ok", "true", "false", "the", "of", "what", "stands", "here", "reader",
    "writer",
];

/// Words that a program about accounts is full of.
pub const TELLING: &[&str] = &[
    "token",
    "secret",
    "password",
    "api_key",
    "client_secret",
    "access_token",
    "authorization",
    "bearer",
    "credentials",
];
