//! Queries that fill tables.

use std::sync::Arc;
use std::time::{Duration, Instant};

use castellan_kql::plan::Field as Column;
use castellan_query::{Access, Engine, Limits, Seen, Settings, Span};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::record_batch::RecordBatch;

use super::Definition;
use crate::Error;
use crate::rows::Origin;
use crate::rows::{Rows, from_physical, ticks_of_micros};
use crate::scan::Source;
use crate::shared::Shared;

/// What a query that fills a table may cost.
const LIMITS: Limits = Limits { time: Duration::from_mins(10), memory: 256 << 20, rows: 500_000 };

/// A run that is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where its bin begins, in microseconds since 1970; `None` where there are no bins.
    pub start: Option<i64>,
    /// Rows that it gave.
    pub rows: usize,
    /// How long the query took.
    pub took: Duration,
}

/// A bin of time that a query sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bin<'b> {
    pub(super) column: &'b str,
    pub(super) from: i64,
    pub(super) until: i64,
}

/// What a query gave.
pub(super) struct Given {
    pub(super) columns: Vec<Column>,
    pub(super) batch: RecordBatch,
    pub(super) took: Duration,
}

fn engine(shared: &Arc<Shared>, bin: Option<Bin<'_>>) -> Result<Engine, castellan_query::Error> {
    let now = bin.map_or(shared.now(), |bin| bin.until);
    let now = castellan_base::Ticks::from_unix_nanos(i128::from(now) * 1_000);
    let mut engine = Engine::new(Settings { limits: LIMITS, threads: 1, now, ..Settings::default() });
    engine.set_source(Arc::new(Source::new(shared)));
    let Some(bin) = bin else { return Ok(engine) };
    let span = Span {
        column: bin.column.to_owned(),
        from: Some(ticks_of_micros(bin.from)),
        until: Some(ticks_of_micros(bin.until)),
    };
    engine.restrict(&Access::of_all(Seen { span: Some(span), ..Seen::default() }))
}

/// Errors: the query cannot run.
pub(super) async fn check(shared: &Arc<Shared>, definition: &Definition) -> Result<(), Error> {
    let failed = |error: castellan_query::Error| failed(definition.name(), &error);
    let engine = engine(shared, None).map_err(failed)?;
    engine.explain(definition.query()).await.map(|_| ()).map_err(failed)
}

/// Runs a query away from the threads that serve others.
///
/// Errors: those of the query; more than one result, which no table can hold.
pub(super) async fn ask(
    shared: &Arc<Shared>,
    name: &str,
    query: String,
    bin: Option<Bin<'_>>,
) -> Result<Given, Error> {
    let engine = engine(shared, bin).map_err(|error| failed(name, &error))?;
    let runtime = tokio::runtime::Handle::current();
    let begun = Instant::now();
    let asked = tokio::task::spawn_blocking(move || runtime.block_on(engine.query(&query)));
    let answers = asked.await.map_err(|_| Error::Closed("the lake is being closed"))?;
    let mut answers = answers.map_err(|error| failed(name, &error))?.answers;
    let (Some(answer), true) = (answers.pop(), answers.is_empty()) else {
        return Err(Error::Derived {
            name: name.to_owned(),
            reason: "the query gives several results".to_owned(),
        });
    };
    let schema = castellan_query::physical::schema(&answer.columns);
    let batch =
        concat_batches(&schema, &answer.batches).map_err(Error::arrow("gathering the rows of a query"))?;
    Ok(Given { columns: answer.columns, batch, took: begun.elapsed() })
}

/// Rows of a query as its table has them; the table is made, and given the columns that it lacks, with further ones.
///
/// Errors: columns that the table has with other types, and what the storage says.
pub(super) async fn rows_for(
    shared: &Arc<Shared>,
    table: &str,
    given: &Given,
    further: Vec<Column>,
) -> Result<Rows, Error> {
    let own = ["TenantId", "Type", crate::schema::RECEIVED];
    let of_query = given.columns.iter().filter(|column| !own.contains(&&*column.name)).cloned();
    let mut columns = further;
    let of_query: Vec<Column> =
        of_query.filter(|column| columns.iter().all(|own| own.name != column.name)).collect();
    columns.extend(of_query);
    let schema = shared.create_table(table, columns).await?;
    let origin = Origin { received: shared.now(), keeps_times: true, ..Origin::default() };
    from_physical(&schema, &given.batch, &origin)
}

pub(super) fn failed(name: &str, error: &castellan_query::Error) -> Error {
    Error::Derived { name: name.to_owned(), reason: error.to_string() }
}
