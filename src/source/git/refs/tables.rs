//! Refs that are kept as a stack of tables ([`super::super::reftable`]): what a newer table says of a name hides what older
//! ones say.
//!
//! `reftable/tables.list` names them, the oldest first. git adds tables and melts several into one at any time: when one that
//! was named is gone, the list is read again.

use super::{Logged, Refs, Target};
use crate::source::git::id::Hash;
use crate::source::git::reftable::{Broken, Table, Value};
use crate::source::git::regular;
use crate::source::{SkipReason, Skipped};
use crate::text::terminal::printable;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Largest table that is read, in bytes: ten million refs.
const LARGEST: u64 = 512 << 20;
/// Largest list of tables, in bytes: one has a few dozen names.
const LONGEST_LIST: u64 = 1 << 20;
/// Bytes of names that are held at most: prefixes are written once, so few bytes can stand for many.
const MOST_NAMES: usize = 256 << 20;
/// How often the list is read when its tables are gone.
const TRIES: usize = 5;

/// The stacks of a repository: its own, and one of each linked work tree. Each is read once.
pub(in super::super) struct Tables {
    hash: Hash,
    stacks: Mutex<BTreeMap<PathBuf, Arc<Stack>>>,
}

/// The tables of one folder.
#[derive(Debug, Default)]
pub(super) struct Stack {
    /// The newest first, by their names.
    tables: Vec<(String, Table)>,
    /// What could not be read.
    broken: Vec<Skipped>,
}

impl Tables {
    pub fn new(hash: Hash) -> Tables {
        Tables { hash, stacks: Mutex::default() }
    }

    /// The stack of the folder that HEAD lies in.
    pub(super) fn of(&self, dir: &Path) -> Arc<Stack> {
        let mut stacks = self.stacks.lock().unwrap_or_else(PoisonError::into_inner);
        let stack = stacks.entry(dir.to_owned()).or_insert_with(|| Arc::new(Stack::open(&dir.join(FOLDER), self.hash)));
        Arc::clone(stack)
    }
}

/// The folder of a stack.
const FOLDER: &str = "reftable";
/// What names its tables.
const LIST: &str = "tables.list";

impl Stack {
    fn open(folder: &Path, hash: Hash) -> Stack {
        let mut stack = Stack::default();
        for _ in 0..TRIES {
            let names = match list(&folder.join(LIST)) {
                Ok(names) => names,
                Err(error) => {
                    stack = Stack::default();
                    stack.skip(LIST, &error);
                    return stack;
                }
            };
            stack = Stack::default();
            let mut gone = false;
            for name in names {
                gone |= stack.add(folder, &name, hash);
            }
            if !gone {
                break;
            }
        }
        stack.tables.reverse();
        stack
    }

    /// Reads one table; whether it is not there.
    fn add(&mut self, folder: &Path, name: &str, hash: Hash) -> bool {
        let read = match name.contains('/') || name.starts_with('.') {
            true => Err(io::Error::other("it is named outside of its folder")),
            false => regular::read(&folder.join(name), LARGEST),
        };
        match read.map(|bytes| Table::parse(bytes, hash)) {
            Ok(Ok(table)) => self.tables.push((name.to_owned(), table)),
            Ok(Err(broken)) => self.broken.push(Skipped::asked(shown(name), SkipReason::Corrupt, broken)),
            Err(error) => {
                self.skip(name, &error);
                return error.kind() == ErrorKind::NotFound;
            }
        }
        false
    }

    fn skip(&mut self, name: &str, error: &io::Error) {
        self.broken.push(Skipped::asked(shown(name), SkipReason::Unreadable, error));
    }

    /// What one name stands for.
    pub fn find(&self, name: &[u8]) -> Option<Target> {
        // A table that is broken is told by who reads all of it.
        let found = self.tables.iter().find_map(|(_, table)| table.find(name).ok().flatten());
        found.and_then(target)
    }

    /// Every ref, and what could not be read.
    pub fn refs(&self) -> (Refs, Vec<Skipped>) {
        let mut known: BTreeMap<Vec<u8>, Option<Target>> = BTreeMap::new();
        let mut broken = self.broken.clone();
        broken.extend(self.each(|table, room| {
            table.refs(&mut |name, value| {
                room.take(name)?;
                known.entry(name.to_vec()).or_insert_with(|| target(value));
                ControlFlow::Continue(())
            })
        }));
        (known.into_iter().filter_map(|(name, target)| Some((name, target?))).collect(), broken)
    }

    /// Every entry of every log that was not taken out, by name, the oldest first; and what is broken in those
    /// tables that could be opened.
    pub fn logs(&self) -> (Vec<Logged>, Vec<Skipped>) {
        let mut entries = BTreeMap::new();
        let broken = self.each(|table, room| {
            table.logs(&mut |entry| {
                room.take(entry.name)?;
                entries.entry((printable(entry.name), u64::MAX - entry.number)).or_insert(entry.change);
                ControlFlow::Continue(())
            })
        });
        let there = |((name, _), change): (_, Option<_>)| change.map(|(old, new)| (name, [old, new]));
        (entries.into_iter().filter_map(there).collect(), broken)
    }

    /// Reads something of each table, the newest first, and gives what could not be read.
    fn each(&self, mut read: impl FnMut(&Table, &mut Room) -> Result<(), Broken>) -> Vec<Skipped> {
        let (mut broken, mut room) = (Vec::new(), Room { left: MOST_NAMES, full: false });
        for (name, table) in &self.tables {
            let result = read(table, &mut room);
            broken.extend(result.err().map(|error| Skipped::asked(shown(name), SkipReason::Corrupt, error)));
            if room.full {
                let why = format!("more than {} MB of names", MOST_NAMES >> 20);
                broken.push(Skipped::asked(shown(name), SkipReason::TooLarge, why));
                break;
            }
        }
        broken
    }
}

/// Bytes of names that may still be held.
struct Room {
    left: usize,
    full: bool,
}

impl Room {
    fn take(&mut self, name: &[u8]) -> ControlFlow<()> {
        match self.left.checked_sub(name.len()) {
            Some(left) => {
                self.left = left;
                ControlFlow::Continue(())
            }
            None => {
                self.full = true;
                ControlFlow::Break(())
            }
        }
    }
}

fn list(path: &Path) -> io::Result<Vec<String>> {
    let text = regular::read(path, LONGEST_LIST)?;
    let names = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    names.map(|name| String::from_utf8(name.to_vec()).map_err(io::Error::other)).collect()
}

fn target(value: Value) -> Option<Target> {
    match value {
        Value::Gone => None,
        Value::Object(id) => Some(Target::Object(id)),
        Value::Symbolic(name) => Some(Target::Name(name)),
    }
}

fn shown(name: &str) -> String {
    printable(format!("{FOLDER}/{name}").as_bytes())
}
