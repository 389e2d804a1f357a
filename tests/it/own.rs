//! stanch finds nothing in its own repository and its history: examples are recipes, never literals.

use std::path::Path;
use std::process::Command;

#[test]
fn its_own_files_are_clean() {
    clean(&["scan", "."]);
}

#[test]
fn its_own_history_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if !root.join(".git").exists() {
        println!("skipped: this is not a clone");
        return;
    }
    clean(&["history", "."]);
}

fn clean(args: &[&str]) {
    let mut stanch = Command::new(env!("CARGO_BIN_EXE_stanch"));
    stanch.args(args).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = stanch.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
