//! Texts from texts.

use std::sync::Arc;

use castellan_kql::ScalarType;
use datafusion::arrow::array::{Array, ArrayRef, Int64Array, StringViewBuilder};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

use super::kernel::{Kernel, texts};

/// `tolower()` and `toupper()`.
#[derive(Debug)]
pub struct Case {
    is_upper: bool,
}

impl Case {
    /// To capital or to small letters.
    pub fn new(is_upper: bool) -> Case {
        Case { is_upper }
    }
}

impl Kernel for Case {
    fn name(&self) -> &str {
        if self.is_upper { "toupper" } else { "tolower" }
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::String
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let mut out = StringViewBuilder::with_capacity(array.len());
        let mut changed = String::new();
        for text in array.iter() {
            let text = text.unwrap_or_default();
            changed.clear();
            match (text.is_ascii(), self.is_upper) {
                (true, is_upper) => {
                    changed.push_str(text);
                    if is_upper { changed.make_ascii_uppercase() } else { changed.make_ascii_lowercase() }
                }
                (false, true) => changed.push_str(&text.to_uppercase()),
                (false, false) => changed.push_str(&text.to_lowercase()),
            }
            out.try_append_value(&changed)?;
        }
        Ok(Arc::new(out.finish()))
    }
}

/// `strlen()`: how many characters.
#[derive(Debug)]
pub struct Length;

impl Kernel for Length {
    fn name(&self) -> &str {
        "strlen"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Long
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let length = |text: Option<&str>| {
            let count = text.map_or(0, |text| text.chars().count());
            i64::try_from(count).unwrap_or(i64::MAX)
        };
        Ok(Arc::new(Int64Array::from_iter_values(array.iter().map(length))))
    }
}

/// `strcat()` of texts. Longer texts than the language makes are empty.
#[derive(Debug)]
pub struct Concatenation;

/// The longest text that a function makes, in bytes.
const MAX_SIZE: usize = castellan_kql::functions::MAX_SIZE;

impl Kernel for Concatenation {
    fn name(&self) -> &str {
        "strcat"
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::String
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let parts = (0..arguments.len()).map(|at| texts(arguments, at, rows)).collect::<Result<Vec<_>>>()?;
        let mut each: Vec<_> = parts.iter().map(|part| part.iter()).collect();
        let mut out = StringViewBuilder::with_capacity(rows);
        let mut whole = String::new();
        for _ in 0..rows {
            whole.clear();
            for part in &mut each {
                whole.push_str(part.next().flatten().unwrap_or_default());
            }
            out.try_append_value(if whole.len() > MAX_SIZE { "" } else { &whole })?;
        }
        Ok(Arc::new(out.finish()))
    }
}

/// `split(text, delimiter)[item]`: a part of a text as a dynamic string.
#[derive(Debug)]
pub struct Part {
    name: String,
    delimiter: String,
    item: i64,
}

impl Part {
    /// `None` for an empty delimiter, which splits nothing.
    pub fn new(delimiter: &str, item: i64) -> Option<Part> {
        let name = format!("split({delimiter:?})[{item}]");
        (!delimiter.is_empty()).then(|| Part { name, delimiter: delimiter.to_owned(), item })
    }

    fn of<'t>(&self, text: &'t str) -> Option<&'t str> {
        match usize::try_from(self.item) {
            Ok(item) => text.split(self.delimiter.as_str()).nth(item),
            Err(_) => {
                // Overlapping delimiters are found from the front.
                let parts: Vec<&str> = text.split(self.delimiter.as_str()).collect();
                let back = usize::try_from(self.item.unsigned_abs()).ok()?;
                parts.get(parts.len().checked_sub(back)?).copied()
            }
        }
    }
}

impl Kernel for Part {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::Dynamic
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let mut out = StringViewBuilder::with_capacity(array.len());
        let mut quoted = String::new();
        for text in array.iter() {
            match self.of(text.unwrap_or_default()) {
                Some(part) => {
                    quoted.clear();
                    crate::physical::dynamic::quote(part, &mut quoted);
                    out.try_append_value(&quoted)?;
                }
                None => out.append_null(),
            }
        }
        Ok(Arc::new(out.finish()))
    }
}
