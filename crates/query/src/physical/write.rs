//! From values to arrays.

use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeBinaryBuilder, Float64Builder, Int32Builder, Int64Builder,
    RecordBatchOptions, StringViewBuilder,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue};

use super::dynamic;

/// Builds an array of values of a type.
#[derive(Debug)]
pub enum Writer {
    /// bool
    Bool(BooleanBuilder),
    /// int
    Int(Int32Builder),
    /// long, datetime, timespan
    Long(Int64Builder),
    /// real
    Real(Float64Builder),
    /// decimal, dynamic
    Text(StringViewBuilder),
    /// string
    String(StringViewBuilder),
    /// guid
    Guid(FixedSizeBinaryBuilder),
}

impl Writer {
    /// For so many values of a type.
    pub fn new(scalar_type: ScalarType, capacity: usize) -> Writer {
        match scalar_type {
            ScalarType::Bool => Writer::Bool(BooleanBuilder::with_capacity(capacity)),
            ScalarType::Int => Writer::Int(Int32Builder::with_capacity(capacity)),
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
                Writer::Long(Int64Builder::with_capacity(capacity))
            }
            ScalarType::Real => Writer::Real(Float64Builder::with_capacity(capacity)),
            ScalarType::Decimal | ScalarType::Dynamic => {
                Writer::Text(StringViewBuilder::with_capacity(capacity))
            }
            ScalarType::String => Writer::String(StringViewBuilder::with_capacity(capacity)),
            ScalarType::Guid => Writer::Guid(FixedSizeBinaryBuilder::with_capacity(capacity, 16)),
        }
    }

    /// Appends a value; one of another type counts as null.
    ///
    /// Errors: the array is full.
    pub fn push(&mut self, value: &Value) -> Result<()> {
        match (self, value) {
            (Writer::Bool(builder), value) => builder.append_option(match value {
                Value::Bool(flag) => Some(*flag),
                _ => None,
            }),
            (Writer::Int(builder), value) => builder.append_option(match value {
                Value::Int(number) => Some(*number),
                _ => None,
            }),
            (Writer::Long(builder), value) => builder.append_option(match value {
                Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => Some(*number),
                _ => None,
            }),
            (Writer::Real(builder), value) => builder.append_option(match value {
                Value::Real(number) => Some(*number),
                _ => None,
            }),
            (Writer::Text(builder), Value::Decimal(number)) => {
                builder.try_append_value(number.normalized().to_plain_string())?;
            }
            (Writer::Text(builder), Value::Dynamic(value)) => {
                builder.try_append_value(dynamic::encode(value))?
            }
            (Writer::Text(builder), _) => builder.append_null(),
            (Writer::String(builder), Value::String(text)) => builder.try_append_value(text)?,
            (Writer::String(builder), _) => builder.try_append_value("")?,
            (Writer::Guid(builder), Value::Guid(guid)) => builder.append_value(guid.to_be_bytes())?,
            (Writer::Guid(builder), _) => builder.append_null(),
        }
        Ok(())
    }

    /// About how many bytes its texts take so far.
    pub fn bytes(&self) -> usize {
        match self {
            Writer::Text(builder) | Writer::String(builder) => builder.allocated_size(),
            _ => 0,
        }
    }

    /// The array.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Writer::Bool(builder) => Arc::new(builder.finish()),
            Writer::Int(builder) => Arc::new(builder.finish()),
            Writer::Long(builder) => Arc::new(builder.finish()),
            Writer::Real(builder) => Arc::new(builder.finish()),
            Writer::Text(builder) | Writer::String(builder) => Arc::new(builder.finish()),
            Writer::Guid(builder) => Arc::new(builder.finish()),
        }
    }
}

/// A batch of rows.
///
/// Errors: rows that do not fit the schema, and arrays that are too large.
pub fn batch<'r>(
    schema: SchemaRef,
    columns: &[Column],
    rows: impl ExactSizeIterator<Item = &'r Vec<Value>>,
) -> Result<RecordBatch> {
    let count = rows.len();
    let mut writers: Vec<Writer> =
        columns.iter().map(|column| Writer::new(column.scalar_type, count)).collect();
    for row in rows {
        for (writer, value) in writers.iter_mut().zip(row) {
            writer.push(value)?;
        }
    }
    batch_of(schema, writers.iter_mut().map(Writer::finish).collect(), count)
}

/// A batch of arrays; there may be none, and so the number of rows is said.
///
/// Errors: arrays that do not fit the schema or the number.
pub fn batch_of(schema: SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, arrays, &options)?)
}

/// A constant of a type.
pub fn scalar(value: &Value, scalar_type: ScalarType) -> ScalarValue {
    let text = |text: String| ScalarValue::Utf8View(Some(text));
    match (scalar_type, value) {
        (ScalarType::Bool, Value::Bool(flag)) => ScalarValue::Boolean(Some(*flag)),
        (ScalarType::Bool, _) => ScalarValue::Boolean(None),
        (ScalarType::Int, Value::Int(number)) => ScalarValue::Int32(Some(*number)),
        (ScalarType::Int, _) => ScalarValue::Int32(None),
        (ScalarType::Long, Value::Long(number))
        | (ScalarType::DateTime, Value::DateTime(number))
        | (ScalarType::TimeSpan, Value::TimeSpan(number)) => ScalarValue::Int64(Some(*number)),
        (ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan, _) => ScalarValue::Int64(None),
        (ScalarType::Real, Value::Real(number)) => ScalarValue::Float64(Some(*number)),
        (ScalarType::Real, _) => ScalarValue::Float64(None),
        (ScalarType::Guid, Value::Guid(guid)) => {
            ScalarValue::FixedSizeBinary(16, Some(guid.to_be_bytes().to_vec()))
        }
        (ScalarType::Guid, _) => ScalarValue::FixedSizeBinary(16, None),
        (ScalarType::Decimal, Value::Decimal(number)) => text(number.normalized().to_plain_string()),
        (ScalarType::Dynamic, Value::Dynamic(value)) => text(dynamic::encode(value)),
        (ScalarType::Decimal | ScalarType::Dynamic, _) => ScalarValue::Utf8View(None),
        (ScalarType::String, Value::String(value)) => text(value.to_string()),
        (ScalarType::String, _) => text(String::new()),
    }
}
