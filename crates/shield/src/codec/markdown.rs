//! Places in Markdown that are not shown: comments, titles of links, definitions of references, texts of images.

use super::scan::{Found, Scan};
use super::{Codec, Loss};
use crate::view::{View, ViewBuilder};

const BASE: Codec = Codec {
    name: "markdown-comment",
    about: "A reference of Markdown that nothing refers to, with the text as its title",
    carries: "one line of printable ASCII without quotes, brackets, backslashes and angle brackets, no space at either end",
    loss: Loss::None,
    encode: |text| Some(format!("[//]: # ({text})")),
    decode: |text| between(text, "[//]: # (", ")"),
    returns: simple,
};
pub(super) static COMMENT: Codec = BASE;
pub(super) static REFERENCE: Codec = Codec {
    name: "markdown-reference",
    about: "The title in a definition of a reference in Markdown",
    encode: |text| Some(format!("[1]: https://example.com \"{text}\"")),
    decode: |text| between(text, "[1]: https://example.com \"", "\""),
    ..BASE
};
pub(super) static TITLE: Codec = Codec {
    name: "markdown-title",
    about: "The title of a link in Markdown",
    encode: |text| Some(format!("[here](https://example.com \"{text}\")")),
    decode: |text| between(text, "[here](https://example.com \"", "\")"),
    ..BASE
};
pub(super) static IMAGE: Codec = Codec {
    name: "markdown-image",
    about: "The text of an image in Markdown",
    encode: |text| Some(format!("![{text}](https://example.com/a.png)")),
    decode: |text| between(text, "![", "](https://example.com/a.png)"),
    ..BASE
};

pub(super) fn simple(text: &str) -> Option<String> {
    let plain = |c: char| {
        matches!(c, ' '..='~') && !matches!(c, '"' | '\'' | '(' | ')' | '[' | ']' | '<' | '>' | '\\' | '&')
    };
    (!text.is_empty() && text.trim() == text && text.chars().all(plain)).then(|| text.to_owned())
}

/// What stands in `text` between `before` and `after`.
pub(super) fn between(text: &str, before: &str, after: &str) -> Option<View<'static>> {
    let inner = text.strip_prefix(before)?.strip_suffix(after)?;
    let mut builder = ViewBuilder::default();
    builder.exact(inner, before.len());
    Some(builder.finish(text.len()))
}

/// The longest title or text of an image that is read, in bytes.
const LONGEST: usize = 4096;

/// Finds titles and texts of images.
pub(super) fn find(scan: &Scan<'_>, found: &mut Vec<Found>) {
    let mut start = 0;
    for line in scan.text.split_inclusive('\n') {
        if line.contains("](") || line.contains("]:") {
            Line { text: line, base: start, clear: [0; 3] }.find(scan, found);
        }
        start += line.len();
    }
}

struct Line<'a> {
    text: &'a str,
    /// Where it starts.
    base: usize,
    /// For `"`, `'` and `)`: up to where none was found, so that no stretch is searched twice.
    clear: [usize; 3],
}

impl Line<'_> {
    fn find(&mut self, scan: &Scan<'_>, found: &mut Vec<Found>) {
        let line = self.text;
        let mut opened = None;
        let mut at = 0;
        while let Some(offset) = line.get(at..).and_then(|rest| rest.find(['[', ']'])) {
            let place = at + offset;
            at = place + 1;
            if line.as_bytes().get(place) == Some(&b'[') {
                opened = Some(place);
                continue;
            }
            let Some(open) = opened.take() else { continue };
            let is_image = open > 0 && line.as_bytes().get(open - 1) == Some(&b'!');
            let rest = line.get(at..).unwrap_or_default();
            let definition = rest.starts_with(':')
                && open <= 3
                && line.get(..open).is_some_and(|before| before.trim().is_empty());
            let inline = rest.starts_with('(');
            if is_image && inline {
                push(scan, &IMAGE, self.base + open + 1, line.get(open + 1..place), found);
            }
            if !inline && !definition {
                continue;
            }
            let codec = match (definition, line.get(open..at)) {
                (true, Some("[//]")) => &COMMENT,
                (true, _) => &REFERENCE,
                (false, _) => &TITLE,
            };
            if let Some((from, to)) = self.title(at, definition) {
                push(scan, codec, self.base + from, line.get(from..to), found);
                at = to;
            }
        }
    }

    /// Where the title stands in what follows the closing bracket before `at`: behind the address, in quotes or
    /// parentheses.
    fn title(&mut self, at: usize, definition: bool) -> Option<(usize, usize)> {
        let rest = self.text.get(at + 1..)?;
        let address = at + 1 + rest.len() - rest.trim_start().len();
        let ends = |c: char| c.is_whitespace() || matches!(c, '[' | ']') || (!definition && c == ')');
        let space = address + self.text.get(address..)?.find(ends)?;
        let gap = self.text.get(space..)?;
        let open = space + (gap.len() - gap.trim_start().len());
        let (kind, close) = match self.text.as_bytes().get(open)? {
            b'"' => (0, '"'),
            b'\'' => (1, '\''),
            b'(' => (2, ')'),
            _ => return None,
        };
        let clear = self.clear.get_mut(kind)?;
        let from = (open + 1).max(*clear);
        let reach = self.text.floor_char_boundary((open + LONGEST).max(from));
        match self.text.get(from..reach)?.find(close) {
            Some(length) => Some((open + 1, from + length)),
            None => {
                *clear = reach;
                None
            }
        }
    }
}

fn push(scan: &Scan<'_>, codec: &'static Codec, start: usize, text: Option<&str>, found: &mut Vec<Found>) {
    let Some(text) = text.filter(|text| is_said(text)) else { return };
    let mut builder = ViewBuilder::default();
    builder.exact(text, start);
    let view = builder.finish(scan.text.len());
    found.push(Found { codec, view, span: start..start + text.len(), confidence: 0.6 });
}

/// Whether `text` is more than a name: two words and more.
pub(super) fn is_said(text: &str) -> bool {
    text.len() >= 8
        && text.split_ascii_whitespace().take(2).count() == 2
        && text.bytes().any(|b| b.is_ascii_alphabetic() || b >= 0x80)
}
