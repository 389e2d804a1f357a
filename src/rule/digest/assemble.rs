//! From a pattern's syntax tree to its steps.
//!
//! Bounded repeats of more than a class are written out, as the `regex` crate does it, so that both prefer the same match.
//! What would take too many steps, or may match nothing again and again, becomes [`Op::Opaque`].

use super::{Class, Op, Program};
use regex_syntax::hir::{self, Hir, HirKind, Look};

/// The most steps of a program: what is longer is left to a regular expression.
const LONGEST: usize = 4096;

/// The steps for `hir`.
pub fn assemble(hir: &Hir, secret: Option<&str>) -> Program {
    let mut groups = Vec::new();
    names(hir, &mut groups);
    let named = |name: &str| groups.iter().find(|(_, group)| group.as_deref() == Some(name)).map(|(at, _)| *at);
    let group = match secret {
        Some(name) => named(name),
        None => named("secret").or_else(|| groups.iter().map(|(at, _)| *at).min()),
    };
    let mut assembler = Assembler { group, ops: Vec::new(), classes: Vec::new(), text: Vec::new(), whole: true };
    assembler.add(hir);
    let end = assembler.place();
    assembler.ops.push(Op::Match);
    if end.is_none() {
        // Too long to be numbered: nothing is known but that there is something.
        assembler.ops = vec![Op::Opaque { min: 0, max: u16::MAX }, Op::Match];
        assembler.whole = false;
    }
    let Assembler { ops, classes, text, whole, .. } = assembler;
    Program { ops: ops.into(), classes: classes.into(), text: text.into(), first: Class::ALL, whole }
}

/// The capture groups, by number.
fn names(hir: &Hir, groups: &mut Vec<(u32, Option<String>)>) {
    if let HirKind::Capture(capture) = hir.kind() {
        groups.push((capture.index, capture.name.as_deref().map(str::to_owned)));
    }
    for sub in hir.kind().subs() {
        names(sub, groups);
    }
}

struct Assembler {
    /// Which group is the secret.
    group: Option<u32>,
    ops: Vec<Op>,
    classes: Vec<Class>,
    text: Vec<u8>,
    whole: bool,
}

impl Assembler {
    /// Where the next step will stand.
    fn place(&self) -> Option<u16> {
        u16::try_from(self.ops.len()).ok().filter(|_| self.ops.len() < LONGEST)
    }

    fn add(&mut self, hir: &Hir) {
        if self.place().is_none() {
            return;
        }
        if let Some(class) = one_byte(hir) {
            return self.one(class);
        }
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => self.literal(&literal.0),
            HirKind::Class(_) => self.opaque(hir),
            HirKind::Look(look) => match look {
                Look::Start => self.ops.push(Op::First),
                Look::End => self.ops.push(Op::Last),
                Look::WordAscii => self.ops.push(Op::Word),
                Look::WordAsciiNegate => self.ops.push(Op::NoWord),
                _ => self.opaque(hir),
            },
            HirKind::Repetition(repetition) => self.repetition(hir, repetition),
            HirKind::Capture(capture) if self.group == Some(capture.index) => {
                self.ops.push(Op::Begin);
                self.add(&capture.sub);
                self.ops.push(Op::End);
            }
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(subs) => subs.iter().for_each(|sub| self.add(sub)),
            HirKind::Alternation(subs) => self.alternation(subs),
        }
    }

    fn one(&mut self, class: Class) {
        let mut bytes = class.bytes();
        match (bytes.next(), bytes.next()) {
            (Some(byte), None) => self.ops.push(Op::Byte(byte)),
            _ => {
                let class = self.class(class);
                self.ops.push(Op::Class(class));
            }
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        match (u16::try_from(self.text.len()), u16::try_from(bytes.len())) {
            (Ok(at), Ok(len)) => {
                self.text.extend_from_slice(bytes);
                self.ops.push(Op::Text { at, len });
            }
            _ => self.ops.extend(bytes.iter().map(|byte| Op::Byte(*byte))),
        }
    }

    fn repetition(&mut self, hir: &Hir, repetition: &hir::Repetition) {
        let (Ok(min), Some(Ok(max))) = (u16::try_from(repetition.min), repetition.max.map(u16::try_from)) else {
            return self.opaque(hir);
        };
        if let Some(class) = one_byte(&repetition.sub) {
            let class = self.class(class);
            return self.ops.push(Op::Run { class, min, max, lazy: !repetition.greedy, sure: false });
        }
        let from = self.ops.len();
        let empty = repetition.sub.properties().minimum_len().unwrap_or_default() == 0;
        // Probe how long one is, so that a long list of copies is not begun.
        let (classes, text) = (self.classes.len(), self.text.len());
        self.add(&repetition.sub);
        let one = self.ops.len() - from;
        self.ops.truncate(from);
        self.classes.truncate(classes);
        self.text.truncate(text);
        if empty || self.ops.len() + (one + 1) * usize::from(max) >= LONGEST / 2 {
            return self.opaque(hir);
        }
        for _ in 0..min {
            self.add(&repetition.sub);
        }
        let mut splits = Vec::new();
        for _ in min..max {
            splits.push(self.ops.len());
            self.ops.push(Op::Match);
            self.add(&repetition.sub);
        }
        let Some(end) = self.place() else { return };
        for at in splits {
            let Ok(body) = u16::try_from(at + 1) else { return };
            let (first, second) = if repetition.greedy { (body, end) } else { (end, body) };
            self.set(at, Op::Split { first, second });
        }
    }

    fn alternation(&mut self, subs: &[Hir]) {
        let mut jumps = Vec::new();
        for (at, sub) in subs.iter().enumerate() {
            let split = self.ops.len();
            let last = at + 1 == subs.len();
            if !last {
                self.ops.push(Op::Match);
            }
            self.add(sub);
            if !last {
                jumps.push(self.ops.len());
                self.ops.push(Op::Match);
                let (Ok(first), Some(second)) = (u16::try_from(split + 1), self.place()) else { return };
                self.set(split, Op::Split { first, second });
            }
        }
        let Some(end) = self.place() else { return };
        for at in jumps {
            self.set(at, Op::Jump(end));
        }
    }

    /// What cannot be said in steps.
    fn opaque(&mut self, hir: &Hir) {
        let bytes = |len: Option<usize>| u16::try_from(len.unwrap_or(usize::MAX)).unwrap_or(u16::MAX);
        let properties = hir.properties();
        let min = properties.minimum_len().unwrap_or_default();
        self.ops.push(Op::Opaque { min: bytes(Some(min)), max: bytes(properties.maximum_len()) });
        self.whole = false;
    }

    fn set(&mut self, at: usize, op: Op) {
        if let Some(place) = self.ops.get_mut(at) {
            *place = op;
        }
    }

    fn class(&mut self, class: Class) -> u16 {
        let at = self.classes.iter().position(|one| *one == class).unwrap_or_else(|| {
            self.classes.push(class);
            self.classes.len() - 1
        });
        // There are at most as many classes as steps.
        u16::try_from(at).unwrap_or_default()
    }
}

/// The class of what always matches one byte.
fn one_byte(hir: &Hir) -> Option<Class> {
    let mut class = Class::default();
    match hir.kind() {
        HirKind::Literal(literal) => match literal.0.as_ref() {
            [byte] => class.add(*byte, *byte),
            _ => return None,
        },
        HirKind::Class(hir::Class::Bytes(bytes)) => {
            bytes.iter().for_each(|range| class.add(range.start(), range.end()))
        }
        HirKind::Class(hir::Class::Unicode(unicode)) => {
            for range in unicode.iter() {
                let byte = |c: char| u8::try_from(c).ok().filter(u8::is_ascii);
                class.add(byte(range.start())?, byte(range.end())?);
            }
        }
        _ => return None,
    }
    Some(class)
}
