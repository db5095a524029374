//! Dynamic values, which lie in arrays as JSON text: what is asked for is found in the text.

use std::sync::Arc;

use castellan_kql::ast::{BinaryKind, BinaryOperator};
use castellan_kql::functions::operators;
use castellan_kql::value::json::is_json;
use castellan_kql::{ScalarType, Value};
use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, StringViewBuilder};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::kernel::{Kernel, texts};
use crate::physical::dynamic::{self, Part};

/// `value.a["b"][0]`
#[derive(Debug)]
pub struct Path {
    name: String,
    parts: Vec<Part>,
}

impl Path {
    /// From the outermost part on.
    pub fn new(parts: Vec<Part>) -> Path {
        Path { name: format!("path{parts:?}"), parts }
    }
}

impl Kernel for Path {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Dynamic
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let mut out = StringViewBuilder::with_capacity(array.len());
        for text in array.iter() {
            match text.and_then(|text| dynamic::find(text, &self.parts)) {
                Some(found) => out.try_append_value(found)?,
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    }
}

/// `parse_json(text)`: JSON is taken as it is; other text becomes a string.
#[derive(Debug)]
pub struct ParseJson;

impl Kernel for ParseJson {
    fn name(&self) -> &str {
        "parse_json"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Dynamic
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let is_as_it_is = |text: Option<&str>| text.is_none_or(|text| text.is_empty() || is_json(text));
        if array.iter().all(is_as_it_is) {
            return Ok(Arc::new(array));
        }
        let mut out = StringViewBuilder::with_capacity(array.len());
        let mut quoted = String::new();
        for text in array.iter() {
            let text = text.unwrap_or_default();
            if is_as_it_is(Some(text)) {
                out.try_append_value(text)?;
            } else {
                quoted.clear();
                dynamic::quote(text, &mut quoted);
                out.try_append_value(&quoted)?;
            }
        }
        Ok(Arc::new(out.finish()))
    }
}

/// `tostring()` of a dynamic value.
#[derive(Debug)]
pub struct ToText;

impl Kernel for ToText {
    fn name(&self) -> &str {
        "dynamic_to_string"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::String
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let mut out = StringViewBuilder::with_capacity(array.len());
        for text in array.iter() {
            out.try_append_value(text.map(dynamic::to_text).unwrap_or_default())?;
        }
        Ok(Arc::new(out.finish()))
    }
}

/// `isnull()` and `isempty()` of a dynamic value.
#[derive(Debug)]
pub struct IsNothing {
    is_empty_too: bool,
}

impl IsNothing {
    /// Whether the empty string counts as well.
    pub fn new(is_empty_too: bool) -> IsNothing {
        IsNothing { is_empty_too }
    }
}

impl Kernel for IsNothing {
    fn name(&self) -> &str {
        if self.is_empty_too { "dynamic_is_empty" } else { "dynamic_is_null" }
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Bool
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let is_nothing =
            |text: &str| dynamic::is_null(text) || self.is_empty_too && dynamic::to_text(text).is_empty();
        let mut each = array.iter();
        let results =
            BooleanBuffer::collect_bool(array.len(), |_| each.next().flatten().is_none_or(is_nothing));
        Ok(Arc::new(BooleanArray::new(results, None)))
    }
}

/// `value == constant` and `value != constant`.
#[derive(Debug)]
pub struct Equals {
    name: String,
    operator: BinaryOperator,
    constant: Value,
    /// The text of the constant as JSON, where no other text is equal to it but for escapes.
    json: Option<String>,
}

impl Equals {
    /// `None` for other operators, and for null.
    pub fn new(operator: BinaryOperator, constant: &Value) -> Option<Equals> {
        if operator.kind != BinaryKind::Equal || !operator.is_case_sensitive || constant.is_null() {
            return None;
        }
        let json = match constant {
            Value::String(text) if !text.contains(['"', '\\']) => {
                let mut json = String::new();
                dynamic::quote(text, &mut json);
                Some(json)
            }
            _ => None,
        };
        let name = format!("dynamic {} {constant:?}", operator.spelling());
        Some(Equals { name, operator, constant: constant.clone(), json })
    }

    fn of(&self, text: Option<&str>) -> Option<bool> {
        let is_same = match (text, &self.constant, &self.json) {
            (None | Some("" | "null"), ..) => false,
            (Some("true"), Value::Bool(flag), _) => *flag,
            (Some("false"), Value::Bool(flag), _) => !*flag,
            (Some(text), _, Some(json)) if text.starts_with('"') && !text.contains('\\') => text == json,
            (Some(text), ..) => {
                return operators::binary(self.operator, &dynamic::decode(text), &self.constant).to_bool();
            }
        };
        Some(is_same != self.operator.is_negated)
    }
}

impl Kernel for Equals {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Bool
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        Ok(Arc::new(array.iter().map(|text| self.of(text)).collect::<BooleanArray>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_that_of_the_plain_engine() {
        let constants = [
            Value::string("a"),
            Value::string("a\"b"),
            Value::string("5"),
            Value::string(""),
            Value::Bool(true),
            Value::Long(5),
            Value::Real(5.0),
        ];
        let texts = [
            "",
            "null",
            " null",
            "\"a\"",
            " \"a\"",
            "\"a",
            "\"\\u0061\"",
            "5",
            "5.0",
            "\"5\"",
            "true",
            "[]",
            "\"a\\\"b\"",
            "a",
        ];
        for (constant, is_negated) in
            constants.iter().flat_map(|constant| [(constant, false), (constant, true)])
        {
            let operator = BinaryOperator { kind: BinaryKind::Equal, is_negated, is_case_sensitive: true };
            let kernel = Equals::new(operator, constant).unwrap();
            for text in texts {
                let expected = operators::binary(operator, &dynamic::decode(text), constant).to_bool();
                assert_eq!(kernel.of(Some(text)), expected, "{text} {constant:?}");
            }
        }
    }
}
