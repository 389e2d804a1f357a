//! One object by its name: its chain of deltas is followed down to a whole object (or one that was kept), then built up.
//!
//! `git repack` and `git gc` may run meanwhile. Descriptors that are open keep their packs; an object that is not found is
//! looked for once more after the pack folders were listed again.

use super::entry::{self, Base, Entry};
use super::inflate::{Inflater, begin};
use super::{Absent, Kind, LARGEST, Object, Pack, Store, delta, folders, loose};
use crate::source::SkipReason;
use crate::source::git::id::{Hash, Id};
use sha2::Digest as _;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// Deltas on deltas are followed so far. Git makes chains of 4095 at most.
const LONGEST_CHAIN: usize = 20_000;
/// Bytes of objects kept as bases.
const KEPT: usize = 32 << 20;
/// Bytes of the biggest object that is kept.
const KEPT_ONE: usize = 2 << 20;
/// A folder that changed so lately may change again without showing it in its time.
const RACY: Duration = Duration::from_secs(2);

thread_local! {
    static INFLATER: RefCell<Inflater> = RefCell::new(Inflater::new());
}

impl Store {
    /// Whether the object is here.
    pub fn has(&self, id: &Id) -> bool {
        let here = |store: &Store| {
            store.copies(id).next().is_some() || store.folders.iter().any(|folder| loose::path(folder, id).is_file())
        };
        here(self) || (self.look_again() && here(self))
    }

    /// Whether this `objects` folder has the object itself.
    pub fn lies_in(&self, id: &Id, folder: &Path) -> bool {
        loose::path(folder, id).is_file() || self.copies(id).any(|(pack, _)| pack.path.starts_with(folder))
    }

    /// What kind of object it is and its size in bytes, without inflating all of it.
    pub fn header(&self, id: &Id) -> Result<(Kind, u64), Absent> {
        let from_pack = |pack: &Arc<Pack>, offset| self.packed_header(pack, offset);
        self.first_good(id, from_pack, loose::header)
    }

    /// The object. What is bigger than [`LARGEST`] is not read.
    pub fn read(&self, id: &Id) -> Result<Object, Absent> {
        let from_pack = |pack: &Arc<Pack>, offset| {
            let (kind, bytes) = self.build(pack, offset)?;
            Ok(Object { kind, bytes: Arc::unwrap_or_clone(bytes) })
        };
        self.first_good(id, from_pack, |path| INFLATER.with_borrow_mut(|inflater| loose::object(path, inflater)))
    }

    /// The first copy that can be read; without one, what is wrong with the first.
    pub(super) fn first_good<T>(
        &self,
        id: &Id,
        packed: impl Fn(&Arc<Pack>, u64) -> Result<T, Absent>,
        loose: impl Fn(&Path) -> Result<Option<T>, Absent>,
    ) -> Result<T, Absent> {
        let mut wrong = None;
        loop {
            for (pack, offset) in self.copies(id) {
                match packed(&pack, offset) {
                    Ok(good) => return Ok(good),
                    Err(absent) => wrong = wrong.or(Some(absent)),
                }
            }
            for folder in &self.folders {
                match loose(&loose::path(folder, id)) {
                    Ok(Some(good)) => return Ok(good),
                    Ok(None) => {}
                    Err(absent) => wrong = wrong.or(Some(absent)),
                }
            }
            if !self.look_again() {
                return Err(wrong.unwrap_or_else(Absent::missing));
            }
        }
    }

    /// Every place where a pack has the object.
    fn copies<'s>(&'s self, id: &'s Id) -> impl Iterator<Item = (Arc<Pack>, u64)> + 's {
        let late = std::iter::once_with(|| self.late.packs()).flatten();
        let place = move |pack: Arc<Pack>| {
            let offset = pack.idx.spot(pack.idx.position(id)?)?.offset;
            Some((pack, offset))
        };
        let named = self.named(id).and_then(|at| self.packs.get(at)).into_iter();
        named.chain(&self.packs).cloned().chain(late).filter_map(place)
    }

    /// Lists the pack folders again; whether there was anything new.
    fn look_again(&self) -> bool {
        self.late.look(&self.folders, self)
    }

    /// The packs that came after the store was opened.
    pub(super) fn look_again_for_all(&self) -> Vec<Arc<Pack>> {
        self.look_again();
        self.late.packs()
    }

    fn packed_header(&self, pack: &Arc<Pack>, offset: u64) -> Result<(Kind, u64), Absent> {
        let entry = pack.entry(offset)?;
        if let Base::Whole(kind) = entry.base {
            return Ok((kind, entry.size));
        }
        let packed = pack.packed(offset + entry.head as u64, 512);
        let begin = begin(&packed, 20);
        let (_, size, _) = delta::sizes(&begin).ok_or_else(|| Absent::corrupt("its delta has no sizes"))?;
        let (mut here, mut at) = (Arc::clone(pack), offset);
        for _ in 0..LONGEST_CHAIN {
            match self.below(&here, at, here.entry(at)?.base)? {
                Below::Whole(kind) => return Ok((kind, size)),
                Below::Packed(pack, offset) => (here, at) = (pack, offset),
                Below::Loose(path) => {
                    let (kind, _) = loose::header(&path)?.ok_or_else(Absent::missing)?;
                    return Ok((kind, size));
                }
            }
        }
        Err(Absent::corrupt("its chain of deltas does not end"))
    }

    /// The object of the entry that begins at `offset`.
    pub(super) fn build(&self, pack: &Arc<Pack>, offset: u64) -> Result<(Kind, Arc<Vec<u8>>), Absent> {
        let (mut here, mut at) = (Arc::clone(pack), offset);
        let mut chain = Vec::new();
        let (kind, mut object) = loop {
            if let Some(kept) = self.cache.get(&here, at) {
                break kept;
            }
            let entry = here.entry(at)?;
            match self.below(&here, at, entry.base)? {
                Below::Whole(kind) => {
                    let object = Arc::new(here.inflate(at, &entry)?);
                    self.cache.keep(&here, at, kind, &object);
                    break (kind, object);
                }
                Below::Packed(pack, offset) => {
                    chain.push((here, at, entry));
                    (here, at) = (pack, offset);
                }
                Below::Loose(path) => {
                    chain.push((here, at, entry));
                    let object = INFLATER.with_borrow_mut(|inflater| loose::object(&path, inflater))?;
                    let Object { kind, bytes } = object.ok_or_else(Absent::missing)?;
                    break (kind, Arc::new(bytes));
                }
            }
            if chain.len() > LONGEST_CHAIN {
                return Err(Absent::corrupt("its chain of deltas does not end"));
            }
        };
        for (here, at, entry) in chain.into_iter().rev() {
            let (mut out, mut runs) = (Vec::new(), Vec::new());
            let delta = here.inflate(at, &entry)?;
            delta::apply(&object, &delta, &mut out, &mut runs)?;
            object = Arc::new(out);
            self.cache.keep(&here, at, kind, &object);
        }
        Ok((kind, object))
    }

    /// What the entry at `at` rests on.
    fn below(&self, pack: &Arc<Pack>, at: u64, base: Base) -> Result<Below, Absent> {
        match base {
            Base::Whole(kind) => Ok(Below::Whole(kind)),
            Base::Back(distance) => {
                let offset = at.checked_sub(distance).filter(|_| distance > 0);
                let offset = offset.ok_or_else(|| Absent::corrupt("its delta's base lies before the pack"))?;
                Ok(Below::Packed(Arc::clone(pack), offset))
            }
            Base::Named(id) => {
                let own = pack.idx.position(&id).and_then(|position| pack.idx.spot(position));
                let own = own.map(|spot| (Arc::clone(pack), spot.offset));
                if let Some((pack, offset)) = own.or_else(|| self.copies(&id).next()) {
                    return Ok(Below::Packed(pack, offset));
                }
                let paths = self.folders.iter().map(|folder| loose::path(folder, &id));
                paths.filter(|path| path.is_file()).map(Below::Loose).next().ok_or_else(|| no_base(&id))
            }
        }
    }
}

/// What an entry rests on.
enum Below {
    Whole(Kind),
    Packed(Arc<Pack>, u64),
    Loose(PathBuf),
}

pub(super) fn no_base(id: &Id) -> Absent {
    Absent { why: SkipReason::Missing, detail: format!("its delta's base {id} is not among the objects here") }
}

impl Pack {
    /// The head of the entry at `offset`.
    fn entry(&self, offset: u64) -> Result<Entry, Absent> {
        let head = self.packed(offset, entry::LONGEST);
        let entry = Entry::parse(&head, self.idx.hash()).filter(|_| offset >= 12);
        let entry = entry.ok_or_else(|| Absent::corrupt("no entry begins there"))?;
        if entry.size > LARGEST as u64 { Err(Absent::too_large(entry.size)) } else { Ok(entry) }
    }

    /// At most `most` bytes from `at` on.
    fn packed(&self, at: u64, most: usize) -> Vec<u8> {
        let room = usize::try_from(self.end.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut packed = vec![0; most.min(room)];
        let count = self.bytes.fill(at, &mut packed).unwrap_or(0);
        packed.truncate(count);
        packed
    }

    /// What the entry at `offset` has packed.
    fn inflate(&self, offset: u64, entry: &Entry) -> Result<Vec<u8>, Absent> {
        let size = usize::try_from(entry.size).map_err(|_| Absent::too_large(entry.size))?;
        // Deflate at its worst is longer than what it packs; only by design by more than this.
        let mut done = Err("");
        for most in [size + size / 8 + 128, 4 * size + 0x1_0000] {
            let packed = self.packed(offset + entry.head as u64, most);
            let mut out = Vec::new();
            done = INFLATER.with_borrow_mut(|inflater| inflater.whole(&packed, size, &mut out)).map(|()| out);
            if done.is_ok() || packed.len() < most {
                break;
            }
        }
        done.map_err(Absent::corrupt)
    }
}

/// Objects that were built lately, by pack and offset: most are the base of one that is read next. The oldest goes first.
#[derive(Default)]
pub(super) struct Cache(Mutex<Kept>);

/// A pack, by where it lies in memory, and an offset in it.
type Place = (usize, u64);

#[derive(Default)]
struct Kept {
    objects: HashMap<Place, (Kind, Arc<Vec<u8>>)>,
    order: VecDeque<Place>,
    bytes: usize,
}

impl Cache {
    fn get(&self, pack: &Arc<Pack>, offset: u64) -> Option<(Kind, Arc<Vec<u8>>)> {
        locked(&self.0).objects.get(&(Arc::as_ptr(pack).addr(), offset)).cloned()
    }

    fn keep(&self, pack: &Arc<Pack>, offset: u64, kind: Kind, object: &Arc<Vec<u8>>) {
        if object.len() > KEPT_ONE {
            return;
        }
        let key = (Arc::as_ptr(pack).addr(), offset);
        let mut kept = locked(&self.0);
        if kept.objects.insert(key, (kind, Arc::clone(object))).is_none() {
            kept.order.push_back(key);
            kept.bytes += object.len();
        }
        while kept.bytes > KEPT {
            let Some(oldest) = kept.order.pop_front() else { break };
            let gone = kept.objects.remove(&oldest).map_or(0, |(_, object)| object.len());
            kept.bytes = kept.bytes.saturating_sub(gone);
        }
    }
}

/// Packs that came after the store was opened.
#[derive(Default)]
pub(super) struct Late(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// When each pack folder had changed last; `None`: not to be relied on.
    changed: Vec<Option<SystemTime>>,
    packs: Vec<Arc<Pack>>,
}

impl Late {
    /// Remembers how the pack folders are now, before they are listed.
    pub fn of(folders: &[PathBuf]) -> Late {
        Late(Mutex::new(Seen { changed: changed(folders), packs: Vec::new() }))
    }

    fn packs(&self) -> Vec<Arc<Pack>> {
        locked(&self.0).packs.clone()
    }

    fn look(&self, folders: &[PathBuf], store: &Store) -> bool {
        let mut seen = locked(&self.0);
        let now = changed(folders);
        if now == seen.changed && now.iter().all(Option::is_some) {
            return false;
        }
        seen.changed = now;
        let before = seen.packs.len();
        for folder in folders {
            for name in folders::packs(folder) {
                let path = folder.join("pack").join(&name);
                if store.packs.iter().chain(&seen.packs).any(|pack| pack.path == path) {
                    continue;
                }
                if let Ok(Some(pack)) = folders::pack(folder, &name, store.hash) {
                    seen.packs.push(Arc::new(pack));
                }
            }
        }
        seen.packs.len() > before
    }
}

/// When each pack folder was changed last, unless that was just now. A folder that is not there was changed at the epoch.
fn changed(folders: &[PathBuf]) -> Vec<Option<SystemTime>> {
    let one = |folder: &PathBuf| {
        let Ok(about) = std::fs::metadata(folder.join("pack")) else { return Some(SystemTime::UNIX_EPOCH) };
        let changed = about.modified().ok()?;
        (SystemTime::now().duration_since(changed).ok()? > RACY).then_some(changed)
    };
    folders.iter().map(one).collect()
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The one object whose name begins with these digits.
pub(super) fn by_prefix(store: &Store, digits: &str) -> Option<Id> {
    let known = |digit: char| digit.is_ascii_digit() || ('a'..='f').contains(&digit);
    let digits = digits.to_ascii_lowercase();
    if digits.len() < 4 || !digits.chars().all(known) {
        return None;
    }
    let width = 2 * store.hash.width();
    let least: Id = format!("{digits:0<width$}").parse().ok()?;
    let fits = |id: &Id| id.to_string().starts_with(&digits);
    let mut found: Vec<Id> = Vec::new();
    for pack in store.packs.iter().cloned().chain(store.late.packs()) {
        let first = pack.idx.below(least.as_bytes())?;
        found.extend((first..pack.idx.count()).map_while(|at| pack.idx.id(at).filter(fits)).take(2));
    }
    let first = *least.as_bytes().first()?;
    for folder in &store.folders {
        found.extend(loose::list_below(folder, store.hash, first).filter(fits));
    }
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

/// Whether `id` is the name of an object.
pub(super) fn names(id: &Id, object: &Object) -> bool {
    let kind = object.kind.name();
    match id.hash() {
        Hash::Sha1 => {
            let kind = git2::ObjectType::from_str(kind).unwrap_or(git2::ObjectType::Any);
            git2::Oid::hash_object(kind, &object.bytes).is_ok_and(|made| made.as_bytes() == id.as_bytes())
        }
        Hash::Sha256 => {
            let mut made = sha2::Sha256::new();
            made.update(format!("{kind} {}\0", object.bytes.len()));
            made.update(&object.bytes);
            made.finalize().as_slice() == id.as_bytes()
        }
    }
}
