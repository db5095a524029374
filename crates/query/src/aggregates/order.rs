//! Values as numbers in the order of the language.

use castellan_kql::ScalarType;
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err};

/// Whether values of a type are such numbers.
pub(super) fn is_number(scalar_type: ScalarType) -> bool {
    matches!(
        scalar_type,
        ScalarType::Bool
            | ScalarType::Int
            | ScalarType::Long
            | ScalarType::Real
            | ScalarType::DateTime
            | ScalarType::TimeSpan
    )
}

/// Values as numbers that are less when the values are. What stands for null means nothing.
///
/// Errors: an array of another type.
pub(super) fn numbers(array: &ArrayRef, scalar_type: ScalarType) -> Result<Vec<i64>> {
    let wrong = || exec_datafusion_err!("{scalar_type} is not read from {}", array.data_type());
    Ok(match scalar_type {
        ScalarType::Bool => {
            let flags = array.as_boolean_opt().ok_or_else(wrong)?;
            flags.values().iter().map(i64::from).collect()
        }
        ScalarType::Int => {
            let numbers = array.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?;
            numbers.values().iter().map(|number| i64::from(*number)).collect()
        }
        ScalarType::Real => {
            let numbers = array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
            numbers.values().iter().map(|number| of_real(*number)).collect()
        }
        _ => array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.values().to_vec(),
    })
}

/// NaN comes before all other numbers, and zero has no sign.
fn of_real(number: f64) -> i64 {
    if number.is_nan() {
        return i64::MIN;
    }
    let bits = (number + 0.0).to_bits().cast_signed();
    bits ^ mirror(bits)
}

/// The number that [`numbers`] made this of.
pub(super) fn to_real(place: i64) -> f64 {
    if place == i64::MIN {
        return f64::NAN;
    }
    f64::from_bits((place ^ mirror(place)).cast_unsigned())
}

/// Negative numbers grow away from zero: all bits but the sign are turned.
fn mirror(bits: i64) -> i64 {
    if bits < 0 { i64::MAX } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reals_keep_their_order_and_come_back() {
        let sorted = [f64::NEG_INFINITY, f64::MIN, -1.5, -f64::MIN_POSITIVE, 0.0, 1e-300, 2.0, f64::INFINITY];
        for pair in sorted.windows(2) {
            assert!(of_real(f64::NAN) < of_real(pair[0]) && of_real(pair[0]) < of_real(pair[1]), "{pair:?}");
        }
        sorted.iter().for_each(|number| assert_eq!(to_real(of_real(*number)), *number));
        assert_eq!(of_real(-0.0), of_real(0.0));
        assert!(to_real(of_real(f64::NAN)).is_nan());
    }
}
