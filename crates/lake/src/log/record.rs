//! What a record of the log says.

use std::sync::Arc;

use castellan_kql::ScalarType;
use castellan_query::physical::TYPE_KEY;
use datafusion::arrow::datatypes::Schema;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use datafusion::arrow::record_batch::RecordBatch;

use super::{Key, Mark};
use crate::Error;
use crate::schema::data_type;

/// Rows of a table that were taken in together.
///
/// The body is: the length of the table's name (1 byte), the name, the sender's key (16 bytes, zeros for none), the time
/// of receipt (8 bytes), and the rows as a stream of Arrow IPC with the columns that hold something; the mark is in the
/// metadata of their schema.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) table: Arc<str>,
    pub(crate) key: Option<Key>,
    /// Microseconds since 1970.
    pub(crate) received: i64,
    pub(crate) mark: Option<Mark>,
    pub(crate) batch: RecordBatch,
}

impl Record {
    /// Errors: a name that is too long, and what Arrow says.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, Error> {
        let failed = || Error::arrow::<datafusion::arrow::error::ArrowError>("writing rows to the log");
        let name = u8::try_from(self.table.len()).map_err(|_| Error::Definition {
            table: self.table.to_string(),
            reason: "the name has more than 255 bytes".to_owned(),
        })?;
        let mut body = Vec::with_capacity(self.batch.get_array_memory_size() + 1_024);
        body.push(name);
        body.extend_from_slice(self.table.as_bytes());
        body.extend_from_slice(&self.key.map_or([0; 16], |key| key.0));
        body.extend_from_slice(&self.received.to_le_bytes());
        let options = IpcWriteOptions::default();
        let mut schema = self.batch.schema();
        if let Some(mark) = &self.mark {
            schema = Arc::new(Schema::clone(&schema).with_metadata(mark.metadata()));
        }
        let mut writer = StreamWriter::try_new_with_options(&mut body, &schema, options).map_err(failed())?;
        writer.write(&self.batch).map_err(failed())?;
        writer.finish().map_err(failed())?;
        drop(writer);
        Ok(body)
    }

    /// `None` for bytes that are no record: they were written by another version.
    pub(crate) fn decode(body: &[u8]) -> Option<Record> {
        let length = usize::from(*body.first()?);
        let table = std::str::from_utf8(body.get(1..1 + length)?).ok()?;
        let rest = body.get(1 + length..)?;
        let key: [u8; 16] = rest.get(..16)?.try_into().ok()?;
        let received = i64::from_le_bytes(rest.get(16..24)?.try_into().ok()?);
        let mut batches = StreamReader::try_new(rest.get(24..)?, None).ok()?;
        let batch = batches.next()?.ok()?;
        let mark = Mark::of(&batch.schema());
        is_known(&batch.schema()).then(|| Record {
            table: table.into(),
            key: (key != [0; 16]).then_some(Key(key)),
            received,
            mark,
            batch,
        })
    }
}

/// Whether all columns have types that tables have.
fn is_known(schema: &Schema) -> bool {
    schema.fields().iter().all(|field| {
        let named = field.metadata().get(TYPE_KEY).and_then(|name| ScalarType::named(name));
        named.is_some_and(|scalar_type| data_type(scalar_type) == *field.data_type())
    })
}
