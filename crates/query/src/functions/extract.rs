//! `extract()` with a constant expression.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_kql::functions::regex;
use datafusion::arrow::array::{Array, ArrayRef, StringViewBuilder};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;
use regex::Regex;

use super::kernel::{Kernel, texts};

/// The text of a group of the first match; the empty text where there is none.
#[derive(Debug)]
pub struct Extract {
    name: String,
    regex: Regex,
    group: usize,
}

impl Extract {
    /// `None` for a malformed expression.
    pub fn new(pattern: &str, group: usize) -> Option<Extract> {
        let name = format!("extract({pattern:?}, {group})");
        Some(Extract { name, regex: regex(pattern).ok()?, group })
    }
}

impl Kernel for Extract {
    fn name(&self) -> &str {
        &self.name
    }

    fn scalar_type(&self) -> ScalarType {
        ScalarType::String
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn run(&self, arguments: &[ColumnarValue], rows: usize) -> Result<ArrayRef> {
        let array = texts(arguments, 0, rows)?;
        let mut out = StringViewBuilder::with_capacity(array.len());
        let mut places = self.regex.capture_locations();
        for text in array.iter() {
            let text = text.unwrap_or_default();
            let found = self.regex.captures_read(&mut places, text).and_then(|_| places.get(self.group));
            out.try_append_value(found.and_then(|(start, end)| text.get(start..end)).unwrap_or_default())?;
        }
        Ok(Arc::new(out.finish()))
    }
}
