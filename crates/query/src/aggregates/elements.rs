//! Values as numbers that say which of them are the same.

use std::sync::Arc;

use castellan_kql::value::Dynamic;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

use super::buckets::lists;
use super::hashes::Hashes;
use super::places::{Places, Same, present};
use crate::physical::dynamic;

/// The elements of sets.
#[derive(Debug)]
pub(super) enum Elements {
    /// bool, int, long, datetime, timespan: the number itself.
    Whole(ScalarType),
    /// real: its bits.
    Real,
    /// string
    Text(Places),
    /// guid
    Guid(Places),
    /// dynamic
    Dynamic(Same),
    /// string, where a hash stands for each.
    Hashed(Hashes),
}

/// Whether there are elements of a type.
pub(super) fn has_elements(scalar_type: ScalarType) -> bool {
    // Decimals may lie in arrays with more digits than they need.
    scalar_type != ScalarType::Decimal
}

/// The type in which elements are handed on.
pub(super) fn state_type(scalar_type: ScalarType) -> DataType {
    match scalar_type {
        ScalarType::String | ScalarType::Dynamic | ScalarType::Decimal => DataType::Utf8View,
        ScalarType::Guid => DataType::BinaryView,
        _ => DataType::Int64,
    }
}

/// What is handed on of rows that are groups of their own: lists of one element, where arrays have the form of that.
///
/// Errors: none for arrays of the type.
pub(super) fn elements_alone(scalar_type: ScalarType, array: &ArrayRef) -> Result<Option<Vec<ArrayRef>>> {
    let array = if scalar_type == ScalarType::String { present(array) } else { Arc::clone(array) };
    if *array.data_type() != state_type(scalar_type) {
        return Ok(None);
    }
    let starts: Vec<usize> = (0..=array.len()).collect();
    Ok(Some(vec![lists(array, &starts)?]))
}

impl Elements {
    pub(super) fn new(scalar_type: ScalarType) -> Elements {
        match scalar_type {
            ScalarType::Real => Elements::Real,
            ScalarType::String => Elements::Text(Places::of_texts()),
            ScalarType::Guid => Elements::Guid(Places::of_bytes()),
            ScalarType::Dynamic | ScalarType::Decimal => Elements::Dynamic(Same::new()),
            whole => Elements::Whole(whole),
        }
    }

    /// Texts for each of which its hash stands.
    pub(super) fn hashed() -> Elements {
        Elements::Hashed(Hashes::default())
    }

    /// The elements of an array; none for null.
    ///
    /// Errors: an array of another type.
    pub(super) fn of(&mut self, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
        match self {
            Elements::Whole(scalar_type) => wholes(array, *scalar_type),
            Elements::Real => {
                let numbers = array.as_primitive_opt::<Float64Type>().ok_or_else(|| wrong(array))?;
                // Processors make NaN with a sign and without.
                let same = |number: f64| if number.is_nan() { f64::NAN } else { number };
                Ok(numbers.iter().map(|number| number.map(|number| same(number).to_bits())).collect())
            }
            Elements::Text(places) => places.of(&present(array)),
            Elements::Guid(places) => places.of(&cast(array, &DataType::BinaryView)?),
            Elements::Dynamic(same) => same.of(array),
            Elements::Hashed(hashes) => hashes.of_texts(array),
        }
    }

    /// The elements of an array that [`Elements::into_array`] made.
    ///
    /// Errors: an array of another type.
    pub(super) fn of_state(&mut self, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
        match self {
            Elements::Whole(_) | Elements::Real => wholes(array, ScalarType::Long),
            Elements::Text(places) | Elements::Guid(places) => places.of(array),
            Elements::Dynamic(same) => same.of(array),
            Elements::Hashed(hashes) => hashes.of_hashes(array),
        }
    }

    /// One element for all that are the same value.
    pub(super) fn key(&self, element: u64) -> u64 {
        match self {
            // Zero has two signs.
            Elements::Real if f64::from_bits(element) == 0.0 => 0,
            Elements::Dynamic(same) => same.first(element).unwrap_or(element),
            _ => element,
        }
    }

    /// Elements for other stages.
    ///
    /// Errors: elements that this did not give.
    pub(super) fn into_array(self, elements: Vec<u64>) -> Result<ArrayRef> {
        match self {
            Elements::Whole(_) | Elements::Real => {
                let numbers: Vec<i64> = elements.into_iter().map(u64::cast_signed).collect();
                Ok(Arc::new(Int64Array::from(numbers)))
            }
            Elements::Text(places) | Elements::Guid(places) => places.taken(elements),
            Elements::Dynamic(same) => same.into_texts().taken(elements),
            Elements::Hashed(hashes) => Ok(hashes.taken(&elements)),
        }
    }

    /// Elements as they stand inside of dynamic values.
    pub(super) fn into_texts(self) -> Texts {
        match self {
            Elements::Whole(scalar_type) => Texts::Whole(scalar_type),
            Elements::Real => Texts::Real,
            Elements::Text(places) => Texts::known(places, |bytes, out| dynamic::quote(&text(bytes), out)),
            Elements::Guid(places) => Texts::known(places, |bytes, out| {
                let guid = <[u8; 16]>::try_from(bytes).map_or(0, u128::from_be_bytes);
                dynamic::write(&Dynamic::Guid(guid), out);
            }),
            // Only counted: the texts are gone.
            Elements::Hashed(_) => Texts::Whole(ScalarType::Long),
            Elements::Dynamic(same) => {
                Texts::known(same.into_texts(), |bytes, out| match dynamic::decode(&text(bytes)) {
                    Value::Dynamic(value) => dynamic::write(&value, out),
                    _ => out.push_str("null"),
                })
            }
        }
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        match self {
            Elements::Whole(_) | Elements::Real => 0,
            Elements::Text(places) | Elements::Guid(places) => places.size(),
            Elements::Dynamic(same) => same.size(),
            Elements::Hashed(hashes) => hashes.size(),
        }
    }
}

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

fn wrong(array: &ArrayRef) -> DataFusionError {
    exec_datafusion_err!("no elements are read from {}", array.data_type())
}

fn wholes(array: &ArrayRef, scalar_type: ScalarType) -> Result<Vec<Option<u64>>> {
    Ok(match scalar_type {
        ScalarType::Bool => {
            let flags = array.as_boolean_opt().ok_or_else(|| wrong(array))?;
            flags.iter().map(|flag| flag.map(u64::from)).collect()
        }
        ScalarType::Int => {
            let numbers = array.as_primitive_opt::<Int32Type>().ok_or_else(|| wrong(array))?;
            numbers.iter().map(|number| number.map(|number| i64::from(number).cast_unsigned())).collect()
        }
        _ => {
            let numbers = array.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(array))?;
            numbers.iter().map(|number| number.map(i64::cast_unsigned)).collect()
        }
    })
}

/// How elements stand inside of dynamic values.
#[derive(Debug)]
pub(super) enum Texts {
    /// Written when asked for.
    Whole(ScalarType),
    /// The same.
    Real,
    /// All written at once: where each ends.
    Known(String, Vec<usize>),
}

impl Texts {
    fn known(places: Places, write: impl Fn(&[u8], &mut String)) -> Texts {
        let (mut all, mut ends) = (String::new(), Vec::with_capacity(places.len()));
        let values = places.into_values();
        let mut add = |bytes: Option<&[u8]>| {
            write(bytes.unwrap_or_default(), &mut all);
            ends.push(all.len());
        };
        match values.as_string_view_opt() {
            Some(texts) => texts.iter().for_each(|text| add(text.map(str::as_bytes))),
            None => values.as_binary_view().iter().for_each(add),
        }
        Texts::Known(all, ends)
    }

    /// Appends an element.
    pub(super) fn write(&self, element: u64, out: &mut String) {
        let number = element.cast_signed();
        match self {
            Texts::Whole(ScalarType::Bool) => dynamic::write(&Dynamic::Bool(number != 0), out),
            Texts::Whole(ScalarType::DateTime) => dynamic::write(&Dynamic::DateTime(number), out),
            Texts::Whole(ScalarType::TimeSpan) => dynamic::write(&Dynamic::TimeSpan(number), out),
            Texts::Whole(_) => dynamic::write(&Dynamic::Long(number), out),
            Texts::Real => dynamic::write(&Dynamic::Real(f64::from_bits(element)), out),
            Texts::Known(all, ends) => {
                let at = usize::try_from(element).unwrap_or(usize::MAX);
                let start = at.checked_sub(1).and_then(|before| ends.get(before).copied()).unwrap_or(0);
                let end = ends.get(at).copied().unwrap_or(start);
                out.push_str(all.get(start..end).unwrap_or_default());
            }
        }
    }
}
