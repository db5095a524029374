//! From the types of Arrow to those of the language.

use castellan_kql::plan::Scalar;
use castellan_kql::value::{Dynamic, UNIX_EPOCH_TICKS};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, Expr, cast as cast_to};

use super::text::OrEmpty;
use super::ticks::{Ratio, Ticks};
use crate::functions::kernel::{Kernel, call};
use crate::functions::row::RowExpression;
use crate::physical::{TYPE_KEY, Writer, data_type};

/// The type of a column, and its value in the form of the language.
///
/// Errors: a type that has no place in the language.
pub(super) fn column(field: &Field, source: Expr) -> Result<(ScalarType, Expr)> {
    let known = field.metadata().get(TYPE_KEY).and_then(|name| ScalarType::named(name));
    if let Some(scalar_type) = known.filter(|scalar_type| data_type(*scalar_type) == *field.data_type()) {
        // Its metadata says what a column means, not that no text is missing.
        let has_gaps = scalar_type == ScalarType::String && field.is_nullable();
        return Ok((scalar_type, if has_gaps { OrEmpty::of(source) } else { source }));
    }
    let plain = |scalar_type: ScalarType| {
        let wanted = data_type(scalar_type);
        let is_so = wanted == *field.data_type();
        Ok((scalar_type, if is_so { source.clone() } else { cast_to(source.clone(), wanted) }))
    };
    match field.data_type() {
        DataType::Boolean => plain(ScalarType::Bool),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            plain(ScalarType::Int)
        }
        DataType::Int64 | DataType::UInt32 | DataType::UInt64 => plain(ScalarType::Long),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => plain(ScalarType::Real),
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => plain(ScalarType::Decimal),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(..) => {
            text(field, source.clone(), known)
        }
        DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Duration(_)
        | DataType::Time32(_)
        | DataType::Time64(_) => Ticks::of(field.data_type(), source),
        DataType::FixedSizeBinary(16) => Ok((ScalarType::Guid, source)),
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..)
        | DataType::ListView(_)
        | DataType::Null => Ok((ScalarType::Dynamic, call(ToDynamic, vec![source]))),
        other => plan_err!(
            "the column `{}` has the type {other}, which has no place in the language; leave it out or convert it",
            field.name()
        ),
    }
}

/// The value as the type that the column is known to have.
pub(super) fn wanted(found: ScalarType, value: Expr, wanted: ScalarType) -> (ScalarType, Expr) {
    match (found, wanted) {
        (found, wanted) if found == wanted => (found, value),
        // The text of a dynamic column is its form already.
        (ScalarType::String, ScalarType::Dynamic) => (ScalarType::Dynamic, value),
        _ => {
            let cast = Scalar::column(0, found).cast(wanted);
            (wanted, call(RowExpression::new(cast, vec![found]), vec![value]))
        }
    }
}

/// Text, or JSON where the field says so.
fn text(field: &Field, source: Expr, known: Option<ScalarType>) -> Result<(ScalarType, Expr)> {
    let view =
        if *field.data_type() == DataType::Utf8View { source } else { cast_to(source, DataType::Utf8View) };
    match known {
        Some(scalar_type @ (ScalarType::Dynamic | ScalarType::Decimal)) => Ok((scalar_type, view)),
        _ if field.is_nullable() => Ok((ScalarType::String, OrEmpty::of(view))),
        _ => Ok((ScalarType::String, view)),
    }
}

/// Nested values of Arrow as dynamic values.
#[derive(Debug)]
struct ToDynamic;

impl Kernel for ToDynamic {
    fn name(&self) -> &str {
        "to_dynamic"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Dynamic
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let [argument] = arguments else { return exec_err!("`to_dynamic` takes one argument") };
        let array = argument.to_array(rows)?;
        let mut writer = Writer::new(ScalarType::Dynamic, array.len());
        for at in 0..array.len() {
            writer.push(&Value::dynamic(nested(&array, at)?))?;
        }
        Ok(writer.finish())
    }
}

fn nested(array: &ArrayRef, at: usize) -> Result<Dynamic> {
    if array.is_null(at) {
        return Ok(Dynamic::Null);
    }
    let list = |items: ArrayRef| -> Result<Dynamic> {
        Ok(Dynamic::Array((0..items.len()).map(|at| nested(&items, at)).collect::<Result<_>>()?))
    };
    match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().value(at)),
        DataType::LargeList(_) => list(array.as_list::<i64>().value(at)),
        DataType::FixedSizeList(..) => list(array.as_fixed_size_list().value(at)),
        DataType::ListView(_) => list(array.as_list_view::<i32>().value(at)),
        DataType::Struct(_) => {
            let fields = array.as_struct();
            let member = |(name, column): (&&str, &ArrayRef)| Ok(((*name).into(), nested(column, at)?));
            let names = fields.column_names();
            Ok(Dynamic::bag(names.iter().zip(fields.columns()).map(member).collect::<Result<Vec<_>>>()?))
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(at);
            let (keys, values) = (entries.column(0), entries.column(1));
            let member = |at: usize| Ok((single(keys, at)?.to_value().to_text().into(), nested(values, at)?));
            Ok(Dynamic::bag((0..entries.len()).map(member).collect::<Result<Vec<_>>>()?))
        }
        _ => single(array, at),
    }
}

/// A value that is not nested.
fn single(array: &ArrayRef, at: usize) -> Result<Dynamic> {
    Ok(match ScalarValue::try_from_array(array, at)? {
        ScalarValue::Boolean(Some(flag)) => Dynamic::Bool(flag),
        ScalarValue::Float32(Some(number)) => Dynamic::Real(f64::from(number)),
        ScalarValue::Float64(Some(number)) => Dynamic::Real(number),
        ScalarValue::Utf8(Some(text))
        | ScalarValue::Utf8View(Some(text))
        | ScalarValue::LargeUtf8(Some(text)) => Dynamic::String(text.into()),
        ScalarValue::TimestampSecond(Some(number), _) => time(number, TimeUnit::Second),
        ScalarValue::TimestampMillisecond(Some(number), _) => time(number, TimeUnit::Millisecond),
        ScalarValue::TimestampMicrosecond(Some(number), _) => time(number, TimeUnit::Microsecond),
        ScalarValue::TimestampNanosecond(Some(number), _) => time(number, TimeUnit::Nanosecond),
        other if other.is_null() => Dynamic::Null,
        other => match other.cast_to(&DataType::Int64) {
            Ok(ScalarValue::Int64(Some(number))) if other.data_type().is_integer() => Dynamic::Long(number),
            _ => Dynamic::String(other.to_string().into()),
        },
    })
}

fn time(number: i64, unit: TimeUnit) -> Dynamic {
    let ticks = Ratio::of(unit).ticks(number).and_then(|ticks| ticks.checked_add(UNIX_EPOCH_TICKS));
    ticks.map_or(Dynamic::Null, Dynamic::DateTime)
}
