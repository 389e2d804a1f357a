//! A page of plain text: labels at the left, text beside them, wrapped; colour only where it was asked for.

use crate::text::terminal::ellipsis;

/// Columns before the label.
const INDENT: usize = 3;
/// Columns of the label with the space after it.
const LABEL: usize = 10;
/// No text is wrapped narrower than this, however narrow the terminal.
const NARROWEST: usize = 30;

/// How something is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// It is wrong.
    Bad,
    /// It may be wrong.
    Warn,
    /// It is fine.
    Good,
    /// It is bold.
    Plain,
    /// It stands back.
    Dim,
    /// It can be typed.
    Command,
}

impl Style {
    /// The parameters of the SGR escape sequence (ECMA-48).
    fn code(self) -> &'static str {
        match self {
            Style::Bad => "31;1",
            Style::Warn => "33;1",
            Style::Good => "32;1",
            Style::Plain => "1",
            Style::Dim => "2",
            Style::Command => "36",
        }
    }
}

/// A page being written.
pub struct Page {
    out: String,
    width: usize,
    color: bool,
}

impl Page {
    /// An empty page.
    pub fn new(width: usize, color: bool) -> Page {
        Page { out: String::new(), width: width.max(INDENT + LABEL + NARROWEST), color }
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.out.push('\n');
    }

    /// A line of its own, at the margin.
    pub fn heading(&mut self, style: Style, text: &str) {
        let painted = self.paint(style, text);
        self.push(&painted);
    }

    /// A heading with something at its right edge, or below it when both do not fit.
    pub fn title(&mut self, style: Style, text: &str, beside: &str) {
        let used = text.chars().count() + beside.chars().count();
        self.out.push_str(&self.paint(style, text));
        match self.width.checked_sub(used + 2) {
            Some(room) => self.push(&format!("  {}{beside}", " ".repeat(room))),
            None => self.push(&format!("\n{}{beside}", " ".repeat(INDENT))),
        }
    }

    /// A label and text, wrapped between words.
    pub fn row(&mut self, label: &str, text: &str) {
        self.wrapped(label, text, None);
    }

    /// The same, to be noticed.
    pub fn strong_row(&mut self, label: &str, text: &str) {
        self.wrapped(label, text, Some(Style::Warn));
    }

    /// A label and text that stays on one line, so that it can be clicked or copied.
    pub fn line(&mut self, label: &str, text: &str) {
        let margin = self.margin(label);
        self.push(&format!("{margin}{text}"));
    }

    /// The same with something beside it, or below it when both do not fit.
    pub fn line_with(&mut self, label: &str, text: &str, beside: &str) {
        let width = INDENT + LABEL + text.chars().count() + 1 + beside.chars().count();
        match width <= self.width {
            true => self.line(label, &format!("{text} {beside}")),
            false => {
                self.line(label, text);
                self.line("", beside);
            }
        }
    }

    /// A label and a command to type.
    pub fn command(&mut self, label: &str, text: &str) {
        let command = self.paint(Style::Command, text);
        self.line(label, &command);
    }

    /// A line of somebody else's text, indented and cut at the edge.
    pub fn quote(&mut self, text: &str) {
        let text = ellipsis(text, self.width.saturating_sub(INDENT + LABEL + 2));
        let text = self.paint(Style::Dim, &text);
        self.push(&format!("{}{text}", " ".repeat(INDENT + LABEL + 2)));
    }

    /// The page as bytes.
    pub fn finish(self) -> Vec<u8> {
        self.out.into_bytes()
    }

    fn wrapped(&mut self, label: &str, text: &str, style: Option<Style>) {
        let room = self.width - INDENT - LABEL;
        for (at, line) in wrap(text, room).iter().enumerate() {
            let margin = self.margin(if at == 0 { label } else { "" });
            let line = style.map(|style| self.paint(style, line)).unwrap_or_else(|| line.clone());
            self.push(&format!("{margin}{line}"));
        }
    }

    fn margin(&self, label: &str) -> String {
        let indent = " ".repeat(INDENT);
        let room = " ".repeat(LABEL.saturating_sub(label.chars().count()));
        format!("{indent}{}{room}", self.paint(Style::Dim, label))
    }

    fn paint(&self, style: Style, text: &str) -> String {
        match self.color && !text.is_empty() {
            true => format!("\x1b[{}m{text}\x1b[0m", style.code()),
            false => text.to_owned(),
        }
    }

    fn push(&mut self, line: &str) {
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}

/// `text` in lines of at most `width` characters, broken between words; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrap("a looooooong b", 4), ["a", "looooooong", "b"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn no_escape_without_colour() {
        for color in [false, true] {
            let mut page = Page::new(80, color);
            page.title(Style::Bad, "1. Key", "abcd…(40)");
            page.row("sure", "high");
            page.command("next", "stanch respond");
            let text = String::from_utf8(page.finish()).unwrap();
            assert_eq!(text.contains('\x1b'), color, "{text}");
            let first = text.lines().next().unwrap();
            let bare = first.replace("\x1b[31;1m", "").replace("\x1b[0m", "");
            assert_eq!(bare.chars().count(), 80, "{bare}");
        }
    }
}
