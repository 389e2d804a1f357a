//! The traps of a staged scan, a test for each row (`../shared/design/scanner-facts.md`, section 5), through real `git commit`
//! with our hook in a real repository, and the asks of section 4 that are about it. After each the hook has changed nothing.

use crate::gate::{Gate, guarded, leak, passed, stopped};
use crate::world::{World, token};
use stanch::rule::example::Recipe;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

/// Commits, and gives what git said.
fn commit(world: &World, more: &[&str]) -> crate::world::Ended {
    world.try_git(&[&["commit", "-m", "message"], more].concat())
}

fn commits(world: &World) -> usize {
    world.git(&["rev-list", "--count", "HEAD"]).parse().unwrap()
}

#[test]
fn trap_1a_in_the_index_and_cleaned_in_the_work_tree() {
    let (world, gate) = guarded(&[]);
    world.stage("a.env", leak(1));
    world.write("a.env", "nothing\n");
    stopped(&gate, &commit(&world, &[]), 1, &["stopped this commit", "a.env:1"]);
    assert_eq!(commits(&world), 1);
}

#[test]
fn trap_1b_only_in_the_work_tree() {
    let (world, gate) = guarded(&[]);
    world.stage("a.env", "fine\n");
    world.write("a.env", leak(1));
    world.write("b.env", leak(2));
    passed(&gate, &commit(&world, &[]));
    world.write("a.env", "fine\n");
    world.stage("c", "fine\n");
    world.git(&["add", "-N", "b.env"]);
    passed(&gate, &commit(&world, &[]));
    assert_eq!(commits(&world), 3, "what is only announced is no part of a commit");
}

#[test]
fn trap_1c_the_very_first_commit() {
    let world = World::repository();
    let gate = Gate::install(&world.path(".git"), "pre-commit", "");
    world.stage("a.env", leak(1));
    stopped(&gate, &commit(&world, &[]), 1, &["a.env:1"]);
    assert_ne!(world.try_git(&["rev-parse", "-q", "--verify", "HEAD"]).code, 0, "there is no commit");
    world.stage("a.env", "fine\n");
    passed(&gate, &commit(&world, &[]));
}

#[test]
fn trap_1d_a_lock_and_an_unmerged_index() {
    let (world, gate) = guarded(&[]);
    world.stage("a.env", leak(1));
    world.write(".git/index.lock", "");
    let before = world.snapshot(".git");
    assert_eq!(world.stanch(&["staged"]).code, 1, "git's lock is no matter");
    assert_eq!(world.snapshot(".git"), before);
    assert_ne!(commit(&world, &[]).code, 0, "git itself waits for its lock");
    assert_eq!(gate.code(), None);
    std::fs::remove_file(world.path(".git/index.lock")).unwrap();
    world.stage("a.env", "base\n");
    passed(&gate, &commit(&world, &[]));

    world.git(&["checkout", "-q", "-b", "side"]);
    world.stage("a.env", "side\n");
    passed(&gate, &commit(&world, &[]));
    world.git(&["checkout", "-q", "main"]);
    world.stage("a.env", "main\n");
    passed(&gate, &commit(&world, &[]));
    assert_ne!(world.try_git(&["merge", "-q", "side"]).code, 0);
    world.stage("b.env", leak(2));
    let before = world.snapshot(".git");
    let ended = world.stanch(&["staged"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("b.env:1") && ended.stdout.contains("a.env is unmerged"), "{}", ended.stdout);
    assert_eq!(world.snapshot(".git"), before);
    world.git(&["rm", "-q", "--cached", "b.env"]);
    assert_eq!(world.stanch(&["staged"]).code, 3, "what will be committed at a.env nobody knows yet");
}

#[test]
fn trap_1e_the_index_that_git_names() {
    let (world, gate) = guarded(&[]);
    for name in ["a", "b"] {
        world.stage(name, "fine\n");
    }
    passed(&gate, &commit(&world, &[]));
    world.write("a", leak(1));
    stopped(&gate, &commit(&world, &["-a"]), 1, &["a:1"]);
    stopped(&gate, &commit(&world, &["--only", "a"]), 1, &["a:1"]);
    stopped(&gate, &commit(&world, &["--include", "a"]), 1, &["a:1"]);
    world.write("b", "fine, too\n");
    passed(&gate, &commit(&world, &["--only", "b"]));

    let mut git = world.command("git");
    git.args(["commit", "-p", "-m", "by parts"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = git.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"y\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("a:1"), "{said}");
    assert_eq!(gate.code(), Some(1));
    assert_eq!(commits(&world), 3);
}

#[test]
fn trap_1f_an_old_secret_elsewhere_in_a_touched_file() {
    let (world, gate) = guarded(&[]);
    let lines = "line\n".repeat(30);
    world.stage("a.env", format!("{}{lines}", leak(1)));
    world.git(&["commit", "-q", "--no-verify", "-m", "old"]);
    world.stage("a.env", format!("{}{lines}more\n", leak(1)));
    passed(&gate, &commit(&world, &[]));
    world.stage("a.env", format!("{}{lines}more\n{}", leak(1), leak(2)));
    let ended = commit(&world, &[]);
    stopped(&gate, &ended, 1, &["it would give away a credential", "a.env:33"]);
    assert!(!ended.stderr.contains("a.env:1\n"), "{}", ended.stderr);
}

#[test]
fn trap_2a_a_rename_with_an_edit() {
    let (world, gate) = guarded(&[]);
    let lines: String = (0..10).map(|number| format!("line {number}\n")).collect();
    world.stage("a.env", format!("{lines}{}", leak(1)));
    world.stage("other.env", format!("other one\nother two\n{}", leak(2)));
    world.git(&["commit", "-q", "--no-verify", "-m", "old"]);

    world.git(&["mv", "a.env", "b.env"]);
    passed(&gate, &commit(&world, &[]));
    world.git(&["mv", "b.env", "c.env"]);
    world.stage("c.env", format!("{lines}{}edited\n", leak(1)));
    passed(&gate, &commit(&world, &[]));
    // It grew to many times its size; git itself calls that a new file.
    world.git(&["mv", "c.env", "d.env"]);
    let more: String = (0..100).map(|number| format!("more {number}\n")).collect();
    world.stage("d.env", format!("{more}{lines}{}", leak(1)));
    passed(&gate, &commit(&world, &[]));
    // Two are melted into one.
    world.git(&["rm", "-q", "--cached", "d.env", "other.env"]);
    let melted = format!("{more}{lines}{}other one\nother two\n{}", leak(1), leak(2));
    world.stage("all.env", &melted);
    passed(&gate, &commit(&world, &[]));

    world.git(&["mv", "all.env", "last.env"]);
    world.stage("last.env", format!("{melted}{}", leak(3)));
    let ended = commit(&world, &[]);
    stopped(&gate, &ended, 1, &["it would give away a credential", "last.env:"]);
    world.git(&["reset", "-q", "--hard"]);
    world.stage("copy.env", &melted);
    stopped(&gate, &commit(&world, &[]), 1, &["2 credentials", "copy.env"]);
}

#[test]
fn trap_2a_a_folder_that_is_renamed() {
    let (world, gate) = guarded(&[]);
    for number in 0..40 {
        world.stage(&format!("from/{number}.env"), format!("file {number}\nkind: env\n{}", leak(number)));
    }
    world.git(&["commit", "-q", "--no-verify", "-m", "old"]);
    world.git(&["mv", "from", "to"]);
    for number in 0..40 {
        world.write(&format!("to/{number}.env"), format!("file {number}\nkind: env\n{}edited\n", leak(number)));
    }
    world.git(&["add", "-A"]);
    passed(&gate, &commit(&world, &[]));
}

#[test]
fn trap_2b_a_link_that_becomes_a_file() {
    let (world, gate) = guarded(&[]);
    std::os::unix::fs::symlink("README", world.path("link")).unwrap();
    world.git(&["add", "link"]);
    passed(&gate, &commit(&world, &[]));
    std::fs::remove_file(world.path("link")).unwrap();
    world.stage("link", leak(1));
    stopped(&gate, &commit(&world, &[]), 1, &["link:1"]);
    world.git(&["reset", "-q", "--hard"]);
    std::fs::remove_file(world.path("README")).unwrap();
    std::os::unix::fs::symlink(token(2), world.path("README")).unwrap();
    stopped(&gate, &commit(&world, &["-a"]), 1, &["README:1"]);
    world.git(&["reset", "-q", "--hard"]);
    // A submodule, and a file in its place.
    let id = world.git(&["rev-parse", "HEAD"]);
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},module")]);
    passed(&gate, &commit(&world, &[]));
    let told = world.stanch(&["staged", "--format", "json"]);
    assert_eq!(told.code, 0);
    world.git(&["rm", "-q", "--cached", "module"]);
    world.stage("module", leak(3));
    stopped(&gate, &commit(&world, &[]), 1, &["module:1"]);
}

#[test]
fn submodules_are_told_and_do_not_make_a_scan_incomplete() {
    let (world, gate) = guarded(&[]);
    let id = world.git(&["rev-parse", "HEAD"]);
    world.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},module")]);
    let ended = world.stanch(&["staged", "--format", "json"]);
    let report = ended.json();
    assert_eq!((ended.code, &report["complete"]), (0, &true.into()));
    assert_eq!(report["skipped"][0]["what"], "module");
    assert_eq!(report["skipped"][0]["why"], "submodule");
    passed(&gate, &commit(&world, &[]));
}

#[test]
fn trap_3a_binary_wide_and_big_files() {
    let (world, gate) = guarded(&[]);
    let wide = |text: &str, big: bool| -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let text = format!("[default]\r\n{}", leak(1));
    let files = [
        ("le-bom", [&[0xff, 0xfe][..], &wide(&text, false)].concat()),
        ("be-bom", [&[0xfe, 0xff][..], &wide(&text, true)].concat()),
        ("le", wide(&text, false)),
        ("be", wide(&text, true)),
        ("nul", format!("\0\0binary\0\n{text}\0").into_bytes()),
        ("crlf", text.replace('\n', "\r\n").into_bytes()),
        ("no-end", text.trim_end().as_bytes().to_vec()),
    ];
    for (name, bytes) in files {
        world.stage(name, bytes);
        stopped(&gate, &commit(&world, &[]), 1, &[&format!("{name}:")]);
        world.git(&["rm", "-q", "-f", name]);
    }
    // Git writes such a file into a pack at once, and shows no difference in it.
    world.git(&["config", "core.bigFileThreshold", "1"]);
    world.stage("big", leak(2));
    assert!(world.git(&["diff", "--cached"]).contains("Binary files"));
    stopped(&gate, &commit(&world, &[]), 1, &["big:1"]);
}

#[test]
fn trap_3b_an_attribute_that_hides_a_file() {
    let (world, gate) = guarded(&[]);
    world.stage(".gitattributes", "*.env -diff binary\n*.txt diff=quiet export-ignore linguist-generated\n");
    passed(&gate, &commit(&world, &[]));
    for name in ["a.env", "a.txt"] {
        world.stage(name, leak(1));
        stopped(&gate, &commit(&world, &[]), 1, &[&format!("{name}:1")]);
        world.git(&["rm", "-q", "-f", name]);
    }
}

#[test]
fn trap_3c_settings_that_change_what_a_diff_shows() {
    let (world, gate) = guarded(&[]);
    world.stage(".gitattributes", "*.env diff=quiet\n");
    passed(&gate, &commit(&world, &[]));
    for (key, value) in [
        ("diff.quiet.textconv", "true"),
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("diff.context", "0"),
        ("diff.renameLimit", "1"),
        ("diff.external", "true"),
        ("diff.ignoreSubmodules", "all"),
        ("core.quotePath", "false"),
    ] {
        world.git(&["config", key, value]);
        world.stage("a.env", leak(1));
        stopped(&gate, &commit(&world, &[]), 1, &["a.env:1"]);
        world.git(&["rm", "-q", "-f", "a.env"]);
    }
}

#[test]
fn trap_4_names_of_sha256() {
    for refs in ["files", "reftable"] {
        let (world, gate) = guarded(&["--object-format=sha256", &format!("--ref-format={refs}")]);
        world.stage("a.env", format!("fine\n{}", leak(1)));
        stopped(&gate, &commit(&world, &[]), 1, &["a.env:2"]);
        world.stage("a.env", "fine\n");
        passed(&gate, &commit(&world, &[]));
        world.stage("a.env", format!("fine\n{}", leak(1)));
        stopped(&gate, &commit(&world, &["-a"]), 1, &["a.env:2"]);
    }
}

#[test]
fn trap_5_paths_of_any_bytes() {
    let (world, gate) = guarded(&[]);
    let names: [(&[u8], &str); 6] = [
        (b"with space.env", "git reset -q -- 'with space.env'"),
        (b"two\nlines.env", r"git reset -q -- $'two\x0alines.env'"),
        (b"\xff.env", r"git reset -q -- $'\xff.env'"),
        (b"quote'\".env", r#"git reset -q -- 'quote'\''".env'"#),
        (b"-rf", "git reset -q -- '-rf'"),
        (b"\x1b[2Jcleared", r"$'\x1b\x5b2Jcleared'"),
    ];
    for (name, advice) in names {
        let path = world.root().join(OsStr::from_bytes(name));
        std::fs::write(&path, leak(1)).unwrap();
        world.git(&["add", "-A"]);
        let ended = commit(&world, &[]);
        stopped(&gate, &ended, 1, &["stopped this commit", advice]);
        assert!(!ended.stderr.contains('\x1b'), "nothing reaches the terminal as it is");
        // The line that it gives is one that a shell understands.
        let line = ended.stderr.lines().find(|line| line.contains("git reset")).unwrap().trim().to_owned();
        assert!(world.command("bash").args(["-c", &line]).status().unwrap().success(), "{line}");
        assert_eq!(world.git(&["diff", "--cached", "--name-only"]), "", "{line}");
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn ask_2_and_5_a_merge_brings_what_no_side_has() {
    let (world, gate) = guarded(&[]);
    let base = "one\ntwo\nthree\n";
    world.stage("a.env", base);
    passed(&gate, &commit(&world, &[]));
    for (name, seed) in [("side", 1), ("third", 2)] {
        world.git(&["checkout", "-q", "-b", name, "main"]);
        world.stage(&format!("{name}.env"), leak(seed));
        world.stage("a.env", format!("{name}\n{}{base}", leak(seed)));
        world.git(&["commit", "-q", "--no-verify", "-m", name]);
    }
    world.git(&["checkout", "-q", "main"]);
    world.stage("a.env", format!("main\n{base}"));
    passed(&gate, &commit(&world, &[]));
    assert_ne!(world.try_git(&["merge", "-q", "--no-commit", "side"]).code, 0, "a conflict");
    let both = format!("main\nside\n{}{base}", leak(1));
    world.stage("a.env", &both);
    world.stage("evil.env", leak(3));
    let ended = commit(&world, &[]);
    stopped(&gate, &ended, 1, &["it would give away a credential", "evil.env:1"]);
    world.git(&["rm", "-q", "-f", "evil.env"]);
    world.stage("a.env", format!("{both}{}", leak(4)));
    stopped(&gate, &commit(&world, &[]), 1, &["it would give away a credential", "a.env:7"]);
    world.stage("a.env", &both);
    passed(&gate, &commit(&world, &[]));
    assert_eq!(world.git(&["rev-list", "--parents", "-1", "HEAD"]).split(' ').count(), 3, "it is a merge");

    // Of several heads at once.
    world.git(&["checkout", "-q", "-b", "octopus", "main~1"]);
    world.git(&["checkout", "-q", "-b", "more", "main~1"]);
    world.stage("more.env", leak(5));
    world.git(&["commit", "-q", "--no-verify", "-m", "more"]);
    world.git(&["checkout", "-q", "octopus"]);
    world.git(&["merge", "-q", "--no-commit", "--no-ff", "main", "more"]);
    passed(&gate, &commit(&world, &[]));
    assert_eq!(world.git(&["rev-list", "--parents", "-1", "HEAD"]).split(' ').count(), 4);
}

#[test]
fn ask_5_baselines_of_two_branches_merge() {
    let world = World::repository();
    world.write("stanch.yaml", "version: 1\nbaseline: known.json\n");
    let keep = |files: &[(String, u64)]| {
        for (name, seed) in files {
            world.write(name, leak(*seed));
        }
        world.git(&["add", "-A"]);
        assert_eq!(world.stanch(&["scan", ".", "--write-baseline", "known.json"]).code, 1);
        world.git(&["add", "-A"]);
        std::fs::read_to_string(world.path("known.json")).unwrap()
    };
    let first: Vec<(String, u64)> = (0..30).map(|seed| (format!("{seed}.env"), seed)).collect();
    let base = keep(&first);
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    world.commit("base");
    // Seeds whose fingerprints have another's line between them.
    let place = |seed: u64| {
        let with = keep(&[("new.env".to_owned(), seed)]);
        world.git(&["reset", "-q", "--hard"]);
        lines(&with).iter().zip(lines(&base)).position(|(new, old)| *new != old).unwrap()
    };
    let (ours, theirs) = (100, (101..200).find(|seed| place(*seed).abs_diff(place(100)) > 4).unwrap());
    world.git(&["checkout", "-q", "-b", "side"]);
    keep(&[("theirs.env".to_owned(), theirs)]);
    world.commit("side");
    world.git(&["checkout", "-q", "main"]);
    keep(&[("ours.env".to_owned(), ours)]);
    world.commit("main");
    world.git(&["merge", "-q", "-m", "both", "side"]);
    assert_eq!(world.stanch(&["scan"]).code, 0, "both are known");
    // Nothing in it depends on where a secret lies or when it was found.
    let merged = std::fs::read_to_string(world.path("known.json")).unwrap();
    world.git(&["mv", "1.env", "moved.env"]);
    world.write("moved.env", format!("\n\n{}", leak(1)));
    assert_eq!(keep(&[]), merged);
}

#[test]
fn ask_10_parts_of_a_credential_that_come_in_different_commits() {
    let made = |text: &str| Recipe::parse(text).unwrap().make(3);
    let id = format!("aws_access_key_id = {}\n", made(r#"{{ "AKIA" }}{{ base32(16) }}"#));
    let secret = format!("aws_secret_access_key = {}\n", made("{{ base64(40) }}"));
    for (first, second, line) in [(&id, &secret, "a.ini:3"), (&secret, &id, "a.ini:1")] {
        let (world, gate) = guarded(&[]);
        world.stage("a.ini", format!("{first}region = x\n"));
        passed(&gate, &commit(&world, &[]));
        world.stage("a.ini", format!("{first}region = x\n{second}"));
        stopped(&gate, &commit(&world, &[]), 1, &["AWS", line]);
        world.git(&["commit", "-q", "--no-verify", "-m", "it is there"]);
        world.stage("a.ini", format!("{first}region = x\n{second}output = json\n"));
        passed(&gate, &commit(&world, &[]));
    }
    // A key of many lines, of which a middle one is another.
    let key = made("{{ pem(\"RSA PRIVATE KEY\", 600) }}");
    let (world, gate) = guarded(&[]);
    let mut lines: Vec<&str> = key.lines().collect();
    world.stage("key.pem", &key);
    world.git(&["commit", "-q", "--no-verify", "-m", "old"]);
    let other = lines[3].chars().rev().collect::<String>();
    lines[3] = &other;
    world.stage("key.pem", lines.join("\n") + "\n");
    stopped(&gate, &commit(&world, &[]), 1, &["key.pem:1"]);
}

#[test]
fn ask_16_a_partial_clone_fetches_nothing_and_says_what_is_absent() {
    let world = World::repository();
    let old = format!("old\n{}", leak(1));
    for name in ["in/a", "out/b", "out/c"] {
        world.stage(name, format!("{name}\n{old}"));
    }
    world.commit("one");
    world.git(&["config", "uploadpack.allowFilter", "true"]);
    let from = format!("file://{}", world.root().display());
    let clone = World::new();
    clone.git(&["clone", "-q", "--sparse", "--filter=blob:none", &from, "partial"]);
    let partial = |args: &[&str]| clone.git(&[&["-C", "partial"], args].concat());
    partial(&["sparse-checkout", "set", "in"]);
    // Whoever asked for more now would get nothing.
    partial(&["remote", "set-url", "origin", "file:///nowhere"]);
    let gate = Gate::install(&clone.path("partial/.git"), "pre-commit", "");
    let commit = || clone.try_git(&["-C", "partial", "commit", "-m", "message"]);
    clone.write("partial/in/a", format!("in/a\n{old}more\n"));
    partial(&["add", "in/a"]);
    passed(&gate, &commit());
    clone.write("partial/in/a", format!("in/a\n{old}more\n{}", leak(2)));
    partial(&["add", "in/a"]);
    stopped(&gate, &commit(), 1, &["it would give away a credential", "in/a:5"]);
    partial(&["reset", "-q", "--hard"]);
    // What lay there is not here: all of it counts as new, and that is told.
    clone.write("new", format!("out/b\n{old}more\n"));
    let id = clone.git(&["-C", "partial", "hash-object", "-w", "../new"]);
    partial(&["update-index", "--cacheinfo", &format!("100644,{id},out/b")]);
    let before = clone.snapshot("partial/.git");
    let ended = clone.stanch(&["staged", "partial", "--format", "json"]);
    assert_eq!(clone.snapshot("partial/.git"), before);
    let report = ended.json();
    assert_eq!((ended.code, &report["complete"]), (1, &true.into()), "{report:#}");
    let told = &report["skipped"][0];
    assert!(told["what"].as_str().unwrap().starts_with("out/b as it was"), "{report:#}");
    assert_eq!(told["why"], "missing");
}

#[test]
fn ask_17_linked_work_trees_split_and_sparse_indexes_and_settings_of_tomorrow() {
    let (world, gate) = guarded(&[]);
    world.stage("in/a", "fine\n");
    world.stage("out/b", "fine\n");
    passed(&gate, &commit(&world, &[]));
    let linked = World::new();
    world.git(&["worktree", "add", "-q", linked.path("tree").to_str().unwrap()]);
    linked.write("tree/l.env", leak(1));
    linked.git(&["-C", "tree", "add", "l.env"]);
    let ended = linked.try_git(&["-C", "tree", "commit", "-m", "message"]);
    stopped(&gate, &ended, 1, &["l.env:1"]);
    world.stage("m", "fine\n");
    passed(&gate, &commit(&world, &[]));

    world.git(&["update-index", "--split-index"]);
    world.stage("split.env", leak(2));
    stopped(&gate, &commit(&world, &[]), 1, &["split.env:1"]);
    world.git(&["rm", "-q", "-f", "split.env"]);
    world.git(&["update-index", "--no-split-index"]);

    world.git(&["config", "extensions.worktreeConfig", "true"]);
    world.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
    world.git(&["sparse-checkout", "set", "in"]);
    assert!(world.git(&["ls-files", "--sparse"]).lines().any(|line| line == "out/"), "the index is sparse");
    world.stage("in/s.env", leak(3));
    stopped(&gate, &commit(&world, &[]), 1, &["in/s.env:1"]);

    // Settings that this version of git does not know, either.
    world.git(&["config", "core.repositoryFormatVersion", "1"]);
    world.git(&["config", "extensions.tomorrow", "true"]);
    let before = world.snapshot(".git");
    let ended = world.stanch(&["staged"]);
    assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(world.snapshot(".git"), before);
}

#[test]
fn ask_18_what_a_hostile_repository_names_is_not_run() {
    let world = World::repository();
    world.stage("a.env", leak(1));
    world.stage(".gitattributes", "* diff=x filter=x merge=x text=auto\n*.txt working-tree-encoding=UTF-16\n");
    let trap = world.path("trap");
    let command = format!("touch {}", trap.display());
    let keys = "core.fsmonitor core.hooksPath core.sshCommand core.pager core.editor diff.external diff.x.textconv \
        diff.x.command filter.x.clean filter.x.smudge filter.x.process gpg.program credential.helper alias.status";
    for key in keys.split_whitespace() {
        world.git(&["config", key, &command]);
    }
    world.git(&["config", "include.path", "/proc/self/environ"]);
    let _ = std::fs::remove_file(&trap);
    let before = world.snapshot(".git");
    for args in [&["staged"][..], &["hook", "pre-commit"]] {
        let ended = world.stanch(args);
        assert_eq!(ended.code, 1, "{}{}", ended.stdout, ended.stderr);
    }
    assert!(!trap.exists(), "nothing that the configuration names was run");
    assert_eq!(world.snapshot(".git"), before);
}
