//! What can go wrong, in words that say what to do.

use std::path::PathBuf;
use std::time::Duration;

/// Why the lake did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such table.
    #[error("there is no table `{name}`{}; custom tables end in `_CL` and are created before they are written to", similar(.nearest))]
    UnknownTable {
        /// The name that was given.
        name: String,
        /// A table with a similar name.
        nearest: Option<String>,
    },
    /// A table or a column cannot have this name or type.
    #[error("the table `{table}` cannot be defined so: {reason}")]
    Definition {
        /// The table.
        table: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The clock said something that cannot be.
    #[error(
        "the clock jumped by {seconds} s: no rows are removed by age until it has been steady for a while; set it right"
    )]
    Clock {
        /// By how much.
        seconds: i64,
    },
    /// A table that a query fills, and what is wrong with it.
    #[error("`{name}`: {reason}")]
    Derived {
        /// What it is called.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Rows cannot be chosen so.
    #[error("no rows of `{table}` can be chosen by this condition: {reason}")]
    Condition {
        /// The table.
        table: String,
        /// What is wrong.
        reason: String,
    },
    /// A column that exists was declared with another type.
    #[error(
        "the column `{column}` of `{table}` has the type {has} and cannot become {wanted}; add a column with another name"
    )]
    TypeChanged {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        has: &'static str,
        /// The type that it was to have.
        wanted: &'static str,
    },
    /// Rows that cannot be read.
    #[error("row {row}, byte {offset}: {reason}")]
    Rows {
        /// Which row, from 1.
        row: usize,
        /// Where in the text, in bytes.
        offset: usize,
        /// What is wrong.
        reason: String,
    },
    /// More than one call may bring.
    #[error("{what} has {size} bytes; at most {limit} are taken at once: send it in parts")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The most that is taken.
        limit: usize,
    },
    /// Nothing can be taken for now; nothing was kept of the call.
    #[error("{reason}; try again in {} s", .retry_after.as_secs())]
    Busy {
        /// Why.
        reason: String,
        /// When it may be worth trying.
        retry_after: Duration,
    },
    /// The storage did not do what it was asked.
    #[error("{}: {what}: {source}", .path.display())]
    Storage {
        /// What was tried.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Files are not as they were written.
    #[error("{}: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// Another process has the lake open for writing.
    #[error("{}: another process writes to this lake (its lock is held); stop it, or open the lake for reading", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The lake was opened for reading, or is being closed.
    #[error("{0}")]
    Closed(&'static str),
    /// The table's files could not be read or committed.
    #[error("{table}: {source}")]
    Delta {
        /// The table.
        table: String,
        /// What Delta Lake says.
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// Arrow or the query engine could not do what it was asked.
    #[error("{what}: {source}")]
    Arrow {
        /// What was tried.
        what: &'static str,
        /// What it says.
        source: Box<datafusion::error::DataFusionError>,
    },
}

fn similar(name: &Option<String>) -> String {
    name.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl Error {
    pub(crate) fn storage(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.into();
        move |source| Error::Storage { what, path, source }
    }

    pub(crate) fn delta(table: &str) -> impl FnOnce(deltalake_core::DeltaTableError) -> Error + use<> {
        let table = table.to_owned();
        move |source| Error::Delta { table, source: Box::new(source) }
    }

    pub(crate) fn arrow<E: Into<datafusion::error::DataFusionError>>(
        what: &'static str,
    ) -> impl FnOnce(E) -> Error + use<E> {
        move |source| Error::Arrow { what, source: Box::new(source.into()) }
    }
}
