//! `diffpatterns`: patterns that cover much of one set of rows and little of another.
//!
//! Of patterns of which one has all the values of the other, only the one with the greater difference comes out.

use super::super::{Call, long};
use super::mine::Search;
use super::{Data, Pattern, Scale, Weights, count, percent, threshold, wildcards};
use crate::interpret::{Result, Row};
use crate::value::Value;

/// The most values that are chosen for a pattern where nothing is said: with no limit every further column would double
/// the work.
const DIMENSIONS: usize = 5;

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: &[Row]) -> Result<Vec<Row>> {
    let (threshold, scale, split) = (threshold(call)?, Scale::of(call)?, call.required("split")?);
    let text = |name: &str| -> Result<String> { Ok(call.constant(name)?.unwrap_or_default().to_text()) };
    let (left, right) = (text("value_a")?, text("value_b")?);
    let side = |row: &Row| -> Option<Weights> {
        let weight = scale.weigh(call, row)?;
        let value = call.run.value(&split, row).to_text();
        match (value == left, value == right) {
            (true, _) => Some([weight, 0.0]),
            (_, true) => Some([0.0, weight]),
            _ => None,
        }
    };
    let is_frequent = |[left, right]: Weights, [all_left, all_right]: Weights| {
        (left > 0.0 && left >= threshold * all_left) || (right > 0.0 && right >= threshold * all_right)
    };
    let split = call.column("split");
    let data = Data::of(call, rows, &[scale.column, split], side, is_frequent)?;
    let dimensions = call.whole("dimensions")?.unwrap_or(DIMENSIONS);
    let search = Search { run: call.run, data: &data, dimensions };
    let difference = |pattern: &Pattern| {
        let [left, right] = data.shares(pattern.weights);
        (left - right).abs()
    };
    let mut patterns = search.patterns(&|weights| is_frequent(weights, data.totals))?;
    patterns.retain(|pattern| difference(pattern) >= threshold);
    patterns.sort_by(|a, b| difference(b).total_cmp(&difference(a)).then(a.size().cmp(&b.size())));
    let mut kept: Vec<&Pattern> = Vec::new();
    for pattern in &patterns {
        call.run.count(kept.len() / 8 + 1)?;
        if !kept.iter().any(|other| other.includes(pattern) || pattern.includes(other)) {
            kept.push(pattern);
        }
    }
    let wildcards = wildcards(call)?;
    let row = |(number, pattern): (usize, &&Pattern)| -> Row {
        let ([left, right], [left_share, right_share]) = (pattern.weights, data.shares(pattern.weights));
        let (left_share, right_share) = (percent(left_share, 2), percent(right_share, 2));
        let apart = percent((left_share - right_share).abs() / 100.0, 2);
        let mut row = vec![long(number), count(left), count(right)];
        row.extend([left_share, right_share, apart].map(Value::Real));
        let values = data.row(pattern, &call.input.columns, &wildcards).into_iter().enumerate();
        row.extend(values.filter(|(at, _)| Some(*at) != split).map(|(_, value)| value));
        row
    };
    Ok(kept.iter().enumerate().map(row).collect())
}
