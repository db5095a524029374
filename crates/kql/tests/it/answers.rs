//! What a query gives, and whether that is what a page or a case says.

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{Limits, NoTables, Row, run};
use castellan_kql::plan::Field;
use castellan_kql::value::Dynamic;
use castellan_kql::{Diagnostic, Value};

/// The columns and rows of a query's first result.
pub(crate) struct Answer {
    pub(crate) columns: Vec<Field>,
    pub(crate) is_ordered: bool,
    pub(crate) rows: Vec<Row>,
}

/// Runs a query without tables. Columns that the data decide are found out as an engine does: by running what is below.
pub(crate) fn answer(query: &str) -> Result<Answer, Diagnostic> {
    let parsed = castellan_kql::parse(query);
    if let Some(error) = parsed.diagnostics.into_iter().next() {
        return Err(error);
    }
    let mut options = Options {
        now: castellan_kql::value::parse_datetime("2026-11-21T10:00:00Z").unwrap(),
        ..Options::default()
    };
    loop {
        let bound = bind(&parsed.script, &Tables::default(), &options)?;
        let limits = Limits { rows: 5_000_000, ..Limits::default() };
        if let Some(plan) = bound.undiscovered {
            options.discovered.push(castellan_kql::interpret::discover(&plan, &NoTables, &limits)?);
            continue;
        }
        let plan = &bound.results[0].plan;
        let rows = run(plan, &NoTables, &limits)?;
        return Ok(Answer { columns: plan.columns.clone(), is_ordered: plan.is_ordered(), rows });
    }
}

/// Why a query over no tables does not run within so many rows.
pub(crate) fn refusal_within(rows: usize, query: &str) -> &'static str {
    let parsed = castellan_kql::parse(query);
    let bound = bind(&parsed.script, &Tables::default(), &Options::default()).unwrap();
    let limits = Limits { rows, ..Limits::default() };
    run(&bound.results[0].plan, &NoTables, &limits).unwrap_err().code
}

/// The rows of a query that has to run, each as text with `|` between its values.
pub(crate) fn texts(query: &str) -> Vec<String> {
    let rows = match answer(query) {
        Ok(answer) => answer.rows,
        Err(error) => panic!("{error}: {query}"),
    };
    let text = |row: &Row| row.iter().map(Value::to_text).collect::<Vec<String>>().join("|");
    rows.iter().map(text).collect()
}

/// Compares by the rules of the corpus's README.
pub(crate) fn agrees(value: &Value, expected: &str) -> bool {
    let (text, expected) = (value.to_text(), expected.trim());
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>().replace('\'', "\"");
    if plain(&text).eq_ignore_ascii_case(&plain(expected)) || (expected == "null" && value.is_null()) {
        return true;
    }
    if let Value::Bool(flag) = value {
        return matches!(
            (flag, expected.to_ascii_lowercase().as_str()),
            (true, "true" | "1") | (false, "false" | "0")
        );
    }
    let number = |text: &str| text.replace(',', "").parse::<f64>().ok();
    if let (Some(left), Some(right)) = (value.to_f64(), number(expected)) {
        let digits = expected.split_once('.').map_or(0, |(_, digits)| digits.len());
        let tolerance = 0.5_f64 * 10_f64.powi(-i32::try_from(digits).unwrap()) + right.abs() * 1e-12;
        return (left - right).abs() <= tolerance;
    }
    if let Value::DateTime(ticks) = value {
        return castellan_kql::value::parse_datetime(expected) == Some(*ticks);
    }
    if let Value::TimeSpan(ticks) = value {
        return castellan_kql::value::parse_timespan(expected) == Some(*ticks);
    }
    if let Value::Dynamic(dynamic) = value {
        let read = Dynamic::parse(expected).or_else(|| Dynamic::parse(&expected.replace('\'', "\"")));
        return read.is_some_and(|read| dynamics_agree(dynamic, &read));
    }
    false
}

/// Numbers agree to the digits that a page can print; `2` and `2.0` are the same number.
fn dynamics_agree(left: &Dynamic, right: &Dynamic) -> bool {
    let number = |item: &Dynamic| match item {
        Dynamic::Long(number) => Some(*number as f64),
        Dynamic::Real(number) => Some(*number),
        _ => None,
    };
    match (left, right) {
        // A ring is the same wherever it begins.
        (Dynamic::Array(left), Dynamic::Array(right)) if is_ring(left) && is_ring(right) => {
            let open = &left[1..];
            left.len() == right.len()
                && (0..open.len()).any(|start| {
                    let turned = open.iter().cycle().skip(start);
                    turned.zip(&right[1..]).all(|(left, right)| dynamics_agree(left, right))
                })
        }
        (Dynamic::Array(left), Dynamic::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| dynamics_agree(left, right))
        }
        (Dynamic::Bag(left), Dynamic::Bag(right)) => {
            let member = |(key, value): (&std::sync::Arc<str>, &Dynamic)| {
                right.get(key).is_some_and(|other| dynamics_agree(value, other))
            };
            left.len() == right.len() && left.iter().all(member)
        }
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * right.abs().max(1.0),
            _ => left.to_value().to_text() == right.to_value().to_text(),
        },
    }
}

/// True for a closed path of GeoJSON.
fn is_ring(items: &[Dynamic]) -> bool {
    let is_position =
        |item: &Dynamic| item.as_array().is_some_and(|item| item.len() == 2 && item[0].as_array().is_none());
    items.len() >= 4 && items.first() == items.last() && items.iter().all(is_position)
}
