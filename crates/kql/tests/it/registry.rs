//! The registry against the parser, the evaluator and the published surface of the language.

use std::collections::BTreeSet;

use castellan_kql::ast::{ExprKind, OperatorKind, Statement};
use castellan_kql::registry::{self, Kind, Row};
use castellan_kql::{Value, functions, parse};

/// What the parser does not read: Azure Monitor does not offer it.
const NOT_READ: [&str; 1] = ["inline_external_table"];

#[test]
fn every_example_parses() {
    let mut wrong = Vec::new();
    for row in registry::rows().filter(|row| !NOT_READ.contains(&row.name)) {
        let parsed = parse(row.example);
        if let Some(diagnostic) = parsed.diagnostics.first() {
            wrong.push(format!("{}: {}\n    {}", row.name, row.example, diagnostic.message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The value of an example that is one `print` of one value.
fn printed(row: &Row) -> Option<Result<Value, String>> {
    let parsed = parse(row.example);
    let [Statement::Query(query)] = parsed.script.statements.as_slice() else { return None };
    let ExprKind::Query(query) = &query.kind else { return None };
    let [operator] = query.operators.as_slice() else { return None };
    let OperatorKind::Print(columns) = &operator.kind else { return None };
    let [_] = columns.as_slice() else { return None };
    let answer = crate::answers::answer(row.example);
    Some(answer.map(|answer| answer.rows[0][0].clone()).map_err(|diagnostic| diagnostic.message))
}

#[test]
fn every_result_is_what_its_example_gives() {
    let mut wrong = Vec::new();
    let mut checked = 0;
    let mut later = Vec::new();
    for row in registry::rows() {
        let Some(expected) = row.result else { continue };
        match printed(row) {
            Some(Ok(value)) if value.to_text() == expected => checked += 1,
            Some(Ok(value)) => wrong.push(format!("{}: {expected}, got {}", row.example, value.to_text())),
            Some(Err(error)) => later.push(format!("{}: {error}", row.name)),
            None => wrong.push(format!("{}: no single print", row.example)),
        }
    }
    eprintln!("{checked} results checked, {} need more than the scalar evaluator: {later:#?}", later.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_take_what_their_signatures_say() {
    let mut wrong = Vec::new();
    for function in functions::all().filter(|function| !function.name.starts_with('$')) {
        let Some(row) = registry::find_kind(function.name, Kind::Scalar) else {
            wrong.push(format!("{} has no row", function.name));
            continue;
        };
        let arities: Vec<(usize, usize)> = row.signatures.iter().map(|signature| signature.arity()).collect();
        let least = arities.iter().map(|arity| arity.0).min().unwrap();
        let most = arities.iter().map(|arity| arity.1).max().unwrap();
        if least < function.least || most > function.most {
            let name = function.name;
            wrong.push(format!("{name}: {least}..{most}, takes {}..{}", function.least, function.most));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Titles in the surface file that name no part of the language, each with what it is.
const PAGES: [(&str, &str); 16] = [
    ("User-defined s", "an overview; `let` has the row"),
    ("Stored s", "an overview of functions kept in a database"),
    ("Window s overview", "an overview; each window function has a row"),
    ("Scalar  types at a glance", "an overview"),
    ("Aggregation  types at a glance", "an overview"),
    ("Tutorial: Use s", "a tutorial"),
    ("Query statement types", "an overview"),
    ("Tabular expression statements", "an overview; the operators have rows"),
    ("GQL s, s and predicates", "another language"),
    ("Cross-cluster join", "`join` with a table of another cluster"),
    ("Time window join", "a way to use `join`"),
    ("Tutorial: join data from multiple tables", "a tutorial"),
    ("Scalar data types", "an overview"),
    ("Null values", "an overview; the types' rows say it"),
    ("Python  packages", "a list of packages"),
    ("User analytics s", "an overview of plugins"),
];

/// The registry's name and kind for a row of the surface file.
fn in_registry(kind: &str, name: &str) -> Vec<(String, Vec<Kind>)> {
    const FUNCTIONS: [Kind; 3] = [Kind::Scalar, Kind::Window, Kind::Graph];
    let bare = name.trim_end_matches("  preview").trim_end_matches("  - preview");
    let one = |name: &str, kinds: &[Kind]| vec![(name.to_owned(), kinds.to_vec())];
    match kind {
        "scalar" => one(bare.trim_end_matches(" graph"), &FUNCTIONS),
        "agg" => bare
            .trim_end_matches(" s")
            .split(", ")
            .map(|name| (name.to_owned(), vec![Kind::Aggregate]))
            .collect(),
        "plugin" => one(&bare.to_lowercase(), &[Kind::Plugin, Kind::Operator]),
        "operator" => {
            let bare = bare.trim_end_matches(" equals").trim_end_matches(" not");
            one(bare, &[Kind::Operator, Kind::Infix])
        }
        "join" => one(bare.trim_end_matches(" join"), &[Kind::Join]),
        "statement" => {
            let word = bare.trim_end_matches(" statement").to_lowercase();
            let word = match word.as_str() {
                "pattern" => "declare pattern",
                "query parameters declaration" => "declare query_parameters",
                other => other,
            };
            one(word, &[Kind::Statement])
        }
        "type" => one(bare.trim_start_matches("The ").trim_end_matches(" data type"), &[Kind::Type]),
        _ => Vec::new(),
    }
}

#[test]
fn the_published_surface_is_covered() {
    let Some(path) = crate::corpus("kql/surface.csv") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let mut missing = Vec::new();
    let mut covered: BTreeSet<(&str, Kind)> = BTreeSet::new();
    let mut unlike = Vec::new();
    for (kind, name, azure_monitor) in text.lines().skip(1).filter_map(fields) {
        if kind == "kind" || PAGES.iter().any(|(title, _)| *title == name) {
            continue;
        }
        for (name, kinds) in in_registry(kind, &name) {
            let found = kinds.iter().find_map(|kind| registry::find_kind(&name, *kind));
            let Some(row) = found else {
                missing.push(format!("{kind} {name}"));
                continue;
            };
            covered.insert((row.name, row.kind));
            let calls_nothing = row.name == "evaluate" || (row.kind == Kind::Plugin && row.azure_monitor);
            if row.azure_monitor != azure_monitor && !calls_nothing {
                unlike.push(row.name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    // The file denies Azure Monitor every plugin, yet real rules use them; those that call nothing outside are offered.
    assert!(unlike.is_empty(), "another word on Azure Monitor: {unlike:?}");
    let beyond: Vec<String> = registry::rows()
        .filter(|row| !covered.contains(&(row.name, row.kind)))
        .filter(|row| !BEYOND.iter().any(|(_, names)| names.contains(&row.name)))
        .map(|row| format!("{} {}", row.kind.as_str(), row.name))
        .collect();
    assert!(beyond.is_empty(), "in the registry without a reason: {beyond:#?}");
}

/// `kind,name,azure_monitor,...`, with commas in a quoted name.
fn fields(line: &str) -> Option<(&str, String, bool)> {
    let (kind, rest) = line.split_once(',')?;
    let (name, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once("\",")?,
        None => rest.split_once(',')?,
    };
    Some((kind, name.to_owned(), rest.starts_with("True")))
}

/// Rows that have no page of their own in the surface file, with the reason.
const BEYOND: [(&str, &[&str]); 6] = [
    ("the file's pages treat several at once", &["percentiles_array", "percentilesw_array"]),
    (
        "comparison, logic and arithmetic stand on pages of the types",
        &["<", "<=", ">", ">=", "and", "or", "+", "-", "*", "/", "%"],
    ),
    ("the negation's page is missing", &["!startswith_cs", "!hasprefix"]),
    (
        "older names that are not mere spellings: their columns or results differ",
        &["any", "anyif", "argmax", "argmin", "getmonth", "iscolumnexists", "replace", "weekofyear"],
    ),
    (
        "part of the language without a page, in real queries or in the parser",
        &[
            "assert-schema",
            "graph-shortest-paths",
            "graph-where-edges",
            "graph-where-nodes",
            "passthrough",
            "totable",
            "typeof",
        ],
    ),
    ("Azure Monitor's own ways to other tables", &["adx", "app", "arg", "resource", "workspace"]),
];

#[test]
fn every_feature_of_real_queries_is_covered() {
    let Some(path) = crate::corpus("kql/feature_frequency.csv") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let names = text.lines().skip(1).filter_map(|line| line.split(',').nth(1));
    let is_known = |feature: &str| {
        let Some((family, name)) = feature.split_once(':') else { return true };
        let name = name.trim_end_matches("()");
        let kinds: &[Kind] = match family {
            "F" => &[Kind::Scalar, Kind::Window, Kind::Aggregate, Kind::Graph],
            "T" => &[Kind::Operator],
            "S" => &[Kind::Infix],
            "P" => &[Kind::Plugin],
            // `default(innerunique)` is no word of the language.
            "join" if !name.starts_with("default") => &[Kind::Join],
            _ => return true,
        };
        kinds.iter().any(|kind| registry::find_kind(name, *kind).is_some())
    };
    let missing: Vec<&str> = names.filter(|feature| !is_known(feature)).collect();
    // `has_any` has no negation; the queries counted are refused.
    assert_eq!(missing, ["S:!has_any"]);
}
