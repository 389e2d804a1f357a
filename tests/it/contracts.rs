//! Declared providers against their vendors' own API documents: every operation is there, with the parameters, fields and
//! answers that we count on.
//!
//! The documents are data that lies beside the repository (`../shared/contracts`), not in it. Where one is not there, the
//! test says so and passes.

use serde_json::{Map, Value};
use stanch::catalog;
use stanch::yaml::{Document, Node};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A vendor's document: its file, what of a path's beginning it leaves out, and the provider's files that it judges.
const DOCUMENTS: &[(&str, &str, &[&str])] = &[
    ("sendgrid_api_keys_v3.json", "", &["sendgrid"]),
    ("sendgrid_scopes_v3.json", "", &["sendgrid"]),
    ("twilio_api_v2010.json", "", &["twilio", "twilio-auth-token"]),
    ("openai.json", "/v1", &["openai", "openai-admin"]),
    ("vault.json", "/v1", &["vault"]),
    ("pagerduty.json", "", &["pagerduty"]),
    ("slack_web.json", "/api", &["slack"]),
    ("datadog_v1.yaml", "", &["datadog"]),
];

/// Operations that none of the documents at hand holds: they are of another version or document of the vendor.
const ELSEWHERE: &[(&str, &str)] = &[("datadog", "/api/v2/")];

const OPERATIONS: &[&str] = &["validate", "identify", "issue", "list", "disable", "enable", "revoke", "last-used"];

#[test]
fn declared_operations_agree_with_the_vendors_documents() {
    let mut wrong = Vec::new();
    let mut judged = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for &(file, prefix, providers) in DOCUMENTS {
        let Some(document) = document(file) else {
            println!("skipped: {file} is not at {}", folder().display());
            continue;
        };
        let contract = Contract { document, prefix };
        for &provider in providers {
            for operation in operations(provider) {
                let name = operation.name();
                wanted.insert(name.clone());
                let Some(found) = contract.find(&operation) else { continue };
                wrong
                    .extend(operation.judge(&contract, found).into_iter().map(|why| format!("{name}: {why} ({file})")));
                judged.insert(name);
            }
        }
    }
    let missing = wanted.difference(&judged).map(|name| format!("{name}: in no document of its vendor"));
    wrong.extend(missing);
    println!("{} operations judged", judged.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// One operation of a provider's `api`.
struct Operation {
    provider: String,
    kind: &'static str,
    declared: Value,
}

/// A vendor's document.
struct Contract {
    document: Value,
    prefix: &'static str,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}: {} {}", self.provider, self.kind, self.method().to_uppercase(), self.path())
    }

    fn method(&self) -> String {
        text(&self.declared, "/request/method").to_lowercase()
    }

    fn path(&self) -> &str {
        text(&self.declared, "/request/path").split('?').next().unwrap_or_default()
    }

    /// What of it the vendor's document does not allow.
    fn judge(&self, contract: &Contract, found: &Value) -> Vec<String> {
        let mut wrong = self.judge_query(contract, found);
        wrong.extend(self.judge_body(contract, found));
        let statuses = self.successes();
        let documented = |status: &&u64| found.pointer(&format!("/responses/{status}")).is_some();
        let Some(status) = statuses.iter().find(documented) else {
            wrong.push(format!("none of the statuses {statuses:?} is documented"));
            return wrong;
        };
        let answer = &found["responses"][status.to_string()];
        let Some(schema) = contract.schema(answer) else { return wrong };
        for (place, pointer) in self.places() {
            let steps: Vec<&str> = pointer.split('/').skip(1).collect();
            if contract.leads(schema, &steps, 0) == Some(false) {
                wrong.push(format!("`{place}` {pointer} leads nowhere in the answer {status}"));
            }
        }
        wrong
    }

    /// Query parameters are documented ones.
    fn judge_query(&self, contract: &Contract, found: &Value) -> Vec<String> {
        let query = text(&self.declared, "/request/path").split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').filter_map(|pair| pair.split('=').next());
        let names = names.chain([text(&self.declared, "/next/parameter")]).filter(|name| !name.is_empty());
        let known: Vec<&str> =
            items(&found["parameters"]).iter().map(|one| text(contract.resolve(one), "/name")).collect();
        names.filter(|name| !known.contains(name)).map(|name| format!("no parameter is called {name}")).collect()
    }

    /// The body's fields are documented ones, and those that are required are there.
    fn judge_body(&self, contract: &Contract, found: &Value) -> Vec<String> {
        let body = text(&self.declared, "/request/body");
        let Some(schema) = contract.schema(contract.resolve(&found["requestBody"])) else { return Vec::new() };
        let names: Vec<String> = match serde_json::from_str::<Value>(&filled(body)) {
            Ok(Value::Object(fields)) => fields.keys().cloned().collect(),
            _ => body.split('&').filter_map(|pair| pair.split('=').next()).map(str::to_owned).collect(),
        };
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let schema = contract.resolve(schema);
        let known = |name: &&String| contract.leads(schema, &[name], 0) != Some(false);
        let unknown =
            names.iter().filter(|name| !known(name)).map(|name| format!("no field of the body is called {name}"));
        let required = items(&schema["required"]).iter().filter_map(Value::as_str);
        let required = required.filter(|name| !names.iter().any(|known| known == name));
        unknown.chain(required.map(|name| format!("the body lacks the required field {name}"))).collect()
    }

    /// The statuses that count as success.
    fn successes(&self) -> Vec<u64> {
        if let Some(done) = self.declared["done"].as_array() {
            return done.iter().filter_map(Value::as_u64).collect();
        }
        let active = items(&self.declared["answers"]).iter().filter(|answer| text(answer, "/verdict") == "active");
        let active: Vec<u64> = active.flat_map(|answer| items(&answer["status"])).filter_map(Value::as_u64).collect();
        if active.is_empty() { vec![200] } else { active }
    }

    /// What is read from a success, as pointers into its body.
    fn places(&self) -> Vec<(String, String)> {
        let items_at = text(&self.declared, "/items").to_owned();
        let mut places = Vec::new();
        let mut add = |name: &str, pointer: &str, in_item: bool| {
            if pointer.starts_with('/') {
                let pointer = if in_item { format!("{items_at}/0{pointer}") } else { pointer.to_owned() };
                places.push((name.to_owned(), pointer));
            }
        };
        for name in ["key", "secret", "at", "items", "json/pointer", "next/pointer"] {
            add(name, text(&self.declared, &format!("/{name}")), false);
        }
        for name in ["id", "label", "created", "last-used", "enabled", "enabled/pointer"] {
            add(name, text(&self.declared, &format!("/{name}")), true);
        }
        for (name, pointer) in self.declared["parts"].as_object().into_iter().flatten() {
            add(name, pointer.as_str().unwrap_or_default(), false);
        }
        for answer in items(&self.declared["answers"]) {
            if text(answer, "/verdict") == "active" {
                for name in ["identity", "scopes", "json/pointer"] {
                    add(name, text(answer, &format!("/{name}")), false);
                }
            }
        }
        places
    }
}

impl Contract {
    /// The vendor's own description of an operation.
    fn find(&self, operation: &Operation) -> Option<&Value> {
        let path = operation.path().strip_prefix(self.prefix)?;
        let wanted = shape(path);
        let paths = self.document["paths"].as_object()?;
        let fits = |known: &&String| shape(known).trim_end_matches('/') == wanted.trim_end_matches('/');
        let known = paths.keys().find(fits)?;
        paths[known].get(operation.method())
    }

    /// Follows references.
    fn resolve<'v>(&'v self, mut value: &'v Value) -> &'v Value {
        while let Some(target) = value["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
            // Some documents percent-encode the pointer in a reference.
            value = self.document.pointer(&target.replace("%7B", "{").replace("%7D", "}")).unwrap_or(&Value::Null);
        }
        value
    }

    /// The schema of a request's or an answer's body.
    fn schema<'v>(&'v self, body: &'v Value) -> Option<&'v Value> {
        let body = self.resolve(body);
        let content = body["content"].as_object().and_then(|content| content.values().next());
        let schema = content.map_or(&body["schema"], |content| &content["schema"]);
        (!schema.is_null()).then_some(schema)
    }

    /// Whether a way leads somewhere in what a schema describes; `None` when the schema does not say.
    fn leads(&self, schema: &Value, steps: &[&str], depth: usize) -> Option<bool> {
        const DEEPEST: usize = 32;
        let schema = self.resolve(schema);
        let Some((step, rest)) = steps.split_first() else { return Some(true) };
        if depth > DEEPEST {
            return None;
        }
        if schema["type"] == "null" {
            return Some(false);
        }
        let mut said = Vec::new();
        for key in ["allOf", "anyOf", "oneOf"] {
            said.extend(items(&schema[key]).iter().map(|one| self.leads(one, steps, depth + 1)));
        }
        if !schema["items"].is_null() {
            said.push(match step.parse::<usize>() {
                Ok(_) => self.leads(&schema["items"], rest, depth + 1),
                Err(_) => Some(false),
            });
        }
        if let Some(properties) = schema["properties"].as_object() {
            said.push(match properties.get(*step) {
                Some(next) => self.leads(next, rest, depth + 1),
                None => Some(false),
            });
        }
        match said.contains(&Some(true)) {
            true => Some(true),
            false if said.is_empty() || said.contains(&None) => None,
            false => Some(false),
        }
    }
}

/// The operations of a provider that go to its own base.
fn operations(provider: &str) -> Vec<Operation> {
    let file = catalog::builtin().into_iter().find(|file| file.name == format!("rules/{provider}.yaml"));
    let document = file.unwrap_or_else(|| panic!("rules/{provider}.yaml is not there")).parse().unwrap();
    let api = catalog::top(&document).and_then(|top| top.api).unwrap_or_else(|| panic!("{provider} has no api"));
    let api = json(&api);
    let one = |&kind: &&'static str| {
        let declared = api.get(kind)?.clone();
        Some(Operation { provider: provider.to_owned(), kind, declared })
    };
    let at_hand = |operation: &Operation| {
        let elsewhere =
            |(provider, path): &(&str, &str)| *provider == operation.provider && operation.path().starts_with(path);
        operation.declared.pointer("/request/base").is_none() && !ELSEWHERE.iter().any(elsewhere)
    };
    OPERATIONS.iter().filter_map(one).filter(at_hand).collect()
}

/// A path with every hole and every parameter made alike.
fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    for c in path.chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    out.push_str("{}");
                }
            }
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// A JSON body with something in its holes.
fn filled(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (hole, after) = after.split_once("}}").unwrap_or((after, ""));
        out.push_str(if hole.trim().starts_with("list") { "[]" } else { "\"x\"" });
        rest = after;
    }
    out + rest
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/contracts")
}

fn document(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(folder().join(file)).ok()?;
    match file.ends_with(".json") {
        true => Some(serde_json::from_str(&text).unwrap_or_else(|e| panic!("{file}: {e}"))),
        false => Some(json(&Document::parse(file, text).unwrap_or_else(|e| panic!("{e}")).root())),
    }
}

fn json(node: &Node<'_>) -> Value {
    if node.is_mapping() {
        let fields = node.entries().into_iter().map(|(name, node)| (name.to_owned(), json(&node)));
        return Value::Object(fields.collect::<Map<_, _>>());
    }
    if node.is_sequence() {
        return node.items().iter().map(json).collect();
    }
    if node.is_null() { Value::Null } else { node.scalar().unwrap_or(Value::Null) }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
