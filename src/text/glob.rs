//! Patterns of paths as people write them in ignore files.

/// A pattern of paths: `*` and `?` stay within one name, `**` crosses folders, a pattern without a slash is for the name
/// alone in any folder, and one that names a folder covers what lies in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    text: String,
    names: Vec<Vec<u8>>,
}

impl Glob {
    /// Reads a pattern; `None` when it is empty, or of stars alone and so would cover everything.
    pub fn new(text: &str) -> Option<Glob> {
        let bare = text.strip_prefix("./").unwrap_or(text).trim_start_matches('/');
        let mut names: Vec<Vec<u8>> =
            bare.split('/').filter(|n| !n.is_empty()).map(|n| n.as_bytes().to_vec()).collect();
        if !text.trim_end_matches('/').contains('/') {
            names.insert(0, b"**".to_vec());
        }
        let says_something = names.iter().any(|name| name.iter().any(|b| !matches!(b, b'*' | b'?' | b'.')));
        says_something.then_some(Glob { text: text.to_owned(), names })
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it covers `path` (slashes between names; a leading `./` or `/` does not count).
    pub fn covers(&self, path: &[u8]) -> bool {
        let names: Vec<&[u8]> = path.split(|&b| b == b'/').filter(|n| !n.is_empty() && *n != b".").collect();
        names_fit(&self.names, &names)
    }
}

/// Whether the pattern's names fit the path's, or its first ones (then the pattern names a folder around it).
/// Both walks go back to the last star only, so the cost is the product of the lengths at most.
fn names_fit(pattern: &[Vec<u8>], path: &[&[u8]]) -> bool {
    let (mut p, mut at, mut back) = (0, 0, None);
    loop {
        match (pattern.get(p), path.get(at)) {
            (None, _) => return true,
            (Some(star), _) if star == b"**" => {
                if p + 1 == pattern.len() {
                    return at < path.len();
                }
                back = Some((p + 1, at));
                p += 1;
            }
            (Some(name), Some(part)) if fits(name, part) => (p, at) = (p + 1, at + 1),
            (_, None) => return false,
            (Some(_), Some(_)) => match back {
                Some((after, from)) => {
                    (p, at) = (after, from + 1);
                    back = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
}

/// Whether one name fits a pattern of `*` and `?`.
pub fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut at, mut back) = (0, 0, None);
    while let Some(&byte) = name.get(at) {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, at));
                p += 1;
            }
            Some(&want) if want == b'?' || want == byte => (p, at) = (p + 1, at + 1),
            _ => match back {
                Some((after, from)) => {
                    (p, at) = (after, from + 1);
                    back = Some((after, from + 1));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|&b| b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_what_people_mean() {
        let cases = [
            ("tests/fixtures/**", "tests/fixtures/a/b.txt", true),
            ("tests/fixtures/**", "./tests/fixtures/a", true),
            ("tests/fixtures/**", "src/tests/fixtures/a", false),
            ("tests/fixtures", "tests/fixtures/deep/a", true),
            ("tests/fixtures/", "tests/fixtures2/a", false),
            ("**/fixtures/**", "a/b/fixtures/c", true),
            ("**/fixtures/**", "fixtures/c", true),
            ("**/fixtures/**", "fixtures", false),
            ("*.lock", "deep/down/Cargo.lock", true),
            ("*.lock", "Cargo.lock.rs", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/a/b.md", false),
            ("docs/**/*.md", "docs/a.md", true),
            ("docs/**/*.md", "docs/a/b/c.md", true),
            ("a?c/x", "abc/x", true),
            ("a?c/x", "a/c/x", false),
            ("*a*b*c", "xxaxxbxxaxxbc", true),
            ("**/a/**/b", "a/x/a/y/b", true),
        ];
        for (glob, path, want) in cases {
            let read = Glob::new(glob).unwrap();
            assert_eq!(read.covers(path.as_bytes()), want, "{glob} on {path}");
        }
    }

    #[test]
    fn a_pattern_that_covers_everything_is_none() {
        for text in ["", "**", "*", "**/*", "./", "/", ".", "?*/**"] {
            assert_eq!(Glob::new(text), None, "{text}");
        }
    }
}
