//! What stands near a lead in every match, and seldom elsewhere: a search need not look for the lead where it does not.
//!
//! Most tokens are a long run of letters and digits, which text made of words has few of, and a text of many bytes is asked
//! for such runs much sooner than for hundreds of literals. Here it is proven of a pattern that each of its matches holds
//! one, and how far from the lead it may lie.

use super::{Class, Lead, NEAR, Op, Program, Starts};

/// What stands near the leads of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Nothing in particular.
    Open,
    /// A run of [`Gate::run`].
    Token,
    /// The same.
    Digits,
    /// The same.
    Text,
    /// The same.
    Tilde,
    /// `://`, and after it an `@`.
    Login,
}

/// A run of bytes, and where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Of which bytes.
    pub class: Class,
    /// How many at least.
    pub least: usize,
    /// How many bytes after the start of a lead the `least`th of them may stand,
    pub after: usize,
    /// or before it.
    pub before: usize,
}

/// How many bytes after the start of a lead the second `/` of `://` may stand.
pub const SCHEME: usize = 64;
/// How many bytes after the start of a lead the `@` may stand.
pub const LOGIN: usize = 512;

impl Gate {
    /// The run that this gate is; `None` for those that are something else.
    pub const fn run(self) -> Option<&'static Run> {
        const TOKEN: Run = Run { class: word_or(b"-"), least: 20, after: 256, before: 256 };
        const DIGITS: Run = Run { class: word_or(b"-+/"), least: 31, after: 64, before: 0 };
        const TEXT: Run = Run { class: word_or(b"-+/=."), least: 40, after: 256, before: 256 };
        const TILDE: Run = Run { class: Class([0, 1 << (b'~' - 64), 0, 0]), least: 1, after: 64, before: 64 };
        match self {
            Gate::Token => Some(&TOKEN),
            Gate::Digits => Some(&DIGITS),
            Gate::Text => Some(&TEXT),
            Gate::Tilde => Some(&TILDE),
            Gate::Open | Gate::Login => None,
        }
    }

    /// The gate of a pattern whose leads lie so to the starts of its matches.
    pub fn of(program: &Program, longest: usize, leads: &[Lead], starts: Starts) -> Gate {
        // How far after a match's start its lead may start, at least and at most.
        let (least, most) = match starts {
            Starts::Before { least, most } => (usize::from(least).cast_signed(), usize::from(most).cast_signed()),
            Starts::Near => {
                let word = leads.iter().map(|lead| lead.bytes.len()).max().unwrap_or_default();
                let far = (longest.max(NEAR) + word).cast_signed();
                (-far, far)
            }
        };
        let holds = |gate: &&Gate| {
            gate.run().is_some_and(|run| {
                let Some(latest) = latest(program, run) else { return false };
                let after = latest.cast_signed() - least;
                let before = most - (run.least.cast_signed() - 1);
                after <= run.after.cast_signed() && before <= run.before.cast_signed()
            })
        };
        let gates = [Gate::Token, Gate::Text, Gate::Digits, Gate::Tilde];
        match gates.iter().find(holds) {
            Some(gate) => *gate,
            None if (least, most) == (0, 0) && has_login(program) => Gate::Login,
            None => Gate::Open,
        }
    }
}

/// Letters, digits, `_` and these.
#[expect(clippy::indexing_slicing, reason = "made by the compiler, which would refuse")]
const fn word_or(more: &[u8]) -> Class {
    let mut words = [0; 4];
    let mut byte = 0;
    while byte < 128_u8 {
        let (mut is, mut at) = (byte.is_ascii_alphanumeric() || byte == b'_', 0);
        while at < more.len() {
            is |= more[at] == byte;
            at += 1;
        }
        if is {
            words[(byte / 64) as usize] |= 1 << (byte % 64);
        }
        byte += 1;
    }
    Class(words)
}

/// Whether every match has a `://` and then an `@` as far from its start as [`Gate::Login`] says.
fn has_login(program: &Program) -> bool {
    let at = latest(program, &Run { class: Class::of(b'@'), least: 1, after: 0, before: 0 });
    at.is_some_and(|at| at <= LOGIN) && scheme(program).is_some_and(|slash| slash <= SCHEME)
}

/// The latest place in a match, counted from its start, by which a run has become as long as it must; `None` when there may
/// be a match without one.
fn latest(program: &Program, run: &Run) -> Option<usize> {
    let within = |class: u16| program.classes.get(usize::from(class)).is_some_and(|class| class.within(&run.class));
    walk(program, run.least, &|op, state| match *op {
        Op::Byte(byte) if run.class.has(byte) => state + 1,
        Op::Class(class) if within(class) => state + 1,
        // After more bytes the run is no shorter.
        Op::Run { class, min, .. } if within(class) => state + usize::from(min),
        _ => 0,
    })
}

/// The same of the second `/` of a `://`: known when the three stand in the pattern as such.
fn scheme(program: &Program) -> Option<usize> {
    walk(program, 3, &|op, state| match (*op, state) {
        (Op::Byte(b':'), _) => 1,
        (Op::Byte(b'/'), 1 | 2) => state + 1,
        _ => 0,
    })
}

/// Follows every way through the steps until `done` bytes of what is looked for stand in a row: the latest place of the last
/// of them, counted from the start; `None` when a match is reached before. `next` says how many stand in a row after a step,
/// 0 when it ends what stood there.
fn walk(program: &Program, done: usize, next: &dyn Fn(&Op, usize) -> usize) -> Option<usize> {
    let mut open: Vec<Option<Way>> = vec![None; program.ops.len() + 1];
    *open.first_mut()? = Some(Way { row: 0, taken: 0, from: 0 });
    let mut latest = 0;
    for (at, op) in program.ops.iter().enumerate() {
        let Some(way) = open.get(at).copied().flatten() else { continue };
        let mut put = |place: usize, way: Way| {
            if let Some(there) = open.get_mut(place) {
                *there = Some(there.map_or(way, |other| way.or(other)));
            }
        };
        let after = |op: &Op, way: Way, most: usize| {
            let (row, taken) = (next(op, way.row), way.taken + most);
            Way { row, taken, from: if row == 0 { taken } else { way.from } }
        };
        let way = match *op {
            Op::Match => return None,
            Op::Split { first, second } | Op::Fork { first, second, .. } => {
                put(first.into(), way);
                put(second.into(), way);
                continue;
            }
            Op::Jump(place) => {
                put(place.into(), way);
                continue;
            }
            Op::Begin | Op::End | Op::Word | Op::NoWord | Op::First | Op::Last => way,
            Op::Text { at, len } => {
                let text = program.text.get(usize::from(at)..usize::from(at) + usize::from(len))?;
                let step = |way: Way, byte: &u8| if way.row < done { after(&Op::Byte(*byte), way, 1) } else { way };
                text.iter().fold(way, step)
            }
            Op::Byte(_) | Op::Class(_) => after(op, way, 1),
            Op::Run { max, .. } | Op::Opaque { max, .. } => after(op, way, usize::from(max)),
        };
        match way.row < done {
            true => put(at + 1, way),
            false => latest = latest.max(way.from + done),
        }
    }
    latest.checked_sub(1)
}

/// What is known of all ways to a step.
#[derive(Clone, Copy)]
struct Way {
    /// The fewest bytes that stand in a row.
    row: usize,
    /// The most bytes taken.
    taken: usize,
    /// The latest place where those in a row start.
    from: usize,
}

impl Way {
    fn or(self, other: Way) -> Way {
        Way { row: self.row.min(other.row), taken: self.taken.max(other.taken), from: self.from.max(other.from) }
    }
}
