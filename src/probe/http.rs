//! A web page that says whether all is well.

use super::{Evidence, Probe};
use crate::yaml::Fields;
use std::collections::BTreeMap;

/// A URL that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Http {
    url: String,
}

impl Http {
    /// Reads `{ url, status, json, contains, timeout }`.
    pub fn read_spec(fields: &mut Fields<'_>) -> Option<Http> {
        let url = fields.required("url").and_then(|node| node.string());
        let _ = (fields.optional("status"), fields.optional("json"), fields.optional("contains"));
        let _ = fields.optional("timeout");
        Some(Http { url: url? })
    }
}

impl Probe for Http {
    fn describe(&self) -> String {
        format!("GET {}", self.url)
    }

    fn look(&self, _facts: &BTreeMap<String, String>) -> Evidence {
        Evidence { good: false, seen: "not yet".into() }
    }
}
