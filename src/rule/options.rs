//! Rules as they are written, read strictly: every mistake of a file at its line.

use super::compile::{LONGEST, LONGEST_PART};
use super::example::Recipe;
use super::{Allow, Checksum, Confidence, Digest, Need, Pattern, Rule, builtin};
use crate::catalog::{self, File, Top};
use crate::yaml::{Diagnostics, Document, Node};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The provider id of the rules that belong to nobody.
pub const NOBODY: &str = "generic";
/// Fewer bytes than this are no keyword: they would be near everywhere.
const SHORTEST_KEYWORD: usize = 3;
/// How many lines away a part may lie, when a rule does not say.
const NEED_LINES: u64 = 10;
/// How many lines away a part may lie at most.
const MOST_LINES: u64 = 100;

/// How much is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// What was checked by a test of ours before it was built in: shape only, nothing compiled, no examples.
    Trusted,
    /// All: patterns compile, examples are there and are recipes.
    Full,
}

/// The rules of one layer of files. An id that stands twice is a mistake.
pub fn read(files: &[File], check: Check) -> Result<Vec<Rule>, Diagnostics> {
    let mut rules = Vec::new();
    let mut mistakes = Vec::new();
    let mut seen = BTreeMap::new();
    for file in files {
        let document = if check == Check::Full { file.parse() } else { file.digest() };
        let read = document.and_then(|document| {
            let rules = read_file(&document, check, &mut seen);
            document.finish(rules)
        });
        match read {
            Ok(found) => rules.extend(found),
            Err(Diagnostics(found)) => mistakes.extend(found),
        }
    }
    if mistakes.is_empty() { Ok(rules) } else { Err(Diagnostics(mistakes)) }
}

/// The examples of every rule of a document with their places: (rule id, must match, index, text, place).
pub fn examples(document: &Document) -> Vec<Example<'_>> {
    let mut found = Vec::new();
    let Some(rules) = catalog::top(document).and_then(|top| top.rules) else { return found };
    for rule in rules.items() {
        let Some(mut fields) = rule.fields() else { continue };
        let Some(id) = fields.required("id").and_then(|node| node.string()) else { continue };
        let Some(mut lists) = fields.optional("examples").and_then(|node| node.fields()) else { continue };
        for (key, matches) in [("match", true), ("no-match", false)] {
            for (index, node) in
                lists.optional(key).map(|list| list.items()).unwrap_or_default().into_iter().enumerate()
            {
                let Some(recipe) = node.str() else { continue };
                found.push(Example { rule: id.clone(), matches, index, recipe, node });
            }
        }
    }
    found
}

/// One example where it stands.
pub struct Example<'d> {
    /// The rule's id.
    pub rule: String,
    /// Whether the rule must find something in it (else it must not).
    pub matches: bool,
    /// Its place in its list.
    pub index: usize,
    /// The recipe.
    pub recipe: &'d str,
    /// Where it stands.
    pub node: Node<'d>,
}

fn read_file(document: &Document, check: Check, seen: &mut BTreeMap<String, String>) -> Option<Vec<Rule>> {
    let top = catalog::top(document)?;
    let items = top.rules.as_ref().map(|node| node.items()).unwrap_or_default();
    let mut rules = Vec::with_capacity(items.len());
    for item in items {
        let Some(rule) = read_rule(&item, &top, document.name(), check) else { continue };
        if let Some(other) = seen.insert(rule.id.clone(), document.name().to_owned()) {
            item.mistake(format_args!("the id `{}` stands in {other} already", rule.id));
        }
        rules.push(rule);
    }
    Some(rules)
}

fn read_rule(node: &Node<'_>, top: &Top<'_>, file: &str, check: Check) -> Option<Rule> {
    let mut fields = node.fields()?;
    // All keys are asked for before any `?`, so that one mistake does not hide another.
    let id = fields.required("id").and_then(|node| read_id(&node));
    let description = fields.required("description").and_then(|node| node.string());
    let keywords = fields.required("keywords").map(|node| read_keywords(&node));
    let group = fields.optional("secret").and_then(|node| node.string());
    let pattern = fields.required("pattern").and_then(|node| read_pattern(&node, group.as_deref(), LONGEST, check));
    let needs = fields.optional("needs").map(|node| node.items()).unwrap_or_default();
    let needs = needs.iter().filter_map(|need| read_need(need, check)).collect();
    let confidence = fields.optional("confidence").map(|node| read_confidence(&node));
    let entropy = fields.optional("entropy").and_then(|node| read_entropy(&node));
    let checksum = fields.optional("checksum").and_then(|node| node.one_of(Checksum::NAMES));
    let checksum_required = fields.optional("checksum-required").and_then(|node| node.bool()).unwrap_or_default();
    if checksum_required && checksum.is_none() {
        node.mistake("`checksum-required` without a `checksum`");
    }
    let tags = fields.optional("tags").map(|node| node.strings()).unwrap_or_default();
    let allow = fields.optional("allow").and_then(|node| read_allow(&node, check)).unwrap_or_default();
    let examples = fields.optional("examples");
    if check == Check::Full {
        check_examples(node, examples.as_ref());
    }
    fields.finish();
    let (id, keywords, pattern) = (id?, keywords?, pattern?);
    let digest = match builtin::digest(&id).filter(|_| check == Check::Trusted) {
        Some(digest) => Cow::Borrowed(digest),
        None => Cow::Owned(Digest::of(pattern.source(), group.as_deref(), &keywords)?),
    };
    Some(Rule {
        id,
        provider: (top.provider != NOBODY).then(|| top.provider.clone()),
        title: top.title.clone(),
        file: file.to_owned(),
        description: description?,
        keywords,
        pattern,
        digest,
        needs,
        confidence: confidence.unwrap_or(Some(Confidence::Medium))?,
        entropy,
        checksum,
        checksum_required,
        tags,
        allow,
    })
}

fn read_id(node: &Node<'_>) -> Option<String> {
    let id = node.string()?;
    let fine = !id.is_empty() && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !fine {
        node.mistake("a rule's id is lower-case letters, digits and dashes");
    }
    fine.then_some(id)
}

/// In lower case, each once.
fn read_keywords(node: &Node<'_>) -> Vec<String> {
    let mut keywords = Vec::new();
    for item in node.items() {
        let Some(keyword) = item.str() else { continue };
        if keyword.len() < SHORTEST_KEYWORD || !keyword.is_ascii() {
            item.mistake(format_args!("a keyword has at least {SHORTEST_KEYWORD} bytes, all ASCII"));
        }
        keywords.push(keyword.to_ascii_lowercase());
    }
    if keywords.is_empty() {
        node.mistake("at least one keyword: without one the pattern would be tried everywhere");
    }
    keywords.sort();
    keywords.dedup();
    keywords
}

fn read_pattern(node: &Node<'_>, secret: Option<&str>, bound: usize, check: Check) -> Option<Pattern> {
    let source = node.str()?;
    if check == Check::Trusted {
        return Some(Pattern::trusted(source, secret, bound));
    }
    let read = Pattern::bounded(source, secret, bound).and_then(|pattern| pattern.prove().map(|()| pattern));
    read.map_err(|error| node.mistake(format_args!("the pattern {error}"))).ok()
}

fn read_need(node: &Node<'_>, check: Check) -> Option<Need> {
    let mut fields = node.fields()?;
    let part = fields.required("part").and_then(|node| node.string());
    let pattern = fields.required("pattern").and_then(|node| read_pattern(&node, None, LONGEST_PART, check));
    let lines = match fields.optional("lines") {
        None => Some(NEED_LINES),
        Some(node) => node.u64().filter(|lines| {
            let fine = (1..=MOST_LINES).contains(lines);
            if !fine {
                node.mistake(format_args!("from 1 to {MOST_LINES} lines away"));
            }
            fine
        }),
    };
    let required = fields.optional("required").and_then(|node| node.bool()).unwrap_or_default();
    fields.finish();
    Some(Need { part: part?, pattern: pattern?, lines: usize::try_from(lines?).ok()?, required })
}

fn read_confidence(node: &Node<'_>) -> Option<Confidence> {
    node.one_of(&[("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)])
}

fn read_entropy(node: &Node<'_>) -> Option<f64> {
    let bits = node.f64()?;
    let fine = (0.0..=8.0).contains(&bits);
    if !fine {
        node.mistake("entropy is from 0 to 8 bits a byte");
    }
    fine.then_some(bits)
}

fn read_allow(node: &Node<'_>, check: Check) -> Option<Allow> {
    let mut fields = node.fields()?;
    let mut list = |key| -> Vec<Pattern> {
        let items: Vec<Node<'_>> = fields.optional(key).map(|node| node.items()).unwrap_or_default();
        items.iter().filter_map(|item| read_test(item, check)).collect()
    };
    let allow = Allow { values: list("values"), paths: list("paths") };
    fields.finish();
    Some(allow)
}

fn read_test(node: &Node<'_>, check: Check) -> Option<Pattern> {
    let pattern = Pattern::test(node.str()?);
    let proof = if check == Check::Full { pattern.prove() } else { Ok(()) };
    proof.map_err(|error| node.mistake(format_args!("the pattern {error}"))).ok()?;
    Some(pattern)
}

/// Examples of both kinds, and each a recipe.
fn check_examples(rule: &Node<'_>, node: Option<&Node<'_>>) {
    let Some(node) = node else { return rule.mistake("`examples` is missing") };
    let Some(mut lists) = node.fields() else { return };
    let mut list = |key| lists.optional(key).map(|node| node.items()).unwrap_or_default();
    let (matching, other) = (list("match"), list("no-match"));
    lists.finish();
    if matching.is_empty() || other.is_empty() {
        node.mistake("at least one example under `match` and one under `no-match`");
    }
    for example in matching.iter().chain(&other) {
        if let Some(Err(error)) = example.str().map(Recipe::parse) {
            example.mistake(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[&str]) {
        let file = File::new("x.yaml", text.to_owned());
        let found = match read(&[file], Check::Full) {
            Ok(_) => String::new(),
            Err(found) => found.to_string(),
        };
        assert_eq!(found.lines().collect::<Vec<_>>(), want);
    }

    const GOOD: &str = "\
provider: x
title: X
rules:
  - id: x-key
    description: X key
    keywords: [\"x_key_\"]
    pattern: 'x_key_[0-9a-f]{16}'
    examples:
      match: ['x_key_{{ hex(16) }}']
      no-match: ['x_key_{{ hex(3) }}']
";

    #[test]
    fn a_good_rule_has_no_mistake() {
        check(GOOD, &[]);
    }

    #[test]
    fn every_mistake_at_its_line() {
        let text = GOOD
            .replace("[\"x_key_\"]", "[\"x\"]")
            .replace("{16}'\n", "+'\n    confidence: sure\n    entropy: 9\n    checksum: crc\n    colour: red\n")
            .replace("hex(3)", "hexx(3)");
        check(
            &text,
            &[
                "x.yaml:6:16: a keyword has at least 3 bytes, all ASCII",
                "x.yaml:7:14: the pattern has no longest match: say how many at most, such as {0,64} for *; 16384 bytes in all are allowed",
                "x.yaml:8:17: expected one of: low, medium, high, found text",
                "x.yaml:9:14: entropy is from 0 to 8 bits a byte",
                "x.yaml:10:15: expected one of: crc32-base62, github-pat, found text",
                "x.yaml:11:5: unknown key `colour` (known here: id, description, keywords, secret, pattern, needs, confidence, entropy, checksum, checksum-required, tags, allow, examples)",
                "x.yaml:14:18: no function is called `hexx`",
            ],
        );
    }

    #[test]
    fn an_id_stands_once_in_a_layer() {
        let rules = GOOD.split_once("rules:\n").unwrap().1;
        check(&format!("{GOOD}{rules}"), &["x.yaml:11:5: the id `x-key` stands in x.yaml already"]);
    }

    #[test]
    fn both_kinds_of_example_are_wanted() {
        let text = GOOD.replace("      no-match: ['x_key_{{ hex(3) }}']\n", "");
        check(&text, &["x.yaml:9:7: at least one example under `match` and one under `no-match`"]);
    }
}
