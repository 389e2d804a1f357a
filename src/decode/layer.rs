//! How a view came to be: one way, and one after the other.

use std::fmt;

/// How many views may be decoded from one another.
pub const DEPTH: usize = 3;

/// How bytes were decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Layer {
    Plain,
    Utf16,
    Utf32,
    Base64,
    Hex,
    Percent,
    /// Escapes that JSON knows, and no others (RFC 8259, section 7).
    Json,
    /// Escapes of program text, such as `\x41`.
    Escapes,
    Html,
    QuotedPrintable,
}

impl Layer {
    /// What a person is told: `None` for bytes as they are.
    pub fn label(self) -> Option<&'static str> {
        Some(match self {
            Layer::Plain => return None,
            Layer::Utf16 => "UTF-16",
            Layer::Utf32 => "UTF-32",
            Layer::Base64 => "base64",
            Layer::Hex => "hex",
            Layer::Percent => "percent-encoding",
            Layer::Json => "json",
            Layer::Escapes => "escapes",
            Layer::Html => "html",
            Layer::QuotedPrintable => "quoted-printable",
        })
    }

    /// Whether this is another way to write all of a text, which is no step into what was decoded.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Layer::Plain | Layer::Utf16 | Layer::Utf32)
    }

    /// Whether only some of the bytes were decoded.
    pub(super) fn is_escape(self) -> bool {
        matches!(self, Layer::Percent | Layer::Json | Layer::Escapes | Layer::Html | Layer::QuotedPrintable)
    }
}

/// The layers that were decoded to come to a view, the outermost first. None for bytes as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layers([Option<Layer>; DEPTH + 1]);

impl Layers {
    /// The same with one more within; [`Layer::Plain`] is none, and what there is no room for is left out.
    #[must_use]
    pub fn with(mut self, layer: Layer) -> Layers {
        if let Some(free) = self.0.iter_mut().find(|one| one.is_none()).filter(|_| layer != Layer::Plain) {
            *free = Some(layer);
        }
        self
    }

    /// How many there are.
    pub fn count(self) -> usize {
        self.0.iter().flatten().count()
    }

    /// Whether the bytes were read as they are.
    pub fn is_plain(self) -> bool {
        self.count() == 0
    }

    /// What a person is told of each.
    pub fn labels(self) -> impl Iterator<Item = &'static str> {
        self.0.into_iter().flatten().filter_map(Layer::label)
    }
}

/// `base64 > json`
impl fmt::Display for Layers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, label) in self.labels().enumerate() {
            let arrow = if at == 0 { "" } else { " > " };
            write!(f, "{arrow}{label}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_from_outside() {
        let layers = Layers::default().with(Layer::Plain).with(Layer::Base64).with(Layer::Json);
        assert_eq!((layers.to_string().as_str(), layers.count()), ("base64 > json", 2));
        assert!(Layers::default().is_plain() && Layers::default().to_string().is_empty());
        let full = layers.with(Layer::Hex).with(Layer::Html);
        assert_eq!(full.with(Layer::Percent), full);
    }
}
