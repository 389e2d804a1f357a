//! Blobs of a history that are too big to be swept in one piece: read as a stream, found as any other, in bounded memory.

use crate::world::{World, alnum, token};

/// More than is swept in one piece.
const BIG: usize = 33 << 20;
/// Bytes that a part owns.
const PART: usize = 2 << 20;

/// Lines of nothing, with tokens where parts meet.
fn text(tokens: &[String]) -> Vec<u8> {
    let mut bytes = b"nothing to be seen on this line\n".repeat(BIG / 32);
    for (at, token) in tokens.iter().enumerate() {
        let line = format!("\nkey: {token}\n");
        let place = (at + 1) * 3 * PART - 20;
        bytes[place..place + line.len()].copy_from_slice(line.as_bytes());
    }
    bytes
}

/// What a scan of the history says, without its times.
fn told(world: &World, more: &[&str]) -> String {
    let ended = world.stanch(&[&["history", "--format", "json", "--explain"], more].concat());
    let lines = ended.stdout.lines().filter(|line| !line.contains("\"at\":") && !line.contains("elapsed"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_big_blob_is_read_part_by_part() {
    let world = World::repository();
    let tokens: Vec<String> = (0..4).map(|seed| token(70 + seed)).collect();
    world.write("big.txt", text(&tokens));
    world.git(&["add", "big.txt"]);
    world.commit("Add it");
    for pack in [false, true] {
        if pack {
            world.git(&["-c", "core.bigFileThreshold=1m", "repack", "-adfq"]);
        }
        let plain = told(&world, &["--engine", "full"]);
        assert_eq!(plain.matches("\"fingerprint\"").count(), tokens.len());
        for threads in ["1", "7"] {
            assert_eq!(told(&world, &["--threads", threads]), plain, "packed: {pack}, threads: {threads}");
        }
    }
}

#[test]
fn a_file_of_an_object_that_was_cut_short_is_told() {
    let world = World::repository();
    let alone = alnum(75, 100_000).into_bytes();
    for (name, bytes) in [("small.txt", alone[..200].to_vec()), ("middle.txt", alone), ("big.txt", text(&[token(74)]))]
    {
        world.write(name, bytes);
        world.git(&["add", name]);
        world.commit("Add it");
        let id = world.git(&["rev-parse", &format!("HEAD:{name}")]);
        let (folder, file) = id.trim().split_at(2);
        let path = world.path(&format!(".git/objects/{folder}/{file}"));
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        for engine in ["delta", "full"] {
            let ended = world.stanch(&["history", "--engine", engine]);
            let told = ended.stdout + &ended.stderr;
            assert!(ended.code == 3 && told.contains(name) && told.contains("corrupt"), "{}: {told}", ended.code);
        }
    }
}
