//! The shape of the house, read from the source: imports run downward, each outside crate has its window.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From the top floor to the ground. Modules of one floor are strangers to one another.
const FLOORS: &[&[&str]] = &[
    &["main", "lib"],
    &["cli"],
    &["server", "sandbox"],
    &["config"],
    &["respond"],
    &["scan"],
    &["report"],
    &["incident"],
    &["rotate"],
    &["inventory"],
    &["validate"],
    &["provider", "store", "consumer", "probe"],
    &["ledger"],
    &["detect"],
    &["decode"],
    &["source", "rule"],
    &["http", "process", "workflow"],
    &["catalog"],
    &["yaml"],
    &["secret"],
    &["text", "file", "failpoint"],
];

/// Downward, and forbidden all the same: (who, whom, why).
const BANS: &[(&str, &[&str], &str)] = &[
    ("detect", &["http", "process", "workflow"], "eyes do not act"),
    ("decode", &["http", "process", "workflow", "catalog"], "eyes do not act"),
    ("source", &["http", "process", "workflow", "catalog"], "eyes do not act"),
    ("rule", &["http", "process", "workflow"], "eyes do not act"),
    ("provider", &["detect", "decode", "source", "rule", "ledger", "workflow"], "hands see nothing"),
    ("store", &["detect", "decode", "source", "rule", "ledger", "workflow"], "hands see nothing"),
    ("consumer", &["detect", "decode", "source", "rule", "ledger", "workflow"], "hands see nothing"),
    ("probe", &["detect", "decode", "source", "rule", "ledger", "workflow"], "hands see nothing"),
    ("workflow", &["secret", "text", "yaml", "catalog"], "the machine knows nothing of ours"),
    ("http", &["catalog"], "http knows no provider"),
    ("ledger", &["detect", "decode", "source", "rule", "http", "workflow"], "memory does not understand"),
    (
        "report",
        &["http", "process", "provider", "store", "consumer", "probe", "workflow", "ledger"],
        "the voice decides nothing",
    ),
];

/// Outside crates, and the only files or folders that may name them.
const WINDOWS: &[(&str, &[&str])] = &[
    ("reqwest", &["http/client.rs", "http/client/"]),
    ("git2", &["source/git/"]),
    ("libdeflater", &["source/git/pack/inflate.rs"]),
    ("ignore", &["source/files.rs"]),
    ("bzip2", &["source/unpack/"]),
    ("ruzstd", &["source/unpack/"]),
    ("lzma_rust2", &["source/unpack/"]),
    ("rayon", &["scan.rs", "scan/", "source/git/"]),
    ("regex_automata", &["rule/"]),
    ("regex_syntax", &["rule/"]),
    ("aho_corasick", &["detect/matcher/plain.rs", "detect/matcher/few.rs", "secret/redact.rs"]),
    ("serde_yaml", &["yaml.rs", "yaml/"]),
    ("rusqlite", &["ledger/sqlite.rs", "ledger/sqlite/"]),
    ("clap", &["cli/"]),
    ("indicatif", &["cli/"]),
    ("signal_hook", &["cli/"]),
    ("tokio", &["server/", "sandbox/"]),
    ("axum", &["server/", "sandbox/"]),
];

/// Printing, and the only place that may.
const PRINTING: &[&str] = &["println!", "eprintln!", "print!(", "eprint!(", "io::stdout()", "io::stderr()"];

#[test]
fn imports_run_downward() {
    let floor = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let mut wrong = BTreeSet::new();
    for (path, text) in sources() {
        let from = module(&path);
        let from_floor = floor(&from).unwrap_or_else(|| panic!("{} stands on no floor", path.display()));
        for to in imports(&text) {
            let Some(to_floor) = floor(&to) else { continue };
            if to != from && to_floor <= from_floor {
                wrong.insert(format!("{}: {from} -> {to} runs upward", path.display()));
            }
            for (who, whom, why) in BANS {
                if *who == from && whom.contains(&to.as_str()) {
                    wrong.insert(format!("{}: {from} -> {to}: {why}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", Vec::from_iter(wrong).join("\n"));
}

#[test]
fn every_floor_is_a_module_and_every_module_has_a_floor() {
    let on_disk: BTreeSet<String> = sources().keys().map(|path| module(path)).collect();
    let on_floors: BTreeSet<String> = FLOORS.iter().copied().flatten().map(|&name| name.to_owned()).collect();
    assert_eq!(on_disk, on_floors);
}

#[test]
fn each_outside_crate_has_its_window() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let place = path.to_string_lossy().into_owned();
        for (krate, windows) in WINDOWS {
            let named = code_lines(&text).any(|line| names_crate(line, krate));
            if named && !windows.iter().any(|window| place.starts_with(window)) {
                wrong.push(format!("{place} names {krate}, whose window is {}", windows.join(", ")));
            }
        }
        let prints = code_lines(&text).any(|line| PRINTING.iter().any(|word| line.contains(word)));
        if prints && !place.starts_with("cli/") {
            wrong.push(format!("{place} prints; only cli/ may"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_has_its_essay() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{} does not start with what it is for", path.display());
        assert!(text.lines().count() <= 600, "{} is longer than one sitting", path.display());
    }
}

/// Every file of `src/`, by its path below it, with its text up to the unit tests.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(&root).unwrap().to_owned(), text);
            }
        }
    }
    assert!(found.len() > 40, "the sources are there");
    found
}

/// The top-level module of a file: its folder, or its own stem.
fn module(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules of ours that a file names, outside its unit tests: `crate::x`, `stanch::x`, also in braces.
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let body: String = code_lines(text).collect::<Vec<_>>().join("\n");
    for root in ["crate::", "stanch::"] {
        for (at, _) in body.match_indices(root) {
            let before = body[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &body[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(list) => found.extend(first_words(list)),
                None => found.extend(word(rest)),
            }
        }
    }
    found
}

/// The first word of each item of `a::b, c::{d, e}}`: `a`, `c`.
fn first_words(list: &str) -> Vec<String> {
    let (mut depth, mut start, mut words) = (0, true, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if start && c.is_alphabetic() => {
                words.extend(word(&list[at..]));
                start = false;
            }
            _ => {}
        }
    }
    words
}

fn word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// Lines of code: no comments, and nothing from the unit tests on.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    let code = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    code.filter(|line| !line.trim_start().starts_with("//"))
}

fn names_crate(line: &str, krate: &str) -> bool {
    let path = format!("{krate}::");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    }) || line.trim().starts_with(&format!("use {krate};"))
}

#[test]
fn the_reader_of_imports_reads() {
    let text = "use crate::{a::b, c::{d, e}, f};\nuse stanch::g::h;\n// crate::no\nlet x = crate::i::j();\n#[cfg(test)]\ncrate::k";
    let want = ["a", "c", "f", "g", "i"].map(str::to_owned);
    assert_eq!(imports(text), BTreeSet::from(want));
}
