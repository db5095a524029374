//! The tables and functions that rules are checked against.

use std::collections::BTreeMap;
use std::sync::Arc;

use castellan_kql::bind::{Database, Qualifier, Shape, Stored};
use castellan_kql::schema::Catalog;

/// The catalog of the product, and what somebody laid on top of it.
#[derive(Clone, Debug, Default)]
pub struct Schemas {
    upper: Option<Catalog>,
    tables: BTreeMap<Arc<str>, Shape>,
    functions: BTreeMap<Arc<str>, Stored>,
}

impl Schemas {
    /// With tables and functions of a catalog of one's own on top.
    #[must_use]
    pub fn with_catalog(mut self, upper: Catalog) -> Schemas {
        self.upper = Some(match self.upper {
            Some(lower) => lower.under(&upper),
            None => upper,
        });
        self
    }

    /// Adds a table, in the place of one of the same name.
    pub fn add_table(&mut self, name: impl Into<Arc<str>>, shape: impl Into<Shape>) {
        self.tables.insert(name.into(), shape.into());
    }

    /// Adds a function, in the place of one of the same name.
    pub fn add_function(&mut self, name: impl Into<Arc<str>>, function: Stored) {
        self.functions.insert(name.into(), function);
    }

    fn catalogs(&self) -> impl Iterator<Item = &Catalog> {
        self.upper.iter().chain(std::iter::once(Catalog::built_in()))
    }
}

impl Database for Schemas {
    fn table(&self, name: &str) -> Option<Shape> {
        let own = self.tables.get(name).cloned();
        own.or_else(|| self.catalogs().find_map(|catalog| Database::table(catalog, name)))
    }

    fn table_names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.tables.keys().cloned().collect();
        names.extend(self.catalogs().flat_map(Database::table_names));
        names.sort();
        names.dedup();
        names
    }

    fn function_names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = self.functions.keys().cloned().collect();
        names.extend(self.catalogs().flat_map(Database::function_names));
        names.sort();
        names.dedup();
        names
    }

    fn function(&self, name: &str) -> Option<Stored> {
        let own = self.functions.get(name).cloned();
        own.or_else(|| self.catalogs().find_map(|catalog| Database::function(catalog, name)))
    }

    /// Other workspaces have the same tables.
    fn elsewhere(&self, _qualifiers: &[Qualifier]) -> Option<&dyn Database> {
        Some(self)
    }
}
