//! All providers by their ids.

use super::{Provider, Settings};
use crate::catalog;
use crate::http::Transport;
use crate::yaml::Diagnostics;
use std::collections::BTreeMap;
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
        let _ = (files, settings, transport);
        Ok(Registry::default())
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
