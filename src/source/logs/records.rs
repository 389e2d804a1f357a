//! Records that hold a part of what a program wrote: put together, so that what was split is seen whole.
//!
//! A line of a container's log is wrapped in a record, and a long one is cut into several:
//!
//! - **Docker's `json-file`** (moby, `daemon/logger/jsonfilelog/jsonlog`, read 2026-11-20): `{"log":"...\n","stream":"stdout",
//!   "time":"..."}`; a piece whose text does not end with a newline goes on in the next record of the same stream.
//! - **The CRI** (Kubernetes, `pkg/kubelet/kuberuntime/logs`, read 2026-11-20): `2026-11-20T12:00:00Z stdout P text`; `P` is a
//!   piece, `F` is the last one.
//! - **The journal** ("Journal Export Formats" and `systemd.journal-fields`, systemd, read 2026-11-20): a field whose value is
//!   no text has its length before it in eight bytes, and in JSON it is a list of numbers; a line that was too long has
//!   `_LINE_BREAK=line-max` and goes on in the next entry of the same stream.
//!
//! A blob is looked at as it lies, always. What is put together here is looked at beside it, and only what could not be seen
//! there is taken from it: what spans a seam, or was written as numbers. A blob without such records costs a look at its
//! first lines, one of such records without pieces a search for their mark.

use crate::source::joined::Joined;
use crate::source::{Blob, Bytes};
use crate::text::lines::Position;
use memchr::{memchr, memchr_iter, memmem, memrchr};
use std::ops::Range;
use std::sync::Arc;

/// Lines by which a form is known.
const LINES: usize = 8;
/// Bytes among which the journal's first field is looked for.
const ENTRY: usize = 64 << 10;
/// Numbers that a list of bytes has at least.
const FEWEST: usize = 8;
/// Bytes of a name that a list of numbers has.
const NAME: usize = 64;

const DOCKER: &[u8] = b"{\"log\":\"";
const DOCKER_STREAM: &[u8] = b"\",\"stream\":\"";
const CURSOR: &[u8] = b"__CURSOR=";
const LINE_MAX: &[u8] = b"_LINE_BREAK=line-max";

/// What a log's records put together come to, when they say more than the blob itself.
pub fn joined(blob: &Blob) -> Option<Blob> {
    let bytes: &[u8] = &blob.bytes;
    let mut weave = Weave::new(bytes, blob.first);
    match form(bytes)? {
        Form::Docker => pieces(bytes, first_docker_piece(bytes)?, docker, &mut weave),
        Form::Cri => pieces(bytes, first_cri_piece(bytes)?, cri, &mut weave),
        Form::Json => numbers(bytes, &mut weave),
        Form::Journal => journal(bytes, &mut weave),
    }
    let Weave { text, joined, fresh, .. } = weave;
    let joined = (!fresh.is_empty()).then(|| Arc::new(joined))?;
    let whole = Blob::whole(Bytes::from(text), Arc::clone(&blob.provenance));
    Some(Blob { offset: blob.offset, own: blob.own.clone(), touched: Some(fresh), joined: Some(joined), ..whole })
}

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Docker,
    Cri,
    Journal,
    Json,
}

/// By the first lines; the very first may be cut.
fn form(bytes: &[u8]) -> Option<Form> {
    let form = |line: Range<usize>| match bytes.get(line)? {
        line if line.starts_with(DOCKER) => Some(Form::Docker),
        line if cri(line).is_some() => Some(Form::Cri),
        line if line.starts_with(CURSOR) => Some(Form::Journal),
        line if line.starts_with(b"{") => Some(Form::Json),
        _ => None,
    };
    // A record of Docker's that says nothing looks like any other JSON.
    let known = lines(bytes, 0).take(LINES).filter_map(form).min();
    known.or_else(|| first_entry(bytes).filter(|at| *at < ENTRY).map(|_| Form::Journal))
}

/// Lines from `start` on, without their ends.
fn lines(bytes: &[u8], start: usize) -> impl Iterator<Item = Range<usize>> {
    let mut at = start;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let line = at..at + memchr(b'\n', rest).unwrap_or(rest.len());
        at = line.end + 1;
        Some(line)
    })
}

/// A record that holds a piece of a line.
struct Piece {
    /// Which stream it was written to: pieces of others may lie between.
    stream: u8,
    /// Where its text lies in its line.
    text: Range<usize>,
    /// More of the line follows.
    goes_on: bool,
    /// The text is that of a string of JSON.
    escaped: bool,
}

/// Where the pieces of a line lie, and whether they are escaped.
type Pieces = Vec<(Range<usize>, bool)>;
/// Lines that go on, each with what its stream is known by.
type Open<S> = Vec<(S, Pieces)>;

/// Docker's record.
fn docker(line: &[u8]) -> Option<Piece> {
    let rest = line.strip_prefix(DOCKER)?;
    let end = DOCKER.len() + memmem::find(rest, DOCKER_STREAM)?;
    let stream = *line.get(end + DOCKER_STREAM.len() + b"std".len())?;
    let ended = ends_line(line, end);
    let text = DOCKER.len()..if ended { end - 2 } else { end };
    Some(Piece { stream, text, goes_on: !ended, escaped: true })
}

/// Whether what is escaped before `end` ends with a newline.
fn ends_line(bytes: &[u8], end: usize) -> bool {
    let Some(before) = bytes.get(..end).and_then(|text| text.strip_suffix(b"n")) else { return false };
    before.iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1
}

/// The line of the first of Docker's records that holds a piece.
fn first_docker_piece(bytes: &[u8]) -> Option<usize> {
    let piece = memmem::find_iter(bytes, DOCKER_STREAM).find(|at| !ends_line(bytes, *at))?;
    Some(memrchr(b'\n', bytes.get(..piece)?).map_or(0, |newline| newline + 1))
}

/// Kubernetes' record.
fn cri(line: &[u8]) -> Option<Piece> {
    // A time by RFC 3339 with nanoseconds and a zone has 35 bytes at most.
    let time = memchr(b' ', line.get(..40).unwrap_or(line)).filter(|at| *at >= 20)?;
    let rest = line.get(time + 1..)?;
    let dated = line.get(4) == Some(&b'-') && line.get(10) == Some(&b'T');
    let (stream, rest) = match rest.split_at_checked(7)? {
        (b"stdout ", rest) => (b'o', rest),
        (b"stderr ", rest) => (b'e', rest),
        _ => return None,
    };
    // Tags may follow the first one behind colons.
    let (tag, space) = (*rest.first()?, memchr(b' ', rest)?);
    let text = line.len() - rest.len() + space + 1..line.len();
    (dated && matches!(tag, b'P' | b'F')).then_some(Piece { stream, text, goes_on: tag == b'P', escaped: false })
}

fn first_cri_piece(bytes: &[u8]) -> Option<usize> {
    let starts =
        memmem::find_iter(bytes, b" P").map(|at| memrchr(b'\n', bytes.get(..at)?).map_or(Some(0), |n| Some(n + 1)));
    let is_piece = |start: usize| {
        let end = memchr(b'\n', bytes.get(start..)?).map_or(bytes.len(), |end| start + end);
        cri(bytes.get(start..end)?).filter(|piece| piece.goes_on)
    };
    starts.flatten().find(|start| is_piece(*start).is_some())
}

/// Puts the pieces of each line together, from the record at `start` on.
fn pieces(bytes: &[u8], start: usize, read: fn(&[u8]) -> Option<Piece>, weave: &mut Weave<'_>) {
    let mut open: Open<u8> = Vec::new();
    for line in lines(bytes, start) {
        let Some(piece) = bytes.get(line.clone()).and_then(read) else { continue };
        let part = (line.start + piece.text.start..line.start + piece.text.end, piece.escaped);
        let known = open.iter().position(|(stream, _)| *stream == piece.stream);
        match (known, piece.goes_on) {
            (Some(at), true) => open.get_mut(at).into_iter().for_each(|(_, parts)| parts.push(part.clone())),
            (None, true) => open.push((piece.stream, vec![part])),
            (Some(at), false) => {
                let (_, mut parts) = open.swap_remove(at);
                parts.push(part);
                weave.line(&parts);
            }
            (None, false) => {}
        }
    }
    open.iter().for_each(|(_, parts)| weave.line(parts));
}

/// Lists of numbers that are bytes: what is no text in the journal's JSON.
fn numbers(bytes: &[u8], weave: &mut Weave<'_>) {
    for at in memmem::find_iter(bytes, b"\":[") {
        let start = at + 3;
        if !bytes.get(start).is_some_and(u8::is_ascii_digit) {
            continue;
        }
        let list = bytes.get(start..).unwrap_or_default();
        let digits = |b: &u8| b.is_ascii_digit() || *b == b',' || *b == b' ';
        let end = start + list.iter().position(|b| !digits(b)).unwrap_or(list.len());
        let mut number_at = start;
        let mut found: Vec<(u8, Range<usize>)> = Vec::new();
        for number in bytes.get(start..end).unwrap_or_default().split(|b| *b == b',') {
            let span = number_at..number_at + number.len();
            number_at = span.end + 1;
            let Some(byte) = std::str::from_utf8(number).ok().and_then(|text| text.trim().parse().ok()) else { break };
            found.push((byte, span));
        }
        if found.len() >= FEWEST {
            let name = at
                - memrchr(b'"', bytes.get(at.saturating_sub(NAME)..at).unwrap_or_default())
                    .map_or(0, |quote| at.min(NAME) - quote - 1);
            weave.list(name..at, &found);
        }
    }
}

/// Where the first whole entry of the journal starts.
fn first_entry(bytes: &[u8]) -> Option<usize> {
    let start = bytes.get(..ENTRY).unwrap_or(bytes);
    if start.starts_with(CURSOR) { Some(0) } else { memmem::find(start, b"\n\n__CURSOR=").map(|at| at + 2) }
}

/// A field of the journal: its name, its value, where the next one starts.
fn field(bytes: &[u8], at: usize) -> Option<(Range<usize>, Range<usize>, usize)> {
    let rest = bytes.get(at..)?;
    let end = at + memchr(b'\n', rest)?;
    if let Some(equals) = memchr(b'=', bytes.get(at..end)?) {
        return Some((at..at + equals, at + equals + 1..end, end + 1));
    }
    let (length, _) = bytes.get(end + 1..)?.split_first_chunk::<8>()?;
    let start = end + 9;
    let past = start.checked_add(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    (bytes.get(past) == Some(&b'\n') && end > at).then_some((at..end, start..past, past + 1))
}

/// Puts together names and values that have a length between them, and lines that were too long for an entry.
fn journal(bytes: &[u8], weave: &mut Weave<'_>) {
    if memchr(0, bytes).is_none() && memmem::find(bytes, LINE_MAX).is_none() {
        return;
    }
    let Some(mut at) = first_entry(bytes) else { return };
    let mut open: Open<Vec<u8>> = Vec::new();
    let mut entry = Entry::default();
    while at < bytes.len() {
        if bytes.get(at) == Some(&b'\n') {
            std::mem::take(&mut entry).end(&mut open, weave);
            at += 1;
            continue;
        }
        let Some((name, value, next)) = field(bytes, at) else { break };
        let said = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        match said(&name) {
            b"MESSAGE" => entry.message = Some(value.clone()),
            b"_STREAM_ID" => entry.stream = said(&value).to_vec(),
            b"_LINE_BREAK" => entry.goes_on = said(&value) == b"line-max",
            _ => {}
        }
        if value.start > name.end + 1 {
            weave.named(name, value);
        }
        at = next;
    }
    entry.end(&mut open, weave);
    open.iter().for_each(|(_, parts)| weave.line(parts));
}

/// What an entry of the journal says of a line.
#[derive(Default)]
struct Entry {
    message: Option<Range<usize>>,
    stream: Vec<u8>,
    goes_on: bool,
}

impl Entry {
    fn end(self, open: &mut Open<Vec<u8>>, weave: &mut Weave<'_>) {
        let Some(message) = self.message.filter(|_| !self.stream.is_empty()) else { return };
        let known = open.iter().position(|(stream, _)| *stream == self.stream);
        let mut parts = known.map(|at| open.swap_remove(at).1).unwrap_or_default();
        parts.push((message, false));
        match self.goes_on {
            true => open.push((self.stream, parts)),
            false if parts.len() > 1 => weave.line(&parts),
            false => {}
        }
    }
}

/// Text that is put together.
struct Weave<'b> {
    bytes: &'b [u8],
    text: Vec<u8>,
    joined: Joined,
    /// Where in the text something lies that cannot be seen in the blob: at a seam, which is empty, or in a range.
    fresh: Vec<Range<usize>>,
    /// A place of the blob and its position, the last one asked for.
    known: (usize, Position),
    first: Position,
}

impl<'b> Weave<'b> {
    fn new(bytes: &'b [u8], first: Position) -> Weave<'b> {
        let (text, joined, fresh) = (Vec::new(), Joined::default(), Vec::new());
        Weave { bytes, text, joined, fresh, known: (0, first), first }
    }

    /// A line of these pieces, which are escaped or not.
    fn line(&mut self, pieces: &[(Range<usize>, bool)]) {
        if pieces.len() < 2 {
            return;
        }
        for (at, (piece, escaped)) in pieces.iter().enumerate() {
            if at > 0 {
                self.fresh.push(self.text.len()..self.text.len());
            }
            match escaped {
                true => self.unescape(piece.clone()),
                false => self.copy(piece.clone()),
            }
        }
        self.end(pieces.last().map_or(0, |(piece, _)| piece.end));
    }

    /// `name=value` of a value that stands behind its length.
    fn named(&mut self, name: Range<usize>, value: Range<usize>) {
        self.copy(name.clone());
        self.put(b"=", name.end..name.end);
        self.fresh.push(self.text.len()..self.text.len());
        let end = value.end;
        self.copy(value);
        self.end(end);
    }

    /// `name=bytes` of bytes that are written as numbers.
    fn list(&mut self, name: Range<usize>, numbers: &[(u8, Range<usize>)]) {
        let end = name.end;
        self.copy(name);
        self.put(b"=", end..end);
        let start = self.text.len();
        numbers.iter().for_each(|(byte, span)| self.put(&[*byte], span.clone()));
        self.fresh.push(start..self.text.len());
        self.end(numbers.last().map_or(end, |(_, span)| span.end));
    }

    /// The end of a line.
    fn end(&mut self, raw: usize) {
        self.put(b"\n", raw..raw);
    }

    /// Bytes as they lie.
    fn copy(&mut self, range: Range<usize>) {
        let mut start = range.start;
        let bytes = self.bytes.get(range.clone()).unwrap_or_default();
        let ends = memchr_iter(b'\n', bytes).map(|newline| range.start + newline + 1);
        for end in ends.chain([range.end]) {
            let piece = self.bytes.get(start..end).unwrap_or_default();
            self.put(piece, start..end);
            start = end;
        }
    }

    /// Text that was `raw`.
    fn put(&mut self, text: &[u8], raw: Range<usize>) {
        let at = self.position(raw.start);
        self.text.extend_from_slice(text);
        self.joined.push(text.len(), &raw, at);
    }

    /// What a string of JSON says (RFC 8259, section 7); what is no escape stays as it is.
    fn unescape(&mut self, range: Range<usize>) {
        let mut at = range.start;
        while at < range.end {
            let rest = self.bytes.get(at..range.end).unwrap_or_default();
            let plain = memchr(b'\\', rest).unwrap_or(rest.len());
            if plain > 0 {
                self.put(rest.get(..plain).unwrap_or_default(), at..at + plain);
                at += plain;
                continue;
            }
            let (character, length) = escape(rest).unwrap_or(('\\', 1));
            let mut room = [0; 4];
            self.put(character.encode_utf8(&mut room).as_bytes(), at..at + length);
            at += length;
        }
    }

    /// Where a place of the blob lies as a person counts.
    fn position(&mut self, at: usize) -> Position {
        let (from, first) = if at < self.known.0 { (0, self.first) } else { self.known };
        let position = first.past(self.bytes.get(from..at).unwrap_or_default());
        self.known = (at, position);
        position
    }
}

/// The character that an escape stands for, and how long the escape is.
fn escape(text: &[u8]) -> Option<(char, usize)> {
    let plain = match text.get(1)? {
        b'n' => '\n',
        b't' => '\t',
        b'r' => '\r',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'u' => return unit(text).and_then(|first| wide(first, text)),
        other @ (b'"' | b'\\' | b'/') => char::from(*other),
        _ => return None,
    };
    Some((plain, 2))
}

/// `\u` and four digits.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// A character of one unit, or of two.
fn wide(first: u32, text: &[u8]) -> Option<(char, usize)> {
    match (first, text.get(6..).and_then(unit)) {
        (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) => {
            Some((char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 12))
        }
        _ => Some((char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)),
    }
}
