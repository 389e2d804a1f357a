//! Runs the steps of a pattern at one start.
//!
//! What comes first in the pattern is tried first, and on failure the last choice is taken back: the leftmost-first match, as
//! the `regex` crate finds it. A text can make that long; after so many steps the run gives up, and a regular expression,
//! which takes linear time, is asked instead.

use super::digest::{Class, Op, Program};
use std::ops::Range;

/// Steps that a run may take beside one for each byte of the longest match.
const STEPS: u32 = 4096;
/// Choices that may be open at once.
const CHOICES: usize = 512;

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// There is no match at the start.
    No,
    /// The end of the match, and the secret in it.
    Match(usize, Range<usize>),
    /// It took too many steps to say.
    Unsure,
}

/// A choice that can be taken back.
#[derive(Debug, Clone, Copy)]
struct Choice {
    /// Where to go on.
    op: u16,
    /// The class of a run that can take more bytes.
    class: u16,
    what: What,
    /// From which byte.
    at: usize,
    /// For a run: how far `at` may go.
    last: usize,
    begin: usize,
    end: usize,
}

/// What taking a choice back means.
#[derive(Debug, Clone, Copy)]
enum What {
    /// The other way.
    Other,
    /// A byte less in a run.
    Less,
    /// A byte more in a run.
    More,
}

/// Memory of runs of one program on one text, to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    choices: Vec<Choice>,
    rows: Rows,
}

/// By class: the bytes of it that were met last.
#[derive(Debug, Default)]
struct Rows(Vec<Row>);

/// Bytes of a class in a row.
#[derive(Debug, Clone, Copy, Default)]
struct Row {
    from: usize,
    to: usize,
    /// Whether the next byte is of another class, or there is none.
    ends: bool,
}

impl Scratch {
    /// Forgets what is known of the text: for another program or text.
    pub fn forget(&mut self) {
        self.rows.0.clear();
    }
}

impl Rows {
    /// How many bytes of the class stand at `at`, at most `most`. What was met on the way is not looked at again, so that
    /// a text that starts a match over and over does not cost as much at each start.
    fn length(&mut self, number: u16, class: &Class, text: &[u8], at: usize, most: usize) -> usize {
        let number = usize::from(number);
        if number >= self.0.len() {
            self.0.resize(number + 1, Row::default());
        }
        let Some(row) = self.0.get_mut(number) else { return 0 };
        if !(row.from..=row.to).contains(&at) {
            *row = Row { from: at, to: at, ends: false };
        }
        let end = at.saturating_add(most);
        if !row.ends && row.to < end {
            let rest = text.get(row.to..end.min(text.len())).unwrap_or_default();
            let more = rest.iter().position(|byte| !class.has(*byte));
            row.to += more.unwrap_or(rest.len());
            row.ends = more.is_some() || row.to >= text.len();
        }
        row.to.min(end) - at
    }
}

/// Runs `program` on `text` from `start`.
pub fn run(program: &Program, text: &[u8], start: usize, longest: usize, scratch: &mut Scratch) -> Outcome {
    let Program { ops, classes, text: bytes, .. } = program;
    let Scratch { choices, rows } = scratch;
    choices.clear();
    let mut steps = STEPS.saturating_add(u32::try_from(longest).unwrap_or(u32::MAX).saturating_mul(2));
    let (mut op, mut at) = (0_usize, start);
    let (mut begin, mut end) = (usize::MAX, usize::MAX);
    let is = |class: u16, at: usize| match (classes.get(usize::from(class)), text.get(at)) {
        (Some(class), Some(byte)) => class.has(*byte),
        _ => false,
    };
    loop {
        let Some(left) = steps.checked_sub(1) else { return Outcome::Unsure };
        steps = left;
        let Some(this) = ops.get(op) else { return Outcome::Unsure };
        op += 1;
        let good = match *this {
            Op::Byte(byte) => {
                at += 1;
                text.get(at - 1) == Some(&byte)
            }
            Op::Text { at: from, len } => {
                let (from, len) = (usize::from(from), usize::from(len));
                let want = bytes.get(from..from + len);
                at += len;
                text.get(at - len..at) == want
            }
            Op::Class(class) => {
                at += 1;
                is(class, at - 1)
            }
            Op::Run { class, min, max, lazy, sure } => {
                let (min, max) = (usize::from(min), usize::from(max));
                let set = classes.get(usize::from(class)).unwrap_or(&Class::ALL);
                let length = rows.length(class, set, text, at, if lazy { min } else { max });
                steps = steps.saturating_sub(u32::try_from(length / 16).unwrap_or(u32::MAX));
                if lazy && length == min && min < max {
                    let (from, last) = (at + min, at + max);
                    choices.push(Choice { op: narrow(op), class, what: What::More, at: from, last, begin, end });
                } else if length > min && !sure {
                    let (from, last) = (at + length, at + min);
                    choices.push(Choice { op: narrow(op), class, what: What::Less, at: from, last, begin, end });
                }
                at += length;
                length >= min
            }
            Op::Split { first, second } => {
                op = first.into();
                choices.push(Choice { op: second, class: 0, what: What::Other, at, last: at, begin, end });
                true
            }
            Op::Fork { class, first, second } => {
                op = if is(class, at) { first } else { second }.into();
                true
            }
            Op::Jump(place) => {
                op = place.into();
                true
            }
            Op::Begin => {
                begin = at;
                true
            }
            Op::End => {
                end = at;
                true
            }
            Op::Word => word(text, at),
            Op::NoWord => !word(text, at),
            Op::First => at == 0,
            Op::Last => at == text.len(),
            Op::Opaque { .. } => return Outcome::Unsure,
            Op::Match => {
                let secret = if begin <= end && end != usize::MAX { begin..end } else { start..at };
                return Outcome::Match(at, secret);
            }
        };
        if good {
            if choices.len() > CHOICES {
                return Outcome::Unsure;
            }
            continue;
        }
        // The last choice that has something left.
        loop {
            let Some(choice) = choices.last_mut() else { return Outcome::No };
            (op, begin, end) = (choice.op.into(), choice.begin, choice.end);
            let (left, used_up) = match choice.what {
                What::Other => (true, true),
                What::Less => {
                    let place = place_for(program, choice.op, text, (choice.last..choice.at).rev());
                    choice.at = place.unwrap_or(choice.at);
                    (place.is_some(), place.is_none_or(|place| place == choice.last))
                }
                What::More => {
                    let set = classes.get(usize::from(choice.class)).unwrap_or(&Class::ALL);
                    let row = rows.length(choice.class, set, text, choice.at, choice.last - choice.at);
                    let place = place_for(program, choice.op, text, choice.at + 1..choice.at + row + 1);
                    choice.at = place.unwrap_or(choice.at);
                    (place.is_some(), place.is_none_or(|place| place == choice.last))
                }
            };
            at = choice.at;
            if used_up {
                choices.pop();
            }
            if left {
                break;
            }
        }
    }
}

/// The first of `places` (the last, when they come backward) at which the step `op` may begin, by its first byte or its text.
fn place_for(program: &Program, op: u16, text: &[u8], mut places: impl Iterator<Item = usize>) -> Option<usize> {
    match program.ops.get(usize::from(op)) {
        Some(Op::Byte(byte)) => places.find(|at| text.get(*at) == Some(byte)),
        Some(Op::Text { at: from, len }) => {
            let want = program.text.get(usize::from(*from)..usize::from(*from) + usize::from(*len))?;
            let first = want.first();
            places.find(|at| text.get(*at) == first && text.get(*at..at + want.len()) == Some(want))
        }
        Some(Op::Class(class) | Op::Run { class, min: 1.., .. }) => {
            let class = program.classes.get(usize::from(*class))?;
            places.find(|at| text.get(*at).is_some_and(|byte| class.has(*byte)))
        }
        _ => places.next(),
    }
}

/// Whether a word begins or ends at `at`.
fn word(text: &[u8], at: usize) -> bool {
    let is = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    is(at.checked_sub(1).and_then(|before| text.get(before))) != is(text.get(at))
}

/// The place of a step: a program has fewer than 2^16.
fn narrow(op: usize) -> u16 {
    u16::try_from(op).unwrap_or(u16::MAX)
}
