//! Different texts, numbered in the order in which they came.

use std::collections::HashMap;
use std::sync::Arc;

use castellan_kql::value::Key;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringViewArray, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::physical_expr_common::binary_map::OutputType;
use datafusion::physical_expr_common::binary_view_map::ArrowBytesViewMap;

use crate::physical::dynamic;

/// Texts, or bytes.
#[derive(Debug)]
pub(super) struct Places {
    map: ArrowBytesViewMap<u64>,
    data_type: DataType,
}

impl Places {
    pub(super) fn of_texts() -> Places {
        Places { map: ArrowBytesViewMap::new(OutputType::Utf8View), data_type: DataType::Utf8View }
    }

    pub(super) fn of_bytes() -> Places {
        Places { map: ArrowBytesViewMap::new(OutputType::BinaryView), data_type: DataType::BinaryView }
    }

    /// The places of all values of an array; none for null.
    ///
    /// Errors: an array of another type.
    pub(super) fn of(&mut self, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
        if *array.data_type() != self.data_type {
            return exec_err!("{} is expected, not {}", self.data_type, array.data_type());
        }
        let mut next = self.map.len() as u64;
        let mut places = Vec::with_capacity(array.len());
        let count_up = |_: Option<&[u8]>| {
            next += 1;
            next - 1
        };
        self.map.insert_if_new(array, count_up, |place| places.push(Some(place)));
        if array.null_count() > 0 {
            let is_null = |at: usize| array.is_null(at);
            places.iter_mut().enumerate().filter(|(at, _)| is_null(*at)).for_each(|(_, place)| *place = None);
        }
        Ok(places)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    /// All of them in order.
    pub(super) fn into_values(self) -> ArrayRef {
        self.map.into_state()
    }

    /// Some of them.
    ///
    /// Errors: places that are not its own.
    pub(super) fn taken(self, places: Vec<u64>) -> Result<ArrayRef> {
        Ok(take(&self.into_values(), &UInt64Array::from(places), None)?)
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        self.map.size()
    }
}

/// Texts of dynamic values, several of which may be the same value.
#[derive(Debug)]
pub(super) struct Same {
    texts: Places,
    /// For each text the first one with the same value; none for null.
    first: Vec<Option<u64>>,
    known: HashMap<Key, u64>,
    held: usize,
}

/// About what a key takes beside its text.
const KEY_BYTES: usize = 2 * size_of::<(Key, u64)>();

impl Same {
    pub(super) fn new() -> Same {
        Same { texts: Places::of_texts(), first: Vec::new(), known: HashMap::new(), held: 0 }
    }

    /// The places of all texts of an array; none for null.
    ///
    /// Errors: an array of another type.
    pub(super) fn of(&mut self, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
        let mut places = self.texts.of(array)?;
        let Some(texts) = array.as_string_view_opt() else { return Ok(places) };
        for (at, place) in places.iter_mut().enumerate() {
            let Some(found) = *place else { continue };
            // Places grow by one, so a new one stands behind all that are known. A null array value has one too.
            while self.first.len() as u64 <= found {
                let is_it = self.first.len() as u64 == found;
                self.learn(if is_it { texts.value(at) } else { "" });
            }
            if self.first(found).is_none() {
                *place = None;
            }
        }
        Ok(places)
    }

    /// Each text is read once.
    fn learn(&mut self, text: &str) {
        let place = self.first.len() as u64;
        let value = dynamic::decode(text);
        let first = (!value.is_null()).then(|| *self.known.entry(Key::of(&value)).or_insert(place));
        if first == Some(place) {
            self.held += KEY_BYTES + text.len();
        }
        self.held += size_of::<Option<u64>>();
        self.first.push(first);
    }

    /// The first text with the same value.
    pub(super) fn first(&self, place: u64) -> Option<u64> {
        usize::try_from(place).ok().and_then(|at| self.first.get(at).copied()).flatten()
    }

    /// The texts.
    pub(super) fn into_texts(self) -> Places {
        self.texts
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        self.texts.size() + self.held
    }
}

/// Texts of the language: null is empty.
pub(super) fn present(array: &ArrayRef) -> ArrayRef {
    match array.as_string_view_opt() {
        Some(texts) if texts.null_count() > 0 => {
            Arc::new(texts.iter().map(|text| Some(text.unwrap_or_default())).collect::<StringViewArray>())
        }
        _ => Arc::clone(array),
    }
}
