//! Patterns: bounded, linear, compiled when first used.
//!
//! Written for bytes: classes are ASCII (`(?-u)` is the default), so that a pattern costs microseconds to compile and not
//! milliseconds, and finds its secret in a file of any encoding that keeps ASCII.

use super::digest::Digest;
use super::run::{self, Outcome, Scratch};
use super::size;
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, PatternID};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind};
use std::ops::Range;
use std::sync::OnceLock;

/// The most bytes that a pattern which scans text may match: an RSA key of 16384 bits in PEM takes 12.6 KiB.
pub const LONGEST: usize = 16 * 1024;
/// The most bytes that the pattern of a part may match.
pub const LONGEST_PART: usize = 1024;
/// How big a compiled pattern may grow, in bytes: a class repeated 16 Ki times takes about 1 MiB.
const COMPILED_LIMIT: usize = 8 * 1024 * 1024;

/// A regular expression, compiled when it is first used.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    /// No match is longer; known without a look at the pattern.
    bound: usize,
    /// The most bytes that it can match; told by the syntax tree.
    longest: OnceLock<usize>,
    secret: Option<String>,
    compiled: OnceLock<Compiled>,
}

/// One match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// All that matched.
    pub whole: Range<usize>,
    /// The secret in it.
    pub secret: Range<usize>,
    /// Other named groups that took part.
    pub parts: Vec<(String, Range<usize>)>,
}

impl Pattern {
    /// A pattern that scans text: it may not match nothing, nor more than `bound` bytes. `secret` names the group that is
    /// the secret; else it is the group named `secret`, else the first group, else all.
    pub fn bounded(source: &str, secret: Option<&str>, bound: usize) -> Result<Pattern, Error> {
        let longest = measure(source, bound)?;
        Ok(Pattern { longest: OnceLock::from(longest), ..Pattern::trusted(source, secret, longest) })
    }

    /// The same of a pattern that a test of ours has read with [`Pattern::bounded`]: measured when that is first asked for.
    pub fn trusted(source: &str, secret: Option<&str>, bound: usize) -> Pattern {
        let (source, secret) = (source.to_owned(), secret.map(str::to_owned));
        Pattern { source, bound, longest: OnceLock::new(), secret, compiled: OnceLock::new() }
    }

    /// A pattern that is asked about one short text (a secret, a path) and may be unbounded.
    pub fn test(source: &str) -> Pattern {
        Pattern::trusted(source, None, usize::MAX)
    }

    /// Finds what is wrong with the pattern now, by its syntax tree; it is compiled only when it may be too big for that.
    pub fn prove(&self) -> Result<(), Error> {
        let hir = parse(&self.source)?;
        if let Some(name) = self.secret.as_deref().filter(|name| !has_group(&hir, name)) {
            return Err(Error::NoGroup(name.to_owned()));
        }
        if size::most(&hir) > COMPILED_LIMIT {
            let compiled = Compiled::new(&self.source, self.secret.as_deref())?;
            // When it is compiled already, both are the same.
            let _ = self.compiled.set(compiled);
        }
        Ok(())
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The most bytes that it can match.
    pub fn longest(&self) -> usize {
        *self.longest.get_or_init(|| measure(&self.source, self.bound).unwrap_or(self.bound))
    }

    /// At least [`Pattern::longest`]; more only for a trusted pattern, which is not looked at for it.
    pub fn bound(&self) -> usize {
        self.bound
    }

    /// Whether it matches anywhere in `text`.
    pub fn matches(&self, text: &[u8]) -> bool {
        self.compiled().regex.is_match(Input::new(text))
    }

    /// The first match that starts at `from` or later. What stands before `from` is seen by `\b` and `^`.
    pub fn find(&self, bytes: &[u8], from: usize) -> Option<Capture> {
        if from > bytes.len() {
            return None;
        }
        self.compiled().search(Input::new(bytes).range(from..))
    }

    /// The match that begins at `start`, if there is one, as [`Pattern::find`] would tell it.
    pub fn find_at(&self, bytes: &[u8], start: usize) -> Option<Capture> {
        if start > bytes.len() {
            return None;
        }
        self.compiled().search(Input::new(bytes).range(start..).anchored(Anchored::Yes))
    }

    /// Where the match that begins at `start` ends, and the secret in it: by the steps of `digest`, which is this pattern's,
    /// and by the regular expression only when these cannot say.
    pub fn match_at(
        &self,
        digest: &Digest,
        bytes: &[u8],
        start: usize,
        scratch: &mut Scratch,
    ) -> Option<(usize, Range<usize>)> {
        if digest.program.whole {
            match run::run(&digest.program, bytes, start, digest.longest as usize, scratch) {
                Outcome::No => return None,
                Outcome::Match(end, secret) => return Some((end, secret)),
                Outcome::Unsure => {}
            }
        }
        // Most starts have no match, and an automaton without groups says so soonest.
        let past = bytes.len().min(start + digest.longest as usize + 1);
        let input = Input::new(bytes).range(start..past).anchored(Anchored::Yes);
        self.compiled().regex.search_half(&input)?;
        self.compiled().search(input).map(|found| (found.whole.end, found.secret))
    }

    /// The named groups, other than the secret, of the match that begins at `start`, where there is one.
    pub fn parts_at(&self, bytes: &[u8], start: usize) -> Vec<(String, Range<usize>)> {
        if !self.source.contains("(?P<") && !self.source.contains("(?<") {
            return Vec::new();
        }
        self.find_at(bytes, start).map(|found| found.parts).unwrap_or_default()
    }

    #[expect(clippy::expect_used, reason = "a user's pattern was proven when it was read, a built-in one by a test")]
    fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| Compiled::new(&self.source, self.secret.as_deref()).expect("a proven pattern"))
    }
}

fn parse(source: &str) -> Result<Hir, Error> {
    let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(source);
    hir.map_err(|error| Error::Syntax(in_one_line(&error.to_string())))
}

/// Whether there is a group of that name.
fn has_group(hir: &Hir, name: &str) -> bool {
    let here = matches!(hir.kind(), HirKind::Capture(capture) if capture.name.as_deref() == Some(name));
    here || hir.kind().subs().iter().any(|sub| has_group(sub, name))
}

/// The longest match, at most `bound` bytes.
fn measure(source: &str, bound: usize) -> Result<usize, Error> {
    let hir = parse(source)?;
    if hir.properties().minimum_len().unwrap_or_default() == 0 {
        return Err(Error::Empty);
    }
    match hir.properties().maximum_len() {
        None => Err(Error::Unbounded { bound }),
        Some(longest) if longest > bound => Err(Error::TooLong { longest, bound }),
        Some(longest) => Ok(longest),
    }
}

/// A compiled pattern and its groups.
#[derive(Debug)]
struct Compiled {
    regex: Regex,
    secret: usize,
    parts: Vec<(String, usize)>,
}

impl Compiled {
    fn new(source: &str, secret: Option<&str>) -> Result<Compiled, Error> {
        let regex = Regex::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .configure(Regex::config().utf8_empty(false).nfa_size_limit(Some(COMPILED_LIMIT)))
            .build(source)
            .map_err(|error| Error::Syntax(in_one_line(&told(&error))))?;
        let names: Vec<Option<&str>> = regex.group_info().pattern_names(PatternID::ZERO).collect();
        let group = |name: &str| names.iter().position(|group| *group == Some(name));
        let secret = match secret {
            Some(name) => group(name).ok_or_else(|| Error::NoGroup(name.to_owned()))?,
            None => group("secret").unwrap_or(usize::from(names.len() > 1)),
        };
        let named = names.iter().enumerate().filter_map(|(at, name)| Some(((*name)?.to_owned(), at)));
        let parts = named.filter(|(_, at)| *at != secret).collect();
        Ok(Compiled { regex, secret, parts })
    }

    fn search(&self, input: Input<'_>) -> Option<Capture> {
        let mut found = self.regex.create_captures();
        self.regex.search_captures(&input, &mut found);
        let whole = found.get_group(0)?.range();
        let secret = found.get_group(self.secret).map_or_else(|| whole.clone(), |group| group.range());
        let part = |(name, group): &(String, usize)| Some((name.clone(), found.get_group(*group)?.range()));
        let parts = self.parts.iter().filter_map(part).collect();
        Some(Capture { whole, secret, parts })
    }
}

/// What is wrong, as the parser tells it, or that the expression is too big.
fn told(error: &BuildError) -> String {
    match (error.syntax_error(), error.size_limit()) {
        (Some(error), _) => error.to_string(),
        (None, Some(limit)) => format!("compiled, it takes more than {limit} bytes"),
        (None, None) => error.to_string(),
    }
}

/// Why a pattern cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a regular expression.
    #[error("is no regular expression: {0}")]
    Syntax(String),
    /// It matches the empty text.
    #[error("matches nothing at all: there must be at least one byte in every match")]
    Empty,
    /// There is a `*`, `+` or `{n,}` in it.
    #[error("has no longest match: say how many at most, such as {{0,64}} for *; {bound} bytes in all are allowed")]
    Unbounded {
        /// The bound.
        bound: usize,
    },
    /// Its longest match is too long.
    #[error("may match {longest} bytes; {bound} are allowed")]
    TooLong {
        /// The longest match.
        longest: usize,
        /// The bound.
        bound: usize,
    },
    /// The group that is said to be the secret is not there.
    #[error("has no group named `{0}`")]
    NoGroup(String),
}

/// The parser draws the pattern with a caret under it; a diagnostic is one line.
fn in_one_line(text: &str) -> String {
    let last = text.lines().last().unwrap_or(text);
    last.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, text: &str, want: Option<(&str, &[(&str, &str)])>) {
        let pattern = Pattern::bounded(source, None, LONGEST).unwrap();
        let cut = |range: &Range<usize>| text[range.clone()].to_owned();
        let found = pattern.find(text.as_bytes(), 0).map(|found| {
            let parts: Vec<_> = found.parts.iter().map(|(name, range)| (name.clone(), cut(range))).collect();
            (cut(&found.secret), parts)
        });
        let want = want.map(|(secret, parts)| {
            (secret.to_owned(), parts.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>())
        });
        assert_eq!(found, want, "{source} on {text}");
    }

    #[test]
    fn the_secret_is_the_group_so_named_else_the_first_else_all() {
        check("ab", "xab", Some(("ab", &[])));
        check("a(b)(c)", "abc", Some(("b", &[])));
        check("(?P<user>a)(?P<secret>b)", "ab", Some(("b", &[("user", "a")])));
        check("ab", "x", None);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        let refused = |source: &str, secret: Option<&str>| {
            let pattern = Pattern::bounded(source, secret, 64)?;
            pattern.prove()
        };
        assert_eq!(refused("a+", None), Err(Error::Unbounded { bound: 64 }));
        assert_eq!(refused("a{65}", None), Err(Error::TooLong { longest: 65, bound: 64 }));
        assert_eq!(refused("a?", None), Err(Error::Empty));
        assert_eq!(refused("a", Some("key")), Err(Error::NoGroup("key".into())));
        assert!(matches!(refused("a(", None), Err(Error::Syntax(text)) if text.contains("unclosed")));
        assert_eq!(refused(r"\ba{1,64}\b", None), Ok(()));
    }
}
