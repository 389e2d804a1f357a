//! A commit-graph that anybody may have written is used or not; looking up any commit in it ends. The first byte says
//! what kind of names it has, and where a chain is cut into two files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stanch::source::git::commit_graph::CommitGraph;
use stanch::source::git::id::{Hash, Id};

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let hash = if kind & 1 == 0 { Hash::Sha1 } else { Hash::Sha256 };
    let (lower, upper) = data.split_at(data.len() * usize::from(kind >> 1) / 127);
    let files = [lower, upper].into_iter().filter(|file| !file.is_empty()).map(<[u8]>::to_vec).collect();
    let Some(graph) = CommitGraph::parse(files, hash) else { return };
    // Wherever names stand, these are they.
    for bytes in data.windows(hash.width()).step_by(4).take(500) {
        let Some(known) = Id::new(bytes).and_then(|id| graph.find(&id)) else { continue };
        assert!(!graph.is_empty());
        assert!(known.parents.len() <= 1 + data.len() / 4 && known.time >= 0);
        assert!(known.parents.iter().all(|parent| parent.hash() == hash));
    }
});
