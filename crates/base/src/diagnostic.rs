//! What went wrong while reading, with the place and what to do.

use serde::Serialize;

use crate::span::Span;

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Note,
    /// Something was left out or assumed.
    Warning,
    /// The input, or the named part of it, could not be used.
    Error,
}

/// A message for a person about an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub level: Level,
    /// What is wrong: lower case, user input in backticks.
    pub message: String,
    /// Where; [`Span::NONE`] when no place is known.
    pub span: Span,
    /// What to do next. May be empty.
    pub help: String,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Error, message: message.into(), span, help: String::new() }
    }

    /// A warning at a place.
    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Warning, ..Diagnostic::error(span, message) }
    }

    /// A note at a place.
    pub fn note(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { level: Level::Note, ..Diagnostic::error(span, message) }
    }

    /// The same with a next step.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = help.into();
        self
    }
}
