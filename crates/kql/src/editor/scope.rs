//! The columns and names that the cursor can see.

use std::sync::Arc;

use super::cursor::{Cursor, Role};
use crate::ast::{ExprKind, Parameter, Statement};
use crate::bind::{Database, Known, Options, Outline, outline};
use crate::lexer::TokenKind;
use crate::plan::Field;

/// What an expression at the cursor can name.
pub(super) struct Scope {
    /// The columns of the rows before the operator.
    pub(super) columns: Vec<Field>,
    /// The columns of the right side of a join.
    pub(super) right: Option<Vec<Field>>,
    /// Variables, tables and functions of the query, the latest first.
    pub(super) names: Vec<(Arc<str>, Known)>,
}

impl Scope {
    pub(super) fn at(cursor: &Cursor<'_>, database: &dyn Database) -> Scope {
        let level = cursor.pipeline();
        let (statements, parameters) = statements_before(cursor, level);
        let see = |rows: &str| -> Outline {
            let script = crate::parse(&format!("{statements}\n{rows}")).script;
            outline(&script, &parameters, database, &Options::default())
        };
        let left = see(&rows_before(cursor, level).unwrap_or_default());
        let right = right_side(cursor, level).map(|rows| see(&rows).columns);
        Scope { columns: left.columns, right, names: left.names }
    }

    /// What a name of the query stands for.
    pub(super) fn name(&self, name: &str) -> Option<&Known> {
        self.names.iter().find(|(known, _)| **known == *name).map(|(_, known)| known)
    }

    pub(super) fn column(&self, name: &str) -> Option<&Field> {
        self.columns.iter().chain(self.right.iter().flatten()).find(|field| *field.name == *name)
    }
}

/// The statements that end before the cursor, and the parameters of the functions around it.
fn statements_before(cursor: &Cursor<'_>, level: usize) -> (String, Vec<Parameter>) {
    let (mut statements, mut parameters) = (String::new(), Vec::new());
    for at in 0..=level {
        let Some(inner) = cursor.levels.get(at).filter(|_| cursor.role(at) == Role::Statements) else {
            continue;
        };
        if let Some(open) = inner.open {
            parameters.extend(parameters_before(cursor, open));
        }
        statements.push_str(cursor.between(inner.first, inner.start));
        statements.push('\n');
    }
    (statements, parameters)
}

/// The parameters of the function whose body opens.
fn parameters_before(cursor: &Cursor<'_>, open: usize) -> Vec<Parameter> {
    let mut depth = 0_usize;
    for at in (0..open).rev() {
        match cursor.kind(at) {
            TokenKind::Sign(")") => depth += 1,
            TokenKind::Sign("(") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            let script = crate::parse(&format!("let f = {} {{ 0 }};", cursor.between(at, open))).script;
            let Some(Statement::Let { value, .. }) = script.statements.into_iter().next() else { break };
            let ExprKind::Function(function) = value.kind else { break };
            return function.parameters;
        }
    }
    Vec::new()
}

/// The pipeline of a level before the operator that the cursor is in.
fn rows_before(cursor: &Cursor<'_>, at: usize) -> Option<String> {
    let level = cursor.levels.get(at)?;
    let own = level.bars.last().map(|bar| cursor.between(cursor.pipeline_start(at), *bar));
    if cursor.role(at) != Role::Continued {
        return own.map(str::to_owned);
    }
    let outer = cursor.pipeline_within(at.checked_sub(1)?);
    let mut rows = rows_before(cursor, outer)?;
    if let (Some(("mv-apply", next)), Some(open)) = (cursor.operator(outer), level.open) {
        rows.push_str(" | mv-expand ");
        rows.push_str(cursor.between(next, open.saturating_sub(1)));
    }
    if let Some(own) = own {
        rows.push_str(" | ");
        rows.push_str(own);
    }
    Some(rows)
}

/// The table behind `join` and its options, once it is there.
fn right_side(cursor: &Cursor<'_>, level: usize) -> Option<String> {
    let (name, mut at) = cursor.operator(level)?;
    if !matches!(name, "join" | "lookup") {
        return None;
    }
    while cursor.kind(at + 1) == TokenKind::Sign("=") || cursor.kind(at + 1) == TokenKind::Sign(".") {
        at += if cursor.kind(at + 1) == TokenKind::Sign("=") { 3 } else { 2 };
    }
    if cursor.kind(at) == TokenKind::Word {
        return (at + 1 < cursor.before.len()).then(|| cursor.token_text(at).to_owned());
    }
    let mut depth = 0_usize;
    for end in at..cursor.before.len() {
        match cursor.kind(end) {
            TokenKind::Sign("(") => depth += 1,
            TokenKind::Sign(")") => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return (end > at).then(|| cursor.between(at + 1, end).to_owned());
        }
    }
    None
}
