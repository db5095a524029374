//! Documented and handwritten cases.

use std::collections::BTreeSet;

use castellan_kql::interpret::Row;
use serde_json::Value as Json;

use crate::answers::{Answer, agrees, answer};

/// What came of the cases of a file.
#[derive(Default)]
struct Tally {
    agreed: usize,
    wrong: Vec<String>,
    refused: Vec<String>,
}

fn run(name: &str, agrees_with: fn(&Answer, &Json) -> Result<(), String>) -> Tally {
    let mut tally = Tally::default();
    let Some(path) = crate::corpus(name) else { return tally };
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let id = case["id"].as_str().unwrap();
        match answer(case["query"].as_str().unwrap()) {
            Err(error) => tally.refused.push(format!("{id}: {} {error}", error.code)),
            Ok(answer) => match agrees_with(&answer, &case) {
                Ok(()) => tally.agreed += 1,
                Err(reason) => tally.wrong.push(format!("{id}: {reason}")),
            },
        }
    }
    tally
}

fn texts(rows: &[Row]) -> Vec<Vec<String>> {
    rows.iter().take(8).map(|row| row.iter().map(|value| value.to_text()).collect()).collect()
}

fn documented(answer: &Answer, case: &Json) -> Result<(), String> {
    let columns: Vec<&str> = answer.columns.iter().map(|column| &*column.name).collect();
    let expected: Vec<&str> = case["expected"]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().trim())
        .collect();
    if columns != expected {
        return Err(format!("columns {columns:?}, expected {expected:?}"));
    }
    let approximate: Vec<&str> = case["approx"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
    let cells: Vec<Vec<&str>> = case["expected"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap_or_default()).collect())
        .collect();
    let row_agrees = |row: &Row, cells: &Vec<&str>| {
        cells.len() == row.len()
            && row
                .iter()
                .zip(cells)
                .zip(&columns)
                .all(|((value, cell), column)| approximate.contains(column) || agrees(value, cell))
    };
    let is_ordered = case["ordered"].as_bool() == Some(true);
    let fits = if is_ordered {
        answer.rows.len() == cells.len()
            && answer.rows.iter().zip(&cells).all(|(row, cells)| row_agrees(row, cells))
    } else {
        let mut left: Vec<&Row> = answer.rows.iter().collect();
        let taken = cells.iter().all(|cells| match left.iter().position(|row| row_agrees(row, cells)) {
            Some(at) => {
                left.swap_remove(at);
                true
            }
            None => false,
        });
        taken && left.is_empty()
    };
    if fits { Ok(()) } else { Err(format!("got {:?}, expected {cells:?}", texts(&answer.rows))) }
}

fn handwritten(answer: &Answer, case: &Json) -> Result<(), String> {
    let compact =
        |text: &str| text.chars().filter(|c| !c.is_whitespace() && !"\"'".contains(*c)).collect::<String>();
    let joined = |row: &Row| row.iter().map(|value| value.to_text()).collect::<Vec<String>>().join(",");
    let got = texts(&answer.rows);
    let verdict = |fits: bool, expected: &dyn std::fmt::Debug| {
        if fits { Ok(()) } else { Err(format!("got {got:?}, expected {expected:?}")) }
    };
    match case["kind"].as_str().unwrap() {
        "LastLineOfResult" => {
            let expected = case["expected"].as_str().unwrap();
            let Some(row) = answer.rows.last() else { return verdict(expected.is_empty(), &expected) };
            let fits = match row.as_slice() {
                [value] => agrees(value, expected),
                _ => {
                    joined(row) == expected || {
                        let cells: Vec<&str> = expected.split(',').collect();
                        cells.len() == row.len()
                            && row.iter().zip(cells).all(|(value, cell)| agrees(value, cell))
                    }
                }
            };
            verdict(fits, &expected)
        }
        "SquashedLastLineOfResult" => {
            let expected = case["expected"].as_str().unwrap();
            let row = answer.rows.last().cloned().unwrap_or_default();
            verdict(compact(&joined(&row)) == compact(expected), &expected)
        }
        "ResultAsString" | "ResultAsLines" => {
            let expected = case["expected"].to_string();
            let all: Vec<String> = answer.rows.iter().map(joined).collect();
            let wanted = match &case["expected"] {
                Json::String(text) => text.clone(),
                Json::Array(lines) => lines.iter().filter_map(Json::as_str).collect::<Vec<_>>().join("\n"),
                _ => String::new(),
            };
            verdict(compact(&all.join("\n")) == compact(&wanted), &expected)
        }
        _ => {
            let columns: Vec<&str> = answer.columns.iter().map(|column| &*column.name).collect();
            let names: Vec<&str> =
                case["columns"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
            let types: Vec<&str> = answer.columns.iter().map(|column| column.scalar_type.name()).collect();
            let wanted: Vec<&str> =
                case["column_types"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
            if columns != names || types != wanted {
                return Err(format!("columns {columns:?} {types:?}, expected {names:?} {wanted:?}"));
            }
            let rows = case["rows"].as_array().unwrap();
            let cell_agrees = |value: &castellan_kql::Value, cell: &Json| {
                let cell = cell.as_str().unwrap_or_default();
                (cell == "(null)" && value.is_null()) || agrees(value, cell)
            };
            let fits = rows.len() == answer.rows.len()
                && answer.rows.iter().zip(rows).all(|(row, cells)| {
                    let cells = cells.as_array().unwrap();
                    cells.len() == row.len()
                        && row.iter().zip(cells).all(|(value, cell)| cell_agrees(value, cell))
                });
            verdict(fits, rows)
        }
    }
}

/// The cases that are not met, and why.
const EXCEPTIONS: &str = include_str!("../data/exceptions.txt");

/// The ids of a corpus's cases that have an outcome, by the list.
fn listed(corpus: &str, outcome: &str) -> BTreeSet<String> {
    let lines = EXCEPTIONS.lines().filter_map(|line| line.strip_prefix(corpus)?.strip_prefix(' '));
    let rests = lines.filter_map(|line| line.strip_prefix(outcome)?.strip_prefix(' '));
    rests.filter_map(|rest| rest.split_once(' ')).map(|(id, _)| id.to_owned()).collect()
}

/// Holds the cases to their answers: every one that differs or is refused is listed, and no listed one is met.
fn hold(corpus: &str, tally: &Tally) {
    let ids = |lines: &[String]| -> BTreeSet<String> {
        lines.iter().map(|line| line.split(": ").next().unwrap_or_default().to_owned()).collect()
    };
    let all = tally.agreed + tally.wrong.len() + tally.refused.len();
    if all == 0 {
        return;
    }
    for (outcome, lines) in [("differs", &tally.wrong), ("refused", &tally.refused)] {
        let (found, known) = (ids(lines), listed(corpus, outcome));
        let unknown: Vec<&String> = lines
            .iter()
            .filter(|line| !known.iter().any(|id| line.starts_with(&format!("{id}: "))))
            .collect();
        assert!(unknown.is_empty(), "{} {outcome}: {unknown:#?}", unknown.len());
        let met: Vec<&String> = known.difference(&found).collect();
        assert!(met.is_empty(), "{met:?} {outcome} no longer");
    }
    assert!(EXCEPTIONS.contains(&format!("cases {corpus} {all}\n")), "there are {all} cases");
}

#[test]
fn documented_cases_agree() {
    hold("documented", &run("kql/doc_cases.jsonl", documented));
}

#[test]
fn handwritten_cases_agree() {
    hold("handwritten", &run("kql/handwritten_cases.jsonl", handwritten));
}
