//! Points at equal distances, and series over them.

use indexmap::IndexMap;

use super::{Result, Row, Run, failure};
use crate::plan::Series;
use crate::value::{Dynamic, Key, Value};

/// The most points of a range or a series.
const MOST_POINTS: usize = 10_000_000;

/// The most bins of one series. Source: Kusto documentation, "make-series operator".
const MOST_BINS: usize = 1 << 20;

/// The points from a value up to another; with `includes_end` that one too.
///
/// Errors: too many points.
pub(crate) fn points(
    from: &Value,
    to: Option<&Value>,
    step: &Value,
    includes_end: bool,
) -> Result<Vec<Value>> {
    let Some(to) = to else { return Ok(Vec::new()) };
    let whole = |value: &Value| match value {
        Value::DateTime(ticks) | Value::TimeSpan(ticks) => Some(*ticks),
        Value::Long(number) => Some(*number),
        Value::Int(number) => Some(i64::from(*number)),
        _ => None,
    };
    match (whole(from), whole(to), whole(step)) {
        (Some(start), Some(end), Some(step)) => {
            let made = whole_points(start, end, step, includes_end)?;
            Ok(made.into_iter().map(|number| like(from, number)).collect())
        }
        _ => match (from.to_f64(), to.to_f64(), step.to_f64()) {
            (Some(start), Some(end), Some(step)) => real_points(start, end, step, includes_end),
            _ => Ok(Vec::new()),
        },
    }
}

fn like(pattern: &Value, number: i64) -> Value {
    match pattern {
        Value::DateTime(_) => Value::datetime(number),
        Value::TimeSpan(_) => Value::TimeSpan(number),
        Value::Int(_) => i32::try_from(number).map_or(Value::Null, Value::Int),
        _ => Value::Long(number),
    }
}

fn whole_points(start: i64, end: i64, step: i64, includes_end: bool) -> Result<Vec<i64>> {
    let mut made = Vec::new();
    let mut next = Some(start);
    while let Some(point) = next {
        let is_past = match (step > 0, includes_end) {
            (true, true) => point > end,
            (true, false) => point >= end,
            (false, true) => point < end,
            (false, false) => point <= end,
        };
        if is_past || step == 0 {
            break;
        }
        made.push(point);
        if made.len() > MOST_POINTS {
            return Err(failure("too-many-rows", format!("there are more than {MOST_POINTS} points")));
        }
        next = point.checked_add(step);
    }
    Ok(made)
}

fn real_points(start: f64, end: f64, step: f64, includes_end: bool) -> Result<Vec<Value>> {
    let count = ((end - start) / step).floor();
    if !count.is_finite() || count < 0.0 || step == 0.0 {
        return Ok(Vec::new());
    }
    if count >= MOST_POINTS as f64 {
        return Err(failure("too-many-rows", format!("there are more than {MOST_POINTS} points")));
    }
    let point = |at: u64| start + at as f64 * step;
    let is_inside = |number: &f64| includes_end || if step > 0.0 { *number < end } else { *number > end };
    Ok((0..=count as u64).map(point).filter(is_inside).map(Value::Real).collect())
}

impl Run<'_> {
    pub(super) fn series(&self, series: &Series) -> Result<Vec<Row>> {
        let rows = self.plan(&series.input)?;
        let from = series.from.as_ref().map(|from| self.constant(from)).transpose()?;
        let to = series.to.as_ref().map(|to| self.constant(to)).transpose()?;
        let step = self.constant(&series.step)?;
        let defaults = series
            .values
            .iter()
            .map(|value| self.constant(&value.default))
            .collect::<Result<Vec<Value>>>()?;
        let shape = Shape { from, to, step, includes_end: series.includes_end, defaults };
        let series = filled(rows, series.keys, &shape)?;
        series.into_iter().map(|row| self.measured(row)).collect()
    }
}

/// What a series looks like.
pub(crate) struct Shape {
    pub(crate) from: Option<Value>,
    pub(crate) to: Option<Value>,
    pub(crate) step: Value,
    pub(crate) includes_end: bool,
    pub(crate) defaults: Vec<Value>,
}

/// A row for each group of the first columns, with an array for each value and one for the axis.
pub(crate) fn filled(rows: Vec<Row>, keys: usize, shape: &Shape) -> Result<Vec<Row>> {
    let mut groups: IndexMap<Vec<Key>, Vec<Row>> = IndexMap::new();
    for row in rows {
        groups.entry(row.iter().take(keys).map(Key::of).collect()).or_default().push(row);
    }
    if groups.is_empty() && keys == 0 {
        groups.insert(Vec::new(), Vec::new());
    }
    let mut made = 0_usize;
    let fill = |group: Vec<Row>| {
        let row = fill_group(&group, keys, shape)?;
        made = made.saturating_add(row.last().map_or(0, super::expand::length));
        if made > MOST_POINTS {
            return Err(failure("too-many-rows", format!("there are more than {MOST_POINTS} points")));
        }
        Ok(row)
    };
    groups.into_values().map(fill).collect()
}

fn fill_group(group: &[Row], keys: usize, shape: &Shape) -> Result<Row> {
    let axis = |row: &Row| row.get(keys).cloned().unwrap_or_default();
    let by_order = |left: &Value, right: &Value| super::sort::total(left, right);
    let first = shape.from.clone().or_else(|| group.iter().map(axis).min_by(by_order));
    // Without an end the series goes to the last bin that has something.
    let last = group.iter().map(axis).max_by(by_order);
    let (to, includes_end) = match &shape.to {
        Some(to) => (Some(to.clone()), shape.includes_end),
        None => (last, true),
    };
    let points = match first {
        Some(first) => points(&first, to.as_ref(), &shape.step, includes_end)?,
        None => Vec::new(),
    };
    if points.len() > MOST_BINS {
        return Err(failure("too-many-rows", format!("a series has more than {MOST_BINS} bins")));
    }
    let by_point: std::collections::HashMap<Key, &Row> =
        group.iter().map(|row| (Key::of(&axis(row)), row)).collect();
    let array = |at: usize, default: &Value| {
        let item = |point: &Value| {
            let found = by_point.get(&Key::of(point)).and_then(|row| row.get(keys + 1 + at));
            Dynamic::from_value(found.unwrap_or(default))
        };
        Value::dynamic(Dynamic::Array(points.iter().map(item).collect()))
    };
    let mut row: Row = group.first().map(|row| row.iter().take(keys).cloned().collect()).unwrap_or_default();
    row.extend(shape.defaults.iter().enumerate().map(|(at, default)| array(at, default)));
    row.push(Value::dynamic(Dynamic::Array(points.iter().map(Dynamic::from_value).collect())));
    Ok(row)
}
