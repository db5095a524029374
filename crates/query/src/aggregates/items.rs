//! Items of dynamic arrays.

use std::sync::Arc;

use castellan_kql::Value;
use castellan_kql::value::Dynamic;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray, StringViewBuilder};
use datafusion::common::{Result, exec_datafusion_err};

use crate::physical::dynamic;

/// The texts of a dynamic column.
///
/// Errors: an array of another type.
pub(super) fn texts(array: &ArrayRef) -> Result<&StringViewArray> {
    let wrong = || exec_datafusion_err!("dynamic values are not read from {}", array.data_type());
    array.as_string_view_opt().ok_or_else(wrong)
}

/// Dynamic values with their groups, in which each item of an array stands by itself.
///
/// Errors: an array of another type, and one that is too large.
pub(super) fn of_arrays(array: &ArrayRef, groups: &[usize]) -> Result<(ArrayRef, Vec<usize>)> {
    let texts = texts(array)?;
    let mut builder = StringViewBuilder::with_capacity(texts.len());
    let mut spread = Vec::with_capacity(groups.len());
    let mut item_text = String::new();
    for (text, group) in texts.iter().zip(groups) {
        let Some(text) = text else { continue };
        match array_in(text) {
            None => {
                builder.try_append_value(text)?;
                spread.push(*group);
            }
            Some(items) => {
                for item in &items {
                    item_text.clear();
                    dynamic::write(item, &mut item_text);
                    builder.try_append_value(&item_text)?;
                    spread.push(*group);
                }
            }
        }
    }
    Ok((Arc::new(builder.finish()), spread))
}

/// The items of a text that is an array.
pub(super) fn array_in(text: &str) -> Option<Vec<Dynamic>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    match dynamic::decode(text) {
        Value::Dynamic(value) => match Arc::unwrap_or_clone(value) {
            Dynamic::Array(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

/// An array a group.
///
/// Errors: arrays that are too large.
pub(super) fn written<'g, T: 'g>(
    groups: impl Iterator<Item = &'g [T]>,
    write: impl Fn(&T, &mut String),
) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::new();
    let mut text = String::new();
    for group in groups {
        text.clear();
        text.push('[');
        for (at, item) in group.iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            write(item, &mut text);
        }
        text.push(']');
        builder.try_append_value(&text)?;
    }
    Ok(Arc::new(builder.finish()))
}
