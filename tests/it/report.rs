//! Every form of a report, from a sample with two credentials, something skipped and something dropped.

use crate::world::{self, World};
use jiff::Timestamp;
use serde_json::Value;
use stanch::detect::{Confidence, Finding, Occurrence, Seen};
use stanch::report::{self, Accounting, Dropped, FORMATS, Format, Options, Report, Tool};
use stanch::secret::{Credential, FingerprintKey, Secret, redact};
use stanch::source::{Commit, Provenance, SkipReason, Skipped};
use stanch::text::lines::Position;
use stanch::validate::{Judged, Verdict};
use std::sync::Arc;
use std::time::Duration;

/// Made at run time: no literal here looks like a credential.
fn token() -> String {
    format!("tok_{}", "k3Zq9".repeat(7))
}

fn commit(id: char, date: &str, summary: &str) -> Arc<Commit> {
    Arc::new(Commit {
        id: id.to_string().repeat(40),
        author: "Ada Example".into(),
        email: "ada@example.org".into(),
        date: date.parse().unwrap(),
        summary: summary.into(),
        message: format!("{summary}\n\nAnd why.\n"),
    })
}

fn occurrence(provenance: Provenance, line: u64, text: &str, secret: &Secret) -> Occurrence {
    let column = text.find("{}").unwrap() as u64 + 1;
    Occurrence {
        provenance: Arc::new(provenance),
        start: Position { line, column },
        end: Position { line, column: column + secret.len() as u64 - 1 },
        units: Some((column, column + secret.len() as u64)),
        offset: 100 * line,
        at: None,
        line: text.replace("{}", &redact::mask(secret)),
        layers: Default::default(),
    }
}

fn finding(rule: &str, description: &str, secret: Secret, confidence: Confidence) -> Finding {
    Finding {
        rule: rule.into(),
        description: description.into(),
        provider: Some("sandbox".into()),
        rivals: Vec::new(),
        tags: vec!["api".into()],
        fingerprint: FingerprintKey::public().fingerprint(&secret),
        redacted: redact::mask(&secret),
        entropy: 4.251_234,
        confidence,
        reasons: vec!["checksum holds".into(), "beside a name that says token".into()],
        occurrences: Vec::new(),
        seen: Seen::default(),
        credential: Credential::new(secret),
    }
}

fn sample() -> Report {
    let secret = Secret::new(token());
    let history = |path: &str, id, date, summary| Provenance::History {
        path: path.as_bytes().to_vec(),
        blob: "b".repeat(40),
        commit: Some(commit(id, date, summary)),
        whereabouts: None,
    };
    let first = history("config/deploy.yml", '9', "2026-08-03T09:12:44Z", "Add the deploy script");
    let second = history("ünï/old deploy.yml", '1', "2026-08-05T10:00:00Z", "Move it");
    let mut one = finding("sandbox-key", "Sandbox API key", Secret::new(token()), Confidence::High);
    one.occurrences.push(occurrence(first, 14, "    token: {}", &secret));
    one.occurrences.push(occurrence(second, 3, "export SANDBOX_TOKEN={} # for the nightly run", &secret));
    for line in [7, 8, 9] {
        let path = Provenance::File { path: b"./docs/notes.md".to_vec() };
        one.occurrences.push(occurrence(path, line, "{}", &secret));
    }
    let short = Secret::new("swordfish");
    let mut two = finding("url-password", "URL with a password", Secret::new("swordfish"), Confidence::Medium);
    two.provider = None;
    two.occurrences.push(occurrence(Provenance::Stdin, 1, "postgres://app:{}@db/app", &short));
    let active = Verdict::Active { identity: Some("acct_7".into()), scopes: vec!["read".into(), "write".into()] };
    let skipped = |what: &str, why, asked| Skipped { what: what.into(), why, detail: String::new(), asked };
    let dropped = |place: &str, reason: &str| Dropped {
        rule: "sandbox-key".into(),
        place: place.into(),
        redacted: "tok_…(39)".into(),
        reason: reason.into(),
        accepted: None,
    };
    Report {
        tool: Tool::this(),
        asked: "history of /srv/app".into(),
        at: "2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap(),
        findings: vec![Judged { finding: one, verdict: Some(active) }, Judged::unasked(two)],
        skipped: vec![
            skipped("secrets/locked.env", SkipReason::Unreadable, true),
            skipped("vendor/lib", SkipReason::Submodule, false),
        ],
        dropped: vec![dropped("README.md:3:9", "placeholder"), dropped("a.lock:1:1", "placeholder")],
        accounting: Accounting { blobs: 1234, bytes: 45_600_000, commits: 321, elapsed: Duration::from_millis(1234) },
        complete: false,
        notes: vec!["the allow-list entry for tests/** has ended on 2026-11-01".into()],
    }
}

fn text(report: &Report, options: Options) -> String {
    String::from_utf8(report::write(report, Format::Text, &options)).unwrap()
}

fn json(format: Format, options: Options) -> Value {
    serde_json::from_slice(&report::write(&sample(), format, &options)).unwrap()
}

#[test]
fn text_at_80_columns() {
    let print = FingerprintKey::public().fingerprint(&Secret::new(token()));
    let other = FingerprintKey::public().fingerprint(&Secret::new("swordfish"));
    let mut got = text(&sample(), Options::default());
    for (name, print) in [("1", print), ("2", other)] {
        got = got.replace(&print.to_string(), &format!("FINGERPRINT-{name}"));
        got = got.replace(&print.short(), &format!("SHORT-{name}"));
    }
    assert_eq!(got, AT_80, "\n{got}");
}

const AT_80: &str = "\
1. Sandbox API key                                                     tok_…(39)
   where     config/deploy.yml:14:12 in 9999999 of 2026-08-03
               token: tok_…(39)
             ünï/old deploy.yml:3:22 in 1111111 of 2026-08-05
               export SANDBOX_TOKEN=tok_…(39) # for the nightly run
             docs/notes.md:7:1
             and 2 more, 5 places in all
   since     2026-08-03, 3 months ago, in 9999999 by Ada Example
             <ada@example.org>: Add the deploy script
   sure      high: checksum holds, beside a name that says token
   lives     yes: the provider takes it, it is acct_7, and may read, write
   rule      sandbox-key
   id        FINGERPRINT-1
   next      stanch respond SHORT-1

2. URL with a password                                                      …(9)
   where     standard input:1:16
               postgres://app:…(9)@db/app
   sure      medium: checksum holds, beside a name that says token
   rule      url-password
   id        FINGERPRINT-2
   next      stanch respond SHORT-2

2 credentials in 6 places: 1 lives, 1 not known
   read      history of /srv/app: 321 commits, 1,234 files or blobs, 45.6 MB, in
             1.2 s
   dropped   2 that looked like credentials (2 placeholder); --explain shows
             them
   skipped   secrets/locked.env could not be read
   left out  1 submodule
   note      the allow-list entry for tests/** has ended on 2026-11-01
   allow     put `- { fingerprint: \"<id>\", reason: \"<why>\" }` under `allow:` in
             stanch.yaml
   complete  NO: something that was asked for was not read
";

#[test]
fn no_line_is_wider_than_the_terminal_and_no_colour_goes_into_a_pipe() {
    for width in [80, 120] {
        for (color, explain) in [(false, false), (true, true)] {
            let page = text(&sample(), Options { width, color, explain, reveal: false });
            assert_eq!(page.contains('\x1b'), color);
            for line in without_colour(&page).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
                assert_eq!(line.trim_end(), line, "no space at the end");
            }
        }
    }
}

/// Without the SGR sequences.
fn without_colour(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
}

#[test]
fn what_is_staged_is_taken_out_not_rotated() {
    let mut report = sample();
    let secret = Secret::new(token());
    let path = b"it's here.env".to_vec();
    let staged = Provenance::Staged { path, blob: "b".repeat(40) };
    report.findings.truncate(1);
    report.findings[0].finding.occurrences = vec![occurrence(staged, 1, "A={}", &secret)];
    let page = text(&report, Options::default());
    assert!(page.contains(r"next      git restore --staged -- 'it'\''s here.env'"), "{page}");
    assert!(!page.contains("stanch respond"), "{page}");
}

#[test]
fn a_clean_scan_says_what_it_read() {
    let report =
        Report { findings: vec![], skipped: vec![], dropped: vec![], notes: vec![], complete: true, ..sample() };
    let page = text(&report, Options::default());
    let want = "No credential found\n   read      history of /srv/app: 321 commits, 1,234 files or blobs, 45.6 MB, in\n             \
                1.2 s\n   complete  yes, everything that was asked for was read\n";
    assert_eq!(page, want);
}

#[test]
fn a_secret_is_shown_in_no_form_unless_it_was_asked_for() {
    for (name, format) in FORMATS {
        for explain in [false, true] {
            let hidden = report::write(&sample(), *format, &Options { explain, ..Options::default() });
            let hidden = String::from_utf8(hidden).unwrap();
            assert!(!hidden.contains(&token()) && !hidden.contains("swordfish"), "{name}: {hidden}");
        }
        let shown = report::write(&sample(), *format, &Options { reveal: true, ..Options::default() });
        let shown = String::from_utf8(shown).unwrap();
        assert!(shown.contains(&token()) && shown.contains("swordfish"), "{name}: {shown}");
    }
}

#[test]
fn a_secret_in_the_message_of_a_commit_is_masked_in_every_form() {
    let world = World::repository();
    let secret = world::token(3);
    world.stage("a.env", format!("KEY={secret}\n"));
    world.commit(&format!("Rotate {secret} now\n\nIt was {secret}."));
    for (name, _) in FORMATS {
        let ended = world.stanch(&["history", "--format", name]);
        assert_eq!(ended.code, 1, "{name}: {}", ended.stderr);
        assert!(!ended.stdout.contains(&secret), "{name}: {}", ended.stdout);
    }
    assert!(world.stanch(&["history"]).stdout.contains("Rotate sbx_…(45) now"));
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    for (name, format) in FORMATS {
        let once = report::write(&sample(), *format, &Options::default());
        assert_eq!(once, report::write(&sample(), *format, &Options::default()), "{name}");
    }
}

#[test]
fn json_holds_everything() {
    let got = json(Format::Json, Options::default());
    assert_eq!(got["complete"], false);
    assert_eq!(got["asked"], "history of /srv/app");
    assert_eq!(got["read"]["bytes"], 45_600_000);
    assert_eq!(got["skipped"][0]["why"], "unreadable");
    assert_eq!(got["dropped"]["reasons"]["placeholder"], 2);
    assert_eq!(got["dropped"].get("items"), None, "only with --explain");
    let one = &got["findings"][0];
    assert_eq!(one["verdict"]["verdict"], "active");
    assert_eq!(one["confidence"], "high");
    assert_eq!(one["entropy"], 4.251);
    assert_eq!(one["first_commit"]["author"], "Ada Example");
    assert_eq!(one["occurrences"].as_array().unwrap().len(), 5);
    assert_eq!(one["occurrences"][0]["kind"], "history");
    assert_eq!(one["occurrences"][0]["commit"]["id"], "9".repeat(40));
    assert_eq!(one["occurrences"][2]["path"], "docs/notes.md");
    assert_eq!(one.get("secret"), None);
    assert_eq!(got["findings"][1]["verdict"], Value::Null);
    let explained = json(Format::Json, Options { explain: true, ..Options::default() });
    assert_eq!(explained["dropped"]["items"][1]["place"], "a.lock:1:1");
}

#[test]
fn jsonl_is_one_finding_a_line_and_a_summary() {
    let bytes = report::write(&sample(), Format::Jsonl, &Options::default());
    let lines: Vec<Value> =
        String::from_utf8(bytes).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["finding", "finding", "summary"]);
    assert_eq!(lines[0]["rule"], "sandbox-key");
    assert_eq!((&lines[2]["findings"], &lines[2]["complete"]), (&2.into(), &false.into()));
}

#[test]
fn sarif_has_a_result_for_each_place() {
    let got = json(Format::Sarif, Options::default());
    assert_eq!(got["version"], "2.1.0");
    let run = &got["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in results {
        let rule = &rules[result["ruleIndex"].as_u64().unwrap() as usize];
        assert_eq!(rule["id"], result["ruleId"]);
        assert_eq!(result["locations"].as_array().unwrap().len(), 1);
    }
    let place = &results[1]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "%C3%BCn%C3%AF/old%20deploy.yml");
    let region = &place["region"];
    assert_eq!((&region["startLine"], &region["startColumn"]), (&3.into(), &22.into()));
    assert_eq!(region["endColumn"], 22 + token().len() as u64, "SARIF's end is the column after");
    let print = &results[0]["partialFingerprints"]["stanchCredential/v1"];
    assert!(results[..5].iter().all(|r| &r["partialFingerprints"]["stanchCredential/v1"] == print));
    let levels: Vec<&str> = results.iter().map(|r| r["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "error", "error", "error", "error", "warning"]);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notice = &invocation["toolExecutionNotifications"][0];
    assert_eq!(notice["message"]["text"], "secrets/locked.env could not be read");
    assert_eq!(notice["descriptor"]["id"], "unreadable");
}

#[test]
fn gitleaks_has_its_keys_and_no_others() {
    let got = json(Format::Gitleaks, Options::default());
    let leaks = got.as_array().unwrap();
    assert_eq!(leaks.len(), 6);
    let keys = "RuleID Description StartLine EndLine StartColumn EndColumn Match Secret File SymlinkFile Commit Entropy \
                Author Email Date Message Tags Fingerprint";
    for leak in leaks {
        let found: Vec<&str> = leak.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, keys.split(' ').collect::<Vec<_>>());
    }
    let first = &leaks[0];
    assert_eq!(first["Fingerprint"], format!("{}:config/deploy.yml:sandbox-key:14", "9".repeat(40)));
    assert_eq!(first["Date"], "2026-08-03T09:12:44Z");
    assert_eq!(first["Message"], "Add the deploy script\n\nAnd why.");
    assert_eq!(first["Match"], "    token: tok_…(39)");
    assert_eq!(leaks[2]["Fingerprint"], "docs/notes.md:sandbox-key:7");
    assert_eq!((&leaks[2]["Commit"], &leaks[2]["Author"]), (&"".into(), &"".into()));
    let shown = json(Format::Gitleaks, Options { reveal: true, ..Options::default() });
    assert_eq!(shown[0]["Secret"], token());
    assert_eq!(shown[0]["Match"], format!("    token: {}", token()));
}

/// `script` (bsdutils, essential on Debian) gives the program a terminal.
#[test]
fn on_a_terminal_it_is_as_wide_and_in_colour() {
    let world = World::new();
    world.write("a.env", format!("KEY={}\n", world::token(7)));
    let stanch = format!("stty cols 100; {} scan a.env", env!("CARGO_BIN_EXE_stanch"));
    let run = |more: &[(&str, &str)]| {
        let mut script = world.command("script");
        script
            .args(["-qec", &stanch, "/dev/null"])
            .env("TERM", "xterm")
            .env_remove("NO_COLOR")
            .envs(more.iter().copied());
        let output = script.stdin(std::process::Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap().replace('\r', ""))
    };
    let (code, shown) = run(&[]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.starts_with("\x1b[31;1m1. "), "{shown:?}");
    assert_eq!(without_colour(shown.lines().next().unwrap()).chars().count(), 100, "{shown}");
    let (code, shown) = run(&[("NO_COLOR", "1")]);
    assert_eq!(code, Some(1), "{shown}");
    assert!(shown.starts_with("1. ") && !shown.contains('\x1b'), "{shown:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new();
    let many: String = (0..2000).map(|seed| format!("KEY={}\n", world::token(seed))).collect();
    world.write("a.env", many);
    let mut shell = world.command("bash");
    let run = format!("set -o pipefail; {} scan a.env | head -1", env!("CARGO_BIN_EXE_stanch"));
    let output = shell.args(["-c", &run]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "the findings decide, not the pipe");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
