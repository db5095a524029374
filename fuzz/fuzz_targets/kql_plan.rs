//! Queries: whatever reads is bound against tables, planned, and run over a few rows, within tight limits. Nothing
//! panics, nothing runs on when it is told to stop, and pruning columns changes no answer.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{Limits, Result, Row, Source, discover, failure, run};
use castellan_kql::plan::{Field, pruned};
use castellan_kql::schema::Catalog;
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value, parse};
use libfuzzer_sys::fuzz_target;

/// Two small tables with a column of each type, one of them under a name that the corpora know.
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut tables = Tables::default();
    for name in ["T", "SigninLogs"] {
        tables.add(name, columns());
    }
    tables
});

fn columns() -> Vec<Field> {
    vec![
        Field::new("a", ScalarType::Long),
        Field::new("b", ScalarType::String),
        Field::new("TimeGenerated", ScalarType::DateTime),
        Field::new("d", ScalarType::Dynamic),
        Field::new("r", ScalarType::Real),
        Field::new("s", ScalarType::TimeSpan),
        Field::new("f", ScalarType::Bool),
    ]
}

struct Rows;

impl Source for Rows {
    fn rows(&self, table: &str) -> Result<Vec<Row>> {
        if !["T", "SigninLogs"].contains(&table) {
            return Err(failure("unknown-table", format!("there is no table `{table}`")));
        }
        let bag = Dynamic::parse(r#"{"x": [1, "two", null], "y": {"z": 2.5}}"#).unwrap_or(Dynamic::Null);
        let row = |at: i64| {
            vec![
                if at == 2 { Value::Null } else { Value::Long(at * 1000 - 1) },
                Value::string(["", "one two", "10.0.0.1", "{\"k\": [1]}"][at as usize % 4]),
                Value::DateTime(638_000_000_000_000_000 + at * 36_000_000_000),
                if at % 2 == 0 { Value::dynamic(bag.clone()) } else { Value::Null },
                Value::Real(if at == 3 { f64::NAN } else { at as f64 / 3.0 }),
                Value::TimeSpan(at * 10_000_000),
                Value::Bool(at % 2 == 0),
            ]
        };
        Ok((0..6).map(row).collect())
    }
}

fuzz_target!(|text: &str| {
    let parsed = parse(text);
    if !parsed.diagnostics.is_empty() {
        return;
    }
    let _ = bind(&parsed.script, Catalog::built_in(), &Options::default());
    let start = Instant::now();
    let stop = || (start.elapsed() > Duration::from_secs(1)).then(|| "time is up".to_owned());
    let limits = Limits { rows: 20_000, stop: Some(&stop), seed: 7 };
    let mut options = Options::default();
    for _ in 0..4 {
        let Ok(bound) = bind(&parsed.script, &*TABLES, &options) else { return };
        if let Some(plan) = bound.undiscovered {
            let Ok(columns) = discover(&plan, &Rows, &limits) else { return };
            options.discovered.push(columns);
            continue;
        }
        for result in bound.results {
            let whole = run(&result.plan, &Rows, &limits);
            let narrow = run(&Arc::clone(&pruned(&result.plan)), &Rows, &limits);
            if let (Ok(whole), Ok(narrow)) = (whole, narrow) {
                assert_eq!(format!("{whole:?}"), format!("{narrow:?}"));
            }
        }
        break;
    }
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
});
