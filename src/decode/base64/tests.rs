//! Base64, against the crate that others use for it.

use super::*;
use ::base64::Engine;
use ::base64::engine::{GeneralPurpose, general_purpose};
use proptest::prelude::*;

fn decode_all(bytes: &[u8]) -> Vec<Chunk<'static>> {
    let mut found = Vec::new();
    views(bytes, 0..bytes.len(), &mut |view| found.push(view));
    found
}

#[test]
fn spans_come_back() {
    let secret = "user=admin\npassword=correct horse battery staple?>~";
    for engine in [general_purpose::STANDARD, general_purpose::URL_SAFE, general_purpose::STANDARD_NO_PAD] {
        let code = engine.encode(secret);
        let blob = format!("data:\n  secret: \"{code}\"\n");
        let chunks = decode_all(blob.as_bytes());
        assert_eq!(chunks.len(), 1);
        let view = &chunks[0];
        assert_eq!(view.bytes, secret.as_bytes());
        let start = blob.find(&code).unwrap();
        assert_eq!(view.span(&(0..secret.len())), start..start + code.trim_end_matches('=').len());
        for at in 0..secret.len() - 3 {
            let there = view.span(&(at..at + 3));
            let aligned = start + (there.start - start) / 4 * 4;
            let code = &blob.as_bytes()[aligned..(there.end - start).div_ceil(4) * 4 + start];
            let back = engine.decode(code).unwrap();
            let text = std::str::from_utf8(&back).unwrap();
            assert!(text.contains(&secret[at..at + 3]), "{at}: {text}");
        }
    }
}

#[test]
fn wrapped_lines_are_one_view() {
    let secret = "0123456789 abcdefghij ".repeat(10);
    let code = general_purpose::STANDARD.encode(&secret);
    let wrapped: Vec<&str> = code.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    for end in ["\n", "\r\n"] {
        let blob = wrapped.join(end);
        let chunks = decode_all(blob.as_bytes());
        assert_eq!(chunks.len(), 1);
        assert_eq!(chunks[0].bytes, secret.as_bytes());
        assert_eq!(chunks[0].span(&(0..secret.len())), 0..blob.trim_end_matches('=').len());
    }
}

#[test]
fn what_is_no_text_is_no_view() {
    assert!(decode_all("0123456789abcdef0123456789abcdef01234567 short aGVsbG8= words".as_bytes()).is_empty());
}

/// What the crate says of one line of digits.
fn oracle(line: &str) -> Option<Vec<u8>> {
    let config = ::base64::engine::GeneralPurposeConfig::new()
        .with_decode_padding_mode(::base64::engine::DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let line = if line.len() % 4 == 1 { &line[..line.len() - 1] } else { line };
    let alphabet =
        if line.contains(['-', '_']) { &::base64::alphabet::URL_SAFE } else { &::base64::alphabet::STANDARD };
    let text = GeneralPurpose::new(alphabet, config).decode(line).ok()?;
    let printable = text.iter().filter(|b| matches!(b, b' '..=b'~' | b'\t' | b'\r' | b'\n')).count();
    (printable * 10 >= text.len() * 9).then_some(text)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn one_line_is_decoded_as_others_do(text in "([ -~]|[\\n\\x00é]){15,90}", url in any::<bool>(), cut in 0..3usize) {
        let engine = if url { &general_purpose::URL_SAFE_NO_PAD } else { &general_purpose::STANDARD_NO_PAD };
        let line = engine.encode(text);
        let line = &line[..line.len() - cut];
        prop_assume!(line.len() >= FEWEST);
        let mut text = Vec::new();
        decode(line.as_bytes(), &mut text);
        prop_assert_eq!(is_text(line.as_bytes()).then_some(text), oracle(line));
        let views: Vec<Vec<u8>> = decode_all(line.as_bytes()).into_iter().map(|view| view.bytes.to_vec()).collect();
        prop_assert_eq!(views, Vec::from_iter(oracle(line)));
    }

    #[test]
    fn what_lies_around_a_change_cuts_no_block(
        lines in prop::collection::vec((0..90usize, prop_oneof![Just("\n"), Just("\r\n"), Just("=\n"), Just(" ")]), 0..20),
        at in any::<prop::sample::Index>(),
        length in 0..100usize,
    ) {
        let text: String = lines.iter().map(|(digits, end)| "ab+/".repeat(digits / 4 + 1) + end).collect();
        let start = at.index(text.len() + 1);
        let range = start..text.len().min(start + length);
        let around = around(text.as_bytes(), range.clone());
        let blocks = |range: Range<usize>| {
            let mut found = Vec::new();
            let mut above = 0..0;
            for run in Runs::new(&text.as_bytes()[..range.end], range.start) {
                if above.len() < WRAPPED || line_below(text.as_bytes(), above.end) != Some(run.start) {
                    found.push(run.start..block_end(text.as_bytes(), run.end));
                }
                above = run;
            }
            found
        };
        let near = range.start.saturating_sub(MARGIN)..range.end + MARGIN;
        let all = blocks(0..text.len());
        let some = blocks(around.clone());
        for block in &all {
            let inside = around.start <= block.start && block.end <= around.end;
            let outside = block.end <= around.start || around.end <= block.start;
            prop_assert!(inside || outside, "{block:?} is cut by {around:?}");
            let touched = block.start <= near.end && near.start <= block.end;
            prop_assert!(inside || !touched, "{block:?} near {range:?} lies out of {around:?}");
            prop_assert_eq!(some.contains(block), inside);
        }
    }
}

/// One long line is decoded where nobody knows its first digit.
#[test]
fn a_long_run_may_be_cut_anywhere() {
    let secret = "  key = 'something to be found, wherever it is looked for'\n".repeat(400);
    let code = general_purpose::STANDARD_NO_PAD.encode(&secret);
    assert!(code.len() > 2 * LONG);
    for cut in 0..9 {
        let blob = &code.as_bytes()[cut..];
        let chunks = decode_all(blob);
        assert_eq!(chunks.len(), 1, "{cut}");
        let lost = secret.len() - chunks[0].bytes.len();
        assert!(lost < 12 && secret.as_bytes().ends_with(&chunks[0].bytes), "{cut}: {lost}");
        let all = 0..chunks[0].bytes.len();
        assert_eq!(chunks[0].span(&all).end, blob.len());
    }
    let image = general_purpose::STANDARD
        .encode((0..60_000u32).flat_map(|at| (at.wrapping_mul(2_654_435_761) >> 7).to_le_bytes()).collect::<Vec<_>>());
    assert!(decode_all(image.as_bytes()).is_empty());
    let part = format!("{}{code}{image}", &image[..40_000]);
    let texts: Vec<_> = decode_all(part.as_bytes()).into_iter().map(|view| view.bytes.len()).collect();
    assert!(texts.len() == 1 && texts[0].abs_diff(secret.len()) < 24, "{texts:?}");
}
