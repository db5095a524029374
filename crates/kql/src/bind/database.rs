//! What a query can name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ast::{Function, Parameter};
use crate::plan::{Field, Plan};
use crate::value::{ScalarType, Value};

/// Tables and functions.
pub trait Database {
    /// The columns of a table.
    fn table(&self, name: &str) -> Option<Shape>;

    /// The names of all tables, for wildcards, `search` and suggestions.
    fn table_names(&self) -> Vec<Arc<str>>;

    /// A stored function.
    fn function(&self, name: &str) -> Option<Stored> {
        let _ = name;
        None
    }

    /// What a function of the database gives for constant arguments, as `_GetWatchlist("name")` does.
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Arc<Plan>> {
        let _ = (name, arguments);
        None
    }

    /// Another database: `workspace("name")`, `database("name")`. None where it cannot be reached.
    fn elsewhere(&self, qualifiers: &[Qualifier]) -> Option<&dyn Database> {
        let _ = qualifiers;
        None
    }
}

/// A part of the path to another database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qualifier {
    /// `cluster`, `database`, `workspace`, `app`, `resource`, `adx` or `arg`.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// The columns of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Those that are known, in order.
    pub columns: Vec<Field>,
    /// True where there may be more, as in custom logs: queries can be checked with such a table, not run.
    pub is_open: bool,
}

impl From<Vec<Field>> for Shape {
    fn from(columns: Vec<Field>) -> Shape {
        Shape { columns, is_open: false }
    }
}

/// A stored function.
#[derive(Clone, Debug, PartialEq)]
pub enum Stored {
    /// With its body.
    Function(Arc<Function>),
    /// Known by what it takes and gives only: queries can be checked with it, not run.
    Declared(Declaration),
}

/// What a function takes and gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// What it takes; none where that is not known, and then anything may be given.
    pub parameters: Option<Vec<Parameter>>,
    /// What it gives.
    pub gives: Gives,
}

/// What a function gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Gives {
    /// Rows.
    Rows(Shape),
    /// A value.
    Value(ScalarType),
}

/// Tables in memory: names and columns.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    tables: BTreeMap<Arc<str>, Shape>,
    functions: BTreeMap<Arc<str>, Stored>,
}

impl Tables {
    /// Adds a table.
    pub fn add(&mut self, name: impl Into<Arc<str>>, columns: impl Into<Shape>) {
        self.tables.insert(name.into(), columns.into());
    }

    /// Adds a stored function.
    pub fn add_function(&mut self, name: impl Into<Arc<str>>, function: Stored) {
        self.functions.insert(name.into(), function);
    }
}

impl Database for Tables {
    fn table(&self, name: &str) -> Option<Shape> {
        self.tables.get(name).cloned()
    }

    fn table_names(&self) -> Vec<Arc<str>> {
        self.tables.keys().cloned().collect()
    }

    fn function(&self, name: &str) -> Option<Stored> {
        self.functions.get(name).cloned()
    }
}
