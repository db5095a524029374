//! `autocluster`: a few patterns that together cover much of the rows.
//!
//! From each of the most frequent values a pattern grows by the value that makes it best, as long as one does: a pattern
//! is good when it covers many rows and says much of them, in the balance that the call asks for. The best come out, as
//! far as they cover rows that those before them do not. The idea of seeds that expand is that of the paper which the
//! documentation names (Lin, Kejariwal, et al.: "Algorithms for telemetry data mining using discrete attributes").

use std::collections::HashSet;

use super::super::{Call, long};
use super::{Data, Pattern, Scale, count, percent, wildcards};
use crate::interpret::{Result, Row};
use crate::value::Value;

/// The share of the rows that a value has to have.
const LEAST_SHARE: f64 = 0.01;
/// How much of the rows of a pattern may be covered already.
const MOST_COVERED: f64 = 0.5;

/// Patterns grow here.
struct Growth<'g, 'c, 'r> {
    call: &'g Call<'c, 'r>,
    data: &'g Data,
    /// How much covering many rows counts against saying much of them, 0 to 1.
    size_weight: f64,
}

impl Growth<'_, '_, '_> {
    fn score(&self, pattern: &Pattern) -> f64 {
        let [cover, _] = self.data.shares(pattern.weights);
        let says = pattern.size() as f64 / self.data.columns.len().max(1) as f64;
        cover.powf(self.size_weight) * says.powf(1.0 - self.size_weight)
    }

    fn grown(&self, seed: Vec<usize>) -> Result<Pattern> {
        let mut pattern = self.data.closed(seed);
        loop {
            self.call.run.count(pattern.rows.len().saturating_mul(self.data.columns.len()) + 1)?;
            let longer = self.data.extensions(&pattern).into_iter().filter(|rows| !rows.is_empty());
            let longer = longer.map(|rows| self.data.closed(rows));
            let best = longer.max_by(|left, right| self.score(left).total_cmp(&self.score(right)));
            match best {
                Some(best) if self.score(&best) > self.score(&pattern) => pattern = best,
                _ => return Ok(pattern),
            }
        }
    }
}

pub(in super::super) fn rows(call: &Call<'_, '_>, rows: &[Row]) -> Result<Vec<Row>> {
    let scale = Scale::of(call)?;
    let size_weight = call.constant("size_weight")?.and_then(|value| value.to_f64()).unwrap_or(0.5);
    let seeds = call.whole("seeds")?.unwrap_or(25);
    let side = |row: &Row| scale.weigh(call, row).map(|weight| [weight, 0.0]);
    let is_frequent = |[part, _]: super::Weights, [all, _]: super::Weights| part >= LEAST_SHARE * all;
    let data = Data::of(call, rows, &[scale.column], side, is_frequent)?;
    let growth = Growth { call, data: &data, size_weight: size_weight.clamp(0.0, 1.0) };
    let nothing = Pattern { items: vec![None; data.columns.len()], ..data.whole() };
    let mut items: Vec<Vec<usize>> = data.extensions(&nothing);
    let weight = |rows: &Vec<usize>| data.weights(rows).into_iter().sum::<f64>();
    items.sort_by(|left, right| weight(right).total_cmp(&weight(left)));
    let mut patterns = Vec::new();
    for seed in items.into_iter().take(seeds) {
        patterns.push(growth.grown(seed)?);
    }
    patterns.sort_by(|left, right| growth.score(right).total_cmp(&growth.score(left)));
    let kept = apart(&data, patterns);
    let wildcards = wildcards(call)?;
    let row = |(number, pattern): (usize, &Pattern)| -> Row {
        let [weight, _] = pattern.weights;
        let [share, _] = data.shares(pattern.weights);
        let mut row = vec![long(number), count(weight), Value::Real(percent(share, 1))];
        row.extend(data.row(pattern, &call.input.columns, &wildcards));
        row
    };
    Ok(kept.iter().enumerate().map(row).collect())
}

/// The patterns that cover rows which those before them do not.
fn apart(data: &Data, patterns: Vec<Pattern>) -> Vec<Pattern> {
    let mut covered: HashSet<usize> = HashSet::new();
    let mut kept = Vec::new();
    for pattern in patterns {
        let again: Vec<usize> = pattern.rows.iter().copied().filter(|row| covered.contains(row)).collect();
        let ([again, _], [all, _]) = (data.weights(&again), pattern.weights);
        if pattern.size() > 0 && again <= all * MOST_COVERED {
            covered.extend(&pattern.rows);
            kept.push(pattern);
        }
    }
    kept
}
