//! Hostile and clumsy input through the built program: one clear message with the place, the right exit code, and
//! nothing lost.

use crate::world::{Ended, World, token};
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

/// That a verb fails (2), says these lines and shows no result.
fn fails(ended: &Ended, says: &[&str]) {
    assert_eq!(ended.code, 2, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(ended.stdout, "", "a failure has no result");
    assert!(ended.stderr.starts_with("stanch: failed to "), "{}", ended.stderr);
    for said in says {
        assert!(ended.stderr.contains(said), "{said:?} is not in:\n{}", ended.stderr);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

/// What a scan says of a configuration.
fn configured(yaml: &[u8]) -> Ended {
    let world = World::repository();
    world.write("stanch.yaml", yaml);
    world.stanch(&["scan", "."])
}

#[test]
fn every_mistake_of_a_configuration_is_told_at_its_line() {
    for (yaml, says) in [
        (
            "version: 1\nrulez: []\nallow: [{ path: x }]\n",
            &["stanch.yaml:2:1: unknown key `rulez`", "stanch.yaml:3:9: `reason`"][..],
        ),
        ("version: 1\nledger: a\nversion: 1\n", &["stanch.yaml:3:1: duplicate entry with key \"version\""]),
        (
            "version: 1\ncredentials:\n  - id: a\n    provider: b\n    provider: c\n",
            &["stanch.yaml:5:5: ", "\"provider\""],
        ),
        ("", &["stanch.yaml:1:1: expected a mapping, found nothing"]),
        ("- version: 1\n", &["stanch.yaml:1:1: expected a mapping, found a list"]),
        ("version: 2\n", &["stanch.yaml:1:10: this stanch reads version 1"]),
        ("version: 1\nallow: [\n", &["stanch.yaml:3:1: "]),
        ("version: 1\n\tledger: a\n", &["stanch.yaml:2:1: found a tab"]),
        ("version: 1\nbaseline: gone.json\n", &["gone.json: No such file"]),
        ("version: 1\nrules: [./gone]\n", &["/gone: No such file"]),
        ("version: 1\nfingerprint-key: { env: STANCH_NEVER_SET }\n", &["the variable STANCH_NEVER_SET: it is not set"]),
        ("version: 1\nfingerprint-key: { file: gone.key }\n", &["/gone.key: No such file"]),
        ("version: 1\nseal-key: abcdef\n", &["stanch.yaml:2:11: a secret is not written here"]),
    ] {
        fails(&configured(yaml.as_bytes()), says);
    }
    fails(&configured(b"version: 1\n\xff\xfe\0"), &["stanch.yaml", "valid UTF-8"]);
}

#[test]
fn a_configuration_that_would_swell_is_refused() {
    let deep = format!("a: {}", "[".repeat(20_000));
    let line = |at: u8| format!("k{at}: &k{at} [{}]\n", vec![format!("*k{}", at - 1); 9].join(","));
    let wide = format!("k0: &k0 [x, x, x, x, x, x, x, x, x]\n{}", (1..12).map(line).collect::<String>());
    fails(&configured(deep.as_bytes()), &["stanch.yaml:1:", "recursion limit"]);
    fails(&configured(wide.as_bytes()), &["stanch.yaml:1:1: repetition limit"]);
}

#[test]
fn a_baseline_that_is_damaged_or_newer_hides_nothing() {
    let world = World::repository();
    world.write("stanch.yaml", "version: 1\nbaseline: known.json\n");
    world.write("leak", token(7));
    for (text, says) in [
        ("", "it is damaged"),
        ("{", "it is damaged"),
        ("{\"version\":9,\"fingerprints\":[]}", "version 9 is newer"),
        ("{\"version\":1,\"fingerprints\":[\"zz\"]}", "it is not 32 hexadecimal digits"),
    ] {
        world.write("known.json", text);
        fails(&world.stanch(&["scan", "."]), &["/known.json: ", says]);
        assert_eq!(std::fs::read(world.path("known.json")).unwrap(), text.as_bytes());
    }
    assert_eq!(world.stanch(&["scan", "--no-baseline", "leak"]).code, 1);
}

#[test]
fn a_configuration_that_is_there_and_cannot_be_read_is_no_absence() {
    let world = World::repository();
    std::os::unix::fs::symlink("gone", world.path("stanch.yaml")).unwrap();
    fails(&world.stanch(&["scan", "."]), &["stanch.yaml: No such file"]);
    std::fs::remove_file(world.path("stanch.yaml")).unwrap();
    std::fs::create_dir(world.path("stanch.yaml")).unwrap();
    fails(&world.stanch(&["scan", "."]), &["stanch.yaml: Is a directory"]);
    fails(&world.stanch(&["scan", "--config", "other.yaml", "."]), &["other.yaml: No such file"]);
    assert_eq!(world.stanch(&["scan", "--no-config", "."]).code, 0);
}

/// A rules file of one rule, whose lines after the id are these.
fn rule(lines: &str) -> String {
    format!("provider: acme\ntitle: Acme\nrules:\n  - id: acme-key\n    description: d\n{lines}")
}

#[test]
fn every_mistake_of_a_rules_file_is_told_at_its_line() {
    let examples = "    examples: { match: ['acme_{{ lower(10) }}'], no-match: ['acme_{{ digits(9) }}'] }\n";
    let keyed = "    keywords: [acme_]\n";
    for (text, says) in [
        (
            rule(&format!("{keyed}    pattern: 'acme_([a-z'\n{examples}")),
            &["acme.yaml:7:14: the pattern is no regular expression"][..],
        ),
        (
            rule(&format!("{keyed}    pattern: 'acme_([a-z]+)'\n{examples}")),
            &["acme.yaml:7:14: the pattern has no longest match"],
        ),
        (rule(&format!("    pattern: 'acme_([a-z]{{10}})'\n{examples}")), &["acme.yaml:4:5: `keywords` is missing"]),
        (
            rule(&format!("{keyed}    colour: red\n    pattern: 'acme_'\n")),
            &["acme.yaml:4:5: `examples` is missing", "acme.yaml:7:5: unknown key `colour`"],
        ),
        (
            "provider: acme\n".to_owned(),
            &["acme.yaml:1:1: `title` is missing", "acme.yaml:1:1: neither `rules` nor `api`"],
        ),
        (String::new(), &["acme.yaml:1:1: expected a mapping"]),
    ] {
        let world = World::repository();
        world.write("rules/acme.yaml", text);
        world.write("stanch.yaml", "version: 1\nrules: [./rules]\n");
        fails(&world.stanch(&["rules", "test", "rules"]), says);
        fails(&world.stanch(&["scan", "."]), says);
    }
}

#[test]
fn an_id_that_stands_twice_and_examples_that_do_not_hold_are_told() {
    let world = World::new();
    let good = rule(
        "    keywords: [acme_]\n    pattern: 'acme_([a-z]{10})'\n    examples: { match: ['acme_{{ lower(10) }}'], no-match: ['acme_1'] }\n",
    );
    let twice = format!("{good}{}", good.split_once("rules:\n").unwrap().1);
    world.write("rules/acme.yaml", twice);
    fails(&world.stanch(&["rules", "test", "rules"]), &["acme.yaml:9:5: the id `acme-key` stands in"]);
    world.write(
        "rules/acme.yaml",
        good.replace("'acme_1'", "'acme_{{ lower(10) }}'").replacen("match: ['acme_{{", "match: ['{{", 1),
    );
    let ended = world.stanch(&["rules", "test", "rules"]);
    assert_eq!(ended.code, 2);
    for said in ["acme.yaml:8:25: acme-key does not match this", "acme.yaml:8:56: acme-key finds something here"] {
        assert!(ended.stdout.contains(said) || ended.stderr.contains(said), "{said}: {}{}", ended.stdout, ended.stderr);
    }
    fails(&world.stanch(&["rules", "test", "gone"]), &["read rules from gone: No such file"]);
}

#[test]
fn what_is_no_repository_or_a_broken_one() {
    let world = World::new();
    for verb in ["history", "staged"] {
        fails(&world.stanch(&[verb]), &["read the repository .: could not find repository"]);
    }
    fails(&world.stanch(&["history", "gone"]), &["the repository gone", "No such file"]);
    world.git(&["init", "-q", "-b", "main"]);
    assert_eq!(world.stanch(&["history"]).code, 0, "empty is clean");
    assert_eq!(world.stanch(&["staged"]).code, 0);
    world.stage("a", "nothing");
    world.commit("one");
    for (range, says) in [
        ("gone..main", "no commit `gone`"),
        ("main...gone", "three dots"),
        ("..", "neither side"),
        ("", "neither side"),
    ] {
        fails(&world.stanch(&["history", "--range", range]), &[says]);
    }
    world.write(".git/index", "no index");
    fails(&world.stanch(&["staged"]), &["read the index of ."]);
    world.write(".git/HEAD", "no id");
    let ended = world.stanch(&["history"]);
    assert_eq!(ended.code, 3, "a branch is read all the same: {}", ended.stdout);
    assert!(ended.stdout.contains("HEAD is corrupt"), "{}", ended.stdout);
}

#[test]
fn a_corrupt_pack_is_listed_and_exits_3() {
    let world = World::repository();
    world.stage("a", "x".repeat(2000));
    world.commit("one");
    world.git(&["gc", "-q"]);
    let packs = world.snapshot(".git/objects/pack");
    let (pack, mut bytes) =
        packs.into_iter().find(|(path, _)| path.extension().is_some_and(|end| end == "pack")).unwrap();
    let end = bytes.len() - 20;
    bytes[16..end].iter_mut().for_each(|byte| *byte ^= 0x55);
    std::fs::set_permissions(&pack, std::fs::Permissions::from_mode(0o644)).unwrap();
    std::fs::write(&pack, bytes).unwrap();
    let ended = world.stanch(&["history"]);
    assert_eq!(ended.code, 3, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains("complete  NO"), "{}", ended.stdout);
    world.write("leak", token(1));
    let ended = world.stanch(&["scan", "leak", ".git/objects/pack", "/dev/null"]);
    assert_eq!(ended.code, 1, "found and incomplete: {}", ended.stdout);
}

#[test]
fn a_ref_whose_name_is_no_text_is_read() {
    let world = World::repository();
    world.stage("a", "clean");
    world.commit("one");
    world.git(&["checkout", "-q", "--detach"]);
    world.stage("b", token(2));
    let id = world.commit("two");
    world.git(&["checkout", "-q", "main"]);
    std::fs::remove_dir_all(world.path(".git/logs")).unwrap();
    let held = |held: &str| {
        let ended = world.stanch(&["history", "--format", "json"]);
        assert_eq!(ended.code, 1, "{}", ended.stderr);
        assert!(ended.stdout.contains(&format!("\"held\": \"{held}\"")), "{held}: {}", ended.stdout);
    };
    held("unreachable");
    let name = std::ffi::OsString::from_vec(b"b\xff".to_vec());
    std::fs::write(world.path(".git/refs/heads").join(name), format!("{id}\n")).unwrap();
    held("reachable");
    world.git(&["pack-refs", "--all"]);
    held("reachable");
}

#[test]
fn what_is_no_file() {
    let world = World::new();
    for place in ["/dev/null", "/dev/zero"] {
        let ended = world.stanch(&["scan", place]);
        assert_eq!(ended.code, 3);
        assert!(ended.stdout.contains("is not a regular file"), "{}", ended.stdout);
    }
    let ended = world.stanch(&["scan", "/proc/self/status"]);
    assert_eq!(ended.code, 0, "its size is 0 and it is read: {}", ended.stdout);
    assert!(!ended.stdout.contains(" 0 B"), "{}", ended.stdout);
    fails(&world.stanch(&["scan", "gone"]), &["read gone: No such file"]);
    fails(&world.stanch(&["logs", "."]), &["it stands for no file"]);
    fails(&world.stanch(&["logs", "*.log"]), &["it stands for no file"]);
}

#[test]
fn a_damaged_log_is_read_up_to_there() {
    let world = World::new();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let noise = (0..2000).map(|line| format!("{line}\n")).collect::<String>();
    std::io::Write::write_all(&mut packer, format!("{}\n{noise}", token(3)).as_bytes()).unwrap();
    let whole = packer.finish().unwrap();
    world.write("whole.gz", [&whole[..], b"rest"].concat());
    world.write("cut.gz", &whole[..whole.len() / 2]);
    world.write("head.gz", &whole[..5]);
    for (name, code) in [("whole.gz", 1), ("cut.gz", 1), ("head.gz", 3)] {
        let ended = world.stanch(&["logs", name]);
        assert_eq!(ended.code, code, "{name}: {}", ended.stdout);
        assert!(ended.stdout.contains(&format!("{name} is damaged, read up to there")), "{}", ended.stdout);
    }
}

#[test]
fn a_token_in_colour_is_found_at_its_place() {
    let world = World::new();
    world.write("app.log", format!("key: \x1b[1;31m{}\x1b[0m\n", token(6)));
    for verb in ["logs", "scan"] {
        let ended = world.stanch(&[verb, "app.log", "--format", "json"]);
        assert_eq!(ended.code, 1, "{verb}: {}", ended.stdout);
        let found = &ended.json()["findings"][0]["occurrences"][0]["start"];
        assert_eq!((&found["line"], &found["column"]), (&1.into(), &13.into()), "{found:#}");
    }
}

#[test]
fn no_report_sends_codes_to_the_terminal() {
    let world = World::repository();
    let key = token(4);
    world.stage("p\x1b[31m\nq", format!("\x1b[2J {key}\x07\n"));
    let mut git = world.command("git");
    git.args(["commit", "-q", "-m", "\x1b]0;title\x07 m"]).env("GIT_AUTHOR_NAME", "E\x1b[31mve\x07");
    assert!(git.status().unwrap().success());
    let name = std::ffi::OsString::from_vec(b"no\xfftext".to_vec());
    std::fs::write(world.root().join(name), &key).unwrap();
    let formats = ["text", "json", "jsonl", "sarif", "gitleaks"];
    for (verb, format) in formats.iter().flat_map(|format| [("history", format), ("scan", format)]) {
        let ended = world.stanch(&[verb, ".", "--format", format, "--explain"]);
        assert_eq!(ended.code, 1, "{verb} {format}: {}", ended.stderr);
        assert!(!ended.stdout.contains(|c: char| c.is_control() && c != '\n'), "{verb} {format}: {}", ended.stdout);
        assert!(!ended.stdout.contains(&key), "{verb} {format}");
    }
    let missing = world.stanch(&["scan", "a\x1b[31mb"]);
    assert!(!missing.stderr.contains('\x1b'), "{}", missing.stderr);
}

#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    world.write("leak", token(5));
    world.write("kept", "kept");
    std::os::unix::fs::symlink("kept", world.path("link")).unwrap();
    std::fs::create_dir(world.path("folder")).unwrap();
    for place in ["gone/report.json", "folder", "/dev/full", "link"] {
        let ended = world.stanch(&["scan", "leak", "--format", "json", "--output", place]);
        fails(&ended, &[&format!("write {place}: ")]);
    }
    assert_eq!(std::fs::read(world.path("kept")).unwrap(), b"kept", "nothing is written through a link");
    let mut full = world.command(env!("CARGO_BIN_EXE_stanch"));
    full.args(["scan", "leak"]).stdout(std::fs::File::options().write(true).open("/dev/full").unwrap());
    let output = full.stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("write to standard output: No space left"));
}

#[test]
fn a_pipe_that_closes_is_no_failure() {
    let world = World::new();
    let leaks: String = (0..2000).map(|seed| format!("{}\n", token(seed))).collect();
    world.write("leaks", leaks);
    for (args, code) in
        [(&["scan", "leaks", "--format", "json"][..], 1), (&["rules", "list"], 0), (&["scan", "--help"], 0)]
    {
        let mut stanch = world.command(env!("CARGO_BIN_EXE_stanch"));
        let mut child = stanch.args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdout.take().unwrap().read_exact(&mut [0; 1]).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!String::from_utf8_lossy(&output.stderr).contains("roken pipe"));
    }
}

#[test]
fn a_ledger_that_is_none_or_newer_is_left_as_it_is() {
    let world = World::new();
    let ledger = |name: &str| {
        world.write("stanch.yaml", format!("version: 1\nledger: {name}\n"));
        world.stanch(&["incident", "list"])
    };
    assert_eq!(ledger("ledger.db").code, 0, "made when there is none");
    world.write("notes.txt", "no ledger, and long enough to hold the header of one: ".repeat(4));
    world.write("other.db", std::fs::read(world.path("ledger.db")).unwrap());
    world.write("newer.db", std::fs::read(world.path("ledger.db")).unwrap());
    let sql =
        |name: &str, text: &str| rusqlite::Connection::open(world.path(name)).unwrap().execute_batch(text).unwrap();
    sql("other.db", "PRAGMA journal_mode = DELETE; PRAGMA application_id = 7;");
    sql("newer.db", "PRAGMA journal_mode = DELETE; PRAGMA user_version = 99;");
    for (name, says) in
        [("notes.txt", "not a database"), ("other.db", "not a ledger of stanch"), ("newer.db", "it is of version 99")]
    {
        let mode = std::fs::Permissions::from_mode(if name == "newer.db" { 0o600 } else { 0o644 });
        std::fs::set_permissions(world.path(name), mode.clone()).unwrap();
        let before = std::fs::read(world.path(name)).unwrap();
        fails(&ledger(name), &[&format!("/{name}: "), says]);
        assert_eq!(std::fs::read(world.path(name)).unwrap(), before, "{name} is as it was");
        assert_eq!(std::fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777, mode.mode(), "{name}");
        assert!(!world.path(&format!("{name}.key")).exists(), "{name}: no key is made for it");
    }
    std::fs::create_dir(world.path("folder")).unwrap();
    fails(&ledger("folder"), &["/folder: Is a directory"]);
    fails(&ledger("/proc/none/ledger.db"), &["/proc/none/ledger.db: "]);
    fails(&ledger("notes.txt/ledger.db"), &["/notes.txt/ledger.db: "]);
    let key = std::fs::read(world.path("ledger.db.key")).unwrap();
    std::fs::remove_file(world.path("ledger.db.key")).unwrap();
    fails(&ledger("ledger.db"), &["/ledger.db.key: it is gone"]);
    assert!(!world.path("ledger.db.key").exists(), "no other is made");
    world.write("ledger.db.key", "00".repeat(32));
    std::fs::set_permissions(world.path("ledger.db.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    fails(&ledger("ledger.db"), &["/ledger.db.key: it is not the key of the ledger"]);
    world.write("ledger.db.key", key);
    assert_eq!(ledger("ledger.db").code, 0, "nothing was lost");
}
