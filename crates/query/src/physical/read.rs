//! From arrays to values.

use std::sync::Arc;

use castellan_kql::plan::Field as Column;
use castellan_kql::value::BigDecimal;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, FixedSizeBinaryArray, Float64Array, Int32Array, Int64Array,
    StringViewArray,
};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{Result, exec_datafusion_err};

use super::dynamic;

/// Reads values of an array by position.
#[derive(Debug)]
pub enum Reader<'a> {
    /// bool
    Bool(&'a BooleanArray),
    /// int
    Int(&'a Int32Array),
    /// long
    Long(&'a Int64Array),
    /// real
    Real(&'a Float64Array),
    /// decimal
    Decimal(&'a StringViewArray),
    /// string
    String(&'a StringViewArray),
    /// datetime
    DateTime(&'a Int64Array),
    /// timespan
    TimeSpan(&'a Int64Array),
    /// guid
    Guid(&'a FixedSizeBinaryArray),
    /// dynamic
    Dynamic(&'a StringViewArray),
}

impl<'a> Reader<'a> {
    /// Of an array that holds values of a type.
    ///
    /// Errors: an array of another form than [`super::data_type`] says.
    pub fn new(array: &'a ArrayRef, scalar_type: ScalarType) -> Result<Reader<'a>> {
        let wrong = || exec_datafusion_err!("{scalar_type} is not read from {}", array.data_type());
        let texts = || array.as_string_view_opt().ok_or_else(wrong);
        let ticks = || array.as_primitive_opt::<Int64Type>().ok_or_else(wrong);
        Ok(match scalar_type {
            ScalarType::Bool => Reader::Bool(array.as_boolean_opt().ok_or_else(wrong)?),
            ScalarType::Int => Reader::Int(array.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?),
            ScalarType::Long => Reader::Long(ticks()?),
            ScalarType::Real => Reader::Real(array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?),
            ScalarType::Decimal => Reader::Decimal(texts()?),
            ScalarType::String => Reader::String(texts()?),
            ScalarType::DateTime => Reader::DateTime(ticks()?),
            ScalarType::TimeSpan => Reader::TimeSpan(ticks()?),
            ScalarType::Guid => Reader::Guid(array.as_fixed_size_binary_opt().ok_or_else(wrong)?),
            ScalarType::Dynamic => Reader::Dynamic(texts()?),
        })
    }

    /// The value at a position.
    pub fn value(&self, at: usize) -> Value {
        match self {
            Reader::Bool(array) if array.is_valid(at) => Value::Bool(array.value(at)),
            Reader::Int(array) if array.is_valid(at) => Value::Int(array.value(at)),
            Reader::Long(array) if array.is_valid(at) => Value::Long(array.value(at)),
            Reader::Real(array) if array.is_valid(at) => Value::Real(array.value(at)),
            Reader::Decimal(array) if array.is_valid(at) => {
                array.value(at).parse::<BigDecimal>().map_or(Value::Null, Value::decimal)
            }
            // There is no null string.
            Reader::String(array) => Value::string(if array.is_valid(at) { array.value(at) } else { "" }),
            Reader::DateTime(array) if array.is_valid(at) => Value::DateTime(array.value(at)),
            Reader::TimeSpan(array) if array.is_valid(at) => Value::TimeSpan(array.value(at)),
            Reader::Guid(array) if array.is_valid(at) => <[u8; 16]>::try_from(array.value(at))
                .map_or(Value::Null, |bytes| Value::Guid(u128::from_be_bytes(bytes))),
            Reader::Dynamic(array) if array.is_valid(at) => dynamic::decode(array.value(at)),
            _ => Value::Null,
        }
    }
}

/// The rows of a batch.
///
/// Errors: columns of another form than the schema says.
pub fn rows(batch: &RecordBatch, columns: &[Column]) -> Result<Vec<Vec<Value>>> {
    let arrays: Vec<ArrayRef> = batch.columns().iter().map(Arc::clone).collect();
    let readers = arrays
        .iter()
        .zip(columns)
        .map(|(array, column)| Reader::new(array, column.scalar_type))
        .collect::<Result<Vec<_>>>()?;
    Ok((0..batch.num_rows()).map(|at| readers.iter().map(|reader| reader.value(at)).collect()).collect())
}
