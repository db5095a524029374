//! Which terms stand in which parts of a file, so that a search for a rare one opens few.
//!
//! A term is what `has` goes by: a run of letters and digits, whatever its case. A GUID counts as one term and not as
//! five, since events are full of them. Each row group of a file has a filter over the terms of all its text columns: a
//! split block Bloom filter, as Parquet has it, with about one false answer in a hundred. Filters lie beside the data in
//! a folder of their own and can be made again from it at any time: a file without them is read.

mod filter;
mod split;

pub(crate) use filter::{Builder, Filters};
pub(crate) use split::{is_certain, terms};
