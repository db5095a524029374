//! Aggregates over whole arrays give what the plain ones do, however the rows come.

use std::sync::Arc;
use std::time::Duration;

use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::interpret::{self, Row, Source};
use castellan_kql::plan::Field as Column;
use castellan_kql::value::Dynamic;
use castellan_kql::{Diagnostic, ScalarType, Value};
use castellan_query::{Engine, Limits, Settings, Table, physical};
use datafusion::catalog::MemTable;
use proptest::prelude::*;

use crate::agree::text;

const COLUMNS: [(&str, ScalarType); 12] = [
    ("Id", ScalarType::Long),
    ("Key", ScalarType::String),
    ("B", ScalarType::Bool),
    ("I", ScalarType::Int),
    ("L", ScalarType::Long),
    ("R", ScalarType::Real),
    ("S", ScalarType::String),
    ("D", ScalarType::DateTime),
    ("T", ScalarType::TimeSpan),
    ("G", ScalarType::Guid),
    ("X", ScalarType::Dynamic),
    ("C", ScalarType::Decimal),
];

/// What depends on neither the order of rows nor how they are spread.
const EXACT: &[&str] = &[
    "count_distinct(B), dcount(I), dcount(L), dcount(R), dcount(S), dcount(D), dcount(T), dcount(G), dcount(X), dcount(C)",
    "dcountif(S, B), count_distinctif(X, I > 0), dcountif(L, false)",
    "arg_max(Id, *)",
    "arg_min(Id, S, X, R)",
    "min(I), max(L), min(R), max(R), min(S), max(S), min(D), max(T), min(G), max(G), min(B), max(C)",
    "minif(S, B), maxif(R, B), maxif(G, not(B))",
    "percentile(I, 50), percentiles(L, 0, 5, 50, 99.9, 100), percentile(D, 25), percentiles_array(T, 10, 90), percentile(C, 50)",
    "percentile(L, 50), percentile(L, 90), percentile(R, 50), percentiles(L, 10, 50), percentile(L, 0)",
    "percentilew(L, I, 50), percentilesw(R, L, 10, 50), percentilesw_array(D, L, 50, 75)",
    "stdev(I % 100), stdevp(L % 100), variance(I % 9), variancep(L % 9), stdevif(I % 9, B), covariance(I % 9, L % 9)",
    "binary_all_and(I), binary_all_or(L), binary_all_xor(I)",
    "avg(T), avg(D), avg(I), sum(T), sum(I), sumif(L, B), avgif(D, B), avg(C), sum(C)",
    "count(), countif(B)",
];

/// What says which order it wants.
const SORTED: &[&str] = &[
    "make_list(S), make_list(I), make_list(X), make_list(D, 2), make_list_with_nulls(L), make_list(G), make_list(R)",
    "make_set(S), make_set(B), make_set(X), make_set(T, 2), make_set(R), make_set(G), make_set(C), make_list(C)",
    "make_bag(X), make_bag(X, 2), make_list_if(S, B), make_set_if(X, B), make_bag_if(X, B)",
];

/// What takes rows as they come.
const ARRIVAL: &[&str] = &[
    "arg_max(L, Id), arg_min(R, Id, S), arg_max(S, Id), arg_min(G, Id), arg_max(B, *), arg_max(C, Id), arg_min(D, Id)",
    "take_any(S), take_any(I), take_any(R, X), take_anyif(L, B), any(X)",
    "take_any(*)",
];

fn dynamic() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "1",
        "1.0",
        "2",
        "true",
        "\"a\"",
        "\"b \\\"c\\\" \\u00e9\"",
        "[1,\"a\",null,[2]]",
        "[]",
        "{\"k\":1,\"m\":null}",
        "{\"m\":[1],\"n\":\"x\"}",
        "{}",
    ];
    prop::sample::select(texts.to_vec())
        .prop_map(|text| Dynamic::parse(text).map_or(Value::Null, Value::dynamic))
}

fn value(scalar_type: ScalarType) -> BoxedStrategy<Value> {
    let present = match scalar_type {
        ScalarType::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        ScalarType::Int => prop_oneof![-3..4_i32, any::<i32>()].prop_map(Value::Int).boxed(),
        ScalarType::Long => prop_oneof![-3..4_i64, -1_000_000..1_000_000_i64].prop_map(Value::Long).boxed(),
        ScalarType::Real => {
            let odd = vec![0.0, -0.0, f64::INFINITY, f64::NAN, 1.0, -1.5, 1e300];
            prop_oneof![prop::sample::select(odd), -2.0..2.0_f64].prop_map(Value::Real).boxed()
        }
        ScalarType::String => {
            let texts = vec![
                "",
                "a",
                "b",
                "A",
                "a longer text than twelve",
                "a longer text than others",
                "q\"\\\n\u{e9}",
            ];
            return prop::sample::select(texts).prop_map(Value::string).boxed();
        }
        ScalarType::DateTime => (0..5_i64).prop_map(|day| Value::datetime(day * 864_000_000_000)).boxed(),
        ScalarType::TimeSpan => (-3..4_i64).prop_map(Value::TimeSpan).boxed(),
        ScalarType::Guid => prop_oneof![0..3_u128, any::<u128>()].prop_map(Value::Guid).boxed(),
        ScalarType::Dynamic => return dynamic().boxed(),
        ScalarType::Decimal => (-20..20_i64)
            .prop_map(|tenths| Value::Decimal(castellan_kql::value::BigDecimal::new(tenths.into(), 1)))
            .boxed(),
    };
    prop_oneof![4 => present, 1 => Just(Value::Null)].boxed()
}

/// Rows, `Id` being different in each.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row: Vec<BoxedStrategy<Value>> =
        COLUMNS.iter().skip(2).map(|(_, scalar_type)| value(*scalar_type)).collect();
    let keyed = (prop::sample::select(vec!["x", "y", "", "a key that is longer"]), row);
    prop::collection::vec(keyed, 0..40).prop_map(|rows| {
        let row = |(at, (key, rest)): (usize, (&str, Vec<Value>))| {
            let front = [Value::Long(at as i64 * 7 % 41), Value::string(key)];
            front.into_iter().chain(rest).collect()
        };
        rows.into_iter().enumerate().map(row).collect()
    })
}

fn columns() -> Vec<Column> {
    COLUMNS.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)).collect()
}

struct Given<'r>(&'r [Row]);

impl Source for Given<'_> {
    fn rows(&self, _table: &str) -> Result<Vec<Row>, Diagnostic> {
        Ok(self.0.to_vec())
    }
}

fn plain(query: &str, rows: &[Row]) -> Vec<Row> {
    let mut tables = Tables::default();
    tables.add("T", columns());
    let bound = bind(&castellan_kql::parse(query).script, &tables, &Options::default()).expect(query);
    let limits = interpret::Limits { rows: 10_000_000, ..interpret::Limits::default() };
    interpret::run(&bound.results[0].plan, &Given(rows), &limits).expect(query)
}

/// The rows as a table of so many partitions, in batches of so many rows.
fn engine(rows: &[Row], partitions: usize, batch: usize, limits: Limits) -> Engine {
    let schema = physical::schema(&columns());
    let mut spread = vec![Vec::new(); partitions];
    for (at, chunk) in rows.chunks(batch).enumerate() {
        let made = physical::batch(Arc::clone(&schema), &columns(), chunk.iter()).unwrap();
        spread[at % partitions].push(made);
    }
    let mut engine = Engine::new(Settings { threads: partitions, limits, ..Settings::default() });
    let table = Table::new(Arc::new(MemTable::try_new(schema, spread).unwrap())).unwrap();
    engine.add("T", table);
    engine
}

fn limits() -> Limits {
    Limits { time: Duration::from_secs(60), ..Limits::default() }
}

fn compiled(engine: &Engine, query: &str) -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answers = runtime.block_on(engine.query(query)).unwrap_or_else(|error| panic!("{query}: {error}"));
    answers.answers[0].values().unwrap()
}

/// Rows in an order of their own: what is no real as text, and the reals.
fn sorted(rows: &[Row]) -> Vec<(String, Vec<f64>)> {
    let split = |row: &Row| {
        let is_real = |value: &&Value| matches!(value, Value::Real(_));
        let rest: Row = row.iter().filter(|value| !is_real(value)).cloned().collect();
        // Which of two equal zeros is found depends on which came first.
        let rest = text(&rest).replace("-0.0", "0.0");
        (rest, row.iter().filter(is_real).filter_map(Value::to_f64).collect())
    };
    let mut sorted: Vec<(String, Vec<f64>)> = rows.iter().map(split).collect();
    sorted.sort_by(|(left, _), (right, _)| left.cmp(right));
    sorted
}

/// Sums of reals depend a little on the order in which they are made.
fn is_close(left: f64, right: f64) -> bool {
    let least = 1e-9_f64.max(1e-9 * left.abs().min(f64::MAX));
    left == right || left.is_nan() && right.is_nan() || (left - right).abs() <= least
}

fn assert_same(engine: &Engine, query: &str, rows: &[Row]) {
    let (left, right) = (sorted(&compiled(engine, query)), sorted(&plain(query, rows)));
    let is_same = left.len() == right.len()
        && left.iter().zip(&right).all(|((text, reals), (other, others))| {
            text == other
                && reals.len() == others.len()
                && reals.iter().zip(others).all(|(left, right)| is_close(*left, *right))
        });
    assert!(is_same, "{query}\ncompiled {left:?}\nplain {right:?}");
}

/// Both engines on all queries, with keys and without.
fn check(rows: &[Row], engine: &Engine, before: &str, aggregates: &[&str]) {
    for aggregate in aggregates {
        for by in ["", " by Key", " by Key, I"] {
            let query = format!("T {before}| summarize {aggregate}{by}");
            assert_same(engine, &query, rows);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn spread_rows_give_what_plain_aggregates_give(rows in rows(), partitions in 1..4_usize, batch in 1..9_usize) {
        let engine = engine(&rows, partitions, batch, limits());
        check(&rows, &engine, "", EXACT);
        check(&rows, &engine, "| sort by Id asc ", SORTED);
        check(&rows, &engine, "| sort by D desc, Id desc ", SORTED);
    }

    #[test]
    fn rows_are_taken_as_they_come(rows in rows(), batch in 1..9_usize) {
        let engine = engine(&rows, 1, batch, limits());
        check(&rows, &engine, "", EXACT);
        check(&rows, &engine, "", SORTED);
        check(&rows, &engine, "", ARRIVAL);
    }
}

/// More rows than DataFusion groups before it looks whether that pays, each a group of its own.
#[test]
fn groups_of_one_row_are_the_same() {
    let rows: Vec<Row> = (0..130_000_i64)
        .map(|at| {
            let mut row: Row = COLUMNS.iter().map(|(_, scalar_type)| Value::empty(*scalar_type)).collect();
            row[0] = Value::Long(at);
            row[1] = Value::string(format!("key {}", at % 129_990));
            row[3] = Value::Int((at % 11) as i32);
            row[6] = Value::string(format!("text {}", at % 7));
            row[10] = Value::dynamic(Dynamic::Array(vec![Dynamic::Long(at % 5), Dynamic::Long(1)]));
            row
        })
        .collect();
    let engine = engine(&rows, 2, 4_096, limits());
    let query = "T | summarize dcount(S), dcount(I), dcountif(S, I > 3), make_set_if(I, I > 3), arg_max(Id, S, I), percentile(I, 50), \
                 Sets = array_sort_asc(make_set(X)), Lists = array_sort_asc(make_list(S)), avg(D), take_any(L) by Key";
    assert_same(&engine, query, &rows);
}

/// Less memory than the groups need: they are written to disk and merged.
#[test]
fn groups_on_disk_are_the_same() {
    let rows: Vec<Row> = (0..160_000_i64)
        .map(|at| {
            let mut row: Row = COLUMNS.iter().map(|(_, scalar_type)| Value::empty(*scalar_type)).collect();
            row[0] = Value::Long(at);
            row[1] = Value::string(format!("a key that has some length {}", at * 7_919 % 60_013));
            row[4] = Value::Long(at % 13);
            row[6] = Value::string(format!("a text that has some length {}", at % 1_009));
            row
        })
        .collect();
    let little = Limits { memory: 24 << 20, ..limits() };
    let engine = engine(&rows, 2, 1_024, little);
    let query = "T | summarize dcount(S), arg_max(Id, S, L), percentile(L, 50), Set = array_sort_asc(make_set(S)), \
                 List = array_sort_asc(make_list(L)), max(S) by Key";
    assert_same(&engine, query, &rows);
}
