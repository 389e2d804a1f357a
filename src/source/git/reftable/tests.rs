//! Tables that are made here, byte by byte, by the page that describes them.

use super::*;

/// A number in seven bits a byte.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = vec![(value & 0x7f) as u8];
    while value >= 128 {
        value = (value >> 7) - 1;
        bytes.insert(0, 0x80 | (value & 0x7f) as u8);
    }
    bytes
}

fn id(byte: u8) -> Id {
    Id::new(&[byte; 20]).unwrap()
}

/// A record whose key shares `shared` bytes with the one before.
fn record(shared: usize, suffix: &[u8], kind: u8, value: &[u8]) -> Vec<u8> {
    let own = (suffix.len() as u64) << 3 | u64::from(kind);
    [varint(shared as u64), varint(own), suffix.to_vec(), value.to_vec()].concat()
}

/// A ref: its update index comes before its value.
fn object(shared: usize, suffix: &str, byte: u8) -> Vec<u8> {
    record(shared, suffix.as_bytes(), 1, &[&[0][..], &[byte; 20]].concat())
}

/// A block that starts `before` bytes behind the start that its length counts from; with one restart.
fn block(kind: u8, before: usize, records: &[u8]) -> Vec<u8> {
    let length = before + 4 + records.len() + 5;
    let inner = [records, &[0, 0, (before + 4) as u8, 0, 1]].concat();
    let inner = if kind == LOGS { deflate(&inner) } else { inner };
    [&[kind][..], &(length as u32).to_be_bytes()[1..], &inner].concat()
}

/// A stream of zlib's that is not packed: one stored block and its Adler-32 (RFC 1950, RFC 1951).
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let (mut low, mut high) = (1u32, 0u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    let length = bytes.len() as u16;
    let head = [&[0x78, 0x01, 1][..], &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
    [&head[..], bytes, &(high << 16 | low).to_be_bytes()].concat()
}

/// A table of blocks; `logs` says where those of logs start.
fn table(align: u32, blocks: &[Vec<u8>], logs: usize) -> Vec<u8> {
    let mut header = b"REFT\x01".to_vec();
    header.extend(&align.to_be_bytes()[1..]);
    header.extend([0; 16]);
    let mut foot = header.clone();
    for position in [0, 0, 0, logs as u64, 0] {
        foot.extend(position.to_be_bytes());
    }
    foot.extend(crc32fast::hash(&foot).to_be_bytes());
    [header, blocks.concat(), foot].concat()
}

fn refs(table: &Table) -> Result<Vec<(String, Value)>, Broken> {
    let mut found = Vec::new();
    table.refs(&mut |name, value| {
        found.push((String::from_utf8(name.to_vec()).unwrap(), value));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Name, number and what the ref was before and after, by the byte that its ids are made of.
type Told = (String, u64, Option<[u8; 2]>);

fn logs(table: &Table) -> Vec<Told> {
    let mut found = Vec::new();
    let mut give = |entry: Entry<'_>| {
        let change = entry.change.map(|(old, new)| [old.as_bytes()[0], new.as_bytes()[0]]);
        found.push((String::from_utf8(entry.name.to_vec()).unwrap(), entry.number, change));
        ControlFlow::Continue(())
    };
    table.logs(&mut give).unwrap();
    found
}

fn parse(bytes: Vec<u8>) -> Result<Table, Broken> {
    Table::parse(bytes, Hash::Sha1)
}

/// HEAD, a branch, one that is gone, and a tag with what it leads to.
fn sample() -> Vec<u8> {
    let head = record(0, b"HEAD", 3, &[&[0, 11][..], b"refs/head/a"].concat());
    let tag = record(5, b"tags/v", 2, &[&[3][..], &[4; 20], &[5; 20]].concat());
    [head, object(0, "refs/head/a", 1), record(10, b"b", 0, &[0]), tag].concat()
}

#[test]
fn refs_of_every_kind() {
    let read = parse(table(0, &[block(REFS, 24, &sample())], 0)).unwrap();
    let want = [
        ("HEAD", Value::Symbolic(b"refs/head/a".to_vec())),
        ("refs/head/a", Value::Object(id(1))),
        ("refs/head/b", Value::Gone),
        ("refs/tags/v", Value::Object(id(4))),
    ];
    assert_eq!(refs(&read).unwrap(), want.clone().map(|(name, value)| (name.to_owned(), value)));
    for (name, value) in want {
        assert_eq!(read.find(name.as_bytes()), Ok(Some(value)), "{name}");
    }
    for name in ["", "A", "refs/head/", "refs/head/aa", "z"] {
        assert_eq!(read.find(name.as_bytes()), Ok(None), "{name}");
    }
    assert!(logs(&read).is_empty());
}

#[test]
fn blocks_that_are_aligned_and_that_are_not() {
    let first = || block(REFS, 24, &object(0, "refs/a", 1));
    let others = [block(REFS, 0, &object(0, "refs/b", 2)), block(REFS, 0, &object(0, "refs/c", 3))];
    let padded = |mut block: Vec<u8>, to: usize| {
        block.resize(to, 0);
        block
    };
    let aligned = [padded(first(), 100 - 24), padded(others[0].clone(), 100), others[1].clone()];
    for (align, blocks) in [(0, [first(), others[0].clone(), others[1].clone()]), (100, aligned)] {
        let read = parse(table(align, &blocks, 0)).unwrap();
        let names: Vec<String> = refs(&read).unwrap().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["refs/a", "refs/b", "refs/c"], "aligned to {align}");
        for (name, byte) in [("refs/a", 1), ("refs/b", 2), ("refs/c", 3)] {
            assert_eq!(read.find(name.as_bytes()), Ok(Some(Value::Object(id(byte)))));
        }
        assert_eq!(read.find(b"refs/bb"), Ok(None));
    }
}

/// An entry of a log.
fn entry(shared: usize, name: &str, number: u64, change: Option<[u8; 2]>) -> Vec<u8> {
    let key = [name.as_bytes(), b"\0", &number.to_be_bytes()].concat();
    let Some([old, new]) = change else { return record(shared, &key[shared..], 0, &[]) };
    let rest = [&[1][..], b"A", &[0], &varint(86_400 * 300), &[0, 60], &[2], b"hi"].concat();
    record(shared, &key[shared..], 1, &[&[old; 20][..], &[new; 20], &rest].concat())
}

#[test]
fn logs_behind_refs_and_alone() {
    let entries = [entry(0, "HEAD", 7, Some([1, 2])), entry(5, "HEAD", 8, None), entry(0, "refs/a", 7, Some([0, 1]))];
    let want =
        [("HEAD".to_owned(), 7, Some([1, 2])), ("HEAD".to_owned(), 8, None), ("refs/a".to_owned(), 7, Some([0, 1]))];
    let alone = parse(table(0, &[block(LOGS, 24, &entries.concat())], 0)).unwrap();
    assert_eq!(logs(&alone), want);
    assert_eq!(refs(&alone), Ok(Vec::new()));
    let first = block(REFS, 24, &sample());
    let start = 24 + first.len();
    let two = [block(LOGS, 0, &entries[..2].concat()), block(LOGS, 0, &entries[2])].concat();
    let both = parse(table(0, &[first, two], start)).unwrap();
    assert_eq!(logs(&both), want);
    assert_eq!(refs(&both).unwrap().len(), 4);
}

#[test]
fn what_is_broken_is_said() {
    let good = table(0, &[block(REFS, 24, &sample())], 0);
    let said = |bytes: Vec<u8>| parse(bytes).and_then(|table| refs(&table)).err();
    assert_eq!(said(good.clone()), None);
    assert_eq!(said(Vec::new()), Some(Broken::NoTable));
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        said(bytes)
    };
    assert_eq!(with(4, 9), Some(Broken::Version(9)));
    assert_eq!(with(8, 9), Some(Broken::Footer));
    assert_eq!(with(good.len() - 1, good[good.len() - 1] ^ 1), Some(Broken::Footer));
    assert_eq!(with(24, b'x'), None, "a table without refs");
    assert_eq!(with(27, 200), Some(Broken::At(0)));
    assert_eq!(Table::parse(good.clone(), Hash::Sha256).err(), Some(Broken::OtherHash));
    let unordered = [object(0, "refs/b", 1), object(0, "refs/a", 1)].concat();
    assert_eq!(said(table(0, &[block(REFS, 24, &unordered)], 0)), Some(Broken::Order(0)));
    for end in 0..good.len() {
        assert!(said(good[..end].to_vec()).is_some(), "cut at {end}");
    }
    let long = object(0, &"x".repeat(LONGEST + 20), 1);
    assert_eq!(said(table(0, &[block(REFS, 24, &long)], 0)), Some(Broken::At(0)));
}

#[test]
fn numbers_are_read_to_the_end() {
    for value in [0, 1, 127, 128, 129, 16_511, 16_512, u64::from(u32::MAX), u64::MAX >> 1] {
        let bytes = varint(value);
        let mut cursor = cursor::Cursor { rest: &bytes };
        assert_eq!((cursor.varint(), cursor.rest.len()), (Some(value), 0));
    }
    assert_eq!(cursor::Cursor { rest: &[0xff; 30] }.varint(), None);
}
