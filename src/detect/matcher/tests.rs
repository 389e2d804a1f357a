//! The fast way and the plain one find the same, whole or near what is new.

use super::*;
use crate::catalog;
use crate::rule::RuleSet;
use crate::rule::example::{Recipe, seed};
use crate::rule::options;
use std::sync::LazyLock;

static RULES: LazyLock<RuleSet> = LazyLock::new(|| RuleSet::load(&[]).unwrap_or_else(|e| panic!("\n{e}")));
static FAST: LazyLock<Matcher> = LazyLock::new(|| Matcher::new(RULES.rules()));
static PLAIN: LazyLock<Matcher> = LazyLock::new(|| Matcher::plain(RULES.rules()));

/// Every example of the built-in rules, made.
static EXAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut made = Vec::new();
    for file in catalog::builtin() {
        for one in options::examples(&file.parse().unwrap()) {
            let seed = seed(&one.rule, one.matches, one.index);
            made.push(Recipe::parse(one.recipe).unwrap().make(seed).into_bytes());
        }
    }
    made
});

/// Numbers without rhyme, the same at every run (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % end as u64) as usize
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len())]
    }
}

/// Text made of what rules look for: examples, pieces of them, keywords, leads, and bytes that stand at ends.
fn text(chance: &mut Chance) -> Vec<u8> {
    let mut text = Vec::new();
    for _ in 0..1 + chance.below(12) {
        let rule = chance.pick(RULES.rules());
        match chance.below(8) {
            0 | 1 => text.extend_from_slice(chance.pick::<Vec<u8>>(&EXAMPLES)),
            2 | 3 => {
                // A piece of an example, with a byte of it changed.
                let example = chance.pick::<Vec<u8>>(&EXAMPLES);
                let from = chance.below(example.len());
                let to = from + chance.below(example.len() - from) + 1;
                let at = text.len();
                text.extend_from_slice(&example[from..to]);
                let place = at + chance.below(text.len() - at);
                text[place] = *chance.pick(b"aZ0_-.:=@/ \n\xff\0'");
            }
            4 => text.extend_from_slice(chance.pick(&rule.keywords).as_bytes()),
            5 => text.extend_from_slice(&chance.pick(&rule.digest.leads).bytes.to_ascii_uppercase()),
            6 => {
                let byte = *chance.pick(b"aA0_-\n /=");
                text.extend(std::iter::repeat_n(byte, chance.below(150)));
            }
            _ => (0..chance.below(60)).for_each(|_| text.push(u8::try_from(chance.below(256)).unwrap())),
        }
        text.extend_from_slice(chance.pick::<&[u8]>(&[&b""[..], b"", b" ", b"\n", b"=", b"\"", b"-", b"://", b": "]));
    }
    text
}

fn found(matcher: &Matcher, view: &[u8], near: Option<&[Range<usize>]>) -> (Vec<Found>, Tally) {
    let (mut anchors, mut found) = (Vec::new(), Vec::new());
    matcher.anchors(view, 0..view.len(), &mut anchors);
    let tally = matcher.candidates(view, &anchors, near, &mut found);
    (found, tally)
}

fn same(view: &[u8]) {
    let (fast, plain) = (found(&FAST, view, None), found(&PLAIN, view, None));
    let name = |one: &Found| (RULES.rules()[usize::from(one.rule)].id.as_str(), one.whole.clone(), one.secret.clone());
    let names = |all: &[Found]| all.iter().map(name).map(|one| format!("{one:?}")).collect::<Vec<_>>();
    assert_eq!(names(&fast.0), names(&plain.0), "{:?}", String::from_utf8_lossy(view));
    assert_eq!(fast.1, plain.1);
    let (mut anchors, mut promising) = (Vec::new(), Vec::new());
    FAST.promising(view, &mut anchors);
    let tally = FAST.candidates(view, &anchors, None, &mut promising);
    assert_eq!((names(&promising), tally), (names(&fast.0), fast.1), "{:?}", String::from_utf8_lossy(view));
}

#[test]
fn fast_is_plain_on_examples() {
    for example in EXAMPLES.iter() {
        same(example);
        same(&example.to_ascii_uppercase());
        same(&[b"x", example.as_slice(), b"x", example.as_slice()].concat());
        // Begun over and over: what is remembered of one start must not mislead the next.
        let begun = &example[..example.len() - 1 - example.len() / 8];
        same(&[begun, begun, &begun[begun.len() / 2..], example.as_slice(), begun].concat());
    }
}

#[test]
fn fast_is_plain_on_random_text() {
    let mut chance = Chance(7);
    for _ in 0..3000 {
        same(&text(&mut chance));
    }
}

#[test]
fn gates_are_open_wherever_something_matches() {
    let mut chance = Chance(11);
    for _ in 0..300 {
        let mut view = Vec::new();
        for _ in 0..4 {
            view.extend((0..chance.below(1200)).map(|at| b"of words. "[at % 10]));
            view.extend(text(&mut chance));
        }
        same(&view);
    }
}

#[test]
fn near_is_the_whole_answer_near_these() {
    let mut chance = Chance(8);
    for _ in 0..400 {
        let view = [text(&mut chance), text(&mut chance), text(&mut chance)].concat();
        let start = chance.below(view.len());
        let near: Vec<_> = std::iter::once(start..start + chance.below(view.len() - start)).collect();
        for matcher in [&*FAST, &*PLAIN] {
            let mut want = found(matcher, &view, None).0;
            want.retain(|one| {
                let reach = matcher.reach(one.rule.into());
                let from = (one.whole.start as usize).saturating_sub(reach);
                from <= near[0].end && near[0].start <= one.whole.end as usize + reach
            });
            assert_eq!(found(matcher, &view, Some(&near)).0, want);
        }
    }
}

#[test]
fn anchors_of_pieces_are_those_of_the_whole() {
    let mut chance = Chance(9);
    for _ in 0..500 {
        let view = text(&mut chance);
        for matcher in [&*FAST, &*PLAIN] {
            let mut whole = Vec::new();
            matcher.anchors(&view, 0..view.len(), &mut whole);
            let (mut pieces, mut at) = (Vec::new(), 0);
            while at < view.len() {
                let to = view.len().min(at + 1 + chance.below(90));
                matcher.anchors(&view, at..to, &mut pieces);
                at = to;
            }
            assert_eq!(pieces, whole);
        }
    }
}

#[test]
fn an_anchor_depends_on_the_margin_around_it() {
    let mut chance = Chance(10);
    for _ in 0..500 {
        let view = text(&mut chance);
        let mut anchors = Vec::new();
        FAST.anchors(&view, 0..view.len(), &mut anchors);
        let margin = FAST.margin();
        for anchor in anchors {
            let start = (anchor.start as usize).saturating_sub(margin);
            let end = view.len().min(anchor.start as usize + margin);
            let mut again = Vec::new();
            let own = anchor.start as usize - start;
            FAST.anchors(&view[start..end], own..own + 1, &mut again);
            let same = |one: &Anchor| one.word == anchor.word && one.start as usize == own;
            assert!(again.iter().any(same), "{anchor:?}");
        }
    }
}

#[test]
fn a_flood_is_cut_off_and_told() {
    let token = Recipe::parse("{{ \"ghp_\" }}{{ alnum(36) }} ").unwrap().make(1);
    let view = token.repeat(MOST_MATCHES as usize + 10).into_bytes();
    let (fast, plain) = (found(&FAST, &view, None), found(&PLAIN, &view, None));
    let rule = RULES.rules().iter().position(|rule| rule.id == "github-pat-classic").unwrap();
    assert_eq!(fast.1, Tally { most: MOST_MATCHES, floods: vec![u16::try_from(rule).unwrap()] });
    assert!(fast == plain);
    assert_eq!(fast.0.iter().filter(|one| usize::from(one.rule) == rule).count(), MOST_MATCHES as usize);
}

/// Text as programs, their settings and their logs have it, without a secret: the words that rules are about are in it.
fn common_text() -> String {
    const WORDS: &[&str] = &[
        "self",
        "return",
        "let",
        "value",
        "result",
        "config",
        "client",
        "server",
        "request",
        "response",
        "token",
        "secret",
        "password",
        "user_name",
        "api_key",
        "access",
        "account",
        "storage",
        "project",
        "index",
        "name",
        "type",
        "string",
        "error",
        "Some",
        "None",
        "await",
        "async",
        "import",
        "from",
        "export",
        "default",
        "const",
        "public",
        "private",
        "key",
        "auth",
        "Authorization",
        "Bearer",
        "session",
        "cookie",
        "header",
        "github",
        "google",
        "amazon",
        "azure",
        "slack",
        "stripe",
        "https://www.acme.dev/docs/page",
        "http://localhost:8080/v1/users",
        "path/to/file",
        "test_case",
        "client_id",
        "client_secret",
        "access_token",
        "private_key",
        "0x1f2e3d4c",
        "3.14159",
        "2026-11-20T10:00:00Z",
        "127.0.0.1",
        "d41d8cd98f00b204e9800998ecf8427e",
        "segment",
        "resend",
        "notion",
        "square",
        "linear",
        "harness",
        "description",
        "function",
        "information",
        "application",
        "development",
        "production",
        "environment",
        "message",
    ];
    let mut chance = Chance(11);
    let mut text = String::new();
    while text.len() < 1_000_000 {
        text.push_str(chance.pick::<&str>(WORDS));
        text.push_str(chance.pick::<&str>(&[" ", " ", " ", ".", "(", ")", " = ", ": ", "\n", ",\n    ", "\"", "_"]));
    }
    text
}

/// A rule that is tried at more places than this in a megabyte of common text would slow every scan: look for a rarer
/// literal, or say more in its pattern (`stanch rules cost` tells what is met).
const MOST_TRIES: u64 = 20_000;

#[test]
fn no_rule_is_tried_everywhere() {
    let mut costs = vec![Cost::default(); RULES.rules().len()];
    FAST.cost(common_text().as_bytes(), &mut costs);
    let dear: Vec<_> = RULES.rules().iter().zip(&costs).filter(|(_, cost)| cost.tries > MOST_TRIES).collect();
    let dear: Vec<_> = dear.iter().map(|(rule, cost)| format!("{}: {cost:?}", rule.id)).collect();
    assert!(dear.is_empty(), "\n{}", dear.join("\n"));
    let all: u64 = costs.iter().map(|cost| cost.tries).sum();
    assert!(all < 8 * MOST_TRIES, "{all} places of all rules");
}

#[test]
fn ranges_are_joined() {
    let mut ranges = Vec::new();
    for new in [0..10, 20..30, 25..35, 50..60, 55..70, 80..90] {
        add(&mut ranges, new);
    }
    assert_eq!(ranges, [0..10, 20..35, 50..70, 80..90]);
}

#[test]
fn what_touches() {
    let ranges = [10..20, 30..30];
    for (range, want) in
        [(0..9, false), (0..10, true), (20..22, true), (21..29, false), (25..30, true), (31..40, false)]
    {
        assert_eq!(touches(&ranges, &range), want, "{range:?}");
    }
}

/// For a person who changed the matcher: `STANCH_TEXT=folder cargo test --release --lib real_text -- --ignored`.
#[test]
#[ignore = "reads all files of a folder"]
fn fast_is_plain_on_real_text() {
    let mut open = vec![std::path::PathBuf::from(std::env::var_os("STANCH_TEXT").unwrap())];
    while let Some(path) = open.pop() {
        let kind = std::fs::symlink_metadata(&path).unwrap();
        if kind.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if kind.is_file() {
            let view = std::fs::read(&path).unwrap();
            let (fast, plain) = (found(&FAST, &view, None), found(&PLAIN, &view, None));
            assert!(fast == plain, "{}", path.display());
        }
    }
}
