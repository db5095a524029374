//! The built-in catalog against the published columns and the tables that real queries read.

use std::collections::{BTreeMap, BTreeSet};

use castellan_kql::ScalarType;
use castellan_kql::schema::{Catalog, ParameterType, Returns};

use crate::sources::sources;

/// What documentation shows as an example of columns, not as columns.
const NO_COLUMNS: [&str; 2] = ["abc", "..."];

/// The first three fields of each row of a file: table, column, type. Fields in quotes may hold line breaks.
fn published(name: &str) -> Vec<[String; 3]> {
    let Some(path) = crate::corpus(name) else { return Vec::new() };
    let text = std::fs::read_to_string(path).unwrap();
    let (mut rows, mut row, mut field, mut is_quoted) = (Vec::new(), Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            _ => field.push(c),
        }
    }
    let three = |row: Vec<String>| [row[0].clone(), row[1].clone(), row[2].clone()];
    rows.into_iter().skip(1).map(three).collect()
}

/// A type as documentation writes it.
fn documented_type(word: &str) -> Option<ScalarType> {
    if word.eq_ignore_ascii_case("bigint") { Some(ScalarType::Long) } else { ScalarType::named(word) }
}

#[test]
fn every_published_table_is_known_with_its_columns() {
    for (file, least) in [("tables/la_table_schemas.csv", 898), ("tables/ai_table_schemas.csv", 80)] {
        let rows = published(file);
        if rows.is_empty() {
            return;
        }
        let mut wrong = Vec::new();
        let mut tables = BTreeSet::new();
        for [table, column, column_type] in &rows {
            tables.insert(table.as_str());
            if NO_COLUMNS.contains(&column.as_str()) {
                continue;
            }
            let known = Catalog::built_in().table(table).and_then(|known| known.column(column));
            if known.map(|known| known.scalar_type) != documented_type(column_type) {
                wrong.push(format!("{table}.{column} is {column_type}, not {known:?}"));
            }
        }
        assert!(tables.len() >= least, "{file} holds {}", tables.len());
        assert!(wrong.is_empty(), "{file}: {wrong:#?}");
    }
}

#[test]
fn defaults_are_constants_of_the_language() {
    for function in Catalog::built_in().functions() {
        for parameter in function.parameters() {
            let Some(default) = &parameter.default else { continue };
            assert_ne!(parameter.kind, ParameterType::Rows, "{} {}", function.name(), parameter.name);
            let query = format!("let f = (x: dynamic = {default}) {{ x }}; print {default}");
            let parsed = castellan_kql::parse(&query);
            assert!(parsed.diagnostics.is_empty(), "{}: {query}", function.name());
        }
    }
}

#[test]
fn most_queries_read_known_tables() {
    let queries = crate::corpus::queries("kql/sentinel_queries.jsonl");
    if queries.is_empty() {
        return;
    }
    let catalog = Catalog::built_in();
    let rows = |name: &str| match catalog.function(name)?.returns() {
        Returns::Rows(columns) => Some(columns),
        Returns::Value(_) => None,
    };
    let columns = |name: &str| catalog.table(name).map(|table| table.columns()).or_else(|| rows(name));
    let is_known =
        |name: &str| columns(name).is_some() || name.contains('*') && catalog.matching(name).next().is_some();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    let (mut known, mut closed, mut templated) = (0, 0, 0);
    for (_, query) in &queries {
        let filled = crate::placeholders::filled(query);
        let found = sources(&castellan_kql::parse(&filled).script);
        if found.tables.iter().any(|name| name.contains("placeholder")) {
            templated += 1;
            continue;
        }
        let tables = found.tables.iter().filter(|name| !is_known(name)).cloned();
        let functions = found.functions.iter().filter(|name| catalog.function(name).is_none());
        let missing: Vec<String> = tables.chain(functions.map(|name| format!("{name}()"))).collect();
        known += usize::from(missing.is_empty());
        let is_closed = |name: &String| !columns(name).is_some_and(|columns| columns.is_open);
        let reads_closed = found.tables.iter().chain(&found.functions).all(is_closed);
        closed += usize::from(missing.is_empty() && reads_closed);
        for name in missing {
            *unknown.entry(name).or_default() += 1;
        }
    }
    let mut most: Vec<(usize, String)> = unknown.into_iter().map(|(name, count)| (count, name)).collect();
    most.sort_by(|left, right| right.cmp(left));
    let names: Vec<String> = most.iter().take(50).map(|(count, name)| format!("{name} {count}")).collect();
    eprintln!(
        "{known} of {} queries read known tables and functions only, {closed} of them only such whose columns are all \
         known; {templated} have a table to fill in; {} names are unknown, most of all {}",
        queries.len(),
        most.len(),
        names.join(", ")
    );
    assert!(known >= 7_200 && closed >= 4_000, "{known}, {closed}");
}
