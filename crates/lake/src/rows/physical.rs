//! Rows from batches of the query engine: what a transformation gives, and what files hold.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use castellan_query::physical::{Reader, TYPE_KEY};
use datafusion::arrow::array::StringArray;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringBuilder, TimestampMicrosecondArray};
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::compute::{cast, nullif};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::arrow::record_batch::RecordBatch;

use super::{Misfit, MisfitReason, Origin, Rows, assemble, micros_of_ticks, standard};
use crate::Error;
use crate::schema::TableSchema;

pub(super) fn convert(schema: &TableSchema, batch: &RecordBatch, origin: &Origin) -> Result<Rows, Error> {
    let (rows, mut misfits) = (batch.num_rows(), Vec::new());
    let mut columns: Vec<Option<ArrayRef>> = schema.columns().iter().map(|_| None).collect();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let given = field.metadata().get(TYPE_KEY).and_then(|name| ScalarType::named(name));
        let at = standard::position(schema.arrow(), field.name());
        let known = at.and_then(|at| schema.columns().get(at));
        let reason = match (known, given) {
            (Some(column), _) if standard::is_reserved(&column.name, column.scalar_type) => continue,
            (Some(column), Some(given)) => match stored(array, given, column)? {
                Some(stored) => {
                    let (stored, cut) = shortened(stored, column.scalar_type, origin.longest);
                    if cut > 0 {
                        let column = field.name().clone();
                        misfits.push(Misfit { column, count: cut, reason: MisfitReason::Cut });
                    }
                    if let Some(place) = at.and_then(|at| columns.get_mut(at)) {
                        *place = Some(stored);
                    }
                    continue;
                }
                None => MisfitReason::WrongType,
            },
            (Some(_), None) => MisfitReason::WrongType,
            (None, _) => MisfitReason::NoColumn,
        };
        misfits.push(Misfit { column: field.name().clone(), count: rows, reason });
    }
    assemble(schema, columns, rows, misfits, Vec::new(), origin)
}

/// Whether values of a type have a place in a column of another.
pub(super) fn fits(given: ScalarType, known: ScalarType) -> bool {
    use ScalarType::{Int, Long, Real, String};
    given == known || known == String || matches!((given, known), (Int, Long) | (Int | Long, Real))
}

/// The column as it is kept; `None` when the types do not go together.
fn stored(array: &ArrayRef, given: ScalarType, column: &Column) -> Result<Option<ArrayRef>, Error> {
    let failed = || Error::arrow::<datafusion::arrow::error::ArrowError>("converting a column");
    let wanted = crate::schema::data_type(column.scalar_type);
    Ok(Some(match (given, column.scalar_type) {
        (ScalarType::DateTime, ScalarType::DateTime) => {
            let Some(ticks) = array.as_primitive_opt::<Int64Type>() else { return Ok(None) };
            let micros: TimestampMicrosecondArray = ticks.unary(micros_of_ticks);
            Arc::new(micros.with_timezone("UTC"))
        }
        (ScalarType::String, ScalarType::String) => {
            let texts = cast(array, &DataType::Utf8).map_err(failed())?;
            let is_empty = eq(&texts, &StringArray::new_scalar("")).map_err(failed())?;
            nullif(&texts, &is_empty).map_err(failed())?
        }
        (ScalarType::Int, ScalarType::Long) | (ScalarType::Int | ScalarType::Long, ScalarType::Real) => {
            cast(array, &wanted).map_err(failed())?
        }
        (given, known) if given == known => match known {
            ScalarType::Guid => texts(array, given)?,
            _ => cast(array, &wanted).map_err(failed())?,
        },
        // Every value has a text.
        (given, ScalarType::String) => texts(array, given)?,
        _ => return Ok(None),
    }))
}

/// Texts and nested values within a length; gives how many were cut.
fn shortened(column: ArrayRef, scalar_type: ScalarType, longest: Option<usize>) -> (ArrayRef, usize) {
    let (Some(longest), Some(texts)) = (longest, column.as_string_opt::<i32>()) else { return (column, 0) };
    let is_long = |text: &str| text.len() > longest;
    let count = texts.iter().flatten().filter(|text| is_long(text)).count();
    if count == 0 {
        return (column, 0);
    }
    let mut builder = StringBuilder::new();
    for text in texts {
        match text {
            // What is left of a nested value is no JSON any more, so that it becomes a text.
            Some(text) if is_long(text) && scalar_type == ScalarType::Dynamic => {
                let text = serde_json::Value::from(standard::cut(text, longest)).to_string();
                builder.append_value(text);
            }
            Some(text) => builder.append_value(standard::cut(text, longest)),
            None => builder.append_null(),
        }
    }
    (Arc::new(builder.finish()), count)
}

/// The texts of values.
fn texts(array: &ArrayRef, given: ScalarType) -> Result<ArrayRef, Error> {
    let reader = Reader::new(array, given).map_err(Error::arrow("reading a column"))?;
    let mut builder = StringBuilder::new();
    for at in 0..array.len() {
        let text = reader.value(at).to_text();
        builder.append_option((!text.is_empty()).then_some(text));
    }
    Ok(Arc::new(builder.finish()))
}
