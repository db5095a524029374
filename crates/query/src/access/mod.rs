//! What a role may see: tables, columns, rows, and how far back.
//!
//! ```
//! use std::sync::Arc;
//! use castellan_query::arrow::array::{RecordBatch, StringArray};
//! use castellan_query::{Access, Engine, Seen, Settings};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let batch = RecordBatch::try_from_iter([
//!     ("User", Arc::new(StringArray::from(vec!["ann", "bob"])) as _),
//!     ("Team", Arc::new(StringArray::from(vec!["red", "blue"])) as _),
//! ])?;
//! let mut engine = Engine::new(Settings::default());
//! engine.add_batches("Logins", batch.schema(), vec![batch])?;
//! let red = Seen { rows: Some("Team == 'red'".to_owned()), hidden_columns: vec!["Team".to_owned()], ..Seen::default() };
//! let engine = engine.restrict(&Access::default().with("Logins", red))?;
//! assert_eq!(engine.query("union *").await?.answers[0].rows(), 1);
//! assert!(engine.query("Logins | project Team").await.is_err());
//! # Ok(())
//! # }
//! ```
//!
//! *Invariant (below everything):* what is not to be seen is taken away where a table is read, before any step of a query
//! sees a row. The binder does not know of hidden tables and columns, so that no name, wildcard or suggestion leads there;
//! rows are filtered by the scan itself, in the one place where plans are put into DataFusion's ([`Table::scan`]).
//!
//! *Invariant (closed):* a restriction that cannot be understood gives an error and no engine, and one for all tables
//! hides those that it does not fit. Restrictions only ever take away: a second one is added to the first.
//!
//! [`Table::scan`]: crate::tables::Table

mod bind;
mod role;

pub(crate) use bind::{Rule, restricted};
pub use role::{Access, Seen, Span};
