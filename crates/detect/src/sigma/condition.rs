//! The condition of a Sigma rule: `selection and not 1 of filter_*`.
//!
//! Source: Sigma specification 2, "Condition".

use castellan_base::{Diagnostic, Span};

/// How deeply conditions are nested.
const MAX_DEPTH: usize = 64;

/// A condition over the names of searches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// A search.
    Search(String),
    /// Some of the searches whose names fit a pattern: all of them, or one.
    Of { all: bool, pattern: String },
    /// Not.
    Not(Box<Condition>),
    /// All of them.
    And(Vec<Condition>),
    /// One of them.
    Or(Vec<Condition>),
}

/// Reads a condition.
///
/// Errors: what is not understood.
pub(super) fn parse(text: &str, span: Span) -> Result<Condition, Diagnostic> {
    let mut parser = Parser { tokens: tokens(text), at: 0, span };
    if parser.tokens.iter().any(|token| token == "|") {
        let help = "write a correlation of the type `event_count` or `value_count` instead";
        return Err(parser.error("aggregations behind `|` are not part of Sigma 2").with_help(help));
    }
    let condition = parser.or(0)?;
    match parser.peek() {
        None => Ok(condition),
        Some(token) => Err(parser.error(format!("`{token}` is not expected here"))),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for character in text.chars() {
        let is_mark = matches!(character, '(' | ')' | '|');
        if is_mark || character.is_whitespace() {
            if !word.is_empty() {
                found.push(std::mem::take(&mut word));
            }
            if is_mark {
                found.push(character.to_string());
            }
        } else {
            word.push(character);
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
    span: Span,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, word: &str) -> bool {
        let is_it = self.peek().is_some_and(|token| token.eq_ignore_ascii_case(word));
        self.at += usize::from(is_it);
        is_it
    }

    fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(self.span, message)
    }

    fn or(&mut self, depth: usize) -> Result<Condition, Diagnostic> {
        let mut parts = vec![self.and(depth)?];
        while self.take("or") {
            parts.push(self.and(depth)?);
        }
        Ok(one_or(parts, Condition::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Condition, Diagnostic> {
        let mut parts = vec![self.not(depth)?];
        while self.take("and") {
            parts.push(self.not(depth)?);
        }
        Ok(one_or(parts, Condition::And))
    }

    fn not(&mut self, depth: usize) -> Result<Condition, Diagnostic> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("the condition is nested more than {MAX_DEPTH} deep")));
        }
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.or(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err(self.error("a `)` is missing")) };
        }
        self.search()
    }

    fn search(&mut self) -> Result<Condition, Diagnostic> {
        let Some(word) = self.next() else { return Err(self.error("a search is missing at the end")) };
        let is_keyword =
            |word: &str| matches!(word.to_ascii_lowercase().as_str(), "and" | "or" | "of" | ")" | "|");
        if is_keyword(&word) {
            return Err(self.error(format!("a search is missing before `{word}`")));
        }
        if !self.take("of") {
            return Ok(Condition::Search(word));
        }
        let all = match word.to_ascii_lowercase().as_str() {
            "all" => true,
            "1" | "any" => false,
            _ => {
                let help = "write `1 of` or `all of`";
                return Err(self.error(format!("`{word} of` is not supported")).with_help(help));
            }
        };
        match self.next() {
            Some(pattern) if !is_keyword(&pattern) => Ok(Condition::Of { all, pattern }),
            _ => Err(self.error(format!("a name is missing behind `{word} of`"))),
        }
    }
}

fn one_or(mut parts: Vec<Condition>, many: fn(Vec<Condition>) -> Condition) -> Condition {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            many(parts)
        }
        None => many(parts),
    }
}

/// Whether a name fits a pattern with `*`; `them` fits all names but those that begin with `_`.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    if pattern.eq_ignore_ascii_case("them") {
        return !name.starts_with('_');
    }
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, behind)) = rest.split_once(piece) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> String {
        match parse(text, Span::NONE) {
            Ok(condition) => shown(&condition),
            Err(error) => format!("! {}", error.message),
        }
    }

    fn shown(condition: &Condition) -> String {
        let list = |parts: &[Condition], word: &str| {
            format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word))
        };
        match condition {
            Condition::Search(name) => name.clone(),
            Condition::Of { all, pattern } => format!("{} {pattern}", if *all { "all" } else { "1" }),
            Condition::Not(inner) => format!("!{}", shown(inner)),
            Condition::And(parts) => list(parts, "&"),
            Condition::Or(parts) => list(parts, "|"),
        }
    }

    #[test]
    fn conditions_bind_as_the_specification_says() {
        assert_eq!(read("a and not b or c"), "((a&!b)|c)");
        assert_eq!(read("a AND (b or 1 of filter_*) and not all of them"), "(a&(b|1 filter_*)&!all them)");
        assert_eq!(read("not not a"), "!!a");
        assert_eq!(read("(a"), "! a `)` is missing");
        assert_eq!(read("a b"), "! `b` is not expected here");
        assert_eq!(read("a and"), "! a search is missing at the end");
        assert_eq!(read("2 of a*"), "! `2 of` is not supported");
        assert_eq!(read("a | count() > 5"), "! aggregations behind `|` are not part of Sigma 2");
        assert!(read(&"(".repeat(5_000)).starts_with('!'));
        assert!(read(&"not ".repeat(5_000)).starts_with('!'));
    }

    #[test]
    fn names_fit_patterns() {
        assert!(fits("filter_*", "filter_a") && !fits("filter_*", "selection"));
        assert!(fits("*_x", "a_x") && fits("a*c*e", "abcde") && !fits("a*c*e", "abde"));
        assert!(fits("them", "a") && !fits("them", "_a") && fits("a", "a") && !fits("a", "ab"));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "(a|and|or|not|1 of|all of|them|[()| ])*") {
            let _ = parse(&text, Span::NONE);
        }
    }
}
