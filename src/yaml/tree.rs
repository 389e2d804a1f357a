//! What a YAML document holds, without the parser that read it.
//!
//! The build script has this file too: it reads our own `rules/` with it once and writes the trees down as Rust, so that a
//! start of the program parses no YAML (`src/catalog.rs`). Hence it knows nothing of the rest of the crate.

use serde_yaml::Value;
use std::borrow::Cow;

/// A document or a piece of one: built at run time, or standing in the program.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// `~`, `null` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number from 0.
    Whole(u64),
    /// A whole number below 0.
    Below(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(Cow<'static, str>),
    /// A list.
    List(Cow<'static, [Tree]>),
    /// A mapping, in the order in which it was written; no key stands twice.
    Map(Cow<'static, [(Tree, Tree)]>),
}

impl Tree {
    /// Parses one document.
    pub fn parse(text: &str) -> Result<Tree, serde_yaml::Error> {
        serde_yaml::from_str(text).map(|value: Value| Tree::from(value))
    }

    /// Takes the `examples` of a file's `rules` away.
    pub fn drop_examples(&mut self) {
        let Tree::Map(top) = self else { return };
        for (_, rules) in top.to_mut().iter_mut().filter(|(key, _)| key.text() == Some("rules")) {
            let Tree::List(rules) = rules else { continue };
            for rule in rules.to_mut() {
                let Tree::Map(fields) = rule else { continue };
                fields.to_mut().retain(|(key, _)| key.text() != Some("examples"));
            }
        }
    }

    /// What stands under `key` of a mapping.
    pub fn get(&self, key: &str) -> Option<&Tree> {
        let Tree::Map(entries) = self else { return None };
        entries.iter().find(|(name, _)| name.text() == Some(key)).map(|(_, value)| value)
    }

    /// What it is as text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Tree {
        match value {
            Value::Null => Tree::Null,
            Value::Bool(value) => Tree::Bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(whole), _) => Tree::Whole(whole),
                (None, Some(below)) => Tree::Below(below),
                (None, None) => Tree::Real(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Tree::Text(text.into()),
            Value::Sequence(items) => Tree::List(items.into_iter().map(Tree::from).collect()),
            Value::Mapping(entries) => {
                Tree::Map(entries.into_iter().map(|(key, value)| (Tree::from(key), Tree::from(value))).collect())
            }
            // A tag says nothing that a reader of ours asks for.
            Value::Tagged(tagged) => Tree::from(tagged.value),
        }
    }
}
