//! A file of a table, as commits describe it.

use std::collections::HashMap;

use deltalake_core::kernel::{Add, LogicalFileView, Remove};
use serde_json::Value;

use super::DAY;

/// The tag that holds the first and last `TimeGenerated`, in microseconds since 1970.
const TIMES: &str = "castellan.times";
/// The tag that holds the first and last time of receipt.
const RECEIVED: &str = "castellan.received";

/// A file of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DataFile {
    /// Relative to the table's folder.
    pub(crate) path: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) rows: u64,
    /// The day of its rows.
    pub(crate) day: String,
    /// The first and last `TimeGenerated`; everything where nobody says.
    pub(crate) times: (i64, i64),
    /// The first and last time of receipt.
    pub(crate) received: (i64, i64),
    /// When it was written, in milliseconds since 1970.
    pub(crate) written: i64,
    /// Statistics of its columns, as commits have them.
    pub(crate) stats: String,
}

impl DataFile {
    /// The action that adds it. `has_new_rows` is false where its rows stood in other files before.
    pub(crate) fn add(&self, has_new_rows: bool) -> Add {
        let pair = |(first, last): (i64, i64)| Some(format!("{first},{last}"));
        Add {
            path: self.path.clone(),
            partition_values: self.partition(),
            size: i64::try_from(self.size).unwrap_or(i64::MAX),
            modification_time: self.written,
            data_change: has_new_rows,
            stats: Some(self.stats.clone()),
            tags: Some(HashMap::from([
                (TIMES.to_owned(), pair(self.times)),
                (RECEIVED.to_owned(), pair(self.received)),
            ])),
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        }
    }

    /// The action that removes it. `ends_rows` is false where its rows stand in other files from now on.
    pub(crate) fn remove(&self, now: i64, ends_rows: bool) -> Remove {
        Remove {
            path: self.path.clone(),
            data_change: ends_rows,
            deletion_timestamp: Some(now),
            extended_file_metadata: Some(true),
            partition_values: Some(self.partition()),
            size: i64::try_from(self.size).ok(),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
        }
    }

    fn partition(&self) -> HashMap<String, Option<String>> {
        HashMap::from([(DAY.to_owned(), Some(self.day.clone()))])
    }

    /// Of what a table's log says. Another program may have written the file: then nothing is known of its times.
    pub(crate) fn of(view: &LogicalFileView) -> DataFile {
        #[expect(deprecated, reason = "the only way to the tags of a file")]
        let add = view.add_action();
        let stats = add.stats.unwrap_or_default();
        let pair = |tag: &str| {
            let text = add.tags.as_ref()?.get(tag)?.as_deref()?;
            let (first, last) = text.split_once(',')?;
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let rows = serde_json::from_str::<Value>(&stats).ok();
        let rows = rows.and_then(|stats| stats.get("numRecords").and_then(Value::as_u64));
        DataFile {
            size: u64::try_from(add.size).unwrap_or(0),
            rows: rows.unwrap_or(0),
            day: add.partition_values.get(DAY).cloned().flatten().unwrap_or_default(),
            times: pair(TIMES).unwrap_or((i64::MIN, i64::MAX)),
            received: pair(RECEIVED).unwrap_or((i64::MIN, i64::MAX)),
            written: add.modification_time,
            path: add.path,
            stats,
        }
    }

    /// Where its filters lie, relative to the table's folder.
    pub(crate) fn terms_path(&self) -> String {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        format!("{}/{}.terms", super::TERMS, name.trim_end_matches(".parquet"))
    }
}
