//! What all functions of our own share.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use castellan_kql::ScalarType;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::distinct::over_distinct;
use crate::limits::{fits, within};
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

    /// Whether it takes longer than looking a text up, so that texts that repeat themselves are computed once.
    fn is_costly(&self) -> bool {
        false
    }

    /// For tests of a text: the ways in which one can hold, each with texts that all have to stand in it as whole terms.
    /// `None` where nothing is known.
    fn needed(&self) -> Option<Vec<Vec<String>>> {
        None
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
        let options = Arc::clone(&arguments.config_options);
        let made = within(&options, || self.invoke(&arguments))?;
        if let ColumnarValue::Array(array) = &made
            && let Some(texts) = array.as_string_view_opt()
        {
            within(&options, || fits(texts.total_buffer_bytes_used()))?;
        }
        Ok(made)
    }
}

impl Function {
    fn invoke(&self, arguments: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = |argument: &ColumnarValue| matches!(argument, ColumnarValue::Scalar(_));
        if !self.kernel.is_volatile() && arguments.args.iter().all(is_constant) {
            let array = self.kernel.run(&arguments.args, 1)?;
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?));
        }
        let rows = arguments.number_rows;
        let array = match varying(&arguments.args) {
            Some((at, array)) if self.kernel.is_costly() && !self.kernel.is_volatile() => {
                over_distinct(array, |distinct| {
                    let mut changed = arguments.args.clone();
                    if let Some(argument) = changed.get_mut(at) {
                        *argument = ColumnarValue::Array(Arc::clone(distinct));
                    }
                    self.kernel.run(&changed, distinct.len())
                })?
            }
            _ => self.kernel.run(&arguments.args, rows)?,
        };
        Ok(ColumnarValue::Array(array))
    }
}

/// The only argument that is not the same for all rows, and where it stands.
fn varying(arguments: &[ColumnarValue]) -> Option<(usize, &ArrayRef)> {
    let mut arrays = arguments.iter().enumerate().filter_map(|(at, argument)| match argument {
        ColumnarValue::Array(array) => Some((at, array)),
        ColumnarValue::Scalar(_) => None,
    });
    let only = arrays.next();
    if arrays.next().is_none() { only } else { None }
}

/// The kernel that an expression calls.
pub(crate) fn called(call: &datafusion::logical_expr::expr::ScalarFunction) -> Option<&dyn Kernel> {
    let function: &Function = call.func.inner().downcast_ref()?;
    Some(function.kernel.as_ref())
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

/// An argument as an array of texts.
///
/// Errors: an argument that is missing or of another type.
pub(super) fn texts(arguments: &[ColumnarValue], at: usize, rows: usize) -> Result<StringViewArray> {
    let array = array(arguments, at, rows)?;
    match array.as_string_view_opt() {
        Some(texts) => Ok(texts.clone()),
        None => exec_err!("argument {at} is {} and no text", array.data_type()),
    }
}

/// An argument as an array of whole numbers, which are also times.
///
/// Errors: an argument that is missing or of another type.
pub(super) fn longs(arguments: &[ColumnarValue], at: usize, rows: usize) -> Result<Int64Array> {
    let array = array(arguments, at, rows)?;
    match array.as_primitive_opt::<Int64Type>() {
        Some(numbers) => Ok(numbers.clone()),
        None => exec_err!("argument {at} is {} and no whole number", array.data_type()),
    }
}

fn array(arguments: &[ColumnarValue], at: usize, rows: usize) -> Result<ArrayRef> {
    match arguments.get(at) {
        Some(argument) => argument.to_array(rows),
        None => exec_err!("argument {at} is missing"),
    }
}
