//! What is wrong with a query.

use std::collections::HashSet;

use crate::bind::{self, Database, Options};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lexer::{TokenKind, tokens};
use crate::registry;
use crate::span::Span;

/// Everything that is wrong with a query: its syntax, its names and types, and spellings of former times.
pub fn check(text: &str, database: &dyn Database) -> Vec<Diagnostic> {
    let parsed = crate::parse(text);
    let first = parsed.diagnostics.first().map(|diagnostic| diagnostic.span.start);
    let bound = bind::check(&parsed.script, database, &Options::default());
    let mut found = parsed.diagnostics;
    // What ends where a syntax error begins is half an expression.
    let is_half = |diagnostic: &Diagnostic| {
        let rest = Span { start: diagnostic.span.end, end: first.unwrap_or_default() };
        first.is_some_and(|first| first >= rest.start) && rest.text(text).trim().is_empty()
    };
    // Behind a syntax error the columns are not certain.
    let is_certain = |diagnostic: &Diagnostic| {
        let is_global = matches!(diagnostic.code, "unknown-table" | "unknown-function" | "unknown-plugin");
        is_global || first.is_none_or(|first| diagnostic.span.start < first && !is_half(diagnostic))
    };
    found.extend(bound.into_iter().filter(is_certain));
    found.extend(legacy(text));
    found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity));
    found
}

/// Most spellings of former times that are told.
const MOST_LEGACY: usize = 100;

/// Functions in a spelling of former times.
fn legacy(text: &str) -> Vec<Diagnostic> {
    let (tokens, _) = tokens(text);
    let mut found = Vec::new();
    let mut defined: HashSet<&str> = HashSet::new();
    for pair in tokens.windows(2) {
        if found.len() >= MOST_LEGACY {
            break;
        }
        let [token, next] = pair else { continue };
        let word = token.span.text(text);
        if word == "let" {
            defined.insert(next.span.text(text));
        }
        let is_called = token.kind == TokenKind::Word && next.kind == TokenKind::Sign("(") && next.is_joined;
        let row = registry::find(word).filter(|row| is_called && row.name != word && row.kind.is_function());
        if let Some(row) = row.filter(|_| !defined.contains(word)) {
            found.push(legacy_name(token.span, word, row.name));
        }
    }
    found
}

fn legacy_name(span: Span, word: &str, today: &str) -> Diagnostic {
    let message = format!("`{word}` is written `{today}` today");
    let diagnostic = Diagnostic::error("legacy-name", span, message).with_help(format!("write `{today}`"));
    Diagnostic { severity: Severity::Warning, ..diagnostic }
}
