//! An index that anybody may have written is read or refused. What is read stands in order, names the bytes it was read
//! from, is the same at a second walk, and its cache-tree is a tree. The first byte says what kind of names it has and
//! where the file below a split index begins.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::source::git::id::Hash;
use stanch::source::git::index::{Index, Node};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let hash = if kind & 1 == 0 { Hash::Sha1 } else { Hash::Sha256 };
    let (upper, below) = data.split_at(data.len() * usize::from(kind >> 1) / 127);
    let (upper, below) = if below.is_empty() || kind >> 1 == 0 { (data, upper) } else { (upper, below) };
    let mut shared = |_: &_| Ok(below.to_vec());
    let Ok(index) = Index::parse(upper.to_vec(), hash, &mut shared) else { return };
    let (mut entries, mut count) = (index.entries(), 0usize);
    let mut last: Option<(Vec<u8>, u8)> = None;
    while let Some(entry) = entries.current() {
        assert_eq!(entries.path(), Some(entry.path));
        assert_eq!(entry.id.hash(), hash);
        assert!(!entry.path.is_empty() && entry.stage < 4);
        assert!(last.as_ref().is_none_or(|(path, stage)| (path.as_slice(), *stage) < (entry.path, entry.stage)));
        last = Some((entry.path.to_vec(), entry.stage));
        entries.advance();
        count += 1;
    }
    // Each entry takes 62 bytes at the least.
    assert!(count <= (upper.len() + below.len()) / 62);
    let mut passing = index.entries();
    passing.pass(count.saturating_sub(1) as u32);
    assert_eq!(passing.path(), last.as_ref().map(|(path, _)| path.as_slice()));
    if let Some(top) = index.tree().and_then(|tree| tree.top()) {
        look(&top);
    }
});

fn look(node: &Node<'_>) {
    assert_eq!(node.id().is_some(), node.entries().is_some());
    for name in [&b"a"[..], b"src", b""] {
        if let Some(inner) = node.inner(name) {
            assert_eq!(inner.id().is_some(), inner.entries().is_some());
        }
    }
}
