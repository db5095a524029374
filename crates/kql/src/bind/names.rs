//! Names of columns that the query gives none.
//!
//! Source: Kusto documentation, "Entity names"; `column` in the registry's rows.

use std::collections::HashSet;
use std::sync::Arc;

use crate::ast::{Argument, Expr, ExprKind};
use crate::registry::{self, Row};

/// The name that an expression gives its column; `None` for one that gives none.
pub(super) fn auto_name(expr: &Expr) -> Option<String> {
    let name = match &expr.kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Member { base, name } => match auto_name(base) {
            Some(base) if !base.starts_with('$') => format!("{base}_{}", name.text),
            _ => name.text.to_string(),
        },
        ExprKind::Index { base, index } => match &index.kind {
            ExprKind::Literal { value, .. } => format!("{}_{}", auto_name(base)?, value.to_text()),
            _ => return None,
        },
        ExprKind::Call { callee, arguments } => {
            let ExprKind::Name(function) = &callee.kind else { return None };
            let row = registry::find(function)?;
            rule(row.column?, arguments)
        }
        ExprKind::Query(query) if query.operators.is_empty() => auto_name(query.source.as_ref()?)?,
        _ => return None,
    };
    Some(name).filter(|name| !name.is_empty())
}

/// The names of the columns of a call that gives one for each argument from the second or third on, as percentiles.
pub(super) fn repeated_names(row: &Row, arguments: &[Argument], first: usize) -> Vec<String> {
    let placeholder = format!("{{{first}}}");
    let Some(pattern) = row.column else { return Vec::new() };
    let start = rule_first(pattern, arguments);
    let number = |argument: &Argument| match &argument.value.kind {
        ExprKind::Literal { value, .. } => value.to_text().replace('.', "_"),
        _ => String::new(),
    };
    arguments.iter().skip(first).map(|argument| start.replace(&placeholder, &number(argument))).collect()
}

fn rule_first(pattern: &str, arguments: &[Argument]) -> String {
    let first = arguments.first().and_then(|argument| auto_name(&argument.value)).unwrap_or_default();
    pattern.replace("{0}", &first)
}

/// A name by the rule of a row.
fn rule(pattern: &str, arguments: &[Argument]) -> String {
    let mut name = rule_first(pattern, arguments);
    for (position, argument) in arguments.iter().enumerate() {
        let text = match &argument.value.kind {
            ExprKind::Literal { value, .. } => value.to_text(),
            _ => auto_name(&argument.value).unwrap_or_default(),
        };
        name = name.replace(&format!("{{value {position}}}"), &text);
        name = name.replace(&format!("{{{position}}}"), &text.replace('.', "_"));
    }
    name
}

/// Gives every column a name of its own.
#[derive(Default)]
pub(crate) struct Names {
    taken: HashSet<Arc<str>>,
    unnamed: usize,
}

impl Names {
    /// With names that are taken.
    pub(crate) fn with(taken: impl IntoIterator<Item = Arc<str>>) -> Names {
        Names { taken: taken.into_iter().collect(), unnamed: 0 }
    }

    /// The name, with a number behind it where it is taken.
    pub(crate) fn unique(&mut self, wanted: &str) -> Arc<str> {
        let mut name: Arc<str> = wanted.into();
        let mut number = 0_usize;
        while !self.taken.insert(Arc::clone(&name)) {
            number += 1;
            name = format!("{wanted}{number}").into();
        }
        name
    }

    /// The name of an expression: its own, or `Column1` and so on.
    pub(super) fn of(&mut self, expr: &Expr) -> Arc<str> {
        let wanted = auto_name(expr);
        self.or_numbered(wanted.as_deref())
    }

    /// The name, or `Column1` and so on without one.
    pub(crate) fn or_numbered(&mut self, wanted: Option<&str>) -> Arc<str> {
        match wanted {
            Some(name) => self.unique(name),
            None => {
                self.unnamed += 1;
                let name = format!("Column{}", self.unnamed);
                self.unique(&name)
            }
        }
    }
}
