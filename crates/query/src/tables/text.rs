//! Texts without nulls.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, StringViewArray};
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// A text, empty instead of null: the language has no null texts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct OrEmpty {
    signature: Signature,
}

impl OrEmpty {
    pub(super) fn of(text: Expr) -> Expr {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::new_from_impl(OrEmpty { signature }).call(vec![text])
    }
}

impl ScalarUDFImpl for OrEmpty {
    fn name(&self) -> &str {
        "or_empty"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match arguments.args.as_slice() {
            [ColumnarValue::Array(array)] => Ok(ColumnarValue::Array(filled(array)?)),
            [ColumnarValue::Scalar(scalar)] if scalar.is_null() => {
                Ok(ColumnarValue::Scalar(ScalarValue::Utf8View(Some(String::new()))))
            }
            [scalar @ ColumnarValue::Scalar(_)] => Ok(scalar.clone()),
            _ => exec_err!("`{}` takes one argument", self.name()),
        }
    }
}

/// Views of the same bytes, and the empty text where there is a null.
fn filled(array: &ArrayRef) -> Result<ArrayRef> {
    let Some(nulls) = array.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Ok(Arc::clone(array));
    };
    let is_valid = BooleanArray::new(nulls.inner().clone(), None);
    Ok(zip(&is_valid, array, &StringViewArray::new_scalar(""))?)
}
