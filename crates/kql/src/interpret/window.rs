//! Window functions.

use std::sync::Arc;

use super::{Result, Row, Run};
use crate::plan::{Plan, Scalar, WindowCall, WindowFunction};
use crate::value::{Key, ScalarType, Value};

impl Run<'_> {
    pub(super) fn window(&self, input: &Arc<Plan>, calls: &[WindowCall]) -> Result<Vec<Row>> {
        let mut rows = self.plan(input)?;
        for call in calls {
            let arguments = self.all_ready(&call.arguments)?;
            let column = self.window_column(call, &arguments, &rows);
            for (row, value) in rows.iter_mut().zip(column) {
                row.push(value);
            }
        }
        Ok(rows)
    }

    fn window_column(&self, call: &WindowCall, arguments: &[Scalar], rows: &[Row]) -> Vec<Value> {
        match call.function {
            WindowFunction::Prev => self.shifted(arguments, rows, call.output.scalar_type, -1),
            WindowFunction::Next => self.shifted(arguments, rows, call.output.scalar_type, 1),
            WindowFunction::RowNumber => self.row_numbers(arguments, rows),
            WindowFunction::CumulativeSum => self.sums(arguments, rows, call.output.scalar_type),
            WindowFunction::RankDense => self.ranks(arguments, rows, true),
            WindowFunction::RankMin => self.ranks(arguments, rows, false),
            WindowFunction::Session => self.sessions(arguments, rows),
        }
    }

    fn argument(&self, arguments: &[Scalar], at: usize, row: &[Value]) -> Option<Value> {
        arguments.get(at).map(|argument| self.value(argument, row))
    }

    fn restarts(&self, arguments: &[Scalar], at: usize, row: &[Value]) -> bool {
        self.argument(arguments, at, row).and_then(|value| value.to_bool()).unwrap_or(false)
    }

    /// `prev(x, offset, default)`, `next(x, offset, default)`
    fn shifted(&self, arguments: &[Scalar], rows: &[Row], scalar_type: ScalarType, sign: i64) -> Vec<Value> {
        let offset = self.argument(arguments, 1, &[]).and_then(|value| value.to_i64()).unwrap_or(1);
        let default = self.argument(arguments, 2, &[]).unwrap_or(Value::empty(scalar_type));
        let at = |position: usize| {
            let from = i64::try_from(position).ok()?.checked_add(offset.checked_mul(sign)?)?;
            self.argument(arguments, 0, rows.get(usize::try_from(from).ok()?)?)
        };
        (0..rows.len()).map(|position| at(position).unwrap_or_else(|| default.clone())).collect()
    }

    /// `row_number(start, restart)`
    fn row_numbers(&self, arguments: &[Scalar], rows: &[Row]) -> Vec<Value> {
        let start = self.argument(arguments, 0, &[]).and_then(|value| value.to_i64()).unwrap_or(1);
        let mut number = start;
        let next = |(at, row): (usize, &Row)| {
            if at > 0 && self.restarts(arguments, 1, row) {
                number = start;
            }
            let current = number;
            number = number.wrapping_add(1);
            Value::Long(current)
        };
        rows.iter().enumerate().map(next).collect()
    }

    /// `row_cumsum(x, restart)`
    fn sums(&self, arguments: &[Scalar], rows: &[Row], scalar_type: ScalarType) -> Vec<Value> {
        use crate::aggregates::accumulator;
        use crate::plan::AggregateFunction::Sum;
        let fresh = || accumulator(&Sum, &[scalar_type]);
        let mut total = fresh();
        let next = |row: &Row| {
            if self.restarts(arguments, 1, row) {
                total = fresh();
            }
            total.update(&[self.argument(arguments, 0, row).unwrap_or_default()]);
            let value = total.finish().into_iter().next().unwrap_or_default();
            crate::plan::typed(value, scalar_type)
        };
        rows.iter().map(next).collect()
    }

    /// `row_rank_dense(x, restart)`, `row_rank_min(x, restart)`
    fn ranks(&self, arguments: &[Scalar], rows: &[Row], is_dense: bool) -> Vec<Value> {
        let (mut rank, mut position, mut last) = (0_i64, 0_i64, None);
        let next = |(at, row): (usize, &Row)| {
            if at > 0 && self.restarts(arguments, 1, row) {
                (rank, position, last) = (0, 0, None);
            }
            position += 1;
            let key = self.argument(arguments, 0, row).map(|value| Key::of(&value));
            if last != Some(key.clone()) {
                rank = if is_dense { rank + 1 } else { position };
                last = Some(key);
            }
            Value::Long(rank)
        };
        rows.iter().enumerate().map(next).collect()
    }

    /// `row_window_session(time, longest, gap, restart)`: the time of the first row of the session.
    fn sessions(&self, arguments: &[Scalar], rows: &[Row]) -> Vec<Value> {
        let (mut first, mut last): (Option<i64>, Option<i64>) = (None, None);
        let next = |row: &Row| {
            let Some(Value::DateTime(time)) = self.argument(arguments, 0, row) else { return Value::Null };
            let span = |at: usize| self.argument(arguments, at, row).and_then(|value| value.to_timespan());
            let (longest, gap) = (span(1).unwrap_or(i64::MAX), span(2).unwrap_or(i64::MAX));
            let goes_on = match (first, last) {
                (Some(first), Some(last)) => {
                    time.saturating_sub(first) <= longest && time.saturating_sub(last) <= gap
                }
                _ => false,
            };
            if !goes_on || self.restarts(arguments, 3, row) {
                first = Some(time);
            }
            last = Some(time);
            first.map_or(Value::Null, Value::DateTime)
        };
        rows.iter().map(next).collect()
    }
}
