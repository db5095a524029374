//! Window functions: `prev`, `row_number` and the like, on rows in order.

use std::cell::RefCell;
use std::sync::Arc;

use super::call::Call;
use super::environment::Environment;
use super::frame::{Frame, Gather};
use super::types::returned;
use super::{Binder, Result};
use crate::diagnostic::Diagnostic;
use crate::plan::{Field, Plan, Scalar, ScalarKind, Step, WindowCall, WindowFunction};
use crate::registry::Row;
use crate::value::{ScalarType, Value};

impl Binder<'_> {
    /// Binds expressions over rows; window functions among them become a step below.
    pub(super) fn with_windows<T>(
        &self,
        input: Arc<Plan>,
        environment: &Environment,
        bind: impl FnOnce(Frame<'_>) -> Result<T>,
    ) -> Result<(Arc<Plan>, T)> {
        let calls = RefCell::new(Vec::new());
        let frame = Frame {
            gather: Gather::Windows(&calls),
            ..Frame::new(&input.columns, input.is_open, environment)
        };
        let bound = bind(frame)?;
        let calls = calls.into_inner();
        if calls.is_empty() {
            return Ok((input, bound));
        }
        let mut columns = input.columns.clone();
        columns.extend(calls.iter().map(|call: &WindowCall| call.output.clone()));
        Ok((Plan::new(Step::Window { input, calls }, columns), bound))
    }

    /// A call of a window function: the column that the step below gives.
    pub(super) fn gather_window(
        &self,
        call: &Call<'_>,
        row: &'static Row,
        frame: Frame<'_>,
        calls: &RefCell<Vec<WindowCall>>,
    ) -> Result<Scalar> {
        let function = match row.name {
            "prev" => WindowFunction::Prev,
            "next" => WindowFunction::Next,
            "row_number" => WindowFunction::RowNumber,
            "row_cumsum" => WindowFunction::CumulativeSum,
            "row_rank_dense" => WindowFunction::RankDense,
            "row_rank_min" => WindowFunction::RankMin,
            "row_window_session" => WindowFunction::Session,
            _ => {
                return Err(Diagnostic::error(
                    "unsupported",
                    call.expr.span,
                    format!("`{}` is not supported", row.name),
                ));
            }
        };
        // A call inside another comes before it, and its column is there by then.
        let (signature, mut arguments, given) = self.arguments(call, row, frame)?;
        let scalar_type = returned(row, signature, &given).unwrap_or(ScalarType::Long);
        if matches!(function, WindowFunction::Prev | WindowFunction::Next)
            && let Some(default) = arguments.get_mut(2)
        {
            *default = default.clone().cast(scalar_type);
        }
        let mut calls = calls.borrow_mut();
        let position = frame.columns.len() + calls.len();
        let output = Field::new(format!("{}:{}", row.name, calls.len()), scalar_type);
        calls.push(WindowCall { function, arguments, output });
        Ok(Scalar::column(position, scalar_type))
    }
}

impl Plan {
    /// Whether the rows come in an order that means something.
    pub fn is_ordered(&self) -> bool {
        match &self.step {
            Step::Sort { .. } | Step::Range { .. } | Step::Window { .. } | Step::Rows(_) | Step::Scan(_) => {
                true
            }
            Step::Filter { input, .. }
            | Step::Project { input, .. }
            | Step::Take { input, .. }
            | Step::Expand { input, .. }
            | Step::Parse { input, .. }
            | Step::Materialize(input) => input.is_ordered(),
            _ => false,
        }
    }

    /// The number of rows, where the plan says it.
    pub fn limit(&self) -> Option<i64> {
        match &self.step {
            Step::Take { count, .. } => match &count.kind {
                ScalarKind::Literal(value) => Value::to_i64(value),
                _ => None,
            },
            Step::Project { input, .. } => input.limit(),
            _ => None,
        }
    }
}
