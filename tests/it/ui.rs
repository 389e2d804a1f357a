//! Programs that must not compile: each file of `tests/ui` names, at a line marked `//~ CODE text`, the error that it
//! must cause there. `control.rs` must compile, which shows that the others fail for their own reason.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

#[test]
fn a_secret_cannot_be_printed_cloned_or_serialised() {
    let library = library();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut programs: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    programs.sort();
    assert!(programs.len() >= 5, "the programs are there");
    let serde = serde(&library);
    for program in programs {
        let (fine, errors) = compile(&program, &library, &serde);
        let text = std::fs::read_to_string(&program).unwrap();
        let wanted = text.lines().enumerate().find_map(|(at, line)| Some((at + 1, line.split_once("//~ ")?.1)));
        let Some((line, wanted)) = wanted else {
            assert!(fine, "{} must compile:\n{errors}", program.display());
            continue;
        };
        let (code, words) = wanted.split_once(' ').unwrap();
        assert!(!fine, "{} compiles", program.display());
        assert!(errors.contains(&format!("error[{code}]")), "{}: no {code} in\n{errors}", program.display());
        assert!(errors.contains(words), "{}: no `{words}` in\n{errors}", program.display());
        assert!(errors.contains(&format!(":{line}:")), "{}: not at line {line}:\n{errors}", program.display());
    }
}

fn compile(program: &Path, library: &Path, serde: &Path) -> (bool, String) {
    let out = tempfile::tempdir().unwrap();
    let deps = library.parent().unwrap();
    let run = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition=2024", "--crate-type=bin", "--emit=metadata", "--color=never"])
        .arg("--out-dir")
        .arg(out.path())
        .arg("-L")
        .arg(format!("dependency={}", deps.display()))
        .arg("--extern")
        .arg(format!("stanch={}", library.display()))
        .arg("--extern")
        .arg(format!("serde={}", serde.display()))
        .arg(program)
        .output()
        .unwrap();
    (run.status.success(), String::from_utf8_lossy(&run.stderr).into_owned())
}

/// The library that this test was linked with: the newest of its folder.
fn library() -> PathBuf {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let newest = libraries(&deps, "libstanch-").into_iter().next();
    newest.unwrap_or_else(|| panic!("no libstanch in {}", deps.display()))
}

/// The serde that the library was made with: there is one for the build script too.
fn serde(library: &Path) -> PathBuf {
    let control = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui/control.rs");
    let all = libraries(library.parent().unwrap(), "libserde-");
    let fits = all.iter().find(|serde| compile(&control, library, serde).0).or(all.first());
    fits.unwrap_or_else(|| panic!("no libserde beside {}", library.display())).clone()
}

/// The libraries of that name, the newest first.
fn libraries(folder: &Path, name: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = files
        .filter(|path| {
            let file = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            file.starts_with(name) && file.ends_with(".rlib")
        })
        .collect();
    let age = |path: &PathBuf| path.metadata().and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    found.sort_by_key(|path| std::cmp::Reverse(age(path)));
    found
}
