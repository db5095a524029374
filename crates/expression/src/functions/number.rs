//! Whole numbers of 64 bits; overflow is an error.

use castellan_base::Value;

use super::{Call, Function, FunctionError, rows};

pub(super) static FUNCTIONS: &[Function] = rows! { "number":
    "add" 2 2 Shallow add, "add(a, b)", "The sum.";
    "div" 2 2 Shallow div, "div(a, b)", "The whole quotient.";
    "float" 1 1 Shallow float, "float(value)", "A floating-point number.";
    "int" 1 1 Shallow int, "int(value)", "A whole number from a string or a number.";
    "mod" 2 2 Shallow modulo, "mod(a, b)", "The remainder.";
    "mul" 2 2 Shallow mul, "mul(a, b)", "The product.";
    "sub" 2 2 Shallow sub, "sub(a, b)", "The difference.";
};

fn apply(call: &Call<'_>, operation: fn(i64, i64) -> Option<i64>) -> Result<Value, FunctionError> {
    let result = operation(call.int(0)?, call.int(1)?);
    result.map(Value::Int).ok_or_else(|| FunctionError::new("division by zero, or a number beyond 64 bits"))
}

fn add(call: &Call<'_>) -> Result<Value, FunctionError> {
    apply(call, i64::checked_add)
}

fn div(call: &Call<'_>) -> Result<Value, FunctionError> {
    apply(call, i64::checked_div)
}

fn modulo(call: &Call<'_>) -> Result<Value, FunctionError> {
    apply(call, i64::checked_rem)
}

fn mul(call: &Call<'_>) -> Result<Value, FunctionError> {
    apply(call, i64::checked_mul)
}

fn sub(call: &Call<'_>) -> Result<Value, FunctionError> {
    apply(call, i64::checked_sub)
}

fn float(call: &Call<'_>) -> Result<Value, FunctionError> {
    let value = call.arg(0)?;
    let parsed = value.as_str().and_then(|text| text.trim().parse::<f64>().ok());
    let number = value.as_f64().or(parsed).filter(|number| number.is_finite());
    number.map(Value::Float).ok_or_else(|| call.wrong(0, "a number"))
}

fn int(call: &Call<'_>) -> Result<Value, FunctionError> {
    let whole = match &call.arg(0)?.value {
        Value::Int(number) => Some(*number),
        Value::String(text) => text.trim().parse().ok(),
        // Truncates towards zero, as the cast in .NET does; `as` saturates at the ends.
        #[allow(clippy::cast_possible_truncation)]
        Value::Float(number) if number.is_finite() => Some(*number as i64),
        _ => None,
    };
    whole.map(Value::Int).ok_or_else(|| call.wrong(0, "a whole number"))
}
