//! Arrays.

use super::{
    MANY, MAX_ITEMS, MAX_NESTING, ScalarFunction, array, at, boolean, function, items_at, long_at, or_null,
};
use crate::value::{Dynamic, TICKS_PER_SECOND, Value, compare};

fn length(items: &[Dynamic]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// A position from the start; negative ones count from the end.
fn position(at: i64, length: i64) -> i64 {
    if at < 0 { at.saturating_add(length) } else { at }
}

/// Both ends are included.
fn slice(arguments: &[Value]) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let (Some(start), Some(end)) = (long_at(arguments, 1), long_at(arguments, 2)) else { return Value::Null };
    let count = length(&items);
    let start = usize::try_from(position(start, count).clamp(0, count)).unwrap_or(0);
    let end = usize::try_from(position(end, count).saturating_add(1).clamp(0, count)).unwrap_or(0);
    array(items.get(start..end).unwrap_or_default().to_vec())
}

/// Splits before each of the positions.
fn split(arguments: &[Value]) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let count = length(&items);
    let mut cuts: Vec<i64> = match items_at(arguments, 1) {
        Some(cuts) => cuts.iter().filter_map(|cut| cut.to_value().to_i64()).collect(),
        None => long_at(arguments, 1).into_iter().collect(),
    };
    cuts = cuts.into_iter().map(|cut| position(cut, count).clamp(0, count)).collect();
    cuts.push(count);
    let (mut parts, mut start) = (Vec::new(), 0);
    for cut in cuts {
        let end = cut.max(start);
        let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0);
        parts.push(Dynamic::Array(items.get(range).unwrap_or_default().to_vec()));
        start = end;
    }
    array(parts)
}

fn concat(arguments: &[Value]) -> Value {
    let mut all = Vec::new();
    for index in 0..arguments.len() {
        match at(arguments, index) {
            Value::Dynamic(dynamic) => match dynamic.as_array() {
                Some(items) => all.extend(items.iter().cloned()),
                None => all.push((**dynamic).clone()),
            },
            Value::Null => {}
            other => all.push(Dynamic::from_value(other)),
        }
        if all.len() > MAX_ITEMS {
            return Value::Null;
        }
    }
    array(all)
}

fn index_of(arguments: &[Value]) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let wanted = at(arguments, 1).unwrapped();
    let count = length(&items);
    let start = position(long_at(arguments, 2).unwrap_or(0), count).max(0);
    let end = long_at(arguments, 3)
        .filter(|wanted| *wanted >= 0)
        .map_or(count, |wanted| start.saturating_add(wanted).min(count));
    let nth = usize::try_from(long_at(arguments, 4).unwrap_or(1).max(1) - 1).unwrap_or(0);
    let is_wanted = |item: &Dynamic| match (item, &wanted) {
        (Dynamic::Null, Value::Null) => true,
        (Dynamic::String(text), Value::String(wanted)) => text == wanted,
        (Dynamic::String(_), _) | (_, Value::String(_)) => false,
        (item, wanted) => match wanted {
            Value::Dynamic(wanted) => **wanted == *item,
            _ => compare(&item.to_value(), wanted) == Some(std::cmp::Ordering::Equal),
        },
    };
    let range = usize::try_from(start).unwrap_or(0)..usize::try_from(end.max(start)).unwrap_or(0);
    let hits = items.iter().enumerate().take(range.end).skip(range.start).filter(|(_, item)| is_wanted(item));
    hits.map(|(at, _)| at).nth(nth).map_or(Value::Long(-1), |at| Value::Long(i64::try_from(at).unwrap_or(-1)))
}

fn sum(arguments: &[Value]) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let mut total = 0.0;
    for item in &items {
        match item.to_value() {
            Value::Null => {}
            Value::Long(number) => total += number as f64,
            Value::Bool(flag) => total += f64::from(u8::from(flag)),
            Value::Real(number) => total += number,
            _ => return Value::Null,
        }
    }
    Value::Real(total)
}

/// Positions `count` later; what comes in is `fill`.
fn shifted(arguments: &[Value], left: bool, rotate: bool) -> Value {
    let Some(items) = items_at(arguments, 0) else { return Value::Null };
    let Some(count) = long_at(arguments, 1) else { return Value::Null };
    let size = length(&items);
    if size == 0 {
        return array(items);
    }
    let count = if left { count } else { count.saturating_neg() };
    let fill = match arguments.get(2) {
        Some(value) => Dynamic::from_value(value),
        None if items.iter().any(|item| matches!(item, Dynamic::String(_))) => Dynamic::String("".into()),
        None => Dynamic::Null,
    };
    let moved = (0..size).map(|at| {
        let from = at.saturating_add(count);
        let from = if rotate { from.rem_euclid(size) } else { from };
        usize::try_from(from).ok().and_then(|from| items.get(from)).cloned().unwrap_or_else(|| fill.clone())
    });
    array(moved.collect())
}

/// Sorts the first array and takes the others along; nulls come last unless told otherwise.
fn sort(arguments: &[Value], descending: bool) -> Value {
    let nulls_last = match arguments.last() {
        Some(Value::Bool(flag)) => *flag,
        _ => true,
    };
    let arrays: Vec<Vec<Dynamic>> =
        (0..arguments.len()).filter_map(|index| items_at(arguments, index)).collect();
    let Some(first) = arrays.first() else { return Value::Null };
    let mut order: Vec<usize> = (0..first.len()).collect();
    let key = |index: usize| first.get(index).map_or(Value::Null, Dynamic::to_value);
    order.sort_by(|left, right| {
        let (left, right) = (key(*left), key(*right));
        match (left.is_null(), right.is_null()) {
            (true, true) => std::cmp::Ordering::Equal,
            (true, false) => {
                if nulls_last {
                    std::cmp::Ordering::Greater
                } else {
                    std::cmp::Ordering::Less
                }
            }
            (false, true) => {
                if nulls_last {
                    std::cmp::Ordering::Less
                } else {
                    std::cmp::Ordering::Greater
                }
            }
            (false, false) => {
                let ordering = compare(&left, &right).unwrap_or(std::cmp::Ordering::Equal);
                if descending { ordering.reverse() } else { ordering }
            }
        }
    });
    let sorted = |items: &Vec<Dynamic>| {
        if items.len() != first.len() {
            return Dynamic::Null;
        }
        Dynamic::Array(order.iter().filter_map(|index| items.get(*index).cloned()).collect())
    };
    let mut all: Vec<Dynamic> = arrays.iter().map(sorted).collect();
    if all.len() == 1 { Value::dynamic(all.remove(0)) } else { array(all) }
}

/// Items that are in order of their first appearance and differ.
fn distinct(items: impl Iterator<Item = Dynamic>) -> Vec<Dynamic> {
    let mut seen = std::collections::HashSet::new();
    items.filter(|item| seen.insert((item.type_name(), item.to_string()))).collect()
}

fn set_operation(arguments: &[Value], keep: fn(&Dynamic, &[Vec<Dynamic>]) -> bool) -> Value {
    let arrays: Vec<Vec<Dynamic>> =
        (0..arguments.len()).filter_map(|index| items_at(arguments, index)).collect();
    match arrays.split_first() {
        Some((first, rest)) => array(distinct(first.iter().filter(|item| keep(item, rest)).cloned())),
        None => Value::Null,
    }
}

fn union(arguments: &[Value]) -> Value {
    let arrays = (0..arguments.len()).filter_map(|index| items_at(arguments, index));
    array(distinct(arrays.flatten()))
}

fn has_element(arguments: &[Value]) -> Value {
    match items_at(arguments, 0) {
        Some(items) => {
            let wanted = Dynamic::from_value(at(arguments, 1));
            boolean(items.contains(&wanted))
        }
        None => Value::Null,
    }
}

fn jaccard(arguments: &[Value]) -> Value {
    let (Some(left), Some(right)) = (items_at(arguments, 0), items_at(arguments, 1)) else {
        return Value::Null;
    };
    let (left, right) = (distinct(left.into_iter()), distinct(right.into_iter()));
    let common = left.iter().filter(|item| right.contains(item)).count();
    Value::Real(common as f64 / (left.len() + right.len() - common) as f64)
}

/// `range(start, stop, step)`, both ends included.
fn range(arguments: &[Value]) -> Value {
    let (start, stop) = (at(arguments, 0).unwrapped(), at(arguments, 1).unwrapped());
    let is_time = matches!(start, Value::DateTime(_) | Value::TimeSpan(_));
    let default = if is_time { Value::TimeSpan(3600 * TICKS_PER_SECOND) } else { Value::Long(1) };
    let step = arguments.get(2).map_or(default, Value::unwrapped);
    let mut items = Vec::new();
    if is_time
        || !matches!(
            (&start, &stop, &step),
            (Value::Real(_), ..) | (_, Value::Real(_), _) | (.., Value::Real(_))
        )
    {
        let (Some(first), Some(last), Some(step)) = (start.to_i64(), stop.to_i64(), step.to_i64()) else {
            return Value::Null;
        };
        let mut here = first;
        while step != 0 && (step > 0 && here <= last || step < 0 && here >= last) {
            items.push(match start {
                Value::DateTime(_) => Dynamic::DateTime(here),
                Value::TimeSpan(_) => Dynamic::TimeSpan(here),
                _ => Dynamic::Long(here),
            });
            let Some(next) = here.checked_add(step) else { break };
            here = next;
            if items.len() >= MAX_RANGE {
                break;
            }
        }
        return array(items);
    }
    let (Some(first), Some(last), Some(step)) = (start.to_f64(), stop.to_f64(), step.to_f64()) else {
        return Value::Null;
    };
    let count = ((last - first) / step).floor();
    if !(0.0..MAX_RANGE as f64).contains(&count) {
        return if count < 0.0 { array(items) } else { Value::Null };
    }
    let count = crate::value::whole(count).unwrap_or(0);
    array((0..=count).map(|number| Dynamic::Real(first + number as f64 * step)).collect())
}

/// Kusto's own limit on the size of `range()`.
const MAX_RANGE: usize = 1_048_576;

fn repeat(arguments: &[Value]) -> Value {
    let count = long_at(arguments, 1)
        .and_then(|count| usize::try_from(count).ok())
        .filter(|count| *count <= MAX_RANGE);
    let item = Dynamic::from_value(at(arguments, 0));
    let fits = |count: &usize| item.spend(&mut (MAX_ITEMS / (*count).max(1)), MAX_NESTING);
    or_null(count.filter(fits), |count| array(vec![item.clone(); count]))
}

fn zip(arguments: &[Value]) -> Value {
    let arrays: Vec<Vec<Dynamic>> =
        (0..arguments.len()).map(|index| items_at(arguments, index).unwrap_or_default()).collect();
    let longest = arrays.iter().map(Vec::len).max().unwrap_or(0);
    let row = |index: usize| {
        Dynamic::Array(
            arrays.iter().map(|items| items.get(index).cloned().unwrap_or(Dynamic::Null)).collect(),
        )
    };
    array((0..longest).map(row).collect())
}

/// `array_iff(conditions, when_true, when_false)`
fn choose(arguments: &[Value]) -> Value {
    let Some(conditions) = items_at(arguments, 0) else { return Value::Null };
    let pick = |position: usize, index: usize| match items_at(arguments, position) {
        Some(items) => items.get(index).cloned().unwrap_or(Dynamic::Null),
        None => Dynamic::from_value(at(arguments, position)),
    };
    let chosen =
        conditions.iter().enumerate().map(|(index, condition)| match condition.to_value().to_bool() {
            Some(true) => pick(1, index),
            Some(false) => pick(2, index),
            None => Dynamic::Null,
        });
    array(chosen.collect())
}

pub(super) const FUNCTIONS: &[ScalarFunction] = &[
    function("array_length", 1, 1, |a| or_null(items_at(a, 0), |items| Value::Long(length(&items)))),
    function("arraylength", 1, 1, |a| or_null(items_at(a, 0), |items| Value::Long(length(&items)))),
    function("array_concat", 1, MANY, concat),
    function("array_iff", 3, 3, choose),
    function("array_iif", 3, 3, choose),
    function("array_index_of", 2, 5, index_of),
    function("array_reverse", 1, 1, |a| {
        or_null(items_at(a, 0), |items| array(items.into_iter().rev().collect()))
    }),
    function("array_rotate_left", 2, 2, |a| shifted(a, true, true)),
    function("array_rotate_right", 2, 2, |a| shifted(a, false, true)),
    function("array_shift_left", 2, 3, |a| shifted(a, true, false)),
    function("array_shift_right", 2, 3, |a| shifted(a, false, false)),
    function("array_slice", 3, 3, slice),
    function("array_split", 2, 2, split),
    function("array_sort_asc", 1, MANY, |a| sort(a, false)),
    function("array_sort_desc", 1, MANY, |a| sort(a, true)),
    function("array_sum", 1, 1, sum),
    function("jaccard_index", 2, 2, jaccard),
    function("pack_array", 1, MANY, |a| array(a.iter().map(Dynamic::from_value).collect())),
    function("range", 2, 3, range),
    function("repeat", 2, 2, repeat),
    function("set_difference", 2, MANY, |a| {
        set_operation(a, |item, rest| !rest.iter().any(|other| other.contains(item)))
    }),
    function("set_has_element", 2, 2, has_element),
    function("set_intersect", 2, MANY, |a| {
        set_operation(a, |item, rest| rest.iter().all(|other| other.contains(item)))
    }),
    function("set_union", 2, MANY, union),
    function("zip", 2, 16, zip),
];
