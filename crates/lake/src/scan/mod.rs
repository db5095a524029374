//! Tables as queries see them: memory and files as one, at one moment.

mod cache;
mod files;
mod provider;
mod source;

pub(crate) use cache::TermsCache;
pub(crate) use files::{How, Input, parquet};
pub(crate) use source::{Source, table_of};
