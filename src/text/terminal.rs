//! Text from outside (paths, commit messages, authors, answers) made safe to print.

/// `bytes` as text for a terminal or a log line: control characters, escape sequences and bidirectional overrides are
/// shown as `\x1b`-like escapes, bytes that are not UTF-8 as `\xNN`. Nothing in the result moves a cursor.
pub fn printable(bytes: &[u8]) -> String {
    // Nearly every text is plain as a whole, and all of its bytes are asked at once.
    let plain = bytes.iter().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~'));
    if let (true, Ok(text)) = (plain, std::str::from_utf8(bytes)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        loop {
            // Nearly all of nearly every text: no need to look at its characters one by one.
            let plain = rest.bytes().position(|byte| !matches!(byte, b' '..=b'~')).unwrap_or(rest.len());
            let (plain, others) = rest.split_at(plain);
            out.push_str(plain);
            let mut chars = others.chars();
            let Some(c) = chars.next() else { break };
            rest = chars.as_str();
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if is_unsafe(c) && (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
                c if is_unsafe(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// `text` cut to at most `width` characters, the last of them `…` when something was cut.
pub fn ellipsis(text: &str, width: usize) -> String {
    if text.len() <= width || text.chars().count() <= width {
        return text.to_owned();
    }
    let last = width.saturating_sub(1);
    let end = if text.is_ascii() { Some(last) } else { text.char_indices().nth(last).map(|(at, _)| at) };
    let end = end.unwrap_or(text.len());
    text.get(..end).unwrap_or_default().to_owned() + "…"
}

/// Control characters, and the marks that reorder or hide what follows (Unicode TR 9, "Trojan Source").
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor() {
        assert_eq!(printable(b"a\x1b[2Jb\n\xff"), "a\\x1b[2Jb\\n\\xff");
        assert_eq!(printable("x\u{202e}y é".as_bytes()), "x\\u{202e}y é");
    }

    #[test]
    fn cuts_by_characters() {
        assert_eq!(ellipsis("éééé", 3), "éé…");
        assert_eq!(ellipsis("abc", 3), "abc");
    }
}
