//! Git's object storage written by hand, so that a test has a say in every byte: which object is kept as a delta of which,
//! by which copies, in what order, in how many packs, with which index.
//!
//! The formats: gitformat-pack(5) and gitformat-loose(5) of git 2.47; SHA-1 is FIPS 180-4, section 6.1.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

/// Numbers without rhyme, the same for the same seed (splitmix64).
pub struct Chance(pub u64);

impl Chance {
    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn of<'t, T>(&mut self, things: &'t [T]) -> &'t T {
        &things[self.below(things.len())]
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for end in (1..things.len()).rev() {
            things.swap(end, self.below(end + 1));
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Commit = 1,
    Tree = 2,
    Blob = 3,
    Tag = 4,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Commit => "commit",
            Kind::Tree => "tree",
            Kind::Blob => "blob",
            Kind::Tag => "tag",
        }
    }
}

pub type Id = [u8; 20];

/// A step of a delta.
#[derive(Debug, Clone)]
pub enum Op {
    Copy { at: usize, len: usize },
    Insert(Vec<u8>),
}

pub struct Object {
    pub id: Id,
    pub kind: Kind,
    pub bytes: Vec<u8>,
    /// What it can be kept as a delta of, and how.
    from: Option<(usize, Vec<Op>)>,
}

/// Objects, each once. A base always stands before what is made of it.
#[derive(Default)]
pub struct Objects {
    pub all: Vec<Object>,
    by_id: HashMap<Id, usize>,
}

impl Objects {
    pub fn add(&mut self, kind: Kind, bytes: Vec<u8>) -> usize {
        self.insert(kind, bytes, None)
    }

    /// What `ops` make of the object `base`.
    pub fn derive(&mut self, base: usize, ops: Vec<Op>) -> usize {
        let (kind, source) = (self.all[base].kind, &self.all[base].bytes);
        let mut bytes = Vec::new();
        for op in &ops {
            match op {
                Op::Copy { at, len } => bytes.extend_from_slice(&source[*at..at + len]),
                Op::Insert(new) => bytes.extend_from_slice(new),
            }
        }
        self.insert(kind, bytes, Some((base, ops)))
    }

    /// An object that is `base` with another middle.
    pub fn edit(&mut self, base: usize, bytes: Vec<u8>) -> usize {
        let old = &self.all[base].bytes;
        let head = old.iter().zip(&bytes).take_while(|(a, b)| a == b).count();
        let tail = old[head..].iter().rev().zip(bytes[head..].iter().rev()).take_while(|(a, b)| a == b).count();
        let ops = vec![
            Op::Copy { at: 0, len: head },
            Op::Insert(bytes[head..bytes.len() - tail].to_vec()),
            Op::Copy { at: old.len() - tail, len: tail },
        ];
        self.derive(base, ops)
    }

    fn insert(&mut self, kind: Kind, bytes: Vec<u8>, from: Option<(usize, Vec<Op>)>) -> usize {
        let id = sha1(&[format!("{} {}\0", kind.name(), bytes.len()).as_bytes(), &bytes]);
        *self.by_id.entry(id).or_insert_with(|| {
            self.all.push(Object { id, kind, bytes, from });
            self.all.len() - 1
        })
    }

    pub fn hex(&self, at: usize) -> String {
        hex(&self.all[at].id)
    }

    /// Writes `members` as loose objects below the folder `objects`.
    pub fn write_loose(&self, objects: &Path, members: &[usize]) {
        for &at in members {
            let object = &self.all[at];
            let name = self.hex(at);
            fs::create_dir_all(objects.join(&name[..2])).unwrap();
            let head = format!("{} {}\0", object.kind.name(), object.bytes.len());
            fs::write(objects.join(&name[..2]).join(&name[2..]), deflate(&[head.as_bytes(), &object.bytes], 1))
                .unwrap();
        }
    }

    /// Writes `members` as a pack with its index below the folder `objects`.
    pub fn write_pack(&self, objects: &Path, members: &[usize], chance: &mut Chance) {
        let mut order = members.to_vec();
        chance.shuffle(&mut order);
        let mut pack = b"PACK\0\0\0\x02".to_vec();
        pack.extend_from_slice(&(order.len() as u32).to_be_bytes());
        let mut places: HashMap<usize, usize> = HashMap::new();
        let mut entries = Vec::new();
        for at in order {
            let (object, begin) = (&self.all[at], pack.len());
            let from = object.from.as_ref().filter(|(base, _)| members.contains(base) && !chance.once_in(8));
            let (body, kind) = match from {
                None => (object.bytes.clone(), object.kind as u8),
                Some((base, ops)) => {
                    let near = places.contains_key(base) && !chance.once_in(4);
                    (delta(self.all[*base].bytes.len(), object.bytes.len(), ops, chance), if near { 6 } else { 7 })
                }
            };
            head(&mut pack, kind, body.len());
            match from {
                Some((base, _)) if kind == 6 => offset(&mut pack, begin - places[base]),
                Some((base, _)) => pack.extend_from_slice(&self.all[*base].id),
                None => {}
            }
            pack.extend_from_slice(&deflate(&[&body], chance.below(10) as u32));
            places.insert(at, begin);
            entries.push((object.id, begin, crc32fast::hash(&pack[begin..])));
        }
        let checksum = sha1(&[&pack]);
        pack.extend_from_slice(&checksum);
        entries.sort_unstable();
        let idx = if chance.once_in(4) { idx_1(&entries, &checksum) } else { idx_2(&entries, &checksum, chance) };
        let folder = objects.join("pack");
        fs::create_dir_all(&folder).unwrap();
        let name = format!("pack-{}", hex(&checksum));
        fs::write(folder.join(format!("{name}.pack")), pack).unwrap();
        fs::write(folder.join(format!("{name}.idx")), idx).unwrap();
    }
}

/// The head of a pack's entry: three bits of kind, and the size in groups of bits, the low ones first.
fn head(out: &mut Vec<u8>, kind: u8, size: usize) {
    let (mut byte, mut rest) = (kind << 4 | (size & 15) as u8, size >> 4);
    while rest > 0 {
        out.push(byte | 0x80);
        (byte, rest) = ((rest & 127) as u8, rest >> 7);
    }
    out.push(byte);
}

/// How far back a base lies: groups of 7 bits, the high ones first, each but the last counting from one.
fn offset(out: &mut Vec<u8>, mut back: usize) {
    let mut bytes = vec![(back & 127) as u8];
    while back > 127 {
        back = (back >> 7) - 1;
        bytes.push(0x80 | (back & 127) as u8);
    }
    out.extend(bytes.iter().rev());
}

/// A delta's instructions. Copies are cut as git cuts them (64 KB at most), or into smaller ones, and zeros of their
/// numbers are left out or not; inserts are cut anywhere.
fn delta(base: usize, size: usize, ops: &[Op], chance: &mut Chance) -> Vec<u8> {
    let mut out = Vec::new();
    for mut number in [base, size] {
        while number > 127 {
            out.push(0x80 | (number & 127) as u8);
            number >>= 7;
        }
        out.push(number as u8);
    }
    for op in ops {
        match op {
            Op::Copy { at, len } => {
                let (mut at, mut left) = (*at, *len);
                while left > 0 {
                    let most = if chance.once_in(6) { 1 + chance.below(300) } else { 0x10000 };
                    let len = left.min(most);
                    copy(&mut out, at, len, chance.once_in(5));
                    (at, left) = (at + len, left - len);
                }
            }
            Op::Insert(new) => {
                let mut rest = new.as_slice();
                while !rest.is_empty() {
                    let most = if chance.once_in(6) { 1 + chance.below(127) } else { 127 };
                    let (part, after) = rest.split_at(rest.len().min(most));
                    out.push(part.len() as u8);
                    out.extend_from_slice(part);
                    rest = after;
                }
            }
        }
    }
    out
}

fn copy(out: &mut Vec<u8>, at: usize, len: usize, zeros: bool) {
    let len = if len == 0x10000 { 0 } else { len };
    let bytes = (0..4).map(|n| (at >> (8 * n)) as u8).chain((0..2).map(|n| (len >> (8 * n)) as u8));
    let (mut command, mut numbers) = (0x80, Vec::new());
    for (bit, byte) in (0..).zip(bytes) {
        if byte != 0 || zeros {
            command |= 1 << bit;
            numbers.push(byte);
        }
    }
    out.push(command);
    out.extend(numbers);
}

type Entry = (Id, usize, u32);

fn fan_out(entries: &[Entry]) -> impl Iterator<Item = u8> {
    (0..=255).flat_map(|first| (entries.iter().filter(|(id, ..)| id[0] <= first).count() as u32).to_be_bytes())
}

fn idx_1(entries: &[Entry], pack: &Id) -> Vec<u8> {
    let mut out: Vec<u8> = fan_out(entries).collect();
    for (id, place, _) in entries {
        out.extend((*place as u32).to_be_bytes());
        out.extend(id);
    }
    out.extend(pack);
    let checksum = sha1(&[&out]);
    out.extend(checksum);
    out
}

/// Some offsets are kept among those of 64 bits, as those of a big pack are.
fn idx_2(entries: &[Entry], pack: &Id, chance: &mut Chance) -> Vec<u8> {
    let mut out = b"\xfftOc\0\0\0\x02".to_vec();
    out.extend(fan_out(entries));
    entries.iter().for_each(|(id, ..)| out.extend(id));
    entries.iter().for_each(|(.., crc)| out.extend(crc.to_be_bytes()));
    let often = 1 + chance.below(20);
    let mut large = Vec::new();
    for (_, place, _) in entries {
        if chance.once_in(often) {
            out.extend((0x8000_0000 | large.len() as u32).to_be_bytes());
            large.push(*place as u64);
        } else {
            out.extend((*place as u32).to_be_bytes());
        }
    }
    large.iter().for_each(|place| out.extend(place.to_be_bytes()));
    out.extend(pack);
    let checksum = sha1(&[&out]);
    out.extend(checksum);
    out
}

fn deflate(parts: &[&[u8]], level: u32) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
    parts.iter().for_each(|part| encoder.write_all(part).unwrap());
    encoder.finish().unwrap()
}

pub fn hex(id: &Id) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-1 of the parts one after another.
fn sha1(parts: &[&[u8]]) -> Id {
    let mut text = parts.concat();
    let bits = text.len() as u64 * 8;
    text.push(0x80);
    text.resize(text.len() + (120 - text.len() % 64) % 64, 0);
    text.extend(bits.to_be_bytes());
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in text.chunks_exact(64) {
        let mut words = [0; 80];
        for at in 0..80 {
            words[at] = match at {
                0..16 => u32::from_be_bytes(block[at * 4..at * 4 + 4].try_into().unwrap()),
                _ => (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1),
            };
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.into_iter().enumerate() {
            let (mix, constant) = match at {
                0..20 => (b & c | !b & d, 0x5a82_7999),
                20..40 => (b ^ c ^ d, 0x6ed9_eba1),
                40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
                _ => (b ^ c ^ d, 0xca62_c1d6_u32),
            };
            let next = [a.rotate_left(5), mix, e, constant, word].into_iter().fold(0, u32::wrapping_add);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
        }
        for (old, new) in state.iter_mut().zip([a, b, c, d, e]) {
            *old = old.wrapping_add(new);
        }
    }
    let mut id = [0; 20];
    id.chunks_exact_mut(4).zip(state).for_each(|(four, word)| four.copy_from_slice(&word.to_be_bytes()));
    id
}
