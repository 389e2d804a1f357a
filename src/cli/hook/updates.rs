//! What git says on a hook's standard input: which refs a push changes, from what to what.

use super::Error;

/// What one line of git's says: the object that comes, and the one that is there.
#[derive(Debug, PartialEq, Eq)]
struct Update<'l> {
    new: &'l str,
    old: &'l str,
}

/// The objects that a push brings, and those that are there.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Updates {
    pub new: Vec<String>,
    pub old: Vec<String>,
}

/// How a hook's lines are written.
#[derive(Debug, Clone, Copy)]
pub enum Lines {
    /// `<local ref> <local id> <remote ref> <remote id>` (githooks(5), pre-push). The first is what the person wrote, and may
    /// have spaces: `HEAD@{1 day ago}`.
    Sent,
    /// `<old id> <new id> <ref>` (githooks(5), pre-receive).
    Received,
}

impl Updates {
    /// Reads all lines; a line that is none of this hook's is an error, for what it means would not be scanned.
    pub fn read(text: &[u8], lines: Lines) -> Result<Updates, Error> {
        let mut updates = Updates::default();
        for line in text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
            let wrong = || Error::new("read what git says: a line that is none of this hook's");
            let Update { new, old } = update(line, lines).ok_or_else(wrong)?;
            updates.new.extend(is_there(new).then(|| new.to_owned()));
            updates.old.extend(is_there(old).then(|| old.to_owned()));
        }
        Ok(updates)
    }
}

/// Names of refs are any bytes but spaces and a few others.
fn update(line: &[u8], lines: Lines) -> Option<Update<'_>> {
    let (old, new) = match lines {
        Lines::Sent => {
            let mut words = line.rsplitn(4, |&b| b == b' ');
            let (old, _name) = (words.next()?, words.next()?);
            let new = words.next()?;
            words.next()?;
            (old, new)
        }
        Lines::Received => {
            let mut words = line.splitn(3, |&b| b == b' ');
            let ids = (words.next()?, words.next()?);
            words.next()?;
            ids
        }
    };
    Some(Update { new: id(new)?, old: id(old)? })
}

fn id(word: &[u8]) -> Option<&str> {
    let digits = matches!(word.len(), 40 | 64) && word.iter().all(u8::is_ascii_hexdigit);
    if digits { std::str::from_utf8(word).ok() } else { None }
}

/// Git names what is not there by zeros.
fn is_there(id: &str) -> bool {
    id.bytes().any(|digit| digit != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, lines: Lines, new: &[char], old: &[char]) {
        // A letter stands for an id.
        let written: String = text.split_inclusive(' ').map(expand).collect();
        let ids = |letters: &[char]| letters.iter().map(|c| c.to_string().repeat(40)).collect::<Vec<_>>();
        let want = Updates { new: ids(new), old: ids(old) };
        assert_eq!(Updates::read(written.as_bytes(), lines).unwrap(), want, "{text}");
    }

    fn expand(word: &str) -> String {
        word.split_inclusive('\n')
            .map(|part| {
                let bare = part.trim_end();
                if bare.len() == 1 { part.replacen(bare, &bare.repeat(40), 1) } else { part.to_owned() }
            })
            .collect()
    }

    #[test]
    fn lines_of_git() {
        check("refs/heads/x a refs/heads/y b\n", Lines::Sent, &['a'], &['b']);
        check("HEAD@{one day ago} a refs/heads/y 0\n(delete) 0 refs/heads/z c\n", Lines::Sent, &['a'], &['c']);
        check("b a refs/heads/y\n0 c refs/heads/z\nd 0 refs/tags/t\n", Lines::Received, &['a', 'c'], &['b', 'd']);
        check("", Lines::Sent, &[], &[]);
    }

    #[test]
    fn what_is_no_line_of_git_is_refused() {
        let id = "a".repeat(40);
        for text in ["nonsense".to_owned(), format!("refs/x {id} refs/y"), format!("refs/x {id} refs/y short")] {
            assert!(Updates::read(text.as_bytes(), Lines::Sent).is_err(), "{text}");
        }
        for text in ["nonsense".to_owned(), format!("{id} {id}"), format!("{id} --all refs/x")] {
            assert!(Updates::read(text.as_bytes(), Lines::Received).is_err(), "{text}");
        }
        let text = [id.as_bytes(), b" ", id.as_bytes(), b" refs/heads/\xff\n"].concat();
        assert_eq!(Updates::read(&text, Lines::Received).unwrap().new, [id]);
    }
}
