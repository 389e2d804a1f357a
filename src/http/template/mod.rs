//! Requests as they are written in YAML, parsed once and strictly.
//!
//! Values go into holes ([`text`]) of a path, of headers and of a body; they can never change where a request goes: the
//! host stands in the template (at most its first label may be a hole, as in `https://{{ part.shop }}.example.com`).
//! Knows no provider: which names there are is said by the caller.

pub mod text;

use super::{Request, TIMEOUT};
use crate::secret::Secret;
use crate::yaml::{Fields, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use text::{Place, Text};
use zeroize::Zeroizing;

/// What goes into holes, by name.
pub type Values = BTreeMap<String, Arc<Secret>>;

/// A host that requests go to: scheme, name, port, and a path's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    text: Text,
    allow_private: bool,
}

impl Base {
    /// Parses `https://api.example.com/prefix`. `http` is read too; the transport refuses it unless `allow_private`. The
    /// error is for the person who wrote it.
    pub fn parse(source: &str, allow_private: bool, known: &dyn Fn(&str) -> bool) -> Result<Base, String> {
        let source = source.trim_end_matches('/');
        let text = Text::parse(source, known)?;
        let plain = source.strip_prefix("http://");
        let after = source.strip_prefix("https://").or(plain).ok_or("expected a URL that starts with https://")?;
        if after.is_empty() || after.starts_with('/') {
            return Err("the URL has no host".to_owned());
        }
        let (head, tail) = text.ends();
        if text.has_holes() && !(head.ends_with("://") && is_fixed_tail(tail)) {
            return Err("only the first label of the host may be a hole, before at least two fixed ones".to_owned());
        }
        if tail.contains(['@', '?', '#', ' ', '\\']) {
            return Err("the URL holds more than scheme, host, port and path".to_owned());
        }
        Ok(Base { text, allow_private })
    }
}

/// A request with holes.
#[derive(Debug, Clone)]
pub struct Template {
    method: String,
    base: Base,
    path: Text,
    headers: Vec<(String, Text)>,
    body: Option<(Text, Place)>,
    timeout: Duration,
}

impl Template {
    /// Reads `{ method, base, path, headers, body, timeout }`; `known` says which names there are. A `base` of the
    /// request's own is used unless `fixed`: then the configuration says where everything goes.
    pub fn read(node: &Node<'_>, base: &Base, fixed: bool, known: &dyn Fn(&str) -> bool) -> Option<Template> {
        let mut fields = node.fields()?;
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"].map(|word| (word, word));
        let method = fields.required("method").and_then(|node| node.one_of(&methods));
        let own = read_base(&mut fields);
        let path = fields.required("path").and_then(|node| {
            let path = read_text(&node, known)?;
            if !path.source().starts_with('/') {
                node.mistake("a path starts with /");
            }
            Some(path)
        });
        let mut headers = Vec::new();
        for (name, node) in fields.optional("headers").map(|node| node.entries()).unwrap_or_default() {
            headers.extend(read_text(&node, known).map(|text| (name.to_ascii_lowercase(), text)));
        }
        let body = fields.optional("body").map(|node| read_body(&node, &mut headers, known));
        let timeout = fields.optional("timeout").map(|node| node.duration()).unwrap_or(Some(TIMEOUT));
        fields.finish();
        let base = match own {
            Some(own) if !fixed => own?,
            _ => base.clone(),
        };
        let body = body.map_or(Some(None), |body| body.map(Some))?;
        Some(Template { method: method?.to_owned(), base, path: path?, headers, body, timeout: timeout? })
    }

    /// The names without which it cannot be rendered.
    pub fn needs(&self) -> BTreeSet<&str> {
        let texts = [&self.base.text, &self.path].into_iter();
        let texts =
            texts.chain(self.headers.iter().map(|(_, text)| text)).chain(self.body.iter().map(|(text, _)| text));
        texts.flat_map(Text::needs).collect()
    }

    /// What logs and errors call it: its own text, never a value.
    pub fn label(&self) -> String {
        format!("{} {}{}", self.method, self.base.text.source(), self.path.source())
    }

    /// The request with `values` in its holes.
    #[expect(clippy::disallowed_methods, reason = "joins the parts of the URL that is sent")]
    pub fn render(&self, values: &Values) -> Result<Request, Error> {
        let mut url = Zeroizing::new(self.base.text.render(values, Place::Host)?.expose().to_vec());
        url.extend_from_slice(self.path.render(values, Place::Path)?.expose());
        let headers = self.headers.iter().map(|(name, text)| Ok((name.clone(), text.render(values, Place::Plain)?)));
        let body = self.body.as_ref().map(|(text, place)| text.render(values, *place));
        Ok(Request {
            method: self.method.clone(),
            url: Secret::new(std::mem::take(&mut *url)),
            headers: headers.collect::<Result<_, Error>>()?,
            body: body.transpose()?,
            label: self.label(),
            timeout: self.timeout,
            allow_private: self.base.allow_private,
        })
    }
}

/// Why a request could not be made of its template.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Error {
    /// A value is not there.
    #[error("fill a request: there is no `{0}`")]
    Missing(String),
    /// A value does not fit where it is put.
    #[error("fill a request: {0}")]
    Unfit(&'static str),
}

/// Reads a text with holes.
pub fn read_text(node: &Node<'_>, known: &dyn Fn(&str) -> bool) -> Option<Text> {
    Text::parse(node.str()?, known).map_err(|why| node.mistake(why)).ok()
}

/// A `base` of a request's own, which is always a public one and whole.
fn read_base(fields: &mut Fields<'_>) -> Option<Option<Base>> {
    let node = fields.optional("base")?;
    let read = node.str().and_then(|text| Base::parse(text, false, &|_| false).map_err(|why| node.mistake(why)).ok());
    Some(read)
}

/// A body and the way its values are put in: by its content type, which a JSON body need not name.
fn read_body(
    node: &Node<'_>,
    headers: &mut Vec<(String, Text)>,
    known: &dyn Fn(&str) -> bool,
) -> Option<(Text, Place)> {
    let body = read_text(node, known)?;
    let is_json = body.source().trim_start().starts_with(['{', '[']) && !body.source().trim_start().starts_with("{{");
    let named = headers.iter().find(|(name, _)| name == "content-type").map(|(_, text)| text.source().to_owned());
    match named {
        Some(kind) if kind.contains("x-www-form-urlencoded") => return Some((body, Place::Path)),
        Some(_) => {}
        None if is_json => {
            let kind = Text::parse("application/json", known).map_err(|why| node.mistake(why)).ok()?;
            headers.push(("content-type".to_owned(), kind));
        }
        None => node.mistake("a body that is not JSON needs a `content-type` header"),
    }
    if is_json && !stays_json(&body) {
        node.mistake("not JSON once its holes are filled: put values in with `{{ json ... }}`, without quotes around");
    }
    Some((body, Place::Plain))
}

/// Whether a JSON body is JSON whatever its values hold.
#[expect(clippy::disallowed_methods, reason = "looks at a body made of a made-up value")]
fn stays_json(body: &Text) -> bool {
    let awkward = Arc::new(Secret::new("a\"b\\c\n"));
    let values = body.needs().into_iter().map(|name| (name.to_owned(), awkward.clone())).collect();
    let made = body.render(&values, Place::Plain);
    made.is_ok_and(|made| serde_json::from_slice::<serde_json::Value>(made.expose()).is_ok())
}

/// What follows a hole in a host: a dot and at least two labels.
fn is_fixed_tail(tail: &str) -> bool {
    let host = tail.split(['/', ':']).next().unwrap_or_default();
    tail.starts_with('.') && host.split('.').filter(|label| !label.is_empty()).count() >= 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Document;

    fn known(name: &str) -> bool {
        matches!(name, "secret" | "key" | "label" | "part.shop")
    }

    fn read(yaml: &str, fixed: bool) -> Result<Template, String> {
        let document = Document::parse("t.yaml", yaml).map_err(|e| e.to_string())?;
        let base = Base::parse("https://api.example.com/", false, &known)?;
        let template = Template::read(&document.root(), &base, fixed, &known);
        document.finish(template).map_err(|e| e.to_string())
    }

    fn values() -> Values {
        let pairs = [("secret", "s/1"), ("key", "k 1"), ("label", "l\"1"), ("part.shop", "mine")];
        pairs.map(|(name, value)| (name.to_owned(), Arc::new(Secret::new(value)))).into()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compares made-up values")]
    fn a_request_is_made_of_its_parts() {
        let yaml = "method: POST\npath: /keys/{{ key }}\nheaders: { Authorization: 'Bearer {{ secret }}' }\n\
            body: '{\"name\": {{ json label }}}'\ntimeout: 3s\n";
        let template = read(yaml, false).unwrap();
        let made = template.render(&values()).unwrap();
        assert_eq!(made.url.expose(), b"https://api.example.com/keys/k%201");
        assert_eq!(made.label, "POST https://api.example.com/keys/{{ key }}");
        let headers: Vec<_> = made.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(headers[0], ("authorization", b"Bearer s/1".as_slice()));
        assert_eq!(headers[1], ("content-type", b"application/json".as_slice()));
        assert_eq!(made.body.unwrap().expose(), br#"{"name": "l\"1"}"#);
        assert_eq!((made.timeout, made.allow_private), (Duration::from_secs(3), false));
        assert_eq!(Vec::from_iter(template.needs()), ["key", "label", "secret"]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compares made-up values")]
    fn the_configuration_says_where_everything_goes() {
        let yaml = "method: GET\nbase: https://other.example.net\npath: /x\n";
        let url = |fixed| read(yaml, fixed).unwrap().render(&values()).unwrap().url;
        assert_eq!(url(false).expose(), b"https://other.example.net/x");
        assert_eq!(url(true).expose(), b"https://api.example.com/x");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "compares made-up values")]
    fn a_form_is_encoded_by_itself() {
        let yaml = "method: POST\npath: /x\nheaders: { content-type: application/x-www-form-urlencoded }\nbody: 't={{ secret }}'\n";
        let body = read(yaml, false).unwrap().render(&values()).unwrap().body;
        assert_eq!(body.unwrap().expose(), b"t=s%2F1");
    }

    #[test]
    fn bases_that_a_value_could_bend_are_refused() {
        for bad in [
            "api.example.com",
            "ftp://x",
            "https://",
            "https://{{ part.shop }}",
            "https://{{ part.shop }}.com",
            "https://a.{{ part.shop }}.example.com",
            "https://api.example.com/{{ part.shop }}",
            "https://user@example.com",
            "https://example.com?x",
        ] {
            assert!(Base::parse(bad, false, &known).is_err(), "{bad}");
        }
        assert!(Base::parse("http://127.0.0.1:4077", true, &known).is_ok());
    }

    #[test]
    fn mistakes_stand_at_their_lines() {
        let yaml =
            "method: FETCH\npath: x\nbody: '{\"a\": \"{{ label }}\"}'\nheaders: { a: '{{ nobody }}' }\nbdoy: x\n";
        let found = read(yaml, false).unwrap_err();
        for want in
            ["t.yaml:1:9: expected one of", "t.yaml:2:7: a path", "t.yaml:3:7: not JSON", "t.yaml:4:15", "`bdoy`"]
        {
            assert!(found.contains(want), "{want} in\n{found}");
        }
        assert!(read("method: POST\npath: /x\nbody: 'a=b'\n", false).unwrap_err().contains("content-type"));
    }
}
