//! Rows come in.

use std::sync::Arc;
use std::time::Duration;

use castellan_query::arrow::record_batch::RecordBatch;

use crate::log::{Key, Mark, Position, Record};
use crate::rows::{
    Form, Misfit, MisfitReason, Origin, Refused, Rows, from_json, from_physical, further_columns,
};
use crate::shared::Shared;
use crate::{Error, Lake, TableSchema};

/// Bytes of rows that one call may bring.
const MAX_CALL: usize = 64 << 20;

/// What is known of rows beside themselves.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// What the sender repeats when it does not know whether its call arrived: a repeated call adds nothing.
    pub key: Option<Key>,
    /// How far their source is taken in with them. Where the table has it already, the call adds nothing.
    pub mark: Option<Mark>,
    /// The resource that sent them, where rows do not say one.
    pub resource: Option<Arc<str>>,
    /// Whether times far from now are kept, as for logs of the past; otherwise they become the time of receipt.
    pub keeps_times: bool,
    /// When the rows were taken in, in microseconds since 1970; now when `None`.
    pub received: Option<i64>,
    /// Bytes of a text or a nested value beyond which it is cut, at a character; never when `None`.
    pub longest: Option<usize>,
    /// Whether columns that the table does not have are added to it, with the types that their values have.
    pub adds_columns: bool,
}

/// What became of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Rows that are kept now. Where the call is a repeated one, those that it would have added.
    pub rows: usize,
    /// Values that had no place.
    pub misfits: Vec<Misfit>,
    /// Rows that could not be read.
    pub refused: Vec<Refused>,
    /// Whether an earlier call had brought the same, by its key or its mark.
    pub is_repeated: bool,
    /// Where the rows stand in the log.
    pub position: Position,
}

impl Lake {
    /// Appends rows of JSON to a table; returns when they are durable and visible.
    ///
    /// Errors: no such table, text that is no rows, and a storage that does not take them. Then nothing was kept.
    pub async fn append(&self, table: &str, text: &[u8], form: Form, how: Append) -> Result<Appended, Error> {
        let shared = self.shared();
        if text.len() > MAX_CALL {
            return Err(Error::TooLarge { what: "the call", size: text.len(), limit: MAX_CALL });
        }
        let origin = shared.origin(&how);
        let schema = shared.schema(table)?;
        let mut rows = from_json(&schema, text, form, &origin)?;
        let has_more = rows.misfits.iter().any(|misfit| misfit.reason == MisfitReason::NoColumn);
        if has_more && (schema.is_open() || how.adds_columns) {
            let more = further_columns(&schema, text, form)?;
            let wider = shared.widen(table, &more).await?;
            rows = from_json(&wider, text, form, &origin)?;
        }
        shared.keep(&schema, rows, &how, &origin).await
    }

    /// Appends rows that have the types of the query engine; returns when they are durable and visible.
    ///
    /// Errors: as [`Lake::append`].
    pub async fn append_batch(
        &self,
        table: &str,
        batch: &RecordBatch,
        how: Append,
    ) -> Result<Appended, Error> {
        let shared = self.shared();
        let size = batch.get_array_memory_size();
        if size > 4 * MAX_CALL {
            return Err(Error::TooLarge { what: "the batch", size, limit: 4 * MAX_CALL });
        }
        let (origin, schema) = (shared.origin(&how), shared.schema(table)?);
        let rows = from_physical(&schema, batch, &origin)?;
        shared.keep(&schema, rows, &how, &origin).await
    }
}

impl Shared {
    fn origin(&self, how: &Append) -> Origin {
        Origin {
            received: how.received.unwrap_or_else(|| self.now()),
            resource: how.resource.clone(),
            keeps_times: how.keeps_times,
            longest: how.longest,
        }
    }

    pub(crate) async fn keep(
        &self,
        schema: &TableSchema,
        rows: Rows,
        how: &Append,
        origin: &Origin,
    ) -> Result<Appended, Error> {
        let count = rows.batch.num_rows();
        if self.derived.is_materialized(schema.name()) {
            let reason = "the table holds what its query gave, and takes no other rows".to_owned();
            return Err(Error::Derived { name: schema.name().to_string(), reason });
        }
        let (misfits, refused) = (rows.misfits, rows.refused);
        let appended =
            |rows, is_repeated, position| Appended { rows, misfits, refused, is_repeated, position };
        if let Some(mark) = &how.mark {
            let known = self.mark(schema.name(), &mark.source).await?;
            if known.is_some_and(|known| known >= mark.offset) {
                return Ok(appended(0, true, 0));
            }
        } else if count == 0 {
            return Ok(appended(0, false, 0));
        }
        self.has_room()?;
        let record = Record {
            table: Arc::clone(schema.name()),
            key: how.key,
            received: origin.received,
            mark: how.mark.clone(),
            batch: rows.batch,
        };
        let written = self.log()?.append(record).await?;
        self.noticed(schema.name());
        Ok(appended(count, written.is_repeated, written.position))
    }

    /// Errors: the memory or the disk has no room for more rows now.
    pub(crate) fn has_room(&self) -> Result<(), Error> {
        let busy =
            |reason: String, seconds| Err(Error::Busy { reason, retry_after: Duration::from_secs(seconds) });
        if self.tables.bytes() > self.options.memory {
            self.hurry();
            return busy("rows come faster than they can be written to files".to_owned(), 1);
        }
        if self.is_disk_full() {
            let gibibytes = self.options.disk_reserve >> 30;
            return busy(
                format!(
                    "less than {gibibytes} GiB of the disk is free: make room, or keep rows for less long"
                ),
                60,
            );
        }
        Ok(())
    }
}
