//! What of the language runs: every example of the registry does, or `data/support.txt` says what comes of it.

use std::collections::BTreeMap;

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{Limits, Result, Row, Source, discover, run};
use castellan_kql::plan::Field;
use castellan_kql::registry;
use castellan_kql::schema::Catalog;
use castellan_kql::{Diagnostic, ScalarType, parse};

const SUPPORT: &str = include_str!("../../data/support.txt");

/// The tables that examples read.
const LETS: &str = "
    let E = datatable(a: string, b: string, weight: long) ['x', 'y', 1, 'y', 'z', 2];
    let N = datatable(id: string, kind: string) ['x', 'User', 'y', 'Host', 'z', 'Host'];
    let T = print User = 'ann', t = datetime(2024-01-01), h1 = 1, h2 = 2, Status = 'ok', Message = 'm', Failed = true,
        Event = 'open', longitude = 1.0, latitude = 2.0, ip = '10.0.0.1', val = 1.0, a = 1, x = 1;
    let Roads = print road = dynamic({'type': 'LineString', 'coordinates': [[1, 2], [3, 4]]});
    let Areas = print area = dynamic({'type': 'Polygon', 'coordinates': [[[0, 0], [4, 0], [4, 4], [0, 0]]]});
    let Networks = print network = '10.0.0.0/8';
    ";

/// Tables without rows.
struct Empty;

impl Source for Empty {
    fn rows(&self, _table: &str) -> Result<Vec<Row>> {
        Ok(Vec::new())
    }
}

fn database() -> Tables {
    let mut tables = Tables::default();
    for name in ["SigninLogs", "AuditLogs"] {
        let columns = Catalog::built_in().table(name).unwrap().columns();
        let field =
            |column: &castellan_kql::schema::Column| Field::new(column.name.clone(), column.scalar_type);
        tables.add(name, columns.list.iter().map(field).collect::<Vec<Field>>());
    }
    tables.add("DailyEvents", vec![Field::new("day", ScalarType::DateTime)]);
    tables
}

/// What comes of an example: `runs`, `binds` or `refused`, and why.
fn outcome(example: &str) -> (&'static str, Option<Diagnostic>) {
    let text = format!("{LETS}{example}");
    let parsed = parse(&text);
    if let Some(error) = parsed.diagnostics.into_iter().next() {
        return ("refused", Some(error));
    }
    let mut options = Options::default();
    loop {
        let bound = match bind(&parsed.script, &database(), &options) {
            Ok(bound) => bound,
            Err(error) if error.code == "elsewhere" => return ("binds", Some(error)),
            Err(error) => return ("refused", Some(error)),
        };
        if let Some(plan) = bound.undiscovered {
            match discover(&plan, &Empty, &Limits::default()) {
                Ok(columns) => options.discovered.push(columns),
                Err(error) => return ("binds", Some(error)),
            }
            continue;
        }
        return match bound
            .results
            .iter()
            .find_map(|result| run(&result.plan, &Empty, &Limits::default()).err())
        {
            None => ("runs", None),
            Some(error) => ("binds", Some(error)),
        };
    }
}

#[test]
fn every_name_runs_or_is_listed() {
    let lines = SUPPORT.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let listed: BTreeMap<(&str, &str), &str> = lines
        .map(|line| {
            let mut words = line.splitn(4, '|').map(str::trim);
            let key = (words.next().unwrap(), words.next().unwrap());
            let state = words.next().unwrap();
            assert!(words.next().is_some_and(|reason| !reason.is_empty()), "no reason: {line}");
            (key, state)
        })
        .collect();
    let mut wrong = Vec::new();
    for row in registry::rows() {
        let expected = listed.get(&(row.kind.as_str(), row.name)).copied().unwrap_or("runs");
        let (found, error) = outcome(row.example);
        if found != expected {
            let error = error.map(|error| format!("{} {error}", error.code)).unwrap_or_default();
            wrong.push(format!("{} | {} | {found} | {error}", row.kind.as_str(), row.name));
        }
    }
    assert!(wrong.is_empty(), "not as listed:\n{}", wrong.join("\n"));
    let is_known = |(kind, name): &(&str, &str)| {
        registry::rows().any(|row| row.kind.as_str() == *kind && row.name == *name)
    };
    assert!(listed.keys().all(is_known), "a name that the registry does not have");
}
