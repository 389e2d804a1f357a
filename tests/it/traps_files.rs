//! The traps that files hold (`../shared/design/scanner-facts.md`, section 5, traps 8, 9 and 10, and asks 11, 12 and 15 of
//! section 4): names and encodings, edges, hostile input, memory.

use crate::packed::gzip;
use crate::world::{Ended, World, token};
use std::ffi::OsStr;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;

fn scan(world: &World, args: &[&str]) -> Ended {
    world.stanch(&[&["scan", "--format", "json"], args].concat())
}

/// Where secrets were found: path, line, column, offset.
fn places(ended: &Ended) -> Vec<(String, u64, u64, u64)> {
    let report = ended.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let occurrences = findings.flat_map(|one| one["occurrences"].as_array().unwrap());
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    let place = |one: &serde_json::Value| {
        let start = &one["start"];
        let path = one["path"].as_str().unwrap().to_owned();
        (path, number(&start["line"]), number(&start["column"]), number(&one["offset"]))
    };
    let mut all: Vec<_> = occurrences.map(place).collect();
    all.sort();
    all
}

#[test]
fn names_of_any_bytes_are_read_listed_and_shown_harmlessly() {
    let world = World::new();
    let names: [&[u8]; 4] = [b"space name", b"new\nline", b"\xff\xfe", b"\x1b[31mred"];
    for (number, name) in (0..).zip(names) {
        fs::write(world.root().join(OsStr::from_bytes(name)), format!("k={}\n", token(number))).unwrap();
    }
    let mut shown = ["space name", "new\\nline", "\\xff\\xfe", "\\x1b[31mred"].map(|name| (name.to_owned(), 1, 3, 2));
    shown.sort();
    let ended = scan(&world, &["."]);
    assert_eq!(places(&ended), shown);
    assert!(!ended.stdout.contains('\u{1b}'));
    let list = names.join(&0);
    let ended = world.stanch_fed(&["scan", "--format", "json", "--files-from", "-"], &list);
    assert_eq!((places(&ended), ended.code), (shown.to_vec(), 1));
}

#[test]
fn a_list_of_files_means_those_files() {
    let world = World::new();
    for (number, name) in (0..).zip(["a", "b", "c d", "dir/e"]) {
        world.write(name, format!("k={}\n", token(number)));
    }
    world.write("lines", "a\n\nc d\ndir");
    let read = |args: &[&str]| places(&scan(&world, args)).into_iter().map(|place| place.0).collect::<Vec<_>>();
    assert_eq!(read(&["--files-from", "lines"]), ["a", "c d", "dir/e"]);
    assert_eq!(read(&["b", "--files-from", "lines"]), ["a", "b", "c d", "dir/e"], "with what is named");
    world.write("one", "a\nb");
    assert!(read(&["--files-from", "one", "--null"]).is_empty(), "one name with a line's end in it");
    // An empty list is nothing, not everything here.
    world.write("empty", "");
    let ended = scan(&world, &["--files-from", "empty"]);
    assert_eq!((places(&ended).len(), ended.code, ended.json()["read"]["blobs"].as_u64()), (0, 0, Some(0)));
    // What is not there is told.
    world.write("gone", "no/such\na\n");
    let ended = scan(&world, &["--files-from", "gone"]);
    let report = ended.json();
    let skipped = &report["skipped"][0];
    assert_eq!((skipped["what"].as_str(), skipped["why"].as_str()), (Some("no/such"), Some("absent")));
    assert_eq!((places(&ended).len(), report["complete"].as_bool(), ended.code), (1, Some(false), 1));
    world.write("gone", "no/such\n");
    assert_eq!(scan(&world, &["--files-from", "gone"]).code, 3);
    assert_eq!(scan(&world, &["--files-from", "no-list"]).code, 2);
}

#[test]
fn ends_of_lines_and_zeros() {
    let world = World::new();
    let key = token(1);
    world.write("crlf", format!("a\r\nb\r\nk={key}\r\n"));
    world.write("no-end", format!("a\nk={key}"));
    world.write("zeros", [b"a\0\0\nk=", key.as_bytes(), b"\0\0"].concat());
    let found = places(&scan(&world, &["."]));
    let want = [("crlf", 3, 3, 8), ("no-end", 2, 3, 4), ("zeros", 2, 3, 6)];
    assert_eq!(found, want.map(|(path, line, column, offset)| (path.to_owned(), line, column, offset)));
}

#[test]
fn links_lead_nowhere_else_and_what_is_special_is_counted() {
    use std::os::unix::fs::symlink;
    let (world, outside) = (World::new(), World::new());
    outside.write("far", format!("k={}\n", token(1)));
    world.write("tree/here", format!("k={}\n", token(2)));
    symlink(outside.path("far"), world.path("tree/out")).unwrap();
    symlink(outside.root(), world.path("tree/folder")).unwrap();
    symlink("here", world.path("tree/in")).unwrap();
    symlink("nothing", world.path("tree/dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(world.path("tree/socket")).unwrap();
    let ended = scan(&world, &["tree"]);
    assert_eq!(places(&ended), [("tree/here".to_owned(), 1, 3, 2)], "once, as what it is");
    let report = ended.json();
    let told: Vec<_> = report["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["what"].as_str().unwrap(), one["asked"].as_bool()))
        .collect();
    let passed = |name| (name, Some(false));
    assert_eq!(told, ["tree/dangling", "tree/folder", "tree/out", "tree/socket"].map(passed));
    assert_eq!(report["complete"], true);
}

/// Bytes that a part owns, and that are read of its neighbour: as in `source/parts.rs`.
const PART: usize = 2 << 20;
const CONTEXT: usize = 64 << 10;

#[test]
fn a_secret_on_an_edge_is_found_once() {
    let world = World::new();
    let key = token(1);
    let mut text = vec![b'-'; 2 * PART + 3 * CONTEXT];
    let places_of = [PART - 20, PART + CONTEXT - 20, 2 * PART - 1, 2 * PART + CONTEXT - 40];
    for at in places_of {
        text[at - 1] = b' ';
        text[at..at + key.len()].copy_from_slice(key.as_bytes());
        text[at + key.len()] = b' ';
    }
    // One line of 4 MB, as it is and as a stream.
    world.write("line", &text);
    world.write("line.gz", gzip(&text));
    let found = places(&scan(&world, &["."]));
    let want = |name: &str| places_of.map(|at| (name.to_owned(), 1, at as u64 + 1, at as u64));
    assert_eq!(found, [want("line"), want("line.gz")].concat());
}

#[test]
fn a_rule_that_looks_further_than_parts_overlap_is_refused() {
    let world = World::new();
    let rule =
        "provider: wide\ntitle: Wide\nrules:\n  - id: wide\n    description: Wide\n    pattern: 'wide_[a-z]{70000}'\n";
    world.write("rules/wide.yaml", format!("{rule}    keywords: [wide_]\n    confidence: high\n    examples: {{}}\n"));
    world.write("a", "nothing");
    let ended = world.stanch(&["scan", "a", "--rules", "rules"]);
    assert_eq!(ended.code, 2);
    let told = "rules/wide.yaml:6:14: the pattern may match 70005 bytes; 16384 are allowed";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
}

/// A gigabyte as a file with a hole, and 300 MB out of a stream of one line, in 400 MB of addresses: neither is held.
#[cfg(target_os = "linux")]
#[test]
fn what_is_big_is_not_held_in_memory() {
    let world = World::new();
    let key = format!(" {} ", token(1));
    let mut file = fs::File::create(world.path("hole")).unwrap();
    file.seek(SeekFrom::Start(1 << 30)).unwrap();
    file.write_all(key.as_bytes()).unwrap();
    let mut line = vec![0; 300 << 20];
    line.extend(key.as_bytes());
    world.write("stream.gz", gzip(&line));
    drop(line);
    let mut shell = world.command("sh");
    let command = "ulimit -v 400000; exec stanch scan --threads 2 --format json hole stream.gz";
    let output = shell.args(["-c", command]).output().unwrap();
    let ended = Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    };
    let want = [("hole", 1 << 30), ("stream.gz", 300 << 20)];
    assert_eq!(places(&ended), want.map(|(name, at)| (name.to_owned(), 1, at + 2, at + 1)), "{}", ended.stderr);
}

#[test]
fn wide_text_with_a_mark_and_without() {
    let world = World::new();
    let text = format!("first line\r\nkey = {}\r\n", token(1));
    for (name, mark) in [("plain", ""), ("marked", "\u{feff}")] {
        let text = format!("{mark}{text}");
        let units = || text.encode_utf16();
        let chars = || text.chars().map(u32::from);
        world.write(&format!("16le-{name}"), units().flat_map(u16::to_le_bytes).collect::<Vec<u8>>());
        world.write(&format!("16be-{name}"), units().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
        world.write(&format!("32le-{name}"), chars().flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
        world.write(&format!("32be-{name}"), chars().flat_map(u32::to_be_bytes).collect::<Vec<u8>>());
    }
    let ended = scan(&world, &["."]);
    let at = text.find("sbx").unwrap() as u64;
    let offsets: Vec<_> = places(&ended).into_iter().map(|(path, line, _, offset)| (path, line, offset)).collect();
    let place = |name: &str, mark: u64| (name.to_owned(), 2, if name.starts_with("16") { 2 } else { 4 } * (at + mark));
    let want = ["16be", "16le", "32be", "32le"];
    let want = want.iter().flat_map(|kind| [place(&format!("{kind}-marked"), 1), place(&format!("{kind}-plain"), 0)]);
    assert_eq!(offsets, want.collect::<Vec<_>>());
    assert!(ended.stdout.contains("UTF-32"), "{}", ended.stdout);
}

#[test]
fn a_big_file_is_written_as_it_starts() {
    let world = World::new();
    // Nothing in its later parts shows that this is UTF-16, but the mark in the first.
    let mut text = "\u{feff}".to_owned() + &"密码在这里".repeat((PART + 2 * CONTEXT) / 10);
    let at = text.chars().count() as u64;
    text.push_str(&format!(" {} 完", token(1)));
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(bytes.len() > PART + 2 * CONTEXT);
    world.write("big", &bytes);
    world.write("big.gz", gzip(&bytes));
    let offsets: Vec<_> =
        places(&scan(&world, &["."])).into_iter().map(|(path, _, _, offset)| (path, offset)).collect();
    assert_eq!(offsets, ["big", "big.gz"].map(|name| (name.to_owned(), 2 * (at + 1))));
}
