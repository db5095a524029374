//! Rows that repeat an argument.
//!
//! Columns of logs repeat themselves: a batch of 8,192 rows has a few dozen addresses of operations, agents or
//! policies. What costs more than looking a text up is computed once for each text of a batch.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray, UInt32Array};
use datafusion::arrow::compute::take;
use datafusion::common::Result;

/// Rows after which it is decided whether to go on.
const SAMPLE: usize = 512;

/// The rows of an array that say something new, and which of them each row repeats.
struct Distinct {
    first: UInt32Array,
    of: UInt32Array,
}

/// `compute` over the texts of an array, each text once where they repeat themselves enough.
///
/// Errors: those of `compute`.
pub(super) fn over_distinct(
    array: &ArrayRef,
    compute: impl Fn(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    match array.as_string_view_opt().and_then(distinct) {
        Some(Distinct { first, of }) => {
            let computed = compute(&take(array, &first, None)?)?;
            Ok(take(&computed, &of, None)?)
        }
        None => compute(array),
    }
}

/// `None` where too few rows repeat others.
fn distinct(texts: &StringViewArray) -> Option<Distinct> {
    if texts.len() < SAMPLE {
        return None;
    }
    let mut known: HashMap<Option<&[u8]>, u32, foldhash::fast::RandomState> = HashMap::default();
    let mut first: Vec<u32> = Vec::new();
    let mut of: Vec<u32> = Vec::with_capacity(texts.len());
    for (at, text) in texts.iter().enumerate() {
        let row = u32::try_from(at).ok()?;
        let next = u32::try_from(first.len()).ok()?;
        let position = *known.entry(text.map(str::as_bytes)).or_insert(next);
        if position == next {
            first.push(row);
        }
        of.push(position);
        if at + 1 == SAMPLE && first.len() > SAMPLE / 2 {
            return None;
        }
    }
    Some(Distinct { first: first.into(), of: of.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn lengths(array: &ArrayRef) -> Result<ArrayRef> {
        let lengths = array.as_string_view().iter().map(|text| text.map(|text| text.len() as i64));
        Ok(Arc::new(lengths.collect::<datafusion::arrow::array::Int64Array>()))
    }

    #[test]
    fn repeated_and_new_texts_give_the_same() {
        for modulus in [1, 3, 200, 300, 2_000] {
            let texts = (0..2_000).map(|at| (at % 7 != 3).then(|| "x".repeat(at % modulus)));
            let array: ArrayRef = Arc::new(texts.collect::<StringViewArray>());
            let once = over_distinct(&array, lengths).unwrap();
            assert_eq!(&once, &lengths(&array).unwrap(), "{modulus}");
        }
    }
}
