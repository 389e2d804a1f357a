//! Archives, packed streams and what lies in them: everything is found where it lies, what is not read is told.

use crate::packed::{How, bzip2, gzip, seven, tar, tar_member, xz, zip, zstd};
use crate::world::{Ended, World, token};
use proptest::prelude::*;
use sevenz_rust2::EncoderMethod;
use stanch::source::Item;
use stanch::source::archive::{self, Limits};
use std::collections::BTreeSet;

/// A line with a secret of its own.
fn line(seed: u64) -> Vec<u8> {
    format!("first line\nkey = {}\n", token(seed)).into_bytes()
}

/// Where secrets were found, each at its line and column.
fn places(ended: &Ended) -> BTreeSet<String> {
    let report = ended.json();
    let occurrences =
        report["findings"].as_array().unwrap().iter().flat_map(|one| one["occurrences"].as_array().unwrap());
    let place = |one: &serde_json::Value| {
        format!("{}:{}:{}", one["path"].as_str().unwrap(), one["start"]["line"], one["start"]["column"])
    };
    occurrences.map(place).collect()
}

/// What was not read: `what: why`.
fn skipped(ended: &Ended) -> Vec<String> {
    let report = ended.json();
    let all = report["skipped"].as_array().unwrap().iter();
    all.map(|one| format!("{}: {}", one["what"].as_str().unwrap(), one["why"].as_str().unwrap())).collect()
}

fn scan(world: &World, args: &[&str]) -> Ended {
    world.stanch(&[&["scan", "--format", "json"], args].concat())
}

fn set(places: &[&str]) -> BTreeSet<String> {
    places.iter().map(|place| (*place).to_owned()).collect()
}

#[test]
fn every_kind_is_opened_by_what_it_is_and_not_by_its_name() {
    let world = World::new();
    let lines: Vec<Vec<u8>> = (0..14).map(line).collect();
    world.write("a/zip.bin", zip(&[("x/stored", &lines[0], How::Stored), ("deflated", &lines[1], How::Deflated)]));
    world.write("a/tar.txt", tar(&[("./x", &lines[2]), ("y/z", &lines[3])]));
    world.write("a/gzip.log", gzip(&lines[4]));
    world.write("a/zstd.log", zstd(&lines[5]));
    world.write("a/bzip2.log", bzip2(&lines[6]));
    world.write("a/xz.log", xz(&lines[7]));
    world.write("a/tar.gz", gzip(&tar(&[("in/a", &lines[8])])));
    world.write("a/seven", seven(&[("one", &lines[9]), ("two", &lines[10])], EncoderMethod::LZMA2));
    world.write(
        "a/stream.jar",
        zip(&[("s", &lines[11], How::StoredAsStream), ("d", &lines[12], How::DeflatedAsStream)]),
    );
    world.write("a/plain", &lines[13]);
    let ended = scan(&world, &["a"]);
    assert_eq!(skipped(&ended), [""; 0]);
    let want = [
        "zip.bin!/x/stored",
        "zip.bin!/deflated",
        "tar.txt!/x",
        "tar.txt!/y/z",
        "gzip.log",
        "zstd.log",
        "bzip2.log",
        "xz.log",
    ];
    let more = ["tar.gz!/in/a", "seven!/one", "seven!/two", "stream.jar!/s", "stream.jar!/d", "plain"];
    let want = want.iter().chain(&more).map(|name| format!("a/{name}:2:7")).collect();
    assert_eq!(places(&ended), want);
    assert_eq!(ended.code, 1);
    let plain = places(&scan(&world, &["a", "--no-archives"]));
    assert!(plain.contains("a/plain:2:7") && !plain.contains("a/gzip.log:2:7"), "{plain:?}");
}

#[test]
fn the_methods_of_zip_and_7z() {
    let world = World::new();
    let lines: Vec<Vec<u8>> = (0..6).map(line).collect();
    let packed = [bzip2(&lines[0]), zstd(&lines[1]), xz(&lines[2])];
    let members = [("b", 12), ("z", 93), ("x", 95)].into_iter().zip(&packed);
    let members: Vec<_> = members.map(|((name, method), packed)| (name, &packed[..], How::Method(method))).collect();
    // Their check sums are those of what they unpack to: not written here, so they do not hold, which is told behind.
    world.write("a.zip", zip(&members));
    world.write("lzma.7z", seven(&[("a", &lines[3])], EncoderMethod::LZMA));
    world.write("copy.7z", seven(&[("a", &lines[4])], EncoderMethod::COPY));
    let ended = scan(&world, &["."]);
    let want = ["a.zip!/b", "a.zip!/z", "a.zip!/x", "lzma.7z!/a", "copy.7z!/a"].map(|name| format!("{name}:2:7"));
    assert_eq!(places(&ended), want.into());
    assert_eq!(skipped(&ended), ["a.zip!/b: damaged", "a.zip!/x: damaged", "a.zip!/z: damaged"]);
}

#[test]
fn one_in_another_down_to_the_limit() {
    let world = World::new();
    let inner = zip(&[("conf.yml", &line(1), How::Deflated)]);
    let middle = tar(&[("lib/inner.jar", &inner), ("seven.7z", &seven(&[("deep", &line(2))], EncoderMethod::LZMA2))]);
    world.write("app.zip", zip(&[("m.tgz", &gzip(&middle), How::Stored)]));
    let ended = scan(&world, &["app.zip"]);
    let want = set(&["app.zip!/m.tgz!/lib/inner.jar!/conf.yml:2:7", "app.zip!/m.tgz!/seven.7z!/deep:2:7"]);
    assert_eq!((places(&ended), skipped(&ended)), (want, Vec::new()));

    let ended = scan(&world, &["app.zip", "--archive-depth", "3"]);
    assert!(!places(&ended).iter().any(|place| place.contains("conf.yml") || place.contains("deep")));
    let told = ["app.zip!/m.tgz!/lib/inner.jar: too-deep", "app.zip!/m.tgz!/seven.7z: too-deep"];
    assert_eq!((skipped(&ended), ended.code), (told.map(str::to_owned).to_vec(), ended.code));
    assert_ne!(ended.code, 0);
}

#[test]
fn what_swells_is_stopped_and_told() {
    let world = World::new();
    let zeros = vec![0; 3_000_000];
    world.write("bomb.gz", gzip(&zeros));
    world.write("bomb.zip", zip(&[("a/b", &zeros, How::Deflated), ("c", &line(1), How::Stored)]));
    let ended = scan(&world, &["bomb.gz", "bomb.zip", "--archive-size", "2MB"]);
    assert_eq!(skipped(&ended), ["bomb.gz: too-large", "bomb.zip!/a/b: too-large"]);
    assert_eq!((ended.code, places(&ended).len()), (3, 0), "no more of the file is read");
    assert_eq!(scan(&world, &["bomb.gz", "bomb.zip"]).code, 1);
    // 300 MB of a tar of zeros packed twice: the second gzip packs what the first made of nothing.
    let much = gzip(&gzip(&vec![0; 280_000_000]));
    world.write("twice.gz", &much);
    let ended = scan(&world, &["twice.gz"]);
    assert_eq!((skipped(&ended), ended.code), (vec!["twice.gz: too-large".to_owned()], 3));
}

#[test]
fn what_is_encrypted_or_not_known_is_told_and_the_rest_read() {
    let world = World::new();
    let members = [("locked", &b"secret bytes"[..], How::Encrypted), ("open", &line(1), How::Stored)];
    world.write("a.zip", zip(&[members[0], ("odd", b"bytes", How::Method(9)), members[1]]));
    world.write("old.rar", b"Rar!\x1a\x07\x01\x00 and so on");
    let ended = scan(&world, &["."]);
    assert_eq!(places(&ended), set(&["a.zip!/open:2:7"]));
    assert_eq!(skipped(&ended), ["a.zip!/locked: encrypted", "a.zip!/odd: unsupported", "old.rar: unsupported"]);
    let text = world.stanch(&["scan", "a.zip"]).stdout;
    assert!(text.contains("a.zip!/locked is encrypted"), "{text}");
}

#[test]
fn what_is_damaged_is_told_and_the_rest_read() {
    let world = World::new();
    let mut corrupt = gzip(&line(1).repeat(500));
    let middle = corrupt.len() / 2;
    corrupt[middle] ^= 0xff;
    world.write("a.tar", tar(&[("broken.gz", &corrupt), ("after", &line(2))]));
    let mut wrong = zip(&[("sum", &line(3), How::Stored), ("after", &line(4), How::Deflated)]);
    wrong[14] ^= 1;
    world.write("b.zip", &wrong);
    let whole = zip(&[("kept", &line(5), How::Deflated), ("lost", &line(6), How::Deflated)]);
    world.write("c.zip", &whole[..whole.len() / 3]);
    let cut = tar(&[("kept", &line(7)), ("cut", &line(8).repeat(100))]);
    world.write("d.tar", &cut[..1600]);
    world.write("e.7z", &seven(&[("x", &line(9))], EncoderMethod::LZMA2)[..60]);
    let ended = scan(&world, &["."]);
    let told =
        ["a.tar!/broken.gz: damaged", "b.zip!/sum: damaged", "c.zip: damaged", "d.tar: damaged", "e.7z: damaged"];
    assert_eq!(skipped(&ended), told);
    let found = places(&ended);
    for place in ["a.tar!/after:2:7", "b.zip!/sum:2:7", "b.zip!/after:2:7", "c.zip!/kept:2:7", "d.tar!/kept:2:7"] {
        assert!(found.contains(place), "{place}: {found:?}");
    }
}

#[test]
fn what_hides_between_members_is_seen() {
    let world = World::new();
    let before = [&line(1)[..], &zip(&[("a", &line(2), How::Stored)])].concat();
    let [mut inside, archive] = [tar(&[]), zip(&[("b", &line(3), How::Stored)])];
    inside.splice(0..0, tar_member("x", b'0', &line(4)));
    inside.extend(tar_member("behind the end", b'0', &line(5)));
    inside.extend(line(6));
    let mut gap = zip(&[("c", &line(7), How::Deflated)]);
    let directory = gap.windows(4).position(|mark| mark == b"PK\x01\x02").unwrap();
    gap.splice(directory..directory, line(8));
    world.write("prefixed", before);
    world.write("a.zip", [&archive[..], &line(9)].concat());
    world.write("b.tar", inside);
    world.write("c.zip", gap);
    let ended = scan(&world, &["."]);
    let want = [
        "prefixed:2:7",
        "a.zip!/b:2:7",
        "a.zip!/(between its members):2:7",
        "b.tar!/x:2:7",
        "b.tar!/behind the end:2:7",
        "b.tar!/(between its members):2:7",
        "c.zip!/c:2:7",
        "c.zip!/(between its members):2:7",
    ];
    let found = places(&ended);
    assert!(set(&want).is_subset(&found), "{found:?}");
    // A directory that names what is not there.
    let mut lying = zip(&[("a", b"text", How::Stored), ("b", b"text", How::Stored)]);
    let second = lying.windows(4).rposition(|mark| mark == b"PK\x01\x02").unwrap();
    lying[second + 42] ^= 1;
    world.write("lying.zip", lying);
    let ended = scan(&world, &["lying.zip"]);
    assert_eq!((skipped(&ended), ended.code), (vec!["lying.zip!/b: damaged".to_owned()], 3));
}

#[test]
fn names_are_shown_and_never_used() {
    let world = World::new();
    world.write("in/x.zip", zip(&[("../../tests/evil", &line(1), How::Stored), ("\u{1b}[2J", &line(2), How::Stored)]));
    world.write("in/x.tar", tar(&[("/abs/evil", &line(3)), ("../tests/evil", &line(4))]));
    // What a member is called does not make it what is allowed elsewhere.
    world.write("stanch.yaml", "version: 1\nallow:\n  - { path: \"tests/**\", reason: none of these }\n");
    let before = world.snapshot("");
    let ended = scan(&world, &["in"]);
    let want = [
        "in/x.zip!/../../tests/evil:2:7",
        "in/x.zip!/\\x1b[2J:2:7",
        "in/x.tar!//abs/evil:2:7",
        "in/x.tar!/../tests/evil:2:7",
    ];
    assert_eq!(places(&ended), set(&want));
    assert!(!ended.stdout.contains('\u{1b}'));
    assert_eq!(world.snapshot(""), before, "nothing is written");
}

#[test]
fn standard_input_and_lists_are_opened_too() {
    let world = World::new();
    let packed = gzip(&tar(&[("a", &line(1))]));
    let ended = world.stanch_fed(&["scan", "--format", "json", "-"], &packed);
    assert_eq!(places(&ended), set(&["-!/a:2:7"]));
    world.write("x.tgz", &packed);
    let ended = world.stanch_fed(&["scan", "--format", "json", "--files-from", "-"], b"x.tgz\n");
    assert_eq!(places(&ended), set(&["x.tgz!/a:2:7"]));
}

#[test]
fn long_names_and_properties_of_tar() {
    let world = World::new();
    let long = "folder/".repeat(30) + "name";
    let gnu =
        [tar_member("././@LongLink", b'L', format!("{long}\0").as_bytes()), tar_member("cut", b'0', &line(1))].concat();
    let record = format!(" path={long}.pax\n");
    let length = (record.len() + 3).to_string();
    let pax =
        [tar_member("pax", b'x', format!("{length}{record}").as_bytes()), tar_member("cut", b'0', &line(2))].concat();
    let link = tar_member("link", b'2', b"");
    world.write("a.tar", [gnu, link, pax, vec![0; 1024]].concat());
    let ended = scan(&world, &["a.tar"]);
    let want = [format!("a.tar!/{long}:2:7"), format!("a.tar!/{long}.pax:2:7")];
    assert_eq!((places(&ended), skipped(&ended)), (want.into(), Vec::new()));
}

#[test]
fn the_same_for_any_number_of_threads() {
    let world = World::new();
    let mut filler = b"nothing in this line\n".repeat(130_000);
    filler.splice(1_000_000..1_000_000, line(90));
    filler.extend(line(91));
    for number in 0..40u64 {
        world.write(
            &format!("t/{number}.zip"),
            zip(&[("a", &line(number), How::Deflated), ("bad", b"x", How::Encrypted)]),
        );
    }
    world.write("t/big.tgz", gzip(&tar(&[("big", &filler), ("small", &line(92))])));
    world.write("t/big.log.zst", zstd(&filler));
    let normal = |threads: &str| {
        let mut report = scan(&world, &["t", "--threads", threads]).json();
        report["read"]["elapsed_ms"].take();
        report["at"].take();
        report.to_string()
    };
    let one = normal("1");
    assert!(one.contains("big.tgz!/big"));
    for threads in ["2", "7"] {
        let other = normal(threads);
        let at = one.bytes().zip(other.bytes()).position(|(a, b)| a != b);
        let from = at.unwrap_or(0).saturating_sub(100);
        assert!(other == one, "{threads} threads: {:.200} is {:.200}", &one[from..], &other[from..]);
    }
}

/// What lies in bytes: the contents, whatever they are called, and what was told.
fn contents(bytes: &[u8]) -> (Vec<Vec<u8>>, Vec<String>) {
    let (mut contents, mut told) = (Vec::new(), Vec::new());
    archive::open(bytes, b"x", Limits::default(), &mut |item| {
        match item {
            Item::Blob(blob) => contents.push(blob.bytes[blob.own.clone()].to_vec()),
            Item::Skipped(one) => told.push(format!("{} {} {}", one.what, one.why.label(), one.detail)),
            Item::Commit | Item::Commits(_) => {}
        }
        true
    });
    (contents, told)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Of those with check sums: a change anywhere is told, or changed nothing that lies there.
    #[test]
    fn no_damage_is_silent(kind in 0usize..5, at in any::<prop::sample::Index>(), change in 1u8..) {
        let (a, b) = (line(1).repeat(20), line(2));
        let zipped = || zip(&[("a", &a, How::Deflated), ("b", &b, How::DeflatedAsStream), ("c", &b, How::Stored)]);
        let mut bytes = match kind {
            0 => zipped(),
            1 => seven(&[("a", &a), ("b", &b)], EncoderMethod::LZMA2),
            2 => gzip(&a),
            3 => xz(&a),
            _ => bzip2(&a),
        };
        let (before, told) = contents(&bytes);
        prop_assert!(told.is_empty(), "{told:?}");
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        let (after, told) = contents(&bytes);
        // What is no archive any more is plain bytes.
        let plain = after.concat() == bytes;
        let kept = before.iter().all(|one| after.contains(one));
        prop_assert!(kept || plain || !told.is_empty(), "kind {kind}: {change:#x} at {at}");
    }

    /// Whatever bytes do, it ends.
    #[test]
    fn any_bytes_are_read(mut bytes in prop::collection::vec(any::<u8>(), 30..300), kind in 0usize..6) {
        let starts: [&[u8]; 6] = [b"PK\x03\x04", b"7z\xbc\xaf\x27\x1c", b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY"];
        bytes.splice(0..0, starts[kind].iter().copied());
        contents(&bytes);
    }
}
