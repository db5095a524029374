//! What to say where an operator or a statement could end, and something else follows.

use super::operators::OPERATORS;
use super::{Parser, Read, shortened};
use crate::diagnostic::Diagnostic;
use crate::lexer::TokenKind;
use crate::nearest::nearest;

/// Comparisons that are words, to suggest one.
const COMPARISONS: [&str; 26] = [
    "and",
    "between",
    "!between",
    "contains",
    "!contains",
    "contains_cs",
    "!contains_cs",
    "endswith",
    "!endswith",
    "endswith_cs",
    "has",
    "!has",
    "has_all",
    "has_any",
    "has_cs",
    "hasprefix",
    "hassuffix",
    "in",
    "!in",
    "in~",
    "!in~",
    "matches regex",
    "or",
    "startswith",
    "!startswith",
    "startswith_cs",
];

impl Parser<'_> {
    /// Says that the next token does not go on with what stands before it.
    pub(super) fn unfinished(&mut self) {
        let token = self.peek();
        let text = self.text(token);
        let code = "unexpected-token";
        let diagnostic = match token.kind {
            TokenKind::Sign("=") => {
                Diagnostic::error("assignment", token.span, "`=` names a column and compares nothing")
                    .with_help("write `==` to compare")
            }
            TokenKind::Sign(")" | "]" | "}") => {
                Diagnostic::error(code, token.span, format!("`{text}` closes nothing"))
            }
            TokenKind::Word if OPERATORS.contains(&text) => {
                let message = format!("expected `|` before `{text}`");
                Diagnostic::error(code, token.span, message)
            }
            TokenKind::Word if text == "let" => {
                Diagnostic::error(code, token.span, "expected `;` before `let`")
                    .with_help("statements end with `;`")
            }
            TokenKind::Word if text.starts_with('!') => {
                let message = format!("there is no comparison `{}`", shortened(text));
                let diagnostic = Diagnostic::error("unknown-comparison", token.span, message);
                match nearest(text, COMPARISONS) {
                    Some(near) => diagnostic.with_help(format!("did you mean `{near}`?")),
                    None => diagnostic,
                }
            }
            _ => {
                let (before, help) = (self.diagnostics.len(), self.help_for_word());
                let _: Read<()> = self.unexpected("`|`, `;` or the end of the query");
                if let (Some(diagnostic), Some(help)) = (self.diagnostics.get_mut(before), help) {
                    diagnostic.help = help;
                }
                return;
            }
        };
        self.tell(diagnostic);
    }

    /// A comparison that a word was perhaps meant to be, or the semicolon that is missing before a new line.
    fn help_for_word(&self) -> Option<String> {
        let token = self.peek();
        if token.kind != TokenKind::Word {
            return None;
        }
        let text = self.text(token);
        let between = crate::Span { start: self.here().end, end: token.span.start };
        if between.text(self.query).contains('\n') {
            return Some("if this is another statement, end the one before with `;`".to_owned());
        }
        let near = nearest(text, COMPARISONS).filter(|near| near.len() > 3)?;
        Some(format!("did you mean `{near}`?"))
    }
}
