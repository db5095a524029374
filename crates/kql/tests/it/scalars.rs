//! Documented and handwritten cases of scalar expressions: queries that only print.

use castellan_kql::ast::{ExprKind, OperatorKind, Statement};
use castellan_kql::{Scope, Value, evaluate};
use serde_json::Value as Json;

/// Variables that `let` statements gave.
#[derive(Default)]
struct Variables(Vec<(String, Value)>);

impl Scope for Variables {
    fn value(&self, name: &str) -> Option<Value> {
        self.0.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn now(&self) -> Option<i64> {
        castellan_kql::value::parse_datetime("2026-11-21T10:00:00Z")
    }
}

/// The names and values that a query of `let`s and one `print` gives; `None` for any other query, or the error.
pub(crate) fn printed(query: &str) -> Option<Result<Vec<(String, Value)>, String>> {
    let parsed = castellan_kql::parse(query);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let mut scope = Variables::default();
    let mut result = None;
    for statement in &parsed.script.statements {
        match statement {
            Statement::Let { name, value } => match evaluate(value, &scope) {
                Ok(value) => scope.0.push((name.text.to_string(), value)),
                Err(_) => return None,
            },
            Statement::Query(query) => {
                let ExprKind::Query(query) = &query.kind else { return None };
                let [operator] = query.operators.as_slice() else { return None };
                let OperatorKind::Print(columns) = &operator.kind else { return None };
                let mut row = Vec::new();
                for (index, column) in columns.iter().enumerate() {
                    match evaluate(&column.value, &scope) {
                        Ok(value) => {
                            let name = column.names.first();
                            row.push((
                                name.map_or_else(|| format!("print_{index}"), |name| name.text.to_string()),
                                value,
                            ));
                        }
                        Err(error) if error.code == "not-scalar" => return None,
                        Err(error) => return Some(Err(error.to_string())),
                    }
                }
                result = Some(Ok(row));
            }
            _ => return None,
        }
    }
    result
}

/// Compares by the rules of the corpus's README.
fn agrees(value: &Value, expected: &str) -> bool {
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
    if let Value::Dynamic(_) = value {
        let read = castellan_kql::value::Dynamic::parse(&expected.replace('\'', "\""));
        return read.is_some_and(|read| Value::dynamic(read).to_text() == text);
    }
    false
}

/// Cases that are not met, and why.
const EXCEPTIONS: [(&str, &str); 7] = [
    (
        "array-sort-desc-function-01",
        "sorting several arrays gives several columns, which only a query can have",
    ),
    ("parse-url-query-function-01", "the page prints an object in quotes, which is no JSON"),
    ("NowFunction_Scalar", "expects the year of the run"),
    ("ToDateTime", "day before month is not among the documented formats"),
    ("StartOfWeek", "expects a part of the output"),
    ("StartOfWeekWithOffset", "expects a part of the output"),
    ("StartOfDay", "a time before its date is not among the documented formats"),
];

/// Runs the cases of a file that only print: how many agree, and how many need a function that there is not yet.
fn run(name: &str, agrees_with: fn(&[(String, Value)], &Json) -> bool) -> (usize, usize) {
    let Some(path) = crate::corpus(name) else { return (0, 0) };
    let text = std::fs::read_to_string(path).unwrap();
    let (mut agreed, mut missing, mut wrong) = (0, 0, Vec::new());
    for line in text.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let id = case["id"].as_str().unwrap();
        let is_exception = EXCEPTIONS.iter().any(|(known, _)| *known == id);
        match printed(case["query"].as_str().unwrap()) {
            None => {}
            Some(Err(error)) => {
                assert!(error.starts_with("there is no scalar function"), "{id}: {error}");
                missing += 1;
            }
            Some(Ok(row)) if agrees_with(&row, &case["expected"]) => {
                assert!(!is_exception, "{id} is met now");
                agreed += 1;
            }
            Some(Ok(row)) if !is_exception => {
                let got: Vec<String> = row.iter().map(|(_, value)| value.to_text()).collect();
                wrong.push(format!("{id}: got {got:?}, expected {}", case["expected"]));
            }
            Some(Ok(_)) => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    (agreed, missing)
}

#[test]
fn documented_scalars_agree() {
    let (agreed, missing) = run("kql/doc_cases.jsonl", |row, expected| {
        let cells = expected["rows"][0].as_array().cloned().unwrap_or_default();
        let agrees =
            |((_, value), cell): (&(String, Value), &Json)| agrees(value, cell.as_str().unwrap_or_default());
        cells.len() == row.len() && row.iter().zip(&cells).all(agrees)
    });
    // Nearly all of those that are missing are geospatial.
    assert!(
        agreed == 0 && missing == 0 || agreed >= 97 && missing <= 105,
        "{agreed} agree, {missing} are missing"
    );
}

#[test]
fn handwritten_scalars_agree() {
    let (agreed, missing) = run("kql/handwritten_cases.jsonl", |row, expected| {
        let Some(expected) = expected.as_str() else { return true };
        let got: Vec<String> = row.iter().map(|(_, value)| value.to_text()).collect();
        if let [(_, value)] = row { agrees(value, expected) } else { got.join(",") == expected }
    });
    assert!(
        agreed == 0 && missing == 0 || agreed >= 103 && missing <= 8,
        "{agreed} agree, {missing} are missing"
    );
}

/// A scope with a few columns of each type.
struct Row;

impl Scope for Row {
    fn value(&self, name: &str) -> Option<Value> {
        Some(match name {
            "n" => Value::Long(-7),
            "x" => Value::Real(f64::NAN),
            "s" => Value::string("C:\\a\u{e9}\u{1f600}.exe"),
            "t" => Value::DateTime(castellan_kql::value::MAX_DATETIME_TICKS),
            "d" => Value::TimeSpan(i64::MIN),
            "j" => Value::dynamic(castellan_kql::value::Dynamic::parse(r#"{"a": [1, null, "b"]}"#).unwrap()),
            "u" => Value::Null,
            _ => return None,
        })
    }

    fn now(&self) -> Option<i64> {
        Some(castellan_kql::value::MAX_DATETIME_TICKS)
    }
}

use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_function_panics_on_any_value(picks in prop::collection::vec(0_usize..12, 1..6)) {
        let values = [
            Value::Long(-7), Value::Long(i64::MIN), Value::Long(i64::MAX), Value::Int(i32::MIN), Value::Real(f64::NAN),
            Value::Real(1e300), Row.value("s").unwrap(), Row.value("t").unwrap(), Row.value("d").unwrap(),
            Row.value("j").unwrap(), Value::Null, Value::string("0.1"),
        ];
        let arguments: Vec<Value> = picks.iter().map(|pick| values[*pick].clone()).collect();
        for function in castellan_kql::functions::all() {
            let _ = function.call(&arguments);
        }
    }

    #[test]
    fn no_expression_panics(picks in prop::collection::vec((0_usize..7, 0_usize..16), 2..8)) {
        let names = ["n", "x", "s", "t", "d", "j", "u"];
        let operators = ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "and", "or", "=~", "has", "contains", "startswith", "in~"];
        let mut text = String::from("n");
        for (name, operator) in picks {
            text = format!("({text}) {} ({})", operators[operator], names[name]);
        }
        let parsed = castellan_kql::parse(&text);
        prop_assert!(parsed.diagnostics.is_empty(), "{text}: {:?}", parsed.diagnostics);
        let Statement::Query(expr) = &parsed.script.statements[0] else { panic!() };
        let _ = evaluate(expr, &Row).unwrap();
    }
}
