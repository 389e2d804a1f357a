//! The URLs of a repository's remotes, read from its config as text: nothing that it names is run or included.

use super::place::{self, Place};
use super::regular;
use crate::text::terminal::printable;
use std::path::Path;

/// The URLs, printable, without user names and passwords. No repository or no config has none.
pub fn remotes(path: Option<&Path>) -> Vec<String> {
    let Ok(place) = Place::open(path) else { return Vec::new() };
    urls(&regular::read(&place.common.join("config"), place::LARGEST).unwrap_or_default())
}

fn urls(config: &[u8]) -> Vec<String> {
    let text = printable_lines(config);
    let mut inside = false;
    let mut found = Vec::new();
    for line in text.iter().map(|line| line.trim()) {
        if line.starts_with('[') {
            inside = line.to_ascii_lowercase().starts_with("[remote ");
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside)
            && matches!(key.trim().to_ascii_lowercase().as_str(), "url" | "pushurl")
        {
            found.push(without_login(value.trim().trim_matches('"')));
        }
    }
    found
}

fn printable_lines(config: &[u8]) -> Vec<String> {
    // Trimmed first: a tab that indents a key is no part of it.
    config.split(|&byte| byte == b'\n').map(|line| printable(line.trim_ascii())).collect()
}

/// A token in a remote's URL is a leak of its own and must not travel further.
fn without_login(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let (host, path) = rest.split_at(end);
            format!("{scheme}://{}{path}", host.rsplit('@').next().unwrap_or(host))
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls_of_remotes_only() {
        let config = b"[core]\n\turl = no\n[remote \"origin\"]\n\turl = https://me:word@host.example/a.git\n\
            \tfetch = +refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\n\turl = no\n[remote \"b\"]\n\
            \tpushurl = git@host:b.git\n";
        assert_eq!(urls(config), ["https://host.example/a.git", "git@host:b.git"]);
    }
}
