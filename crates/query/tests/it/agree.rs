//! DataFusion's answers are those of the plain engine, on every case of the corpora.

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{self, NoTables, Row};
use castellan_kql::value::parse_datetime;
use castellan_kql::{Diagnostic, Value};
use castellan_query::{Engine, Limits, Settings};
use serde_json::Value as Json;

pub(crate) fn now() -> i64 {
    parse_datetime("2026-11-21T10:00:00Z").unwrap()
}

/// What the plain engine gives, and whether the order of its rows means something.
pub(crate) fn plain(query: &str) -> Result<(Vec<Row>, bool), Diagnostic> {
    let parsed = castellan_kql::parse(query);
    if let Some(error) = parsed.diagnostics.into_iter().next() {
        return Err(error);
    }
    let mut options = Options { now: now(), ..Options::default() };
    loop {
        let bound = bind(&parsed.script, &Tables::default(), &options)?;
        let limits = interpret::Limits { rows: 5_000_000, ..interpret::Limits::default() };
        if let Some(plan) = bound.undiscovered {
            options.discovered.push(interpret::discover(&plan, &NoTables, &limits)?);
            continue;
        }
        let plan = &bound.results[0].plan;
        return Ok((interpret::run(plan, &NoTables, &limits)?, plan.is_ordered()));
    }
}

async fn compiled(query: &str) -> Result<Vec<Row>, castellan_query::Error> {
    let limits = Limits { time: std::time::Duration::from_secs(60), ..Limits::default() };
    let settings = Settings {
        now: castellan_base::Ticks::new(now()),
        seed: Some(0),
        threads: 2,
        limits,
        ..Settings::default()
    };
    let answers = Engine::new(settings).query(query).await?;
    let answer = &answers.answers[0];
    answer.values()
}

/// A row as text in which equal values look alike.
pub(crate) fn text(row: &Row) -> String {
    let cell = |value: &Value| match value {
        Value::Real(number) if number.is_finite() => format!("{number:.9e}"),
        Value::Dynamic(dynamic) => format!("dynamic {dynamic}"),
        Value::Decimal(number) => format!("decimal {}", number.normalized()),
        other => format!("{other:?}"),
    };
    row.iter().map(cell).collect::<Vec<String>>().join(" | ")
}

pub(crate) fn is_same(plain: &[Row], compiled: &[Row], is_ordered: bool) -> bool {
    let mut left: Vec<String> = plain.iter().map(text).collect();
    let mut right: Vec<String> = compiled.iter().map(text).collect();
    if !is_ordered {
        left.sort();
        right.sort();
    }
    left == right
}

/// Queries that draw by chance.
fn is_random(query: &str) -> bool {
    ["rand(", "new_guid(", "sample ", "sample-distinct", "rand ("].iter().any(|word| query.contains(word))
}

#[tokio::test]
async fn both_engines_agree_on_the_cases() {
    let (mut agreed, mut wrong) = (0, Vec::new());
    for name in ["kql/doc_cases.jsonl", "kql/handwritten_cases.jsonl"] {
        let Some(path) = crate::corpus(name) else { return };
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let case: Json = serde_json::from_str(line).unwrap();
            let (id, query) = (case["id"].as_str().unwrap(), case["query"].as_str().unwrap());
            if is_random(query) {
                continue;
            }
            match (plain(query), compiled(query).await) {
                (Ok((plain, is_ordered)), Ok(compiled)) if is_same(&plain, &compiled, is_ordered) => {
                    agreed += 1
                }
                (Ok((plain, _)), Ok(compiled)) => {
                    let sample = |rows: &[Row]| rows.iter().take(4).map(text).collect::<Vec<String>>();
                    wrong.push(format!("{id}: plain {:?}, compiled {:?}", sample(&plain), sample(&compiled)));
                }
                (Ok(_), Err(error)) => wrong.push(format!("{id}: compiled {}: {error}", error.code)),
                (Err(error), Ok(_)) => wrong.push(format!("{id}: plain {}: {error}", error.code)),
                (Err(_), Err(_)) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{agreed} agree, {} do not: {wrong:#?}", wrong.len());
    assert!(agreed >= 600, "only {agreed}");
}
