//! The file as written: every key it may have, each of them optional but the version.

use super::serve::Serve;
use crate::detect::{Allow, Covers};
use crate::inventory::response::{Case, Responses};
use crate::inventory::{Entry, Inventory, Policy};
use crate::provider::{self, KeyId};
use crate::secret::{Fingerprint, SecretRef};
use crate::text::glob::Glob;
use crate::yaml::{Diagnostic, Node};
use crate::{consumer, probe, store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The version of the format that this program reads.
const VERSION: u64 = 1;

/// What was written. Paths are joined to the folder of the file already.
#[derive(Debug, Default)]
pub struct Options {
    pub rules: Vec<PathBuf>,
    pub allow: Vec<Allow>,
    pub baseline: Option<PathBuf>,
    pub fingerprint_key: Option<SecretRef>,
    pub ledger: Option<PathBuf>,
    pub seal_key: Option<SecretRef>,
    pub postmortems: Option<PathBuf>,
    pub providers: BTreeMap<String, provider::Settings>,
    pub inventory: Inventory,
    pub responses: Responses,
    pub serve: Serve,
    /// Providers that are named, with what is to be said when there is no such provider.
    pub named: Vec<(String, Diagnostic)>,
}

impl Options {
    /// Reads the whole file; what is wrong is noted in its document.
    pub fn read(root: &Node<'_>, base: &Path) -> Option<Options> {
        let mut options = Options::default();
        let mut fields = root.fields()?;
        if let Some(node) = fields.required("version")
            && node.u64().is_some_and(|version| version != VERSION)
        {
            node.mistake(format_args!("this stanch reads version {VERSION}"));
        }
        for node in fields.optional("rules").map(|node| node.items()).unwrap_or_default() {
            options.rules.extend(node.path(base));
        }
        for node in fields.optional("allow").map(|node| node.items()).unwrap_or_default() {
            options.allow.extend(allow(&node));
        }
        let mut path = |key| fields.optional(key).and_then(|node| node.path(base));
        options.baseline = path("baseline");
        options.ledger = path("ledger");
        options.postmortems = path("postmortems");
        let mut secret = |key| fields.optional(key).and_then(|node| node.secret_ref(base));
        options.fingerprint_key = secret("fingerprint-key");
        options.seal_key = secret("seal-key");
        for (id, node) in fields.optional("providers").map(|node| node.entries()).unwrap_or_default() {
            options.name_provider(id, &node);
            options.providers.extend(provider::Settings::read(&node, base).map(|read| (id.to_owned(), read)));
        }
        if let Some(node) = fields.optional("credentials") {
            options.credentials(&node, base);
        }
        let cases = fields.optional("respond").map(|node| node.items()).unwrap_or_default();
        options.responses.cases = cases.iter().filter_map(Case::read).collect();
        if let Some(node) = fields.optional("serve") {
            options.serve = Serve::read(&node, base).unwrap_or_default();
        }
        fields.finish();
        Some(options)
    }

    fn credentials(&mut self, list: &Node<'_>, base: &Path) {
        let mut ids = BTreeSet::new();
        for node in list.items() {
            let Some((entry, provider)) = entry(&node, base) else { continue };
            self.name_provider(&entry.provider, &provider);
            if !ids.insert(entry.id.clone()) {
                node.mistake(format_args!("there is another credential with the id `{}`", entry.id));
            }
            self.inventory.entries.push(entry);
        }
    }

    fn name_provider(&mut self, id: &str, node: &Node<'_>) {
        self.named.push((id.to_owned(), node.diagnostic(format_args!("there is no provider `{id}`"))));
    }
}

/// One entry of `credentials`, and the node that names its provider.
fn entry<'d>(node: &Node<'d>, base: &Path) -> Option<(Entry, Node<'d>)> {
    let mut fields = node.fields()?;
    let id = fields.required("id").and_then(|node| name(&node));
    let provider = fields.required("provider");
    let mut text = |key| fields.optional(key).and_then(|node| node.string());
    let (environment, owner, key) = (text("environment"), text("owner"), text("key"));
    let tier = fields.optional("tier").and_then(|node| node.u64());
    let mut issue = BTreeMap::new();
    for (name, node) in fields.optional("issue").map(|node| node.entries()).unwrap_or_default() {
        issue.extend(node.string().map(|value| (name.to_owned(), value)));
    }
    let mut list = |key| fields.optional(key).map(|node| node.items()).unwrap_or_default();
    let stores = list("stores").iter().filter_map(|node| store::Spec::read(node, base)).collect();
    let consumers = list("consumers").iter().filter_map(|node| consumer::Spec::read(node, base)).collect();
    let probes = list("probes").iter().filter_map(|node| probe::Spec::read(node, base)).collect();
    let policy = fields.optional("policy").map_or(Some(Policy::default()), |node| Policy::read(&node));
    fields.finish();
    let named = provider?;
    let entry = Entry {
        id: id?,
        provider: named.string()?,
        environment,
        owner,
        tier,
        key: key.map(KeyId),
        issue,
        stores,
        consumers,
        probes,
        policy: policy?,
    };
    Some((entry, named))
}

/// An id that can be typed: no spaces, and never mistaken for a fingerprint or an option.
fn name(node: &Node<'_>) -> Option<String> {
    let text = node.string()?;
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/'));
    let hex = text.len() >= 6 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if text.is_empty() || text.starts_with('-') || !letters {
        node.mistake("an id is letters, digits, `-`, `_`, `.` and `/`, and does not start with `-`");
        return None;
    }
    if hex {
        node.mistake("an id of hexadecimal digits alone would be taken for a fingerprint");
        return None;
    }
    Some(text)
}

/// One entry of the allow-list.
fn allow(node: &Node<'_>) -> Option<Allow> {
    let mut fields = node.fields()?;
    let print = fields.optional("fingerprint").map(|node| fingerprint(&node).map(Covers::Fingerprint));
    let path = fields.optional("path").map(|node| glob(&node).map(Covers::Path));
    let reason = fields.required("reason").and_then(|node| {
        let text = node.string()?;
        if text.trim().is_empty() {
            node.mistake("say why this is allowed");
        }
        Some(text)
    });
    let owner = fields.optional("owner").and_then(|node| node.string());
    let expires = fields.optional("expires").map(|node| node.timestamp());
    fields.finish();
    let what = match (print, path) {
        (Some(what), None) | (None, Some(what)) => what,
        _ => {
            node.mistake("expected either `fingerprint` or `path`");
            None
        }
    };
    let expires = match expires {
        Some(read) => Some(read?),
        None => None,
    };
    Some(Allow { what: what?, reason: reason?, owner, expires })
}

fn fingerprint(node: &Node<'_>) -> Option<Fingerprint> {
    let read = node.str()?.parse().ok();
    if read.is_none() {
        node.mistake("a fingerprint is 32 hexadecimal digits (put it in quotes), as reports show it");
    }
    read
}

fn glob(node: &Node<'_>) -> Option<Glob> {
    let read = Glob::new(node.str()?);
    if read.is_none() {
        node.mistake("this would allow everything");
    }
    read
}
