//! Results as Parquet that any reader understands.

use std::sync::Arc;

use anyhow::Result;
use castellan_kql::value::UNIX_EPOCH_TICKS;
use castellan_kql::{ScalarType, Value};
use castellan_query::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use castellan_query::arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use castellan_query::parquet::arrow::ArrowWriter;
use castellan_query::{Answer, physical};

/// A file with the rows. Times are timestamps of nanoseconds where all are between 1678 and 2261, else of microseconds;
/// dynamic values are JSON; each field's metadata says its type, so that reading it here gives the same columns.
pub(super) fn write(answer: &Answer) -> Result<Vec<u8>> {
    let rows = answer.values()?;
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (at, column) in answer.columns.iter().enumerate() {
        let values: Vec<&Value> = rows.iter().map(|row| row.get(at).unwrap_or(&Value::Null)).collect();
        let array = array(column.scalar_type, &values)?;
        let field = physical::field(&column.name, column.scalar_type);
        fields.push(
            Field::new(field.name(), array.data_type().clone(), true).with_metadata(field.metadata().clone()),
        );
        arrays.push(array);
    }
    let schema = Arc::new(Schema::new(fields));
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, Arc::clone(&schema), None)?;
    writer.write(&RecordBatch::try_new(schema, arrays)?)?;
    writer.close()?;
    Ok(bytes)
}

fn array(scalar_type: ScalarType, values: &[&Value]) -> Result<ArrayRef> {
    Ok(match scalar_type {
        ScalarType::DateTime => times(values)?,
        ScalarType::Dynamic | ScalarType::Decimal | ScalarType::Guid | ScalarType::TimeSpan => {
            let text = |value: &&Value| (!value.is_null()).then(|| json_or_text(value));
            Arc::new(values.iter().map(text).collect::<StringArray>())
        }
        _ => {
            let mut writer = physical::Writer::new(scalar_type, values.len());
            for value in values {
                writer.push(value)?;
            }
            writer.finish()
        }
    })
}

/// A dynamic value is JSON, strings in it with their quotes.
fn json_or_text(value: &Value) -> String {
    match value {
        Value::Dynamic(dynamic) => dynamic.to_string(),
        other => other.to_text(),
    }
}

fn times(values: &[&Value]) -> Result<ArrayRef> {
    let since = |value: &&Value| match value {
        Value::DateTime(ticks) => Some(ticks - UNIX_EPOCH_TICKS),
        _ => None,
    };
    let fits = values.iter().filter_map(since).all(|ticks| ticks.checked_mul(100).is_some());
    let (factor, unit) = if fits { (100, TimeUnit::Nanosecond) } else { (0, TimeUnit::Microsecond) };
    let number = |ticks: i64| if factor == 0 { ticks.div_euclid(10) } else { ticks * factor };
    let numbers: Int64Array = values.iter().map(|value| since(value).map(number)).collect();
    let zone = DataType::Timestamp(unit, Some("UTC".into()));
    Ok(castellan_query::arrow::compute::cast(&numbers, &zone)?)
}
