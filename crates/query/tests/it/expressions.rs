//! Any expression has the same values in both engines: as a column, as a condition, as the key of a group, and inside of
//! aggregates.
//!
//! Expressions are made by chance from the registry, the same in every run. `CASTELLAN_EXPRESSIONS=20000` tries so many,
//! and `CASTELLAN_EXPRESSIONS_SEED=7` others. What differs is made small before it is told.

mod generate;
mod node;
mod sample;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use castellan_kql::bind::{Options, bind};
use castellan_kql::interpret::{Limits, Row, run};
use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use futures_util::FutureExt;

use generate::{Generator, leaves};
use node::Node;
use sample::{COLUMNS, Sample, now};

const ROWS: usize = 61;
/// How many expressions one query computes.
const TOGETHER: usize = 8;
const DEPTH: usize = 3;
/// What begins the message of a panic.
const PANIC: &str = "panic:";

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Column,
    Condition,
    Key,
    Aggregate,
}

impl Place {
    const ALL: [Place; 4] = [Place::Column, Place::Condition, Place::Key, Place::Aggregate];

    fn query(self, expression: &str) -> String {
        match self {
            Place::Column => format!("T | project row, e = {expression} | sort by row asc"),
            Place::Condition => format!("T | where {expression} | project row | sort by row asc"),
            Place::Key => {
                format!(
                    "T | summarize rows = make_list(row) by e = {expression} | extend rows = array_sort_asc(rows) \
                     | sort by tolong(rows[0]) asc"
                )
            }
            Place::Aggregate => {
                format!(
                    "T | extend h = row % 3 | summarize least = min(tostring({expression})), n = count(), \
                     m = count_distinct({expression}), c = countif(isnull({expression})), \
                     l = make_list(bag_pack('row', row, 'e', {expression})) by h | mv-expand l \
                     | sort by tolong(l.row) asc"
                )
            }
        }
    }
}

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What the plain engine gives; `None` for a query that the binder refuses.
fn plain(sample: &Sample, query: &str) -> Option<Result<Vec<Row>, String>> {
    let parsed = castellan_kql::parse(query);
    if !parsed.diagnostics.is_empty() {
        return None;
    }
    let options = Options { now: now(), ..Options::default() };
    let answer = catch_unwind(AssertUnwindSafe(|| {
        let bound = bind(&parsed.script, sample.engine.database(), &options).ok()?;
        Some(run(&bound.results[0].plan, sample, &Limits::default()).map_err(|error| error.to_string()))
    }));
    answer.unwrap_or_else(|panic| Some(Err(reason(&*panic))))
}

/// What a panic says.
fn reason(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    format!("{PANIC} {}", text.unwrap_or_default())
}

async fn compiled(sample: &Sample, query: &str) -> Result<Vec<Row>, String> {
    let answers = AssertUnwindSafe(sample.engine.query(query)).catch_unwind().await;
    let answers = answers.map_err(|panic| reason(&*panic))?;
    let answers = answers.map_err(|error| format!("{}: {error}", error.code))?;
    answers.answers[0].values().map_err(|error| error.to_string())
}

/// A value as text in which equal values look alike, to the last digit.
fn text(value: &Value) -> String {
    match value {
        // Which of several equal values is the key of their group is not defined.
        Value::Real(number) if *number == 0.0 => "zero".to_owned(),
        Value::Dynamic(dynamic) if matches!(**dynamic, Dynamic::Real(_)) => format!("Dynamic({dynamic})"),
        Value::Dynamic(dynamic) if matches!(**dynamic, Dynamic::Long(_)) => format!("Dynamic({dynamic}.0)"),
        other => format!("{other:?}"),
    }
}

/// How the engines differ on a query; `None` when they agree or the binder refuses it.
async fn difference(sample: &Sample, query: &str) -> Option<String> {
    let plain = plain(sample, query)?;
    let compiled = compiled(sample, query).await;
    let (plain, compiled) = match (plain, compiled) {
        (Ok(plain), Ok(compiled)) => (plain, compiled),
        (Err(error), _) | (_, Err(error)) if error.starts_with(PANIC) => return Some(error),
        (Err(_), Err(_)) => return None,
        (Ok(_), Err(error)) => return Some(format!("compiled fails: {error}")),
        (Err(error), Ok(_)) => return Some(format!("plain fails: {error}")),
    };
    if plain.len() != compiled.len() {
        return Some(format!("plain has {} rows, compiled {}", plain.len(), compiled.len()));
    }
    for (at, (left, right)) in plain.iter().zip(&compiled).enumerate() {
        for (left, right) in left.iter().map(text).zip(right.iter().map(text)) {
            if left != right {
                return Some(format!("row {at}: plain {left:.200}, compiled {right:.200}"));
            }
        }
    }
    None
}

/// The values of the columns that an expression names, in the row that a difference tells of.
fn context(sample: &Sample, expression: &str, difference: &str) -> String {
    let row = difference.strip_prefix("row ").and_then(|rest| rest.split(':').next());
    let Some(row) = row.and_then(|at| at.parse::<usize>().ok()).and_then(|at| sample.rows.get(at)) else {
        return String::new();
    };
    let named = COLUMNS.iter().enumerate().filter(|(_, (name, _))| expression.contains(name));
    named.map(|(at, (name, _))| format!(" {name} = {:?}", row[at + 1])).collect()
}

/// The smallest expression found that still differs.
async fn smallest(sample: &Sample, place: Place, node: &Node) -> Node {
    let mut node = node.clone();
    let mut tries = 400;
    'again: loop {
        for smaller in node.smaller(&leaves) {
            tries -= 1;
            if tries == 0 {
                return node;
            }
            if smaller.written().len() < node.written().len()
                && difference(sample, &place.query(&smaller.written())).await.is_some()
            {
                node = smaller;
                continue 'again;
            }
        }
        return node;
    }
}

async fn told(sample: &Sample, place: Place, node: &Node) -> Option<String> {
    difference(sample, &place.query(&node.written())).await?;
    let node = smallest(sample, place, node).await;
    let written = node.written();
    let difference = difference(sample, &place.query(&written)).await.unwrap_or_default();
    Some(format!("{place:?} {written}: {difference}{}", context(sample, &written, &difference)))
}

#[tokio::test]
async fn any_expression_is_the_same_in_both_engines() {
    let count = usize::try_from(setting("CASTELLAN_EXPRESSIONS", 640)).unwrap();
    let seed = setting("CASTELLAN_EXPRESSIONS_SEED", 20_261_121);
    let sample = Sample::new(seed, ROWS);
    let mut generator = Generator::new(seed);
    let (mut tried, mut bound, mut wrong) = (0_usize, 0_usize, Vec::new());
    while bound < count && tried < count * 10 {
        let mut nodes = Vec::new();
        while nodes.len() < TOGETHER {
            tried += 1;
            let wanted = generator.scalar_type();
            let node = generator.expression(wanted, DEPTH);
            match plain(&sample, &Place::Column.query(&node.written())) {
                Some(Ok(_)) => nodes.push(node),
                Some(Err(_)) => wrong.extend(told(&sample, Place::Column, &node).await),
                None => {}
            }
        }
        bound += nodes.len();
        let all: Vec<String> =
            nodes.iter().enumerate().map(|(at, node)| format!("e{at} = {}", node.written())).collect();
        let together = format!("T | extend {} | project-away {} | sort by row asc", all.join(", "), "b1");
        let alike = difference(&sample, &together).await.is_none();
        for node in &nodes {
            for place in Place::ALL {
                let skip = match place {
                    Place::Column => alike,
                    Place::Condition => node.wanted != ScalarType::Bool,
                    Place::Key | Place::Aggregate => generator.chance.percent(75),
                };
                if !skip && let Some(difference) = told(&sample, place, node).await {
                    wrong.push(difference);
                }
            }
        }
        if wrong.len() >= 12 {
            break;
        }
    }
    eprintln!("{bound} expressions of {tried} bind");
    assert!(wrong.is_empty(), "{} of {bound} differ: {wrong:#?}", wrong.len());
    assert!(bound * 2 > tried, "{bound} of {tried} bind");
}

/// Holds one query over the sample to the plain engine.
#[track_caller]
fn same(expression: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sample = Sample::new(20_261_121, ROWS);
    for place in Place::ALL {
        let query = place.query(expression);
        let bound = plain(&sample, &query);
        assert!(bound.is_some() || place != Place::Column, "{expression} does not bind");
        assert_eq!(runtime.block_on(difference(&sample, &query)), None, "{query}");
    }
}

#[test]
fn dynamic_values_are_conditions() {
    same("case(d1, 1, d2, 2, 3)");
    same("iff(d1, s1, s2)");
    same("d1 and b1 or l1");
}

#[test]
fn decimals_have_one_text() {
    same("toupper(m1)");
    same("tostring(m1 % m1)");
    same("strcat(decimal(1.50), m1)");
    same("ceiling(m1)");
    same("round(m1 + m2, 10)");
}

#[test]
fn sums_of_ints_are_long() {
    same("i1 + i2");
    same("i1 * i2");
    same("i1 / i2");
    same("i1 % i2");
}

#[test]
fn the_least_timespan_has_a_bin_and_a_remainder() {
    same("bin(p2, 1h)");
    same("p1 % p2");
}

#[test]
fn there_is_one_not_a_number() {
    same("abs(0.0 * real(-inf)) + -r1");
    same("-r1");
    same("r1 / r1");
}

#[test]
fn positions_end_where_numbers_do() {
    same("array_index_of(d1, n, 9223372036854775807, 3)");
}

#[test]
fn a_filter_may_be_empty() {
    same("series_fir(d4, dynamic([]), false, true)");
}
