//! The fast way to match: the literals that a pattern spells instead of its keywords, and its steps instead of a regular
//! expression.
//!
//! A literal says where matches can start: at one place before it, or at a few. There the steps of the pattern are taken,
//! and only when there is a match and nothing says that it holds a keyword, one is looked for near it. Rules whose pattern
//! spells nothing are tried at every place near their keywords.

use super::few::Few;
use super::gates;
use super::literals::Literals;
use super::{Anchor, Bounds, Found, Taker, Tally, touches};
use crate::rule::Rule;
use crate::rule::digest::gate::LOGIN;
use crate::rule::digest::{Class, Gate, Starts};
use crate::rule::run::Scratch;
use std::ops::Range;
use std::sync::Arc;

/// The literals of all rules, and whose they are.
#[derive(Debug)]
pub struct Fast {
    literals: Literals,
    /// By literal: the rule.
    rules: Vec<u16>,
    /// Those that stand behind no gate, when there are few.
    few: Option<Few>,
}

/// Places where a rule is worth a try.
pub struct Try {
    pub rule: u16,
    pub from: usize,
    pub past: usize,
}

impl Fast {
    /// Prepares the literals of `rules`.
    pub fn new(rules: &[Arc<Rule>]) -> Fast {
        let literals = Literals::new(rules.iter().flat_map(|rule| rule.digest.leads.iter()));
        let number = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let owner = |(at, rule): (usize, &Arc<Rule>)| std::iter::repeat_n(number(at), rule.digest.leads.len());
        let leads = rules.iter().flat_map(|rule| rule.digest.leads.iter().map(|lead| (rule.digest.gate, lead)));
        let open = (0..).zip(leads).filter(|(_, (gate, _))| *gate == Gate::Open);
        let few = Few::new(open.map(|(word, (_, lead))| (word, lead)));
        Fast { literals, rules: rules.iter().enumerate().flat_map(owner).collect(), few }
    }

    /// Adds the anchors of a view, in order, but for some that lead to no match.
    pub fn promising(&self, view: &[u8], anchors: &mut Vec<Anchor>) {
        let Some(few) = &self.few else { return self.literals.anchors(view, 0..view.len(), anchors) };
        let first = anchors.len();
        few.anchors(&self.literals, view, anchors);
        for range in gates::open(view) {
            self.literals.anchors(view, range, anchors);
        }
        let mut found = anchors.split_off(first);
        found.sort_unstable();
        found.dedup();
        anchors.append(&mut found);
    }

    /// The table of literals.
    pub fn literals(&self) -> &Literals {
        &self.literals
    }

    /// See [`super::Matcher::candidates`]; may add more than what is near.
    #[expect(clippy::too_many_arguments, reason = "the matcher's own fields and its arguments")]
    pub fn candidates(
        &self,
        rules: &[Arc<Rule>],
        bounds: &[Bounds],
        view: &[u8],
        anchors: &[Anchor],
        near: Option<&[Range<usize>]>,
        tally: &mut Tally,
        found: &mut Vec<Found>,
    ) {
        let mut tries = self.tries(rules, bounds, view, anchors, near);
        let mut scratch = Scratch::default();
        for (at, rule, places) in by_rule(rules, view, &mut tries) {
            let Some(bounds) = bounds.get(at) else { continue };
            let keyed = rule.digest.keyed || rule.digest.starts == Starts::Near;
            let mut taker = Taker::new(at, tally, found);
            scratch.forget();
            for start in places {
                let Some((end, secret)) = rule.pattern.match_at(&rule.digest, view, start, &mut scratch) else {
                    continue;
                };
                if (keyed || near_keyword(rule, bounds, view, start)) && !taker.take(&(start..end), &secret) {
                    break;
                }
            }
        }
    }

    /// How many places each rule is tried at, each place once.
    pub fn tried(rules: &[Arc<Rule>], view: &[u8], mut tries: Vec<Try>) -> Vec<(usize, u64)> {
        by_rule(rules, view, &mut tries).map(|(at, _, places)| (at, places.count() as u64)).collect()
    }

    /// The places to try, one range for each anchor.
    pub fn tries(
        &self,
        rules: &[Arc<Rule>],
        bounds: &[Bounds],
        view: &[u8],
        anchors: &[Anchor],
        near: Option<&[Range<usize>]>,
    ) -> Vec<Try> {
        let mut tries = Vec::with_capacity(anchors.len());
        for anchor in anchors {
            let (start, end) = (anchor.start as usize, anchor.end as usize);
            let Some(rule) = self.rules.get(anchor.word as usize).copied() else { continue };
            let at = usize::from(rule);
            let (Some(whose), Some(bounds)) = (rules.get(at), bounds.get(at)) else { continue };
            if near.is_some_and(|near| !touches(near, &bounds.tried(start..end))) {
                continue;
            }
            let (from, past) = match whose.digest.starts {
                Starts::Before { least, most } => match start.checked_sub(usize::from(least)) {
                    Some(last) => (start.saturating_sub(usize::from(most)), last + 1),
                    None => continue,
                },
                Starts::Near => (start.saturating_sub(bounds.near), (end + bounds.near).min(view.len())),
            };
            if is_open(whose.digest.gate, view, start, from..past.saturating_add(bounds.longest)) {
                tries.push(Try { rule, from, past });
            }
        }
        tries
    }
}

/// Each rule that has tries, with the places where a match may begin, each once and in order.
fn by_rule<'t>(
    rules: &'t [Arc<Rule>],
    view: &'t [u8],
    tries: &'t mut [Try],
) -> impl Iterator<Item = (usize, &'t Arc<Rule>, impl Iterator<Item = usize> + 't)> {
    tries.sort_unstable_by_key(|one| (one.rule, one.from));
    tries.chunk_by(|a, b| a.rule == b.rule).filter_map(move |tries| {
        let at = usize::from(tries.first()?.rule);
        let rule = rules.get(at)?;
        let mut next = 0;
        let ranges = tries.iter().map(move |one| {
            let range = next.max(one.from)..one.past;
            next = next.max(one.past);
            range
        });
        let begins = |start: &usize| view.get(*start).is_some_and(|byte| rule.digest.program.first.has(*byte));
        Some((at, rule, ranges.flatten().filter(begins)))
    })
}

/// Whether what the gate of a lead at `start` asks for stands near it, in `reach`, where all matches lie that it may lead to.
fn is_open(gate: Gate, view: &[u8], start: usize, reach: Range<usize>) -> bool {
    let within = |from: usize, past: usize| {
        view.get(from.max(reach.start)..past.min(reach.end).min(view.len())).unwrap_or_default()
    };
    match (gate, gate.run()) {
        (_, Some(run)) => {
            let first = start.saturating_sub(run.before + run.least);
            has_row(&run.class, run.least, within(first, start + run.after + 1))
        }
        (Gate::Login, None) => memchr::memchr(b'@', within(start, start + LOGIN + 1)).is_some(),
        (_, None) => true,
    }
}

/// Whether so many bytes of the class stand in a row: looked at from the last of them backward, so that most are not.
fn has_row(class: &Class, least: usize, bytes: &[u8]) -> bool {
    let mut last = least.saturating_sub(1);
    while last < bytes.len() {
        let row = bytes.get((last + 1).saturating_sub(least)..=last).unwrap_or_default();
        match row.iter().rposition(|byte| !class.has(*byte)) {
            // No row holds that byte.
            Some(at) => last += at + 1,
            None => return true,
        }
    }
    false
}

/// Whether a keyword of the rule stands so that a match may start at `start`.
fn near_keyword(rule: &Rule, bounds: &Bounds, view: &[u8], start: usize) -> bool {
    rule.keywords.iter().any(|word| {
        let word = word.as_bytes();
        let from = (start + 1).saturating_sub(bounds.near + word.len());
        let to = view.len().min(start + bounds.near + word.len());
        let Some((first, rest)) = word.split_first() else { return false };
        let around = view.get(from..to).unwrap_or_default();
        let ends = around.len().saturating_sub(rest.len());
        let heads = around.get(..ends).unwrap_or_default().iter().enumerate();
        heads
            .filter(|(_, byte)| byte.eq_ignore_ascii_case(first))
            .any(|(at, _)| around.get(at + 1..at + word.len()).is_some_and(|tail| tail.eq_ignore_ascii_case(rest)))
    })
}
