//! How long a tree of source files takes: 3 500 files of 22 MB in 400 folders, read alone and read and looked at; and 20 000
//! files in one folder.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot go on ends")]

mod measure;

use jiff::Timestamp;
use measure::{Blind, Chance, PLAIN, TELLING, take, text};
use stanch::detect::Detector;
use stanch::rule::RuleSet;
use stanch::scan;
use stanch::secret::FingerprintKey;
use stanch::source::Source;
use stanch::source::files::Files;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const FOLDERS: usize = 400;
const FILES: usize = 3500;
/// Bytes of a file, in the mean.
const FILE: usize = 6300;
const CROWD: usize = 20_000;

fn main() {
    if !measure::wanted() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (tree, crowd) = (folder.path().join("tree"), folder.path().join("crowd"));
    let bytes = make(&tree);
    std::fs::create_dir(&crowd).unwrap();
    (0..CROWD).for_each(|at| std::fs::write(crowd.join(format!("{at:05}")), "x\n").unwrap());
    let detector = Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), Arc::new(FingerprintKey::public()));
    let budget = Duration::from_secs(5);
    for threads in [1, 2] {
        for (what, path, bytes) in [("the tree", &tree, bytes), ("one folder", &crowd, 2 * CROWD)] {
            let taken = take(budget, || {
                let crew = Blind::new(threads);
                Files::new(std::slice::from_ref(path), false).unwrap().read(&crew).unwrap();
                assert_eq!(crew.bytes(), bytes as u64);
            });
            taken.print(&format!("{what}, read alone, {threads} threads"));
        }
        let options = scan::Options { threads, ..scan::Options::at(Timestamp::UNIX_EPOCH) };
        let taken = take(budget, || {
            let source = Files::new(std::slice::from_ref(&tree), false).unwrap();
            scan::scan(Box::new(source), &detector, &options, &()).unwrap();
        });
        taken.print(&format!("the tree, {threads} threads"));
    }
}

/// The tree; how many bytes it has.
fn make(folder: &Path) -> usize {
    let words: Vec<&str> = PLAIN.iter().chain(TELLING).copied().collect();
    let mut chance = Chance(6);
    let mut bytes = 0;
    for at in 0..FILES {
        let under = at % FOLDERS;
        let path = folder.join(format!("{}/{}/{}", under % 7, under % 40, under));
        std::fs::create_dir_all(&path).unwrap();
        let text = text(&words, chance.below(2 * FILE), &mut chance);
        bytes += text.len();
        std::fs::write(path.join(format!("{at}.txt")), text).unwrap();
    }
    bytes
}
