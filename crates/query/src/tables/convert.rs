//! From the types of Arrow to those of the language.

use std::sync::Arc;

use castellan_kql::value::{Dynamic, UNIX_EPOCH_TICKS};
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, TimeUnit};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{ColumnarValue, Expr, cast as cast_to, lit};

use crate::functions::kernel::{Kernel, call};
use crate::physical::{TYPE_KEY, Writer, data_type};

const TICKS_PER_DAY: i64 = castellan_kql::value::TICKS_PER_DAY;

/// The type of a column, and its value in the form of the language.
///
/// Errors: a type that has no place in the language.
pub(super) fn column(field: &Field, source: Expr) -> Result<(ScalarType, Expr)> {
    let known = field.metadata().get(TYPE_KEY).and_then(|name| ScalarType::named(name));
    if let Some(scalar_type) = known.filter(|scalar_type| data_type(*scalar_type) == *field.data_type()) {
        return Ok((scalar_type, source));
    }
    let plain = |scalar_type: ScalarType| Ok((scalar_type, cast_to(source.clone(), data_type(scalar_type))));
    let ticks = |scalar_type: ScalarType, ratio: Ratio, start: i64| {
        let name = format!("to_{scalar_type}({ratio:?}, {start})");
        Ok((scalar_type, call(ToTicks { name, ratio, start, scalar_type }, vec![source.clone()])))
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
        DataType::Timestamp(unit, _) => ticks(ScalarType::DateTime, Ratio::of(*unit), UNIX_EPOCH_TICKS),
        DataType::Date32 => ticks(ScalarType::DateTime, Ratio::Times(TICKS_PER_DAY), UNIX_EPOCH_TICKS),
        DataType::Date64 => ticks(ScalarType::DateTime, Ratio::of(TimeUnit::Millisecond), UNIX_EPOCH_TICKS),
        DataType::Duration(unit) | DataType::Time32(unit) | DataType::Time64(unit) => {
            ticks(ScalarType::TimeSpan, Ratio::of(*unit), 0)
        }
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

/// Text, or JSON where the field says so.
fn text(field: &Field, source: Expr, known: Option<ScalarType>) -> Result<(ScalarType, Expr)> {
    let view =
        if *field.data_type() == DataType::Utf8View { source } else { cast_to(source, DataType::Utf8View) };
    match known {
        Some(scalar_type @ (ScalarType::Dynamic | ScalarType::Decimal)) => Ok((scalar_type, view)),
        _ if field.is_nullable() => {
            let empty = lit(ScalarValue::Utf8View(Some(String::new())));
            Ok((ScalarType::String, coalesce(vec![view, empty])))
        }
        _ => Ok((ScalarType::String, view)),
    }
}

/// How a unit of time counts in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ratio {
    Times(i64),
    /// Nanoseconds: what is less than a tick is cut off.
    Through(i64),
}

impl Ratio {
    fn of(unit: TimeUnit) -> Ratio {
        match unit {
            TimeUnit::Second => Ratio::Times(10_000_000),
            TimeUnit::Millisecond => Ratio::Times(10_000),
            TimeUnit::Microsecond => Ratio::Times(10),
            TimeUnit::Nanosecond => Ratio::Through(100),
        }
    }

    fn ticks(self, number: i64) -> Option<i64> {
        match self {
            Ratio::Times(factor) => number.checked_mul(factor),
            Ratio::Through(divisor) => Some(number.div_euclid(divisor)),
        }
    }
}

/// Times of Arrow as ticks; null outside of the years 1 to 9999.
#[derive(Debug)]
struct ToTicks {
    name: String,
    ratio: Ratio,
    start: i64,
    scalar_type: ScalarType,
}

impl Kernel for ToTicks {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        self.scalar_type
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let [argument] = arguments else { return exec_err!("`{}` takes one argument", self.name) };
        let array = argument.to_array(rows)?;
        let array = match array.data_type() {
            // Arrow has no way from 32 bits of time to 64 bits of number at once.
            DataType::Date32 | DataType::Time32(_) => {
                cast(&cast(&array, &DataType::Int32)?, &DataType::Int64)?
            }
            _ => cast(&array, &DataType::Int64)?,
        };
        let numbers = array.as_primitive::<Int64Type>();
        let is_date = self.scalar_type == ScalarType::DateTime;
        let ticks = |number: i64| {
            let ticks = self.ratio.ticks(number)?.checked_add(self.start)?;
            let fits = !is_date || (0..=castellan_kql::value::MAX_DATETIME_TICKS).contains(&ticks);
            fits.then_some(ticks)
        };
        let converted: Int64Array = numbers.iter().map(|number| number.and_then(ticks)).collect();
        Ok(Arc::new(converted))
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
