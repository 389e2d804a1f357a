//! All providers by their ids.

use super::declared::Declared;
use super::{Provider, Settings};
use crate::catalog;
use crate::http::Transport;
use crate::yaml::{Diagnostic, Diagnostics};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The providers that are known. Cheap to clone.
#[derive(Clone, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<dyn Provider>>,
}

impl Registry {
    /// Reads the `api` halves of `files` (a later file of the same provider replaces an earlier one's) with what the
    /// configuration says of each.
    pub fn load(
        files: &[catalog::File],
        settings: BTreeMap<String, Settings>,
        transport: Arc<dyn Transport>,
    ) -> Result<Registry, Diagnostics> {
        let mut registry = Registry::default();
        let mut mistakes = Vec::new();
        for file in files {
            match read(file, &settings, &transport) {
                Ok(Some(provider)) => {
                    registry.providers.insert(provider.id().to_owned(), Arc::new(provider));
                }
                Ok(None) => {}
                Err(Diagnostics(found)) => mistakes.extend(found),
            }
        }
        let unknown = settings.keys().filter(|id| !registry.providers.contains_key(*id));
        mistakes.extend(unknown.map(|id| Diagnostic {
            file: format!("providers.{id}"),
            line: 1,
            column: 1,
            text: "no rules file has an `api` for this provider".to_owned(),
        }));
        match mistakes.is_empty() {
            true => Ok(registry),
            false => Err(Diagnostics(mistakes)),
        }
    }

    /// These providers, as they are.
    pub fn of(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Registry {
        let named = |provider: Arc<dyn Provider>| (provider.id().to_owned(), provider);
        Registry { providers: providers.into_iter().map(named).collect() }
    }

    /// The provider of that id.
    pub fn get(&self, id: &str) -> Option<Arc<dyn Provider>> {
        self.providers.get(id).cloned()
    }

    /// All of them, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.providers.keys()).finish()
    }
}

fn read(
    file: &catalog::File,
    settings: &BTreeMap<String, Settings>,
    transport: &Arc<dyn Transport>,
) -> Result<Option<Declared>, Diagnostics> {
    let document = file.digest()?;
    let provider = catalog::top(&document).and_then(|top| {
        let Some(api) = top.api else { return Some(None) };
        let settings = settings.get(&top.provider).cloned().unwrap_or_default();
        Declared::read(&api, &top.provider, &top.title, settings, transport.clone()).map(Some)
    });
    document.finish(provider)
}
