//! Providers that are described in YAML: the `api` half of a file under `rules/`.
