//! How values of the language lie in Arrow arrays.
//!
//! | type | array | why |
//! |---|---|---|
//! | bool, int, long, real | Boolean, Int32, Int64, Float64 | the same thing |
//! | string | Utf8View, without nulls | the language has no null string |
//! | datetime, timespan | Int64, ticks of 100 ns (since year 1) | Arrow's timestamps lose either the last digit or the years |
//! | guid | FixedSizeBinary(16), in the order in which it is written | |
//! | decimal | Utf8View, normalized digits | 34 floating digits fit no decimal of Arrow; decimals are rare in logs |
//! | dynamic | Utf8View, JSON ([`dynamic`]) | logs arrive as JSON, and most queries look at one member of it |
//!
//! The field of a column says its type in the metadata [`TYPE_KEY`], since ticks and longs look alike.

pub mod dynamic;
mod read;
mod write;

use std::collections::HashMap;
use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use datafusion::arrow::array::RecordBatchOptions;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::Result;

pub use read::{Reader, rows};
pub use write::{Writer, batch, batch_of, scalar};

/// The key under which a field's metadata has the type of the language.
pub const TYPE_KEY: &str = "castellan:type";

/// The type of the arrays of a scalar type.
pub fn data_type(scalar_type: ScalarType) -> DataType {
    match scalar_type {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int => DataType::Int32,
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => DataType::Int64,
        ScalarType::Real => DataType::Float64,
        ScalarType::String | ScalarType::Decimal | ScalarType::Dynamic => DataType::Utf8View,
        ScalarType::Guid => DataType::FixedSizeBinary(16),
    }
}

/// The field of a column, with its type in the metadata.
pub fn field(name: &str, scalar_type: ScalarType) -> Field {
    let metadata = HashMap::from([(TYPE_KEY.to_owned(), scalar_type.name().to_owned())]);
    Field::new(name, data_type(scalar_type), true).with_metadata(metadata)
}

/// The schema of columns.
pub fn schema(columns: &[Column]) -> SchemaRef {
    let fields: Vec<Field> = columns.iter().map(|column| field(&column.name, column.scalar_type)).collect();
    Arc::new(Schema::new(fields))
}

/// A batch with the names and types of columns that hold the same arrays.
///
/// Errors: arrays of other types.
pub fn renamed(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let columns = batch.columns().to_vec();
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
