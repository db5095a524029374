//! How far the sources of rows were taken in.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::Schema;

/// Keys of a record's schema that say its mark.
const SOURCE: &str = "castellan.mark.source";
const OFFSET: &str = "castellan.mark.offset";

/// How far a source of rows was taken in: where the reader of a queue, or a schedule, goes on.
///
/// It is durable together with the rows that it comes with, in the log and then in the commit of their table, so a reader
/// that starts again from its mark adds nothing twice and leaves nothing out. A source has one reader at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What is read, such as a partition of a topic.
    pub source: Arc<str>,
    /// The last thing of it that is within.
    pub offset: i64,
}

impl Mark {
    pub(super) fn metadata(&self) -> HashMap<String, String> {
        let source = (SOURCE.to_owned(), self.source.to_string());
        HashMap::from([source, (OFFSET.to_owned(), self.offset.to_string())])
    }

    pub(super) fn of(schema: &Schema) -> Option<Mark> {
        let source = schema.metadata().get(SOURCE)?.as_str().into();
        Some(Mark { source, offset: schema.metadata().get(OFFSET)?.parse().ok()? })
    }
}
