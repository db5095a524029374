//! Statistics of a file's columns, in the form that commits have.
//!
//! Source: Delta Transaction Log Protocol, "Per-file Statistics". Texts are cut to 32 characters, the least downwards and
//! the greatest upwards; times have milliseconds, rounded so that they hold every value.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::{max, max_boolean, max_string, min, min_boolean, min_string};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use serde_json::{Map, Value, json};

/// Characters that are kept of a text.
const CHARACTERS: usize = 32;

/// Statistics while a file is written.
#[derive(Debug, Default)]
pub(super) struct Stats {
    rows: u64,
    columns: BTreeMap<String, ColumnStats>,
}

#[derive(Clone, Debug, Default)]
struct ColumnStats {
    range: Option<(Bound, Bound)>,
    nulls: u64,
}

#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Bound {
    Bool(bool),
    Long(i64),
    Real(f64),
    Time(i64),
    Text(String),
}

impl Stats {
    pub(super) fn add(&mut self, batch: &RecordBatch) {
        let rows = u64::try_from(batch.num_rows()).unwrap_or(u64::MAX);
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let column = self.columns.entry(field.name().clone()).or_default();
            column.nulls += u64::try_from(array.null_count()).unwrap_or(u64::MAX);
            let Some((least, greatest)) = range(array.as_ref()) else { continue };
            column.range = Some(match column.range.take() {
                Some((first, last)) => {
                    (if least < first { least } else { first }, if greatest > last { greatest } else { last })
                }
                None => (least, greatest),
            });
        }
        self.rows += rows;
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn finish(self) -> String {
        let (mut least, mut greatest, mut nulls) = (Map::new(), Map::new(), Map::new());
        for (name, column) in self.columns {
            nulls.insert(name.clone(), json!(column.nulls));
            if let Some((first, last)) = column.range {
                if let Some(first) = first.floor() {
                    least.insert(name.clone(), first);
                }
                if let Some(last) = last.ceiling() {
                    greatest.insert(name, last);
                }
            }
        }
        json!({"numRecords": self.rows, "minValues": least, "maxValues": greatest, "nullCount": nulls})
            .to_string()
    }
}

fn range(array: &dyn Array) -> Option<(Bound, Bound)> {
    Some(match array.data_type() {
        DataType::Boolean => {
            let array = array.as_boolean();
            (Bound::Bool(min_boolean(array)?), Bound::Bool(max_boolean(array)?))
        }
        DataType::Int32 => {
            let array = array.as_primitive::<Int32Type>();
            (Bound::Long(min(array)?.into()), Bound::Long(max(array)?.into()))
        }
        DataType::Int64 => {
            let array = array.as_primitive::<Int64Type>();
            (Bound::Long(min(array)?), Bound::Long(max(array)?))
        }
        DataType::Float64 => {
            let array = array.as_primitive::<Float64Type>();
            (Bound::Real(min(array)?), Bound::Real(max(array)?))
        }
        DataType::Timestamp(..) => {
            let array = array.as_primitive_opt::<TimestampMicrosecondType>()?;
            (Bound::Time(min(array)?), Bound::Time(max(array)?))
        }
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            (Bound::Text(cut(min_string(array)?)), Bound::Text(max_string(array)?.to_owned()))
        }
        _ => return None,
    })
}

fn cut(text: &str) -> String {
    text.chars().take(CHARACTERS).collect()
}

impl Bound {
    fn floor(self) -> Option<Value> {
        Some(match self {
            Bound::Bool(_) => return None,
            Bound::Long(number) => json!(number),
            Bound::Real(number) => finite(number)?,
            Bound::Time(micros) => json!(time(micros.div_euclid(1_000))?),
            Bound::Text(text) => json!(cut(&text)),
        })
    }

    fn ceiling(self) -> Option<Value> {
        Some(match self {
            Bound::Time(micros) => {
                json!(time(micros.div_euclid(1_000) + i64::from(micros.rem_euclid(1_000) > 0))?)
            }
            Bound::Text(text) if text.chars().count() > CHARACTERS => {
                // Above every text that begins so.
                json!(format!("{}\u{10ffff}", cut(&text)))
            }
            other => return other.floor(),
        })
    }
}

fn finite(number: f64) -> Option<Value> {
    number.is_finite().then(|| json!(number))
}

/// Milliseconds since 1970 as `2026-01-02T03:04:05.678Z`.
fn time(millis: i64) -> Option<String> {
    let ticks = millis.checked_mul(10_000)?.checked_add(castellan_kql::value::UNIX_EPOCH_TICKS)?;
    let text = castellan_kql::value::format_datetime(ticks);
    Some(format!("{}Z", text.get(..23)?))
}
