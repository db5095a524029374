//! What can go wrong with a query.

use castellan_kql::{Diagnostic, Span};
use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;

/// An error with a code for programs, and its place in the query where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// A word for programs: `unknown-table`, `stopped`, `out-of-memory`, ...
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do instead; may be empty.
    pub help: String,
    /// Where in the query.
    pub span: Option<Span>,
}

impl Error {
    /// An error without a place.
    pub fn new(code: &'static str, message: impl Into<String>) -> Error {
        Error { code, message: message.into(), help: String::new(), span: None }
    }

    pub(crate) fn stopped(reason: String) -> Error {
        Error::new("stopped", reason)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if self.help.is_empty() { Ok(()) } else { write!(f, " ({})", self.help) }
    }
}

impl std::error::Error for Error {}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Error {
        let span = (diagnostic.span != Span::default()).then_some(diagnostic.span);
        Error { code: diagnostic.code, message: diagnostic.message, help: diagnostic.help, span }
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Error {
        DataFusionError::from(error).into()
    }
}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Error {
        if let DataFusionError::External(inner) = error.find_root()
            && let Some(own) = inner.downcast_ref::<Error>()
        {
            return own.clone();
        }
        match error.find_root() {
            DataFusionError::ResourcesExhausted(message) => Error {
                help: "aggregate or filter earlier, or allow more memory".to_owned(),
                ..Error::new("out-of-memory", message.clone())
            },
            root => Error::new("engine", root.strip_backtrace()),
        }
    }
}
