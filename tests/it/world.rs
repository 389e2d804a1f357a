//! A world for a test: a folder of its own, a repository made by real git, the built program, tokens made at run time.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder that goes away with the test.
pub struct World {
    dir: tempfile::TempDir,
}

/// How a program ended.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    pub fn new() -> World {
        World { dir: tempfile::tempdir().unwrap() }
    }

    /// A world with an empty repository in it.
    pub fn repository() -> World {
        let world = World::new();
        world.git(&["init", "-q", "-b", "main"]);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// Writes a file and stages it.
    pub fn stage(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.write(name, bytes);
        self.git(&["add", "-f", "--", name]);
    }

    /// Commits what is staged and gives the commit's id.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git, which must succeed, and gives what it says.
    pub fn git(&self, args: &[&str]) -> String {
        let ended = self.try_git(args);
        assert_eq!(ended.code, 0, "git {args:?}: {}", ended.stderr);
        ended.stdout.trim_end().to_owned()
    }

    pub fn try_git(&self, args: &[&str]) -> Ended {
        let mut git = self.command("git");
        git.args(args);
        end(git.output().unwrap())
    }

    /// Runs stanch here.
    pub fn stanch(&self, args: &[&str]) -> Ended {
        self.stanch_fed(args, b"")
    }

    /// Runs stanch here with something on standard input.
    pub fn stanch_fed(&self, args: &[&str], input: &[u8]) -> Ended {
        self.fed(args, input, &[])
    }

    /// Runs stanch here with something on standard input and in the environment.
    pub fn fed(&self, args: &[&str], input: &[u8], env: &[(&str, &str)]) -> Ended {
        let mut stanch = self.command(env!("CARGO_BIN_EXE_stanch"));
        stanch.args(args).envs(env.iter().copied());
        let mut child = stanch.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || {
            // A program that reads no input may be gone by now.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        end(output)
    }

    /// A program in this world: no configuration but the world's, the same clock-free author for every commit.
    pub fn command(&self, program: &str) -> Command {
        let bin = Path::new(env!("CARGO_BIN_EXE_stanch")).parent().unwrap();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin.to_owned()).chain(std::env::split_paths(&path));
        let mut command = Command::new(program);
        command.current_dir(self.root()).env("PATH", std::env::join_paths(paths).unwrap());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("GIT_")) {
            command.env_remove(name);
        }
        command
            .env("HOME", self.root())
            .env("XDG_STATE_HOME", self.path(".state"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada Lovelace")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Charles Babbage")
            .env("GIT_COMMITTER_EMAIL", "charles@example.org");
        command
    }

    /// Puts a hook of ours into the repository.
    pub fn install_hook(&self, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("hooks").join(name);
        let to = self.path(".git/hooks").join(name);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, &to).unwrap();
    }

    /// Every file below a folder with its bytes.
    pub fn snapshot(&self, name: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.path(name)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => drop(files.insert(path.clone(), fs::read(path).unwrap())),
                }
            }
        }
        files
    }
}

impl Ended {
    /// Standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}{}", self.stdout, self.stderr))
    }
}

fn end(output: Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A sandbox token of its own for each `seed`, with a checksum that holds.
pub fn token(seed: u64) -> String {
    let body = alnum(seed, 30);
    format!("{}_{}_{body}{}", "sbx", "live", base62(crc32fast::hash(body.as_bytes())))
}

/// `length` letters and digits that look random and depend on `seed` alone.
pub fn alnum(seed: u64, length: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let digit = |_| {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        DIGITS[((z ^ (z >> 31)) % 62) as usize] as char
    };
    (0..length).map(digit).collect()
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn base62(mut number: u32) -> String {
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    String::from_utf8(digits.to_vec()).unwrap()
}
