//! Changes that mend what is wrong.

use crate::diagnostic::Diagnostic;
use crate::lexer::{TokenKind, tokens};
use crate::span::Span;

/// A change that mends what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a few words.
    pub title: String,
    /// Pieces of the text and what takes their place, in the order of the text.
    pub edits: Vec<(Span, String)>,
}

impl Fix {
    fn replacing(span: Span, by: &str) -> Fix {
        Fix { title: format!("replace with `{by}`"), edits: vec![(span, by.to_owned())] }
    }

    fn wrapping(span: Span, function: &str) -> Fix {
        let start = Span { start: span.start, end: span.start };
        let end = Span { start: span.end, end: span.end };
        Fix {
            title: format!("put into `{function}()`"),
            edits: vec![(start, format!("{function}(")), (end, ")".to_owned())],
        }
    }

    fn inserting(at: u32, text: &str) -> Fix {
        let place = Span { start: at, end: at };
        Fix { title: format!("insert `{}`", text.trim()), edits: vec![(place, text.to_owned())] }
    }

    /// The text with the change.
    pub fn apply(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for (span, by) in &self.edits {
            changed.push_str(Span { start: at, end: span.start }.text(text));
            changed.push_str(by);
            at = span.end;
        }
        changed.push_str(text.get(usize::try_from(at).unwrap_or(usize::MAX)..).unwrap_or_default());
        changed
    }
}

/// What would mend a diagnostic of [`super::check`], best first. Empty where nobody can tell.
pub fn fixes(text: &str, diagnostic: &Diagnostic) -> Vec<Fix> {
    let span = diagnostic.span;
    let help = diagnostic.help.as_str();
    let mut found = Vec::new();
    if let Some(near) =
        quoted(help).filter(|_| help.starts_with("did you mean") || diagnostic.code == "legacy-name")
    {
        found.push(Fix::replacing(name_in(text, span), near));
    }
    match diagnostic.code {
        "assignment" => found.push(Fix::replacing(span, "==")),
        "not-aggregated" => found.push(Fix::wrapping(span, "take_any")),
        "not-scalar" if help.contains("toscalar()") => found.push(Fix::wrapping(span, "toscalar")),
        "type-mismatch" => found.extend(conversions(text, diagnostic)),
        "unexpected-token" => found.extend(separators(text, diagnostic)),
        _ => {}
    }
    found
}

/// The first text between backticks.
fn quoted(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// The name that a message is about: behind the last dot of `$left.name`.
fn name_in(text: &str, span: Span) -> Span {
    let written = span.text(text);
    let is_path = written.starts_with('$') && !written.contains([' ', '(']);
    match written.rfind('.').filter(|_| is_path) {
        Some(dot) => Span { start: span.start + u32::try_from(dot + 1).unwrap_or(0), end: span.end },
        None => span,
    }
}

/// The functions that the help names, around what they convert.
fn conversions(text: &str, diagnostic: &Diagnostic) -> Vec<Fix> {
    let functions: Vec<&str> = conversion_names(&diagnostic.help).collect();
    let sign = quoted(&diagnostic.message).filter(|_| diagnostic.message.contains("does not take"));
    match (functions.as_slice(), sign.and_then(|sign| sides(text, diagnostic.span, sign))) {
        // `convert with tolong() or tostring()`: the left side to the type of the right one, or the other way round.
        ([left, right], Some((left_side, right_side))) => {
            vec![Fix::wrapping(left_side, left), Fix::wrapping(right_side, right)]
        }
        ([function], None) => vec![Fix::wrapping(diagnostic.span, function)],
        _ => Vec::new(),
    }
}

/// Names before `()` that begin with `to` or `parse_`.
fn conversion_names(help: &str) -> impl Iterator<Item = &str> {
    help.split("()").filter_map(|before| {
        let name = before.rsplit([' ', '(', '`']).next()?;
        (name.starts_with("to") || name.starts_with("parse_")).then_some(name)
    })
}

/// The operands of an operator: what stands before and behind its last sign outside of brackets.
fn sides(text: &str, span: Span, sign: &str) -> Option<(Span, Span)> {
    let written = span.text(text);
    let (tokens, _) = tokens(written);
    let mut depth = 0_usize;
    let mut found = None;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Sign("(" | "[" | "{") => depth += 1,
            TokenKind::Sign(")" | "]" | "}") => depth = depth.saturating_sub(1),
            _ if depth == 0 && token.span.text(written) == sign => found = Some(at),
            _ => {}
        }
    }
    let at = found?;
    let before = tokens.get(at.checked_sub(1)?)?.span.end;
    let behind = tokens.get(at + 1)?.span.start;
    let left = Span { start: span.start, end: span.start + before };
    let right = Span { start: span.start + behind, end: span.end };
    Some((left, right))
}

/// The bar or semicolon that is missing, or the bracket that is one too many.
fn separators(text: &str, diagnostic: &Diagnostic) -> Option<Fix> {
    let message = diagnostic.message.as_str();
    let span = diagnostic.span;
    if message.starts_with("expected `|` before") {
        return Some(Fix::inserting(span.start, "| "));
    }
    if message.starts_with("expected `;` before") || diagnostic.help.contains("end the one before with `;`") {
        let before = Span { start: 0, end: span.start }.text(text);
        let end = u32::try_from(before.trim_end().len()).ok()?;
        return Some(Fix::inserting(end, ";"));
    }
    if message.ends_with("closes nothing") {
        return Some(Fix { title: "take it away".to_owned(), edits: vec![(span, String::new())] });
    }
    None
}
