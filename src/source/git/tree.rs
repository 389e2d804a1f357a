//! The entries of a tree, one after the other, as views of its bytes.

use super::id::Id;
use super::object::Kind;
use memchr::memchr;

/// One entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub kind: Kind,
    pub mode: u32,
    pub name: &'t [u8],
    pub id: Id,
}

/// The first entry of what is left of a tree, and what is left behind it: `mode name NUL id`, with an id of `width` bytes.
pub(super) fn first(rest: &[u8], width: usize) -> Option<(Line<'_>, &[u8])> {
    let end = memchr(0, rest)?;
    let (head, tail) = (rest.get(..end)?, rest.get(end + 1..)?);
    let space = head.iter().position(|byte| *byte == b' ')?;
    // What has no mode that makes sense is bytes all the same.
    let mode = head.get(..space)?.iter().try_fold(0u32, |mode, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        Some(mode.checked_mul(8)? | u32::from(digit))
    });
    let mode = mode.unwrap_or_default();
    let kind = match mode {
        0o040_000 => Kind::Tree,
        0o160_000 => Kind::Submodule,
        _ => Kind::Blob,
    };
    let (id, tail) = tail.split_at_checked(width)?;
    Some((Line { kind, mode, name: head.get(space + 1..)?, id: Id::new(id)? }, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_or_refused() {
        let tree = [&b"40000 a\0"[..], &[7; 20], b"100755 b c\0", &[8; 20]].concat();
        let (line, rest) = first(&tree, 20).unwrap();
        assert_eq!(
            (line.kind, line.mode, line.name, line.id.as_bytes()),
            (Kind::Tree, 0o40_000, &b"a"[..], &[7; 20][..])
        );
        let (line, rest) = first(rest, 20).unwrap();
        assert_eq!((line.kind, line.mode, line.name, rest), (Kind::Blob, 0o100_755, &b"b c"[..], &b""[..]));
        let odd = [&b"9 a\0"[..], &[7; 20]].concat();
        assert_eq!(first(&odd, 20).unwrap().0.kind, Kind::Blob);
        for broken in [&b""[..], b"40000 a", b"40000a\0", b"100644 a\0short"] {
            assert!(first(broken, 20).is_none(), "{broken:?}");
        }
    }
}
