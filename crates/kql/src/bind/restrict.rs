//! `restrict access to`: what the rest of a query may read.
//!
//! A program that takes queries from people puts it behind the views that it made for them. It holds for what comes
//! behind it, by the names in sight: views that were made before read what they did, and so do functions of the database.

use std::sync::Arc;

use super::database::{Database, Qualifier, Shape, Stored};
use super::environment::{Binding, Environment};
use super::project::matches_wildcard;
use super::{Binder, Result};
use crate::ast::{Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::plan::Plan;
use crate::value::Value;

/// What one statement leaves of the databases.
#[derive(Debug, Default)]
pub(super) struct Restriction {
    entities: Vec<Entity>,
    /// Those of the statements before: what is read has to be in all.
    outer: Option<Arc<Restriction>>,
}

/// Tables and functions that may be read.
#[derive(Debug)]
struct Entity {
    /// The database, with wildcards; empty for the query's own.
    qualifiers: Vec<Qualifier>,
    /// Their names, with wildcards.
    name: Arc<str>,
}

impl Entity {
    fn is(&self, qualifiers: &[Qualifier], name: &str) -> bool {
        let is_same = |(own, other): (&Qualifier, &Qualifier)| {
            own.kind == other.kind && matches_wildcard(&own.name, &other.name)
        };
        self.qualifiers.len() == qualifiers.len()
            && self.qualifiers.iter().zip(qualifiers).all(is_same)
            && matches_wildcard(&self.name, name)
    }
}

impl Restriction {
    fn allows(&self, qualifiers: &[Qualifier], name: &str) -> bool {
        self.entities.iter().any(|entity| entity.is(qualifiers, name))
            && self.outer.as_ref().is_none_or(|outer| outer.allows(qualifiers, name))
    }
}

/// A database as a part of a query sees it.
#[derive(Clone, Copy)]
pub(super) struct Visible<'v> {
    database: &'v dyn Database,
    /// How the query leads to it; empty for its own.
    qualifiers: &'v [Qualifier],
    restriction: Option<&'v Restriction>,
}

impl Visible<'_> {
    fn allows(&self, name: &str) -> bool {
        self.restriction.is_none_or(|restriction| restriction.allows(self.qualifiers, name))
    }
}

impl Database for Visible<'_> {
    fn table(&self, name: &str) -> Option<Shape> {
        self.database.table(name).filter(|_| self.allows(name))
    }

    fn table_names(&self) -> Vec<Arc<str>> {
        let mut names = self.database.table_names();
        names.retain(|name| self.allows(name));
        names
    }

    fn function_names(&self) -> Vec<Arc<str>> {
        let mut names = self.database.function_names();
        names.retain(|name| self.allows(name));
        names
    }

    fn function(&self, name: &str) -> Option<Stored> {
        self.database.function(name).filter(|_| self.allows(name))
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Arc<Plan>> {
        if self.allows(name) { self.database.call(name, arguments) } else { None }
    }
}

impl Binder<'_> {
    /// The query's own database as it is seen from here.
    pub(super) fn visible<'v>(&'v self, environment: &'v Environment) -> Visible<'v> {
        self.visible_in(self.database, &[], environment)
    }

    /// Another database as it is seen from here.
    pub(super) fn visible_in<'v>(
        &self,
        database: &'v dyn Database,
        qualifiers: &'v [Qualifier],
        environment: &'v Environment,
    ) -> Visible<'v> {
        Visible { database, qualifiers, restriction: environment.restriction().map(|own| &**own) }
    }

    /// The names that are left behind the statement.
    ///
    /// Errors: an entity that is no name.
    pub(super) fn restrict(&self, entities: &[Expr], environment: &Environment) -> Result<Environment> {
        let mut own: Vec<&str> = Vec::new();
        let mut stored = Vec::new();
        for entity in entities {
            let name = match &entity.kind {
                ExprKind::Star => "*",
                ExprKind::Name(name) | ExprKind::Wildcard(name) => name,
                ExprKind::Member { base, name } if self.is_qualified(base) => {
                    let qualifiers = self.qualifiers(base, environment)?;
                    stored.push(Entity { qualifiers, name: Arc::clone(&name.text) });
                    continue;
                }
                _ => return Err(no_entity(entity)),
            };
            own.push(name);
            // A name alone is that of a view, where there is one: the table behind it stays out of reach.
            let is_view = matches!(environment.find(name), Some(binding) if self.is_entity(binding));
            if name != "*" && !is_view {
                stored.push(Entity { qualifiers: Vec::new(), name: name.into() });
            }
        }
        let is_left = |name: &str, binding: &Binding| {
            !self.is_entity(binding) || own.iter().any(|pattern| matches_wildcard(pattern, name))
        };
        let outer = environment.restriction().cloned();
        Ok(environment.filtered(is_left).restricted(Arc::new(Restriction { entities: stored, outer })))
    }

    /// Whether a name stands for something that can be restricted: rows, and not a value.
    fn is_entity(&self, binding: &Binding) -> bool {
        match binding {
            Binding::Scalar(_) => false,
            Binding::Table { .. } | Binding::Graph(_) | Binding::Pattern { .. } => true,
            Binding::Function { function, environment } => self.gives_rows(function, environment),
        }
    }
}

fn no_entity(entity: &Expr) -> Diagnostic {
    let message = "access is restricted to tables, views and patterns";
    Diagnostic::error("not-tabular", entity.span, message)
        .with_help("name them: `restrict access to (MyView, database().MyTable, database().My*)`")
}
