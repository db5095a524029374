//! What is drawn by chance is drawn for the rows at which the query says so: no rewrite may move it below a step that
//! makes, drops or joins rows.

use castellan_kql::Value;
use castellan_query::{Engine, Settings};

async fn numbers(query: &str, threads: usize) -> Vec<i64> {
    let engine = Engine::new(Settings { seed: Some(7), threads, ..Settings::default() });
    let answers = engine.query(query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let number = |row: &Vec<Value>| match row[0] {
        Value::Long(number) => number,
        ref other => panic!("{other:?}"),
    };
    answers.answers[0].values().unwrap().iter().map(number).collect()
}

/// A thousand rows of five kinds.
const ROWS: &str = "range x from 1 to 1000 step 1 | extend k = x % 5";

/// Each query gives one number, which lies within bounds that chance does not leave in a lifetime.
#[tokio::test]
async fn conditions_by_chance_stay_where_they_stand() {
    for (query, least, most) in [
        // Of 10 values of each row some, and not all or none.
        (
            format!(
                "{ROWS} | mv-expand y = range(1, 10) to typeof(long) | where rand() < 0.5 | summarize n = count() by x | where n == 10 | count"
            ),
            0,
            30,
        ),
        (
            format!("{ROWS} | mv-expand y = range(1, 10) to typeof(long) | where rand() < 0.5 | count"),
            4_500,
            5_500,
        ),
        // A group is whole or not there.
        (
            format!("{ROWS} | summarize n = count() by k | where rand() < 0.5 | summarize countif(n != 200)"),
            0,
            0,
        ),
        (
            format!("{ROWS} | summarize n = count() by k | where rand() >= 0.0 | summarize sum(n)"),
            1_000,
            1_000,
        ),
        (
            format!("{ROWS} | summarize n = count() by k | where rand() < 0.999999 | summarize min(n)"),
            200,
            200,
        ),
        // Of the rows that are kept, and not of those from which they are taken.
        (format!("{ROWS} | distinct k | where rand() < 0.5 | count"), 0, 4),
        (format!("{ROWS} | take 100 | where rand() < 0.5 | count"), 20, 80),
        (format!("{ROWS} | top 100 by x | where rand() < 0.5 | count"), 20, 80),
        (
            format!(
                "{ROWS} | sort by x asc | extend n = row_number() | where rand() < 0.5 | summarize max(n)"
            ),
            980,
            1_000,
        ),
        (
            format!(
                "{ROWS} | join kind=inner ({ROWS} | where x <= 10 | project k) on k | where rand() < 0.5 | count"
            ),
            850,
            1_150,
        ),
        (format!("{ROWS} | union ({ROWS}) | where rand() < 0.5 | count"), 850, 1_150),
        // Two draws are two.
        (format!("{ROWS} | where rand() < 0.5 | where rand() < 0.5 | count"), 150, 350),
        (format!("{ROWS} | where rand() < 0.5 and rand() < 0.5 | count"), 150, 350),
        (format!("{ROWS} | extend r = rand() | where r < 0.5 | where r >= 0.5 | count"), 0, 0),
        (format!("{ROWS} | extend r = rand() | extend a = r, b = r | where a != b | count"), 0, 0),
        (format!("{ROWS} | extend a = rand(), b = rand() | where a == b | count"), 0, 0),
    ] {
        for threads in [1, 3] {
            let found = numbers(&query, threads).await;
            assert!(
                found.len() == 1 && (least..=most).contains(&found[0]),
                "{query} ({threads} threads): {found:?}"
            );
        }
    }
}

/// Half of the groups at most lose rows: with a draw below `distinct` all five kinds would nearly always be left.
#[tokio::test]
async fn kinds_are_drawn_and_not_their_rows() {
    let mut left = 0;
    for seed in 0..20 {
        let engine = Engine::new(Settings { seed: Some(seed), threads: 2, ..Settings::default() });
        let answers = engine.query(&format!("{ROWS} | distinct k | where rand() < 0.5")).await.unwrap();
        left += answers.answers[0].rows();
    }
    assert!((25..=75).contains(&left), "{left} of 100");
}
