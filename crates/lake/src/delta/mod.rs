//! Tables as files: Parquet, and the log of Delta Lake that says which files count.
//!
//! A table is a folder that any reader of Delta Lake opens. Files lie by the day of `TimeGenerated` and are sorted by it.
//! Each commit that adds rows carries the position of the last record of the write-ahead log that is within it, as the
//! version of the application [`APPLICATION`]: what is replayed after a crash begins behind it, so that nothing is added
//! twice. Source: Delta Transaction Log Protocol, "Transaction Identifiers".

mod files;
mod sort;
mod stats;
mod table;
mod write;

pub(crate) use files::DataFile;
pub(crate) use sort::{Target, write_by_day};
pub(crate) use table::DeltaFiles;
pub(crate) use write::FileWriter;

/// The application whose version is the position in the write-ahead log.
pub const APPLICATION: &str = "castellan-lake";
/// The column that files are laid out by: the day of `TimeGenerated` in UTC.
pub const DAY: &str = "TimeGeneratedDay";
/// Where the filters over terms lie within a table's folder.
pub(crate) const TERMS: &str = "_terms";

/// Microseconds of a day.
pub(crate) const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Days from 0001-01-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_162;

/// The day of a time in microseconds since 1970, as `2026-01-02`.
pub(crate) fn day_of(micros: i64) -> String {
    let (year, month, day) = castellan_base::civil_from_days(micros.div_euclid(MICROS_OF_DAY) + DAYS_TO_1970);
    format!("{year:04}-{month:02}-{day:02}")
}
