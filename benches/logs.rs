//! How fast an access log goes through: lines as Apache writes them ("combined"), with no token, and with one each kB; read
//! alone, and read and looked at; plain, packed, and with the bytes the fastest, all zeros.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use measure::{Blind, Chance, take};
use stanch::catalog;
use stanch::detect::Detector;
use stanch::rule::example::{Recipe, seed};
use stanch::rule::{RuleSet, options};
use stanch::scan;
use stanch::secret::FingerprintKey;
use stanch::source::Source;
use stanch::source::logs::Logs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a log.
const LOG: usize = 128 << 20;

fn main() {
    if !measure::wanted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let detector = Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
    let plain = make(0);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&plain).unwrap();
    let logs = [
        ("no token", plain),
        ("a token each kB", make(1000)),
        ("no token, packed", packed.finish().unwrap()),
        ("zeros", vec![0; LOG]),
    ];
    for (what, bytes) in logs {
        let path = folder.path().join(what);
        std::fs::write(&path, bytes).unwrap();
        for threads in [1, 2] {
            let source = || Logs::new(vec![PathBuf::clone(&path)], None).unwrap();
            let mut length = 0;
            let taken = take(Duration::from_secs(2), || {
                let crew = Blind::new(threads);
                source().read(&crew).unwrap();
                length = usize::try_from(crew.bytes()).unwrap();
            });
            taken.print_rate(&format!("{what}, read alone, {threads} threads"), length);
            let options = scan::Options { threads, ..scan::Options::at(Timestamp::UNIX_EPOCH) };
            let taken = take(Duration::from_secs(5), || {
                scan::scan(Box::new(source()), &detector, &options, &()).unwrap();
            });
            taken.print_rate(&format!("{what}, {threads} threads"), length);
        }
        std::fs::remove_file(&path).unwrap();
    }
}

/// A log with a token about every so many bytes; none with 0.
fn make(every: usize) -> Vec<u8> {
    let tokens = tokens();
    let mut chance = Chance(8);
    let mut log = Vec::with_capacity(LOG + 1000);
    let mut due = every;
    while log.len() < LOG {
        let query = match every > 0 && log.len() >= due {
            true => {
                due += every;
                format!("?token={}", tokens[chance.below(tokens.len())])
            }
            false => String::new(),
        };
        let [a, b, c, d] = [(); 4].map(|()| chance.below(256));
        let (page, status, size) =
            (chance.below(5000), [200, 200, 200, 304, 404][chance.below(5)], chance.below(90_000));
        writeln!(
            log,
            "{a}.{b}.{c}.{d} - - [20/Nov/2026:{:02}:{:02}:{:02} +0000] \"GET /articles/{page}/view{query} HTTP/1.1\" {status} \
             {size} \"https://www.example.com/list?page={}\" \"Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101\"",
            chance.below(24),
            chance.below(60),
            chance.below(60),
            page / 10,
        )
        .unwrap();
    }
    log
}

/// What the built-in rules give as examples of what they find, where it fits into a URL.
fn tokens() -> Vec<String> {
    let mut tokens = Vec::new();
    for file in catalog::builtin() {
        let document = file.parse().unwrap();
        for example in options::examples(&document).iter().filter(|example| example.matches) {
            tokens.push(Recipe::parse(example.recipe).unwrap().make(seed(&example.rule, true, example.index)));
        }
    }
    tokens.retain(|token| token.bytes().all(|b| b.is_ascii_graphic()) && token.len() < 200);
    tokens
}
