//! Conditions reach the files, and change no answer on the way.

use std::path::Path;
use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::interpret::Row;
use castellan_query::arrow::array::{
    ArrayRef, Date32Array, DurationMillisecondArray, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use castellan_query::parquet::arrow::ArrowWriter;
use castellan_query::parquet::file::properties::WriterProperties;
use castellan_query::{Engine, Progress, Settings};

use crate::agree::text;

/// Midnight of 2026-11-05 in seconds.
const MIDNIGHT: i64 = 1_793_836_800;

/// Moments around a bound, in seconds and billionths, and none.
fn moments() -> Vec<Option<(i64, i64)>> {
    let mut moments: Vec<Option<(i64, i64)>> = vec![None];
    for seconds in [-86_400, -1, 0, 1, 86_399, 86_400, 86_401] {
        for part in [0, 1, 99, 100, 101, 999, 1_000, 500_000_000, 999_999_999] {
            moments.push(Some((MIDNIGHT + seconds, part)));
        }
    }
    moments.push(None);
    moments
}

/// The moments in all types of Arrow, with times that the language has none for where a type has them.
fn batch() -> RecordBatch {
    let moments = moments();
    let last = moments.len();
    let scaled = |per_second: i64| -> Vec<Option<i64>> {
        let number = |moment: &Option<(i64, i64)>| {
            moment.map(|(seconds, part)| seconds * per_second + part / (1_000_000_000 / per_second))
        };
        moments.iter().map(number).collect()
    };
    let beyond = |mut numbers: Vec<Option<i64>>, low: i64, high: i64| {
        numbers[1] = Some(low);
        numbers[last - 2] = Some(high);
        numbers
    };
    let words = ["x", "", "y", "X"];
    let word = |at: usize| (at % 5 < 4).then(|| words[at % 5]);
    RecordBatch::try_from_iter([
        ("n", Arc::new(Int64Array::from_iter_values(0..last as i64)) as ArrayRef),
        ("s", Arc::new(TimestampSecondArray::from(beyond(scaled(1), i64::MIN, i64::MAX)))),
        ("ms", Arc::new(TimestampMillisecondArray::from(beyond(scaled(1_000), i64::MIN, i64::MAX)))),
        (
            "us",
            Arc::new(
                TimestampMicrosecondArray::from(beyond(scaled(1_000_000), -70_000_000_000_000_000, i64::MAX))
                    .with_timezone("UTC"),
            ),
        ),
        ("ns", Arc::new(TimestampNanosecondArray::from(beyond(scaled(1_000_000_000), i64::MIN, i64::MAX)))),
        (
            "day",
            Arc::new(Date32Array::from(
                beyond(scaled(1), i64::from(i32::MIN) * 86_400, i64::from(i32::MAX) * 86_400)
                    .into_iter()
                    .map(|seconds| seconds.and_then(|seconds| i32::try_from(seconds.div_euclid(86_400)).ok()))
                    .collect::<Vec<_>>(),
            )),
        ),
        (
            "span",
            Arc::new(DurationMillisecondArray::from(beyond(
                scaled(1_000)
                    .into_iter()
                    .map(|number| number.map(|number| number - MIDNIGHT * 1_000))
                    .collect(),
                i64::MIN,
                i64::MAX,
            ))),
        ),
        ("word", Arc::new((0..last).map(word).collect::<StringArray>())),
        ("full", Arc::new((0..last).map(|at| Some(word(at).unwrap_or_default())).collect::<StringArray>())),
    ])
    .unwrap()
}

/// The table as two Parquet files of small row groups.
fn write(folder: &Path) {
    let batch = batch();
    let half = batch.num_rows() / 2;
    let parts = [batch.slice(0, half), batch.slice(half, batch.num_rows() - half)];
    for (at, part) in parts.iter().enumerate() {
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(7))
            .set_data_page_row_count_limit(3)
            .set_write_batch_size(1)
            .set_bloom_filter_enabled(true)
            .build();
        let file = std::fs::File::create(folder.join(format!("{at}.parquet"))).unwrap();
        let mut writer = ArrowWriter::try_new(file, part.schema(), Some(properties)).unwrap();
        writer.write(part).unwrap();
        writer.close().unwrap();
    }
}

async fn engine(folder: &Path) -> Engine {
    let mut engine = Engine::new(Settings { threads: 2, seed: Some(0), ..Settings::default() });
    engine.add_path("T", folder, &[], &Progress::default()).await.unwrap();
    engine
}

/// The numbers of the rows for which a condition holds, by the plain evaluator's words for it and by the scan.
async fn both(engine: &Engine, condition: &str) -> (Vec<String>, Vec<String>) {
    // A value that nothing can be known of before it runs keeps the condition above the scan.
    let above = format!(
        "T | extend c = {condition} | project n, c = tolower(tostring(c)) | where c == 'true' | project n | sort by n asc"
    );
    let pushed = format!("T | where {condition} | project n | sort by n asc");
    let mut answers = Vec::new();
    for query in [above, pushed] {
        let found = engine.query(&query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
        let rows: Vec<Row> = found.answers[0].values().unwrap();
        answers.push(rows.iter().map(text).collect::<Vec<String>>());
    }
    let pushed = answers.pop().unwrap();
    (answers.pop().unwrap(), pushed)
}

#[tokio::test]
async fn bounds_of_times_are_exact() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let engine = engine(folder.path()).await;
    let points = [
        "datetime(2026-11-05)",
        "datetime(2026-11-05T00:00:00.0000001Z)",
        "datetime(2026-11-05T00:00:00.000001Z)",
        "datetime(2026-11-05T00:00:00.5Z)",
        "datetime(2026-11-04T23:59:59.9999999Z)",
        "datetime(2026-11-06)",
        "datetime(0001-01-01)",
        "datetime(9999-12-31T23:59:59.9999999Z)",
        "datetime(1700-01-01)",
        "datetime(2300-01-01)",
    ];
    for column in ["s", "ms", "us", "ns", "day"] {
        let mut conditions = vec![
            format!("isnotnull({column})"),
            format!("isnull({column})"),
            format!("not({column} >= datetime(2026-11-05))"),
            format!("not(isnotnull({column}))"),
            format!("{column} between (datetime(2026-11-05) .. datetime(2026-11-05T23:59:59.9999999Z))"),
            format!("{column} between (datetime(2026-11-06) .. datetime(2026-11-05))"),
            format!("{column} !between (datetime(2026-11-05) .. datetime(2026-11-06))"),
            format!("{column} >= datetime(2026-11-05) and {column} < datetime(2026-11-06)"),
            format!(
                "{column} >= datetime(2026-11-05) and ({column} < datetime(2026-11-05T00:00:01Z) or n > 40)"
            ),
            format!("{column} < datetime(2026-11-05) or {column} > datetime(2026-11-06) or n == 3"),
            format!("{column} in (datetime(2026-11-05), datetime(2026-11-06))"),
            format!("{column} > datetime(2026-11-06) and {column} < datetime(2026-11-05)"),
        ];
        for point in points {
            for operator in ["==", "!=", "<", "<=", ">", ">="] {
                conditions.push(format!("{column} {operator} {point}"));
            }
            conditions.push(format!("{point} <= {column}"));
        }
        for condition in conditions {
            let (above, pushed) = both(&engine, &condition).await;
            assert_eq!(above, pushed, "{condition}");
        }
    }
    for operator in ["==", "!=", "<", "<=", ">", ">="] {
        for point in ["0s", "1ms", "1tick", "-1tick", "1d", "-1d", "0.5s"] {
            let (above, pushed) = both(&engine, &format!("span {operator} {point}")).await;
            assert_eq!(above, pushed, "span {operator} {point}");
        }
    }
}

#[tokio::test]
async fn null_texts_are_empty() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let engine = engine(folder.path()).await;
    for condition in [
        "W == 'x'",
        "W != 'x'",
        "W == ''",
        "W != ''",
        "W in ('x', 'y')",
        "W in ('x', '')",
        "W !in ('x', 'y')",
        "W !in ('x', '')",
        "W =~ 'X'",
        "not(W == 'x')",
        "not(W == '')",
        "W == 'x' or W == ''",
        "isempty(W)",
        "isnotempty(W)",
        "W > 'x'",
        "W startswith 'x'",
        "W in~ ('x', 'y')",
        "W == word",
        "W == 'none'",
        "not(W in ('x', 'y'))",
        "W has 'y'",
    ] {
        let mut found = Vec::new();
        for column in ["word", "full"] {
            let (above, pushed) = both(&engine, &condition.replace('W', column)).await;
            assert_eq!(above, pushed, "{condition}");
            found.push(pushed);
        }
        assert_eq!(found[0], found[1], "{condition}");
    }
}

#[tokio::test]
async fn conditions_reach_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let engine = engine(folder.path()).await;
    let plan = |query: &'static str| async { engine.explain(query).await.unwrap().physical };
    let plan_of_time =
        plan("T | where us >= datetime(2026-11-05) and us < datetime(2026-11-06) | project n").await;
    assert!(plan_of_time.contains("pruning_predicate="), "{plan_of_time}");
    assert!(!plan_of_time.contains("datetime_of"), "{plan_of_time}");
    let plan_of_word = plan("T | where word == 'x' | project n").await;
    assert!(plan_of_word.contains("pruning_predicate="), "{plan_of_word}");
    assert!(!plan_of_word.contains("or_empty"), "{plan_of_word}");
    let both_ways =
        plan("T | mv-expand w = todynamic(word) | where us >= datetime(2026-11-05) | project w").await;
    assert!(both_ways.contains("pruning_predicate="), "{both_ways}");
}

#[tokio::test]
async fn changed_files_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    let engine = engine(folder.path()).await;
    let count = || async {
        let answers = engine.query("T | where n >= 0 | count").await.unwrap();
        answers.answers[0].values().unwrap()[0][0].clone()
    };
    let before = batch().num_rows() as i64;
    assert_eq!(count().await, Value::Long(before));
    // As many rows in a single file: the other one is gone, and this one is another than before.
    let file = std::fs::File::create(folder.path().join("1.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch().schema(), None).unwrap();
    writer.write(&batch()).unwrap();
    writer.close().unwrap();
    assert_eq!(count().await, Value::Long(before + before / 2));
}
