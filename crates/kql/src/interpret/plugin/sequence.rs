//! `sequence_detect`: events that meet predicates one after the other.
//!
//! A sequence is a time for each step, each later than the one before by at most the longest step, all within the longest
//! span. Sequences of the same times are one, however many rows have them.

use std::collections::BTreeSet;

use super::activity::Position;
use super::{Call, activity};
use crate::interpret::{Result, Row};
use crate::value::{ScalarType, Value};

pub(super) fn rows(call: &Call<'_, '_>, rows: Vec<Row>) -> Result<Vec<Row>> {
    let timeline = call.required("timeline")?;
    let (steps, dimensions) = (call.scalars("step")?, call.scalars("dimension")?);
    let limits = Limits {
        step: activity::length(call, "max_step")?,
        span: activity::length(call, "max_span")?,
        scalar_type: timeline.scalar_type,
    };
    let mut found = Vec::new();
    for (dimension, rows) in call.run.groups(rows, &dimensions) {
        let mut times: Vec<BTreeSet<i64>> = vec![BTreeSet::new(); steps.len()];
        for row in &rows {
            let Some(at) = Position::of(&call.run.value(&timeline, row))? else { continue };
            for (step, times) in steps.iter().zip(&mut times) {
                if call.run.value(step, row) == Value::Bool(true) {
                    times.insert(at);
                }
            }
        }
        limits.extend(call, &times, &mut Vec::new(), &dimension, &mut found)?;
    }
    Ok(found)
}

/// How far apart the events of a sequence may be.
struct Limits {
    step: i64,
    span: i64,
    scalar_type: ScalarType,
}

impl Limits {
    /// Goes on with every time of the next step that may follow.
    fn extend(
        &self,
        call: &Call<'_, '_>,
        open: &[BTreeSet<i64>],
        sequence: &mut Vec<i64>,
        dimension: &Row,
        found: &mut Vec<Row>,
    ) -> Result<()> {
        let Some((times, later)) = open.split_first() else {
            found.push(self.row(sequence, dimension));
            return Ok(());
        };
        let (after, until) = match (sequence.first(), sequence.last()) {
            (Some(first), Some(last)) => {
                let until = last.saturating_add(self.step).min(first.saturating_add(self.span));
                (last.saturating_add(1), until)
            }
            _ => (i64::MIN, i64::MAX),
        };
        if until < after {
            return Ok(());
        }
        for at in times.range(after..=until) {
            call.run.count(1)?;
            sequence.push(*at);
            self.extend(call, later, sequence, dimension, found)?;
            sequence.pop();
        }
        Ok(())
    }

    fn row(&self, sequence: &[i64], dimension: &Row) -> Row {
        let times = sequence.iter().map(|at| Position::value(*at, self.scalar_type));
        let ends = sequence.first().zip(sequence.last());
        let duration = ends.map_or(0, |(first, last)| last.saturating_sub(*first));
        dimension.iter().cloned().chain(times).chain([Value::TimeSpan(duration)]).collect()
    }
}
