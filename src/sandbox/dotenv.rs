//! One entry of a dotenv file, as a service reads it: `NAME=value`, with or without `export` and quotes.

use super::Error;
use stanch::secret::Secret;
use std::path::Path;

/// The value of `name` in the file.
pub fn read(path: &Path, name: &str) -> Result<Secret, Error> {
    let failed = |source| Error::File { action: "read", path: path.to_owned(), source };
    let text = Secret::new(std::fs::read(path).map_err(failed)?);
    value(&text, name).ok_or_else(|| Error::NoEntry { path: path.to_owned(), name: name.to_owned() })
}

#[expect(clippy::disallowed_methods, reason = "the file's text is searched for one entry, which is a secret again")]
fn value(text: &Secret, name: &str) -> Option<Secret> {
    let text = std::str::from_utf8(text.expose()).ok()?;
    let entry = |line: &str| {
        let line = line.trim();
        let (key, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
        let value = value.trim();
        let bare = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
        (key.trim() == name).then(|| Secret::new(bare.unwrap_or(value)))
    };
    // The last one counts, as in a shell.
    text.lines().filter_map(entry).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_shell_would() {
        let text = Secret::new("# A=no\nA=1\nexport B='two'\nAB=3\nC=\"four\"\nA = 5\n");
        for (name, want) in [("A", Some("5")), ("B", Some("two")), ("C", Some("four")), ("D", None)] {
            assert_eq!(value(&text, name), want.map(Secret::new), "{name}");
        }
    }
}
