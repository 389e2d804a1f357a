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
