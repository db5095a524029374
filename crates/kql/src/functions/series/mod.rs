//! Functions on series: arrays of numbers, item by item or as a whole. What is no number counts as missing.
//!
//! A function that gives several columns gives an array of them, in the order of its row in the registry.

mod decompose;
mod fit;
mod fourier;
mod outliers;
mod periods;
mod polynomial;

use fit::fit_line;

use super::{ScalarFunction, array, at, function, items_at, or_null};
use crate::value::{Dynamic, Value, compare};

/// The numbers of an array; `None` where there is none.
fn series_at(arguments: &[Value], position: usize) -> Option<Vec<Option<f64>>> {
    let items = items_at(arguments, position)?;
    Some(items.iter().map(number).collect())
}

fn number(item: &Dynamic) -> Option<f64> {
    match item {
        Dynamic::Long(number) => Some(*number as f64),
        Dynamic::Real(number) => Some(*number),
        Dynamic::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Dynamic::TimeSpan(ticks) | Dynamic::DateTime(ticks) => Some(*ticks as f64),
        _ => None,
    }
}

fn reals(numbers: impl IntoIterator<Item = Option<f64>>) -> Value {
    array(numbers.into_iter().map(|number| number.map_or(Dynamic::Null, Dynamic::Real)).collect())
}

/// Whole numbers stay whole where a computation allows it.
fn whole_or_real(number: f64, keep_whole: bool) -> Dynamic {
    match crate::value::whole(number) {
        Some(whole) if keep_whole && number.fract() == 0.0 => Dynamic::Long(whole),
        _ => Dynamic::Real(number),
    }
}

fn is_whole(items: &[Dynamic]) -> bool {
    items.iter().all(|item| !matches!(item, Dynamic::Real(_)))
}

/// Each item on its own.
fn each(arguments: &[Value], keeps_whole: bool, compute: fn(f64) -> f64) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let keep = keeps_whole && is_whole(&items);
    let computed =
        items.iter().map(|item| number(item).map_or(Dynamic::Null, |x| whole_or_real(compute(x), keep)));
    array(computed.collect())
}

/// Items of two series side by side; a number stands for a series of it.
fn pairs(arguments: &[Value]) -> Option<(Vec<(Dynamic, Dynamic)>, bool)> {
    let (left, right) = (items_at(arguments, 0), items_at(arguments, 1));
    let length = left.iter().chain(&right).map(Vec::len).max()?;
    let side = |items: Option<Vec<Dynamic>>, position: usize| match items {
        Some(items) => items,
        None => vec![Dynamic::from_value(&at(arguments, position).unwrapped()); length],
    };
    let (left, right) = (side(left, 0), side(right, 1));
    let whole = is_whole(&left) && is_whole(&right);
    let item = |items: &[Dynamic], index: usize| items.get(index).cloned().unwrap_or(Dynamic::Null);
    Some(((0..length).map(|index| (item(&left, index), item(&right, index))).collect(), whole))
}

fn both(arguments: &[Value], keeps_whole: bool, compute: fn(f64, f64) -> f64) -> Value {
    or_null(pairs(arguments), |(pairs, whole)| {
        let computed = pairs.iter().map(|(left, right)| match (number(left), number(right)) {
            (Some(left), Some(right)) => whole_or_real(compute(left, right), keeps_whole && whole),
            _ => Dynamic::Null,
        });
        array(computed.collect())
    })
}

fn compared(arguments: &[Value], wanted: fn(std::cmp::Ordering) -> bool) -> Value {
    or_null(pairs(arguments), |(pairs, _)| {
        let flags = pairs.iter().map(|(left, right)| match compare(&left.to_value(), &right.to_value()) {
            Some(order) => Dynamic::Bool(wanted(order)),
            None => Dynamic::Null,
        });
        array(flags.collect())
    })
}

fn known(numbers: &[Option<f64>]) -> Vec<f64> {
    numbers.iter().flatten().copied().collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// The variance of a sample.
fn variance(numbers: &[f64]) -> f64 {
    if numbers.len() < 2 {
        return 0.0;
    }
    let mean = mean(numbers);
    numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (numbers.len() - 1) as f64
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn two_known(arguments: &[Value]) -> Option<(Vec<f64>, Vec<f64>)> {
    Some((known(&series_at(arguments, 0)?), known(&series_at(arguments, 1)?)))
}

fn dot_product(arguments: &[Value]) -> Value {
    or_null(pairs(arguments), |(pairs, whole)| {
        let products = pairs.iter().filter_map(|(left, right)| Some(number(left)? * number(right)?));
        let total: f64 = products.sum();
        if whole && total.fract() == 0.0 {
            or_null(crate::value::whole(total), Value::Long)
        } else {
            Value::Real(total)
        }
    })
}

fn cosine_similarity(arguments: &[Value]) -> Value {
    or_null(two_known(arguments), |(left, right)| {
        Value::Real(dot(&left, &right) / (dot(&left, &left).sqrt() * dot(&right, &right).sqrt()))
    })
}

fn pearson(arguments: &[Value]) -> Value {
    or_null(two_known(arguments).filter(|(left, right)| left.len() == right.len()), |(left, right)| {
        let (mean_left, mean_right) = (mean(&left), mean(&right));
        let moved = |numbers: &[f64], mean: f64| numbers.iter().map(|x| x - mean).collect::<Vec<f64>>();
        let (left, right) = (moved(&left, mean_left), moved(&right, mean_right));
        Value::Real(dot(&left, &right) / (dot(&left, &left) * dot(&right, &right)).sqrt())
    })
}

fn sum(arguments: &[Value]) -> Value {
    or_null(items_at(arguments, 0), |items| Value::Real(items.iter().filter_map(number).sum()))
}

/// True for what a fill replaces: the placeholder, or null when there is none.
fn is_missing(item: &Dynamic, placeholder: &Value) -> bool {
    match placeholder {
        Value::Null => matches!(item, Dynamic::Null),
        other => {
            *item == Dynamic::from_value(other)
                || compare(&item.to_value(), other) == Some(std::cmp::Ordering::Equal)
        }
    }
}

fn fill_const(arguments: &[Value]) -> Value {
    let placeholder = at(arguments, 2).unwrapped();
    let filler = Dynamic::from_value(&at(arguments, 1).unwrapped());
    or_null(items_at(arguments, 0), |items| {
        array(
            items
                .into_iter()
                .map(|item| if is_missing(&item, &placeholder) { filler.clone() } else { item })
                .collect(),
        )
    })
}

fn fill_forward(mut items: Vec<Dynamic>, placeholder: &Value) -> Vec<Dynamic> {
    let mut last: Option<Dynamic> = None;
    for item in &mut items {
        if is_missing(item, placeholder) {
            if let Some(last) = &last {
                item.clone_from(last);
            }
        } else {
            last = Some(item.clone());
        }
    }
    items
}

fn fill_direction(arguments: &[Value], backward: bool) -> Value {
    let placeholder = at(arguments, 1).unwrapped();
    or_null(items_at(arguments, 0), |mut items| {
        if backward {
            items.reverse();
        }
        let mut filled = fill_forward(items, &placeholder);
        if backward {
            filled.reverse();
        }
        array(filled)
    })
}

/// Straight lines between known neighbours; edges take their only neighbour when `fill_edges`.
fn fill_linear(arguments: &[Value]) -> Value {
    let placeholder = at(arguments, 1).unwrapped();
    let fill_edges = arguments.get(2).and_then(Value::to_bool).unwrap_or(true);
    let constant = arguments.get(3).map_or(Dynamic::Long(0), Dynamic::from_value);
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let known: Vec<(usize, f64)> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| !is_missing(item, &placeholder))
        .filter_map(|(index, item)| Some((index, number(item)?)))
        .collect();
    if known.is_empty() {
        return array(vec![constant; items.len()]);
    }
    let filled = items.iter().enumerate().map(|(index, item)| {
        if !is_missing(item, &placeholder) {
            return number(item).map_or(Dynamic::Null, Dynamic::Real);
        }
        let before = known.iter().rev().find(|(at, _)| *at < index);
        let after = known.iter().find(|(at, _)| *at > index);
        match (before, after) {
            (Some((from, low)), Some((to, high))) => {
                let share = (index - from) as f64 / (to - from) as f64;
                Dynamic::Real(low + (high - low) * share)
            }
            (Some((_, edge)), None) | (None, Some((_, edge))) if fill_edges => Dynamic::Real(*edge),
            _ => item.clone(),
        }
    });
    array(filled.collect())
}

/// `series_fir(series, filter, normalize, center)`: a moving weighted sum.
fn fir(arguments: &[Value]) -> Value {
    let (Some(series), Some(filter)) = (series_at(arguments, 0), series_at(arguments, 1)) else {
        return Value::Null;
    };
    let (series, filter): (Vec<f64>, Vec<f64>) = (
        series.iter().map(|x| x.unwrap_or(0.0)).collect(),
        filter.iter().map(|x| x.unwrap_or(0.0)).collect(),
    );
    let total: f64 = filter.iter().sum();
    let any_negative = filter.iter().any(|weight| *weight < 0.0);
    let normalize = arguments.get(2).and_then(Value::to_bool).unwrap_or(!any_negative);
    let center = arguments.get(3).and_then(Value::to_bool).unwrap_or(false);
    let shift = if center { filter.len().saturating_sub(1) / 2 } else { 0 };
    let scale = if normalize && total != 0.0 { 1.0 / total } else { 1.0 };
    let smoothed = (0..series.len()).map(|index| {
        let weighted = filter.iter().enumerate().filter_map(|(lag, weight)| {
            let from = (index + shift).checked_sub(lag)?;
            Some(weight * series.get(from)?)
        });
        Some(weighted.sum::<f64>() * scale)
    });
    reals(smoothed.collect::<Vec<_>>())
}

/// `series_iir(series, numerators, denominators)`: a recursive filter.
fn iir(arguments: &[Value]) -> Value {
    let (Some(series), Some(b), Some(a)) =
        (series_at(arguments, 0), series_at(arguments, 1), series_at(arguments, 2))
    else {
        return Value::Null;
    };
    let (series, b, a) = (known(&series), known(&b), known(&a));
    let Some(first) = a.first().copied().filter(|first| *first != 0.0) else { return Value::Null };
    let mut output: Vec<f64> = Vec::with_capacity(series.len());
    for index in 0..series.len() {
        let term = |weights: &[f64], values: &[f64], skip: usize| -> f64 {
            let weighted = weights
                .iter()
                .enumerate()
                .skip(skip)
                .filter_map(|(lag, weight)| Some(weight * values.get(index.checked_sub(lag)?)?));
            weighted.sum()
        };
        let value = (term(&b, &series, 0) - term(&a, &output, 1)) / first;
        output.push(value);
    }
    reals(output.into_iter().map(Some))
}

fn magnitude(arguments: &[Value]) -> Value {
    or_null(series_at(arguments, 0), |series| {
        let series = known(&series);
        Value::Real(dot(&series, &series).sqrt())
    })
}

fn product(arguments: &[Value]) -> Value {
    or_null(items_at(arguments, 0), |items| Value::Real(items.iter().filter_map(number).product()))
}

/// Longest series that is analysed as a whole.
const MAX_POINTS: usize = 1 << 20;

/// The series with what is missing on straight lines between its neighbours, and at the ends as the nearest number.
fn filled(series: &[Option<f64>]) -> Vec<f64> {
    let mut filled: Vec<f64> = Vec::with_capacity(series.len());
    let mut last: Option<f64> = None;
    for (index, value) in series.iter().enumerate() {
        let Some(value) = value else { continue };
        let from = last.unwrap_or(*value);
        let steps = (index + 1 - filled.len()) as f64;
        let missing = index - filled.len();
        filled.extend((1..=missing).map(|step| from + (value - from) * step as f64 / steps));
        filled.push(*value);
        last = Some(*value);
    }
    filled.resize(series.len(), last.unwrap_or(0.0));
    filled
}

/// The families of functions on whole series.
pub(super) const FAMILIES: [&[ScalarFunction]; 6] = [
    decompose::FUNCTIONS,
    fit::FUNCTIONS,
    fourier::FUNCTIONS,
    outliers::FUNCTIONS,
    periods::FUNCTIONS,
    polynomial::FUNCTIONS,
];

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("series_abs", 1, 1, |a| each(a, true, f64::abs)),
    function("series_acos", 1, 1, |a| each(a, false, f64::acos)),
    function("series_asin", 1, 1, |a| each(a, false, f64::asin)),
    function("series_atan", 1, 1, |a| each(a, false, f64::atan)),
    function("series_ceiling", 1, 1, |a| each(a, true, f64::ceil)),
    function("series_cos", 1, 1, |a| each(a, false, f64::cos)),
    function("series_exp", 1, 1, |a| each(a, false, f64::exp)),
    function("series_floor", 1, 1, |a| each(a, true, f64::floor)),
    function("series_log", 1, 1, |a| each(a, false, f64::ln)),
    function("series_sign", 1, 1, |a| each(a, true, |x| if x == 0.0 { 0.0 } else { x.signum() })),
    function("series_sin", 1, 1, |a| each(a, false, f64::sin)),
    function("series_tan", 1, 1, |a| each(a, false, f64::tan)),
    function("series_add", 2, 2, |a| both(a, true, |left, right| left + right)),
    function("series_subtract", 2, 2, |a| both(a, true, |left, right| left - right)),
    function("series_multiply", 2, 2, |a| both(a, true, |left, right| left * right)),
    function("series_divide", 2, 2, |a| both(a, false, |left, right| left / right)),
    function("series_pow", 2, 2, |a| both(a, false, f64::powf)),
    function("series_equals", 2, 2, |a| compared(a, std::cmp::Ordering::is_eq)),
    function("series_not_equals", 2, 2, |a| compared(a, std::cmp::Ordering::is_ne)),
    function("series_greater", 2, 2, |a| compared(a, std::cmp::Ordering::is_gt)),
    function("series_greater_equals", 2, 2, |a| compared(a, std::cmp::Ordering::is_ge)),
    function("series_less", 2, 2, |a| compared(a, std::cmp::Ordering::is_lt)),
    function("series_less_equals", 2, 2, |a| compared(a, std::cmp::Ordering::is_le)),
    function("series_cosine_similarity", 2, 4, cosine_similarity),
    function("series_dot_product", 2, 2, dot_product),
    function("series_magnitude", 1, 1, magnitude),
    function("series_pearson_correlation", 2, 2, pearson),
    function("series_product", 1, 1, product),
    function("series_sum", 1, 1, sum),
    function("series_fill_backward", 1, 2, |a| fill_direction(a, true)),
    function("series_fill_const", 2, 3, fill_const),
    function("series_fill_forward", 1, 2, |a| fill_direction(a, false)),
    function("series_fill_linear", 1, 4, fill_linear),
    function("series_fir", 2, 4, fir),
    function("series_iir", 3, 3, iir),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_filled_on_lines() {
        let series = [None, Some(2.0), None, None, Some(8.0), None];
        assert_eq!(filled(&series), [2.0, 2.0, 4.0, 6.0, 8.0, 8.0]);
        assert_eq!(filled(&[None, None]), [0.0, 0.0]);
    }
}
