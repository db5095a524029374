//! What queries give.

use std::sync::Arc;

use castellan_kql::plan::{Chart, Field as Column};
use castellan_kql::{Diagnostic, Value};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures_util::StreamExt;

use crate::limits::Budget;
use crate::{Error, Overflow, Settings, physical};

/// Why a result is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// It has more rows than it may.
    Rows,
    /// It has more bytes than the query may hold.
    Bytes,
    /// The time was over.
    Time,
}

/// A result of a query.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its name, where `fork` or `facet` gives one.
    pub name: Option<Arc<str>>,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows, with the schema that [`physical::schema`] gives for the columns.
    pub batches: Vec<RecordBatch>,
    /// Why it is not whole, where [`Overflow::Cut`] is asked for.
    pub cut: Option<Cut>,
}

impl Answer {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The rows as values.
    ///
    /// Errors: batches that do not have the columns.
    pub fn values(&self) -> Result<Vec<Vec<Value>>, Error> {
        let mut rows = Vec::with_capacity(self.rows());
        for batch in &self.batches {
            rows.extend(physical::rows(batch, &self.columns)?);
        }
        Ok(rows)
    }
}

/// All results of a query.
#[derive(Clone, Debug)]
pub struct Answers {
    /// The results: one, unless the query asks for several.
    pub answers: Vec<Answer>,
    /// How to draw the first.
    pub chart: Option<Chart>,
    /// What may be meant differently.
    pub warnings: Vec<Diagnostic>,
}

/// The plans of a query.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// What the language's operators come down to, as DataFusion plans it.
    pub logical: String,
    /// The same after optimization.
    pub optimized: String,
    /// How it runs.
    pub physical: String,
}

/// The rows of a result while they come.
pub(crate) struct Collected<'s> {
    pub(crate) settings: &'s Settings,
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) cut: Option<Cut>,
    rows: usize,
    bytes: usize,
}

impl<'s> Collected<'s> {
    pub(crate) fn new(settings: &'s Settings, schema: SchemaRef) -> Collected<'s> {
        Collected { settings, schema, batches: Vec::new(), cut: None, rows: 0, bytes: 0 }
    }

    /// Takes all rows, or as many as there may be.
    ///
    /// Errors: those of the query, and a result that is too large and may not be cut.
    pub(crate) async fn all(
        &mut self,
        mut stream: SendableRecordBatchStream,
        budget: &Budget,
    ) -> Result<(), Error> {
        while self.cut.is_none() {
            match next(&mut stream, budget).await {
                Ok(Some(batch)) => self.push(&batch)?,
                Ok(None) => break,
                Err(_) if self.may_cut() && self.rows > 0 && budget.is_late() => self.cut = Some(Cut::Time),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn may_cut(&self) -> bool {
        self.settings.overflow == Overflow::Cut
    }

    fn push(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let limits = &self.settings.limits;
        let room = limits.rows.saturating_sub(self.rows);
        if batch.num_rows() > room {
            let message = format!("the result has more than {} rows", limits.rows);
            self.overflow(Cut::Rows, "too-many-rows", message)?;
        }
        let kept = physical::renamed(&batch.slice(0, batch.num_rows().min(room)), &self.schema)?;
        self.bytes = self.bytes.saturating_add(bytes(&kept));
        if self.bytes > limits.memory {
            let message = format!("the result has more than {} MiB", limits.memory >> 20);
            return self.overflow(Cut::Bytes, "too-many-bytes", message);
        }
        self.rows += kept.num_rows();
        self.batches.push(kept);
        Ok(())
    }

    /// Errors: the result may not be cut.
    fn overflow(&mut self, cut: Cut, code: &'static str, message: String) -> Result<(), Error> {
        if self.may_cut() {
            self.cut = Some(cut);
            return Ok(());
        }
        Err(Error { help: "aggregate, filter or `take` fewer".to_owned(), ..Error::new(code, message) })
    }
}

/// The next rows, while there is time.
async fn next(stream: &mut SendableRecordBatchStream, budget: &Budget) -> Result<Option<RecordBatch>, Error> {
    let late = || {
        let reason = budget.reason_to_stop();
        Error::stopped(reason.unwrap_or_else(|| "the query took too long".to_owned()))
    };
    let next = tokio::time::timeout(budget.time_left(), stream.next()).await.map_err(|_| late())?;
    match (next.transpose()?, budget.reason_to_stop()) {
        (Some(_), Some(reason)) => Err(Error::stopped(reason)),
        (batch, _) => Ok(batch),
    }
}

/// How many bytes the values of a batch have. Arrays of texts may share what they lie in with rows that are not there.
fn bytes(batch: &RecordBatch) -> usize {
    let of = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(|length| length as usize + 16).sum(),
        _ => array.to_data().get_slice_memory_size().unwrap_or(0),
    };
    batch.columns().iter().map(of).sum()
}
