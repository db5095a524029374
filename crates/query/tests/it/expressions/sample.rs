//! A table with a few columns of every type, and rows with nulls, empty texts, extremes and values of every shape.

use std::sync::Arc;

use castellan_kql::interpret::{self, Row, Source, failure};
use castellan_kql::plan::Field as Column;
use castellan_kql::value::{BigDecimal, Dynamic, MAX_DATETIME_TICKS, TICKS_PER_DAY, parse_datetime};
use castellan_kql::{ScalarType, Value};
use castellan_query::arrow::record_batch::RecordBatch;
use castellan_query::{Engine, Settings, physical};
use datafusion::catalog::MemTable;

use crate::chance::Chance;

pub(super) fn now() -> i64 {
    parse_datetime("2026-11-21T10:00:00Z").unwrap()
}

/// The columns besides `row`, which counts: a name and its type. `n` holds small numbers.
pub(super) const COLUMNS: [(&str, ScalarType); 24] = [
    ("b1", ScalarType::Bool),
    ("b2", ScalarType::Bool),
    ("i1", ScalarType::Int),
    ("i2", ScalarType::Int),
    ("l1", ScalarType::Long),
    ("l2", ScalarType::Long),
    ("n", ScalarType::Long),
    ("r1", ScalarType::Real),
    ("r2", ScalarType::Real),
    ("m1", ScalarType::Decimal),
    ("m2", ScalarType::Decimal),
    ("s1", ScalarType::String),
    ("s2", ScalarType::String),
    ("s3", ScalarType::String),
    ("t1", ScalarType::DateTime),
    ("t2", ScalarType::DateTime),
    ("p1", ScalarType::TimeSpan),
    ("p2", ScalarType::TimeSpan),
    ("g1", ScalarType::Guid),
    ("g2", ScalarType::Guid),
    ("d1", ScalarType::Dynamic),
    ("d2", ScalarType::Dynamic),
    ("d3", ScalarType::Dynamic),
    ("d4", ScalarType::Dynamic),
];

const TEXTS: [&str; 64] = [
    "",
    " ",
    "a",
    "A",
    "abc",
    "ABC",
    "Abc def",
    "foo-bar baz",
    "foo_bar",
    "  padded\t",
    "a,b,,c",
    "a.b.c",
    "x=1&y=2",
    "Stra\u{df}e",
    "STRASSE",
    "\u{1c5} \u{1c6}",
    "\u{130}stanbul",
    "\u{1f600} smile",
    "e\u{301}",
    "\u{e9}",
    "\u{212a}elvin",
    "\u{17f}",
    "\u{65e5}\u{672c}\u{8a9e}",
    "null",
    "true",
    "False",
    "1",
    "0",
    "-7",
    "42",
    "1.5",
    "1e3",
    "0x1F",
    "9223372036854775807",
    "9223372036854775808",
    "1e400",
    "NaN",
    "2026-11-21T10:00:00Z",
    "2026-02-30",
    "2024-02-29 23:59:59.9999999",
    "1d",
    "1.02:03:04.5",
    "74be27de-1e4e-49d9-b579-fe0b331d3642",
    "74BE27DE1E4E49D9B579FE0B331D3642",
    "192.168.1.1",
    "192.168.1.0/24",
    "10.0.0.5, 8.8.8.8",
    "255.255.255.255",
    "fe80::1",
    "2001:db8::/32",
    "{\"a\":1}",
    "{\"a\":{\"b\":[1,2,\"x\"]}}",
    "[1,2,3]",
    "{\"broken\":",
    "\"quoted\"",
    "https://user@contoso.com:8080/a/b?q=1&r=a%20b#f",
    "C:\\Windows\\system32\\cmd.exe",
    "/etc/passwd",
    "cmd.exe /c \"echo hi\" -v",
    "aGVsbG8=",
    "user@contoso.com",
    "line one\nline two\r\n",
    "\u{0}",
    "$1 (a|b)* [z",
];

const DYNAMICS: [&str; 40] = [
    "null",
    "true",
    "0",
    "-5",
    "9223372036854775807",
    "1.5",
    "1e30",
    "\"\"",
    "\"abc\"",
    "\"ABC def\"",
    "\"1\"",
    "\"2026-11-21T10:00:00Z\"",
    "\"{\\\"a\\\":1}\"",
    "[]",
    "{}",
    "[1,2,3]",
    "[3,1,2,null]",
    "[1.5,2.5,-1]",
    "[\"a\",\"B\",\"\"]",
    "[\"192.168.1.1\",\"10.0.0.0/8\"]",
    "[null]",
    "[[1,2],[3]]",
    "[true,false]",
    "[{\"a\":1},{\"a\":2,\"b\":3}]",
    "[0,0,0,5,0,0]",
    "[1,2,3,4,5,6,7,8]",
    "{\"a\":1}",
    "{\"a\":\"x\",\"b\":null}",
    "{\"a\":{\"b\":[10,20,{\"c\":\"deep\"}]}}",
    "{\"a\":{\"b\":[]},\"x\":\"\"}",
    "{\"a\":[1,2],\"x\":true,\"key with space\":1.5}",
    "{\"x\":\"1\",\"a\":\"2026-11-21\"}",
    "{\"\u{e9}\":\"\u{1f600}\",\"q\\\"\":\"\\n\"}",
    "{\"A\":1,\"a\":2}",
    "{\"a\":1.0,\"b\":9223372036854775808}",
    "[1,\"1\",1.0,true,null,{},[]]",
    "{\"type\":\"Point\",\"coordinates\":[-122.3,47.6]}",
    "{\"type\":\"LineString\",\"coordinates\":[[0,0],[1,1],[2,0]]}",
    "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}",
    "\"\u{1f600}\"",
];

const REALS: [f64; 18] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.1,
    1.5,
    -2.5,
    1e10,
    1e-10,
    9.007_199_254_740_993e15,
    1.8e19,
    f64::MAX,
    f64::MIN_POSITIVE,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    47.6,
    -122.3,
];

const DECIMALS: [&str; 10] = [
    "0",
    "1",
    "-1",
    "1.50",
    "0.1",
    "-2.5",
    "1234567890123456789012345678901234",
    "0.0000000000000000000000000000001",
    "79228162514264337593543950335",
    "1e30",
];

const LONGS: [i64; 16] = [
    0,
    1,
    -1,
    2,
    7,
    -13,
    10,
    24,
    255,
    1_000,
    65_536,
    4_294_967_296,
    1_700_000_000,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
];

const SPANS: [i64; 14] = [
    0,
    1,
    -1,
    10_000_000,
    -10_000_000,
    36_000_000_000,
    TICKS_PER_DAY,
    -TICKS_PER_DAY,
    7 * TICKS_PER_DAY,
    TICKS_PER_DAY / 3,
    15 * 600_000_000,
    i64::MAX,
    i64::MIN,
    365 * TICKS_PER_DAY + 12_345_678,
];

fn value(name: &str, scalar_type: ScalarType, chance: &mut Chance) -> Value {
    if name == "n" {
        return if chance.percent(8) { Value::Null } else { Value::Long(chance.below(14) as i64 - 3) };
    }
    if scalar_type != ScalarType::String && chance.percent(12) {
        return Value::Null;
    }
    match scalar_type {
        ScalarType::Bool => Value::Bool(chance.percent(50)),
        ScalarType::Int => {
            Value::Int(*chance.pick(&[0, 1, -1, 2, 3, 10, 12, 31, 59, 2024, -7, 100, i32::MAX, i32::MIN]))
        }
        ScalarType::Long => Value::Long(*chance.pick(&LONGS)),
        ScalarType::Real => Value::Real(*chance.pick(&REALS)),
        ScalarType::Decimal => Value::decimal(chance.pick(&DECIMALS).parse::<BigDecimal>().unwrap()),
        ScalarType::String => Value::string(*chance.pick(&TEXTS)),
        ScalarType::DateTime => match chance.below(6) {
            0 => Value::DateTime(*chance.pick(&[0, 1, MAX_DATETIME_TICKS, now(), now() - 1])),
            1 => Value::datetime(parse_datetime("2024-02-29T23:59:59.9999999Z").unwrap()),
            _ => Value::datetime(
                now() - (chance.below(800) as i64) * (TICKS_PER_DAY / 2) - chance.below(1 << 40) as i64,
            ),
        },
        ScalarType::TimeSpan => Value::TimeSpan(*chance.pick(&SPANS)),
        ScalarType::Guid => {
            Value::Guid(*chance.pick(&[0, u128::MAX, 0x74be_27de_1e4e_49d9_b579_fe0b_331d_3642, 7]))
        }
        ScalarType::Dynamic => dynamic(chance),
    }
}

fn dynamic(chance: &mut Chance) -> Value {
    let marked = |dynamic: Dynamic| Value::dynamic(dynamic);
    match chance.below(12) {
        0 => marked(Dynamic::DateTime(now())),
        1 => marked(Dynamic::TimeSpan(TICKS_PER_DAY)),
        2 => marked(Dynamic::Guid(7)),
        3 => marked(Dynamic::Real(*chance.pick(&REALS))),
        4 => marked(Dynamic::Array(vec![Dynamic::DateTime(now()), Dynamic::Real(f64::NAN), Dynamic::Null])),
        _ => Value::dynamic(Dynamic::parse(chance.pick::<&str>(&DYNAMICS)).unwrap()),
    }
}

/// The table `T`, for both engines.
pub(super) struct Sample {
    pub(super) engine: Engine,
    pub(super) rows: Vec<Row>,
}

impl Source for Sample {
    fn rows(&self, table: &str) -> interpret::Result<Vec<Row>> {
        match table {
            "T" => Ok(self.rows.clone()),
            _ => Err(failure("unknown-table", table.to_owned())),
        }
    }
}

/// Rows of a batch: several batches make a partition, and there are two of those.
const BATCH: usize = 11;

impl Sample {
    pub(super) fn new(seed: u64, count: usize) -> Sample {
        let mut chance = Chance::new(seed);
        let mut columns = vec![Column::new("row", ScalarType::Long)];
        columns.extend(COLUMNS.iter().map(|(name, scalar_type)| Column::new(*name, *scalar_type)));
        let rows: Vec<Row> = (0..count)
            .map(|at| {
                let values = COLUMNS.iter().map(|(name, scalar_type)| value(name, *scalar_type, &mut chance));
                std::iter::once(Value::Long(at as i64)).chain(values).collect()
            })
            .collect();
        let schema = physical::schema(&columns);
        let mut partitions: Vec<Vec<RecordBatch>> = vec![Vec::new(), Vec::new()];
        for (at, chunk) in rows.chunks(BATCH).enumerate() {
            let batch = physical::batch(Arc::clone(&schema), &columns, chunk.iter()).unwrap();
            partitions[at % 2].push(batch);
        }
        let settings = Settings {
            now: castellan_base::Ticks::new(now()),
            seed: Some(0),
            threads: 2,
            ..Settings::default()
        };
        let mut engine = Engine::new(settings);
        engine.add_provider("T", Arc::new(MemTable::try_new(schema, partitions).unwrap())).unwrap();
        Sample { engine, rows }
    }
}
