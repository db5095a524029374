//! Values of Arrow arrays as text, for Parquet and Arrow files.
//!
//! Strings, binary that is text, whole numbers, decimals, floats and dates are given; of structs, lists and maps what
//! is in them. Times, durations and truth values are not: nobody is found by them alone.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use crate::location::Place;
use crate::walk::{Step, Walk};

/// Lists within lists within structs.
const DEEPEST: usize = 32;

/// Where the values of an array stand.
#[derive(Clone)]
pub(super) struct Column {
    pub(super) number: u32,
    pub(super) name: Arc<str>,
    /// The row before the array's first.
    pub(super) before: u64,
}

/// Whether a column has values that are given. What has none is not walked through: its length costs nothing to lie
/// about.
pub(super) fn is_read(kind: &DataType) -> bool {
    is_read_at(kind, 0)
}

fn is_read_at(kind: &DataType, depth: usize) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Decimal128, Dictionary, FixedSizeBinary, FixedSizeList, Float32, Float64,
        Int8, Int16, Int32, Int64, LargeBinary, LargeList, LargeUtf8, List, Map, Struct, UInt8, UInt16,
        UInt32, UInt64, Utf8, Utf8View,
    };
    if depth > DEEPEST {
        return false;
    }
    match kind {
        Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView => true,
        Int8 | Int16 | Int32 | Int64 | UInt8 | UInt16 | UInt32 | UInt64 | Float32 | Float64 | Date32 => true,
        Decimal128(..) => true,
        FixedSizeBinary(width) => *width > 0,
        Dictionary(_, value) => is_read_at(value, depth + 1),
        List(field) | LargeList(field) | Map(field, _) => is_read_at(field.data_type(), depth + 1),
        FixedSizeList(field, length) => *length > 0 && is_read_at(field.data_type(), depth + 1),
        Struct(fields) => fields.iter().any(|field| is_read_at(field.data_type(), depth + 1)),
        _ => false,
    }
}

/// Whether a type is left out on purpose: it says nothing that is text.
pub(super) fn is_mute(kind: &DataType) -> bool {
    use DataType::{Boolean, Date64, Duration, Float16, Interval, Null, Time32, Time64, Timestamp};
    let is_time = matches!(kind, Date64 | Timestamp(..) | Time32(_) | Time64(_) | Duration(_) | Interval(_));
    is_time || matches!(kind, Null | Boolean | Float16)
}

/// Gives the values of a column.
pub(super) fn column(array: &ArrayRef, column: &Column, walk: &mut Walk<'_>) -> Step {
    if !is_read(array.data_type()) {
        return Ok(());
    }
    for row in 0..array.len() {
        walk.ask(8)?;
        value(array.as_ref(), row, column, column.before + row as u64 + 1, 0, walk)?;
    }
    Ok(())
}

fn value(array: &dyn Array, at: usize, column: &Column, row: u64, depth: usize, walk: &mut Walk<'_>) -> Step {
    use DataType::{
        Binary, BinaryView, Dictionary, FixedSizeBinary, FixedSizeList, LargeBinary, LargeList, LargeUtf8,
        List, Map, Struct, Utf8, Utf8View,
    };
    if depth > DEEPEST || at >= array.len() || array.is_null(at) {
        return Ok(());
    }
    let give = |text: &str, walk: &mut Walk<'_>| {
        let name = Some(Arc::clone(&column.name));
        walk.text(Place::Cell { table: None, row, column: column.number, name }, text)
    };
    match array.data_type() {
        Utf8 => give(array.as_string::<i32>().value(at), walk),
        LargeUtf8 => give(array.as_string::<i64>().value(at), walk),
        Utf8View => give(array.as_string_view().value(at), walk),
        Binary => give(as_text(array.as_binary::<i32>().value(at)), walk),
        LargeBinary => give(as_text(array.as_binary::<i64>().value(at)), walk),
        BinaryView => give(as_text(array.as_binary_view().value(at)), walk),
        FixedSizeBinary(_) => give(as_text(array.as_fixed_size_binary().value(at)), walk),
        Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let key = number(dictionary.keys(), at).and_then(|key| key.parse::<usize>().ok());
            key.map_or(Ok(()), |key| value(dictionary.values().as_ref(), key, column, row, depth + 1, walk))
        }
        List(_) => values(&array.as_list::<i32>().value(at), column, row, depth, walk),
        LargeList(_) => values(&array.as_list::<i64>().value(at), column, row, depth, walk),
        FixedSizeList(..) => values(&array.as_fixed_size_list().value(at), column, row, depth, walk),
        Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().value(at));
            values(&entries, column, row, depth, walk)
        }
        Struct(fields) => {
            let parts = array.as_struct();
            for (field, part) in fields.iter().zip(parts.columns()) {
                if is_read(field.data_type()) {
                    let name = format!("{}.{}", column.name, field.name());
                    let inner = Column { name: name.into(), ..column.clone() };
                    value(part.as_ref(), at, &inner, row, depth + 1, walk)?;
                }
            }
            Ok(())
        }
        _ => number(array, at).map_or(Ok(()), |text| give(&text, walk)),
    }
}

fn values(array: &ArrayRef, column: &Column, row: u64, depth: usize, walk: &mut Walk<'_>) -> Step {
    if !is_read(array.data_type()) {
        return Ok(());
    }
    for at in 0..array.len() {
        walk.ask(8)?;
        value(array.as_ref(), at, column, row, depth + 1, walk)?;
    }
    Ok(())
}

/// Binary that is text, else nothing.
fn as_text(bytes: &[u8]) -> &str {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let is_control = |character: char| character.is_control() && !matches!(character, '\t' | '\n' | '\r');
    if text.contains(is_control) { "" } else { text }
}

fn number(array: &dyn Array, at: usize) -> Option<String> {
    use DataType::{
        Date32, Decimal128, Float32, Float64, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64,
    };
    Some(match array.data_type() {
        Int8 => array.as_primitive::<Int8Type>().value(at).to_string(),
        Int16 => array.as_primitive::<Int16Type>().value(at).to_string(),
        Int32 => array.as_primitive::<Int32Type>().value(at).to_string(),
        Int64 => array.as_primitive::<Int64Type>().value(at).to_string(),
        UInt8 => array.as_primitive::<UInt8Type>().value(at).to_string(),
        UInt16 => array.as_primitive::<UInt16Type>().value(at).to_string(),
        UInt32 => array.as_primitive::<UInt32Type>().value(at).to_string(),
        UInt64 => array.as_primitive::<UInt64Type>().value(at).to_string(),
        Float32 => array.as_primitive::<Float32Type>().value(at).to_string(),
        Float64 => array.as_primitive::<Float64Type>().value(at).to_string(),
        Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(at),
        Date32 => date(array.as_primitive::<Date32Type>().value(at)),
        _ => return None,
    })
}

/// The date that many days after 1 January 1970, in the proleptic Gregorian calendar.
fn date(days: i32) -> String {
    let (year, month, day) = castellan_base::civil_from_days(i64::from(days) + 719_162);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn days_become_dates() {
        let cases = [(0, "1970-01-01"), (-1, "1969-12-31"), (19_782, "2024-02-29"), (-719_528, "0000-01-01")];
        for (days, expected) in cases {
            assert_eq!(date(days), expected);
        }
    }
}
