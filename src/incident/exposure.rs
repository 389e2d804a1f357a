//! Since when it lay open, and to whom.

use super::Place;
use crate::rotate::Reach;
use jiff::Timestamp;

/// When it first lay where it was found: the earliest date among the places.
pub fn since(places: &[Place]) -> Option<Timestamp> {
    places.iter().filter_map(|place| place.date).min()
}

/// Who may have seen what lies in a repository with these remotes, and how that is known. A remote on this machine or in
/// a private network tells; one on a public host does not, since it may be a private repository there.
pub fn reach(remotes: &[String]) -> (Reach, String) {
    match remotes.iter().find(|remote| !is_private(remote)) {
        _ if remotes.is_empty() => (Reach::Unknown, "the repository names no remote".into()),
        Some(remote) => (
            Reach::Unknown,
            format!("whether {} shows it to the public is not known", host(remote).unwrap_or("a remote")),
        ),
        None => (Reach::Private, "every remote lies on this machine or in a private network".into()),
    }
}

fn is_private(remote: &str) -> bool {
    let Some(host) = host(remote) else { return true };
    let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match address {
        Some(std::net::IpAddr::V4(v4)) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        Some(std::net::IpAddr::V6(v6)) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
        None => !host.contains('.') || PRIVATE_ENDS.iter().any(|end| host.to_ascii_lowercase().ends_with(end)),
    }
}

/// The host of a remote's URL (`https://u@host:port/x`, `user@host:path`); `None` for a path on this machine.
fn host(remote: &str) -> Option<&str> {
    let after = match remote.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split('/').next()?,
        None => {
            let (before, _) = remote.split_once(':')?;
            if before.contains('/') || before.len() < 2 {
                return None;
            }
            before
        }
    };
    let after = after.rsplit('@').next()?;
    let name = match after.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => after.split(':').next()?,
    };
    (!name.is_empty()).then_some(name)
}

/// Names that no public resolver answers (RFC 6762, RFC 8375, and what networks use inside).
const PRIVATE_ENDS: &[&str] = &[".local", ".internal", ".lan", ".home.arpa", ".corp", ".localhost", ".intranet"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_inside_is_private() {
        for remote in [
            "/srv/git/app.git",
            "../app",
            "file:///srv/git/app.git",
            "git@git.corp:app.git",
            "ssh://git@10.0.0.7:22/app.git",
            "http://[::1]:8080/app.git",
            "https://gitlab/app.git",
            "C:/repos/app.git",
        ] {
            assert!(is_private(remote), "{remote}");
        }
        for remote in ["https://github.com/o/r.git", "git@github.com:o/r.git", "ssh://git@8.8.8.8/x"] {
            assert!(!is_private(remote), "{remote}");
        }
    }

    #[test]
    fn a_public_host_does_not_tell() {
        let remotes = ["git@github.com:o/r.git".to_owned()];
        assert_eq!(reach(&remotes), (Reach::Unknown, "whether github.com shows it to the public is not known".into()));
        assert_eq!(reach(&["/srv/x.git".to_owned()]).0, Reach::Private);
        assert_eq!(reach(&[]).0, Reach::Unknown);
    }
}
