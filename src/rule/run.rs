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

/// Memory of runs, to be used again.
#[derive(Debug, Default)]
pub struct Scratch {
    choices: Vec<Choice>,
}

/// Runs `program` on `text` from `start`.
pub fn run(program: &Program, text: &[u8], start: usize, longest: usize, scratch: &mut Scratch) -> Outcome {
    let Program { ops, classes, text: bytes, .. } = program;
    let choices = &mut scratch.choices;
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
                let length = length(set, text, at, if lazy { min } else { max });
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
                    choice.at -= 1;
                    (true, choice.at == choice.last)
                }
                What::More => {
                    let more = is(choice.class, choice.at);
                    choice.at += 1;
                    (more, !more || choice.at == choice.last)
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

/// How many bytes of the class stand at `at`, at most `most`.
fn length(class: &Class, text: &[u8], at: usize, most: usize) -> usize {
    let end = text.len().min(at.saturating_add(most));
    let run = text.get(at..end).unwrap_or_default();
    run.iter().position(|byte| !class.has(*byte)).unwrap_or(run.len())
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
