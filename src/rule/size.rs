//! How big an automaton a pattern makes, told by its syntax tree: to know without making it that it can be made.
//!
//! A compiler of automata writes bounded repeats out and makes a state or a few of everything else; so do the sums here, with
//! more bytes for each than it takes.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Bytes of a state, with what the compiler has beside it.
const STATE: usize = 96;
/// Bytes of a range of bytes in a state.
const RANGE: usize = 16;
/// States of a range of characters: those of up to four bytes, and parts of ranges that end within one.
const CHARACTERS: usize = 16;

/// Bytes of an automaton without states.
const FRAME: usize = 4096;

/// At most so many bytes does the automaton of `hir` take.
pub fn most(hir: &Hir) -> usize {
    FRAME.saturating_add(states(hir))
}

/// The bytes of its states.
fn states(hir: &Hir) -> usize {
    let of = |count: usize| count.saturating_mul(STATE);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => of(1),
        HirKind::Literal(literal) => of(literal.0.len()),
        HirKind::Class(Class::Bytes(class)) => STATE + class.ranges().len() * RANGE,
        HirKind::Class(Class::Unicode(class)) => of(class.ranges().len().saturating_mul(CHARACTERS) + 1),
        HirKind::Repetition(repetition) => {
            let copies = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1) as usize;
            states(&repetition.sub).saturating_add(of(2)).saturating_mul(copies)
        }
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(of(2)),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => {
            subs.iter().fold(of(2), |sum, sub| sum.saturating_add(states(sub)).saturating_add(RANGE))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleSet;
    use regex_automata::nfa::thompson::{NFA, WhichCaptures};
    use regex_syntax::ParserBuilder;

    fn check(pattern: &str) {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).unwrap();
        for reverse in [false, true] {
            let captures = if reverse { WhichCaptures::None } else { WhichCaptures::All };
            let config = NFA::config().utf8(false).reverse(reverse).which_captures(captures);
            let made = NFA::compiler().configure(config).build_from_hir(&hir).unwrap();
            assert!(made.memory_usage() <= most(&hir), "{pattern}: {} of {}", made.memory_usage(), most(&hir));
        }
    }

    #[test]
    fn no_automaton_is_bigger() {
        for pattern in [
            "a",
            "(?:)",
            "abc|abd|x",
            "[a-z]{1,64}",
            "(?:ab?c){0,9}",
            "(?i:token)[0-9a-f]{16}",
            "(a|b|c)*x+?",
            r"\bx\b",
            "^$",
            "(?u:\\pL)",
            "(?u:.)",
            "(?u:[^a])",
            "é{3}",
            "(?:(?:a{10}b?){10}|c){10}",
            "((((a))))",
            "(?s-u:.)",
            "[a-z]*",
            "(?:a|b|c|d|e|f|aa|bb|cc){3,}",
            "(?u:(?i)k)",
            "(?u:[\\u{80}-\\u{10FFFF}]{4})",
        ] {
            check(pattern);
        }
        let rules = RuleSet::load(&[]).unwrap();
        rules.rules().iter().for_each(|rule| check(rule.pattern.source()));
    }
}
