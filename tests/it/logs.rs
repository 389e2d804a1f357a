//! `stanch logs`: what it reads, and what it says of time and number.

use crate::world::{World, token};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::Write as _;

/// Of a finding how often it was seen, first and last, with the lines of its places.
type Seen = (u64, String, String, Vec<u64>);

/// Exit code and findings.
fn seen(world: &World, args: &[&str]) -> (i32, Vec<Seen>) {
    let ended = world.stanch(&[&["logs", "--no-config", "--format", "json"], args].concat());
    let report: Value = ended.json();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let finding = |finding: &Value| {
        let seen = &finding["seen"];
        let places = finding["occurrences"].as_array().unwrap();
        let lines = places.iter().map(|here| here["start"]["line"].as_u64().unwrap()).collect();
        (seen["places"].as_u64().unwrap_or(places.len() as u64), text(&seen["first"]), text(&seen["last"]), lines)
    };
    (ended.code, report["findings"].as_array().unwrap().iter().map(finding).collect())
}

/// A page as one line.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of an access log in the given second of 20 November 2026.
fn access(second: usize, query: &str) -> String {
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!(
        "10.0.0.7 - - [20/Nov/2026:{hour:02}:{minute:02}:{second:02} +0000] \"GET /a{query} HTTP/1.1\" 200 17 \"-\" \"-\"\n"
    )
}

#[test]
fn what_repeats_is_one_finding_with_a_count_and_two_times() {
    let world = World::new();
    let query = format!("?token={}", token(1));
    // More than one part, by threads and as a stream.
    let log: String = (0..40_000).map(|second| access(second, if second % 4 == 1 { &query } else { "" })).collect();
    assert!(log.len() > 3 << 20);
    world.write("access.log", &log);
    let lines: Vec<u64> = (0..25).map(|at| 4 * at + 2).chain([39_998]).collect();
    let want = (10_000, "2026-11-20T00:00:01Z".to_owned(), "2026-11-20T11:06:37Z".to_owned(), lines);
    for threads in ["1", "2", "7"] {
        assert_eq!(seen(&world, &["--threads", threads, "access.log"]), (1, vec![want.clone()]), "{threads}");
    }
    let piped = words(&world.stanch_fed(&["logs", "--no-config"], log.as_bytes()).stdout);
    assert!(piped.contains("10,000 places in all, the last at standard input:39998:57"), "{piped}");
    assert!(piped.contains("first 2026-11-20 00:00:01 UTC"), "{piped}");
    assert!(piped.contains("last 2026-11-20 11:06:37 UTC"), "{piped}");
}

#[test]
fn since_then_and_not_before() {
    let world = World::new();
    let line =
        |day: u64| format!("2026-11-{day:02} 10:00:00,123 INFO key {}\n  and below {}\n", token(day), token(30 + day));
    world.write("app.log", (1..=9).map(line).collect::<String>() + "no time here\n");
    world.write("old.log", line(20));
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
    std::fs::File::options().write(true).open(world.path("old.log")).unwrap().set_modified(long_ago).unwrap();
    let (code, all) = seen(&world, &["app.log", "old.log"]);
    assert_eq!((code, all.len()), (1, 20));
    let (code, found) = seen(&world, &["--since", "2026-11-08", "app.log", "old.log"]);
    assert_eq!((code, found.len()), (1, 4), "{found:?}");
    assert_eq!(found[0].1, "2026-11-08T10:00:00.123Z");
    let told = world.stanch(&["logs", "--no-config", "--since", "2026-11-08T12:00:00Z", "app.log", "old.log"]);
    let told = words(&told.stdout);
    assert!(told.contains("16 matches in lines written before 2026-11-08T12:00:00Z are not told"), "{told}");
    assert!(told.contains("1 older") && told.contains("yes, everything"), "{told}");
    assert_eq!(world.stanch(&["logs", "--since", "sometimes", "app.log"]).code, 2);
}

#[test]
fn packed_logs_of_every_kind_members_and_all() {
    let world = World::new();
    let noise = |seed: u64| (0..3000).map(|at| format!("{}\n", seed * at)).collect::<String>();
    let halves = [1, 2].map(|seed| format!("{}{}\n{}", noise(seed), token(seed), noise(seed + 7)));
    let gzip = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(text.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    world.write("0.log", halves.concat());
    world.write("gzip, its name does not say it", halves.each_ref().map(|half| gzip(half)).concat());
    for tool in ["zstd", "bzip2", "xz"] {
        let mut whole = Vec::new();
        for half in &halves {
            world.write("half", half);
            let Ok(packed) = world.command(tool).args(["-c", "half"]).output() else { break };
            assert!(packed.status.success());
            whole.extend(packed.stdout);
        }
        if !whole.is_empty() {
            world.write(&format!("{tool}.log"), whole);
        }
    }
    std::fs::remove_file(world.path("half")).unwrap();
    let (code, found) = seen(&world, &["."]);
    let files = std::fs::read_dir(world.root()).unwrap().count();
    assert!(files >= 2);
    assert_eq!(code, 1);
    let lines: Vec<Vec<u64>> = found.into_iter().map(|(_, _, _, lines)| lines).collect();
    assert_eq!(lines, [vec![3001; files], vec![9002; files]]);
    // What is cut short says so, and what was there before is told.
    let mut cut = gzip(&halves[0]);
    cut.truncate(cut.len() - 4);
    world.write("cut.gz", cut);
    let ended = world.stanch(&["logs", "--no-config", "cut.gz"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("cut.gz is damaged"), "{}", ended.stdout);
}

#[test]
fn patterns_that_no_shell_expanded() {
    let world = World::new();
    for (at, name) in ["app.log", "app.log.1", "deep/er/app.log", "other.txt"].iter().enumerate() {
        world.write(name, format!("{}\n", token(at as u64)));
    }
    let count = |args: &[&str]| seen(&world, args).1.len();
    assert_eq!(count(&["*.log*"]), 2);
    assert_eq!(count(&["**/app.log*"]), 3);
    assert_eq!(count(&["app.log", "deep"]), 2);
    let mut text = String::new();
    write!(text, "{}", world.stanch(&["logs", "--no-config", "*.none"]).stderr).unwrap();
    assert!(text.contains("it stands for no file"), "{text}");
}

/// The findings of a log: each with its path, first and last place, offset, time, and how its line is shown.
fn found(world: &World, args: &[&str]) -> Vec<(String, Value)> {
    let ended = world.stanch(&[&["logs", "--no-config", "--format", "json"], args].concat());
    let findings = ended.json()["findings"].as_array().unwrap().clone();
    let first =
        |finding: &Value| (finding["fingerprint"].as_str().unwrap().to_owned(), finding["occurrences"][0].clone());
    findings.iter().map(first).collect()
}

fn name(token: &str) -> String {
    stanch::secret::FingerprintKey::public().fingerprint_bytes(token.as_bytes()).to_string()
}

/// Line and column of a place in a text.
fn position(text: &str, offset: usize) -> (u64, u64) {
    let before = &text[..offset];
    let line = before.matches('\n').count() as u64 + 1;
    (line, (offset - before.rfind('\n').map_or(0, |newline| newline + 1)) as u64 + 1)
}

/// Checks that exactly this token is found, from `start` to `last` (the places of its first and last byte).
fn check_split(world: &World, text: &[u8], token: &str, start: &str, end: &str) {
    world.write("a.log", text);
    let shown = String::from_utf8_lossy(text).into_owned();
    let found = found(world, &["a.log"]);
    let [(fingerprint, here)] = &found[..] else { panic!("{found:?} in {shown}") };
    assert_eq!(*fingerprint, name(token), "{shown}");
    let (from, last) = (text.windows(start.len()).position(|w| w == start.as_bytes()).unwrap(), {
        let at = text.windows(end.len()).rposition(|w| w == end.as_bytes()).unwrap();
        at + end.len() - 1
    });
    if let Ok(text) = std::str::from_utf8(text) {
        let place = |key: &str| (here[key]["line"].as_u64().unwrap(), here[key]["column"].as_u64().unwrap());
        assert_eq!((place("start"), place("end")), (position(text, from), position(text, last)), "{shown}");
    }
    assert_eq!(here["offset"].as_u64().unwrap(), from as u64, "{shown}");
    assert!(!here["line"].as_str().unwrap().contains(&token[10..20]), "{here}");
}

#[test]
fn what_a_container_log_split_is_found_where_it_lies() {
    let world = World::new();
    let token = token(5);
    let (one, two, three) = (&token[..12], &token[12..30], &token[30..]);
    let docker = |text: &str, stream: &str| {
        format!("{{\"log\":\"{text}\",\"stream\":\"{stream}\",\"time\":\"2026-11-20T12:00:00.5Z\"}}\n")
    };
    // Pieces of three records; another stream writes between, and what stands before is escaped.
    let text = [
        docker("starts\\n", "stdout"),
        docker(&format!("{{\\\"a\\\":\\\"\\u00e4\\\",\\\"key\\\":\\\"{one}"), "stdout"),
        docker("something else\\n", "stderr"),
        docker(two, "stdout"),
        docker(&format!("{three}\\\"}}\\n"), "stdout"),
        docker("ends \\\\n\\n", "stdout"),
    ];
    check_split(&world, text.concat().as_bytes(), &token, one, three);
    let cri = |tag: &str, stream: &str, text: &str| format!("2026-11-20T12:00:00.123456789Z {stream} {tag} {text}\n");
    let text = [
        cri("F", "stdout", "starts"),
        cri("P", "stdout", &format!("a key: {one}")),
        cri("P", "stderr", "half of "),
        cri("P", "stdout", two),
        cri("F", "stderr", "something else"),
        cri("F", "stdout", three),
    ];
    check_split(&world, text.concat().as_bytes(), &token, one, three);
    let at = &found(&world, &["a.log"])[0].1["at"];
    assert_eq!(at, "2026-11-20T12:00:00.123456789Z");
    // Pieces that belong to nothing: no line is made of them.
    let text = cri("F", "stdout", &format!("a key: {one}")) + &cri("F", "stdout", &format!("{two}{three}"));
    world.write("a.log", text);
    assert!(found(&world, &["a.log"]).is_empty());
}

#[test]
fn what_the_journal_wrote_as_bytes_or_cut_is_found() {
    let world = World::new();
    let token = token(6);
    let entry = |fields: &[(&str, &[u8])]| {
        let mut text = b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1795176000000000\n".to_vec();
        for (name, value) in fields {
            match value.iter().any(|b| *b < b' ') {
                true => {
                    text.extend(format!("{name}\n").as_bytes());
                    text.extend((value.len() as u64).to_le_bytes());
                    text.extend(*value);
                }
                false => text.extend([name.as_bytes(), b"=", value].concat()),
            }
            text.push(b'\n');
        }
        text.push(b'\n');
        text
    };
    let plain = entry(&[("MESSAGE", b"hello"), ("PRIORITY", b"6")]);
    // A value that is no text, for its colour.
    let message = format!("\x1b[1mred\x1b[0m\nkey {token}");
    let text = [plain.clone(), entry(&[("MESSAGE", message.as_bytes())])].concat();
    check_split(&world, &text, &token, &token, &token);
    assert_eq!(found(&world, &["a.log"])[0].1["at"], "2026-11-20T12:00:00Z");
    // A line that was too long for an entry.
    let (one, two) = token.split_at(20);
    let cut = |text: &str, stream: &str, more: bool| {
        let message = ("MESSAGE", text.as_bytes());
        match more {
            true => entry(&[message, ("_STREAM_ID", stream.as_bytes()), ("_LINE_BREAK", b"line-max")]),
            false => entry(&[message, ("_STREAM_ID", stream.as_bytes())]),
        }
    };
    let parts = [plain, cut(&format!("long {one}"), "7", true), cut("other", "8", false), cut(two, "7", false)];
    check_split(&world, &parts.concat(), &token, one, two);
    // In JSON, bytes are numbers.
    let numbers: Vec<String> = message.bytes().map(|byte| byte.to_string()).collect();
    let line = format!("{{\"__REALTIME_TIMESTAMP\":\"1795176000000000\",\"MESSAGE\":[{}]}}\n", numbers.join(","));
    let text = format!("{{\"MESSAGE\":\"hello\",\"some\":[1,2,3]}}\n{line}");
    world.write("a.log", &text);
    let found = found(&world, &["a.log"]);
    assert_eq!((found.len(), &found[0].0), (1, &name(&token)));
    let digits: Vec<String> = token.bytes().map(|byte| byte.to_string()).collect();
    let from = text.find(&digits.join(",")).unwrap();
    assert_eq!(found[0].1["offset"].as_u64().unwrap(), from as u64);
    assert_eq!(found[0].1["at"], "2026-11-20T12:00:00Z");
}

#[test]
fn pieces_that_lie_across_parts_are_found_however_a_log_is_cut() {
    let world = World::new();
    let mut text = String::new();
    let mut tokens = Vec::new();
    // Tokens that are split in every way, over three parts, most of them near their ends.
    for at in 0..700u64 {
        let token = token(at);
        let cut = 1 + at as usize % (token.len() - 1);
        let filler = "x".repeat(4500 + at as usize % 97);
        for (tag, piece) in
            [("P", format!("{filler} key: {}", &token[..cut])), ("F", format!("{} {filler}", &token[cut..]))]
        {
            writeln!(text, "2026-11-20T12:00:00.123456789Z stdout {tag} {piece}").unwrap();
        }
        tokens.push(name(&token));
    }
    assert!(text.len() > 6 << 20);
    world.write("a.log", &text);
    tokens.sort();
    let mut reports = Vec::new();
    for threads in ["1", "2", "7"] {
        let found = found(&world, &["--threads", threads, "a.log"]);
        let mut names: Vec<String> = found.iter().map(|(name, _)| name.clone()).collect();
        names.sort();
        assert!(names == tokens, "{} of {}", names.len(), tokens.len());
        reports.push(found);
    }
    assert!(reports.windows(2).all(|two| two[0] == two[1]));
    for (name, here) in &reports[0][..50] {
        let offset = here["offset"].as_u64().unwrap() as usize;
        let place = (here["start"]["line"].as_u64().unwrap(), here["start"]["column"].as_u64().unwrap());
        assert_eq!(place, position(&text, offset), "{name}");
    }
}

#[test]
fn whether_an_old_key_is_still_in_use() {
    use stanch::detect::Detector;
    use stanch::rule::RuleSet;
    use stanch::scan::sightings::sightings;
    use stanch::secret::FingerprintKey;
    use std::sync::Arc;
    let world = World::new();
    let query = |seed: u64| format!("?token={}", token(seed));
    world.write("a.log", [access(10, &query(1)), access(20, &query(2)), access(30, &query(1))].concat());
    world.write("b.log", access(25, &query(1)));
    let key = Arc::new(FingerprintKey::public());
    let detector = Detector::new(Arc::new(RuleSet::load(&[]).unwrap()), key.clone());
    let [old, other, unseen] = [1, 2, 3].map(|seed| key.fingerprint_bytes(token(seed).as_bytes()));
    let wanted = [old, unseen].into();
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let logs = vec![world.path("*.log")];
    let told = sightings(logs.clone(), &wanted, None, &detector, now).unwrap();
    assert!(told.complete && !told.seen.contains_key(&other) && !told.seen.contains_key(&unseen));
    let sighting = &told.seen[&old];
    assert_eq!((sighting.seen.places, sighting.last.start.line), (3, 3));
    assert_eq!(sighting.seen.last, Some("2026-11-20T00:00:30Z".parse().unwrap()));
    // Nothing since then.
    let since = Some("2026-11-20T00:00:31Z".parse().unwrap());
    assert!(sightings(logs, &wanted, since, &detector, now).unwrap().seen.is_empty());
}
