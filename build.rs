//! Embeds the files of `rules/` into the library (see `src/catalog.rs`).

#![expect(clippy::expect_used, reason = "a build script that cannot go on stops the build")]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let rules = root.join("rules");
    println!("cargo::rerun-if-changed=rules");
    let mut names: Vec<String> = fs::read_dir(&rules)
        .expect("rules/ is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    let mut code = String::from("/// `rules/*.yaml`: name and text.\npub static EMBEDDED: &[(&str, &str)] = &[\n");
    for name in names {
        let path = rules.join(&name);
        println!("cargo::rerun-if-changed={}", path.display());
        writeln!(code, "    ({name:?}, include_str!({:?})),", path.display().to_string()).expect("a String takes it");
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets it")).join("catalog.rs");
    fs::write(out, code).expect("OUT_DIR can be written");
}
