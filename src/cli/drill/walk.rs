//! The way through: find the key in the history, respond to it, survive a crash on the way, and look at what became of it.
//!
//! Every step is a child process with the verb that a person would type; the drill itself only measures and checks.

use super::child::{self, Said};
use super::stage::Stage;
use crate::cli::responding::Workshop;
use crate::cli::{Error, Globals};
use jiff::Timestamp;
use serde_json::Value;
use stanch::incident::Cutover;
use stanch::inventory::Wanted;
use stanch::ledger::IncidentId;
use std::ffi::OsStr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Of the points that a rehearsal passed, the share among which the crash is chosen: a second run passes a few less or
/// more, since it waits for the world.
const SURE: f64 = 0.9;
/// Runs after a crash until it must be over.
const RESUMPTIONS: usize = 3;

/// What the drill saw.
pub struct Walk {
    /// The incident.
    pub incident: String,
    /// Until the history was read.
    pub found: Duration,
    /// Where the key was found: rule, path, commit.
    pub place: Place,
    /// Where the responder was killed, when it was.
    pub crash: Option<Crash>,
    /// What the service counted, all the way.
    pub counted: Value,
    /// The post-mortem's JSON.
    pub told: Value,
    /// Where it lies on the stage, as Markdown.
    pub postmortem: PathBuf,
    /// Since when the drill was looking.
    pub begun: Timestamp,
}

/// Where the key was found.
pub struct Place {
    /// The rule.
    pub rule: String,
    /// The file.
    pub path: String,
    /// The commit's id.
    pub commit: String,
}

/// A point at which the responder was killed.
pub struct Crash {
    /// Its number, from 1.
    pub point: u64,
    /// Of how many.
    pub of: u64,
    /// Its name.
    pub name: String,
}

/// Walks through.
pub fn walk(stage: &Stage, strategy: &str, crash: Option<(u64, u64)>) -> Result<Walk, Error> {
    let (begun, start) = (Timestamp::now(), Instant::now());
    let (fingerprint, place) = find(stage)?;
    let found = start.elapsed();
    let crash = crash.map(|(point, of)| respond_and_die(stage, &fingerprint, strategy, point, of)).transpose()?;
    match &crash {
        Some(_) => resume(stage, &fingerprint, strategy)?,
        None => respond(stage, &fingerprint, strategy, &[])?.done("respond to the leak")?,
    }
    let (incident, ..) = read_postmortem(stage)?;
    let counted = stage.app()?;
    measure(stage, &incident, &counted)?;
    let (incident, postmortem, told) = read_postmortem(stage)?;
    Ok(Walk { incident, found, place, crash: crash.flatten(), counted, told, postmortem, begun })
}

/// Puts on record what the service felt, which the post-mortem then tells.
fn measure(stage: &Stage, incident: &str, counted: &Value) -> Result<(), Error> {
    let configuration = Some(stage.path("stanch.yaml"));
    let globals = Globals { config: configuration, no_config: false, verbose: 0, quiet: true };
    let number = |name: &str| counted.get(name).and_then(Value::as_u64).unwrap_or_default();
    let cutover =
        Cutover { by: "the service's own count".to_owned(), requests: number("requests"), failed: number("failed") };
    let workshop = Workshop::open(&globals, Duration::ZERO)?;
    workshop.responder.measure(&IncidentId(incident.to_owned()), cutover)?;
    Ok(())
}

/// How many failpoints the path has, learned on a stage of its own.
pub fn rehearse(stage: &Stage, strategy: &str) -> Result<u64, Error> {
    let (fingerprint, _) = find(stage)?;
    let log = stage.path("points.log");
    respond(stage, &fingerprint, strategy, &[("STANCH_CRASH_LOG", log.as_os_str())])?.done("rehearse")?;
    Ok(std::fs::read_to_string(log)?.lines().count() as u64)
}

/// One of the points that are surely passed.
pub fn choose(points: u64) -> Result<u64, Error> {
    let mut bytes = [0u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| Error::new(format!("choose a point: {error}")))?;
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "some hundred points")]
    #[expect(clippy::cast_sign_loss, reason = "a count")]
    let sure = ((points as f64 * SURE) as u64).max(1);
    Ok(1 + u64::from_le_bytes(bytes) % sure)
}

/// Reads the whole history; there is one finding, the leaked key.
fn find(stage: &Stage) -> Result<(String, Place), Error> {
    let (configuration, repository) = (stage.path("stanch.yaml"), stage.path("repository"));
    let said = child::verb(
        &[OsStr::new("history"), OsStr::new("--format=json"), OsStr::new("--config"), configuration.as_os_str()],
        &repository,
        &[],
    )?;
    if said.status.code() != Some(1) {
        return Err(said.failed("find the leaked key"));
    }
    let text = |pointer: &str| said.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let place = Place {
        rule: text("/findings/0/rule"),
        path: text("/findings/0/occurrences/0/path"),
        commit: text("/findings/0/first_commit/id"),
    };
    match said.json.get("findings").and_then(Value::as_array).map(Vec::len) {
        Some(1) => Ok((text("/findings/0/fingerprint"), place)),
        other => {
            Err(Error::new(format!("find the leaked key: the history has {} findings, not 1", other.unwrap_or(0))))
        }
    }
}

fn respond(stage: &Stage, fingerprint: &str, strategy: &str, environment: &[(&str, &OsStr)]) -> Result<Said, Error> {
    let configuration = stage.path("stanch.yaml");
    let args = ["respond", fingerprint, "--yes", "--strategy", strategy, "--format", "json", "--config"];
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).chain([configuration.as_os_str()]).collect();
    child::verb(&args, &stage.path("repository"), environment)
}

fn respond_and_die(
    stage: &Stage,
    fingerprint: &str,
    strategy: &str,
    point: u64,
    of: u64,
) -> Result<Option<Crash>, Error> {
    let (at, log) = (point.to_string(), stage.path("points.log"));
    let environment = [("STANCH_CRASH_AT", OsStr::new(&at)), ("STANCH_CRASH_LOG", log.as_os_str())];
    let said = respond(stage, fingerprint, strategy, &environment)?;
    match said.status.signal() {
        Some(9) => {
            let points = std::fs::read_to_string(log)?;
            let name = points.lines().last().unwrap_or_default().to_owned();
            Ok(Some(Crash { point, of, name }))
        }
        _ => said.done("respond to the leak").map(|()| None),
    }
}

/// What a person does after a crash: look which incident is open and resume it; where none was, or nothing was decided
/// yet, respond as before.
fn resume(stage: &Stage, fingerprint: &str, strategy: &str) -> Result<(), Error> {
    for _ in 0..RESUMPTIONS {
        let list = incident(stage, &["list", "--all"], "list the incidents")?;
        let text = |name: &str| list.pointer("/incidents/0").and_then(|one| one.get(name)).and_then(Value::as_str);
        let (id, status) = (text("id").unwrap_or_default(), text("status").unwrap_or_default());
        if status == "closed" {
            return Ok(());
        }
        let told = if id.is_empty() { Value::Null } else { incident(stage, &["show", id], "show the incident")? };
        match told.pointer("/told/decided") {
            None | Some(Value::Null) => respond(stage, fingerprint, strategy, &[])?.done("respond to the leak")?,
            Some(_) => drop(incident(stage, &["resume", id], "resume the incident")?),
        }
    }
    Err(Error::new(format!("end the incident: it is still open after {RESUMPTIONS} resumptions")))
}

/// `stanch incident ARGS`, and what it said.
fn incident(stage: &Stage, args: &[&str], what: &str) -> Result<Value, Error> {
    let configuration = stage.path("stanch.yaml");
    let args = ["incident"].iter().chain(args).chain(&["--format", "json", "--config"]).map(OsStr::new);
    let args: Vec<&OsStr> = args.chain([configuration.as_os_str()]).collect();
    let said = child::verb(&args, &stage.path("repository"), &[])?;
    said.done(what)?;
    Ok(said.json)
}

/// The one post-mortem on the stage.
fn read_postmortem(stage: &Stage) -> Result<(String, PathBuf, Value), Error> {
    let missing = || Error::new("read the post-mortem: none was written");
    let entries = std::fs::read_dir(stage.path("postmortems")).map_err(|_| missing())?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let path = paths.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).ok_or_else(missing)?;
    let told: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let incident = told.get("incident").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((incident, path.with_extension("md"), told))
}

impl Said {
    /// Whether it ended well.
    fn done(&self, what: &str) -> Result<(), Error> {
        match self.status.success() {
            true => Ok(()),
            false => Err(self.failed(what)),
        }
    }
}

/// The strategies by the words of the command line.
pub fn word(strategy: Wanted) -> &'static str {
    match strategy {
        Wanted::Auto => "auto",
        Wanted::Overlap => "overlap",
        Wanted::Contain => "contain",
    }
}
