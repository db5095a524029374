//! What all functions of our own share.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use castellan_kql::ScalarType;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::physical::data_type;

/// A function of arrays with its constants.
pub trait Kernel: fmt::Debug + Send + Sync + 'static {
    /// What it is called in plans, constants included: functions with the same name do the same.
    fn name(&self) -> &str;

    /// The type of its results.
    fn scalar_type(&self) -> ScalarType;

    /// Whether equal arguments may give different results.
    fn is_volatile(&self) -> bool {
        false
    }

    /// The results for so many rows. Arguments have as many values, or one where all are constants.
    ///
    /// Errors: arguments of other types than those it was made for, and results that are too large.
    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef>;
}

/// A kernel as a function of DataFusion.
#[derive(Debug)]
struct Function {
    kernel: Arc<dyn Kernel>,
    signature: Signature,
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.kernel.name() == other.kernel.name()
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kernel.name().hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.kernel.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(data_type(self.kernel.scalar_type()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = |argument: &ColumnarValue| matches!(argument, ColumnarValue::Scalar(_));
        if !self.kernel.is_volatile() && arguments.args.iter().all(is_constant) {
            let array = self.kernel.run(&arguments.args, 1)?;
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(self.kernel.run(&arguments.args, arguments.number_rows)?))
    }
}

/// A call of a kernel.
pub fn call(kernel: impl Kernel, arguments: Vec<Expr>) -> Expr {
    let volatility = if kernel.is_volatile() { Volatility::Volatile } else { Volatility::Immutable };
    let signature = if arguments.is_empty() {
        Signature::nullary(volatility)
    } else {
        Signature::any(arguments.len(), volatility)
    };
    let function = Function { kernel: Arc::new(kernel), signature };
    ScalarUDF::new_from_impl(function).call(arguments)
}
