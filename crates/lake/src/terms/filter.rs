//! Filters over the terms of row groups.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::record_batch::RecordBatch;
use parquet::bloom_filter::Sbbf;

use super::terms;

/// What a file of filters begins with.
const MAGIC: &[u8; 8] = b"CSTLTRM1";
/// False answers that are accepted.
const FALSE_ANSWERS: f64 = 0.01;
/// Row groups of a file; it bounds what a damaged one can claim.
const MOST_GROUPS: usize = 1 << 16;

/// Collects the terms of a row group.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    hashes: HashSet<u64, foldhash::fast::FixedState>,
    /// Texts that were seen, by their hash: most columns repeat the same few.
    seen: HashSet<u64, foldhash::fast::FixedState>,
    groups: Vec<Vec<u8>>,
}

impl Builder {
    /// Adds the terms of all texts of rows.
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        for column in batch.columns() {
            if *column.data_type() != DataType::Utf8 {
                continue;
            }
            let texts = column.as_string::<i32>();
            let mut last = None;
            for text in texts.iter().flatten() {
                if last == Some(text) {
                    continue;
                }
                last = Some(text);
                if self.seen.len() < SEEN && !self.seen.insert(hash(text)) {
                    continue;
                }
                terms(text, &mut |term| {
                    self.hashes.insert(hash(term));
                });
            }
        }
    }

    /// Ends a row group.
    pub(crate) fn end_group(&mut self) {
        let count = u64::try_from(self.hashes.len()).unwrap_or(u64::MAX).max(1);
        let mut bytes = Vec::new();
        if let Ok(mut filter) = Sbbf::new_with_ndv_fpp(count, FALSE_ANSWERS) {
            for hash in &self.hashes {
                filter.insert(hash);
            }
            filter.fold_to_target_fpp(FALSE_ANSWERS);
            // Writing to memory does not fail; a group without a filter is read.
            let _ = filter.write_bitset(&mut bytes);
        }
        self.groups.push(bytes);
        self.hashes.clear();
        self.seen.clear();
    }

    /// The filters of all row groups as a file.
    pub(crate) fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16 + self.groups.iter().map(|group| group.len() + 4).sum::<usize>());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&u32::try_from(self.groups.len()).unwrap_or(u32::MAX).to_le_bytes());
        for group in &self.groups {
            out.extend_from_slice(&u32::try_from(group.len()).unwrap_or(0).to_le_bytes());
            out.extend_from_slice(group);
        }
        out.extend_from_slice(&crc32c::crc32c(&out).to_le_bytes());
        out
    }
}

/// Texts that are remembered while a row group is written: bounds the memory.
const SEEN: usize = 1 << 20;

/// The hash that filters keep of a term. It is part of the file's format.
fn hash(term: &str) -> u64 {
    twox_hash::XxHash64::oneshot(0, term.as_bytes())
}

/// The filters of a file.
#[derive(Debug)]
pub(crate) struct Filters {
    groups: Vec<Option<Sbbf>>,
}

impl Filters {
    /// `None` for bytes that are no filters.
    pub(crate) fn read(bytes: &[u8]) -> Option<Filters> {
        let (signed, sum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(signed) != u32::from_le_bytes(*sum) {
            return None;
        }
        let rest = signed.strip_prefix(MAGIC)?;
        let (count, mut rest) = rest.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok().filter(|count| *count <= MOST_GROUPS)?;
        let mut groups = Vec::with_capacity(count);
        for _ in 0..count {
            let (length, behind) = rest.split_first_chunk::<4>()?;
            let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
            let bits = behind.get(..length)?;
            // A filter has whole blocks of 32 bytes.
            groups.push((length > 0 && length % 32 == 0).then(|| Sbbf::new(bits)));
            rest = behind.get(length..)?;
        }
        Some(Filters { groups })
    }

    /// How many row groups there are.
    pub(crate) fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether a row group may have a term.
    pub(crate) fn may_have(&self, group: usize, term: &str) -> bool {
        match self.groups.get(group) {
            Some(Some(filter)) => filter.check(&hash(term)),
            _ => true,
        }
    }

    /// Bytes that it takes in memory.
    pub(crate) fn size(&self) -> usize {
        self.groups.iter().flatten().map(|filter| filter.num_blocks() * 32).sum()
    }
}
