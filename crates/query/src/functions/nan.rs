//! One NaN instead of many.

use std::sync::Arc;

use castellan_kql::ScalarType;
use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{ColumnarValue, Expr};

use super::kernel::{Kernel, call};

/// The same numbers with one NaN: processors make some with a sign and some without, which Arrow tells apart when it
/// groups and sorts.
pub fn one_nan(value: Expr) -> Expr {
    call(OneNan, vec![value])
}

#[derive(Debug)]
struct OneNan;

impl Kernel for OneNan {
    fn name(&self) -> &str {
        "one_nan"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Real
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let wrong = || exec_datafusion_err!("`one_nan` takes a real");
        let array = arguments.first().ok_or_else(wrong)?.to_array(rows)?;
        let numbers = array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?;
        let same = |number: f64| if number.is_nan() { f64::NAN } else { number };
        Ok(Arc::new(numbers.unary::<_, Float64Type>(same)))
    }
}
