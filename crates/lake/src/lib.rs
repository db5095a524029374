//! Event tables: durable once acknowledged, queryable at once, kept as open files.
//!
//! A [`Lake`] is a folder with a write-ahead log and a Delta Lake table for each event table. Rows that are appended are
//! in the log and synced before [`Lake::append`] returns, and in every query that begins afterwards. From memory they go
//! to sorted Parquet files some seconds later.
//!
//! ```
//! use castellan_lake::{Append, Form, Lake, Options};
//! use castellan_query::Settings;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let lake = Lake::open(folder.path(), Options::default()).await?;
//! let rows = br#"[{"OperationName": "Sign in", "ResultType": "50126"}, {"ResultType": "0"}]"#;
//! let appended = lake.append("SigninLogs", rows, Form::Array, Append::default()).await?;
//! assert_eq!(appended.rows, 2);
//!
//! let engine = lake.engine(Settings::default());
//! let answers = engine.query("SigninLogs | where ResultType != '0' | count").await?;
//! println!("{:?}", answers.answers[0].values()?);
//! lake.close().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The way of a row: [`rows`] (text to columns) -> `log` (durable) -> `memory` (visible) -> [`delta`] (files). `terms`
//! holds filters that let a search for a rare term skip most of the files; `scan` shows memory and files as one table;
//! `upkeep` merges small files, removes what is too old, and refuses rows before the disk is full.
//!
//! *Invariant (acknowledged is durable):* what [`Lake::append`] returned for survives `kill -9` and a loss of power, and
//! appears once. *Invariant (one moment):* an engine sees all tables at one position of the log. *Invariant (bounded):*
//! rows in memory, files that wait and the disk have limits; beyond them [`Error::Busy`] says when to try again.

mod admin;
mod append;
pub mod delta;
mod derived;
mod disk;
mod error;
mod follow;
mod lake;
mod log;
mod memory;
mod options;
mod retention;
pub mod rows;
mod scan;
pub mod schema;
mod shared;
mod terms;
mod upkeep;

pub use append::{Append, Appended};
pub use derived::{Definition, Materialized, Run, Summary};
pub use disk::{Disk, OsDisk, Output};
pub use error::Error;
pub use follow::{Arrival, Follower, Lost, Moment};
pub use lake::{Lake, TableInfo};
pub use log::{Key, Mark, Position};
pub use options::{Clock, Options};
pub use retention::Retention;
pub use rows::{Form, Misfit, MisfitReason, Origin, Refused};
pub use schema::TableSchema;
pub use upkeep::Deleted;
