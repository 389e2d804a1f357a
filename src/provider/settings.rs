//! What a configuration says of a provider: where it is, and the administrator's credentials.

use crate::secret::SecretRef;
use crate::yaml::Node;
use std::collections::BTreeMap;
use std::path::Path;

/// One entry of `providers` in `stanch.yaml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where it is, when not where its `api` says: `https://gitlab.example.com`.
    pub base: Option<String>,
    /// Whether it may lie on this machine or in a private network, and be spoken to without TLS.
    pub allow_private: bool,
    /// The administrator's credentials, for `{{ admin.NAME }}`.
    pub admin: BTreeMap<String, SecretRef>,
    /// Further values that are no secrets, for `{{ with.NAME }}`: an account's or a project's id.
    pub with: BTreeMap<String, String>,
}

impl Settings {
    /// Reads one entry; `base` is the folder of the configuration.
    pub fn read(node: &Node<'_>, base: &Path) -> Option<Settings> {
        let mut fields = node.fields()?;
        let url = fields.optional("base").map(|node| node.string());
        let allow_private = fields.optional("allow-private").map(|node| node.bool());
        let mut admin = BTreeMap::new();
        for (name, node) in fields.optional("admin").map(|node| node.entries()).unwrap_or_default() {
            admin.extend(node.secret_ref(base).map(|place| (name.to_owned(), place)));
        }
        let mut with = BTreeMap::new();
        for (name, node) in fields.optional("with").map(|node| node.entries()).unwrap_or_default() {
            with.extend(node.string().map(|value| (name.to_owned(), value)));
        }
        fields.finish();
        Some(Settings { base: url.flatten(), allow_private: allow_private.flatten().unwrap_or(false), admin, with })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::Document;

    fn read(yaml: &str) -> Result<Settings, String> {
        let document = Document::parse("s.yaml", yaml).unwrap();
        let settings = Settings::read(&document.root(), Path::new("/etc/stanch"));
        document.finish(settings).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn an_entry_is_read() {
        let yaml = "base: http://127.0.0.1:1\nallow-private: true\nwith: { org: acme }\n\
            admin: { token: { env: TOKEN }, key: { file: keys/a } }\n";
        let settings = read(yaml).unwrap();
        assert_eq!((settings.base.as_deref(), settings.allow_private), (Some("http://127.0.0.1:1"), true));
        assert_eq!(settings.with["org"], "acme");
        assert_eq!(settings.admin["token"], SecretRef::Env("TOKEN".into()));
        assert_eq!(settings.admin["key"], SecretRef::File("/etc/stanch/keys/a".into()));
        assert_eq!(read("{}").unwrap(), Settings::default());
    }

    #[test]
    fn a_secret_is_never_written_in_it() {
        for (yaml, want) in [
            ("admin: { token: abc }", "a secret is not written here: name its place"),
            ("admin: { token: { env: A, file: b } }", "expected either `env` or `file`"),
            ("admin: { token: {} }", "expected either `env` or `file`"),
            ("admin: { token: { file: '' } }", "a path cannot be empty"),
            ("admin: { token: { evn: A } }", "did you mean `env`?"),
            ("allow_private: true", "did you mean `allow-private`?"),
        ] {
            let found = read(yaml).unwrap_err();
            assert!(found.contains(want), "{yaml}: {found}");
        }
    }
}
