//! Hashes that stand for texts, numbered in the order in which they came.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

/// The same for all stages of a query, and another in each process: who makes the texts cannot make them collide.
static SEED: LazyLock<foldhash::quality::RandomState> =
    LazyLock::new(foldhash::quality::RandomState::default);

/// Hashes are spread evenly as they are.
#[derive(Clone, Copy, Debug, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct BuildAsIs;

impl BuildHasher for BuildAsIs {
    type Hasher = AsIs;

    fn build_hasher(&self) -> AsIs {
        AsIs::default()
    }
}

/// Hashes with their numbers.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    numbers: HashMap<u64, u64, BuildAsIs>,
    known: Vec<u64>,
}

/// The hashes of texts; null is an empty one.
///
/// Errors: an array of something else.
fn of_texts(array: &ArrayRef) -> Result<impl Iterator<Item = u64>> {
    let texts = array.as_string_view_opt().ok_or_else(|| wrong(array))?;
    Ok(texts.iter().map(|text| SEED.hash_one(text.unwrap_or_default())))
}

/// The hashes of texts as an array.
///
/// Errors: an array of something else.
pub(super) fn hashed(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(Arc::new(Int64Array::from_iter_values(of_texts(array)?.map(u64::cast_signed))))
}

fn wrong(array: &ArrayRef) -> DataFusionError {
    exec_datafusion_err!("no hashes are made of {}", array.data_type())
}

impl Hashes {
    /// The numbers of texts.
    ///
    /// Errors: an array of something else.
    pub(super) fn of_texts(&mut self, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
        Ok(of_texts(array)?.map(|hash| Some(self.number(hash))).collect())
    }

    /// The numbers of hashes.
    ///
    /// Errors: an array of something else.
    pub(super) fn of_hashes(&mut self, array: &ArrayRef) -> Result<Vec<Option<u64>>> {
        let hashes = array.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(array))?;
        Ok(hashes.iter().map(|hash| hash.map(|hash| self.number(hash.cast_unsigned()))).collect())
    }

    fn number(&mut self, hash: u64) -> u64 {
        let next = self.known.len() as u64;
        let number = *self.numbers.entry(hash).or_insert(next);
        if number == next {
            self.known.push(hash);
        }
        number
    }

    /// The hashes of numbers.
    pub(super) fn taken(&self, numbers: &[u64]) -> ArrayRef {
        let hash = |number: &u64| usize::try_from(*number).ok().and_then(|at| self.known.get(at)).copied();
        Arc::new(Int64Array::from_iter_values(numbers.iter().filter_map(hash).map(u64::cast_signed)))
    }

    /// The bytes that are held.
    pub(super) fn size(&self) -> usize {
        self.known.capacity() * size_of::<u64>() + self.numbers.capacity() * (2 * size_of::<u64>() + 3)
    }
}
