//! A pack that anybody may have written: a walk sees or tells of every object once, the same for any number of threads,
//! and what it sees is what is read by name. The input is a list of entries: one byte of flags, one of the length of the
//! head as it stands in the pack, two of that of the body, which is put into a stored zlib block unless a flag says that it
//! is packed already. Index and checksums are made to fit, or else no input would come further than those.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rayon::{ThreadPool, ThreadPoolBuilder};
use stanch::source::git::id::{Hash, Id};
use stanch::source::git::pack::{Kind, Run, Seen, Store, Visitor};
use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

/// Entries of an input that are read: more says nothing new.
const MOST: usize = 40;

/// This very thread, and three others: to hand work to those takes longer than most inputs take.
static POOLS: LazyLock<[ThreadPool; 2]> = LazyLock::new(|| {
    let builder = || ThreadPoolBuilder::new();
    [builder().num_threads(1).use_current_thread().build().unwrap(), builder().num_threads(3).build().unwrap()]
});

fuzz_target!(|data: &[u8]| {
    let (pack, idx) = written(data);
    let store = Store::of_memory(vec![(pack, idx)], Hash::Sha1);
    assert!(store.problems().is_empty());
    let all = [Kind::Commit, Kind::Tree, Kind::Blob, Kind::Tag];
    let mut last: Option<BTreeMap<u32, (Kind, Vec<u8>)>> = None;
    let pools = if data.len() % 16 == 0 { 2 } else { 1 };
    for (pool, memory) in POOLS.iter().zip([1 << 20, 0]).take(pools) {
        let collect = Collect(Mutex::default());
        let walked = pool.install(|| store.walk(&all, memory, &collect));
        let seen = collect.0.into_inner().unwrap();
        assert_eq!(walked.objects, seen.len() as u64);
        assert!(walked.problems.is_sorted_by_key(|(number, _)| *number));
        assert!(walked.problems.iter().all(|(number, _)| !seen.contains_key(number)));
        assert_eq!(walked.problems.len() + seen.len(), store.count() as usize);
        if let Some(last) = &last {
            assert_eq!(*last, seen);
        }
        last = Some(seen);
    }
    for (number, (kind, bytes)) in last.unwrap_or_default() {
        let id = store.id(number);
        assert_eq!(store.number(&id), Some(number));
        if let Ok(read) = store.read(&id) {
            assert_eq!((read.kind, read.bytes), (kind, bytes));
        }
    }
});

struct Collect(Mutex<BTreeMap<u32, (Kind, Vec<u8>)>>);

impl Visitor for Collect {
    type State = Vec<u8>;

    fn whole(&self, object: &Seen<'_>) -> Vec<u8> {
        let twice = self.0.lock().unwrap().insert(object.number, (object.kind, object.bytes.to_vec()));
        assert!(!object.first || twice.is_none());
        object.bytes.to_vec()
    }

    fn delta(&self, object: &Seen<'_>, base: &Vec<u8>, base_len: usize, runs: &[Run]) -> Vec<u8> {
        assert_eq!(base.len(), base_len);
        for run in runs {
            assert_eq!(base[run.base..run.base + run.len], object.bytes[run.at..run.at + run.len]);
        }
        self.whole(object)
    }
}

/// A pack of the entries of the input, and its index. Names are numbers, so that an entry can name its base.
fn written(mut data: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut pack = b"PACK\0\0\0\x02\0\0\0\0".to_vec();
    let mut places = Vec::new();
    while let [flags, head, low, high, rest @ ..] = data {
        if places.len() == MOST {
            break;
        }
        let (head, rest) = rest.split_at(usize::from(*head & 63).min(rest.len()));
        let (body, rest) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(rest.len()));
        data = rest;
        let place = pack.len();
        pack.extend_from_slice(head);
        match flags & 1 {
            0 => pack.extend(stored(body)),
            _ => pack.extend_from_slice(body),
        }
        places.push((place as u32, crc32fast::hash(&pack[place..])));
    }
    pack.extend([7; 20]);
    let count = places.len() as u32;
    let mut idx = b"\xfftOc\0\0\0\x02".to_vec();
    idx.extend([count; 256].iter().flat_map(|end| end.to_be_bytes()));
    (0..count).for_each(|number| idx.extend_from_slice(name(number).as_bytes()));
    places.iter().for_each(|(_, crc)| idx.extend(crc.to_be_bytes()));
    places.iter().for_each(|(place, _)| idx.extend(place.to_be_bytes()));
    idx.extend([7; 40]);
    (pack, idx)
}

fn name(number: u32) -> Id {
    let mut name = [0; 20];
    name[19] = number as u8 + 1;
    Id::new(&name).unwrap()
}

/// RFC 1950 around one stored block of RFC 1951, section 3.2.4.
fn stored(body: &[u8]) -> Vec<u8> {
    let len = body.len() as u16;
    let (mut a, mut b) = (1u32, 0u32);
    for byte in body {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    let mut out = vec![0x78, 1, 1];
    out.extend(len.to_le_bytes());
    out.extend((!len).to_le_bytes());
    out.extend_from_slice(body);
    out.extend((b << 16 | a).to_be_bytes());
    out
}
