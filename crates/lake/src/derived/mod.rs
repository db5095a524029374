//! Tables that queries fill: summaries of each hour or day, and results that are kept.
//!
//! A [`Summary`] runs a query over one bin of time after the other and appends what it gives to a custom table, as summary
//! rules of Azure Monitor do. How far it is stands with its rows (a [`Mark`](crate::Mark)), so a bin is there once,
//! whenever the process ends. A [`Materialized`] table holds what its query gave last: each time the whole table is put
//! in the place of the one before, at one moment.
//!
//! Definitions are JSON files in the folder `derived`. Each run of a summary is a row of `LASummaryLogs`.

mod definition;
mod materialize;
mod run;
mod store;
mod summarize;

pub use definition::{Definition, Materialized, Summary};
pub use run::Run;
pub(crate) use store::Store;
pub(crate) use summarize::due;

use std::sync::Arc;

use crate::shared::Shared;
use crate::{Error, Lake};

impl Lake {
    /// Defines a table that a query fills, or changes the definition. The query is checked.
    ///
    /// Errors: a definition that cannot be, a query that cannot run, and what the storage says.
    pub async fn define(&self, definition: Definition) -> Result<Definition, Error> {
        let shared = self.shared();
        shared.log()?;
        let definition = definition.checked(shared.now())?;
        run::check(shared, &definition).await?;
        shared.derived.put(shared, &definition)?;
        Ok(definition)
    }

    /// All definitions, by name.
    pub fn definitions(&self) -> Vec<Definition> {
        self.shared().derived.all()
    }

    /// Removes a definition; its table stays.
    ///
    /// Errors: there is none, and what the storage says.
    pub fn undefine(&self, name: &str) -> Result<(), Error> {
        let shared = self.shared();
        shared.log()?;
        shared.derived.remove(shared, name)
    }

    /// Runs what is due of a summary, or fills a materialized table, now. In a lake with upkeep that happens by itself.
    ///
    /// Errors: there is no such definition, the query, and what the storage says.
    pub async fn run_definition(&self, name: &str) -> Result<Vec<Run>, Error> {
        let shared = self.shared();
        let _turn = shared.derived.turn().await;
        match shared.derived.get(name)? {
            Definition::Summary(summary) => summarize::run_due(shared, &summary).await,
            Definition::Materialized(table) => Ok(vec![materialize::fill(shared, &table).await?]),
        }
    }

    /// Runs a summary again for the bin that begins at a time, in microseconds since 1970; its rows take the place of those
    /// of the run before, at one moment.
    ///
    /// Errors: as [`Lake::run_definition`]; a time that no bin begins at.
    pub async fn retry_bin(&self, name: &str, start: i64) -> Result<Run, Error> {
        let shared = self.shared();
        let _turn = shared.derived.turn().await;
        let Definition::Summary(summary) = shared.derived.get(name)? else {
            return Err(Error::Derived { name: name.to_owned(), reason: "it has no bins".to_owned() });
        };
        summarize::retry(shared, &summary, start).await
    }
}

/// Runs all that is due until the lake is closed.
pub(crate) async fn keep_up(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(shared.options.derive_every).await;
        let turn = shared.derived.turn().await;
        let outcome = due(&shared).await;
        drop(turn);
        shared.outcome("summaries", outcome);
    }
}
