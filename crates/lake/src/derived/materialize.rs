//! Tables that hold what a query gave last.

use std::sync::Arc;

use super::Materialized;
use super::definition::MINUTE;
use super::run::{Run, ask, rows_for};
use crate::log::Mark;
use crate::shared::Shared;
use crate::{Error, upkeep};

fn source(table: &Materialized) -> Arc<str> {
    format!("materialized:{}", table.name).into()
}

/// Fills a table when it was filled long enough ago, or before its definition changed.
pub(super) async fn fill_if_due(shared: &Arc<Shared>, table: &Materialized) -> Result<(), Error> {
    let filled = shared.mark(&table.name, &source(table)).await?;
    let (now, every) = (shared.now(), i64::from(table.every) * MINUTE);
    // A clock that jumped back has filled it in the future.
    let is_fresh = filled.is_some_and(|at| at > table.modified && at <= now && now < at + every);
    if is_fresh { Ok(()) } else { fill(shared, table).await.map(|_| ()) }
}

/// Runs the query, and puts what it gives in the place of what the table held, at one moment.
///
/// Errors: those of the query, and what the storage says; then the table is as it was.
pub(super) async fn fill(shared: &Arc<Shared>, table: &Materialized) -> Result<Run, Error> {
    let now = shared.now();
    let given = ask(shared, &table.name, table.query.clone(), None).await?;
    let rows = rows_for(shared, &table.name, &given, Vec::new()).await?;
    let run = Run { start: None, rows: rows.batch.num_rows(), took: given.took };
    let name: Arc<str> = table.name.as_str().into();
    let mark = Mark { source: source(table), offset: now };
    upkeep::put_in_place(shared, &name, rows.batch, &mark).await?;
    Ok(run)
}
