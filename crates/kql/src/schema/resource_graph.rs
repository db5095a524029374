//! The tables of Resource Graph, which has rules of its own: the case of their names does not count, and a query that names
//! none reads `Resources`. Source: Azure Resource Graph documentation, "Understanding the query language".

use std::collections::HashSet;
use std::sync::OnceLock;

/// Its tables, a line each.
pub(super) const TABLES: &str = include_str!("../../../../content/tables/resource-graph.csv");

/// The table that a query without one reads.
pub(crate) const DEFAULT: &str = "Resources";

/// Whether Resource Graph has a table of this name, in any case.
pub(crate) fn has(name: &str) -> bool {
    static NAMES: OnceLock<HashSet<String>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let lines = TABLES.lines().skip(1).filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(',')).map(|(name, _)| name.to_ascii_lowercase()).collect()
    });
    names.contains(&name.to_ascii_lowercase())
}
