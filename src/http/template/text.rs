//! Text with holes.
//!
//! A hole is `{{ filter... value... }}`. Its values (names, or texts in double quotes) are joined, then the filters work
//! on them from right to left: `{{ base64 part.user ":" secret }}`. `name?` may be absent; `a else "b"` takes the first
//! that is there.
//!
//! | filter | gives |
//! |---|---|
//! | `json` | a JSON string with its quotes; `null` when absent |
//! | `list` | a JSON list of the words (between spaces and commas); `[]` when absent |
//! | `base64`, `base64url` | standard with padding; URL alphabet without |
//! | `url` | percent-encoded, as happens by itself in a path, a query and a form body |
//! | `raw` | there, not percent-encoded after all |

use super::{Error, Values};
use crate::secret::Secret;
use crate::text::percent;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// Text with holes, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    source: String,
    pieces: Vec<Piece>,
}

/// Where a text stands, which says what its values must not break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A header, a JSON body: values stay as their filters made them.
    Plain,
    /// A path, a query, a form: values are percent-encoded and may neither be empty nor climb (`.`, `..`).
    Path,
    /// The first label of a host's name: values are letters, digits and dashes.
    Host,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Hole(Hole),
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Hole {
    filters: Vec<Filter>,
    /// At least one; each is joined of at least one value.
    choices: Vec<Vec<Value>>,
    optional: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Name(String),
    Literal(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    Json,
    List,
    Base64,
    Base64Url,
    Url,
    Raw,
}

const FILTERS: &[(&str, Filter)] = &[
    ("json", Filter::Json),
    ("list", Filter::List),
    ("base64", Filter::Base64),
    ("base64url", Filter::Base64Url),
    ("url", Filter::Url),
    ("raw", Filter::Raw),
];

impl Text {
    /// Parses `source`; `known` says which names there are. The error is for the person who wrote it.
    pub fn parse(source: &str, known: &dyn Fn(&str) -> bool) -> Result<Text, String> {
        let mut pieces = Vec::new();
        let mut rest = source;
        while let Some((before, after)) = rest.split_once("{{") {
            let end = hole_end(after).ok_or("a `{{` without its `}}`")?;
            let (inside, after) = after.split_at(end);
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::Hole(Hole::parse(inside, known)?));
            rest = after.get(2..).unwrap_or_default();
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Text { source: source.to_owned(), pieces })
    }

    /// The text as it was written, which holds no value.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names without which it cannot be rendered.
    pub fn needs(&self) -> BTreeSet<&str> {
        let holes = self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) if !hole.optional => hole.choices.last(),
            _ => None,
        });
        let names = holes.flatten().filter_map(|value| match value {
            Value::Name(name) => Some(name.as_str()),
            Value::Literal(_) => None,
        });
        names.collect()
    }

    /// Whether there is any hole.
    pub fn has_holes(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Hole(_)))
    }

    /// The text before the first hole and after the last one.
    pub fn ends(&self) -> (&str, &str) {
        let literal = |piece: Option<&'_ Piece>| match piece {
            Some(Piece::Literal(text)) => text.len(),
            _ => 0,
        };
        let (head, tail) = (literal(self.pieces.first()), literal(self.pieces.last()));
        let tail = self.source.len().saturating_sub(tail);
        (self.source.get(..head).unwrap_or_default(), self.source.get(tail..).unwrap_or_default())
    }

    /// The text with `values` in its holes.
    pub fn render(&self, values: &Values, place: Place) -> Result<Secret, Error> {
        let mut out = Zeroizing::new(Vec::with_capacity(4 * self.source.len()));
        for piece in &self.pieces {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Piece::Hole(hole) => out.extend_from_slice(&hole.render(values, place)?),
            }
        }
        Ok(Secret::new(std::mem::take(&mut *out)))
    }
}

impl Hole {
    fn parse(inside: &str, known: &dyn Fn(&str) -> bool) -> Result<Hole, String> {
        let mut hole = Hole { choices: vec![Vec::new()], ..Hole::default() };
        for word in words(inside)? {
            let filter = FILTERS.iter().find(|(name, _)| *name == word);
            let first = hole.choices.len() == 1;
            let choice = hole.choices.last_mut().ok_or("no choice")?;
            match filter {
                Some((_, filter)) if first && choice.is_empty() => hole.filters.push(*filter),
                Some((name, _)) => return Err(format!("the filter `{name}` stands before the values")),
                None if word == "else" && choice.is_empty() => return Err("nothing stands before `else`".to_owned()),
                None if word == "else" => hole.choices.push(Vec::new()),
                None => choice.push(Value::parse(&word, known, &mut hole.optional)?),
            }
        }
        match hole.choices.iter().any(Vec::is_empty) {
            true => Err(format!("`{{{{{inside}}}}}` names no value")),
            false => Ok(hole),
        }
    }

    fn render(&self, values: &Values, place: Place) -> Result<Zeroizing<Vec<u8>>, Error> {
        let found = self.choices.iter().find_map(|choice| joined(choice, values).ok());
        let missing = || self.choices.first().and_then(|choice| joined(choice, values).err()).unwrap_or_default();
        if found.is_none() && !self.optional {
            return Err(Error::Missing(missing()));
        }
        let absent = found.is_none();
        let mut bytes = found.unwrap_or_default();
        for (at, filter) in self.filters.iter().rev().enumerate() {
            bytes = filter.apply(&bytes, absent && at == 0);
        }
        let as_is = self.filters.iter().any(|filter| matches!(filter, Filter::Url | Filter::Raw));
        match place {
            Place::Plain => Ok(bytes),
            Place::Path if bytes.is_empty() && !self.optional => Err(Error::Unfit("an empty value in a path")),
            Place::Path if matches!(bytes.as_slice(), b"." | b"..") => {
                Err(Error::Unfit("a value that climbs in a path"))
            }
            Place::Path if as_is => Ok(bytes),
            Place::Path => Ok(Filter::Url.apply(&bytes, false)),
            Place::Host if is_label(&bytes) => Ok(bytes),
            Place::Host => Err(Error::Unfit("a value that is no part of a host's name")),
        }
    }
}

impl Value {
    fn parse(word: &str, known: &dyn Fn(&str) -> bool, optional: &mut bool) -> Result<Value, String> {
        if let Some(text) = word.strip_prefix('"') {
            return Ok(Value::Literal(text.to_owned()));
        }
        let name = word.strip_suffix('?').unwrap_or(word);
        *optional |= name.len() < word.len();
        match known(name) {
            true => Ok(Value::Name(name.to_owned())),
            false => Err(format!("`{name}` is neither a value that is known here nor a filter")),
        }
    }
}

impl Filter {
    fn apply(self, bytes: &[u8], absent: bool) -> Zeroizing<Vec<u8>> {
        let text = |text: String| Zeroizing::new(text.into_bytes());
        let json = |value: &str| serde_json::to_string(value).unwrap_or_default();
        match self {
            Filter::Json if absent => text("null".to_owned()),
            Filter::Json => text(json(&Zeroizing::new(String::from_utf8_lossy(bytes).into_owned()))),
            Filter::List => {
                let all = Zeroizing::new(String::from_utf8_lossy(bytes).into_owned());
                let words = all.split([' ', ',', '\n', '\t']).filter(|word| !word.is_empty());
                text(format!("[{}]", words.map(json).collect::<Vec<_>>().join(",")))
            }
            Filter::Base64 => text(STANDARD.encode(bytes)),
            Filter::Base64Url => text(URL_SAFE_NO_PAD.encode(bytes)),
            Filter::Url => text(percent::encode(bytes, b"")),
            Filter::Raw => Zeroizing::new(bytes.to_vec()),
        }
    }
}

/// The values of a choice one after the other, or the name of the first that is not there.
#[expect(clippy::disallowed_methods, reason = "puts the values into the request that is being made")]
fn joined(choice: &[Value], values: &Values) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut out = Zeroizing::new(Vec::new());
    for value in choice {
        match value {
            Value::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Value::Name(name) => out.extend_from_slice(values.get(name).ok_or_else(|| name.clone())?.expose()),
        }
    }
    Ok(out)
}

/// Where the `}}` lies that ends a hole; one inside quotes does not.
fn hole_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'}' if !quoted && text.get(at..)?.starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

/// The words of a hole. A text in quotes is one word, without its escapes, that starts with `"`.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut word = String::from('"');
            let mut chars = quoted.char_indices();
            let end = loop {
                match chars.next().ok_or("a text without its closing quote")? {
                    (at, '"') => break at,
                    (_, '\\') => word.extend(chars.next().map(|(_, c)| if c == 'n' { '\n' } else { c })),
                    (_, c) => word.push(c),
                }
            };
            words.push(word);
            rest = quoted.get(end + 1..).unwrap_or_default().trim_start();
        } else {
            let end = rest.find([' ', '\t', '\n', '"']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            words.push(word.to_owned());
            rest = after.trim_start();
        }
    }
    Ok(words)
}

fn is_label(bytes: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (1..=63).contains(&bytes.len()) && bytes.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn known(name: &str) -> bool {
        matches!(name, "secret" | "key" | "like" | "part.user" | "with.scopes")
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Arc::new(Secret::new(*value)))).collect()
    }

    #[expect(clippy::disallowed_methods, reason = "compares made-up values")]
    fn render(source: &str, place: Place, pairs: &[(&str, &str)]) -> Result<String, Error> {
        let text = Text::parse(source, &known).unwrap_or_else(|why| panic!("{source}: {why}"));
        text.render(&values(pairs), place).map(|made| String::from_utf8(made.expose().to_vec()).unwrap())
    }

    #[test]
    fn values_pass_through_their_filters() {
        let pairs = [("secret", "a b/\"c"), ("part.user", "me"), ("with.scopes", "read, write")];
        for (source, want) in [
            ("Bearer {{ secret }}", "Bearer a b/\"c"),
            ("{{secret}}{{part.user}}", "a b/\"cme"),
            (r#"Basic {{ base64 part.user ":" secret }}"#, "Basic bWU6YSBiLyJj"),
            ("{{ json secret }}", r#""a b/\"c""#),
            ("{{ json base64url secret }}", r#""YSBiLyJj""#),
            ("{{ list with.scopes }}", r#"["read","write"]"#),
            ("{{ list like? }} {{ json like? }} [{{ like? }}]", "[] null []"),
            (r#"{{ json like else with.scopes else "x" }}"#, r#""read, write""#),
            (r#"{{ like else "}}\"" }}"#, "}}\""),
        ] {
            assert_eq!(render(source, Place::Plain, &pairs), Ok(want.to_owned()), "{source}");
        }
    }

    #[test]
    fn a_path_keeps_its_shape() {
        let path = |source: &str, value: &str| render(source, Place::Path, &[("key", value)]);
        assert_eq!(path("/keys/{{ key }}?x={{ key }}", "a/b?c&d"), Ok("/keys/a%2Fb%3Fc%26d?x=a%2Fb%3Fc%26d".into()));
        assert_eq!(path("/keys/{{ raw key }}", "a/b"), Ok("/keys/a/b".into()));
        assert_eq!(path("/keys/{{ url key }}", "a/b"), Ok("/keys/a%2Fb".into()), "not twice");
        for bad in ["", ".", ".."] {
            assert!(matches!(path("/keys/{{ key }}", bad), Err(Error::Unfit(_))), "{bad:?}");
        }
    }

    #[test]
    fn a_host_takes_labels_only() {
        let host = |value: &str| render("https://{{ key }}.example.com", Place::Host, &[("key", value)]);
        assert_eq!(host("shop-1"), Ok("https://shop-1.example.com".into()));
        for bad in ["", "evil.org/", "a.b", "a@b", "a:1", "a#"] {
            assert!(matches!(host(bad), Err(Error::Unfit(_))), "{bad:?}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(render("{{ base64 part.user secret }}", Place::Plain, &[]), Err(Error::Missing("part.user".into())));
        let text = Text::parse("{{ secret }}{{ like? }}{{ like else key }}{{ like else \"x\" }}", &known).unwrap();
        assert_eq!(Vec::from_iter(text.needs()), ["key", "secret"]);
    }

    #[test]
    fn mistakes_are_said_at_load() {
        for (source, want) in [
            ("{{ secret", "without its `}}`"),
            ("{{ }}", "names no value"),
            ("{{ json }}", "names no value"),
            ("{{ secrte }}", "`secrte` is neither"),
            ("{{ secret json }}", "stands before the values"),
            ("{{ else key }}", "nothing stands before"),
            ("{{ key else }}", "names no value"),
            ("{{ \"x }}", "without its"),
        ] {
            let why = Text::parse(source, &known).unwrap_err();
            assert!(why.contains(want), "{source}: {why}");
        }
    }
}
