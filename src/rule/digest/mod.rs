//! What is known of a pattern before any text is seen: how long a match gets, the steps that find it, and which literals
//! lead to it.
//!
//! The build script has this folder too: it writes the digests of our own rules down as Rust, so that a start of the program
//! parses no pattern. A user's patterns are digested by the same code when they are read. Hence this knows nothing of the
//! rest of the crate, and its data may stand in the program.
//!
//! - [`assemble`]: from the syntax tree to a [`Program`];
//! - [`ahead`]: which bytes each step can begin with, and where that leaves nothing to choose;
//! - [`leads`]: the literals of which one stands in every match ([`Lead`]);
//! - [`gate`]: what stands near them in every match, and seldom elsewhere;
//! - [`grams`]: by which of their bytes they are met;
//! - [`often`]: how often literals are met.

mod ahead;
mod assemble;
pub mod gate;
mod grams;
mod leads;
mod often;

pub use gate::Gate;
pub use grams::Gram;
#[allow(unused_imports, reason = "the build script does not ask for it")]
pub use often::often;

use regex_syntax::ParserBuilder;
use std::borrow::Cow;

/// How far from a keyword a match may start at least, in bytes: a rule's own distance is its longest match, when that is more.
pub const NEAR: usize = 100;

/// A set of bytes: bit `b % 64` of word `b / 64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Class(pub [u64; 4]);

/// One step of a program. Places are those of other steps, always later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the steps say what their numbers are")]
pub enum Op {
    /// This byte.
    Byte(u8),
    /// The bytes `text[at..at + len]` of the program.
    Text { at: u16, len: u16 },
    /// One byte of a class.
    Class(u16),
    /// From `min` to `max` bytes of a class, as many as there are, or, when `lazy`, as few as do. `sure`: what follows cannot
    /// match at a byte of the class, so only one number does.
    Run { class: u16, min: u16, max: u16, lazy: bool, sure: bool },
    /// Goes on at `first`; if that fails, at `second`.
    Split { first: u16, second: u16 },
    /// Goes on at `first` when the next byte is of the class, else at `second`: the other would fail.
    Fork { class: u16, first: u16, second: u16 },
    /// Goes on there.
    Jump(u16),
    /// The secret begins here.
    Begin,
    /// The secret ends here.
    End,
    /// `\b`.
    Word,
    /// `\B`.
    NoWord,
    /// `^`: the start of the text.
    First,
    /// `$`: the end of the text.
    Last,
    /// From `min` to `max` bytes of which nothing is known: a program with one of these cannot be run, only asked.
    Opaque { min: u16, max: u16 },
    /// A match.
    Match,
}

/// The steps that match a pattern at a given start, in the order in which Perl would take them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Program {
    /// The steps; the last is [`Op::Match`].
    pub ops: Cow<'static, [Op]>,
    /// The classes that steps name.
    pub classes: Cow<'static, [Class]>,
    /// The bytes that steps name.
    pub text: Cow<'static, [u8]>,
    /// The bytes that a match can begin with.
    pub first: Class,
    /// Whether it says all of the pattern; else a regular expression must be asked.
    pub whole: bool,
}

/// A literal, with what must stand around it for a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Its bytes; letters that may have any case in lower case.
    pub bytes: Cow<'static, [u8]>,
    /// For each byte 0x20 when it is a letter of any case, else 0.
    pub masks: Cow<'static, [u8]>,
    /// What must follow it: so many bytes of this class.
    pub after: Class,
    /// How many; 0 when nothing is known.
    pub count: u8,
    /// What must stand before it: a byte of this class,
    pub before: Class,
    /// or, when this says so, the start of the text.
    pub edge: bool,
    /// Where the rarest five bytes of it begin, counted from the byte before it: a search looks for four of them.
    pub place: u8,
    /// The bytes at `place` and at the next.
    pub grams: Cow<'static, [Gram]>,
}

/// How the starts of matches lie to the leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "told at the variant")]
pub enum Starts {
    /// A lead stands in every match, from so many to so many bytes after its start.
    Before { least: u16, most: u16 },
    /// The leads are the rule's keywords: a match starts anywhere near one.
    Near,
}

/// All that is known of a pattern and the keywords that it has in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The most bytes that it can match.
    pub longest: u32,
    /// Its steps.
    pub program: Program,
    /// The literals to look for.
    pub leads: Cow<'static, [Lead]>,
    /// Where matches start from these.
    pub starts: Starts,
    /// What stands near them in every match.
    pub gate: Gate,
    /// Whether every match has a keyword in it, so that none has to be looked for.
    pub keyed: bool,
}

impl Class {
    /// Whether `byte` is of the class.
    pub const fn has(&self, byte: u8) -> bool {
        let [a, b, c, d] = self.0;
        let word = match byte >> 6 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
        word >> (byte & 63) & 1 == 1
    }

    /// Adds the bytes from `start` to `end`.
    pub fn add(&mut self, start: u8, end: u8) {
        for byte in start..=end {
            if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
                *word |= 1 << (byte & 63);
            }
        }
    }

    /// The class of one byte.
    pub fn of(byte: u8) -> Class {
        let mut class = Class::default();
        class.add(byte, byte);
        class
    }

    /// All bytes.
    pub const ALL: Class = Class([u64::MAX; 4]);

    /// Bytes of either.
    pub fn or(&self, other: &Class) -> Class {
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Class([a | e, b | f, c | g, d | h])
    }

    /// All bytes but those of it.
    pub fn but(&self) -> Class {
        let [a, b, c, d] = self.0;
        Class([!a, !b, !c, !d])
    }

    /// The bytes of a word, as `\b` takes it.
    pub fn word() -> Class {
        let mut class = Class::of(b'_');
        for (start, end) in [(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')] {
            class.add(start, end);
        }
        class
    }

    /// Whether every byte of it is one of `other`.
    pub fn within(&self, other: &Class) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a & !b == 0)
    }

    /// Whether they have a byte in common.
    pub fn meets(&self, other: &Class) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }

    /// Its bytes, in order.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + '_ {
        let mut words = self.0;
        std::iter::from_fn(move || {
            let (at, word) = (0u8..).zip(&mut words).find(|(_, word)| **word != 0)?;
            let bit = word.trailing_zeros() as u8;
            *word &= *word - 1;
            Some(at << 6 | bit)
        })
    }
}

impl Class {
    /// Its bytes as a table of literals takes them: letters without case, or (`mask` not 0xff) so many bits; each once.
    pub fn folded(&self, mask: u8) -> Vec<u8> {
        let fold = |byte: u8| if mask == 0xff { byte | 0x20 } else { byte & mask };
        let mut folded = Class::default();
        self.bytes().map(fold).for_each(|byte| folded.add(byte, byte));
        folded.bytes().collect()
    }
}

impl Lead {
    /// The bytes that can stand at `at`, counted from the byte before the literal; that may lie past it.
    pub fn bytes_at(&self, at: usize) -> Class {
        let Some(at) = at.checked_sub(1) else { return self.before };
        match (self.bytes.get(at), self.masks.get(at)) {
            (Some(byte), Some(mask)) => Class::of(*byte).or(&Class::of(*byte & !mask)),
            _ if at < self.bytes.len() + usize::from(self.count) => self.after,
            _ => Class::ALL,
        }
    }
}

impl Digest {
    /// The digest of a pattern whose secret is the group `secret` (else the group of that name, else the first, else all),
    /// in a rule with these keywords. `None` when it is no regular expression or has no longest match.
    pub fn of(pattern: &str, secret: Option<&str>, keywords: &[String]) -> Option<Digest> {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).ok()?;
        let longest = u32::try_from(hir.properties().maximum_len()?).ok()?;
        let mut program = assemble::assemble(&hir, secret);
        ahead::decide(&mut program);
        let (leads, starts) = leads::choose(&program, longest as usize, keywords);
        let gate = Gate::of(&program, longest as usize, &leads, starts);
        let keyed = leads::keyed(&program, keywords);
        Some(Digest { longest, program, leads: leads.into(), starts, gate, keyed })
    }
}
