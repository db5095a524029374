//! What each piece of a query is, for colours.

use crate::lexer::{Token, TokenKind, comments, tokens};
use crate::registry::{self, Kind};
use crate::span::Span;

/// What a piece of a query is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenClass {
    /// `// ...`
    Comment,
    /// A text.
    Text,
    /// A number, a timespan, `true`, `false`, `null`.
    Constant,
    /// An operator behind a bar or at the start, as `where`.
    Operator,
    /// A word of an operator or between values, or a statement.
    Keyword,
    /// A function that is called.
    Function,
    /// A type.
    Type,
    /// Another name: a column, a table, a variable.
    Name,
    /// A sign.
    Sign,
}

/// The pieces of a query in order, blanks left out.
///
/// ```
/// use castellan_kql::editor::{TokenClass, classify};
///
/// let query = "T | where a == 'x' // why";
/// let classes: Vec<(&str, TokenClass)> =
///     classify(query).into_iter().map(|(span, class)| (span.text(query), class)).collect();
/// assert_eq!(classes[2], ("where", TokenClass::Operator));
/// assert_eq!(classes[5], ("'x'", TokenClass::Text));
/// assert_eq!(classes[6], ("// why", TokenClass::Comment));
/// ```
pub fn classify(text: &str) -> Vec<(Span, TokenClass)> {
    let (tokens, _) = tokens(text);
    let mut found: Vec<(Span, TokenClass)> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while let Some(token) = tokens.get(at).filter(|token| token.kind != TokenKind::End) {
        let count = operator_length(text, &tokens, at);
        match tokens.get(at + count.saturating_sub(1)).filter(|_| count > 0) {
            Some(last) => found.push((token.span.to(last.span), TokenClass::Operator)),
            None => found.push((token.span, class(text, &tokens, at))),
        }
        at += count.max(1);
    }
    found.extend(comments(text).into_iter().map(|span| (span, TokenClass::Comment)));
    found.sort_by_key(|(span, _)| span.start);
    found
}

/// How many tokens the operator takes that begins here, dashes among them; 0 where none does.
fn operator_length(text: &str, tokens: &[Token], at: usize) -> usize {
    let previous = at.checked_sub(1).and_then(|before| tokens.get(before)).map(|token| token.kind);
    let can_begin = matches!(previous, None | Some(TokenKind::Sign("|" | ";" | "(" | "{" | "=")));
    let Some(first) = tokens.get(at).filter(|token| can_begin && token.kind == TokenKind::Word) else {
        return 0;
    };
    let is_source = previous != Some(TokenKind::Sign("|"));
    let mut longest = 0;
    for count in [1, 3, 5] {
        let Some(last) = tokens.get(at + count - 1) else { break };
        let is_joined =
            tokens.get(at + 1..at + count).is_some_and(|rest| rest.iter().all(|token| token.is_joined));
        let name = first.span.to(last.span);
        let is_call =
            tokens.get(at + count).is_some_and(|next| next.kind == TokenKind::Sign("(") && next.is_joined);
        let is_known = registry::find_kind(name.text(text), Kind::Operator).is_some();
        if is_joined && is_known && !(is_source && is_call) {
            longest = count;
        }
    }
    longest
}

fn class(text: &str, tokens: &[Token], at: usize) -> TokenClass {
    let Some(token) = tokens.get(at) else { return TokenClass::Sign };
    match token.kind {
        TokenKind::Text => TokenClass::Text,
        TokenKind::Whole | TokenKind::Real | TokenKind::TimeSpan => TokenClass::Constant,
        TokenKind::Word => {
            let previous = at.checked_sub(1).and_then(|before| tokens.get(before)).map(|token| token.kind);
            let next = tokens.get(at + 1).map(|token| token.kind);
            word(token.span.text(text), previous, next)
        }
        _ => TokenClass::Sign,
    }
}

/// Words of operators and statements that are no rows of the registry by themselves.
const KEYWORDS: [&str; 22] = [
    "as",
    "asc",
    "by",
    "declare",
    "default",
    "desc",
    "first",
    "from",
    "kind",
    "last",
    "let",
    "nulls",
    "of",
    "on",
    "pattern",
    "query_parameters",
    "restrict",
    "set",
    "step",
    "to",
    "view",
    "with",
];

fn word(word: &str, previous: Option<TokenKind>, next: Option<TokenKind>) -> TokenClass {
    if previous == Some(TokenKind::Sign(".")) {
        return if next == Some(TokenKind::Sign("(")) { TokenClass::Function } else { TokenClass::Name };
    }
    if matches!(word, "true" | "false" | "null") {
        return TokenClass::Constant;
    }
    let is_type = registry::find_kind(word, Kind::Type).is_some();
    if is_type && matches!(previous, Some(TokenKind::Sign(":" | "("))) {
        return TokenClass::Type;
    }
    if registry::find_kind(word, Kind::Infix).is_some() || word == "matches" || word == "regex" {
        return TokenClass::Keyword;
    }
    if next == Some(TokenKind::Sign("(")) && !KEYWORDS.contains(&word) {
        return if is_type { TokenClass::Type } else { TokenClass::Function };
    }
    if KEYWORDS.contains(&word) { TokenClass::Keyword } else { TokenClass::Name }
}
