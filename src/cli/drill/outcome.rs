//! What became of the drill: measured, checked, and said.

use super::stage::Stage;
use super::walk::{Crash, Walk};
use crate::cli::Error;
use crate::cli::respond::show::Text;
use jiff::Timestamp;
use serde_json::{Value, json};
use stanch::text::duration::human;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Width of the column of names.
const NAMES: usize = 20;

/// All that was measured.
pub struct Outcome {
    strategy: String,
    incident: String,
    found: Duration,
    found_in: String,
    contained: Option<Duration>,
    proven: Option<Duration>,
    requests: u64,
    failed: u64,
    live_keys: u64,
    old_refused: bool,
    store_holds_live: bool,
    service_uses_live: bool,
    reasons: Vec<String>,
    crash: Option<Crash>,
    closed: bool,
    postmortem: PathBuf,
    kept: Option<PathBuf>,
}

/// One thing that must be so.
struct Check {
    name: &'static str,
    holds: bool,
    said: String,
}

impl Outcome {
    /// Looks at the world as the walk left it, and brings the post-mortem to where it outlives the stage.
    pub fn look(stage: &Stage, walk: Walk) -> Result<Outcome, Error> {
        let (stats, app) = (stage.sandbox.stats()?, &walk.counted);
        let live = stage.sandbox.key_of(&stage.stored()?)?;
        let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        let told = |pointer: &str| walk.told.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let since_begun = |name: &str| {
            let took = walk.told.pointer("/times")?.get(name)?.as_u64()?;
            let found: Timestamp = told("/found/at").parse().ok()?;
            Some(Duration::try_from(found.duration_since(walk.begun)).unwrap_or_default() + Duration::from_millis(took))
        };
        let reasons = walk.told.pointer("/decided/reasons").and_then(Value::as_array).into_iter().flatten();
        let commit: String = walk.place.commit.chars().take(10).collect();
        Ok(Outcome {
            strategy: told("/decided/strategy"),
            closed: told("/status") == "closed" && told("/outcome") == "rotated",
            reasons: reasons.filter_map(Value::as_str).map(str::to_owned).collect(),
            found_in: format!("{} in {}, commit {commit}", walk.place.rule, walk.place.path),
            contained: since_begun("to_contain_ms"),
            proven: since_begun("to_revoke_and_prove_ms"),
            requests: number(app, "requests"),
            failed: number(app, "failed"),
            live_keys: number(&stats, "live_keys"),
            old_refused: stage.sandbox.key_of(&stage.leaked.secret)?.is_none(),
            store_holds_live: live.as_ref().is_some_and(|id| is_live(&stats, id) && *id != stage.leaked.id),
            service_uses_live: live.is_some() && app.get("key").and_then(Value::as_str) == live.as_deref(),
            postmortem: bring_out(&walk.postmortem)?,
            incident: walk.incident,
            found: walk.found,
            crash: walk.crash,
            kept: None,
        })
    }

    /// Says where the stage was left.
    pub fn kept(&mut self, folder: PathBuf) {
        self.kept = Some(folder);
    }

    /// Whether everything is as it must be.
    pub fn holds(&self) -> bool {
        self.checks().iter().all(|check| check.holds)
    }

    fn checks(&self) -> Vec<Check> {
        let time =
            |time: &Option<Duration>| time.map_or_else(|| "never".to_owned(), |time| format!("in {}", human(time)));
        let yes = |holds: bool, yes: &str, no: &str| if holds { yes.to_owned() } else { no.to_owned() };
        let overlap = self.strategy == "overlap";
        vec![
            Check { name: "found", holds: true, said: format!("in {}", human(self.found)) },
            Check { name: "contained", holds: self.contained.is_some(), said: time(&self.contained) },
            Check { name: "revoked and proven", holds: self.proven.is_some(), said: time(&self.proven) },
            Check {
                name: "requests",
                holds: self.requests > 0 && (self.failed == 0 || !overlap),
                said: format!("{}, {} failed", self.requests, self.failed),
            },
            Check {
                name: "live keys",
                holds: self.live_keys == 1 && self.store_holds_live,
                said: format!(
                    "{}, {}",
                    self.live_keys,
                    yes(self.store_holds_live, "the store holds it", "NOT the store's")
                ),
            },
            Check {
                name: "the service",
                holds: self.service_uses_live,
                said: yes(self.service_uses_live, "uses it", "does NOT use it"),
            },
            Check {
                name: "the old key",
                holds: self.old_refused,
                said: yes(self.old_refused, "refused", "STILL ACCEPTED"),
            },
            Check { name: "the incident", holds: self.closed, said: yes(self.closed, "closed: rotated", "NOT closed") },
        ]
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let object = json!({
            "outcome": if self.holds() { "rotated" } else { "failed" },
            "strategy": self.strategy,
            "crashed_at": self.crash.as_ref().map(|crash| &crash.name),
            "crash_point": self.crash.as_ref().map(|crash| crash.point),
            "crash_points": self.crash.as_ref().map(|crash| crash.of),
            "found_ms": ms(self.found),
            "contained_ms": self.contained.map(ms),
            "revoked_proven_ms": self.proven.map(ms),
            "requests": self.requests,
            "failed_requests": self.failed,
            "live_keys": self.live_keys,
            "store_holds_live_key": self.store_holds_live,
            "service_uses_live_key": self.service_uses_live,
            "old_key_refused": self.old_refused,
            "incident": self.incident,
            "postmortem": std::path::absolute(&self.postmortem).unwrap_or_else(|_| self.postmortem.clone()),
            "kept": self.kept,
        });
        format!("{object:#}\n")
    }

    /// For a person.
    pub fn text(&self, color: bool, width: usize) -> String {
        let [green, red, bold, plain] = if color { ["\x1b[32m", "\x1b[31;1m", "\x1b[1m", "\x1b[0m"] } else { [""; 4] };
        let mut text = Text { out: format!("\n{bold}{}{plain}\n", self.strategy), width };
        self.reasons.iter().for_each(|reason| text.wrapped("  ", "  ", reason));
        text.line("");
        if let Some(crash) = &self.crash {
            let at = format!("killed at point {} of {}, and resumed", crash.point, crash.of);
            text.line(&format!("  {green}✓{plain} {:<NAMES$} {at}", "the crash"));
            text.line(&format!("    {:<NAMES$} {}", "", crash.name));
        }
        for check in self.checks() {
            let mark = if check.holds { format!("{green}✓{plain}") } else { format!("{red}✗{plain}") };
            text.line(&format!("  {mark} {:<NAMES$} {}", check.name, check.said));
            if check.name == "found" {
                text.line(&format!("    {:<NAMES$} {}", "", self.found_in));
            }
        }
        text.line("");
        text.line(&format!("  {bold}post-mortem{plain}  {}", self.postmortem.display()));
        if let Some(folder) = &self.kept {
            text.line(&format!("  {bold}the stage{plain}    {}", folder.display()));
        }
        text.out
    }
}

fn is_live(stats: &Value, id: &str) -> bool {
    let keys = stats.get("keys").and_then(Value::as_array).into_iter().flatten();
    keys.filter(|key| key.get("enabled") == Some(&json!(true))).any(|key| key.get("id") == Some(&json!(id)))
}

/// Copies the post-mortem's two forms to `postmortems/` here, or to the machine's temporary folder.
fn bring_out(postmortem: &Path) -> Result<PathBuf, Error> {
    let name = postmortem.file_name().unwrap_or_default();
    let copy = |folder: &Path| {
        std::fs::create_dir_all(folder)?;
        let to = folder.join(name);
        std::fs::copy(postmortem, &to)?;
        std::fs::copy(postmortem.with_extension("json"), to.with_extension("json"))?;
        Ok::<PathBuf, std::io::Error>(to)
    };
    let here = Path::new("postmortems");
    copy(here)
        .or_else(|_| copy(&std::env::temp_dir().join("stanch-postmortems")))
        .map_err(|error| Error::new(format!("keep the post-mortem: {error}")))
}
