//! `basket`: all patterns that cover a share of the rows, the largest first.

use super::super::{Call, long};
use super::mine::Search;
use super::{Data, Scale, count, percent, threshold, wildcards};
use crate::interpret::{Result, Row};
use crate::value::Value;

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: &[Row]) -> Result<Vec<Row>> {
    let (threshold, scale) = (threshold(call)?, Scale::of(call)?);
    let side = |row: &Row| scale.weigh(call, row).map(|weight| [weight, 0.0]);
    let is_frequent = |part: f64, all: f64| part >= threshold * all;
    let data = Data::of(call, rows, &[scale.column], side, |[part, _], [all, _]| is_frequent(part, all))?;
    let dimensions = call.whole("dimensions")?.unwrap_or(5);
    let [total, _] = data.totals;
    let search = Search { run: call.run, data: &data, dimensions };
    let mut patterns = search.patterns(&|[part, _]| is_frequent(part, total))?;
    patterns.sort_by(|left, right| {
        let ([left_weight, _], [right_weight, _]) = (left.weights, right.weights);
        right_weight.total_cmp(&left_weight).then(right.size().cmp(&left.size()))
    });
    let wildcards = wildcards(call)?;
    let row = |(number, pattern): (usize, &super::Pattern)| -> Row {
        let [weight, _] = pattern.weights;
        let [share, _] = data.shares(pattern.weights);
        let mut row = vec![long(number), count(weight), Value::Real(percent(share, 1))];
        row.extend(data.row(pattern, &call.input.columns, &wildcards));
        row
    };
    Ok(patterns.iter().enumerate().map(row).collect())
}
