//! The `serve` section: where the server listens, and whom it believes.

use crate::secret::SecretRef;
use crate::yaml::Node;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Settings of `stanch serve`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// Where it listens.
    pub listen: SocketAddr,
    /// GitHub's webhooks, when they are wanted.
    pub github: Option<Github>,
    /// GitHub's secret scanning partner programme, when it is wanted.
    pub partner: Option<Partner>,
    /// Local mirrors by the full names of the repositories: a push is read from there.
    pub mirrors: BTreeMap<String, PathBuf>,
}

/// Webhooks of GitHub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Github {
    /// The webhook's secret.
    pub secret: SecretRef,
    /// The API to fetch an alert's secret from.
    pub api: String,
    /// The token for that API.
    pub token: Option<SecretRef>,
    /// Whether the API may lie in a private network, and be spoken to without TLS.
    pub allow_private: bool,
}

/// Posts of the partner programme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partner {
    /// Where the public keys are fetched from.
    pub keys_url: String,
    /// Whether that may lie in a private network, and be spoken to without TLS.
    pub allow_private: bool,
}

/// On loopback: a reverse proxy with TLS stands in front of it.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8797);
/// GitHub's API: <https://docs.github.com/en/rest/secret-scanning/secret-scanning>, read 2026-11-20.
const GITHUB_API: &str = "https://api.github.com";
/// The partner programme's public keys:
/// <https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partner-program>, read 2026-11-20.
const PARTNER_KEYS: &str = "https://api.github.com/meta/public_keys/secret_scanning";

impl Default for Serve {
    fn default() -> Serve {
        Serve { listen: LISTEN, github: None, partner: None, mirrors: BTreeMap::new() }
    }
}

impl Serve {
    /// Reads the section; `base` is the folder of the configuration.
    pub fn read(node: &Node<'_>, base: &Path) -> Option<Serve> {
        let mut fields = node.fields()?;
        let listen = fields.optional("listen").map(|node| address(&node));
        let github = fields.optional("github").map(|node| Github::read(&node, base));
        let partner = fields.optional("partner").map(|node| Partner::read(&node));
        let mut mirrors = BTreeMap::new();
        for (name, node) in fields.optional("mirrors").map(|node| node.entries()).unwrap_or_default() {
            if !name.contains('/') {
                node.mistake("a mirror is named by the full name of its repository, such as \"octo/app\"");
            }
            mirrors.extend(node.path(base).map(|path| (name.to_owned(), path)));
        }
        fields.finish();
        let (github, partner) =
            (github.map_or(Some(None), |g| g.map(Some)), partner.map_or(Some(None), |p| p.map(Some)));
        Some(Serve { listen: listen.unwrap_or(Some(LISTEN))?, github: github?, partner: partner?, mirrors })
    }
}

impl Github {
    fn read(node: &Node<'_>, base: &Path) -> Option<Github> {
        let mut fields = node.fields()?;
        let secret = fields.required("secret").and_then(|node| node.secret_ref(base));
        let api = fields.optional("api").map(|node| url(&node));
        let token = fields.optional("token").and_then(|node| node.secret_ref(base));
        let allow_private = fields.optional("allow-private").and_then(|node| node.bool()).unwrap_or(false);
        fields.finish();
        Some(Github { secret: secret?, api: api.unwrap_or_else(|| Some(GITHUB_API.to_owned()))?, token, allow_private })
    }
}

impl Partner {
    fn read(node: &Node<'_>) -> Option<Partner> {
        let mut fields = node.fields()?;
        let keys = fields.optional("keys-url").map(|node| url(&node));
        let allow_private = fields.optional("allow-private").and_then(|node| node.bool()).unwrap_or(false);
        fields.finish();
        Some(Partner { keys_url: keys.unwrap_or_else(|| Some(PARTNER_KEYS.to_owned()))?, allow_private })
    }
}

fn address(node: &Node<'_>) -> Option<SocketAddr> {
    let text = node.str()?;
    let read = text.parse().ok();
    if read.is_none() {
        node.mistake("expected an address and a port, such as 127.0.0.1:8797");
    }
    read
}

fn url(node: &Node<'_>) -> Option<String> {
    let text = node.str()?;
    let fine = text.starts_with("https://") || text.starts_with("http://");
    if !fine {
        node.mistake("expected a URL that starts with https:// or http://");
    }
    fine.then(|| text.trim_end_matches('/').to_owned())
}
