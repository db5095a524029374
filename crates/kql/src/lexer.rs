//! Text to tokens. Never fails: what is no token becomes [`TokenKind::Unknown`] with a diagnostic.
//!
//! Keywords are not tokens of their own, since every word of the language is also a possible column name. A word takes
//! its `!` and `~` along (`!contains`, `in~`), because nothing else may stand between them.

use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::value::timespan_unit;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TokenKind {
    /// `Name`, `_x`, `$left`, `!contains`, `in~`.
    Word,
    /// A whole number, decimal or hexadecimal.
    Whole,
    /// `1.5`, `1e3`.
    Real,
    /// `1d`, `1.5h`.
    TimeSpan,
    /// Text in quotes of any kind.
    Text,
    /// One of the signs of the language: `|`, `==`, `..`, `=>`, ...
    Sign(&'static str),
    /// Anything else.
    Unknown,
    /// The end of the query.
    End,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Where it stands.
    pub(crate) span: Span,
    /// True when nothing stands between it and the token before.
    pub(crate) is_joined: bool,
}

/// Longer signs come before their beginnings.
const SIGNS: [&str; 31] = [
    "=>", "==", "=~", "!=", "!~", "<>", "<=", ">=", "..", "|", ";", ",", "(", ")", "[", "]", "{", "}", ".",
    ":", "=", "<", ">", "+", "-", "*", "/", "%", "!", "~", "@",
];

/// All tokens, the last of which is [`TokenKind::End`], and what could not be read.
pub(crate) fn tokens(query: &str) -> (Vec<Token>, Vec<Diagnostic>) {
    let mut lexer = Lexer { query, at: 0, diagnostics: Vec::new() };
    let mut tokens = Vec::with_capacity(query.len() / 4 + 1);
    loop {
        let before = lexer.at;
        lexer.skip_blank();
        let start = lexer.at;
        let kind = lexer.token();
        let span = Span::new(start, lexer.at);
        tokens.push(Token { kind, span, is_joined: before == start && start > 0 });
        if kind == TokenKind::End {
            return (tokens, lexer.diagnostics);
        }
    }
}

struct Lexer<'q> {
    query: &'q str,
    at: usize,
    diagnostics: Vec<Diagnostic>,
}

fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || character == '_' || character == '$'
}

fn is_word_part(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

impl<'q> Lexer<'q> {
    fn rest(&self) -> &'q str {
        self.query.get(self.at..).unwrap_or_default()
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.query.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Takes characters as long as they match.
    fn take_while(&mut self, matches: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c: char| !matches(c)).unwrap_or(rest.len());
    }

    /// Blanks and comments, which run from `//` to the end of the line. Exotic blanks come with copied rules.
    fn skip_blank(&mut self) {
        loop {
            self.take_while(|c| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'));
            let is_directive = self.byte(0) == b'#' && self.is_at_line_start();
            if !self.rest().starts_with("//") && !is_directive {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    /// `#connect` and its like are for editors.
    fn is_at_line_start(&self) -> bool {
        let before = self.query.get(..self.at).unwrap_or_default();
        before.trim_end_matches([' ', '\t']).ends_with('\n') || before.trim().is_empty()
    }

    fn token(&mut self) -> TokenKind {
        let Some(first) = self.rest().chars().next() else { return TokenKind::End };
        if let Some(kind) = self.text(first) {
            return kind;
        }
        if first.is_ascii_digit() {
            return self.number();
        }
        if is_word_start(first) {
            self.take_while(is_word_part);
            self.tilde();
            return TokenKind::Word;
        }
        if first == '!' && self.byte(1).is_ascii_alphabetic() {
            self.at += 1;
            self.take_while(is_word_part);
            self.tilde();
            return TokenKind::Word;
        }
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return TokenKind::Sign(sign);
        }
        let start = self.at;
        self.at += first.len_utf8();
        let span = Span::new(start, self.at);
        self.diagnostics.push(Diagnostic::error(
            "unknown-character",
            span,
            format!("`{first}` has no meaning here"),
        ));
        TokenKind::Unknown
    }

    /// `in~` and `!in~` are one word.
    fn tilde(&mut self) {
        let is_in = |word: &str| word.len() >= 2 && word.get(word.len() - 2..).is_some_and(|end| end == "in");
        let before = self.query.get(..self.at).unwrap_or_default();
        if self.byte(0) == b'~' && is_in(before) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> TokenKind {
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X') {
            self.at += 2;
            self.take_while(|c| c.is_ascii_hexdigit());
            return TokenKind::Whole;
        }
        let start = self.at;
        self.take_while(|c| c.is_ascii_digit());
        let mut kind = TokenKind::Whole;
        // `1..5` is a range, `1.` a real.
        if self.byte(0) == b'.'
            && self.byte(1) != b'.'
            && !self.byte(1).is_ascii_alphabetic()
            && self.byte(1) != b'_'
        {
            kind = TokenKind::Real;
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            kind = TokenKind::Real;
            self.at += 1 + sign;
            self.take_while(|c| c.is_ascii_digit());
        }
        let suffix_start = self.at;
        self.take_while(is_word_part);
        let suffix = self.query.get(suffix_start..self.at).unwrap_or_default();
        if suffix.is_empty() {
            return kind;
        }
        if timespan_unit(suffix).is_some() {
            return TokenKind::TimeSpan;
        }
        if kind == TokenKind::Whole {
            // `2ndColumn`, `4624_count`
            return TokenKind::Word;
        }
        let span = Span::new(start, self.at);
        let message = format!("`{suffix}` is no unit of time");
        let help = "use d, h, m, s, ms, microsecond or tick";
        self.diagnostics.push(Diagnostic::error("unknown-unit", span, message).with_help(help));
        TokenKind::Unknown
    }

    /// Strings: `'...'`, `"..."`, `@'...'`, with `h` or `H` before for what must not be logged, and ` ``` ` or `~~~`.
    fn text(&mut self, first: char) -> Option<TokenKind> {
        let rest = self.rest();
        let hidden = usize::from(matches!(first, 'h' | 'H'));
        let after = rest.get(hidden..)?;
        let verbatim = usize::from(after.starts_with('@'));
        let quoted = after.get(verbatim..)?;
        let start = self.at;
        for fence in ["```", "~~~"] {
            if verbatim == 0 && quoted.starts_with(fence) {
                let body = quoted.get(fence.len()..)?;
                let length = body.find(fence).map(|end| end + fence.len());
                let length = length.unwrap_or_else(|| self.unclosed(start, body.len()));
                self.at = start + hidden + fence.len() + length;
                return Some(TokenKind::Text);
            }
        }
        let quote = quoted.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
        let body = quoted.get(1..)?;
        let length = quoted_length(body, quote, verbatim == 1);
        let length = length.unwrap_or_else(|| {
            let line = body.find('\n').unwrap_or(body.len());
            self.unclosed(start, line)
        });
        self.at = start + hidden + verbatim + 1 + length;
        Some(TokenKind::Text)
    }

    fn unclosed(&mut self, start: usize, length: usize) -> usize {
        let span = Span::new(start, start + 1);
        self.diagnostics.push(Diagnostic::error("unclosed-string", span, "this string is never closed"));
        length
    }
}

/// Bytes up to and with the closing quote; `None` when there is none on the line (or at all, in a verbatim string).
fn quoted_length(body: &str, quote: char, verbatim: bool) -> Option<usize> {
    let mut characters = body.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character == quote {
            // In a verbatim string two quotes in a row stand for one.
            if verbatim && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
                continue;
            }
            return Some(at + character.len_utf8());
        }
        match character {
            '\\' if !verbatim => {
                characters.next();
            }
            '\n' if !verbatim => return None,
            _ => {}
        }
    }
    None
}

/// Where the comments stand, each from its `//` to the end of the line.
///
/// ```
/// let query = "T // all of it\n| where a == '//' // not text";
/// let comments: Vec<&str> = castellan_kql::comments(query).into_iter().map(|span| span.text(query)).collect();
/// assert_eq!(comments, ["// all of it", "// not text"]);
/// ```
pub fn comments(query: &str) -> Vec<Span> {
    let (tokens, _) = tokens(query);
    let mut comments = Vec::new();
    let mut end = 0;
    for token in &tokens {
        // Nothing but blanks and comments stands between tokens.
        let between = Span { start: end, end: token.span.start };
        let mut at = end;
        for line in between.text(query).split_inclusive('\n') {
            // `#connect "https://..."` is for editors and no comment.
            if let Some(start) = line.find("//").filter(|_| !line.trim_start().starts_with('#')) {
                let text = line.trim_end_matches(['\r', '\n']).len();
                let offset = |byte: usize| at.saturating_add(u32::try_from(byte).unwrap_or(u32::MAX));
                comments.push(Span { start: offset(start), end: offset(text) });
            }
            at = at.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
        }
        end = token.span.end;
    }
    comments
}
