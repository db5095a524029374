//! What an expression can see of a row.

use std::cell::RefCell;
use std::sync::Arc;

use super::environment::Environment;
use crate::plan::{Aggregate, Field, WindowCall};

/// Columns, further columns behind a name (`$left.x`, a node of a pattern, a step of `scan`), and variables.
#[derive(Clone, Copy)]
pub(super) struct Frame<'f> {
    /// The columns of the row.
    pub(super) columns: &'f [Field],
    /// True where there may be columns that nobody knows.
    pub(super) is_open: bool,
    /// Columns behind a name.
    pub(super) groups: &'f [Group],
    /// Variables and functions.
    pub(super) environment: &'f Environment,
    /// Calls that are computed beforehand.
    pub(super) gather: Gather<'f>,
    /// Whether variables may hold values of the row: true in the body of a function that was called with some.
    pub(super) sees_row: bool,
}

/// Columns behind a name.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// The name.
    pub(super) name: Arc<str>,
    /// The position of the first of its columns in the row.
    pub(super) offset: usize,
    /// Its columns.
    pub(super) columns: Vec<Field>,
}

/// Calls that are taken out of an expression and computed by a step below it. The expression then sees a column for each
/// of their outputs, after those that the step has anyway.
#[derive(Clone, Copy)]
pub(super) enum Gather<'f> {
    /// None: aggregates and window functions are errors.
    Nothing,
    /// Aggregates. Columns outside of them are errors; `before` columns stand before their outputs.
    Aggregates { calls: &'f RefCell<Vec<Aggregate>>, before: usize, keys: &'f [Field] },
    /// Window functions.
    Windows(&'f RefCell<Vec<WindowCall>>),
    /// Functions of nodes and edges.
    Graph(&'f super::graph::Pattern<'f>),
}

impl<'f> Frame<'f> {
    pub(super) fn new(columns: &'f [Field], is_open: bool, environment: &'f Environment) -> Frame<'f> {
        Frame { columns, is_open, groups: &[], environment, gather: Gather::Nothing, sees_row: false }
    }

    /// No columns: constants only.
    pub(super) fn constant(environment: &'f Environment) -> Frame<'f> {
        Frame::new(&[], false, environment)
    }

    /// The same without gathering.
    pub(super) fn plain(self) -> Frame<'f> {
        Frame { gather: Gather::Nothing, ..self }
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }

    pub(super) fn group(&self, name: &str) -> Option<&'f Group> {
        self.groups.iter().find(|group| &*group.name == name)
    }
}
