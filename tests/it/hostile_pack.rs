//! Packs that nobody's git makes, byte by byte: whatever they say, what is broken is told, the rest is read, and it ends.

use flate2::Compression;
use flate2::write::ZlibEncoder;
use stanch::source::SkipReason;
use stanch::source::git::id::{Hash, Id};
use stanch::source::git::pack::{Kind, LARGEST, Run, Seen, Store, Visitor};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;

const ALL: [Kind; 4] = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];
const BLOB: u8 = 3;

/// An entry: its name, and its bytes from the head on.
type Raw = (Id, Vec<u8>);

/// The name of so many.
fn id(number: u32) -> Id {
    Id::new(&[&number.to_be_bytes()[..], &[7; 16]].concat()).unwrap()
}

/// A type and a size, as an entry begins.
fn head(kind: u8, mut size: u64) -> Vec<u8> {
    let mut head = vec![kind << 4 | (size & 15) as u8];
    size >>= 4;
    while size > 0 {
        *head.last_mut().unwrap() |= 0x80;
        head.push((size & 0x7f) as u8);
        size >>= 7;
    }
    head
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn blob(number: u32, bytes: &[u8]) -> Raw {
    (id(number), [head(BLOB, bytes.len() as u64), zlib(bytes)].concat())
}

/// A delta to the object of a name.
fn named(number: u32, base: Id, delta: &[u8]) -> Raw {
    (id(number), [head(7, delta.len() as u64), base.as_bytes().to_vec(), zlib(delta)].concat())
}

/// A delta's sizes.
fn sizes(from: u64, to: u64) -> Vec<u8> {
    let mut out = Vec::new();
    for mut size in [from, to] {
        while size >= 0x80 {
            out.push((size & 0x7f) as u8 | 0x80);
            size >>= 7;
        }
        out.push(size as u8);
    }
    out
}

/// A pack of these entries, and an index of version 1, which has no checksums of entries.
fn pack(entries: &[Raw]) -> (Vec<u8>, Vec<u8>) {
    let mut pack = [&b"PACK\0\0\0\x02"[..], &(entries.len() as u32).to_be_bytes()].concat();
    let mut rows = BTreeMap::new();
    for (id, bytes) in entries {
        rows.insert(*id, pack.len() as u32);
        pack.extend_from_slice(bytes);
    }
    pack.extend_from_slice(&[0; 20]);
    (pack, index(&rows))
}

fn index(rows: &BTreeMap<Id, u32>) -> Vec<u8> {
    let below = |byte: u8| rows.keys().filter(|id| id.as_bytes()[0] <= byte).count() as u32;
    let mut idx: Vec<u8> = (0..=255).flat_map(|byte| below(byte).to_be_bytes()).collect();
    for (id, offset) in rows {
        idx.extend_from_slice(&offset.to_be_bytes());
        idx.extend_from_slice(id.as_bytes());
    }
    idx.extend_from_slice(&[0; 40]);
    idx
}

struct Collect(Mutex<BTreeMap<u32, Vec<u8>>>);

impl Visitor for Collect {
    type State = ();

    fn whole(&self, object: &Seen<'_>) {
        if object.first {
            self.0.lock().unwrap().insert(object.number, object.bytes.to_vec());
        }
    }

    fn delta(&self, object: &Seen<'_>, (): &(), _: usize, _: &[Run]) {
        self.whole(object);
    }
}

/// What is read of these packs, and why the others are not. Reading by name says the same.
fn read(packs: &[&[Raw]]) -> (BTreeMap<Id, Vec<u8>>, BTreeMap<Id, SkipReason>) {
    let store = Store::of_memory(packs.iter().map(|entries| pack(entries)).collect(), Hash::Sha1);
    assert_eq!(store.problems(), []);
    let collect = Collect(Mutex::default());
    let walked = store.walk(&ALL, 1 << 20, &collect);
    let seen = collect.0.into_inner().unwrap();
    let seen: BTreeMap<Id, Vec<u8>> = seen.into_iter().map(|(number, bytes)| (store.id(number), bytes)).collect();
    for (id, bytes) in &seen {
        assert!(store.read(id).is_ok_and(|object| object.bytes == *bytes), "{id}");
    }
    for (number, absent) in &walked.problems {
        let id = store.id(*number);
        assert!(!seen.contains_key(&id) && store.read(&id).is_err(), "{id}: {absent:?}");
    }
    (seen, walked.problems.into_iter().map(|(number, absent)| (store.id(number), absent.why)).collect())
}

#[test]
fn sizes_that_lie_are_told_and_not_believed() {
    let bytes = [5; 1000];
    let (seen, told) = read(&[&[
        blob(1, b"good"),
        (id(2), [head(BLOB, 400 << 20), zlib(&bytes)].concat()),
        (id(3), [head(BLOB, 999), zlib(&bytes)].concat()),
        (id(4), [head(BLOB, 1001), zlib(&bytes)].concat()),
        (id(5), [head(BLOB, LARGEST as u64 + 1), zlib(&bytes)].concat()),
        (id(6), [head(BLOB, u64::MAX), zlib(&bytes)].concat()),
        (id(7), [head(5, 4), zlib(b"what")].concat()),
        (id(8), [head(BLOB, 1000), zlib(&bytes)[..10].to_vec()].concat()),
        (id(9), vec![0xff; 30]),
        named(10, id(1), &[sizes(4, LARGEST as u64 + 1), vec![0x90, 4]].concat()),
    ]]);
    assert_eq!(seen, BTreeMap::from([(id(1), b"good".to_vec())]));
    let large: Vec<Id> = told.iter().filter(|(_, why)| **why == SkipReason::TooLarge).map(|(id, _)| *id).collect();
    assert_eq!((large, told.len()), (vec![id(5), id(6), id(10)], 9));
}

#[test]
fn deltas_that_lie_are_told() {
    let base = [b'x'; 100];
    let delta = |number, ops: &[u8], from, to| named(number, id(1), &[&sizes(from, to), ops].concat());
    let (seen, told) = read(&[&[
        blob(1, &base),
        delta(2, &[0x90, 100], 100, 100),
        delta(3, &[0x91, 1, 100], 100, 100),
        delta(4, &[0x80], 100, 100),
        delta(5, &[0x90, 100], 101, 100),
        delta(6, &[0x90, 100], 100, 101),
        delta(7, &[0x90, 100], 100, 99),
        delta(8, &[0], 100, 100),
        delta(9, &[3, 1, 2], 100, 3),
        delta(10, &[0xff, 255, 255], 100, 100),
        delta(11, &[2, b'a', b'b', 0x90, 98], 100, 100),
        named(12, id(1), &[0xff; 20]),
        named(13, id(1), &[]),
    ]]);
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [id(1), id(2), id(11)]);
    assert_eq!(seen[&id(11)], [&b"ab"[..], &base[..98]].concat());
    assert!(told.len() == 10 && told.values().all(|why| *why == SkipReason::Corrupt));
}

#[test]
fn circles_and_what_rests_on_nothing_are_told() {
    let copy = [sizes(1, 1), vec![0x90, 1]].concat();
    let (seen, told) = read(&[&[
        blob(1, b"a"),
        named(2, id(3), &copy),
        named(3, id(2), &copy),
        named(4, id(4), &copy),
        named(5, id(99), &copy),
        named(6, id(5), &copy),
        // Behind its base by nothing, and by more than there is.
        (id(7), [head(6, 4), vec![0], zlib(&copy)].concat()),
        (id(8), [head(6, 4), vec![0xff, 0x7f], zlib(&copy)].concat()),
        named(9, id(10), &copy),
        named(10, id(1), &copy),
    ]]);
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [id(1), id(9), id(10)]);
    assert_eq!((told.len(), told[&id(5)]), (7, SkipReason::Missing));
}

#[test]
fn a_long_chain_is_gone_down_without_a_stack() {
    let mut entries = vec![blob(0, &[b'x'; 200])];
    for number in 1..15_000u32 {
        let delta = [sizes(200, 200), vec![0x90, 196, 4], number.to_be_bytes().to_vec()].concat();
        entries.push(named(number, id(number - 1), &delta));
    }
    entries.reverse();
    let (seen, told) = read(&[&entries]);
    assert_eq!((seen.len(), told.len()), (15_000, 0));
    assert_eq!(seen[&id(14_999)][196..], 14_999u32.to_be_bytes());
}

#[test]
fn a_base_may_lie_in_another_pack_and_an_object_in_two() {
    let copy = [sizes(4, 4), vec![0x90, 4]].concat();
    let hash = |bytes| git2::Oid::hash_object(git2::ObjectType::Blob, bytes).unwrap();
    let [name, other] = [&b"good"[..], b"goo"].map(|bytes| Id::new(hash(bytes).as_bytes()).unwrap());
    let broken = (name, [head(BLOB, 5), zlib(b"good")].concat());
    let (good, on_it) = ((name, blob(0, b"good").1), named(0, name, &[sizes(4, 3), vec![0x90, 3]].concat()).1);
    let (seen, told) = read(&[&[named(3, id(2), &copy), broken], &[blob(2, b"base"), good, (other, on_it)]]);
    assert_eq!(told, BTreeMap::new());
    assert_eq!((&*seen[&name], &*seen[&other], &*seen[&id(3)]), (&b"good"[..], &b"goo"[..], &b"base"[..]));
}

#[test]
fn an_index_that_lies_is_told() {
    let entries = [blob(1, b"one"), blob(2, b"two")];
    let (pack, idx) = pack(&entries);
    let open = |idx: Vec<u8>| Store::of_memory(vec![(pack.clone(), idx)], Hash::Sha1);
    for cut in [0, 4, 1023, 1024, idx.len() - 1] {
        assert_eq!(open(idx[..cut].to_vec()).problems().len(), 1, "{cut}");
    }
    let mut falling = idx.clone();
    falling[3] = 9;
    assert_eq!(open(falling).problems().len(), 1);
    // Both names at one entry, one far away.
    for offset in [12, u32::MAX] {
        let store = open(index(&BTreeMap::from([(id(1), 12), (id(2), offset)])));
        let walked = store.walk(&ALL, 0, &Collect(Mutex::default()));
        assert_eq!((walked.objects, walked.problems.len()), (1, 1));
    }
}
