//! The index of a pack that anybody may have written is read or refused; what is read says the same one by one and all
//! together. The first byte says what kind of names it has.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::source::git::id::Hash;
use stanch::source::git::pack::idx::Idx;

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let hash = if kind & 1 == 0 { Hash::Sha1 } else { Hash::Sha256 };
    let Ok(idx) = Idx::open(Box::new(data.to_vec()), hash) else { return };
    let count = idx.count();
    // Each entry takes its name and 4 bytes at the least.
    assert!(count as usize <= data.len() / (hash.width() + 4));
    assert!(idx.pack_checksum().is_some_and(|checksum| checksum.len() == hash.width()));
    let ids: Vec<_> = (0..count).map_while(|position| idx.id(position)).collect();
    // An index whose names are not in their order or place finds fewer of them.
    for id in &ids {
        if let Some(found) = idx.position(id) {
            assert_eq!(ids[found as usize], *id);
        }
    }
    if let Some(spots) = idx.spots() {
        assert_eq!(spots.len(), count as usize);
        for (position, spot) in (0..).zip(spots) {
            // One that lies nowhere has no spot alone, and one that no pack reaches among the others.
            let nowhere = (spot.offset == u64::MAX).then_some(None);
            assert!([Some(Some(spot)), nowhere].contains(&Some(idx.spot(position))));
        }
    }
    assert_eq!((idx.id(count), idx.spot(count)), (None, None));
});
