//! Examples of secrets, as recipes: text with `{{ ... }}` in which something random is made.
//!
//! `GITHUB_TOKEN={{ checksum("crc32-base62", "ghp_", alnum(30)) }}` makes a token that no file of ours holds, so that the
//! repository stays clean under its own scan. The same seed makes the same text.

use super::Checksum;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
/// Characters in a line of PEM (RFC 7468 section 2).
const PEM_LINE: usize = 64;
/// The most characters that one function may be asked for.
const MOST: u64 = 65_536;
/// How deep calls may stand in calls.
const DEEPEST: usize = 8;

/// A recipe that was read and can be made any number of times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe(Vec<Part>);

impl Recipe {
    /// Reads `text`.
    pub fn parse(text: &str) -> Result<Recipe, Error> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            parts.push(Part::Text(before.to_owned()));
            let mut reader = Reader { rest: after };
            parts.push(reader.part(0)?);
            reader.skip_blanks();
            rest = reader.rest.strip_prefix("}}").ok_or(Error::Unclosed)?;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Recipe(parts))
    }

    /// The text, the same for the same `seed`.
    pub fn make(&self, seed: u64) -> String {
        make_all(&self.0, &mut Chance(seed))
    }
}

/// The seed of a rule's example: FNV-1a of what names it.
pub fn seed(rule: &str, matches: bool, index: usize) -> u64 {
    let name = format!("{rule} {matches} {index}");
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Why a recipe cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Error {
    #[error("`{{{{` without its `}}}}`, or something between them that is no function")]
    Unclosed,
    #[error("no function is called `{0}`")]
    NoFunction(String),
    #[error("`{name}` takes {wants}")]
    Arguments { name: String, wants: &'static str },
    #[error("no checksum is called `{0}`")]
    NoChecksum(String),
    #[error("calls stand too deep in calls")]
    Deep,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    /// So many random characters of an alphabet.
    Random(Vec<u8>, usize),
    Checksum(Checksum, Vec<Part>),
    Encode64(Vec<Part>),
    Encode64Url(Vec<Part>),
    Escaped(Vec<Part>),
    Pem(String, usize),
    Jwt,
}

impl Part {
    fn make(&self, chance: &mut Chance) -> String {
        match self {
            Part::Text(text) => text.clone(),
            Part::Random(alphabet, count) => chance.text(alphabet, *count),
            Part::Checksum(checksum, parts) => {
                let body = make_all(parts, chance);
                let sum = checksum.of(body.as_bytes());
                body + &String::from_utf8_lossy(&sum)
            }
            Part::Encode64(parts) => STANDARD.encode(make_all(parts, chance)),
            Part::Encode64Url(parts) => URL_SAFE_NO_PAD.encode(make_all(parts, chance)),
            Part::Escaped(parts) => make_all(parts, chance).replace('\n', "\\n"),
            Part::Pem(label, count) => pem(label, *count, chance),
            Part::Jwt => jwt(chance),
        }
    }
}

fn make_all(parts: &[Part], chance: &mut Chance) -> String {
    parts.iter().map(|part| part.make(chance)).collect()
}

fn pem(label: &str, count: usize, chance: &mut Chance) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut left = count;
    while left > 0 {
        let line = left.min(PEM_LINE);
        text.push_str(&chance.text(&base64_alphabet(), line));
        text.push('\n');
        left -= line;
    }
    text + &format!("-----END {label}-----\n")
}

/// A JWT as HS256 makes it: readable header and claims, a random signature of 32 bytes.
fn jwt(chance: &mut Chance) -> String {
    let claims = format!(r#"{{"sub":"{}","iat":{}}}"#, chance.text(DIGITS.as_bytes(), 10), 1_700_000_000);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signature: Vec<u8> = (0..32).map(|_| chance.byte()).collect();
    format!("{header}.{}.{}", URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(signature))
}

fn base64_alphabet() -> Vec<u8> {
    [UPPER, LOWER, DIGITS, "+/"].concat().into_bytes()
}

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): not for real secrets.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn text(&mut self, alphabet: &[u8], count: usize) -> String {
        let size = alphabet.len().max(1) as u64;
        let one = |_| {
            let at = usize::try_from(self.next() % size).unwrap_or_default();
            char::from(alphabet.get(at).copied().unwrap_or(b'?'))
        };
        (0..count).map(one).collect()
    }
}

/// Reads what stands between the braces.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn part(&mut self, depth: usize) -> Result<Part, Error> {
        if depth > DEEPEST {
            return Err(Error::Deep);
        }
        self.skip_blanks();
        if self.rest.starts_with('"') {
            return Ok(Part::Text(self.quoted()?));
        }
        let name = self.name();
        let arguments = self.arguments(depth)?;
        call(name, arguments)
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, prefix: char) -> bool {
        self.skip_blanks();
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn name(&mut self) -> &'t str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        name
    }

    fn quoted(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    self.rest = self.rest.get(at + 1..).unwrap_or_default();
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, c)) => text.push(c),
                    None => break,
                },
                c => text.push(c),
            }
        }
        Err(Error::Unclosed)
    }

    fn arguments(&mut self, depth: usize) -> Result<Vec<Argument>, Error> {
        let mut arguments = Vec::new();
        if !self.take('(') {
            return Err(Error::Unclosed);
        }
        while !self.take(')') {
            if !arguments.is_empty() && !self.take(',') {
                return Err(Error::Unclosed);
            }
            self.skip_blanks();
            arguments.push(match self.rest.starts_with(|c: char| c.is_ascii_digit()) {
                true => Argument::Number(self.name().parse().map_err(|_| Error::Unclosed)?),
                false => Argument::Part(self.part(depth + 1)?),
            });
        }
        Ok(arguments)
    }
}

enum Argument {
    Number(u64),
    Part(Part),
}

fn call(name: &str, arguments: Vec<Argument>) -> Result<Part, Error> {
    let wrong = |wants| Error::Arguments { name: name.to_owned(), wants };
    let letters = |alphabet: &[&str]| match arguments.as_slice() {
        [Argument::Number(count)] => Ok(Part::Random(alphabet.concat().into_bytes(), bounded(*count))),
        _ => Err(wrong("one number")),
    };
    match name {
        "upper" => letters(&[UPPER]),
        "lower" => letters(&[LOWER]),
        "alpha" => letters(&[UPPER, LOWER]),
        "alnum" => letters(&[UPPER, LOWER, DIGITS]),
        "digits" => letters(&[DIGITS]),
        "hex" => letters(&[DIGITS, "abcdef"]),
        "HEX" => letters(&[DIGITS, "ABCDEF"]),
        "base64" => letters(&[UPPER, LOWER, DIGITS, "+/"]),
        "base64url" => letters(&[UPPER, LOWER, DIGITS, "-_"]),
        "base32" => letters(&[UPPER, "234567"]),
        "chars" => match arguments.as_slice() {
            [Argument::Part(Part::Text(set)), Argument::Number(count)] if !set.is_empty() && set.is_ascii() => {
                Ok(Part::Random(set.clone().into_bytes(), bounded(*count)))
            }
            _ => Err(wrong("quoted characters and a number")),
        },
        "repeat" => match arguments.as_slice() {
            [Argument::Part(Part::Text(text)), Argument::Number(count)] => Ok(Part::Text(text.repeat(bounded(*count)))),
            _ => Err(wrong("quoted text and a number")),
        },
        "pem" => match arguments.as_slice() {
            [Argument::Part(Part::Text(label)), Argument::Number(count)] => {
                Ok(Part::Pem(label.clone(), bounded(*count)))
            }
            _ => Err(wrong("a quoted label and a number of characters")),
        },
        "jwt" if arguments.is_empty() => Ok(Part::Jwt),
        "jwt" => Err(wrong("nothing")),
        "checksum" => checksum(arguments),
        "encode64" => parts(arguments).map(Part::Encode64).ok_or_else(|| wrong("texts")),
        "encode64url" => parts(arguments).map(Part::Encode64Url).ok_or_else(|| wrong("texts")),
        "escaped" => parts(arguments).map(Part::Escaped).ok_or_else(|| wrong("texts")),
        _ => Err(Error::NoFunction(name.to_owned())),
    }
}

fn checksum(arguments: Vec<Argument>) -> Result<Part, Error> {
    let wrong = Error::Arguments { name: "checksum".into(), wants: "a quoted name and texts" };
    let Some(mut arguments) = parts(arguments).filter(|parts| parts.len() > 1) else { return Err(wrong) };
    let Part::Text(name) = arguments.remove(0) else { return Err(wrong) };
    let known = Checksum::NAMES.iter().find(|(known, _)| *known == name);
    let (_, checksum) = known.ok_or(Error::NoChecksum(name))?;
    Ok(Part::Checksum(*checksum, arguments))
}

/// The arguments, when none of them is a number.
fn parts(arguments: Vec<Argument>) -> Option<Vec<Part>> {
    let part = |argument| match argument {
        Argument::Part(part) => Some(part),
        Argument::Number(_) => None,
    };
    arguments.into_iter().map(part).collect()
}

fn bounded(count: u64) -> usize {
    usize::try_from(count.min(MOST)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(recipe: &str) -> String {
        Recipe::parse(recipe).unwrap_or_else(|e| panic!("{recipe}: {e}")).make(7)
    }

    #[test]
    fn the_same_seed_makes_the_same_text() {
        let recipe = Recipe::parse("k={{ alnum(40) }}").unwrap();
        assert_eq!(recipe.make(1), recipe.make(1));
        assert_ne!(recipe.make(1), recipe.make(2));
        assert_ne!(seed("a", true, 0), seed("a", true, 1));
    }

    #[test]
    fn text_and_functions() {
        assert_eq!(make(r#"a {{ "b" }} c"#), "a b c");
        assert_eq!(make(r#"{{ repeat("ab", 3) }}"#), "ababab");
        assert_eq!(make(r#"{{ "\"\\\n" }}"#), "\"\\\n");
        assert_eq!(make(r#"{{encode64("user:", "pass")}}"#), "dXNlcjpwYXNz");
        let hex = make("{{ HEX(8) }}");
        assert!(hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)), "{hex}");
        let key = make(r#"{{ escaped(pem("PRIVATE KEY", 100)) }}"#);
        assert_eq!(key.matches("\\n").count(), 4, "{key}");
        assert_eq!(make("{{ jwt() }}").split('.').count(), 3);
    }

    #[test]
    fn a_checksum_holds() {
        let token = make(r#"{{ checksum("crc32-base62", "abc_", alnum(30)) }}"#);
        assert_eq!(token.len(), 40);
        assert!(Checksum::Crc32Base62.holds(token.as_bytes()));
    }

    #[test]
    fn mistakes_are_told() {
        let wrong = |recipe: &str| Recipe::parse(recipe).unwrap_err().to_string();
        assert_eq!(wrong("{{ hexx(3) }}"), "no function is called `hexx`");
        assert_eq!(wrong("{{ hex() }}"), "`hex` takes one number");
        assert_eq!(wrong(r#"{{ checksum("md5", "x") }}"#), "no checksum is called `md5`");
        assert_eq!(wrong("{{ hex(3)"), "`{{` without its `}}`, or something between them that is no function");
        assert_eq!(wrong("{{ escaped("), "`{{` without its `}}`, or something between them that is no function");
        assert_eq!(wrong(&format!("{{{{ {}", "escaped(".repeat(99))), "calls stand too deep in calls");
    }
}
