//! Comparison and booleans.

use std::cmp::Ordering;

use castellan_base::Value;

use super::{Call, Function, FunctionError, rows, same};

pub(super) static FUNCTIONS: &[Function] = rows! { "logic":
    "bool" 1 1 Shallow boolean, "bool(value)", "A boolean from `true`, `false`, 0 or 1.";
    "equals" 2 2 Deep equals, "equals(a, b)", "Deep equality; strings with their case.";
    "false" 0 0 Shallow no, "false()", "False.";
    "greater" 2 2 Deep greater, "greater(a, b)", "Whether the first number or string is greater.";
    "greaterOrEquals" 2 2 Deep greater_or_equals, "greaterOrEquals(a, b)", "Whether the first is greater or equal.";
    "less" 2 2 Deep less, "less(a, b)", "Whether the first number or string is less.";
    "lessOrEquals" 2 2 Deep less_or_equals, "lessOrEquals(a, b)", "Whether the first is less or equal.";
    "not" 1 1 Shallow not, "not(a)", "The opposite.";
    "true" 0 0 Shallow yes, "true()", "True.";
    "xor" 2 any Shallow xor, "xor(a, b, ...)", "True when an odd number of arguments is.";
};

fn boolean(call: &Call<'_>) -> Result<Value, FunctionError> {
    match &call.arg(0)?.value {
        Value::Bool(flag) => Ok(Value::Bool(*flag)),
        Value::Int(number) => Ok(Value::Bool(*number != 0)),
        Value::String(text) if text.eq_ignore_ascii_case("true") || &**text == "1" => Ok(Value::Bool(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") || &**text == "0" => Ok(Value::Bool(false)),
        _ => Err(call.wrong(0, "`true` or `false`")),
    }
}

fn equals(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(same(call.arg(0)?, call.arg(1)?)))
}

fn no(_: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(false))
}

fn yes(_: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(true))
}

fn order(call: &Call<'_>) -> Result<Ordering, FunctionError> {
    let (left, right) = (call.arg(0)?, call.arg(1)?);
    let order = match (&left.value, &right.value) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => left.as_f64().zip(right.as_f64()).and_then(|(left, right)| left.partial_cmp(&right)),
    };
    order.ok_or_else(|| call.wrong(1, "of the same kind as the first, a number or a string"))
}

fn greater(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(order(call)?.is_gt()))
}

fn greater_or_equals(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(order(call)?.is_ge()))
}

fn less(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(order(call)?.is_lt()))
}

fn less_or_equals(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(order(call)?.is_le()))
}

fn flag(call: &Call<'_>, index: usize) -> Result<bool, FunctionError> {
    call.arg(index)?.as_bool().ok_or_else(|| call.wrong(index, "a boolean"))
}

fn not(call: &Call<'_>) -> Result<Value, FunctionError> {
    Ok(Value::Bool(!flag(call, 0)?))
}

fn xor(call: &Call<'_>) -> Result<Value, FunctionError> {
    let mut odd = false;
    for index in 0..call.args.len() {
        odd ^= flag(call, index)?;
    }
    Ok(Value::Bool(odd))
}
