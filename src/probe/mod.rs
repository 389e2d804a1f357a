//! Evidence: does the service work with the new credential, is the old one still in use?
//!
//! A [`Probe`] looks and says what it saw; it never changes anything, so it may be asked again and again. To add a kind:
//! one file, and its line in [`Spec`]. Knows nothing of providers, stores or rotation.

pub mod command;
pub mod http;

use crate::yaml::Node;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// One way to look.
pub trait Probe: Send + Sync {
    /// What plans and post-mortems call it: `GET http://127.0.0.1:8080/health is 200`.
    fn describe(&self) -> String;

    /// Looks once. `facts` fill `{{ name }}` in the probe's own text (`new_key`, `old_key`: ids, never secrets).
    fn look(&self, facts: &BTreeMap<String, String>) -> Evidence;
}

/// A probe as the inventory names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    kind: Kind,
    within: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Http(http::Http),
    Command(command::Command),
}

/// How long a probe is asked again until it is good, when the inventory does not say.
const WITHIN: Duration = Duration::from_secs(30);

impl Spec {
    /// Reads one item of a credential's `probes`; commands run in `base`.
    pub fn read(node: &Node<'_>, base: &Path) -> Option<Spec> {
        let (kind, node) = node.kind(&["http", "command"])?;
        let mut fields = node.fields()?;
        let within = fields.optional("within").map(|node| node.duration());
        let kind = match kind {
            "http" => http::Http::read_spec(&mut fields).map(Kind::Http),
            _ => command::Command::read_spec(&mut fields, base).map(Kind::Command),
        };
        fields.finish();
        Some(Spec { kind: kind?, within: within.unwrap_or(Some(WITHIN))? })
    }

    /// How long to look again and again until what is seen is good.
    pub fn within(&self) -> Duration {
        self.within
    }

    /// The probe, ready to look. Nothing is touched yet.
    pub fn open(&self) -> Box<dyn Probe> {
        match &self.kind {
            Kind::Http(probe) => probe.open(),
            Kind::Command(probe) => Box::new(probe.clone()),
        }
    }
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whether it is as it should be.
    pub good: bool,
    /// What was seen, scrubbed, in a few words: `200 in 12 ms`.
    pub seen: String,
}

/// What may be asked for as `{{ name }}`: the provider's ids of the two keys.
const FACTS: &[&str] = &["new_key", "old_key"];

/// Reads a text with facts in it.
fn text(node: &Node<'_>) -> Option<String> {
    let text = node.string()?;
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            node.mistake("a `{{` without its `}}`");
            return None;
        };
        if !FACTS.contains(&name.trim()) {
            node.mistake(format_args!("`{}` is no fact (known here: {})", name.trim(), FACTS.join(", ")));
        }
        rest = after;
    }
    Some(text)
}

/// A text with its facts in it; a fact that is not known yet stays as it is written, and fits nothing.
fn filled(text: &str, facts: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        match after.split_once("}}") {
            Some((name, after)) => {
                match facts.get(name.trim()) {
                    Some(fact) => out.push_str(fact),
                    None => out.push_str(&format!("{{{{{name}}}}}")),
                }
                rest = after;
            }
            None => {
                out.push_str("{{");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

impl fmt::Debug for dyn Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
