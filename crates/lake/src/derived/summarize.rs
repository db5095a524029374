//! Summaries: one bin of time after the other.

use std::sync::Arc;
use std::time::Duration;

use castellan_kql::ScalarType;
use castellan_kql::plan::Field as Column;
use datafusion::arrow::array::{
    ArrayRef, Int32Array, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::record_batch::RecordBatch;

use super::definition::text_of;
use super::materialize;
use super::run::{Bin, Run, ask, rows_for};
use super::{Definition, Summary};
use crate::log::{Mark, Record};
use crate::rows::{Form, Origin, from_json};
use crate::schema::{TIME, field};
use crate::shared::Shared;
use crate::{Append, Error, TableSchema, upkeep};

/// The table that tells of runs.
const RUNS: &str = "LASummaryLogs";
/// How often a bin is tried before the next one is: it can still be run by hand. Source: Azure Monitor, summary rules.
const TRIES: u32 = 8;
/// Bins that a summary runs before others have their turn, when it is far behind.
const AT_ONCE: usize = 24;

/// Runs all that is due.
///
/// Errors: the first that failed; the others ran all the same.
pub(crate) async fn due(shared: &Arc<Shared>) -> Result<(), Error> {
    let mut failed = None;
    for definition in shared.derived.all() {
        let outcome = match &definition {
            Definition::Summary(summary) if summary.is_active => run_due(shared, summary).await.map(|_| ()),
            Definition::Summary(_) => Ok(()),
            Definition::Materialized(table) => materialize::fill_if_due(shared, table).await,
        };
        if let Err(error) = outcome {
            failed.get_or_insert(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

fn source(summary: &Summary) -> Arc<str> {
    format!("summary:{}", summary.name).into()
}

/// Runs the bins of a summary that are over.
///
/// Errors: a bin that failed; it is tried again the next time.
pub(super) async fn run_due(shared: &Arc<Shared>, summary: &Summary) -> Result<Vec<Run>, Error> {
    let mut runs = Vec::new();
    while runs.len() < AT_ONCE {
        let reached = shared.mark(&summary.destination_table, &source(summary)).await?;
        let start = reached.map_or(summary.first(), |reached| summary.bin_from(reached));
        if start + summary.bin() + summary.delay() > shared.now() {
            break;
        }
        match run_bin(shared, summary, start).await {
            Ok(run) => {
                shared.derived.failed(&summary.name, false);
                runs.push(run);
            }
            Err(error) => {
                if shared.derived.failed(&summary.name, true) >= TRIES {
                    skip(shared, summary, start).await?;
                    shared.derived.failed(&summary.name, false);
                }
                return Err(error);
            }
        }
    }
    Ok(runs)
}

/// Runs one bin, and keeps its rows together with how far the summary is.
async fn run_bin(shared: &Arc<Shared>, summary: &Summary, start: i64) -> Result<Run, Error> {
    let begun = shared.now();
    let outcome = add(shared, summary, start).await;
    tell(shared, summary, start, begun, &outcome).await?;
    outcome
}

async fn add(shared: &Arc<Shared>, summary: &Summary, start: i64) -> Result<Run, Error> {
    let (batch, took) = rows_of(shared, summary, start).await?;
    let rows = batch.num_rows();
    keep(shared, summary, start, batch).await?;
    Ok(Run { start: Some(start), rows, took })
}

/// The columns that say where rows of a summary come from. Source: Azure Monitor, summary rules.
fn origins(summary: &Summary, start: i64, rows: usize) -> [(Column, ArrayRef); 4] {
    let time = |micros| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_value(micros, rows).with_timezone("UTC"))
    };
    let name: ArrayRef = Arc::new(StringArray::from_iter_values(std::iter::repeat_n(&summary.name, rows)));
    let size = i32::try_from(summary.bin_size).unwrap_or(i32::MAX);
    [
        (Column::new("_RuleName", ScalarType::String), name),
        (Column::new("_RuleLastModifiedTime", ScalarType::DateTime), time(summary.modified)),
        (Column::new("_BinSize", ScalarType::Int), Arc::new(Int32Array::from_value(size, rows))),
        (Column::new("_BinStartTime", ScalarType::DateTime), time(start)),
    ]
}

/// What the query gives for a bin, as the table of the summary has it, and how long it took.
async fn rows_of(
    shared: &Arc<Shared>,
    summary: &Summary,
    start: i64,
) -> Result<(RecordBatch, Duration), Error> {
    let column = summary.time_selector.as_deref().unwrap_or(TIME);
    let bin = Bin { column, from: start, until: start + summary.bin() };
    let given = ask(shared, &summary.name, summary.query.clone(), Some(bin)).await?;
    let origins = origins(summary, start, given.batch.num_rows());
    let further: Vec<Column> = origins.iter().map(|(column, _)| column.clone()).collect();
    let rows = rows_for(shared, &summary.destination_table, &given, further).await?.batch;
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    // What the query itself calls so is not where the row comes from.
    let own = |name: &str| origins.iter().any(|(column, _)| &*column.name == name);
    let schema = rows.schema();
    for (field, array) in schema.fields().iter().zip(rows.columns()).filter(|(field, _)| !own(field.name())) {
        fields.push(Arc::clone(field));
        arrays.push(Arc::clone(array));
    }
    for (column, array) in &origins {
        fields.push(Arc::new(field(column)));
        arrays.push(Arc::clone(array));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options);
    Ok((batch.map_err(Error::arrow("gathering the rows of a summary"))?, given.took))
}

async fn keep(shared: &Arc<Shared>, summary: &Summary, start: i64, batch: RecordBatch) -> Result<(), Error> {
    shared.has_room()?;
    let mark = Mark { source: source(summary), offset: start + summary.bin() };
    let table: Arc<str> = summary.destination_table.as_str().into();
    let record =
        Record { table: Arc::clone(&table), key: None, received: shared.now(), mark: Some(mark), batch };
    shared.log()?.append(record).await?;
    shared.noticed(&table);
    Ok(())
}

/// Goes on behind a bin that fails whenever it is run.
async fn skip(shared: &Arc<Shared>, summary: &Summary, start: i64) -> Result<(), Error> {
    let schema = match shared.tables.schema(&summary.destination_table) {
        Some(schema) => schema,
        None => shared.create_table(&summary.destination_table, Vec::new()).await?,
    };
    let nothing = from_json(&schema, b"[]", Form::Array, &Origin::default())?;
    keep(shared, summary, start, nothing.batch).await
}

/// Runs a bin again; its rows take the place of those that it had.
///
/// Errors: no bin begins there, or it is not over yet; the query, and what the storage says.
pub(super) async fn retry(shared: &Arc<Shared>, summary: &Summary, start: i64) -> Result<Run, Error> {
    let wrong = |reason: String| Err(Error::Derived { name: summary.name.clone(), reason });
    if start < summary.first() || summary.bin_from(start) != start {
        return wrong(format!("no bin begins at {}", text_of(start)));
    }
    let reached = shared.mark(&summary.destination_table, &source(summary)).await?;
    if reached.is_none_or(|reached| start >= reached) {
        return wrong(format!("the bin of {} did not run yet", text_of(start)));
    }
    let begun = shared.now();
    let outcome = replace(shared, summary, start).await;
    tell(shared, summary, start, begun, &outcome).await?;
    outcome
}

async fn replace(shared: &Arc<Shared>, summary: &Summary, start: i64) -> Result<Run, Error> {
    let (batch, took) = rows_of(shared, summary, start).await?;
    let rows = batch.num_rows();
    let condition = format!(
        "_RuleName == '{}' and _BinStartTime == datetime({}) and _BinSize == {}",
        summary.name,
        text_of(start),
        summary.bin_size
    );
    let table: Arc<str> = summary.destination_table.as_str().into();
    upkeep::exchange(shared, &table, &condition, batch).await?;
    Ok(Run { start: Some(start), rows, took })
}

/// Writes a row that tells of a run.
async fn tell(
    shared: &Arc<Shared>,
    summary: &Summary,
    start: i64,
    begun: i64,
    outcome: &Result<Run, Error>,
) -> Result<(), Error> {
    let (status, rows, took, message) = match outcome {
        Ok(run) => ("Succeeded", Some(run.rows), Some(run.took.as_millis()), None),
        Err(error) => ("Failed", None, None, Some(error.to_string())),
    };
    let row = serde_json::json!({
        "TimeGenerated": text_of(begun), "RuleName": summary.name, "RuleLastModifiedTime": text_of(summary.modified),
        "BinStartTime": text_of(start), "BinSize": summary.bin_size, "Status": status, "Message": message,
        "ResultsRecordCount": rows, "QueryDurationMs": took.map(|took| u64::try_from(took).unwrap_or(u64::MAX)),
    });
    let Some(schema) = TableSchema::declared(RUNS) else { return Ok(()) };
    let how = Append::default();
    let origin = Origin { received: begun, keeps_times: true, ..Origin::default() };
    let rows = from_json(&schema, row.to_string().as_bytes(), Form::Array, &origin)?;
    shared.keep(&schema, rows, &how, &origin).await.map(|_| ())
}
