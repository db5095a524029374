//! What a word means.

use super::cursor::Cursor;
use super::scope::Scope;
use crate::ast::Function;
use crate::bind::{Database, Gives, Known, Stored};
use crate::lexer::{TokenKind, tokens};
use crate::plan::Field;
use crate::registry::{self, Kind, Row};
use crate::span::Span;

/// Help for a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hover {
    /// The word.
    pub span: Span,
    /// What it means, in Markdown.
    pub markdown: String,
}

/// Most columns of a table that are shown.
const MOST_COLUMNS: usize = 40;

/// What the word at an offset in bytes means: a column with its type, a table with its columns, a function or an
/// operator with how it is written.
pub fn hover(text: &str, offset: usize, database: &dyn Database) -> Option<Hover> {
    let cursor = Cursor::new(text, offset);
    let span = whole_word(&cursor);
    let word = span.text(text);
    if cursor.is_quiet || word.is_empty() {
        return None;
    }
    let behind = behind(text, span);
    let markdown = match cursor.previous().map(|at| cursor.kind(at)) {
        Some(TokenKind::Sign("|")) => of_kind(word, Kind::Operator),
        _ if behind == Some(TokenKind::Sign("(")) => called(&cursor, word, database),
        _ => named(&cursor, word, database),
    };
    Some(Hover { span, markdown: markdown? })
}

/// The word with what dashes join to it behind.
fn whole_word(cursor: &Cursor<'_>) -> Span {
    let start = cursor.word.start;
    let rest = Span { start, end: u32::MAX };
    let written = rest.text(cursor.text);
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    let end = written.find(|c| !is_part(c)).unwrap_or(written.len());
    let longer = Span { start, end: start + u32::try_from(end).unwrap_or(0) };
    let is_operator = registry::find_kind(longer.text(cursor.text), Kind::Operator).is_some();
    if is_operator { longer } else { cursor.word }
}

fn behind(text: &str, span: Span) -> Option<TokenKind> {
    let rest = text.get(usize::try_from(span.end).ok()?..)?;
    // A line is enough to see what comes next.
    let line = rest.lines().next().unwrap_or_default();
    tokens(line).0.first().map(|token| token.kind)
}

fn of_kind(word: &str, kind: Kind) -> Option<String> {
    registry::find_kind(word, kind).map(of_row)
}

fn of_row(row: &'static Row) -> String {
    let mut text = format!("```kql\n{}\n```\n{}", row.usage(), row.doc);
    text.push_str("\n\n```kql\n");
    text.push_str(row.example);
    text.push_str("\n```");
    text
}

/// A function, or an operator with a bracket behind it.
fn called(cursor: &Cursor<'_>, word: &str, database: &dyn Database) -> Option<String> {
    let scope = Scope::at(cursor, database);
    if let Some(Known::Function(function)) = scope.name(word) {
        return Some(code(&format!("{word}{}", parameters(function))));
    }
    let is_first = cursor.operator(cursor.pipeline()).is_none();
    let kinds =
        [Kind::Scalar, Kind::Aggregate, Kind::Window, Kind::Plugin, Kind::Graph, Kind::Infix, Kind::Operator];
    let known = kinds.into_iter().find_map(|kind| of_kind(word, kind));
    match database.function(word) {
        Some(stored) if is_first || known.is_none() => Some(of_stored(word, &stored)),
        _ => known,
    }
}

/// A column, a name of the query, a table, or a word of the language.
fn named(cursor: &Cursor<'_>, word: &str, database: &dyn Database) -> Option<String> {
    let scope = Scope::at(cursor, database);
    if let Some(field) = scope.column(word) {
        return Some(code(&format!("{}: {}", field.name, field.scalar_type)));
    }
    match scope.name(word) {
        Some(Known::Value(scalar_type)) => return Some(code(&format!("let {word}: {scalar_type}"))),
        Some(Known::Rows(columns)) => return Some(of_table(word, columns, false)),
        Some(Known::Function(function)) => return Some(code(&format!("{word}{}", parameters(function)))),
        Some(Known::Graph) => return Some(code(&format!("graph {word}"))),
        Some(Known::Pattern) => return Some(code(&format!("pattern {word}"))),
        None => {}
    }
    if let Some(shape) = database.table(word) {
        return Some(of_table(word, &shape.columns, shape.is_open));
    }
    let kinds = [Kind::Infix, Kind::Statement, Kind::Join, Kind::Type, Kind::Operator];
    let known = kinds.into_iter().find_map(|kind| of_kind(word, kind));
    known.or_else(|| database.function(word).map(|stored| of_stored(word, &stored)))
}

fn code(text: &str) -> String {
    format!("```kql\n{text}\n```")
}

fn of_table(name: &str, columns: &[Field], is_open: bool) -> String {
    let mut lines: Vec<String> = columns
        .iter()
        .take(MOST_COLUMNS)
        .map(|field| format!("    {}: {}", field.name, field.scalar_type))
        .collect();
    if columns.len() > MOST_COLUMNS {
        lines.push(format!("    // and {} more", columns.len() - MOST_COLUMNS));
    }
    if is_open {
        lines.push("    *".to_owned());
    }
    code(&format!("{name} (\n{}\n)", lines.join(",\n")))
}

fn of_stored(name: &str, stored: &Stored) -> String {
    match stored {
        Stored::Function(function) => code(&format!("{name}{}", parameters(function))),
        Stored::Declared(declaration) => {
            let texts: Vec<String> =
                declaration.parameters.iter().flatten().map(super::signature::written).collect();
            let gives = match &declaration.gives {
                Gives::Value(scalar_type) => scalar_type.name().to_owned(),
                Gives::Rows(shape) => format!("{} columns", shape.columns.len()),
            };
            format!("{}\nGives {gives}.", code(&format!("{name}({})", texts.join(", "))))
        }
    }
}

fn parameters(function: &Function) -> String {
    let texts: Vec<String> = function.parameters.iter().map(super::signature::written).collect();
    format!("({})", texts.join(", "))
}
