//! YAML that a person wrote, read strictly: every mistake of a file at its line, not just the first.
//!
//! A [`Document`] is parsed once; a reader walks it with [`Node`] and [`Fields`] and notes what is wrong as it goes,
//! returning `None` for what it could not read; [`Document::finish`] then gives either the value or all the
//! [`Diagnostics`]. Places are found only when there is a mistake, by asking the parser again for the one node.
//!
//! What was parsed is a [`Tree`]; one that stands in the program already makes a document without the parser.
//!
//! The window on `serde_yaml` (the maintained fork `serde_norway` behind that name). Knows nothing of rules or config.

mod place;

use crate::secret::SecretRef;
use place::{Locate, Repeated};
use serde::de::DeserializeSeed;
use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::path::Path;
use std::time::Duration;

pub mod tree;

pub use tree::Tree;

/// A parsed file, and the mistakes found in it so far.
pub struct Document {
    name: String,
    text: Cow<'static, str>,
    root: Cow<'static, Tree>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Document {
    /// Parses `text`; `name` is what diagnostics call the file.
    pub fn parse(name: impl Into<String>, text: impl Into<String>) -> Result<Document, Diagnostics> {
        let (name, text): (String, String) = (name.into(), text.into());
        match Tree::parse(&text) {
            Ok(root) => Ok(Document { name, text: text.into(), root: Cow::Owned(root), mistakes: RefCell::default() }),
            Err(error) => {
                // A key that stands twice is told at its mapping; the person needs the second of the two.
                let again = Repeated.deserialize(serde_yaml::Deserializer::from_str(&text)).err();
                let place = again.and_then(|again| again.location()).or_else(|| error.location());
                let (line, column) = place.map_or((1, 1), |at| (at.line(), at.column()));
                // The crate repeats the place in its message; ours stands in front.
                let text = error.to_string();
                let text = text.split(" at line ").next().unwrap_or(&text).to_owned();
                Err(Diagnostics(vec![Diagnostic { file: name, line, column, text }]))
            }
        }
    }

    /// A document whose tree was made of `text` before; the places of mistakes are still found in the text.
    pub fn of(name: impl Into<String>, text: impl Into<Cow<'static, str>>, root: &'static Tree) -> Document {
        Document { name: name.into(), text: text.into(), root: Cow::Borrowed(root), mistakes: RefCell::default() }
    }

    /// What diagnostics call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The top of the document.
    pub fn root(&self) -> Node<'_> {
        Node { document: self, value: &self.root }
    }

    /// The value read, unless a mistake was noted or the reader gave up.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        let mistakes = self.mistakes.borrow();
        let mut found: Vec<Diagnostic> = mistakes.iter().map(|mistake| self.locate(mistake)).collect();
        found.sort_by_key(|d| (d.line, d.column));
        match value {
            Some(value) if found.is_empty() => Ok(value),
            _ => Err(Diagnostics(found)),
        }
    }

    fn locate(&self, mistake: &Mistake) -> Diagnostic {
        let seed = Locate { path: &mistake.path, on_key: mistake.on_key };
        let place = seed.deserialize(serde_yaml::Deserializer::from_str(&self.text)).err().and_then(|e| e.location());
        let (line, column) = place.map_or((1, 1), |at| (at.line(), at.column()));
        Diagnostic { file: self.name.clone(), line, column, text: mistake.text.clone() }
    }
}

/// One node of the document.
#[derive(Clone, Copy)]
pub struct Node<'d> {
    document: &'d Document,
    value: &'d Tree,
}

impl<'d> Node<'d> {
    /// Notes that this node is wrong.
    pub fn mistake(&self, text: impl fmt::Display) {
        self.note(false, text.to_string());
    }

    /// What is to be said of this node if it turns out to be wrong later, when the document is long gone.
    pub fn diagnostic(&self, text: impl fmt::Display) -> Diagnostic {
        self.document.locate(&self.wrong(false, text.to_string()))
    }

    /// `true` for `~`, `null` and nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Tree::Null)
    }

    /// Whether this is a mapping (else a scalar or a list): for keys that take a short form.
    pub fn is_mapping(&self) -> bool {
        matches!(self.value, Tree::Map(_))
    }

    /// Whether this is a list.
    pub fn is_sequence(&self) -> bool {
        matches!(self.value, Tree::List(_))
    }

    /// Text; a number or a boolean is refused, so that `on` and `1.10` are never silently something else.
    pub fn str(&self) -> Option<&'d str> {
        self.expect(self.value.text(), "text (put it in quotes)")
    }

    /// Text, owned.
    pub fn string(&self) -> Option<String> {
        self.str().map(str::to_owned)
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Option<bool> {
        let read = match self.value {
            Tree::Bool(value) => Some(*value),
            _ => None,
        };
        self.expect(read, "true or false")
    }

    /// A whole number from 0.
    pub fn u64(&self) -> Option<u64> {
        let read = match self.value {
            Tree::Whole(value) => Some(*value),
            _ => None,
        };
        self.expect(read, "a whole number")
    }

    /// A number.
    pub fn f64(&self) -> Option<f64> {
        let read = match self.value {
            Tree::Whole(value) => Some(*value as f64),
            Tree::Below(value) => Some(*value as f64),
            Tree::Real(value) => Some(*value),
            _ => None,
        };
        self.expect(read, "a number")
    }

    /// A single value (text, a number, a boolean), for those who compare it with what an answer holds.
    pub fn scalar(&self) -> Option<serde_json::Value> {
        let read = match self.value {
            Tree::Bool(value) => Some((*value).into()),
            Tree::Whole(value) => Some((*value).into()),
            Tree::Below(value) => Some((*value).into()),
            Tree::Real(value) => Some((*value).into()),
            Tree::Text(value) => Some(value.as_ref().into()),
            Tree::Null | Tree::List(_) | Tree::Map(_) => None,
        };
        self.expect(read, "text, a number, true or false")
    }

    /// A path; a relative one is relative to `base`, the folder of the file that names it.
    pub fn path(&self, base: &Path) -> Option<std::path::PathBuf> {
        let text = self.str()?;
        match text.is_empty() {
            true => {
                self.mistake("a path cannot be empty");
                None
            }
            // Without the `.` of `./app/.env`, which would stand in the middle; `..` may cross a link and stays.
            false => Some(base.join(text).components().collect()),
        }
    }

    /// The place of a secret, `{ env: NAME }` or `{ file: PATH }`; never the secret itself.
    pub fn secret_ref(&self, base: &Path) -> Option<SecretRef> {
        if self.value.text().is_some() {
            self.mistake("a secret is not written here: name its place, { env: NAME } or { file: PATH }");
            return None;
        }
        let mut fields = self.fields()?;
        let env = fields.optional("env").map(|node| node.string().map(SecretRef::Env));
        let file = fields.optional("file").map(|node| node.path(base).map(SecretRef::File));
        fields.finish();
        match (env, file) {
            (Some(place), None) | (None, Some(place)) => place,
            _ => {
                self.mistake("expected either `env` or `file`");
                None
            }
        }
    }

    /// A duration such as `250ms`, `5s`, `24h`.
    pub fn duration(&self) -> Option<Duration> {
        let zero = (*self.value == Tree::Whole(0)).then_some(Duration::ZERO);
        let read = zero.or_else(|| self.value.text().and_then(crate::text::duration::parse));
        self.expect(read, "a duration such as 250ms, 5s or 24h")
    }

    /// A date and time in RFC 3339, or a date (which is its midnight UTC).
    pub fn timestamp(&self) -> Option<jiff::Timestamp> {
        let read = self.value.text().and_then(|text| {
            let date = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
            text.parse().ok().or_else(|| date().map(|day| day.timestamp()))
        });
        self.expect(read, "a date such as 2026-11-20")
    }

    /// One of a few words.
    pub fn one_of<T: Clone>(&self, words: &[(&str, T)]) -> Option<T> {
        let found = self.value.text().and_then(|text| words.iter().find(|(word, _)| *word == text));
        let list: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.expect(found.map(|(_, value)| value.clone()), &format!("one of: {}", list.join(", ")))
    }

    /// The items of a list.
    pub fn items(&self) -> Vec<Node<'d>> {
        match self.value {
            Tree::List(items) => items.iter().map(|value| self.child(value)).collect(),
            _ => self.expect(None, "a list").unwrap_or_default(),
        }
    }

    /// A list of texts; what is not text is noted and left out.
    pub fn strings(&self) -> Vec<String> {
        self.items().iter().filter_map(Node::string).collect()
    }

    /// The entries of a mapping whose keys are free (names of headers, of parts).
    pub fn entries(&self) -> Vec<(&'d str, Node<'d>)> {
        let Tree::Map(mapping) = self.value else { return self.expect(None, "a mapping").unwrap_or_default() };
        let mut entries = Vec::with_capacity(mapping.len());
        for (key, value) in mapping.iter() {
            match key.text() {
                Some(key) => entries.push((key, self.child(value))),
                None => self.mistake("a key that is not text"),
            }
        }
        entries
    }

    /// A mapping of exactly one key, which says what kind of thing its value describes.
    pub fn kind(&self, kinds: &[&'static str]) -> Option<(&'static str, Node<'d>)> {
        let mut fields = self.fields()?;
        let mut found: Vec<_> = kinds.iter().filter_map(|&kind| Some((kind, fields.optional(kind)?))).collect();
        fields.finish();
        if found.len() > 1 || (found.is_empty() && self.entries().is_empty()) {
            self.mistake(format_args!("expected exactly one of: {}", kinds.join(", ")));
            return None;
        }
        found.pop()
    }

    /// A mapping with known keys.
    pub fn fields(&self) -> Option<Fields<'d>> {
        self.expect(self.is_mapping().then_some(()), "a mapping")?;
        Some(Fields { node: *self, entries: self.entries(), known: Vec::new() })
    }

    fn child(&self, value: &'d Tree) -> Node<'d> {
        Node { document: self.document, value }
    }

    fn expect<T>(&self, read: Option<T>, what: &str) -> Option<T> {
        if read.is_none() {
            self.mistake(format_args!("expected {what}, found {}", kind(self.value)));
        }
        read
    }

    fn note(&self, on_key: bool, text: String) {
        self.document.mistakes.borrow_mut().push(self.wrong(on_key, text));
    }

    /// The mistake with the way to this node, which nobody asks for while all is well.
    fn wrong(&self, on_key: bool, text: String) -> Mistake {
        let mut path = Vec::new();
        // Every node was reached from the root.
        way(&self.document.root, self.value, &mut path);
        Mistake { path, on_key, text }
    }
}

/// A mapping being read: ask for each key, then [`Fields::finish`], which refuses what nobody asked for.
pub struct Fields<'d> {
    node: Node<'d>,
    entries: Vec<(&'d str, Node<'d>)>,
    known: Vec<&'static str>,
}

impl<'d> Fields<'d> {
    /// The value of `key`, or a mistake noted at the mapping.
    pub fn required(&mut self, key: &'static str) -> Option<Node<'d>> {
        let found = self.optional(key);
        if found.is_none() {
            self.node.mistake(format_args!("`{key}` is missing"));
        }
        found
    }

    /// The value of `key`, if it is there and not null.
    pub fn optional(&mut self, key: &'static str) -> Option<Node<'d>> {
        self.known.push(key);
        let (_, node) = self.entries.iter().find(|(name, node)| *name == key && !node.is_null())?;
        Some(*node)
    }

    /// The mapping itself, for a mistake that concerns several keys.
    pub fn node(&self) -> &Node<'d> {
        &self.node
    }

    /// Notes every key that was never asked for, with the nearest known one.
    pub fn finish(self) {
        for (key, node) in &self.entries {
            if self.known.contains(key) {
                continue;
            }
            let hint = match nearest(key, &self.known) {
                Some(known) => format!("did you mean `{known}`?"),
                None => format!("known here: {}", self.known.join(", ")),
            };
            node.note(true, format!("unknown key `{key}` ({hint})"));
        }
    }
}

/// All mistakes of a file. Shown one a line, `file:line:column: text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// One mistake at its place; line and column from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the reader named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub text: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.text)
    }
}

struct Mistake {
    path: Vec<Step>,
    on_key: bool,
    text: String,
}

#[derive(Clone, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
}

/// Looks for `wanted`, the node itself and not one that equals it, and leaves the way to it in `path`.
fn way(from: &Tree, wanted: &Tree, path: &mut Vec<Step>) -> bool {
    let mut step = |step: Step, next: &Tree| {
        path.push(step);
        let found = way(next, wanted, path);
        if !found {
            path.pop();
        }
        found
    };
    std::ptr::eq(from, wanted)
        || match from {
            Tree::List(items) => items.iter().enumerate().any(|(at, item)| step(Step::Index(at), item)),
            Tree::Map(entries) => entries
                .iter()
                .filter_map(|(key, value)| Some((key.text()?, value)))
                .any(|(key, value)| step(Step::Key(key.to_owned()), value)),
            _ => false,
        }
}

fn kind(value: &Tree) -> &'static str {
    match value {
        Tree::Null => "nothing",
        Tree::Bool(_) => "a boolean",
        Tree::Whole(_) | Tree::Below(_) | Tree::Real(_) => "a number",
        Tree::Text(_) => "text",
        Tree::List(_) => "a list",
        Tree::Map(_) => "a mapping",
    }
}

/// The known key that differs by at most two edits, if any.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let distance = |a: &str, b: &str| {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, ca) in a.chars().enumerate() {
            let mut next = vec![i + 1];
            for ((cb, &above), &corner) in b.iter().zip(row.iter().skip(1)).zip(row.iter()) {
                let left = next.last().copied().unwrap_or(0);
                next.push((corner + usize::from(ca != *cb)).min(left + 1).min(above + 1));
            }
            row = next;
        }
        row.last().copied().unwrap_or(0)
    };
    known.iter().map(|name| (distance(key, name), *name)).filter(|(d, _)| *d <= 2).min().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, u64), Diagnostics> {
        let document = Document::parse("f.yaml", text)?;
        let value = (|| {
            let mut top = document.root().fields()?;
            let name = top.required("name").and_then(|n| n.string());
            let mut sum = 0;
            for item in top.optional("list").map(|n| n.items()).unwrap_or_default() {
                let mut fields = item.fields()?;
                sum += fields.required("value").and_then(|n| n.u64()).unwrap_or_default();
                fields.finish();
            }
            top.finish();
            Some((name?, sum))
        })();
        document.finish(value)
    }

    #[test]
    fn reads_what_is_right() {
        assert_eq!(read("name: a\nlist:\n  - value: 2\n  - {value: 3}\n"), Ok(("a".into(), 5)));
    }

    #[test]
    fn every_mistake_at_its_line() {
        let text = "name: 7\nlist:\n  - value: x\n  - valeu: 3\n    value: 1\n  - {}\nother: 1\n";
        let found = read(text).unwrap_err().to_string();
        let want = [
            "f.yaml:1:7: expected text (put it in quotes), found a number",
            "f.yaml:3:12: expected a whole number, found text",
            "f.yaml:4:5: unknown key `valeu` (did you mean `value`?)",
            "f.yaml:6:5: `value` is missing",
            "f.yaml:7:1: unknown key `other` (known here: name, list)",
        ];
        assert_eq!(found.lines().collect::<Vec<_>>(), want);
    }

    #[test]
    fn syntax_has_a_place_too() {
        let found = read("name: a\n  bad: [\n").unwrap_err();
        assert_eq!(found.0.len(), 1);
        assert!(found.0[0].line >= 2, "{found}");
        let found = read("name: a\nlist:\n  - value: 1\n    value: 2\n").unwrap_err();
        assert_eq!(found.to_string(), "f.yaml:4:5: list[0]: duplicate entry with key \"value\"");
    }
}
