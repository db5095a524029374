//! KQL over Arrow: the language of Azure Monitor and Microsoft Sentinel, run by DataFusion.
//!
//! ```
//! use std::sync::Arc;
//! use castellan_query::arrow::array::{Int64Array, RecordBatch, StringArray};
//! use castellan_query::{Engine, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let batch = RecordBatch::try_from_iter([
//!     ("User", Arc::new(StringArray::from(vec!["ann", "bob", "ann"])) as _),
//!     ("Failed", Arc::new(Int64Array::from(vec![3, 1, 4])) as _),
//! ])?;
//! let mut engine = Engine::new(Settings::default());
//! engine.add_batches("Logins", batch.schema(), vec![batch])?;
//! let answers = engine.query("Logins | summarize Failed = sum(Failed) by User | where Failed > 5").await?;
//! println!("{:?}", answers.answers[0].batches);
//! # assert_eq!(answers.answers[0].rows(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! `castellan-kql` parses and binds a query to a plan; this crate puts the plan into DataFusion's operators, with steps of
//! its own for what those lack, and runs it within bounds on time, memory and rows. [`physical`] says how values lie in
//! arrays. The answers are Kusto's, not SQL's: no null strings, ticks of 100 ns, `has` by terms, `join` that keeps one row
//! of each key. What is not supported is refused with its place.

mod access;
pub mod aggregates;
mod answer;
pub mod compiled;
mod engine;
mod error;
pub mod external;
pub mod functions;
mod limits;
mod lower;
pub mod physical;
mod progress;
pub mod pruning;
mod settings;
mod steps;
mod tables;

pub use access::{Access, Seen, Span};
pub use answer::{Answer, Answers, Cut, Explanation};
pub use datafusion::{arrow, parquet};
pub use engine::{Engine, Source};
pub use error::Error;
pub use external::External;
pub use limits::{Cancellation, Limits, Watch};
pub use progress::Progress;
pub use settings::{Overflow, Settings};
pub use tables::Table;
