//! The literals of which one stands in every match of a pattern.
//!
//! From a step that every match passes, the ways on are followed for as long as the bytes are known; what each way spells is
//! a [`Lead`]. Of all such steps the one with the rarest literals is taken. A rule whose pattern spells nothing is led to by
//! its keywords, and then every place near them must be tried.

use super::often::often;
use super::{Class, Lead, NEAR, Op, Program, Starts, grams};
use std::borrow::Cow;

/// The least bytes of a lead.
const SHORTEST: usize = 3;
/// The most bytes of a lead.
const LONGEST: usize = 24;
/// The most leads of a pattern.
const MOST: usize = 48;
/// How far the distance from a match's start to a lead may vary, in bytes.
const VARIES: usize = 128;
/// The most bytes after a lead that are looked at before a match is tried.
const AFTER: u16 = 16;

/// The leads for `program`, and how starts lie to them.
pub fn choose(program: &Program, longest: usize, keywords: &[String]) -> (Vec<Lead>, Starts) {
    let mut best: Option<(f64, Vec<Lead>, Starts)> = None;
    for (at, least, most) in cuts(program) {
        if at.checked_sub(1).and_then(|before| program.ops.get(before)).is_some_and(|op| spells(program, op)) {
            continue;
        }
        let Some(mut leads) = spell(program, at) else { continue };
        if let Some(class) = before(program, at) {
            for lead in leads.iter_mut().filter(|lead| lead.before == Class::ALL) {
                (lead.before, lead.edge) = (class, false);
            }
        }
        let cost = cost(&leads, 8.0 + 3.0 * (most - least + 1) as f64);
        let (Ok(least), Ok(most)) = (u16::try_from(least), u16::try_from(most)) else { continue };
        if best.as_ref().is_none_or(|(lowest, _, _)| cost < *lowest) {
            best = Some((cost, leads, Starts::Before { least, most }));
        }
    }
    let named: Vec<Lead> = keywords.iter().map(|keyword| lead_of(keyword)).collect();
    let each = 8.0 + 4.0 * longest.max(NEAR) as f64;
    let near = named.iter().map(|lead| seen(lead).max(RARE_WORD) * each).sum();
    match best {
        Some((cost, leads, starts)) if cost <= near => (placed(leads), starts),
        _ => (placed(named), Starts::Near),
    }
}

/// Chooses for each lead the four bytes to look it up by: those at one offset, or at the next, are met least.
fn placed(mut leads: Vec<Lead>) -> Vec<Lead> {
    for lead in &mut leads {
        let last = lead.bytes.len().saturating_sub(4).max(1);
        let costs: Vec<f64> = (0..=last + 1).map(|at| met(lead, at)).collect();
        let pairs = costs.iter().zip(costs.iter().skip(1)).map(|(one, next)| one + next);
        let best = pairs.enumerate().min_by(|a, b| a.1.total_cmp(&b.1));
        lead.place = best.and_then(|(at, _)| u8::try_from(at).ok()).unwrap_or_default();
        lead.grams = grams::of(lead).into();
    }
    leads
}

/// How often the four bytes at `at` (counted from the byte before the lead) are met: as such, and because of the bits that
/// they take of a table of 2^18.
fn met(lead: &Lead, at: usize) -> f64 {
    let (mut known, mut share, mut bits) = (Vec::new(), 1.0, 1.0);
    for place in at..at + 4 {
        if let Some(byte) = place.checked_sub(1).and_then(|place| lead.bytes.get(place)) {
            known.push(*byte);
            continue;
        }
        let class = lead.bytes_at(place);
        bits *= class.folded(if place == at + 3 { 0x1f } else { 0xff }).len() as f64;
        if class != Class::ALL {
            share *= class.bytes().map(|byte| often(&[byte])).sum::<f64>().min(1.0);
        }
    }
    often(&known) * share + bits / f64::from(1 << 18)
}

/// Whether a step is one byte that is known: what begins after it is better begun with it.
fn spells(program: &Program, op: &Op) -> bool {
    match op {
        Op::Byte(_) | Op::Text { .. } => true,
        Op::Class(at) => program.classes.get(usize::from(*at)).is_some_and(|class| members(class, 1).is_some()),
        _ => false,
    }
}

/// The class of the byte before the step `at`, when every way there takes one just before.
fn before(program: &Program, at: usize) -> Option<Class> {
    let place = u16::try_from(at).ok()?;
    let leads_here = |op: &Op| match *op {
        Op::Split { first, second } | Op::Fork { first, second, .. } => first == place || second == place,
        Op::Jump(to) => to == place,
        _ => false,
    };
    if program.ops.iter().any(leads_here) {
        return None;
    }
    match *program.ops.get(at.checked_sub(1)?)? {
        Op::Class(class) | Op::Run { class, min: 1.., .. } => program.classes.get(usize::from(class)).copied(),
        _ => None,
    }
}

/// Whether every match has one of `keywords` in it.
pub fn keyed(program: &Program, keywords: &[String]) -> bool {
    let holds = |lead: &Lead| {
        let text = lead.bytes.to_ascii_lowercase();
        keywords.iter().any(|word| text.windows(word.len().max(1)).any(|part| part == word.as_bytes()))
    };
    cuts(program).into_iter().any(|(at, _, _)| spell(program, at).is_some_and(|leads| leads.iter().all(holds)))
}

/// A keyword, in any case.
fn lead_of(keyword: &str) -> Lead {
    let bytes = keyword.to_ascii_lowercase().into_bytes();
    let masks: Vec<u8> = bytes.iter().map(|byte| if byte.is_ascii_lowercase() { 0x20 } else { 0 }).collect();
    let (before, edge) = (Class::ALL, true);
    Lead {
        bytes: bytes.into(),
        masks: masks.into(),
        after: Class::default(),
        count: 0,
        before,
        edge,
        place: 0,

        grams: Cow::Borrowed(&[]),
    }
}

/// The steps that every match passes, with the least and the most bytes before each.
fn cuts(program: &Program) -> Vec<(usize, usize, usize)> {
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; program.ops.len() + 1];
    let mut found = Vec::new();
    let mut furthest = 0;
    if let Some(first) = spans.first_mut() {
        *first = Some((0, 0));
    }
    for (at, op) in program.ops.iter().enumerate() {
        let Some((least, most)) = spans.get(at).copied().flatten() else { continue };
        if furthest <= at && most - least <= VARIES {
            found.push((at, least, most));
        }
        let next = at + 1;
        let (bytes, to) = match *op {
            Op::Byte(_) | Op::Class(_) => ((1, 1), [next, next]),
            Op::Text { len, .. } => ((len, len), [next, next]),
            Op::Run { min, max, .. } | Op::Opaque { min, max } => ((min, max), [next, next]),
            Op::Split { first, second } | Op::Fork { first, second, .. } => ((0, 0), [first.into(), second.into()]),
            Op::Jump(place) => ((0, 0), [place.into(), place.into()]),
            Op::Match => break,
            Op::Begin | Op::End | Op::Word | Op::NoWord | Op::First | Op::Last => ((0, 0), [next, next]),
        };
        for place in to {
            furthest = furthest.max(place);
            if let Some(span) = spans.get_mut(place) {
                let new = (least + usize::from(bytes.0), most + usize::from(bytes.1));
                *span = Some(span.map_or(new, |old| (old.0.min(new.0), old.1.max(new.1))));
            }
        }
    }
    found
}

/// What every way from the step `from` spells; `None` when one spells too little or there are too many.
fn spell(program: &Program, from: usize) -> Option<Vec<Lead>> {
    [LONGEST, 12, 8, 6, 4, SHORTEST].iter().find_map(|longest| {
        let leads = ways(program, from, *longest)?;
        leads.iter().all(|lead| lead.bytes.len() >= SHORTEST).then(|| without_longer(leads))
    })
}

/// A way through the steps, as far as it has come.
#[derive(Clone, Default)]
struct Way {
    at: usize,
    bytes: Vec<u8>,
    masks: Vec<u8>,
    word: bool,
}

impl Way {
    fn push(&mut self, (byte, mask): (u8, u8)) {
        self.bytes.push(byte);
        self.masks.push(mask);
    }

    /// The way as a lead, with what must come after it.
    fn end(self, class: Class, count: u16) -> Lead {
        let word = self.word && self.bytes.first().is_some_and(|byte| Class::word().has(*byte));
        let before = if word { Class::word().but() } else { Class::ALL };
        let count = u8::try_from(count.min(AFTER)).unwrap_or_default();
        Lead {
            bytes: self.bytes.into(),
            masks: self.masks.into(),
            after: class,
            count,
            before,
            edge: true,
            place: 0,

            grams: Cow::Borrowed(&[]),
        }
    }
}

/// Every way from `from`, of at most `longest` bytes; `None` when there are more than [`MOST`].
fn ways(program: &Program, from: usize, longest: usize) -> Option<Vec<Lead>> {
    let mut open = vec![Way { at: from, ..Way::default() }];
    let mut done = Vec::new();
    let class = |at: u16| program.classes.get(usize::from(at)).copied().unwrap_or(Class::ALL);
    while let Some(mut way) = open.pop() {
        if open.len() + done.len() > MOST {
            return None;
        }
        if way.bytes.len() >= longest {
            done.push(way.end(Class::default(), 0));
            continue;
        }
        let at = way.at;
        way.at += 1;
        // A class is followed by its members while the way is short, and by a few at any length.
        let few = if way.bytes.len() < SHORTEST + 1 { 10 } else { 4 };
        match *program.ops.get(at)? {
            Op::Byte(byte) => {
                way.push((byte, 0));
                open.push(way);
            }
            Op::Text { at, len } => {
                let text = program.text.get(usize::from(at)..usize::from(at) + usize::from(len))?;
                let room = longest - way.bytes.len();
                text.iter().take(room).for_each(|byte| way.push((*byte, 0)));
                open.push(way);
            }
            Op::Class(one) => match members(&class(one), few) {
                None => done.push(way.end(class(one), 1)),
                Some(members) => open.extend(members.into_iter().map(|member| {
                    let mut way = way.clone();
                    way.push(member);
                    way
                })),
            },
            Op::Run { class: one, min: 0, max: 1, .. } => match members(&class(one), 4) {
                None => done.push(way.end(Class::default(), 0)),
                Some(members) => {
                    open.extend(members.into_iter().map(|member| {
                        let mut way = way.clone();
                        way.push(member);
                        way
                    }));
                    open.push(way);
                }
            },
            Op::Run { class: one, min, max, .. } => match members(&class(one), 1).as_deref() {
                Some([member]) if min > 0 => {
                    (0..min).for_each(|_| way.push(*member));
                    if min == max {
                        open.push(way);
                    } else {
                        done.push(way.end(Class::default(), 0));
                    }
                }
                _ => done.push(way.end(class(one), min)),
            },
            Op::Split { first, second } | Op::Fork { first, second, .. } => {
                for place in [first, second] {
                    open.push(Way { at: place.into(), ..way.clone() });
                }
            }
            Op::Jump(place) => open.push(Way { at: place.into(), ..way }),
            Op::Word => {
                way.word |= way.bytes.is_empty();
                open.push(way);
            }
            Op::Begin | Op::End | Op::NoWord | Op::First => open.push(way),
            Op::Last | Op::Opaque { .. } | Op::Match => done.push(way.end(Class::default(), 0)),
        }
    }
    Some(done)
}

/// The bytes of a class with their masks, when there are at most `most`: a letter in both cases is one.
fn members(class: &Class, most: usize) -> Option<Vec<(u8, u8)>> {
    let both = |byte: u8| byte.is_ascii_alphabetic() && class.has(byte ^ 0x20);
    let once = class.bytes().filter(|byte| !(both(*byte) && byte.is_ascii_uppercase()));
    let members: Vec<(u8, u8)> = once.map(|byte| (byte, if both(byte) { 0x20 } else { 0 })).take(most + 1).collect();
    (members.len() <= most).then_some(members)
}

/// Without the leads that begin with another one, which is found where they are.
fn without_longer(mut leads: Vec<Lead>) -> Vec<Lead> {
    leads.sort_by(|a, b| (a.bytes.len(), &a.bytes, &a.masks).cmp(&(b.bytes.len(), &b.bytes, &b.masks)));
    let mut kept: Vec<Lead> = Vec::with_capacity(leads.len());
    for lead in leads {
        let starts = |one: &Lead| lead.bytes.starts_with(&one.bytes) && lead.masks.starts_with(&one.masks);
        match kept.iter_mut().find(|one| starts(one)) {
            // What only one of the two needs is not needed.
            Some(one) if *one != lead => {
                one.count =
                    if one.bytes == lead.bytes && one.after == lead.after { one.count.min(lead.count) } else { 0 };
                one.before = one.before.or(&lead.before);
                one.edge |= lead.edge;
            }
            Some(_) => {}
            None => kept.push(lead),
        }
    }
    kept
}

/// What leads cost at every byte of text, in arbitrary units: how often they are met, times what each then costs.
fn cost(leads: &[Lead], each: f64) -> f64 {
    leads.iter().map(|lead| seen(lead) * each).sum()
}

/// About how many of the places in source text have this literal, as far as what follows it lets it be taken for one.
fn seen(lead: &Lead) -> f64 {
    let text = lead.bytes.to_ascii_lowercase();
    let (mut rest, mut share) = (text.clone(), 1.0);
    for (word, seen) in COMMON {
        while let Some(at) = rest.windows(word.len()).position(|part| part == word.as_bytes()) {
            // A word that people use a lot comes with its like.
            share *= if share < 1.0 { 0.3 } else { *seen };
            rest.drain(at..at + word.len());
        }
    }
    let other = rest.iter().map(|byte| if matches!(byte, b'_' | b'-' | b' ') { 0.3 } else { 0.03 }).product::<f64>();
    let words = if share < 1.0 { share * other } else { 0.0 };
    let after = match lead.count {
        0 => 1.0,
        _ => lead.after.bytes().filter(u8::is_ascii_graphic).count() as f64 / 94.0,
    };
    (often(&text).max(words) * after).max(RAREST)
}

/// No literal is taken to be rarer than this: a text is about something.
const RAREST: f64 = 1e-10;
/// Nor a keyword than this: a text that names a provider names it often.
const RARE_WORD: f64 = 1e-6;

/// Words that text about programs and accounts is full of, and how many of its places have them.
const COMMON: &[(&str, f64)] = &[
    ("account", 1e-4),
    ("password", 1e-4),
    ("secret", 2e-4),
    ("access", 2e-4),
    ("client", 3e-4),
    ("server", 3e-4),
    ("token", 3e-4),
    ("https", 3e-4),
    ("http", 3e-4),
    ("auth", 3e-4),
    ("user", 4e-4),
    ("name", 8e-4),
    ("test", 8e-4),
    ("type", 6e-4),
    ("app", 6e-4),
    ("api", 5e-4),
    ("key", 6e-4),
    ("://", 5e-4),
];
