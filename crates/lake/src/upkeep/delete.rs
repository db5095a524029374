//! Rows taken away by a condition.
//!
//! Files are not changed: those that have such rows are written again without them, and one commit puts the new files in
//! their place, so either all of the rows are gone or none.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_query::{Access, Engine, Seen, Settings};
use datafusion::arrow::array::{AsArray, BooleanArray};
use datafusion::arrow::compute::{filter_record_batch, not};
use datafusion::arrow::record_batch::RecordBatch;
use futures_util::StreamExt as _;

use super::rewrite::{alone, begin, sorted};
use crate::Error;
use crate::delta::{DataFile, Target, write_by_day};
use crate::log::Mark;
use crate::memory::{Chunk, TableState};
use crate::scan::table_of;
use crate::shared::Shared;

/// What was taken away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Rows that are gone.
    pub rows: u64,
    /// Files that were written again without them, or removed.
    pub files: usize,
}

/// Which rows are taken away.
#[derive(Clone)]
struct Which {
    name: Arc<str>,
    condition: Arc<str>,
    settings: Settings,
}

impl Which {
    fn failed(&self, error: &castellan_query::Error) -> Error {
        Error::Condition { table: self.name.to_string(), reason: error.to_string() }
    }

    fn engine(&self, shared: &Arc<Shared>, state: TableState) -> Result<Engine, Error> {
        let mut engine = Engine::new(self.settings.clone());
        engine.add(&self.name, table_of(shared, state).map_err(Error::arrow("preparing a table"))?);
        Ok(engine)
    }

    /// How many rows fulfil it. Files that cannot have such rows are not opened.
    async fn count(&self, shared: &Arc<Shared>, state: TableState) -> Result<u64, Error> {
        let rows = Seen { rows: Some(self.condition.to_string()), ..Seen::default() };
        // A role's condition is an expression and nothing else, whatever its text says.
        let engine = self.engine(shared, state)?.restrict(&Access::default().with(&*self.name, rows));
        let engine = engine.map_err(|error| self.failed(&error))?;
        let text = format!("['{}'] | count", self.name);
        let answers = engine.query(&text).await.map_err(|error| self.failed(&error))?;
        let batch = answers.answers.first().and_then(|answer| answer.batches.first());
        let count = batch.and_then(|batch| {
            let counts = batch.column(0).as_primitive_opt::<datafusion::arrow::datatypes::Int64Type>()?;
            counts.iter().next().flatten()
        });
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    /// The rows that stay.
    async fn without(
        &self,
        shared: &Arc<Shared>,
        state: &TableState,
        batch: RecordBatch,
    ) -> Result<RecordBatch, Error> {
        let rows = batch.num_rows();
        let engine = self.engine(shared, state.of_rows(batch.clone()))?;
        let text = format!("['{}'] | project Gone = ({})", self.name, self.condition);
        let answers = engine.query(&text).await.map_err(|error| self.failed(&error))?;
        let parts = answers.answers.first().map(|answer| answer.batches.as_slice()).unwrap_or_default();
        let mut gone = Vec::with_capacity(rows);
        for column in parts.iter().filter_map(|part| part.column(0).as_boolean_opt()) {
            // What nobody can tell is not fulfilled.
            gone.extend(column.iter().map(|value| value == Some(true)));
        }
        if gone.len() != rows {
            let reason = format!("{} answers for {rows} rows", gone.len());
            return Err(Error::Condition { table: self.name.to_string(), reason });
        }
        let stays = not(&BooleanArray::from(gone)).map_err(Error::arrow("choosing rows"))?;
        filter_record_batch(&batch, &stays).map_err(Error::arrow("choosing rows"))
    }
}

/// Takes the rows of a table away that fulfil a condition and were there before the call. They are in memory or in files;
/// rows that come meanwhile stay.
pub(crate) async fn delete(shared: &Arc<Shared>, name: &Arc<str>, condition: &str) -> Result<Deleted, Error> {
    take_away(shared, name, condition, None).await
}

/// The same, with rows that take the place of those that go, at one moment.
pub(crate) async fn exchange(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    condition: &str,
    rows: RecordBatch,
) -> Result<Deleted, Error> {
    take_away(shared, name, condition, Some(rows)).await
}

/// Puts rows in the place of all that a table holds, at one moment, with how far their source is.
pub(crate) async fn put_in_place(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    rows: RecordBatch,
    mark: &Mark,
) -> Result<(), Error> {
    super::flush::flush(shared, name).await?;
    let _alone = shared.rewriting.lock().await;
    let Some(state) = shared.tables.get(name) else { return Ok(()) };
    let new = write_new(shared, &state, rows).await?;
    commit(shared, name, &state.files, &new, std::slice::from_ref(mark)).await?;
    shared.tables.learn(name, &mark.source, mark.offset);
    Ok(())
}

/// Writes rows to files that no commit names yet.
async fn write_new(
    shared: &Arc<Shared>,
    state: &TableState,
    rows: RecordBatch,
) -> Result<Vec<DataFile>, Error> {
    let (shared, schema) = (Arc::clone(shared), state.schema.clone());
    let received = shared.now();
    let chunks = [Arc::new(Chunk::of_rows(schema.name(), received, rows))];
    let written = tokio::task::spawn_blocking(move || {
        let folder = shared.table_folder(schema.name());
        let (disk, tenant) = (&shared.options.disk, &shared.options.workspace);
        let target = Target { disk, folder: &folder, tenant, now: received.div_euclid(1_000) };
        write_by_day(&schema, &chunks, &target)
    });
    written.await.map_err(|_| Error::Closed("the lake is being closed"))?
}

/// How many rows of a table fulfil a condition.
pub(crate) async fn count(shared: &Arc<Shared>, name: &Arc<str>, condition: &str) -> Result<u64, Error> {
    let which = Which { name: Arc::clone(name), condition: condition.into(), settings: settings(shared) };
    let state = match shared.tables.get(name) {
        Some(state) => state,
        None => TableState::new(shared.schema(name)?),
    };
    is_condition(&which, shared, &state).await?;
    which.count(shared, state).await
}

fn settings(shared: &Shared) -> Settings {
    let now = castellan_base::Ticks::from_unix_nanos(i128::from(shared.now()) * 1_000);
    Settings { threads: 1, now, ..Settings::default() }
}

async fn take_away(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    condition: &str,
    added: Option<RecordBatch>,
) -> Result<Deleted, Error> {
    let which = Which { name: Arc::clone(name), condition: condition.into(), settings: settings(shared) };
    super::flush::flush(shared, name).await?;
    let _alone = shared.rewriting.lock().await;
    let Some(state) = shared.tables.get(name) else { return Ok(Deleted::default()) };
    let state = TableState { chunks: Vec::new(), ..state };
    is_condition(&which, shared, &state).await?;
    let (mut deleted, mut old, mut new) = (Deleted::default(), Vec::new(), Vec::new());
    for file in state.files.iter() {
        let alone = TableState { files: Arc::new(vec![Arc::clone(file)]), ..state.clone() };
        let rows = which.count(shared, alone).await?;
        if rows == 0 {
            continue;
        }
        deleted.rows += rows;
        deleted.files += 1;
        old.push(Arc::clone(file));
        if rows < file.rows {
            new.push(rewrite(&which, shared, &state, file).await?);
        }
    }
    if let Some(rows) = added {
        new.extend(write_new(shared, &state, rows).await?);
    }
    if !old.is_empty() || !new.is_empty() {
        commit(shared, name, &old, &new, &[]).await?;
    }
    Ok(deleted)
}

/// Errors: the condition is none. A table without rows is asked, so nothing is done before that is known.
async fn is_condition(which: &Which, shared: &Arc<Shared>, state: &TableState) -> Result<(), Error> {
    let nothing = TableState { files: Arc::default(), chunks: Vec::new(), ..state.clone() };
    which.count(shared, nothing.clone()).await?;
    let engine = which.engine(shared, nothing)?;
    let text = format!("['{}'] | project Gone = ({})", which.name, which.condition);
    let answers = engine.query(&text).await.map_err(|error| which.failed(&error))?;
    let found = answers.answers.first().and_then(|answer| answer.columns.first());
    match found.map(|column| column.scalar_type) {
        Some(ScalarType::Bool) => Ok(()),
        other => {
            let has = other.map_or("no type", ScalarType::name);
            let reason = format!("the condition is of type {has} and has to be bool");
            Err(Error::Condition { table: which.name.to_string(), reason })
        }
    }
}

async fn rewrite(
    which: &Which,
    shared: &Arc<Shared>,
    state: &TableState,
    file: &Arc<DataFile>,
) -> Result<DataFile, Error> {
    let (which, shared) = (which.clone(), Arc::clone(shared));
    let (state, file) = (state.clone(), Arc::clone(file));
    alone(move || async move {
        let mut rows = sorted(&shared, &which.name, std::slice::from_ref(&file))?;
        let mut writer = begin(&shared, &which.name, &file.day, &rows.schema())?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(Error::arrow("reading a file"))?;
            writer.push(&which.without(&shared, &state, batch).await?)?;
        }
        writer.finish()
    })
    .await
}

async fn commit(
    shared: &Arc<Shared>,
    name: &Arc<str>,
    old: &[Arc<DataFile>],
    new: &[DataFile],
    marks: &[Mark],
) -> Result<(), Error> {
    let slot = shared.slot(name);
    let mut files = slot.lock().await;
    let Some(open) = files.as_mut() else { return Ok(()) };
    let committed = open.exchange(old, new, marks, shared.now().div_euclid(1_000)).await;
    super::flush::settle(shared, name, &mut files, committed).await
}
