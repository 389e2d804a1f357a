//! What a path says about what lies there: it may make a finding less sure, never hide it.

/// Why a finding at `path` is less sure, if it is.
pub fn doubt(path: &[u8]) -> Option<&'static str> {
    let path = String::from_utf8_lossy(path).to_ascii_lowercase();
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", &path));
    let under = |names: &[&str]| folders.split('/').any(|folder| names.contains(&folder));
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    let stem = name.split('.').next().unwrap_or_default();
    let word = |word: &str| stem.split(['_', '-']).any(|part| part == word);
    if ends(&[".lock", "-lock.json", "-lock.yaml", ".lockb", ".sum"]) {
        Some("in a lock file")
    } else if ends(&[".min.js", ".min.css", ".min.mjs", ".js.map", ".css.map"]) {
        Some("in a minified file")
    } else if under(&["node_modules", "vendor", "third_party", "third-party", "bower_components", "site-packages"]) {
        Some("in vendored code")
    } else if under(&["test", "tests", "testdata", "__tests__", "spec", "fixtures", "__mocks__"])
        || word("test")
        || word("tests")
        || word("spec")
        || ends(&[".test.js", ".test.ts", ".test.tsx", ".spec.js", ".spec.ts", ".spec.tsx"])
    {
        Some("in a test")
    } else if under(&["example", "examples", "sample", "samples", "demo", "docs", "doc"])
        || ends(&[".example", ".sample", ".template", ".dist"])
        || word("example")
        || word("sample")
    {
        Some("in an example")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_doubts() {
        for (path, want) in [
            ("src/main.rs", None),
            ("src/attestation.rs", None),
            (".env", None),
            ("Cargo.lock", Some("in a lock file")),
            ("web/package-lock.json", Some("in a lock file")),
            ("static/app.min.js", Some("in a minified file")),
            ("node_modules/a/b.js", Some("in vendored code")),
            ("tests/it/a.rs", Some("in a test")),
            ("src/key_test.go", Some("in a test")),
            ("a.spec.ts", Some("in a test")),
            (".env.example", Some("in an example")),
            ("examples/a/.env", Some("in an example")),
        ] {
            assert_eq!(doubt(path.as_bytes()), want, "{path}");
        }
    }
}
