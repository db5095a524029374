//! Comparisons of reals. Arrow puts NaN behind all numbers; here every comparison with it is false.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::ast::BinaryKind;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::ColumnarValue;

use super::kernel::Kernel;

/// `<`, `<=`, `>` or `>=` between two reals.
#[derive(Debug)]
pub struct Ordered {
    name: &'static str,
    is_so: fn(f64, f64) -> bool,
}

impl Ordered {
    /// `None` for other operators.
    pub fn new(kind: BinaryKind) -> Option<Ordered> {
        let (name, is_so): (_, fn(f64, f64) -> bool) = match kind {
            BinaryKind::Less => ("real_less", |left, right| left < right),
            BinaryKind::LessOrEqual => ("real_less_or_equal", |left, right| left <= right),
            BinaryKind::Greater => ("real_greater", |left, right| left > right),
            BinaryKind::GreaterOrEqual => ("real_greater_or_equal", |left, right| left >= right),
            _ => return None,
        };
        Some(Ordered { name, is_so })
    }
}

impl Kernel for Ordered {
    fn name(&self) -> &str {
        self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Bool
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let [left, right] = arguments else { return exec_err!("`{}` takes two arguments", self.name) };
        let (left, right) = (Reals::of(left)?, Reals::of(right)?);
        let nulls = NullBuffer::union(left.nulls().as_ref(), right.nulls().as_ref());
        let is_null = |reals: &Reals| matches!(reals, Reals::Constant(None));
        if is_null(&left) || is_null(&right) {
            return Ok(Arc::new(BooleanArray::new_null(rows)));
        }
        let results = BooleanBuffer::collect_bool(rows, |at| (self.is_so)(left.at(at), right.at(at)));
        Ok(Arc::new(BooleanArray::new(results, nulls)))
    }
}

/// One side.
enum Reals {
    Constant(Option<f64>),
    Array(Float64Array),
}

impl Reals {
    fn of(argument: &ColumnarValue) -> Result<Reals> {
        match argument {
            ColumnarValue::Scalar(ScalarValue::Float64(number)) => Ok(Reals::Constant(*number)),
            ColumnarValue::Array(array) => match array.as_primitive_opt::<Float64Type>() {
                Some(numbers) => Ok(Reals::Array(numbers.clone())),
                None => exec_err!("{} is no real", array.data_type()),
            },
            ColumnarValue::Scalar(other) => exec_err!("{} is no real", other.data_type()),
        }
    }

    fn nulls(&self) -> Option<NullBuffer> {
        match self {
            Reals::Constant(_) => None,
            Reals::Array(numbers) => numbers.nulls().cloned(),
        }
    }

    fn at(&self, at: usize) -> f64 {
        match self {
            Reals::Constant(number) => number.unwrap_or(f64::NAN),
            Reals::Array(numbers) => numbers.value(at),
        }
    }
}
