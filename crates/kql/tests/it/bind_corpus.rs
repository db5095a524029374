//! Real queries bind against the built-in catalog.

use std::collections::{BTreeMap, BTreeSet};

use castellan_kql::ast::Script;
use castellan_kql::bind::{Bound, Options, bind, check};
use castellan_kql::schema::{Catalog, ParameterType, Returns};
use castellan_kql::{Diagnostic, ScalarType, Severity, parse};

use crate::malformed::MALFORMED;
use crate::sources::sources;

const FILE: &str = "kql/sentinel_queries.jsonl";

/// A message without what differs from query to query.
fn shape(error: &Diagnostic) -> String {
    let quoted = error.message.split('`').step_by(2);
    format!("{} {}", error.code, quoted.collect::<Vec<&str>>().join("`...`"))
}

/// Whether the catalog has every table and function that a query reads.
fn is_known(script: &Script, catalog: &Catalog) -> bool {
    let found = sources(script);
    let gives_rows = |name: &str| {
        catalog.function(name).is_some_and(|function| matches!(function.returns(), Returns::Rows(_)))
    };
    let has = |name: &String| {
        catalog.table(name).is_some()
            || gives_rows(name)
            || name.contains('*') && catalog.matching(name).next().is_some()
    };
    found.tables.iter().all(has) && found.functions.iter().all(|name| catalog.function(name).is_some())
}

/// What else is given from outside: parameters of parsers that have other names today, and what fills a placeholder.
const OTHERS: [&str; 6] =
    ["targetusername_has", "CallerContext", "watchlists", "placeholder", "placeholderd", "placeholders"];

/// The parameters of known functions as `let` statements: the body of a saved function uses them, and its file declares
/// them beside the query.
fn parameters(catalog: &Catalog) -> BTreeMap<&str, String> {
    let all = catalog.functions().flat_map(|function| function.parameters());
    all.filter_map(|parameter| {
        let value = match parameter.kind {
            ParameterType::Value(ScalarType::String) => "''".to_owned(),
            ParameterType::Value(scalar_type) => format!("{scalar_type}(null)"),
            ParameterType::Rows => return None,
        };
        Some((&*parameter.name, format!("let {} = {value};\n", parameter.name)))
    })
    .chain(OTHERS.map(|name| (name, format!("let {name} = toscalar(print dynamic(null));\n"))))
    .collect()
}

/// The error of a query, if there is one.
fn error(query: &str, catalog: &Catalog, parameters: &BTreeMap<&str, String>) -> Option<Diagnostic> {
    let mut query = query.to_owned();
    let mut given = BTreeSet::new();
    loop {
        let error = binds(&query, catalog).err()?;
        let name = error.span.text(&query).to_owned();
        match (error.code, parameters.get(&*name)) {
            // The language has it. Which functions can be run is for other tests.
            ("unsupported", _) => return None,
            ("unknown-name", Some(statement)) if given.insert(name) => query.insert_str(0, statement),
            _ => return Some(error),
        }
    }
}

fn binds(query: &str, catalog: &Catalog) -> Result<Bound, Diagnostic> {
    bind(&parse(query).script, catalog, &Options::default())
}

fn is_wrong(query: &str, catalog: &Catalog) -> bool {
    let found = check(&parse(query).script, catalog, &Options::default());
    found.iter().any(|wrong| wrong.severity == Severity::Error)
}

#[test]
fn real_queries_bind() {
    let malformed: Vec<&str> = MALFORMED
        .iter()
        .filter(|(_, file, _)| *file == FILE)
        .flat_map(|(.., ids)| ids.iter().copied())
        .collect();
    let queries = crate::corpus::queries(FILE);
    if queries.is_empty() {
        return;
    }
    let catalog = Catalog::built_in();
    let parameters = parameters(catalog);
    let (mut tried, mut disagree) = (0_usize, Vec::new());
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, query) in queries {
        let query = crate::placeholders::filled(&query);
        if malformed.contains(&id.as_str()) || !is_known(&parse(&query).script, catalog) {
            continue;
        }
        tried += 1;
        // One in ten is enough to see that `check` finds something where `bind` does. It looks into functions too that
        // are never called, or left out of a union, so that it finds a little more.
        if tried % 10 == 0 && is_wrong(&query, catalog) != binds(&query, catalog).is_err() {
            disagree.push(id.clone());
        }
        if let Some(error) = error(&query, catalog, &parameters) {
            failures.entry(shape(&error)).or_default().push(format!("{id}: {error}"));
        }
    }
    assert!(disagree.len() <= 10, "check() and bind() disagree: {disagree:#?}");
    let failed: usize = failures.values().map(Vec::len).sum();
    // The figures that docs/kql.md shows.
    let listed = include_str!("../data/exceptions.txt");
    let figures = format!("queries {tried} {}\n", tried - failed);
    assert!(listed.contains(&figures), "not {figures}: {failures:#?}");
    assert!(tried > 7_000 && failed * 1_000 <= tried * 15, "{failed} of {tried} do not bind: {failures:#?}");
}
