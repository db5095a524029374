//! The lines of a schema text, and the words of a line, with their places.

use super::{MAX_NAME, MAX_TEXT};
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// A piece of the text with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'t> {
    /// What stands there.
    pub(super) text: &'t str,
    /// First byte.
    pub(super) start: usize,
}

impl<'t> Piece<'t> {
    pub(super) fn error(self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, Span::new(self.start, self.start + self.text.len()), message)
    }

    /// Before and behind the first of a sign, each with its place.
    pub(super) fn split_once(self, sign: char) -> Option<(Piece<'t>, Piece<'t>)> {
        let (before, behind) = self.text.split_once(sign)?;
        let start = self.start + before.len() + sign.len_utf8();
        Some((Piece { text: before, ..self }, Piece { text: behind, start }))
    }

    /// The words between blanks.
    pub(super) fn words(self) -> impl Iterator<Item = Piece<'t>> {
        let mut start = self.start;
        self.text.split(' ').filter_map(move |text| {
            let word = Piece { text, start };
            start += text.len() + 1;
            (!text.is_empty()).then_some(word)
        })
    }

    /// The piece as a name of a table, column or function.
    pub(super) fn name(self) -> Result<&'t str, Diagnostic> {
        let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        if self.text.is_empty() {
            return Err(self.error("missing-name", "a name is missing here"));
        }
        if self.text.len() > MAX_NAME {
            return Err(self.error("long-name", format!("a name has at most {MAX_NAME} bytes")));
        }
        if self.text.chars().all(is_letter) {
            return Ok(self.text);
        }
        let message = format!("`{}` is no name", self.text.escape_default());
        Err(self.error("malformed-name", message).with_help("names are letters, digits, `_`, `-` and `.`"))
    }
}

/// What the lines of a text are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tables,
    Schemas,
    Functions,
}

/// The kind of a text and its lines without the first.
pub(super) fn split(text: &str) -> Result<(Kind, impl Iterator<Item = Piece<'_>>), Diagnostic> {
    let mut lines = lines(text);
    let first = lines.next().unwrap_or(Piece { text: "", start: 0 });
    if text.len() > MAX_TEXT {
        return Err(first.error("long-text", format!("a schema text has at most {MAX_TEXT} bytes")));
    }
    let kind = match first.text {
        "table,columns" => Kind::Tables,
        "schema,columns" => Kind::Schemas,
        "function,parameters,columns" => Kind::Functions,
        _ => {
            let help = "the first line is `table,columns`, `schema,columns` or `function,parameters,columns`";
            return Err(first.error("unknown-header", "this is no schema text").with_help(help));
        }
    };
    Ok((kind, lines))
}

/// The lines that hold something.
fn lines(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut start = 0;
    text.split('\n').filter_map(move |line| {
        let piece = Piece { text: line.strip_suffix('\r').unwrap_or(line), start };
        start += line.len() + 1;
        (!piece.text.is_empty() && !piece.text.starts_with('#')).then_some(piece)
    })
}
