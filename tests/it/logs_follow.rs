//! `stanch logs --follow` and `--state`: every rotation that logs go through, and nothing missed, nothing told twice.

use crate::world::{World, token};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use stanch::secret::{Fingerprint, FingerprintKey};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long a test waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long it waits for something that must not.
const QUIET: Duration = Duration::from_millis(600);

/// A program that follows.
struct Running {
    child: Child,
    lines: Receiver<Value>,
    /// Findings that came and were not asked for yet.
    early: Vec<Value>,
}

impl Running {
    fn new(world: &World, args: &[&str]) -> Running {
        let program = std::env::var("STANCH_SOAK_PROGRAM").ok();
        let mut stanch = world.command(program.as_deref().unwrap_or(env!("CARGO_BIN_EXE_stanch")));
        stanch.args(["--no-config", "logs", "--format", "jsonl"]).args(args);
        let mut child = stanch.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let (out, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let _ = out.send(serde_json::from_str(&line).unwrap());
            }
        });
        Running { child, lines, early: Vec::new() }
    }

    /// The finding of this token, which must come.
    fn wait(&mut self, token: &str) -> Value {
        let name = name(token).to_string();
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.early.iter().position(|one| one["fingerprint"] == name) {
                return self.early.remove(at);
            }
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| panic!("it was not told: {:?}", self.early));
            assert_eq!(line["type"], "finding", "{line}");
            self.early.push(line);
        }
    }

    /// Nothing else comes.
    fn is_quiet(&mut self) {
        assert!(self.early.is_empty(), "{:?}", self.early);
        if let Ok(line) = self.lines.recv_timeout(QUIET) {
            panic!("told though it was known: {line}");
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Asks it to end: exit code, what else it told, and the summary.
    fn stop(mut self) -> (i32, Vec<Value>, Value) {
        self.signal(Signal::TERM);
        let mut told: Vec<Value> = std::mem::take(&mut self.early);
        told.extend(self.lines.iter());
        let code = self.child.wait().unwrap().code().unwrap();
        let summary = told.pop().unwrap();
        assert_eq!(summary["type"], "summary");
        (code, told, summary)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn name(token: &str) -> Fingerprint {
    FingerprintKey::public().fingerprint_bytes(token.as_bytes())
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A line with a token and a time, each different.
fn line(seed: u64) -> String {
    format!("2026-11-20 12:00:{:02},{:03} INFO a key: {}\n", seed % 60, seed, token(seed))
}

fn place(finding: &Value) -> (String, u64, u64) {
    let here = &finding["occurrences"][0];
    (
        here["path"].as_str().unwrap().to_owned(),
        here["start"]["line"].as_u64().unwrap(),
        here["offset"].as_u64().unwrap(),
    )
}

#[test]
fn what_is_written_is_told_as_it_comes_and_once() {
    let world = World::new();
    let log = world.path("app.log");
    append(&log, &format!("before\n{}", line(1)));
    let mut running = Running::new(&world, &["-F", "app.log"]);
    assert_eq!(place(&running.wait(&token(1))), ("app.log".into(), 2, 7 + 36));
    append(&log, &line(2));
    assert_eq!(running.wait(&token(2))["seen"]["first"], "2026-11-20T12:00:02.002Z");
    // A line that is written in two halves, the token in each.
    let (third, half) = (line(3), line(3).len() - 20);
    append(&log, &third[..half]);
    running.is_quiet();
    append(&log, &third[half..]);
    assert_eq!(place(&running.wait(&token(3))).1, 4);
    // Seen again: counted, not told.
    append(&log, &line(1));
    running.is_quiet();
    // A line that is not ended is looked at when nobody goes on.
    append(&log, line(4).trim_end());
    running.is_quiet();
    let (code, told, summary) = running.stop();
    assert_eq!((code, told.len()), (1, 2), "{told:?}");
    assert_eq!(told[0]["fingerprint"], name(&token(4)).to_string());
    assert_eq!((&told[1]["type"], &told[1]["seen"]["places"]), (&"again".into(), &2.into()));
    assert_eq!((&summary["findings"], &summary["complete"]), (&4.into(), &true.into()));
}

#[test]
fn a_key_that_comes_line_by_line_is_one() {
    let world = World::new();
    let log = world.path("app.log");
    append(&log, "start\n");
    let mut running = Running::new(&world, &["-F", "app.log"]);
    let body: String = (0..20).map(|at| format!("{}\n", crate::world::alnum(at, 64))).collect();
    let key = format!("-----BEGIN RSA {0}-----\n{body}-----END RSA {0}-----", ["PRIVATE", "KEY"].join(" "));
    for line in key.lines() {
        append(&log, &format!("{line}\n"));
        std::thread::sleep(Duration::from_millis(15));
    }
    append(&log, "after\n");
    assert_eq!(place(&running.wait(&key)), ("app.log".into(), 2, 6));
    let (_, told, summary) = running.stop();
    assert_eq!((told.len(), &summary["findings"]), (0, &1.into()), "{told:?}");
}

#[test]
fn rotations_of_every_kind() {
    let world = World::new();
    let log = world.path("app.log");
    append(&log, &line(1));
    let mut running = Running::new(&world, &["-F", "*.log", "app.log"]);
    running.wait(&token(1));
    // By rename; the writer goes on with the old file for a while.
    append(&log, &line(2));
    fs::rename(&log, world.path("app.log.1")).unwrap();
    append(&world.path("app.log.1"), &line(3));
    append(&log, &line(4));
    for seed in 2..=4 {
        running.wait(&token(seed));
    }
    // By copy, with something that was written just before.
    append(&log, &line(5));
    fs::copy(&log, world.path("app.log.2")).unwrap();
    File::create(&log).unwrap();
    append(&log, &line(6));
    running.wait(&token(5));
    assert_eq!(place(&running.wait(&token(6))).1, 1);
    // By a copy whose name fits the pattern, and one that is packed.
    append(&log, &line(7));
    fs::copy(&log, world.path("app-old.log")).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    File::create(&log).unwrap();
    append(&log, &line(8));
    running.wait(&token(7));
    running.wait(&token(8));
    // Removed and made again; emptied and longer than before.
    fs::remove_file(&log).unwrap();
    append(&log, &line(9));
    running.wait(&token(9));
    fs::write(&log, format!("{}{}{}", line(10), line(11), line(12))).unwrap();
    for seed in 10..=12 {
        running.wait(&token(seed));
    }
    // A new one that the pattern leads to.
    append(&world.path("other.log"), &line(13));
    assert_eq!(place(&running.wait(&token(13))), ("other.log".into(), 1, 36));
    running.is_quiet();
    let (code, told, summary) = running.stop();
    let again = told.iter().filter(|one| one["type"] == "again").count();
    assert_eq!((code, told.len(), again), (1, 0, 0), "{told:?}");
    assert_eq!((&summary["findings"], &summary["complete"]), (&13.into(), &true.into()), "{summary}");
}

/// One run that reads what is new: exit code, and the names of what it told.
fn run(world: &World, args: &[&str]) -> (i32, Vec<String>, Value) {
    let ended = world.stanch(&[&["--no-config", "logs", "--format", "jsonl", "--state", "state"], args].concat());
    let mut lines: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = lines.pop().unwrap_or_else(|| panic!("{}", ended.stderr));
    let told = lines.iter().filter(|line| line["type"] == "finding");
    (ended.code, told.map(|line| line["fingerprint"].as_str().unwrap().to_owned()).collect(), summary)
}

fn names(seeds: &[u64]) -> Vec<String> {
    seeds.iter().map(|seed| name(&token(*seed)).to_string()).collect()
}

#[test]
fn a_restart_neither_misses_nor_repeats() {
    let world = World::new();
    let log = world.path("app.log");
    append(&log, &line(1));
    let told = |args: &[&str]| run(&world, args).1;
    assert_eq!(told(&["app.log"]), names(&[1]));
    assert_eq!(told(&["app.log"]), names(&[]));
    append(&log, &line(2));
    append(&log, line(3).trim_end());
    assert_eq!(told(&["app.log"]), names(&[2, 3]), "a last line that is not ended, too");
    append(&log, "\n");
    assert_eq!(told(&["app.log"]), names(&[]));
    // Renamed meanwhile, with something written before.
    append(&log, &line(4));
    fs::rename(&log, world.path("app.log.1")).unwrap();
    append(&log, &line(5));
    assert_eq!(told(&["app.log"]), names(&[4, 5]));
    // Copied and emptied meanwhile.
    append(&log, &line(6));
    fs::copy(&log, world.path("app.log.2")).unwrap();
    fs::write(&log, line(7)).unwrap();
    assert_eq!(told(&["app.log"]), names(&[6, 7]));
    assert_eq!(told(&["app.log"]), names(&[]));
    // Copied to a name that the pattern leads to, and emptied, while it is followed; then another goes on.
    let mut running = Running::new(&world, &["-F", "--state", "state", "app.log", "*.old"]);
    append(&log, &line(20));
    running.wait(&token(20));
    fs::copy(&log, world.path("copy.old")).unwrap();
    fs::write(&log, line(21)).unwrap();
    running.wait(&token(21));
    running.stop();
    assert_eq!(told(&["app.log", "*.old"]), names(&[]));
    // Gone: what was written to it before nobody knows, and that is said.
    fs::remove_file(&log).unwrap();
    append(&log, &line(8));
    let (code, told, summary) = run(&world, &["app.log"]);
    assert_eq!((code, told), (1, names(&[8])));
    assert_eq!((&summary["complete"], &summary["skipped"][0]["why"]), (&false.into(), &"absent".into()));
    assert_eq!(run(&world, &["app.log"]).0, 0);
}

#[test]
fn far_into_a_log_a_restart_goes_on_from_there() {
    let world = World::new();
    let log = world.path("app.log");
    let noise: String = (0..20_000).map(|at| format!("2026-11-20 12:00:00 line {at} of noise\n")).collect();
    append(&log, &format!("{}{noise}{}", line(1), line(2)));
    let told = || run(&world, &["*.log"]);
    assert_eq!(told().1, names(&[1, 2]));
    let half = line(3).len() - 15;
    append(&log, &line(3)[..half]);
    assert_eq!(told().1, names(&[]));
    append(&log, &line(3)[half..]);
    let (_, third, summary) = told();
    assert_eq!(third, names(&[3]));
    assert!(summary["read"]["bytes"].as_u64().unwrap() < 200_000, "{summary}");
}

#[test]
fn a_state_holds_no_text_and_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    append(&world.path("app.log"), &format!("hello hello hello {}", line(1)));
    run(&world, &["app.log"]);
    let state = fs::read_to_string(world.path("state")).unwrap();
    assert!(!state.contains("hello") && !state.contains(&token(1)[..12]), "{state}");
    assert_eq!(fs::metadata(world.path("state")).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(world.path("state"), &state[..state.len() / 2]).unwrap();
    let ended = world.stanch(&["logs", "--state", "state", "app.log"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("it is damaged"), "{}", ended.stderr);
}

#[test]
fn killed_while_it_follows_and_started_again() {
    let world = World::new();
    let log = world.path("app.log");
    append(&log, &line(1));
    let mut running = Running::new(&world, &["-F", "--state", "state", "app.log"]);
    running.wait(&token(1));
    append(&log, &line(2));
    running.wait(&token(2));
    std::thread::sleep(Duration::from_millis(100));
    running.signal(Signal::KILL);
    running.child.wait().unwrap();
    append(&log, &line(3));
    let mut running = Running::new(&world, &["-F", "--state", "state", "app.log"]);
    running.wait(&token(3));
    running.is_quiet();
    running.stop();
}

#[test]
fn what_cannot_be_followed_is_said() {
    let world = World::new();
    let ended = world.stanch(&["logs", "--follow", "--format", "sarif", "a.log"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("use --format text or jsonl"), "{}", ended.stderr);
    assert_eq!(world.stanch(&["logs", "--follow", "--output", "x", "a.log"]).code, 2);
    let (code, told, summary) = run(&world, &["gone.log"]);
    assert_eq!((code, told.len(), &summary["skipped"][0]["why"]), (3, 0, &"absent".into()));
}

/// The soak: writes `STANCH_SOAK_MB` a second for `STANCH_SOAK_SECONDS` with rotations of every kind every few seconds, and
/// holds what was told against what was written. The real one (issue 4) is 600 seconds of 50 MB, with a release build:
/// `STANCH_SOAK_SECONDS=600 STANCH_SOAK_MB=50 STANCH_SOAK_ROTATION_MS=3000 STANCH_SOAK_PROGRAM=target/release/stanch cargo
/// test --test it logs_follow::soak -- --nocapture`
#[test]
fn soak() {
    let number = |name: &str, usual: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (seconds, rate) = (number("STANCH_SOAK_SECONDS", 6), number("STANCH_SOAK_MB", 3) << 20);
    let every = Duration::from_millis(number("STANCH_SOAK_ROTATION_MS", 700));
    let world = World::new();
    fs::create_dir(world.path("logs")).unwrap();
    let mut writer = Writer::new(&world);
    let args = ["-F", "--state", "state", "logs/*.log"];
    let mut running = Running::new(&world, &args);
    let (mut told, mut memory, mut restarts) = (BTreeMap::<String, u64>::new(), Vec::new(), 0);
    let started = Instant::now();
    let (mut rotated, mut sampled, mut restarted) = (started, started, started);
    while started.elapsed() < Duration::from_secs(seconds) {
        let due = (started.elapsed().as_secs_f64() * rate as f64) as u64;
        while writer.written < due {
            writer.piece();
        }
        // A generation that comes and goes between two looks is nobody's: this one was seen.
        if rotated.elapsed() >= every && writer.begun.as_ref().is_some_and(|begun| told.contains_key(begun)) {
            writer.rotate();
            rotated = Instant::now();
        }
        for line in running.lines.try_iter() {
            *told.entry(line["fingerprint"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        if sampled.elapsed() >= Duration::from_secs(1) {
            memory.push(resident(&running.child));
            sampled = Instant::now();
        }
        // A restart now and then, which goes on from the state.
        if restarted.elapsed() >= Duration::from_secs(seconds / 3).max(Duration::from_secs(2)) {
            let (_, rest, summary) = running.stop();
            assert_eq!(summary["complete"], true, "{summary}");
            count(&mut told, &rest);
            running = Running::new(&world, &args);
            (restarts, restarted) = (restarts + 1, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    writer.line_end();
    let until = Instant::now() + PATIENCE;
    while told.len() < writer.tokens.len() && Instant::now() < until {
        if let Ok(line) = running.lines.recv_timeout(Duration::from_millis(200)) {
            *told.entry(line["fingerprint"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let (_, rest, summary) = running.stop();
    count(&mut told, &rest);
    let missed: Vec<_> = writer.tokens.iter().filter(|(name, _)| !told.contains_key(*name)).collect();
    let repeated: Vec<_> = told.iter().filter(|(_, times)| **times > 1).map(|(name, _)| &writer.tokens[name]).collect();
    println!(
        "{} MB in {:?}, {} rotations, {restarts} restarts, {} tokens: {} missed, {} repeated",
        writer.written >> 20,
        started.elapsed(),
        writer.rotations,
        writer.tokens.len(),
        missed.len(),
        repeated.len()
    );
    println!("resident, kB, once a second: {memory:?}");
    let few = |all: &[&String]| all.iter().take(9).map(|one| (*one).clone()).collect::<Vec<_>>();
    let missed: Vec<&String> = missed.into_iter().map(|(_, what)| what).collect();
    assert!(missed.is_empty() && repeated.is_empty(), "missed {:?}, repeated {:?}", few(&missed), few(&repeated));
    assert_eq!((told.len(), &summary["complete"]), (writer.tokens.len(), &true.into()), "{summary}");
    let (first, second) = memory.split_at(memory.len() / 2);
    let most = |half: &[u64]| half.iter().copied().max().unwrap_or_default();
    assert!(most(second) <= most(first) + most(first) / 4 + 8192, "it grows: {memory:?}");
}

fn count(told: &mut BTreeMap<String, u64>, lines: &[Value]) {
    for line in lines.iter().filter(|line| line["type"] == "finding") {
        *told.entry(line["fingerprint"].as_str().unwrap().to_owned()).or_default() += 1;
    }
}

/// Kilobytes that a process has in memory.
fn resident(child: &Child) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Writes logs as a careless program does: lines in pieces, over several files.
struct Writer<'w> {
    world: &'w World,
    log: File,
    /// What a line looks like that holds nothing.
    noise: String,
    written: u64,
    rotations: u64,
    number: u64,
    /// What each token's name was written to.
    tokens: BTreeMap<String, String>,
    /// The name of the first token of the log as it is since the last rotation.
    begun: Option<String>,
    /// The rest of a line that was begun.
    rest: String,
}

impl Writer<'_> {
    fn new(world: &World) -> Writer<'_> {
        let log = File::options().append(true).create(true).open(world.path("logs/app.log")).unwrap();
        let line = |at: u64| {
            format!(
                "10.0.{}.7 - - [20/Nov/2026:12:00:00 +0000] \"GET /articles/{at}/view HTTP/1.1\" 200 {}\n",
                at % 256,
                at * 7
            )
        };
        let noise = (0..500).map(line).collect();
        Writer {
            world,
            log,
            noise,
            written: 0,
            rotations: 0,
            number: 0,
            tokens: BTreeMap::new(),
            begun: None,
            rest: String::new(),
        }
    }

    /// Some 40 kB, with one token of its own in it; its last line is not ended.
    fn piece(&mut self) {
        self.number += 1;
        let token = token(self.number);
        self.begun.get_or_insert_with(|| name(&token).to_string());
        self.tokens.insert(name(&token).to_string(), format!("{} in rotation {}", self.number, self.rotations));
        let rest = std::mem::take(&mut self.rest);
        let own = format!(
            "2026-11-20 12:00:00,{:03} INFO piece {}, a key: {token} and more\n",
            self.number % 1000,
            self.number
        );
        let cut = own.len() - (self.number as usize * 7) % own.len();
        let bytes = format!("{rest}piece {}\n{}{}", self.number, self.noise, &own[..cut]);
        self.rest = own[cut..].to_owned();
        self.log.write_all(bytes.as_bytes()).unwrap();
        self.written += bytes.len() as u64;
    }

    fn line_end(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        self.log.write_all(rest.as_bytes()).unwrap();
        self.log.write_all(b"end\n").unwrap();
    }

    fn rotate(&mut self) {
        self.line_end();
        let at = |name: &str| self.world.path(&format!("logs/{name}"));
        let (log, number) = (at("app.log"), self.rotations);
        match number % 4 {
            // By rename, to a name that the pattern knows not, or does.
            0 => fs::rename(&log, at(&format!("app.log.{number}"))).unwrap(),
            1 => fs::rename(&log, at(&format!("app-{number}.log"))).unwrap(),
            2 => {
                fs::copy(&log, at(&format!("app.log.{number}"))).unwrap();
                File::create(&log).unwrap();
            }
            _ => {
                fs::copy(&log, at(&format!("app-{number}.log"))).unwrap();
                File::create(&log).unwrap();
            }
        }
        self.log = File::options().append(true).create(true).open(&log).unwrap();
        writeln!(self.log, "2026-11-20 12:00:00,000 log {number} begins").unwrap();
        // Old ones go, as logrotate has it.
        if number >= 6 {
            for name in [format!("app.log.{}", number - 6), format!("app-{}.log", number - 6)] {
                let _ = fs::remove_file(at(&name));
            }
        }
        self.rotations += 1;
        self.begun = None;
    }
}
