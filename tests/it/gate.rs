//! A hook of ours in a real repository, watched: what git's folder held before it ran and after is written down beside the
//! repository, and so is how it ended. A hook that changed a byte, wrote an object, moved a ref or left a lock is caught.

use crate::world::{Ended, World, token};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A line that leaks the token of this seed.
pub fn leak(seed: u64) -> String {
    format!("SANDBOX_KEY={}\n", token(seed))
}

/// A watched hook.
pub struct Gate {
    notes: tempfile::TempDir,
    /// Git's folder.
    folder: PathBuf,
}

impl Gate {
    /// Puts the hook `name` of ours into the repository whose git folder this is; `more` goes behind its own arguments.
    pub fn install(folder: &Path, name: &str, more: &str) -> Gate {
        let gate = Gate { notes: tempfile::tempdir().unwrap(), folder: folder.canonicalize().unwrap() };
        let hooks = gate.folder.join("hooks");
        fs::create_dir_all(&hooks).unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks").join(name);
        fs::copy(ours, gate.note("ours")).unwrap();
        let script = format!(
            "#!/bin/sh\nlook() {{ (cd '{folder}' && find . | LC_ALL=C sort && find . -type f -print0 | \
             LC_ALL=C sort -z | xargs -0 sha1sum) > '{notes}'/$1; }}\n\
             look before\n'{notes}/ours' \"$@\" {more}\ncode=$?\nlook after\necho $code > '{notes}/code'\nexit $code\n",
            folder = gate.folder.display(),
            notes = gate.notes.path().display(),
        );
        let hook = hooks.join(name);
        fs::write(&hook, script).unwrap();
        fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
        gate
    }

    fn note(&self, name: &str) -> PathBuf {
        self.notes.path().join(name)
    }

    /// How the hook ended since this was asked the last time, when git ran it; and that it changed nothing.
    #[track_caller]
    pub fn code(&self) -> Option<i32> {
        let code = fs::read_to_string(self.note("code")).ok()?;
        let [before, after] = ["before", "after"].map(|name| fs::read(self.note(name)).unwrap());
        assert!(before.len() > 1000, "there is something to be changed");
        assert_eq!(String::from_utf8_lossy(&before), String::from_utf8_lossy(&after), "the hook changed something");
        fs::remove_file(self.note("code")).unwrap();
        let locks = find(&self.folder).into_iter().filter(|path| path.extension().is_some_and(|end| end == "lock"));
        assert_eq!(locks.collect::<Vec<_>>(), [] as [PathBuf; 0], "no lock is left");
        Some(code.trim().parse().unwrap())
    }
}

fn find(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(find(&path)),
            false => found.push(path),
        }
    }
    found
}

/// What git did, told the way a test wants it: whether it went through, with what the hook said.
#[track_caller]
pub fn stopped(gate: &Gate, ended: &Ended, code: i32, says: &[&str]) {
    assert_ne!(ended.code, 0, "git went on: {}{}", ended.stdout, ended.stderr);
    assert_eq!(gate.code(), Some(code), "{}", ended.stderr);
    for word in says {
        assert!(ended.stderr.contains(word), "{word:?} is not in:\n{}", ended.stderr);
    }
    assert!((0..100).all(|seed| !ended.stderr.contains(&token(seed))), "{}", ended.stderr);
}

/// Git went on, and the hook had nothing to say.
#[track_caller]
pub fn passed(gate: &Gate, ended: &Ended) {
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    assert_eq!(gate.code(), Some(0));
    assert!(!ended.stderr.contains("stanch"), "{}", ended.stderr);
}

/// A repository with one commit and a watched pre-commit hook.
pub fn guarded(init: &[&str]) -> (World, Gate) {
    let world = World::new();
    world.git(&[&["init", "-q", "-b", "main"], init].concat());
    world.stage("README", "one\n");
    world.commit("first");
    let gate = Gate::install(&world.path(".git"), "pre-commit", "");
    (world, gate)
}
