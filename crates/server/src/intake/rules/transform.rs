//! Transformations: checked when a rule is read, run for each request.

use std::sync::Arc;
use std::time::Duration;

use castellan_base::{OsSystem, System as _};
use castellan_kql::bind::{Options, Tables, bind};
use castellan_kql::plan::Field;
use castellan_kql::{Diagnostic, Severity};
use castellan_lake::{TableSchema, rows};
use castellan_query::arrow::array::RecordBatch;
use castellan_query::arrow::compute::concat_batches;
use castellan_query::{Engine, Limits, Settings};

use super::subset;

/// The table that a transformation reads.
const SOURCE: &str = "source";

/// A transformation that was checked.
#[derive(Clone, Debug)]
pub(super) struct Transform {
    kql: Arc<str>,
    /// The columns that come out.
    pub(super) columns: Vec<Field>,
}

impl Transform {
    /// Checks a transformation against the columns of a stream.
    ///
    /// Errors: what is wrong first, with its place.
    pub(super) fn new(kql: &str, stream: &TableSchema) -> Result<Transform, Diagnostic> {
        let parsed = castellan_kql::parse(kql);
        if let Some(error) = parsed.diagnostics.into_iter().find(|found| found.severity == Severity::Error) {
            return Err(error);
        }
        if let Some(refused) = subset::refused(&parsed.script) {
            return Err(refused);
        }
        let mut tables = Tables::default();
        tables.add(SOURCE, stream.columns().to_vec());
        let options = Options { now: OsSystem.now().get(), ..Options::default() };
        let bound = bind(&parsed.script, &tables, &options)?;
        let [result] = bound.results.as_slice() else {
            let message = format!("a transformation has one result, and this has {}", bound.results.len());
            return Err(Diagnostic::error("results", castellan_kql::Span::default(), message));
        };
        Ok(Transform { kql: kql.into(), columns: result.plan.columns.clone() })
    }

    /// Transforms rows; `None` where none are left.
    ///
    /// Errors: what the engine says, as when it needs more memory than a transformation may have.
    pub(super) async fn run(
        &self,
        stream: &TableSchema,
        read: &rows::Rows,
    ) -> Result<Option<RecordBatch>, String> {
        let batch = read.filled(stream).map_err(|error| error.to_string())?;
        let limits = Limits { time: Duration::from_secs(20), memory: 256 << 20, rows: 1_000_000 };
        let mut engine = Engine::new(Settings { limits, threads: 1, ..Settings::default() });
        engine.add_batches(SOURCE, batch.schema(), vec![batch]).map_err(|error| error.to_string())?;
        let answers = crate::intake::queried(engine, self.kql.to_string()).await?;
        let Some(answer) = answers.answers.into_iter().next() else { return Ok(None) };
        let Some(first) = answer.batches.first().filter(|_| answer.rows() > 0) else { return Ok(None) };
        concat_batches(&first.schema(), &answer.batches).map(Some).map_err(|error| error.to_string())
    }
}
