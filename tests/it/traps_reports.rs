//! What people ask most of a scanner's reports, a test for each: nobody takes a scan that read nothing for a clean one,
//! what was accepted stays so when code moves, places are right in every encoding, and two runs say the same.

use crate::traps_history::{held, history};
use crate::world::{World, token};
use serde_json::Value;

/// A line that leaks the token of this seed.
fn leak(seed: u64) -> String {
    format!("SANDBOX_KEY={}\n", token(seed))
}

#[test]
fn ask_1_a_scan_that_read_nothing_says_so() {
    let world = World::repository();
    let told = |args: &[&str]| {
        let ended = world.stanch(&[args, &["--format", "json"]].concat());
        (ended.code, ended.json()["notes"].to_string())
    };
    for args in [&["history"][..], &["staged"], &["scan", "."]] {
        let (code, notes) = told(args);
        assert!(code == 0 && notes.contains("nothing was read"), "{args:?}: {code} {notes}");
    }
    world.stage("a", "one\n");
    world.commit("one");
    let (code, notes) = told(&["history", "--range", "HEAD..HEAD"]);
    assert!(code == 0 && notes.contains("nothing was read"), "{notes}");
    assert_eq!(told(&["history"]), (0, "[]".into()));
    assert_eq!(world.stanch(&["history", "--range", "nowhere..HEAD"]).code, 2, "a range that is none");
    assert_eq!(world.stanch(&["history", "no/such/folder"]).code, 2);
}

#[test]
fn asks_4_to_6_a_baseline_outlives_moved_code_and_rewritten_history() {
    let world = World::repository();
    for (name, seed) in [("b.env", 2), ("a.env", 1)] {
        world.stage(name, leak(seed));
        world.commit(name);
    }
    let write = || {
        assert_eq!(world.stanch(&["history", "--write-baseline", "known.json"]).code, 1);
        std::fs::read_to_string(world.path("known.json")).unwrap()
    };
    let first = write();
    world.git(&["rm", "-q", "a.env"]);
    world.stage("moved/far.env", format!("{}{}", "\n".repeat(70), leak(1)));
    world.commit("moved");
    world.git(&["reset", "-q", "--soft", "HEAD~2"]);
    world.git(&["commit", "-q", "--amend", "-m", "squashed"]);
    assert_eq!(write(), first, "no line, no commit, no date, no order in it");
    world.write("stanch.yaml", "version: 1\nbaseline: known.json\n");
    assert_eq!((world.stanch(&["history"]).code, world.stanch(&["scan"]).code), (0, 0));
    world.stage("c.env", leak(3));
    world.commit("new");
    assert_eq!(history(&world, ".", &[]).0["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn ask_12_utf16_in_blobs() {
    let world = World::repository();
    let text = format!("eins\n{}", leak(1));
    let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    world.stage("le", wide(u16::to_le_bytes));
    world.stage("be", wide(u16::to_be_bytes));
    world.stage("marked", [&b"\xff\xfe"[..], &wide(u16::to_le_bytes)].concat());
    world.commit("wide");
    let name = |name| format!("{name}:2@wide reachable refs/heads/main");
    assert_eq!(held(&history(&world, ".", &[]).0), ["be", "le", "marked"].map(name));
}

#[test]
fn ask_23_refs_that_are_hidden() {
    let world = World::repository();
    world.stage("a", "one\n");
    world.commit("one");
    for (at, name) in ["refs/pull/7/head", "refs/merge-requests/7/head", "refs/hidden/x"].into_iter().enumerate() {
        world.stage("a", leak(at as u64));
        let tree = world.git(&["write-tree"]);
        let commit = world.git(&["commit-tree", "-p", "HEAD", "-m", name, &tree]);
        world.git(&["update-ref", name, &commit]);
    }
    world.git(&["reset", "-q", "--hard"]);
    world.git(&["config", "transfer.hideRefs", "refs/hidden"]);
    for more in [&[][..], &["--reachable"]] {
        let told = held(&history(&world, ".", more).0);
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().all(|one| one.contains(" reachable refs/")), "{told:?}");
    }
}

#[test]
fn ask_24_sarif_has_states_suppressions_and_true_columns() {
    let world = World::new();
    world.write("a.env", format!("# \u{e4}\u{1f511} é {}", leak(1)));
    world.write("known.env", leak(2));
    assert_eq!(world.stanch(&["scan", "known.env", "--write-baseline", "known.json"]).code, 1);
    world.write("allowed.env", leak(3));
    world.write(
        "stanch.yaml",
        "version: 1\nbaseline: known.json\nallow:\n  - { path: allowed.env, reason: made for a test }\n",
    );
    let results = |more: &[&str]| {
        let report = world.stanch(&[&["scan", ".", "--format", "sarif"], more].concat()).json();
        assert_eq!(report["runs"][0]["columnKind"], "utf16CodeUnits");
        report["runs"][0]["results"].as_array().unwrap().clone()
    };
    let told = results(&[]);
    assert_eq!(told.len(), 1);
    // `# ä🔑 é SANDBOX_KEY=`: the key takes two code units, and four bytes.
    let region = &told[0]["locations"][0]["physicalLocation"]["region"];
    let length = token(1).len() as u64;
    assert_eq!((region["startColumn"].as_u64(), region["endColumn"].as_u64()), (Some(21), Some(21 + length)));
    assert!(told[0]["partialFingerprints"]["stanchCredential/v1"].is_string() && told[0].get("suppressions").is_none());
    let told = results(&["--explain"]);
    let states: Vec<&Value> = told.iter().map(|one| &one["baselineState"]).collect();
    assert_eq!(states, ["new", "new", "unchanged"]);
    let why = |at: usize| told[at]["suppressions"][0]["justification"].as_str().unwrap_or_default().to_owned();
    assert!(why(0).is_empty() && why(1).contains("made for a test") && why(2).contains("baseline"), "{told:#?}");
}

#[test]
fn ask_25_every_place_and_the_same_bytes_each_time() {
    let world = World::repository();
    for number in 0..12 {
        world.stage(&format!("{number}/a.env"), format!("{}{}", "#\n".repeat(number), leak(7)));
        world.commit(&format!("commit {number}"));
    }
    let told = |threads: &str| {
        let mut report = world.stanch(&["history", "--format", "json", "--threads", threads]).json();
        report["at"] = Value::Null;
        report["read"]["elapsed_ms"] = Value::Null;
        report
    };
    let one = told("1");
    assert_eq!(one["findings"][0]["occurrences"].as_array().unwrap().len(), 12);
    for threads in ["1", "2", "5"] {
        assert_eq!(told(threads), one, "{threads} threads");
    }
}
