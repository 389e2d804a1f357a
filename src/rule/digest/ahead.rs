//! Which bytes each step can begin with; where that says which way to go, there is no need to try both.

use super::{Class, Op, Program};
use std::borrow::Cow;

/// What can happen from a step on, before the first byte is taken.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    /// The bytes that can be the next one.
    bytes: Class,
    /// Whether the end of the program can be reached with no byte taken though there is one.
    free: bool,
    /// The same at the end of the text.
    at_end: bool,
}

impl Ahead {
    fn or(&self, other: &Ahead) -> Ahead {
        Ahead { bytes: self.bytes.or(&other.bytes), free: self.free || other.free, at_end: self.at_end || other.at_end }
    }
}

/// Marks the runs that are sure, makes forks of splits where one byte decides, and notes the program's first bytes.
pub fn decide(program: &mut Program) {
    let aheads = aheads(program);
    let ahead = |at: u16| aheads.get(usize::from(at)).copied().unwrap_or_default();
    let mut classes = program.classes.to_vec();
    let mut ops = program.ops.to_vec();
    for (at, op) in ops.iter_mut().enumerate() {
        match *op {
            Op::Run { class, min, max, lazy, .. } => {
                let next = aheads.get(at + 1).copied().unwrap_or_default();
                let own = classes.get(usize::from(class)).copied().unwrap_or_default();
                let sure = min == max || (!next.free && !next.bytes.meets(&own));
                *op = Op::Run { class, min, max, lazy: lazy && !sure, sure };
            }
            Op::Split { first, second } => {
                let (one, other) = (ahead(first), ahead(second));
                if !one.free && !one.at_end && !other.free && !one.bytes.meets(&other.bytes) {
                    let class = classes.iter().position(|class| *class == one.bytes).unwrap_or_else(|| {
                        classes.push(one.bytes);
                        classes.len() - 1
                    });
                    if let Ok(class) = u16::try_from(class) {
                        *op = Op::Fork { class, first, second };
                    }
                }
            }
            _ => {}
        }
    }
    let start = ahead(0);
    program.first = if start.free || start.at_end { Class::ALL } else { start.bytes };
    program.ops = Cow::Owned(ops);
    program.classes = Cow::Owned(classes);
}

/// By step. Steps only lead to later ones, so the last is known first.
fn aheads(program: &Program) -> Vec<Ahead> {
    let nothing = Ahead::default();
    let anything = Ahead { bytes: Class::ALL, free: true, at_end: true };
    let mut known = vec![nothing; program.ops.len()];
    let only = |bytes: Class| Ahead { bytes, ..nothing };
    let class = |at: u16| program.classes.get(usize::from(at)).copied().unwrap_or(Class::ALL);
    for (at, op) in program.ops.iter().enumerate().rev() {
        let to = |place: u16| known.get(usize::from(place)).copied().unwrap_or(anything);
        let next = known.get(at + 1).copied().unwrap_or(anything);
        let this = match *op {
            Op::Byte(byte) => only(Class::of(byte)),
            Op::Text { at, .. } => only(program.text.get(usize::from(at)).map_or(Class::ALL, |byte| Class::of(*byte))),
            Op::Class(one) => only(class(one)),
            Op::Run { class: one, min: 0, .. } => only(class(one)).or(&next),
            Op::Run { class: one, .. } => only(class(one)),
            Op::Split { first, second } | Op::Fork { first, second, .. } => to(first).or(&to(second)),
            Op::Jump(place) => to(place),
            Op::Begin | Op::End | Op::Word | Op::NoWord | Op::First => next,
            Op::Last => Ahead { at_end: next.at_end, ..nothing },
            Op::Opaque { .. } => anything,
            Op::Match => Ahead { bytes: Class::default(), free: true, at_end: true },
        };
        if let Some(place) = known.get_mut(at) {
            *place = this;
        }
    }
    known
}
